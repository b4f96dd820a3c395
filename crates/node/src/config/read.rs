//! From TOML text to a [`Config`]. First the text's shape, strictly; then each value, with the key's name at hand.

use super::chain::{Backend, BitcoinConfig, BitcoinWitness, BitcoindAuth, ChainConfig};
use super::chain::{Endpoint, EvmConfig, EvmProfile, MAX_WITNESSES};
use super::{Config, ConfigError, MAX_CHAINS, MAX_LISTEN, TimelockPolicy, ValueError};
use super::{default_journal, default_listen};
use crate::assets::{Asset, Assets};
use kofo_primitives::{AssetId, ChainId, NetworkId};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A fact buried deeper than this is final on every chain; more is a slip of the pen.
const MAX_DEPTH: u32 = 1000;
/// The standard timelocks hold up to these depths: of Bitcoin, of Ethereum and its like, of Echoin.
pub const STANDARD_DEPTHS: [u32; 3] = [3, 12, 1];
/// Chains on which the timelocks of tests would lose real money.
const MAIN_CHAINS: [&str; 2] = ["bip122:000000000019d6689c085ae165831e93", "eip155:1"];
/// Nobody pays a higher fee rate (sat/vB, gwei/gas) on purpose.
const MAX_FEE: u64 = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    network: String,
    #[serde(default = "default_listen")]
    listen: Vec<String>,
    #[serde(default)]
    rpc_port: u16,
    #[serde(default = "default_journal")]
    journal: PathBuf,
    #[serde(default = "standard")]
    timelocks: String,
    #[serde(default)]
    chain: BTreeMap<String, RawChain>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChain {
    kind: String,
    id: String,
    depth: u32,
    endpoint: Option<String>,
    cookie: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    trusted: Option<bool>,
    profile: Option<String>,
    contract: Option<String>,
    fee_floor: Option<u64>,
    fee_cap: Option<u64>,
    birthday: Option<u64>,
    #[serde(default)]
    witnesses: Vec<RawWitness>,
    #[serde(default)]
    assets: BTreeMap<String, RawAsset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWitness {
    endpoint: String,
    cookie: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAsset {
    id: String,
    decimals: u8,
    #[serde(default)]
    freezable: bool,
}

fn standard() -> String {
    TimelockPolicy::Standard.as_str().to_owned()
}

/// A wrong value and the key that holds it.
struct Wrong(String, ValueError);

pub(super) fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let raw: RawConfig = toml::from_str(text).map_err(|e| syntax(&e, text, path))?;
    config(raw).map_err(|Wrong(key, why)| ConfigError::Value {
        path: path.to_owned(),
        key,
        why,
    })
}

fn syntax(error: &toml::de::Error, text: &str, path: &Path) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    ConfigError::Syntax {
        path: path.to_owned(),
        line: before.matches('\n').count().saturating_add(1),
        message: error.message().to_owned(),
    }
}

fn config(raw: RawConfig) -> Result<Config, Wrong> {
    let network = network(&raw.network).map_err(|e| Wrong("network".into(), e))?;
    let timelocks = [TimelockPolicy::Standard, TimelockPolicy::Test]
        .into_iter()
        .find(|policy| policy.as_str() == raw.timelocks)
        .ok_or_else(|| {
            let why = ValueError::expected("\"standard\" or \"test\"", &raw.timelocks);
            Wrong("timelocks".into(), why)
        })?;
    if !(1..=MAX_LISTEN).contains(&raw.listen.len()) {
        let expected = format!("1 to {MAX_LISTEN} addresses");
        return Err(Wrong(
            "listen".into(),
            ValueError::expected(expected, raw.listen.len()),
        ));
    }
    for address in &raw.listen {
        check_listen(address).map_err(|e| Wrong("listen".into(), e))?;
    }
    if raw.chain.len() > MAX_CHAINS {
        let expected = format!("at most {MAX_CHAINS} chains");
        return Err(Wrong(
            "chain".into(),
            ValueError::expected(expected, raw.chain.len()),
        ));
    }
    let mut chains: Vec<ChainConfig> = Vec::with_capacity(raw.chain.len());
    for (name, raw) in raw.chain {
        let chain = chain(&name, raw)?;
        fits(&chain, timelocks).map_err(|Wrong(last, e)| Wrong(format!("chain.{name}.{last}"), e))?;
        if let Some(other) = chains.iter().find(|c| c.id == chain.id) {
            let expected = format!("another id than that of chain.{}", other.name);
            return Err(Wrong(
                format!("chain.{name}.id"),
                ValueError::expected(expected, &chain.id),
            ));
        }
        chains.push(chain);
    }
    let all = chains.iter().flat_map(|c| c.assets.iter().cloned()).collect();
    Assets::new(all).map_err(|e| Wrong("chain.*.assets".into(), e.into()))?;
    Ok(Config {
        network,
        listen: raw.listen,
        rpc_port: raw.rpc_port,
        journal: raw.journal,
        timelocks,
        chains,
    })
}

/// A network's name is part of a protocol's name among peers, which is pickier than the rest.
fn network(text: &str) -> Result<NetworkId, ValueError> {
    let id = NetworkId::new(text)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !text.bytes().all(plain) {
        let expected = "small letters, digits and '-', such as kofo-regtest";
        return Err(ValueError::expected(expected, text));
    }
    Ok(id)
}

/// Whether the policy's timelocks are long enough for this chain.
fn fits(chain: &ChainConfig, timelocks: TimelockPolicy) -> Result<(), Wrong> {
    let [bitcoin, ethereum, echoin] = STANDARD_DEPTHS;
    let most = match (timelocks, &chain.backend) {
        (TimelockPolicy::Test, _) if MAIN_CHAINS.contains(&chain.id.as_str()) => {
            let expected = "no main chain with timelocks = \"test\"";
            return Err(Wrong("id".into(), ValueError::expected(expected, &chain.id)));
        }
        (TimelockPolicy::Test, _) | (_, Backend::Sim) => return Ok(()),
        (_, Backend::Bitcoin(_)) => bitcoin,
        (_, Backend::Evm(evm)) => match evm.profile {
            EvmProfile::Ethereum => ethereum,
            EvmProfile::Echoin => echoin,
        },
    };
    if chain.depth > most {
        let expected =
            format!("at most {most} with timelocks = \"standard\": they are not long enough for more");
        return Err(Wrong("depth".into(), ValueError::expected(expected, chain.depth)));
    }
    Ok(())
}

fn check_listen(address: &str) -> Result<(), ValueError> {
    let form = address.starts_with('/') && address.len() <= 160;
    if form && address.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(ValueError::expected(
        "an address such as /ip4/0.0.0.0/tcp/9000",
        address,
    ))
}

fn chain(name: &str, raw: RawChain) -> Result<ChainConfig, Wrong> {
    let key = |key: &str| format!("chain.{name}.{key}");
    let id = ChainId::new(&raw.id).map_err(|e| Wrong(key("id"), e.into()))?;
    if !(1..=MAX_DEPTH).contains(&raw.depth) {
        let expected = format!("1 to {MAX_DEPTH} blocks");
        return Err(Wrong(key("depth"), ValueError::expected(expected, raw.depth)));
    }
    let mut assets = Vec::with_capacity(raw.assets.len());
    for (symbol, raw) in &raw.assets {
        let asset = asset(symbol, raw, &id);
        assets.push(asset.map_err(|Wrong(last, e)| Wrong(key(&format!("assets.{symbol}.{last}")), e))?);
    }
    let depth = raw.depth;
    let backend = backend(raw, &id).map_err(|Wrong(last, e)| Wrong(key(&last), e))?;
    Ok(ChainConfig {
        name: name.to_owned(),
        id,
        depth,
        assets,
        backend,
    })
}

fn asset(symbol: &str, raw: &RawAsset, chain: &ChainId) -> Result<Asset, Wrong> {
    let id = AssetId::new(&raw.id).map_err(|e| Wrong("id".into(), e.into()))?;
    if id.chain() != *chain {
        let why = ValueError::expected(format!("an asset of {chain}"), id);
        return Err(Wrong("id".into(), why));
    }
    // A coin's unit is the same on every chain of its family; a slip here would be one of whole powers of ten.
    let (family, _) = chain.as_str().split_once(':').unwrap_or_default();
    let right = match (family, id.on_chain().0) {
        ("bip122", "slip44") => 8,
        ("eip155", "slip44") => 18,
        _ => raw.decimals,
    };
    if raw.decimals != right {
        let why = ValueError::expected(
            format!("{right} for the coin of a chain in {family}"),
            raw.decimals,
        );
        return Err(Wrong("decimals".into(), why));
    }
    Ok(Asset {
        symbol: symbol.to_owned(),
        id,
        decimals: raw.decimals,
        freezable: raw.freezable,
    })
}

fn backend(raw: RawChain, id: &ChainId) -> Result<Backend, Wrong> {
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
        "evm" => {
            space("eip155:")?;
            evm(raw).map(Backend::Evm)
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
                    "fee_floor",
                    "fee_cap",
                    "birthday",
                ],
            )?;
            Ok(Backend::Sim)
        }
        other => {
            let expected = "\"bitcoin\", \"evm\" or \"sim\"";
            Err(Wrong("kind".into(), ValueError::expected(expected, other)))
        }
    }
}

fn bitcoin(raw: RawChain) -> Result<BitcoinConfig, Wrong> {
    const KIND: &str = "bitcoin";
    absent(KIND, &raw, &["profile", "contract", "fee_floor"])?;
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

fn evm(raw: RawChain) -> Result<EvmConfig, Wrong> {
    const KIND: &str = "evm";
    absent(KIND, &raw, &["cookie", "user", "password_file", "birthday"])?;
    let profile = match needed("profile", raw.profile.as_deref(), KIND)? {
        "ethereum" => EvmProfile::Ethereum,
        "echoin" => EvmProfile::Echoin,
        other => {
            let why = ValueError::expected("\"ethereum\" or \"echoin\"", other);
            return Err(Wrong("profile".into(), why));
        }
    };
    let (fee_floor, fee_cap) = fees(&raw, KIND, profile.least_fee())?;
    let contract = needed("contract", raw.contract, KIND)?.to_ascii_lowercase();
    let digits = contract.strip_prefix("0x").unwrap_or_default();
    if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        let why = ValueError::expected("0x and 40 hexadecimal digits", contract);
        return Err(Wrong("contract".into(), why));
    }
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
        profile,
        contract,
        fee_floor,
        fee_cap,
    })
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
    ];
    match given
        .iter()
        .find(|(key, is_given)| *is_given && keys.contains(key))
    {
        Some((key, _)) => Err(Wrong((*key).into(), ValueError::Foreign { kind })),
        None => Ok(()),
    }
}
