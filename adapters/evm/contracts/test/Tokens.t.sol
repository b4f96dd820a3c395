// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";
import {FalseToken, FeeToken, NoReturnToken, TestToken} from "./tokens/Tokens.sol";

contract TokensTest is Base {
    function lockOf(address asset, bytes4 expected) private {
        bytes32 terms = termsOf(hashlock(), redeemer, T);
        vm.prank(owner);
        vm.expectRevert(expected);
        lanes.lockToken(LANE, terms, asset, 1 ether);
        vm.assertEq(held(slotOf(owner, LANE)), 0);
    }

    function test_a_token_that_returns_nothing_works() public {
        NoReturnToken quiet = new NoReturnToken();
        quiet.mint(owner, 5 ether);
        vm.prank(owner);
        quiet.approve(address(lanes), 5 ether);
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(quiet));
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(quiet.balanceOf(redeemer), 5 ether);
    }

    function test_a_token_that_keeps_a_fee_is_refused() public {
        FeeToken greedy = new FeeToken();
        greedy.mint(owner, 5 ether);
        vm.prank(owner);
        greedy.approve(address(lanes), 5 ether);
        lockOf(address(greedy), HashLanes.WrongAmountReceived.selector);
    }

    function test_a_token_that_gives_more_than_asked_is_refused() public {
        GenerousToken generous = new GenerousToken();
        generous.mint(owner, 5 ether);
        vm.prank(owner);
        generous.approve(address(lanes), 5 ether);
        lockOf(address(generous), HashLanes.WrongAmountReceived.selector);
    }

    function test_a_token_that_says_false_is_refused() public {
        lockOf(address(new FalseToken()), HashLanes.TransferFailed.selector);
    }

    function test_an_address_without_code_is_no_token() public {
        lockOf(address(0xDEAD), HashLanes.WrongAmountReceived.selector);
    }

    function test_the_zero_address_is_no_token() public {
        lockOf(address(0), HashLanes.WrongAmountReceived.selector);
    }

    function test_precompiles_are_no_tokens() public {
        for (uint160 i = 1; i < 10; ++i) {
            bytes32 terms = termsOf(hashlock(), redeemer, T);
            vm.prank(owner);
            (bool ok,) = address(lanes).call{gas: 500_000}(
                abi.encodeCall(HashLanes.lockToken, (LANE, terms, address(i), 1 ether))
            );
            vm.assertTrue(!ok, "no token");
        }
    }

    function test_a_lock_without_allowance_or_balance_is_refused() public {
        vm.prank(owner);
        token.approve(address(lanes), 1);
        lockOf(address(token), HashLanes.TransferFailed.selector);
        vm.prank(owner);
        token.approve(address(lanes), type(uint256).max);
        bytes32 terms = termsOf(hashlock(), redeemer, T);
        vm.prank(owner);
        vm.expectRevert(HashLanes.TransferFailed.selector);
        lanes.lockToken(LANE, terms, address(token), 1_001 ether);
    }

    function test_a_token_that_stops_paying_keeps_the_lock() public {
        PausableToken pausable = new PausableToken();
        pausable.mint(owner, 5 ether);
        vm.prank(owner);
        pausable.approve(address(lanes), 5 ether);
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(pausable));
        pausable.pause(1);
        vm.expectRevert(HashLanes.TransferFailed.selector);
        lanes.redeem(PREIMAGE, it);
        pausable.pause(2);
        vm.expectRevert(HashLanes.TransferFailed.selector);
        lanes.redeem(PREIMAGE, it);
        pausable.pause(0);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(pausable.balanceOf(redeemer), 5 ether);
    }

    function test_a_token_whose_code_is_gone_pays_nobody_and_keeps_the_lock() public {
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(token));
        vm.etch(address(token), "");
        vm.expectRevert(HashLanes.TransferFailed.selector);
        lanes.redeem(PREIMAGE, it);
        vm.assertTrue(held(it.slot) > 1, "still locked");
    }

    /// ERC-777-like: the owner is called while its tokens are pulled, and locks the same token once more. With
    /// a token that keeps a fee the two pulls could add up to the outer amount and be counted twice.
    function test_a_nested_lock_of_the_same_token_is_refused() public {
        HookedToken hooked = new HookedToken();
        NestingOwner nesting = new NestingOwner(lanes, hooked);
        hooked.mint(address(nesting), 10 ether);
        nesting.lockTwice(address(hooked));
        vm.assertTrue(nesting.refused(), "TokenBusy");
        vm.assertTrue(held(slotOf(address(nesting), 1)) > 1, "the outer lock stands");
        vm.assertEq(held(slotOf(address(nesting), 2)), 0);
        vm.assertEq(hooked.balanceOf(address(lanes)), 1 ether);
        nesting.lockAgain(address(hooked));
        vm.assertEq(hooked.balanceOf(address(lanes)), 2 ether);
    }

    function test_a_nested_lock_of_another_token_is_fine() public {
        HookedToken hooked = new HookedToken();
        NestingOwner nesting = new NestingOwner(lanes, hooked);
        hooked.mint(address(nesting), 10 ether);
        token.mint(address(nesting), 10 ether);
        nesting.lockTwice(address(token));
        vm.assertTrue(!nesting.refused(), "both stand");
        vm.assertEq(hooked.balanceOf(address(lanes)), 1 ether);
        vm.assertEq(token.balanceOf(address(lanes)), 1 ether);
    }

    /// In the hook, the owner redeems the lock that is being made, out of what others have locked.
    function test_a_redeem_inside_the_pull_cannot_take_what_is_others() public {
        HookedToken hooked = new HookedToken();
        hooked.mint(owner, 5 ether);
        vm.prank(owner);
        hooked.approve(address(lanes), 5 ether);
        lockTokens(LANE, 5 ether, address(hooked));
        EagerOwner eager = new EagerOwner(lanes, hooked, PREIMAGE);
        hooked.mint(address(eager), 1 ether);
        vm.expectRevert(HashLanes.WrongAmountReceived.selector);
        eager.lockAndRedeem();
        vm.assertEq(hooked.balanceOf(address(lanes)), 5 ether);
    }
}

contract GenerousToken is TestToken {
    function _move(address from, address to, uint256 amount) internal override {
        balanceOf[from] -= amount;
        balanceOf[to] += amount + 1;
    }
}

contract PausableToken is TestToken {
    uint256 private mode;

    function pause(uint256 how) external {
        mode = how;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        if (mode == 1) revert("paused");
        if (mode == 2) return false;
        _move(msg.sender, to, amount);
        return true;
    }
}

interface Hook {
    function tokensToSend() external;
}

/// Calls a sender that is a contract before it moves anything out of it.
contract HookedToken is TestToken {
    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _spend(from, amount);
        if (from.code.length != 0) Hook(from).tokensToSend();
        _move(from, to, amount);
        return true;
    }
}

contract NestingOwner is Hook {
    HashLanes private lanes;
    HookedToken private hooked;
    address private inner;
    bool public refused;

    constructor(HashLanes contract_, HookedToken token) {
        (lanes, hooked) = (contract_, token);
        token.approve(address(contract_), type(uint256).max);
    }

    function lockTwice(address innerToken) external {
        inner = innerToken;
        TestToken(innerToken).approve(address(lanes), type(uint256).max);
        lanes.lockToken(1, keccak256("outer"), address(hooked), 1 ether);
    }

    function lockAgain(address innerToken) external {
        inner = address(0);
        lanes.lockToken(2, keccak256("again"), innerToken, 1 ether);
    }

    function tokensToSend() external {
        if (inner == address(0)) return;
        address asset = inner;
        inner = address(0);
        try lanes.lockToken(2, keccak256("inner"), asset, 1 ether) {}
        catch (bytes memory why) {
            refused = bytes4(why) == HashLanes.TokenBusy.selector;
        }
    }
}

contract EagerOwner is Hook {
    HashLanes private lanes;
    HookedToken private hooked;
    bytes32 private preimage;
    HashLanes.Lock private it;

    constructor(HashLanes contract_, HookedToken token, bytes32 p) {
        (lanes, hooked, preimage) = (contract_, token, p);
        token.approve(address(contract_), type(uint256).max);
        it = HashLanes.Lock((uint256(uint160(address(this))) << 96) | 1, address(this), 1, 1 ether, address(token));
    }

    function lockAndRedeem() external {
        bytes32 terms = keccak256(abi.encode(sha256(abi.encodePacked(preimage)), it.redeemer, it.timelock));
        lanes.lockToken(1, terms, address(hooked), 1 ether);
    }

    function tokensToSend() external {
        lanes.redeem(preimage, it);
    }
}
