// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";
import {TestToken} from "./tokens/Tokens.sol";
import {Vm} from "./Vm.sol";

/// Random locks, redeems, refunds and releases by three owners; a model of who is owed what beside it.
contract Actor {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct Open {
        bytes32 preimage;
        HashLanes.Lock it;
    }

    HashLanes private lanes;
    TestToken private token;
    Open[] private open;
    /// What the contract owes, and what each account should have got out of it: by asset (zero is ETH).
    mapping(address => uint256) public owed;
    mapping(address => mapping(address => uint256)) public due;
    uint256 private count;
    uint256 public settled;

    constructor(HashLanes contract_, TestToken t) {
        (lanes, token) = (contract_, t);
    }

    function ownerOf(uint256 i) public pure returns (address) {
        return address(uint160(0x1000 + (i % 3)));
    }

    function redeemerOf(uint256 i) public pure returns (address) {
        return address(uint160(0x2000 + (i % 3)));
    }

    function newLock(uint256 who, uint16 lane, uint64 amount, uint16 seconds_, bool asToken) external {
        lane = (lane % 4) | (lane & 0x8000); // few lanes, so that they meet
        address owner = ownerOf(who);
        bytes32 preimage = keccak256(abi.encode(++count));
        address asset = asToken ? address(token) : address(0);
        uint256 slot = (uint256(uint160(owner)) << 96) | lane;
        Open memory o = Open(
            preimage,
            HashLanes.Lock(slot, redeemerOf(who >> 8), uint48(block.timestamp + seconds_), amount, asset)
        );
        bytes32 terms =
            keccak256(abi.encode(sha256(abi.encodePacked(preimage)), o.it.redeemer, o.it.timelock));
        bool busy = isBusy(slot);
        if (asToken) {
            token.mint(owner, amount);
            vm.startPrank(owner);
            token.approve(address(lanes), type(uint256).max);
            try lanes.lockToken(lane, terms, asset, amount) {} catch {
                require(busy, "lock refused");
                busy = false;
                o.preimage = 0;
            }
        } else {
            vm.deal(owner, owner.balance + amount);
            vm.startPrank(owner);
            try lanes.lock{value: amount}(lane, terms) {} catch {
                require(busy, "lock refused");
                busy = false;
                o.preimage = 0;
            }
        }
        vm.stopPrank();
        require(!busy, "two locks in one lane");
        if (o.preimage == 0) {
            due[owner][asset] += amount; // minted for nothing: stays with the owner
            return;
        }
        open.push(o);
        owed[asset] += amount;
    }

    function redeem(uint256 which, address caller) external {
        if (open.length == 0) return;
        Open memory o = open[which % open.length];
        vm.assume(uint160(caller) > 0xffff);
        vm.prank(caller);
        lanes.redeem(o.preimage, o.it);
        settle(which, o.it.redeemer);
    }

    function refund(uint256 which, address caller, uint16 later) external {
        if (open.length == 0) return;
        Open memory o = open[which % open.length];
        vm.assume(uint160(caller) > 0xffff);
        vm.warp(block.timestamp + later);
        bytes32 h = sha256(abi.encodePacked(o.preimage));
        vm.prank(caller);
        try lanes.refund(h, o.it) {
            require(block.timestamp >= o.it.timelock, "refunded early");
            settle(which, address(uint160(o.it.slot >> 96)));
        } catch {
            require(block.timestamp < o.it.timelock, "refund refused");
        }
    }

    function release(uint256 which) external {
        if (open.length == 0) return;
        Open memory o = open[which % open.length];
        bytes32 h = sha256(abi.encodePacked(o.preimage));
        vm.prank(o.it.redeemer);
        lanes.release(h, o.it, "");
        settle(which, address(uint160(o.it.slot >> 96)));
    }

    function steal(uint256 which, bytes32 guess, address thief) external {
        if (open.length == 0) return;
        Open memory o = open[which % open.length];
        vm.assume(thief != o.it.redeemer && guess != o.preimage);
        o.it.redeemer = thief;
        vm.prank(thief);
        try lanes.redeem(o.preimage, o.it) {
            require(false, "stolen");
        } catch {}
        vm.prank(thief);
        try lanes.release(sha256(abi.encodePacked(o.preimage)), o.it, "") {
            require(false, "released by a stranger");
        } catch {}
        o.it.redeemer = open[which % open.length].it.redeemer;
        vm.prank(thief);
        try lanes.redeem(guess, o.it) {
            require(false, "guessed");
        } catch {}
    }

    function isBusy(uint256 slot) private view returns (bool) {
        for (uint256 i; i < open.length; ++i) {
            if (open[i].it.slot == slot) return true;
        }
        return false;
    }

    function settle(uint256 which, address payee) private {
        uint256 i = which % open.length;
        HashLanes.Lock memory it = open[i].it;
        owed[it.token] -= it.amount;
        due[payee][it.token] += it.amount;
        open[i] = open[open.length - 1];
        open.pop();
        ++settled;
    }
}

contract InvariantTest is Base {
    Actor private actor;

    function setUp() public override {
        super.setUp();
        actor = new Actor(lanes, token);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function invariant_the_contract_holds_exactly_what_it_owes() external view {
        vm.assertEq(address(lanes).balance, actor.owed(ETH));
        vm.assertEq(token.balanceOf(address(lanes)), actor.owed(address(token)));
    }

    function invariant_nobody_but_redeemers_and_owners_gains() external view {
        for (uint256 i; i < 3; ++i) {
            paid(actor.ownerOf(i));
            paid(actor.redeemerOf(i));
        }
    }

    function paid(address who) private view {
        vm.assertEq(who.balance, actor.due(who, ETH));
        vm.assertEq(token.balanceOf(who), actor.due(who, address(token)));
    }
}
