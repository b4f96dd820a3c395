//! The HashLanes contract as a deployed thing: its code in each build, and the address that CREATE2 gives it.
//!
//! The address follows from the bytecode and the chain id alone, so nobody has to be told it, and a look-alike with a
//! back door has another address.

use crate::config::Profile;
use alloy::primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy::sol_types::{Eip712Domain, SolValue};
use serde::Deserialize;

/// The well-known CREATE2 deployer that is on most chains at the same address.
pub const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920ca78fbf26c0b4956c");

/// The salt of the one deployment that this network uses.
pub const SALT: B256 = B256::ZERO;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    bytecode: Creation,
    deployed_bytecode: Runtime,
}

#[derive(Deserialize)]
struct Creation {
    object: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Runtime {
    object: Bytes,
    immutable_references: Vec<Range>,
}

#[derive(Deserialize)]
struct Range {
    start: usize,
    length: usize,
}

fn artifact(profile: Profile) -> Artifact {
    let text = match profile {
        Profile::Ethereum => include_str!("../contracts/artifacts/HashLanes.ethereum.json"),
        Profile::Echoin => include_str!("../contracts/artifacts/HashLanes.echoin.json"),
    };
    serde_json::from_str(text).expect("a test reads the checked-in artifacts")
}

/// What to deploy, through [`CREATE2_DEPLOYER`] with [`SALT`]: bytecode and the constructor's argument.
#[must_use]
pub fn creation_code(profile: Profile, chain_id: u64) -> Vec<u8> {
    let mut code = artifact(profile).bytecode.object.to_vec();
    code.extend_from_slice(&U256::from(chain_id).abi_encode());
    code
}

/// Where the contract is on a chain.
#[must_use]
pub fn contract_address(profile: Profile, chain_id: u64) -> Address {
    CREATE2_DEPLOYER.create2(SALT, keccak256(creation_code(profile, chain_id)))
}

/// The EIP-712 domain of the contract's signatures.
#[must_use]
pub fn domain(contract: Address, chain_id: u64) -> Eip712Domain {
    alloy::sol_types::eip712_domain! {
        name: "HashLanes",
        version: "1",
        chain_id: chain_id,
        verifying_contract: contract,
    }
}

/// The code that must stand at [`contract_address`]: the artifact's, with the one immutable (the hash of the EIP-712
/// domain) put in its places.
#[must_use]
pub fn runtime_code(profile: Profile, chain_id: u64) -> Vec<u8> {
    let runtime = artifact(profile).deployed_bytecode;
    let mut code = runtime.object.to_vec();
    let value = domain(contract_address(profile, chain_id), chain_id).hash_struct();
    for Range { start, length } in runtime.immutable_references {
        let place = code.get_mut(start..start.saturating_add(length));
        place
            .expect("solc's references are inside its code")
            .copy_from_slice(value.as_slice());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_artifacts_have_one_immutable_of_a_word_and_it_is_masked_in_every_place() {
        for profile in [Profile::Ethereum, Profile::Echoin] {
            let raw = artifact(profile).deployed_bytecode;
            assert!(!raw.immutable_references.is_empty());
            let code = runtime_code(profile, 31_337);
            assert_eq!(code.len(), raw.object.len());
            for range in &raw.immutable_references {
                assert_eq!(range.length, 32);
                let place = range.start..range.start + 32;
                assert_eq!(raw.object[place.clone()], [0; 32]);
                assert_ne!(code[place], [0; 32]);
            }
        }
    }

    /// A change here is a new deployment, and another place in every order.
    #[test]
    fn the_addresses_of_the_regtest_chains_are_pinned() {
        let ethereum = contract_address(Profile::Ethereum, 31_337);
        let echoin = contract_address(Profile::Echoin, 18);
        assert_eq!((ethereum, echoin), (ETHEREUM, ECHOIN));
        assert_ne!(ethereum, contract_address(Profile::Ethereum, 1));
        assert_ne!(echoin, contract_address(Profile::Ethereum, 18));
    }

    const ETHEREUM: Address = address!("421b06046c6d945b1aa6958a35354b7ca9f13b3a");
    const ECHOIN: Address = address!("c6c6ab015a9e3677b28d37d2598fe6c0d94b791e");

    #[test]
    fn both_builds_have_one_abi() {
        let abi = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["abi"].clone();
        assert_eq!(
            abi(include_str!("../contracts/artifacts/HashLanes.ethereum.json")),
            abi(include_str!("../contracts/artifacts/HashLanes.echoin.json"))
        );
    }
}
