//! Generated from the checked-in artifacts: what is measured is what is deployed.
#![allow(missing_docs, clippy::too_many_arguments, unreachable_pub)]

alloy::sol!(
    HashLanes,
    "../adapters/evm/contracts/artifacts/HashLanes.ethereum.json"
);
alloy::sol!(TestToken, "../adapters/evm/contracts/artifacts/TestToken.json");
