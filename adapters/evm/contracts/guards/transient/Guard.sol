// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The parts of HashLanes that depend on the age of the EVM, for Cancun and later (profile `ethereum`).
/// `storage/Guard.sol` is the same interface for older chains; the build chooses by import remapping.
library Guard {
    /// Marks a token as "being pulled". Returns false if it already was.
    /// A key is the bare token address: transient storage has a space of its own.
    function enter(address token) internal returns (bool free) {
        assembly ("memory-safe") {
            free := iszero(tload(token))
            tstore(token, 1)
        }
    }

    function exit(address token) internal {
        assembly ("memory-safe") {
            tstore(token, 0)
        }
    }

    /// Can the chain id that the deployer named be the chain's own? (Asked once, in the constructor.)
    function isThisChain(uint256 chainId) internal view returns (bool) {
        return chainId == block.chainid;
    }
}
