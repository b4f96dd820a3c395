//! What must be on the chains of a regtest so that nodes can swap on them.

use anyhow::{Context, bail};
use kofo_node::config::EvmProfile;
use kofo_node::regtest::token_code;
use kofo_node::wiring::contract_code;
use kofo_regtest::{Chain, Chains};
use serde_json::json;

/// What an account is given of the test token, in smallest units: 10,000.
pub(super) const GIFT: u128 = 10_000_000_000_000_000_000_000;
/// The salt of all that is deployed.
const SALT: [u8; 32] = [0; 32];
/// `mint(address,uint256)` of the test token, which anybody may call.
const MINT: &str = "40c10f19";

/// Deploys the network's contracts and the test token; what is there already is left as it is. Returns the token's
/// address, if there is a chain for it.
pub(super) async fn deploy(chains: &Chains) -> anyhow::Result<Option<String>> {
    let mut token = None;
    for chain in chains.running() {
        let (profile, number) = match chain {
            Chain::Bitcoin => continue,
            Chain::Ethereum => (EvmProfile::Ethereum, chains.ethereum().chain_id),
            Chain::Echoin => (EvmProfile::Echoin, chains.echoin().chain_id),
        };
        chains
            .deploy(chain, &contract_code(profile, number), SALT)
            .await?;
        if chain == Chain::Ethereum {
            token = Some(chains.deploy(chain, &token_code(), SALT).await?);
        }
    }
    Ok(token)
}

/// Gives an account some of the test token, in a block mined for it; the transaction's hash.
pub(super) async fn mint(chains: &Chains, to: &str) -> anyhow::Result<String> {
    let token = deploy(chains)
        .await?
        .context("there is no chain for the test token")?;
    let account = to.trim_start_matches("0x").to_ascii_lowercase();
    let call = json!([{
        "from": chains.ethereum().faucet,
        "to": token,
        "data": format!("0x{MINT}{account:0>64}{GIFT:064x}"),
        "gas": "0x30d40",
    }]);
    let sent = chains.rpc(Chain::Ethereum, "eth_sendTransaction", call).await?;
    let Some(txid) = sent.as_str() else {
        bail!("expected the hash of a transaction from anvil, got {sent}");
    };
    chains.mine(Chain::Ethereum, 1).await?;
    let receipt = chains
        .rpc(Chain::Ethereum, "eth_getTransactionReceipt", json!([txid]))
        .await?;
    if receipt["status"] != json!("0x1") {
        bail!(
            "the test token refused to mint in {txid}: expected status 0x1, got {}",
            receipt["status"]
        );
    }
    Ok(txid.to_owned())
}
