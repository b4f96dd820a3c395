//! A node of an Ethereum-like chain.

use super::Place;
use crate::config::EvmConfig;
use crate::doctor::Checked;
use crate::doctor::call::Daemon;
use kofo_primitives::UnixTime;
use serde_json::{Value, json};

const GWEI: u64 = 1_000_000_000;

pub(super) async fn checks(place: &Place<'_>, config: &EvmConfig) -> Vec<Checked> {
    let mut checks = match asked(place, config).await {
        Ok(checks) => checks,
        Err(failed) => vec![failed],
    };
    for witness in &config.witnesses {
        let said = async { id(&Daemon::new(witness.as_str(), None)?).await };
        checks.push(place.witness(said.await));
    }
    checks
}

async fn asked(place: &Place<'_>, config: &EvmConfig) -> Result<Vec<Checked>, Checked> {
    let silent = |why: String| place.silent(&format!("{:?}: {why}", config.endpoint));
    let daemon = Daemon::new(config.endpoint.as_str(), None).map_err(silent)?;
    let got = id(&daemon).await.map_err(silent)?;
    if got != place.chain.id.as_str() {
        return Err(place.another_chain(&got));
    }
    let syncing = daemon.call("eth_syncing", json!([])).await.map_err(silent)?;
    let block = daemon.call("eth_getBlockByNumber", json!(["latest", false]));
    let block = block.await.map_err(silent)?;
    let of_block = |name: &str| block.get(name).and_then(number);
    let (height, time) = (of_block("number"), of_block("timestamp"));
    let found = format!("height {}", height.unwrap_or_default());
    let mut checks = Vec::new();
    // `false`, or how far it is.
    checks.push(if syncing.as_bool() == Some(false) {
        Checked::ok(place.name(), format!("answers, {found}"))
    } else {
        let todo = "wait until it has caught up: until then nothing is swapped";
        Checked::fail(place.name(), format!("not synchronised, {found}"), todo)
    });
    if let Some(time) = time {
        checks.push(place.time(UnixTime(time)));
    }
    checks.push(contract(place, config, &daemon).await);
    checks.push(fees(place, config, &daemon).await);
    Ok(checks)
}

async fn id(daemon: &Daemon) -> Result<String, String> {
    let id = daemon.call("eth_chainId", json!([])).await?;
    let id = number(&id).ok_or("eth_chainId: expected a number")?;
    Ok(format!("eip155:{id}"))
}

async fn contract(place: &Place<'_>, config: &EvmConfig, daemon: &Daemon) -> Checked {
    let check = format!("{} contract", place.name());
    let code = daemon
        .call("eth_getCode", json!([config.contract, "latest"]))
        .await;
    match code.as_ref().map(|code| code.as_str().unwrap_or_default().len()) {
        // The node itself compares the code byte for byte when it starts.
        Ok(3..) => Checked::ok(check, format!("there, at {}", config.contract)),
        Ok(_) => {
            let todo = "see whether endpoint and id are of the chain that you mean: the contract is on every chain we serve";
            Checked::fail(check, format!("there is none at {}", config.contract), todo)
        }
        Err(why) => Checked::warn(check, why, "see its daemon's log"),
    }
}

async fn fees(place: &Place<'_>, config: &EvmConfig, daemon: &Daemon) -> Checked {
    let check = format!("{} fees", place.name());
    let price = match daemon.call("eth_gasPrice", json!([])).await {
        Ok(price) => number(&price),
        Err(why) => return Checked::warn(check, why, "see its daemon's log"),
    };
    let Some(gwei) = price.map(|wei| wei.div_ceil(GWEI)) else {
        return Checked::warn(check, "eth_gasPrice: expected a number", "see its daemon's log");
    };
    place.priced(gwei, config.fee_cap, "gwei per gas")
}

/// A number as these nodes write it: `0x` and hexadecimal digits.
fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}
