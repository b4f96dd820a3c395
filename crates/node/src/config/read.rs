//! From TOML text to a [`Config`]. First the text's shape, strictly; then each value, with the key's name at hand.

mod backend;
mod limits;
mod market;

use super::chain::{Backend, ChainConfig, EvmProfile};
use super::{Config, ConfigError, MAX_CHAINS, MAX_LISTEN, Override, TimelockPolicy, ValueError};
use super::{default_journal, default_listen, default_neighbours};
use crate::assets::{Asset, Assets};
use crate::signer::{SignerAt, SignerAtError};
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    network: String,
    #[serde(default = "default_listen")]
    listen: Vec<String>,
    #[serde(default)]
    rpc_port: u16,
    #[serde(default)]
    health_port: u16,
    #[serde(default = "default_journal")]
    journal: PathBuf,
    signer: Option<String>,
    backup: Option<RawBackup>,
    #[serde(default = "standard")]
    timelocks: String,
    role: Option<String>,
    #[serde(default)]
    peers: Vec<String>,
    #[serde(default = "default_neighbours")]
    neighbours: usize,
    #[serde(default)]
    behind_nat: bool,
    #[serde(default)]
    provider: market::RawProvider,
    #[serde(default)]
    limits: BTreeMap<String, limits::RawLimit>,
    clearing: Option<market::RawClearing>,
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
    tower_wage: Option<RawWage>,
    peers: Option<Vec<String>>,
    checkpoint: Option<String>,
    #[serde(default)]
    light_most: BTreeMap<String, String>,
    #[serde(default)]
    assets: BTreeMap<String, RawAsset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBackup {
    file: PathBuf,
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
struct RawWage {
    account: String,
    per_mille: u16,
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

pub(super) fn parse(text: &str, path: &Path, overrides: &[Override]) -> Result<Config, ConfigError> {
    let mut raw: RawConfig = toml::from_str(text).map_err(|e| syntax(&e, text, path))?;
    if !overrides.is_empty() {
        raw = overridden(text, path, overrides)?;
    }
    config(raw).map_err(|Wrong(key, why)| ConfigError::Value {
        path: path.to_owned(),
        key,
        why,
    })
}

/// One variable after the other, so that the one that does not fit is named.
fn overridden(text: &str, path: &Path, overrides: &[Override]) -> Result<RawConfig, ConfigError> {
    let mut file: toml::Table = toml::from_str(text).map_err(|e| syntax(&e, text, path))?;
    for one in overrides {
        one.put(&mut file)?;
        let shaped = file.clone().try_into::<RawConfig>();
        shaped.map_err(|e| ConfigError::Override {
            name: one.name.clone(),
            message: e.message().to_owned(),
        })?;
    }
    file.try_into::<RawConfig>().map_err(|e| syntax(&e, text, path))
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
    let chains = chains(raw.chain, timelocks)?;
    let all = chains.iter().flat_map(|c| c.assets.iter().cloned()).collect();
    let assets = Assets::new(all).map_err(|e| Wrong("chain.*.assets".into(), e.into()))?;
    Ok(Config {
        network,
        listen: raw.listen,
        rpc_port: raw.rpc_port,
        health_port: raw.health_port,
        journal: raw.journal,
        signer: raw.signer.as_deref().map(signer).transpose()?,
        backup: raw.backup.map(|backup| backup.file),
        timelocks,
        role: market::role(raw.role.as_deref())?,
        peers: market::peers(raw.peers)?,
        neighbours: market::neighbours(raw.neighbours)?,
        behind_nat: raw.behind_nat,
        provider: market::provider(raw.provider, &assets)?,
        limits: limits::limits(raw.limits, &assets)?,
        clearing: raw.clearing.map(market::clearing).transpose()?,
        chains,
    })
}

fn signer(text: &str) -> Result<SignerAt, Wrong> {
    let wrong = |_: SignerAtError| {
        ValueError::expected(
            "unix: and the path of a socket, such as unix:/run/kofo/signer.sock",
            text,
        )
    };
    text.parse().map_err(|e| Wrong("signer".into(), wrong(e)))
}

fn chains(raw: BTreeMap<String, RawChain>, timelocks: TimelockPolicy) -> Result<Vec<ChainConfig>, Wrong> {
    if raw.len() > MAX_CHAINS {
        let expected = format!("at most {MAX_CHAINS} chains");
        return Err(Wrong("chain".into(), ValueError::expected(expected, raw.len())));
    }
    let mut chains: Vec<ChainConfig> = Vec::with_capacity(raw.len());
    for (name, raw) in raw {
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
    Ok(chains)
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
        (_, Backend::Bitcoin(_) | Backend::Light(_)) => bitcoin,
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
    let backend = backend::backend(raw, &id, &assets).map_err(|Wrong(last, e)| Wrong(key(&last), e))?;
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
