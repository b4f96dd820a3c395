//! Generated from the contract's ABI and from the few ERC-20 functions that the adapter uses.
#![allow(missing_docs, clippy::too_many_arguments, unreachable_pub)]

alloy::sol!(HashLanes, "contracts/artifacts/HashLanes.ethereum.json");

alloy::sol! {
    interface Erc20 {
        function balanceOf(address owner) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
    }
}
