//! The redeemer's word, signed by anvil: EIP-712 by an implementation that is not ours.

use alloy::hex;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::stage::Stage;

/// The redeemer's signature of a message of type `kind`, whose fields are name, type and value.
pub(super) async fn by_redeemer(
    stage: &Stage<'_>,
    kind: &str,
    fields: &[(&str, &str, String)],
) -> Result<Vec<u8>> {
    let types: Vec<Value> = fields
        .iter()
        .map(|(name, kind, _)| json!({"name": name, "type": kind}))
        .collect();
    let message: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, _, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let typed = json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            kind: types,
        },
        "primaryType": kind,
        "domain": {
            "name": "HashLanes", "version": "1",
            "chainId": stage.regtest.ethereum().chain_id, "verifyingContract": stage.contract,
        },
        "message": message,
    });
    let signature = stage
        .rpc("eth_signTypedData_v4", json!([stage.redeemer, typed]))
        .await?;
    let signature = signature.as_str().context("anvil signs in hex")?;
    Ok(hex::decode(signature)?)
}
