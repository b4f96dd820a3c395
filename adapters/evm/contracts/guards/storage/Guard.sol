// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The parts of HashLanes that depend on the age of the EVM, for Petersburg (profile `echoin`): no transient
/// storage, no CHAINID opcode. `transient/Guard.sol` is the same interface for newer chains.
library Guard {
    /// Marks a token as "being pulled". Returns false if it already was.
    /// The key has bit 95 set, a lane's slot never does (owner << 96 | uint16), so the two cannot meet.
    function enter(address token) internal returns (bool free) {
        assembly ("memory-safe") {
            let key := or(shl(96, token), shl(95, 1))
            free := iszero(sload(key))
            sstore(key, 1)
        }
    }

    function exit(address token) internal {
        assembly ("memory-safe") {
            sstore(or(shl(96, token), shl(95, 1)), 0)
        }
    }

    /// This EVM cannot tell its chain id: the adapter compares the deployer's with `eth_chainId` at start.
    function isThisChain(uint256) internal pure returns (bool) {
        return true;
    }
}
