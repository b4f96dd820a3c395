//! A bitcoind.

use super::Place;
use crate::config::{BitcoinConfig, BitcoindAuth};
use crate::doctor::Checked;
use crate::doctor::call::Daemon;
use kofo_primitives::UnixTime;
use serde_json::{Value, json};
use std::path::Path;

/// Blocks that may be known by their headers alone while a new one comes in.
const BEHIND: u64 = 2;
/// The estimate that is asked for: a redeem in about an hour (blocks).
const TARGET: u32 = 6;

pub(super) async fn checks(place: &Place<'_>, config: &BitcoinConfig) -> Vec<Checked> {
    let mut checks = match asked(place, config).await {
        Ok(checks) => checks,
        Err(failed) => vec![failed],
    };
    for witness in &config.witnesses {
        let said = witnessed(place, witness.endpoint.as_str(), &witness.auth).await;
        checks.push(place.witness(said));
    }
    checks
}

async fn asked(place: &Place<'_>, config: &BitcoinConfig) -> Result<Vec<Checked>, Checked> {
    let silent = |why: String| place.silent(&format!("{:?}: {why}", config.endpoint));
    let login = login(place.patient.data, &config.auth).map_err(silent)?;
    let daemon = Daemon::new(config.endpoint.as_str(), Some(login)).map_err(silent)?;
    let chain = daemon
        .call("getblockchaininfo", json!([]))
        .await
        .map_err(silent)?;
    let got = id(&daemon).await.map_err(silent)?;
    if got != place.chain.id.as_str() {
        return Err(place.another_chain(&got));
    }
    let mut checks = vec![synced(place, &chain)];
    if let Some(time) = chain.get("time").and_then(Value::as_u64) {
        checks.push(place.time(UnixTime(time)));
    }
    checks.push(fees(place, config, &daemon).await);
    Ok(checks)
}

/// By CAIP-2: the first half of the genesis block's hash.
async fn id(daemon: &Daemon) -> Result<String, String> {
    let hash = daemon.call("getblockhash", json!([0])).await?;
    let hash = hash.as_str().and_then(|hash| hash.get(..32));
    let hash = hash.ok_or("getblockhash: expected a hash")?;
    Ok(format!("bip122:{hash}"))
}

fn synced(place: &Place<'_>, chain: &Value) -> Checked {
    let number = |name: &str| chain.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (blocks, headers) = (number("blocks"), number("headers"));
    let first = chain.get("initialblockdownload").and_then(Value::as_bool) == Some(true);
    // A chain of tests says so for ever once its last block is a day old.
    let behind = headers.saturating_sub(blocks) > BEHIND || (first && !place.is_test());
    let found = format!("height {blocks} of {headers}");
    if behind {
        let todo = "wait until bitcoind has caught up: until then nothing is swapped";
        return Checked::fail(place.name(), format!("not synchronised, {found}"), todo);
    }
    if chain.get("pruned").and_then(Value::as_bool) == Some(true) {
        let todo = "let it keep at least the blocks of the longest timelock, some days";
        return Checked::warn(place.name(), format!("answers, {found}, but it is pruned"), todo);
    }
    Checked::ok(place.name(), format!("answers, {found}"))
}

async fn fees(place: &Place<'_>, config: &BitcoinConfig, daemon: &Daemon) -> Checked {
    let check = format!("{} fees", place.name());
    let estimate = match daemon.call("estimatesmartfee", json!([TARGET])).await {
        Ok(answer) => answer.get("feerate").and_then(Value::as_number).cloned(),
        Err(why) => return Checked::warn(check, why, "see bitcoind's log"),
    };
    let Some(rate) = estimate.and_then(|rate| sat_per_vbyte(&rate.to_string())) else {
        let found = "bitcoind has no estimate yet";
        return if place.is_test() {
            Checked::ok(check, found)
        } else {
            Checked::warn(
                check,
                found,
                "let it run for some hours: until then the least fee is paid",
            )
        };
    };
    place.priced(rate, config.fee_cap, &format!("sat/vB for {TARGET} blocks"))
}

/// Bitcoin per 1,000 bytes, in decimal text, as satoshi per byte, rounded up.
fn sat_per_vbyte(text: &str) -> Option<u64> {
    // Not all JSON writers write small numbers without an exponent.
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: u128 = format!("{whole}{fraction}").parse().ok()?;
    // In units of a satoshi per 1,000 bytes: 8 digits more.
    let shift = exponent
        .checked_add(8)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10u128.checked_pow(shift.unsigned_abs())?;
    let per_thousand = if shift >= 0 {
        all.checked_mul(power)?
    } else {
        all.div_ceil(power)
    };
    u64::try_from(per_thousand.div_ceil(1000)).ok()
}

async fn witnessed(place: &Place<'_>, url: &str, auth: &BitcoindAuth) -> Result<String, String> {
    let daemon = Daemon::new(url, Some(login(place.patient.data, auth)?))?;
    id(&daemon).await
}

/// User and password.
fn login(data: &Path, auth: &BitcoindAuth) -> Result<(String, String), String> {
    let read = |file: &Path| {
        let path = data.join(file);
        crate::files::read_secret(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    match auth {
        BitcoindAuth::Cookie(file) => {
            let text = read(file)?;
            let (user, password) = text
                .split_once(':')
                .ok_or_else(|| format!("{} is no cookie of bitcoind", file.display()))?;
            Ok((user.to_owned(), password.to_owned()))
        }
        BitcoindAuth::Password { user, file } => Ok((user.clone(), read(file)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::sat_per_vbyte;

    #[test]
    fn an_estimate_is_read_exactly_and_rounded_up() {
        for (text, sat) in [
            ("0.00001000", Some(1)),
            ("0.00001001", Some(2)),
            ("1e-05", Some(1)),
            ("0.00212345", Some(213)),
            ("2.5E-4", Some(25)),
            ("1", Some(100_000)),
            ("soon", None),
            ("1e99", None),
        ] {
            assert_eq!(sat_per_vbyte(text), sat, "{text}");
        }
    }
}
