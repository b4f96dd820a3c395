// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";

contract LockTest is Base {
    function test_a_lock_stores_the_commitment_in_the_owners_lane() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.assertEq(held(it.slot), uint256(commitmentOf(hashlock(), it)));
        vm.assertEq(address(lanes).balance, 1 ether);
    }

    function test_a_token_lock_stores_the_commitment_and_takes_the_exact_amount() public {
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(token));
        vm.assertEq(held(it.slot), uint256(commitmentOf(hashlock(), it)));
        vm.assertEq(token.balanceOf(address(lanes)), 5 ether);
    }

    function test_a_busy_lane_refuses_a_second_lock() public {
        lockEth(LANE, 1 ether);
        bytes32 terms = termsOf(hashlock(), redeemer, T);
        vm.prank(owner);
        vm.expectRevert(HashLanes.LaneBusy.selector);
        lanes.lock{value: 1 ether}(LANE, terms);
        vm.prank(owner);
        vm.expectRevert(HashLanes.LaneBusy.selector);
        lanes.lockToken(LANE, terms, address(token), 1);
    }

    function test_nobody_can_occupy_anothers_lane() public {
        lockEth(LANE, 1 ether);
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        lanes.lock{value: 1}(LANE, bytes32(uint256(5)));
        vm.assertTrue(held(slotOf(stranger, LANE)) > 1, "the stranger has a lane of the same number");
        vm.assertTrue(held(slotOf(owner, LANE)) > 1, "and the owner still has its own");
    }

    function test_a_recycled_lane_keeps_the_value_one_and_can_be_locked_again() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(held(it.slot), 1);
        lockEth(LANE, 2 ether);
        vm.assertTrue(held(it.slot) > 1, "locked again");
    }

    function test_an_ephemeral_lane_is_zeroed_by_redeem_and_by_refund() public {
        HashLanes.Lock memory it = lockEth(EPHEMERAL_LANE, 1 ether);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(held(it.slot), 0);
        lockEth(EPHEMERAL_LANE, 1 ether);
        vm.warp(T);
        lanes.refund(hashlock(), it);
        vm.assertEq(held(it.slot), 0);
    }

    function test_a_lane_of_more_than_16_bits_is_refused() public {
        bytes memory call = abi.encodeWithSelector(HashLanes.lock.selector, uint256(65_541), bytes32(uint256(9)));
        vm.prank(owner);
        (bool ok,) = address(lanes).call{value: 1}(call);
        vm.assertTrue(!ok, "65541 would be lane 5 if masked");
    }

    function test_stray_ether_reverts() public {
        vm.deal(address(this), 2);
        (bool ok,) = address(lanes).call{value: 1}("");
        vm.assertTrue(!ok, "plain transfer");
        (ok,) = address(lanes).call{value: 1}(abi.encodeWithSelector(HashLanes.slots.selector, new uint256[](0)));
        vm.assertTrue(!ok, "with a call that takes no coins");
    }

    function test_slots_reads_many_at_once_and_in_order() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lanes.redeem(PREIMAGE, it);
        HashLanes.Lock memory other = lockEth(EPHEMERAL_LANE, 3);
        uint256[] memory which = new uint256[](3);
        (which[0], which[1], which[2]) = (it.slot, other.slot, slotOf(stranger, 1));
        bytes32[] memory values = lanes.slots(which);
        vm.assertEq(uint256(values[0]), 1);
        vm.assertEq(uint256(values[1]), uint256(commitmentOf(hashlock(), other)));
        vm.assertEq(uint256(values[2]), 0);
    }

    function test_a_wrong_chain_id_cannot_be_deployed_where_the_evm_can_tell() public {
        bool echoin = keccak256(bytes(vm.envOr("FOUNDRY_PROFILE", "default"))) == keccak256("echoin");
        try this.deployWith(CHAIN_ID + 1) {
            vm.assertTrue(echoin, "only the old EVM cannot know");
        } catch (bytes memory why) {
            vm.assertTrue(!echoin && bytes4(why) == HashLanes.WrongChain.selector, "WrongChain on a new EVM");
        }
    }

    function deployWith(uint256 chainId) external returns (address) {
        return deploy(chainId);
    }

    function testFuzz_a_lock_pays_exactly_its_redeemer(uint16 lane, uint96 amount, uint48 timelock, bool asToken) public {
        vm.deal(owner, amount);
        token.mint(owner, amount);
        address asset = asToken ? address(token) : ETH;
        HashLanes.Lock memory it = HashLanes.Lock(slotOf(owner, lane), redeemer, timelock, amount, asset);
        bytes32 terms = termsOf(hashlock(), redeemer, timelock);
        vm.prank(owner);
        if (asToken) lanes.lockToken(lane, terms, asset, amount);
        else lanes.lock{value: amount}(lane, terms);
        lanes.redeem(PREIMAGE, it);
        vm.assertEq(asToken ? token.balanceOf(redeemer) : redeemer.balance, amount);
        vm.assertEq(held(it.slot), lane >= 0x8000 ? 0 : 1);
    }
}
