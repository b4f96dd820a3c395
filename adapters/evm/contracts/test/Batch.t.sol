// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";

contract BatchTest is Base {
    uint256 private constant N = 32;

    function preimage(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("batch", i));
    }

    function amount(uint256 i) private pure returns (uint256) {
        return 1 ether + i;
    }

    function newLocks() private view returns (HashLanes.NewLock[] memory locks, uint256 sum) {
        locks = new HashLanes.NewLock[](N);
        for (uint256 i; i < N; ++i) {
            bytes32 terms = termsOf(sha256(abi.encodePacked(preimage(i))), redeemer, T);
            locks[i] = HashLanes.NewLock(terms, (i << 240) | amount(i));
            sum += amount(i);
        }
    }

    function redemptions() private view returns (HashLanes.Redemption[] memory items) {
        items = new HashLanes.Redemption[](N);
        for (uint256 i; i < N; ++i) {
            items[i] = HashLanes.Redemption(preimage(i), slotOf(owner, uint16(i)), T, amount(i));
        }
    }

    function lockAll() private returns (uint256 sum) {
        HashLanes.NewLock[] memory locks;
        (locks, sum) = newLocks();
        vm.prank(owner);
        lanes.lockBatch{value: sum}(locks);
    }

    function test_a_batch_of_32_is_locked_and_redeemed_for_its_sum() public {
        uint256 sum = lockAll();
        vm.prank(stranger);
        lanes.redeemBatch(ETH, redeemer, redemptions());
        vm.assertEq(redeemer.balance, sum);
        vm.assertEq(address(lanes).balance, 0);
    }

    function test_a_token_batch_is_locked_and_redeemed_for_its_sum() public {
        (HashLanes.NewLock[] memory locks, uint256 sum) = newLocks();
        vm.prank(owner);
        lanes.lockTokenBatch(address(token), locks);
        vm.assertEq(token.balanceOf(address(lanes)), sum);
        lanes.redeemBatch(address(token), redeemer, redemptions());
        vm.assertEq(token.balanceOf(redeemer), sum);
    }

    function test_one_item_redeemed_in_front_does_not_stop_the_other_31() public {
        uint256 sum = lockAll();
        HashLanes.Lock memory taken = HashLanes.Lock(slotOf(owner, 5), redeemer, T, amount(5), ETH);
        vm.prank(owner);
        lanes.redeem(preimage(5), taken);
        vm.recordLogs();
        lanes.redeemBatch(ETH, redeemer, redemptions());
        vm.assertEq(redeemer.balance, sum);
        vm.assertEq(vm.getRecordedLogs().length, N - 1);
    }

    function test_one_item_refunded_in_front_does_not_stop_the_other_31() public {
        uint256 sum = lockAll();
        vm.warp(T);
        HashLanes.Lock memory gone = HashLanes.Lock(slotOf(owner, 5), redeemer, T, amount(5), ETH);
        lanes.refund(sha256(abi.encodePacked(preimage(5))), gone);
        lanes.redeemBatch(ETH, redeemer, redemptions());
        vm.assertEq(redeemer.balance, sum - amount(5));
    }

    function test_an_item_given_twice_is_paid_once() public {
        uint256 sum = lockAll();
        HashLanes.Redemption[] memory items = redemptions();
        items[1] = items[0];
        lanes.redeemBatch(ETH, redeemer, items);
        vm.assertEq(redeemer.balance, sum - amount(1));
    }

    function test_a_batch_that_takes_nothing_reverts() public {
        lockAll();
        HashLanes.Redemption[] memory items = redemptions();
        lanes.redeemBatch(ETH, redeemer, items);
        vm.expectRevert(HashLanes.NothingRedeemed.selector);
        lanes.redeemBatch(ETH, redeemer, items);
        vm.expectRevert(HashLanes.NothingRedeemed.selector);
        lanes.redeemBatch(ETH, redeemer, new HashLanes.Redemption[](0));
    }

    function test_a_batch_pays_nobody_but_the_redeemer_of_its_locks() public {
        lockAll();
        vm.prank(stranger);
        vm.expectRevert(HashLanes.NothingRedeemed.selector);
        lanes.redeemBatch(ETH, stranger, redemptions());
        vm.expectRevert(HashLanes.NothingRedeemed.selector);
        lanes.redeemBatch(address(token), redeemer, redemptions());
    }

    function test_a_batch_lock_needs_the_exact_sum() public {
        (HashLanes.NewLock[] memory locks, uint256 sum) = newLocks();
        vm.prank(owner);
        vm.expectRevert(HashLanes.WrongValue.selector);
        lanes.lockBatch{value: sum - 1}(locks);
        vm.prank(owner);
        vm.expectRevert(HashLanes.WrongValue.selector);
        lanes.lockBatch{value: sum + 1}(locks);
    }

    function test_a_batch_lock_refuses_the_same_lane_twice() public {
        (HashLanes.NewLock[] memory locks, uint256 sum) = newLocks();
        locks[1].laneAndAmount = (uint256(0) << 240) | amount(1);
        vm.prank(owner);
        vm.expectRevert(HashLanes.LaneBusy.selector);
        lanes.lockBatch{value: sum}(locks);
    }

    function testFuzz_a_batch_lock_is_never_worth_more_than_was_paid(uint240 a, uint240 b, uint96 paid) public {
        HashLanes.NewLock[] memory locks = new HashLanes.NewLock[](2);
        locks[0] = HashLanes.NewLock(bytes32(uint256(2)), (uint256(1) << 240) | a);
        locks[1] = HashLanes.NewLock(bytes32(uint256(2)), (uint256(2) << 240) | b);
        vm.deal(owner, paid);
        vm.prank(owner);
        if (uint256(a) + b != paid) vm.expectRevert(HashLanes.WrongValue.selector);
        lanes.lockBatch{value: paid}(locks);
    }
}
