// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";

contract RedeemTest is Base {
    event Redeemed(uint256 indexed slot, bytes32 preimage);

    function test_anyone_may_redeem_and_the_redeemer_is_paid() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.prank(stranger);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(redeemer.balance, 1 ether);
        vm.assertEq(stranger.balance, 0);
    }

    function test_anyone_may_redeem_tokens_and_the_redeemer_is_paid() public {
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(token));
        vm.prank(stranger);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(token.balanceOf(redeemer), 5 ether);
    }

    function test_a_redeem_tells_the_slot_and_the_preimage() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.expectEmit(true, false, false, true, address(lanes));
        emit Redeemed(it.slot, PREIMAGE);
        lanes.redeem(PREIMAGE, it);
    }

    function test_a_wrong_preimage_finds_no_lock() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.redeem(keccak256("another"), it);
    }

    function test_a_thief_cannot_name_itself_as_redeemer() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        it.redeemer = stranger;
        vm.prank(stranger);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.redeem(PREIMAGE, it);
    }

    function test_every_term_is_part_of_the_commitment() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lockTokens(LANE + 1, 1 ether, address(token));
        HashLanes.Lock[4] memory wrong;
        for (uint256 i; i < 4; ++i) wrong[i] = theLock(LANE, 1 ether, ETH);
        wrong[0].slot = slotOf(owner, LANE + 1);
        wrong[1].timelock = T + 1;
        wrong[2].amount = 2 ether;
        wrong[3].token = address(token);
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(HashLanes.NoSuchLock.selector);
            lanes.redeem(PREIMAGE, wrong[i]);
        }
        lanes.redeem(PREIMAGE, it);
    }

    function test_a_lock_is_redeemed_once() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lockEth(LANE + 1, 1 ether);
        lanes.redeem(PREIMAGE, it);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.redeem(PREIMAGE, it);
    }

    function test_a_redeem_stays_possible_after_the_timelock_until_the_refund() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        HashLanes.Lock memory other = lockEth(LANE + 1, 1 ether);
        vm.warp(T + 1000);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(redeemer.balance, 1 ether);
        lanes.refund(hashlock(), other);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.redeem(PREIMAGE, other);
    }

    function test_a_payee_that_refuses_coins_reverts_the_redeem_and_keeps_the_lock() public {
        vm.etch(redeemer, hex"5f5ffd5b"); // reverts; on an EVM without PUSH0 it fails as an invalid opcode
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.expectRevert(HashLanes.TransferFailed.selector);
        lanes.redeem(PREIMAGE, it);
        vm.assertTrue(held(it.slot) > 1, "still locked");
    }

    function test_a_payee_gets_all_the_gas() public {
        HungryWallet wallet = new HungryWallet();
        redeemer = address(wallet);
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(wallet.received(), 1 ether);
    }

    function test_a_payee_that_calls_back_finds_nothing_left() public {
        ReentrantWallet thief = new ReentrantWallet(lanes);
        redeemer = address(thief);
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lockEth(LANE + 1, 1 ether);
        thief.prepare(PREIMAGE, hashlock(), it);
        vm.warp(T);
        lanes.redeem(PREIMAGE, it);
        vm.assertTrue(thief.tried(), "it did call back");
        vm.assertEq(address(thief).balance, 1 ether);
        vm.assertEq(address(lanes).balance, 1 ether);
    }

    function testFuzz_only_the_preimage_opens(bytes32 guess) public {
        vm.assume(guess != PREIMAGE);
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.redeem(guess, it);
    }

    /// Calldata that is longer or shorter cannot smuggle in a preimage of another length.
    function test_a_preimage_is_exactly_one_word() public {
        bytes32 h = sha256(abi.encodePacked(PREIMAGE, uint8(1)));
        vm.prank(owner);
        lanes.lock{value: 1 ether}(LANE, termsOf(h, redeemer, T));
        HashLanes.Lock memory it = theLock(LANE, 1 ether, ETH);
        bytes memory call = abi.encodePacked(abi.encodeWithSelector(HashLanes.redeem.selector, PREIMAGE, it), uint8(1));
        (bool ok,) = address(lanes).call(call);
        vm.assertTrue(!ok, "33 bytes");
    }
}

contract HungryWallet {
    uint256 public received;
    mapping(uint256 => uint256) private log;

    receive() external payable {
        received += msg.value;
        for (uint256 i; i < 4; ++i) log[i] = msg.value; // far more than 2,300 gas
    }
}

contract ReentrantWallet {
    HashLanes private lanes;
    bytes32 private preimage;
    bytes32 private hashlock;
    HashLanes.Lock private it;
    bool public tried;

    constructor(HashLanes contract_) {
        lanes = contract_;
    }

    function prepare(bytes32 p, bytes32 h, HashLanes.Lock calldata l) external {
        (preimage, hashlock, it) = (p, h, l);
    }

    receive() external payable {
        tried = true;
        HashLanes.Redemption[] memory items = new HashLanes.Redemption[](1);
        items[0] = HashLanes.Redemption(preimage, it.slot, it.timelock, it.amount);
        bytes[6] memory calls = [
            abi.encodeCall(HashLanes.redeem, (preimage, it)),
            abi.encodeCall(HashLanes.redeemTo, (preimage, it, address(this), "")),
            abi.encodeCall(HashLanes.redeemBatch, (address(0), address(this), items)),
            abi.encodeCall(HashLanes.refund, (hashlock, it)),
            abi.encodeCall(HashLanes.refundTo, (hashlock, it, address(this), "")),
            abi.encodeCall(HashLanes.release, (hashlock, it, ""))
        ];
        for (uint256 i; i < calls.length; ++i) {
            (bool ok,) = address(lanes).call(calls[i]);
            require(!ok, "took it twice");
        }
    }
}
