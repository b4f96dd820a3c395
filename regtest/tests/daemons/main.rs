//! Tests of the regtest kit on the daemons themselves.

// Clippy takes only functions marked `#[test]` for tests, not what they share.
#![allow(clippy::unwrap_used)]

mod attached;
mod fetching;
mod lifetime;
mod money;
mod reorgs;
mod time;
mod when_mined;

use std::time::{Duration, Instant};

use kofo_regtest::{Chain, Chains, Options, Regtest};
use serde_json::{Value, json};

/// An address nobody has used before.
const STRANGER: &str = "0x00000000000000000000000000000000deadbeef";
/// How long something may take that normally takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// All chains, mining only when told to.
async fn manual(test: &str) -> Option<Regtest> {
    Regtest::up_or_skip(test, Options::manual()).await
}

/// Polls until `condition` holds; panics with `what` if it does not in time.
async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends a payment on `chain` without mining it; its id.
async fn pay(chains: &Chains, chain: Chain) -> String {
    let id = match chain {
        Chain::Bitcoin => {
            let address = chains.rpc(chain, "getnewaddress", json!([])).await.unwrap();
            chains
                .rpc(chain, "sendtoaddress", json!([address, "0.5"]))
                .await
                .unwrap()
        }
        Chain::Ethereum | Chain::Echoin => {
            let accounts = chains.rpc(chain, "eth_accounts", json!([])).await.unwrap();
            let payment =
                json!({"from": accounts[0], "to": STRANGER, "value": "0x1", "gasPrice": "0x77359400"});
            chains
                .rpc(chain, "eth_sendTransaction", json!([payment]))
                .await
                .unwrap()
        }
    };
    id.as_str().unwrap().to_owned()
}

/// Whether the transaction is in a block of the best chain.
async fn is_mined(chains: &Chains, chain: Chain, id: &str) -> bool {
    match chain {
        Chain::Bitcoin => {
            let known = chains.rpc(chain, "gettransaction", json!([id])).await.unwrap();
            known["confirmations"].as_i64().unwrap() > 0
        }
        Chain::Ethereum | Chain::Echoin => {
            let receipt = chains
                .rpc(chain, "eth_getTransactionReceipt", json!([id]))
                .await
                .unwrap();
            receipt["blockNumber"] != Value::Null
        }
    }
}
