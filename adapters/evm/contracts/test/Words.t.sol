// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {Base} from "./Base.sol";

/// Whose word moves money how: own call, EIP-712 signature, EIP-1271 wallet.
contract WordsTest is Base {
    string private constant REDEEM_TO = "RedeemTo(uint256 slot,bytes32 commitment,address to)";
    address private constant ELSEWHERE = address(0xCAFE);

    function test_a_relayer_redeems_by_signature_and_keeps_the_fee() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        bytes memory word = redeemForWord(REDEEMER_KEY, it, stranger, 0.01 ether);
        vm.prank(stranger);
        lanes.redeemFor(PREIMAGE, it, 0.01 ether, word);
        vm.assertEq(redeemer.balance, 0.99 ether);
        vm.assertEq(stranger.balance, 0.01 ether);
    }

    function test_a_relayer_is_paid_in_the_token() public {
        HashLanes.Lock memory it = lockTokens(LANE, 5 ether, address(token));
        bytes memory word = redeemForWord(REDEEMER_KEY, it, stranger, 1 ether);
        vm.prank(stranger);
        lanes.redeemFor(PREIMAGE, it, 1 ether, word);
        vm.assertEq(token.balanceOf(redeemer), 4 ether);
        vm.assertEq(token.balanceOf(stranger), 1 ether);
    }

    function test_a_relayer_cannot_raise_its_fee_or_stand_in_for_another() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        bytes memory word = redeemForWord(REDEEMER_KEY, it, stranger, 0.01 ether);
        vm.prank(stranger);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemFor(PREIMAGE, it, 0.02 ether, word);
        vm.prank(ELSEWHERE);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemFor(PREIMAGE, it, 0.01 ether, word);
    }

    function test_a_fee_above_the_lock_is_refused() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        lockEth(LANE + 1, 1 ether);
        bytes memory word = redeemForWord(REDEEMER_KEY, it, stranger, 2 ether);
        vm.prank(stranger);
        vm.expectRevert(HashLanes.FeeTooHigh.selector);
        lanes.redeemFor(PREIMAGE, it, 2 ether, word);
    }

    function test_the_redeemer_names_another_receiver_by_own_call_or_signature() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.prank(redeemer);
        lanes.redeemTo(PREIMAGE, it, ELSEWHERE, "");
        vm.assertEq(ELSEWHERE.balance, 1 ether);
        lockEth(LANE, 1 ether);
        lanes.redeemTo(PREIMAGE, it, ELSEWHERE, toWord(REDEEM_TO, REDEEMER_KEY, it, ELSEWHERE));
        vm.assertEq(ELSEWHERE.balance, 2 ether);
    }

    function test_nobody_else_names_another_receiver() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.prank(stranger);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemTo(PREIMAGE, it, stranger, "");
        vm.prank(owner);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemTo(PREIMAGE, it, owner, "");
        bytes memory word = toWord(REDEEM_TO, REDEEMER_KEY, it, ELSEWHERE);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemTo(PREIMAGE, it, stranger, word);
        bytes memory owners = toWord(REDEEM_TO, OWNER_KEY, it, owner);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemTo(PREIMAGE, it, owner, owners);
    }

    function test_a_release_before_the_timelock_pays_the_owner_by_the_redeemers_call_or_signature() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.prank(redeemer);
        lanes.release(hashlock(), it, "");
        vm.assertEq(owner.balance, 1_000 ether);
        lockEth(LANE, 1 ether);
        bytes memory word = releaseWord(REDEEMER_KEY, it);
        vm.prank(stranger);
        lanes.release(hashlock(), it, word);
        vm.assertEq(owner.balance, 1_000 ether);
    }

    function test_nobody_but_the_redeemer_releases() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.prank(owner);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, "");
        bytes memory owners = releaseWord(OWNER_KEY, it);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, owners);
    }

    function test_a_release_does_not_open_another_lock() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        HashLanes.Lock memory other = lockEth(LANE + 1, 1 ether);
        bytes memory word = releaseWord(REDEEMER_KEY, it);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), other, word);
    }

    function test_one_kind_of_word_is_not_another() public {
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        bytes memory word = toWord("RefundTo(uint256 slot,bytes32 commitment,address to)", REDEEMER_KEY, it, stranger);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.redeemTo(PREIMAGE, it, stranger, word);
    }

    function test_a_smart_wallet_speaks_by_eip_1271() public {
        Wallet wallet = new Wallet();
        redeemer = address(wallet);
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, "no");
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, "short");
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, "revert");
        lanes.release(hashlock(), it, "yes");
        vm.assertEq(owner.balance, 1_000 ether);
    }

    /// ecrecover gives the zero address for a bad signature: it must not speak for a lock of redeemer zero.
    function test_a_broken_signature_speaks_for_nobody() public {
        redeemer = address(0);
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, new bytes(65));
    }

    function testFuzz_a_signature_of_any_other_key_or_length_is_refused(uint256 key, bytes calldata junk) public {
        key = (key % 1e30) + 1;
        vm.assume(key != REDEEMER_KEY);
        HashLanes.Lock memory it = lockEth(LANE, 1 ether);
        bytes memory word = releaseWord(key, it);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, word);
        vm.expectRevert(HashLanes.Unauthorised.selector);
        lanes.release(hashlock(), it, junk);
    }
}

contract Wallet {
    function isValidSignature(bytes32, bytes calldata signature) external pure returns (bytes4) {
        if (keccak256(signature) == keccak256("yes")) return 0x1626ba7e;
        if (keccak256(signature) == keccak256("revert")) revert();
        if (keccak256(signature) == keccak256("short")) {
            assembly ("memory-safe") {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        return 0xffffffff;
    }
}
