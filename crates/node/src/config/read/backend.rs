//! What stands behind a chain: its nodes, and what we pay there.

use super::super::ValueError;
use super::super::chain::{Backend, BitcoinConfig, BitcoinWitness, BitcoindAuth, Endpoint};
use super::super::chain::{EvmConfig, EvmProfile, LightConfig, LightMost, MAX_WITNESSES, TowerWage};
use super::{RawChain, RawWage, RawWitness, Wrong};
use crate::assets::Asset;
use kofo_primitives::{Amount, ChainId};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Nobody pays a higher fee rate (sat/vB, gwei/gas) on purpose.
const MAX_FEE: u64 = 100_000;
/// Nobody leaves a tower more than this, in thousandths of what it redeems.
const MAX_WAGE: u16 = 50;

pub(super) fn backend(raw: RawChain, id: &ChainId, assets: &[Asset]) -> Result<Backend, Wrong> {
    let space = |expected: &str| {
        let right = id.as_str().starts_with(expected);
        let wrong = || {
            Wrong(
                "id".into(),
                ValueError::expected(format!("an id in {expected}…"), id),
            )
        };
        right.then_some(()).ok_or_else(wrong)
    };
    match raw.kind.as_str() {
        "bitcoin" => {
            space("bip122:")?;
            bitcoin(raw).map(Backend::Bitcoin)
        }
        "bitcoin-light" => {
            space("bip122:")?;
            light(raw, assets).map(Backend::Light)
        }
        "evm" => {
            space("eip155:")?;
            evm(raw, assets).map(Backend::Evm)
        }
        "sim" => {
            absent(
                "sim",
                &raw,
                &["cookie", "user", "password_file", "profile", "contract"],
            )?;
            absent(
                "sim",
                &raw,
                &[
                    "endpoint",
                    "trusted",
                    "witnesses",
                    "tower_wage",
                    "fee_floor",
                    "fee_cap",
                    "birthday",
                    "peers",
                    "checkpoint",
                    "light_most",
                ],
            )?;
            Ok(Backend::Sim)
        }
        other => {
            let expected = "\"bitcoin\", \"bitcoin-light\", \"evm\" or \"sim\"";
            Err(Wrong("kind".into(), ValueError::expected(expected, other)))
        }
    }
}

fn bitcoin(raw: RawChain) -> Result<BitcoinConfig, Wrong> {
    const KIND: &str = "bitcoin";
    absent(KIND, &raw, &["profile", "contract", "fee_floor", "tower_wage"])?;
    absent(KIND, &raw, &["peers", "checkpoint", "light_most"])?;
    let fee_cap = fee_cap(&raw, KIND, 1)?;
    let auth = bitcoind_auth((raw.cookie, raw.user, raw.password_file), KIND)?;
    let witnesses = witnesses(raw.witnesses, |raw| {
        let auth = bitcoind_auth((raw.cookie, raw.user, raw.password_file), KIND)?;
        let endpoint = endpoint(Some(raw.endpoint), KIND)?;
        Ok(BitcoinWitness { endpoint, auth })
    })?;
    Ok(BitcoinConfig {
        endpoint: endpoint(raw.endpoint, KIND)?,
        auth,
        trusted: needed("trusted", raw.trusted, KIND)?,
        witnesses,
        fee_cap,
        birthday: raw.birthday.unwrap_or(0),
    })
}

fn light(raw: RawChain, assets: &[Asset]) -> Result<LightConfig, Wrong> {
    const KIND: &str = "bitcoin-light";
    absent(KIND, &raw, &["profile", "contract", "fee_floor", "tower_wage"])?;
    absent(
        KIND,
        &raw,
        &[
            "endpoint",
            "cookie",
            "user",
            "password_file",
            "trusted",
            "witnesses",
        ],
    )?;
    let fee_cap = fee_cap(&raw, KIND, 1)?;
    let light_most = light_most(&raw.light_most, assets)?;
    let checkpoint = raw.checkpoint.as_deref().map(checkpoint).transpose()?;
    let peers = needed("peers", raw.peers, KIND)?;
    for (at, peer) in peers.iter().enumerate() {
        let read: Result<kofo_bitcoin::LightPeer, _> = peer.parse();
        let expected = "a peer's host and port such as 127.0.0.1:8333";
        read.map_err(|_| Wrong(format!("peers[{at}]"), ValueError::expected(expected, peer)))?;
    }
    if !(1..=kofo_bitcoin::MAX_LIGHT_PEERS).contains(&peers.len()) {
        let expected = format!("1 to {} peers", kofo_bitcoin::MAX_LIGHT_PEERS);
        return Err(Wrong("peers".into(), ValueError::expected(expected, peers.len())));
    }
    Ok(LightConfig {
        peers,
        checkpoint,
        fee_cap,
        birthday: raw.birthday.unwrap_or(0),
        light_most,
    })
}

/// A height and a hash, with a colon between them.
fn checkpoint(text: &str) -> Result<(u32, String), Wrong> {
    let read = text.split_once(':').and_then(|(height, hash)| {
        let digits = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let height = height.parse().ok().filter(|_| digits)?;
        Some((height, hash.to_ascii_lowercase()))
    });
    let expected = "a block's height and hash such as 709631:0000000000000000000137…";
    read.ok_or_else(|| Wrong("checkpoint".into(), ValueError::expected(expected, text)))
}

/// Amounts by the symbols of the chain's own assets.
fn light_most(raw: &BTreeMap<String, String>, assets: &[Asset]) -> Result<LightMost, Wrong> {
    let one = |(symbol, text): (&String, &String)| {
        let key = || format!("light_most.{symbol}");
        let asset = assets
            .iter()
            .find(|asset| asset.symbol == *symbol)
            .ok_or_else(|| {
                let known: Vec<&str> = assets.iter().map(|asset| asset.symbol.as_str()).collect();
                let expected = format!("an asset of this chain ({})", known.join(", "));
                Wrong(key(), ValueError::expected(expected, symbol))
            })?;
        let amount = Amount::parse_units(text, asset.decimals);
        let amount = amount.map_err(|_| {
            let expected = format!(
                "an amount in quotes such as \"0.5\", of {} decimals at most",
                asset.decimals
            );
            Wrong(key(), ValueError::expected(expected, text))
        })?;
        Ok((asset.id.clone(), amount))
    };
    raw.iter().map(one).collect()
}

/// A few other nodes, each read in this way.
fn witnesses<T>(raw: Vec<RawWitness>, one: impl Fn(RawWitness) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    if raw.len() > MAX_WITNESSES {
        let many = ValueError::expected(format!("at most {MAX_WITNESSES}"), raw.len());
        return Err(Wrong("witnesses".into(), many));
    }
    let named = |(at, raw)| one(raw).map_err(|Wrong(last, e)| Wrong(format!("witnesses[{at}].{last}"), e));
    raw.into_iter().enumerate().map(named).collect()
}

/// Cookie, or user and password file.
fn bitcoind_auth(
    given: (Option<PathBuf>, Option<String>, Option<PathBuf>),
    kind: &'static str,
) -> Result<BitcoindAuth, Wrong> {
    match given {
        (Some(file), None, None) => Ok(BitcoindAuth::Cookie(file)),
        (None, Some(user), Some(file)) => Ok(BitcoindAuth::Password { user, file }),
        (None, None, None) => Err(Wrong("cookie".into(), ValueError::Missing { kind })),
        _ => {
            let expected = "either cookie, or user and password_file";
            Err(Wrong(
                "cookie".into(),
                ValueError::expected(expected, "another mixture"),
            ))
        }
    }
}

fn evm(raw: RawChain, assets: &[Asset]) -> Result<EvmConfig, Wrong> {
    const KIND: &str = "evm";
    absent(
        KIND,
        &raw,
        &[
            "cookie",
            "user",
            "password_file",
            "birthday",
            "peers",
            "checkpoint",
        ],
    )?;
    if raw.trusted == Some(true) {
        absent("evm with trusted = true", &raw, &["light_most"])?;
    }
    let light_most = light_most(&raw.light_most, assets)?;
    let profile = match needed("profile", raw.profile.as_deref(), KIND)? {
        "ethereum" => EvmProfile::Ethereum,
        "echoin" => EvmProfile::Echoin,
        other => {
            let why = ValueError::expected("\"ethereum\" or \"echoin\"", other);
            return Err(Wrong("profile".into(), why));
        }
    };
    let (fee_floor, fee_cap) = fees(&raw, KIND, profile.least_fee())?;
    let contract = evm_address("contract", &needed("contract", raw.contract, KIND)?)?;
    let tower_wage = raw.tower_wage.map(tower_wage).transpose()?;
    let witnesses = witnesses(raw.witnesses, |raw| {
        let login = [
            ("cookie", raw.cookie.is_some()),
            ("user", raw.user.is_some()),
            ("password_file", raw.password_file.is_some()),
        ];
        match login.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(Wrong((*key).into(), ValueError::Foreign { kind: KIND })),
            None => endpoint(Some(raw.endpoint), KIND),
        }
    })?;
    Ok(EvmConfig {
        endpoint: endpoint(raw.endpoint, KIND)?,
        trusted: needed("trusted", raw.trusted, KIND)?,
        witnesses,
        light_most,
        tower_wage,
        profile,
        contract,
        fee_floor,
        fee_cap,
    })
}

fn tower_wage(raw: RawWage) -> Result<TowerWage, Wrong> {
    let digits = evm_address("tower_wage.account", &raw.account)?;
    let mut account = [0; 20];
    hex::decode_to_slice(digits.trim_start_matches("0x"), &mut account).expect("40 hexadecimal digits");
    if !(1..=MAX_WAGE).contains(&raw.per_mille) {
        let why = ValueError::expected(format!("1 to {MAX_WAGE}"), raw.per_mille);
        return Err(Wrong("tower_wage.per_mille".into(), why));
    }
    let per_mille = raw.per_mille;
    Ok(TowerWage { account, per_mille })
}

/// In lower case.
fn evm_address(key: &str, text: &str) -> Result<String, Wrong> {
    let address = text.to_ascii_lowercase();
    let digits = address.strip_prefix("0x").unwrap_or_default();
    if digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(address);
    }
    let why = ValueError::expected("0x and 40 hexadecimal digits", text);
    Err(Wrong(key.into(), why))
}

fn endpoint(url: Option<String>, kind: &'static str) -> Result<Endpoint, Wrong> {
    let url = needed("endpoint", url, kind)?;
    Endpoint::new(&url).map_err(|e| Wrong("endpoint".into(), e))
}

fn needed<T>(key: &str, value: Option<T>, kind: &'static str) -> Result<T, Wrong> {
    value.ok_or_else(|| Wrong(key.into(), ValueError::Missing { kind }))
}

fn fees(raw: &RawChain, kind: &'static str, least: u64) -> Result<(u64, u64), Wrong> {
    let floor = needed("fee_floor", raw.fee_floor, kind)?;
    if !(least..=MAX_FEE).contains(&floor) {
        let why = ValueError::expected(format!("{least} to {MAX_FEE}"), floor);
        return Err(Wrong("fee_floor".into(), why));
    }
    Ok((floor, fee_cap(raw, kind, floor.max(1))?))
}

fn fee_cap(raw: &RawChain, kind: &'static str, least: u64) -> Result<u64, Wrong> {
    let cap = needed("fee_cap", raw.fee_cap, kind)?;
    if !(least..=MAX_FEE).contains(&cap) {
        let why = ValueError::expected(format!("{least} to {MAX_FEE}"), cap);
        return Err(Wrong("fee_cap".into(), why));
    }
    Ok(cap)
}

/// Refuses keys that this kind of chain does not have: they would be ignored, and their owner would not know.
fn absent(kind: &'static str, raw: &RawChain, keys: &[&str]) -> Result<(), Wrong> {
    let given = [
        ("endpoint", raw.endpoint.is_some()),
        ("cookie", raw.cookie.is_some()),
        ("user", raw.user.is_some()),
        ("password_file", raw.password_file.is_some()),
        ("trusted", raw.trusted.is_some()),
        ("profile", raw.profile.is_some()),
        ("contract", raw.contract.is_some()),
        ("fee_floor", raw.fee_floor.is_some()),
        ("fee_cap", raw.fee_cap.is_some()),
        ("birthday", raw.birthday.is_some()),
        ("witnesses", !raw.witnesses.is_empty()),
        ("tower_wage", raw.tower_wage.is_some()),
        ("peers", raw.peers.is_some()),
        ("checkpoint", raw.checkpoint.is_some()),
        ("light_most", !raw.light_most.is_empty()),
    ];
    match given
        .iter()
        .find(|(key, is_given)| *is_given && keys.contains(key))
    {
        Some((key, _)) => Err(Wrong((*key).into(), ValueError::Foreign { kind })),
        None => Ok(()),
    }
}
