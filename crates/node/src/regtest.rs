//! What a trial on chains of tests needs beside a node: chains in memory, and a token to deploy. A node that runs for
//! itself uses nothing of this.

pub use kofo_adapter_api::ChainAdapter;
pub use kofo_sim::{AccountId, SimAdapter, SimChain};

/// The creation code of a plain ERC-20 token of [`crate::wiring::TOKEN_DECIMALS`] decimals that anybody may mint: money
/// of a test and of nothing else.
#[must_use]
pub fn token_code() -> Vec<u8> {
    let artifact = include_str!("../../../adapters/evm/contracts/artifacts/TestToken.json");
    let artifact: serde_json::Value = serde_json::from_str(artifact).expect("the artifact is JSON");
    let code = artifact["bytecode"]["object"].as_str().unwrap_or_default();
    hex::decode(code.trim_start_matches("0x")).expect("the artifact holds bytecode in hex")
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_is_a_token_to_deploy() {
        assert!(super::token_code().len() > 1_000);
    }
}
