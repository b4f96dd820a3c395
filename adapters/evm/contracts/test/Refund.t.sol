// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";

contract RefundTest is Base {
    event Returned(uint256 indexed slot);

    function test_one_second_before_the_timelock_a_refund_is_too_early() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.warp(T - 1);
        vm.expectRevert(HashLanes.TooEarly.selector);
        lanes.refund(hashlock(), it);
        vm.prank(owner);
        vm.expectRevert(HashLanes.TooEarly.selector);
        lanes.refundTo(hashlock(), it, owner, "");
    }

    function test_at_the_timelock_anyone_may_refund_and_the_owner_is_paid() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.warp(T);
        vm.prank(stranger);
        lanes.refund(hashlock(), it);
        vm.assertEq(owner.balance, 1_000 ether);
        vm.assertEq(stranger.balance, 0);
        vm.assertEq(held(it.slot), 1);
    }

    function test_one_second_after_the_timelock_tokens_go_back_to_the_owner() public {
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(token));
        vm.warp(T + 1);
        vm.prank(stranger);
        lanes.refund(hashlock(), it);
        vm.assertEq(token.balanceOf(owner), 1_000 ether);
    }

    function test_a_refund_tells_the_slot() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.warp(T);
        vm.expectEmit(true, false, false, true, address(lanes));
        emit Returned(it.slot);
        lanes.refund(hashlock(), it);
    }

    function test_a_refund_happens_once() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lockEth(LANE + 1, 1 ether);
        vm.warp(T);
        lanes.refund(hashlock(), it);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.refund(hashlock(), it);
    }

    function test_an_earlier_timelock_cannot_be_pretended() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        it.timelock = uint48(block.timestamp);
        vm.expectRevert(HashLanes.NoSuchLock.selector);
        lanes.refund(hashlock(), it);
    }

    function test_a_refund_to_another_receiver_needs_the_owners_word() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.warp(T);
        vm.prank(stranger);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.refundTo(hashlock(), it, stranger, "");
        vm.prank(redeemer);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.refundTo(hashlock(), it, redeemer, "");
        vm.prank(owner);
        lanes.refundTo(hashlock(), it, address(0xCAFE), "");
        vm.assertEq(address(0xCAFE).balance, 1 ether);
    }

    function test_a_refund_to_another_receiver_works_by_the_owners_signature() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.warp(T);
        string memory kind = "RefundTo(uint256 slot,bytes32 commitment,address to)";
        bytes memory word = toWord(kind, OWNER_KEY, it, address(0xCAFE));
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.refundTo(hashlock(), it, stranger, word);
        bytes memory notTheOwners = toWord(kind, REDEEMER_KEY, it, address(0xCAFE));
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.refundTo(hashlock(), it, address(0xCAFE), notTheOwners);
        lanes.refundTo(hashlock(), it, address(0xCAFE), word);
        vm.assertEq(address(0xCAFE).balance, 1 ether);
    }

    function testFuzz_refund_iff_now_is_at_least_the_timelock(uint48 timelock, uint48 now_) public {
        vm.prank(owner);
        lanes.lock{value: 1 ether}(LANE, termsOf(hashlock(), redeemer, timelock));
        vm.warp(now_);
        HashLanes.Lock memory it = HashLanes.Lock(slotOf(owner, LANE), redeemer, timelock, 1 ether, ETH);
        if (now_ < timelock) vm.expectRevert(HashLanes.TooEarly.selector);
        lanes.refund(hashlock(), it);
        vm.assertEq(owner.balance, now_ < timelock ? 999 ether : 1_000 ether);
    }
}
