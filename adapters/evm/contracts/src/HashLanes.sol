// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Guard} from "@guard/Guard.sol";

/// Hash time-locked contracts for ETH and every ERC-20, without owner, admin or fee.
///
/// A lock sits in a *lane* of its owner: storage slot `owner << 96 | lane`. It holds one word:
///
///     commitment = keccak256(terms, amount, token)      token 0 is the chain's own coin
///     terms      = keccak256(hashlock, redeemer, timelock)
///
/// A slot's value is 0 (never used), 1 (free, and already paid for) or a commitment. A lane below 0x8000 is
/// left at 1 when it is settled, so that its next lock is cheap; a lane from 0x8000 is ephemeral: back to 0.
///
/// Rules:
///  1. Whoever shows the preimage moves the money to the redeemer, and to nobody else.
///  2. At `timelock` and later anyone may return the money to the owner, and to nobody else.
///  3. A redeem stays possible until a refund is mined: there is no moment in which nobody can act.
///  4. Only by the redeemer's word (own call, EIP-712 or EIP-1271) may money go elsewhere than rule 1 says,
///     or back to the owner before the timelock. Only by the owner's word elsewhere than rule 2 says.
///  5. A slot is cleared before anything is called: whoever is called finds nothing left to take twice.
///
/// What a caller must know: a lock under a wrong `terms` hash can never be opened, neither way. And the owner
/// of a lane is `msg.sender`, so nobody can occupy another's lane.
contract HashLanes {
    /// A lock as its owner made it, without the hashlock. The last two pairs of words are hashed in place.
    struct Lock {
        uint256 slot;
        address redeemer;
        uint48 timelock;
        uint256 amount;
        address token;
    }

    /// `laneAndAmount` = lane << 240 | amount.
    struct NewLock {
        bytes32 terms;
        uint256 laneAndAmount;
    }

    struct Redemption {
        bytes32 preimage;
        uint256 slot;
        uint48 timelock;
        uint256 amount;
    }

    /// The only two things the contract ever tells. `slot` names one lock: two legs may share a hashlock.
    event Redeemed(uint256 indexed slot, bytes32 preimage);
    event Returned(uint256 indexed slot);

    /// The constructor's chain id is not this chain's.
    error WrongChain();
    /// The lane holds a lock. (Also the second of two equal lanes in a batch.)
    error LaneBusy();
    /// The slot does not hold this lock: wrong preimage, wrong terms, or already settled.
    error NoSuchLock();
    /// The timelock has not been reached.
    error TooEarly();
    /// The coins sent are not the sum of the batch.
    error WrongValue();
    /// The token moved another amount than asked (fee on transfer, rebasing), or is not a token.
    error WrongAmountReceived();
    /// A lock of this token is already being pulled in, further up the call stack.
    error TokenBusy();
    /// The payee refused the coins, or the token refused the transfer.
    error TransferFailed();
    /// Not the word of the one who alone may say this.
    error Unauthorised();
    /// The relayer's fee is more than the lock.
    error FeeTooHigh();
    /// No item of the batch was there to redeem.
    error NothingRedeemed();
    /// The SHA-256 precompile failed (out of gas).
    error HashFailed();

    uint256 private constant FREE = 1;
    uint256 private constant EPHEMERAL = 0x8000;

    bytes32 private constant REDEEM_FOR =
        keccak256("RedeemFor(uint256 slot,bytes32 commitment,address relayer,uint256 fee)");
    bytes32 private constant REDEEM_TO = keccak256("RedeemTo(uint256 slot,bytes32 commitment,address to)");
    bytes32 private constant REFUND_TO = keccak256("RefundTo(uint256 slot,bytes32 commitment,address to)");
    bytes32 private constant RELEASE = keccak256("Release(uint256 slot,bytes32 commitment)");

    bytes32 private immutable DOMAIN;

    /// `chainId` is an argument because older EVMs have no opcode for it. It only enters the EIP-712 domain.
    constructor(uint256 chainId) {
        if (!Guard.isThisChain(chainId)) revert WrongChain();
        DOMAIN = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("HashLanes"),
                keccak256("1"),
                chainId,
                address(this)
            )
        );
    }

    // ------------------------------------------------------------------------------------------- lock

    /// Locks `msg.value` in one of the caller's lanes.
    function lock(uint16 lane, bytes32 terms) external payable {
        _occupy(lane, _commit(terms, msg.value, address(0)));
    }

    /// Locks `amount` of `token`, which the caller must have approved.
    function lockToken(uint16 lane, bytes32 terms, address token, uint256 amount) external {
        _occupy(lane, _commit(terms, amount, token));
        _pull(token, amount);
    }

    /// Locks many amounts of coins. `msg.value` must be their exact sum.
    function lockBatch(NewLock[] calldata locks) external payable {
        if (_occupyAll(address(0), locks) != msg.value) revert WrongValue();
    }

    /// Locks many amounts of one token with one transfer.
    function lockTokenBatch(address token, NewLock[] calldata locks) external {
        _pull(token, _occupyAll(token, locks));
    }

    // ----------------------------------------------------------------------------------------- redeem

    /// Anyone who knows the preimage pays the redeemer.
    function redeem(bytes32 preimage, Lock calldata it) external {
        _redeemed(preimage, it);
        address token;
        address redeemer;
        // Raw words: the commitment was compared over all their bits, a check of the upper ones adds nothing.
        assembly ("memory-safe") {
            token := calldataload(add(it, 0x80))
            redeemer := calldataload(add(it, 0x20))
        }
        _pay(token, redeemer, it.amount);
    }

    /// Redeems all of one redeemer's locks of one token that are still there and skips the others: whoever
    /// takes one of them in front of us cannot stop the rest.
    function redeemBatch(address token, address redeemer, Redemption[] calldata items) external {
        uint256 sum;
        bool any;
        for (uint256 i; i < items.length; ++i) {
            Redemption calldata item = items[i];
            bytes32 hashlock = _sha256(item.preimage);
            bytes32 terms;
            assembly ("memory-safe") {
                let free := mload(0x40)
                mstore(free, hashlock)
                mstore(add(free, 0x20), redeemer)
                mstore(add(free, 0x40), calldataload(add(item, 0x40))) // item.timelock
                terms := keccak256(free, 0x60)
            }
            if (_clear(item.slot, _commit(terms, item.amount, token))) {
                emit Redeemed(item.slot, item.preimage);
                sum += item.amount;
                any = true;
            }
        }
        if (!any) revert NothingRedeemed();
        _pay(token, redeemer, sum);
    }

    /// Redeem without own gas: the redeemer signed that the caller may keep `fee` of it.
    function redeemFor(bytes32 preimage, Lock calldata it, uint256 fee, bytes calldata signature) external {
        bytes32 commitment = _redeemed(preimage, it);
        if (fee > it.amount) revert FeeTooHigh();
        bytes32 message = _hash5(REDEEM_FOR, it.slot, commitment, uint256(uint160(msg.sender)), fee);
        _requireSigned(it.redeemer, message, signature);
        _pay(it.token, it.redeemer, it.amount - fee);
        _pay(it.token, msg.sender, fee);
    }

    /// Redeem to another receiver, by the redeemer's own call (`signature` is ignored) or signature.
    function redeemTo(bytes32 preimage, Lock calldata it, address to, bytes calldata signature) external {
        bytes32 commitment = _redeemed(preimage, it);
        _requireWord(it.redeemer, _hash4(REDEEM_TO, it.slot, commitment, uint256(uint160(to))), signature);
        _pay(it.token, to, it.amount);
    }

    // ----------------------------------------------------------------------------------------- refund

    /// Anyone pays the owner back, at the timelock and later.
    function refund(bytes32 hashlock, Lock calldata it) external {
        if (block.timestamp < it.timelock) revert TooEarly();
        _returned(hashlock, it);
        _pay(it.token, _owner(it.slot), it.amount);
    }

    /// Refund to another receiver, by the owner's own call (`signature` is ignored) or signature.
    function refundTo(bytes32 hashlock, Lock calldata it, address to, bytes calldata signature) external {
        if (block.timestamp < it.timelock) revert TooEarly();
        bytes32 commitment = _returned(hashlock, it);
        _requireWord(_owner(it.slot), _hash4(REFUND_TO, it.slot, commitment, uint256(uint160(to))), signature);
        _pay(it.token, to, it.amount);
    }

    /// Pays the owner back before the timelock: the redeemer gives up, by own call or signature.
    function release(bytes32 hashlock, Lock calldata it, bytes calldata signature) external {
        bytes32 commitment = _returned(hashlock, it);
        _requireWord(it.redeemer, _hash3(RELEASE, it.slot, commitment), signature);
        _pay(it.token, _owner(it.slot), it.amount);
    }

    // ------------------------------------------------------------------------------------------- view

    /// The values of many slots: 0 or 1 is free, everything else is a commitment.
    function slots(uint256[] calldata which) external view returns (bytes32[] memory values) {
        values = new bytes32[](which.length);
        for (uint256 i; i < which.length; ++i) {
            uint256 slot = which[i];
            bytes32 value;
            assembly ("memory-safe") {
                value := sload(slot)
            }
            values[i] = value;
        }
    }

    // ------------------------------------------------------------------------------------------ lanes

    function _occupy(uint256 lane, bytes32 commitment) private {
        uint256 held;
        uint256 slot = (uint256(uint160(msg.sender)) << 96) | lane;
        assembly ("memory-safe") {
            held := sload(slot)
        }
        if (held > FREE) revert LaneBusy();
        assembly ("memory-safe") {
            sstore(slot, commitment)
        }
    }

    function _occupyAll(address token, NewLock[] calldata locks) private returns (uint256 sum) {
        for (uint256 i; i < locks.length; ++i) {
            uint256 laneAndAmount = locks[i].laneAndAmount;
            uint256 amount = laneAndAmount & type(uint240).max;
            _occupy(laneAndAmount >> 240, _commit(locks[i].terms, amount, token));
            // Cannot overflow: at most 2^16 items, as each needs a lane of its own, of less than 2^240 each.
            unchecked {
                sum += amount;
            }
        }
    }

    /// Frees the slot if it holds the commitment. Says whether it did.
    function _clear(uint256 slot, bytes32 commitment) private returns (bool held) {
        assembly ("memory-safe") {
            if eq(sload(slot), commitment) {
                held := 1
                sstore(slot, iszero(and(slot, EPHEMERAL)))
            }
        }
    }

    function _redeemed(bytes32 preimage, Lock calldata it) private returns (bytes32 commitment) {
        commitment = _commitmentOf(_sha256(preimage), it);
        if (!_clear(it.slot, commitment)) revert NoSuchLock();
        emit Redeemed(it.slot, preimage);
    }

    function _returned(bytes32 hashlock, Lock calldata it) private returns (bytes32 commitment) {
        commitment = _commitmentOf(hashlock, it);
        if (!_clear(it.slot, commitment)) revert NoSuchLock();
        emit Returned(it.slot);
    }

    function _owner(uint256 slot) private pure returns (address) {
        return address(uint160(slot >> 96));
    }

    // ---------------------------------------------------------------------------------------- hashing

    /// SHA-256 of exactly 32 bytes. If the precompile fails the output still holds the input: checked.
    function _sha256(bytes32 preimage) private view returns (bytes32 hashlock) {
        bool ok;
        assembly ("memory-safe") {
            mstore(0, preimage)
            ok := staticcall(gas(), 2, 0, 0x20, 0, 0x20)
            hashlock := mload(0)
        }
        if (!ok) revert HashFailed();
    }

    function _commit(bytes32 terms, uint256 amount, address token) private pure returns (bytes32 commitment) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, terms)
            mstore(add(free, 0x20), amount)
            mstore(add(free, 0x40), token)
            commitment := keccak256(free, 0x60)
        }
    }

    /// Hashes the lock where it lies in the calldata: redeemer and timelock, then amount and token, are neighbours.
    function _commitmentOf(bytes32 hashlock, Lock calldata it) private pure returns (bytes32 commitment) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hashlock)
            calldatacopy(add(free, 0x20), add(it, 0x20), 0x40)
            mstore(free, keccak256(free, 0x60))
            calldatacopy(add(free, 0x20), add(it, 0x60), 0x40)
            commitment := keccak256(free, 0x60)
        }
    }

    function _hash3(bytes32 kind, uint256 slot, bytes32 commitment) private pure returns (bytes32) {
        return keccak256(abi.encode(kind, slot, commitment));
    }

    function _hash4(bytes32 kind, uint256 slot, bytes32 commitment, uint256 a) private pure returns (bytes32) {
        return keccak256(abi.encode(kind, slot, commitment, a));
    }

    function _hash5(bytes32 kind, uint256 slot, bytes32 commitment, uint256 a, uint256 b)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(kind, slot, commitment, a, b));
    }

    // ------------------------------------------------------------------------------------------ words

    function _requireWord(address who, bytes32 message, bytes calldata signature) private view {
        if (msg.sender != who) _requireSigned(who, message, signature);
    }

    /// An ECDSA signature by `who` (65 bytes r, s, v) or, failing that, EIP-1271 if `who` is a contract.
    /// An account with EIP-7702 code may use either.
    function _requireSigned(address who, bytes32 message, bytes calldata signature) private view {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN, message));
        if (signature.length == 65) {
            address signer =
                ecrecover(digest, uint8(signature[64]), bytes32(signature[0:32]), bytes32(signature[32:64]));
            if (signer == who && signer != address(0)) return;
        }
        if (who.code.length != 0) {
            (bool ok, bytes memory answer) =
                who.staticcall(abi.encodeWithSelector(0x1626ba7e, digest, signature));
            if (ok && answer.length >= 32 && bytes32(answer) == bytes32(bytes4(0x1626ba7e))) return;
        }
        revert Unauthorised();
    }

    // ----------------------------------------------------------------------------------------- moving

    /// Takes exactly `amount` of `token` from the caller, or reverts. The balance tells, not the token's answer:
    /// a token that keeps a fee would leave another lock without cover. While the pull runs, no lock of the same
    /// token may be made, or a token with hooks could have one payment counted for two locks.
    function _pull(address token, uint256 amount) private {
        if (!Guard.enter(token)) revert TokenBusy();
        uint256 before = _balance(token);
        bool ok;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0x23b872dd00000000000000000000000000000000000000000000000000000000) // transferFrom
            mstore(add(free, 0x04), caller())
            mstore(add(free, 0x24), address())
            mstore(add(free, 0x44), amount)
            ok := call(gas(), token, 0, free, 0x64, 0, 0x20)
            // Nothing returned is fine (USDT); a word must be true. No code is caught by `_balance`.
            ok := and(ok, or(iszero(returndatasize()), and(gt(returndatasize(), 0x1f), eq(mload(0), 1))))
        }
        if (!ok) revert TransferFailed();
        unchecked {
            if (_balance(token) - before != amount) revert WrongAmountReceived();
        }
        Guard.exit(token);
    }

    function _balance(address token) private view returns (uint256 held) {
        bool ok;
        assembly ("memory-safe") {
            mstore(0, 0x70a0823100000000000000000000000000000000000000000000000000000000) // balanceOf
            mstore(0x04, address())
            ok := and(gt(returndatasize(), 0x1f), staticcall(gas(), token, 0, 0x24, 0, 0x20))
            held := mload(0)
        }
        if (!ok) revert WrongAmountReceived();
    }

    /// Pays coins or tokens with all the gas there is: a smart wallet may need more than 2,300.
    function _pay(address token, address to, uint256 amount) private {
        bool ok;
        assembly ("memory-safe") {
            switch token
            case 0 { ok := call(gas(), to, amount, 0, 0, 0, 0) }
            default {
                let free := mload(0x40)
                mstore(free, 0xa9059cbb00000000000000000000000000000000000000000000000000000000) // transfer
                mstore(add(free, 0x04), to)
                mstore(add(free, 0x24), amount)
                ok := call(gas(), token, 0, free, 0x44, 0, 0x20)
                switch returndatasize()
                case 0 { ok := and(ok, iszero(iszero(extcodesize(token)))) }
                default { ok := and(ok, and(gt(returndatasize(), 0x1f), eq(mload(0), 1))) }
            }
        }
        if (!ok) revert TransferFailed();
    }
}
