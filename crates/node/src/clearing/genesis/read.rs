//! From TOML to a genesis: the text's shape first, then each value with its key at hand.

mod raw;

use super::{GenesisFileError, span};
use crate::assets::{Asset, Assets};
use crate::config::ValueError;
use kofo_clearance::{
    Genesis, GenesisBalance, GenesisValidator, LedgerAsset, MAX_GENESIS_ROWS, PairRule, Params, ProofRule,
};
use kofo_primitives::{Amount, AssetId, Bytes, ChainId, NetworkId, NodeId, Seconds, Text, ValidatorKey};
use raw::{RawAsset, RawBalance, RawGenesis, RawPair, RawProof, RawRules, RawShare, RawValidator};
use std::path::Path;

/// All of anything, in basis points.
const WHOLE_BPS: u16 = 10_000;

/// A wrong value and the key that holds it.
struct Wrong(String, ValueError);

impl Wrong {
    fn within(self, table: &str) -> Self {
        Self(format!("{table}.{}", self.0), self.1)
    }
}

fn at<T>(key: &str, value: Result<T, impl Into<ValueError>>) -> Result<T, Wrong> {
    value.map_err(|why| Wrong(key.to_owned(), why.into()))
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Genesis, GenesisFileError> {
    let raw: RawGenesis = toml::from_str(text).map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        GenesisFileError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count().saturating_add(1),
            message: error.message().to_owned(),
        }
    })?;
    genesis(raw).map_err(|Wrong(key, why)| GenesisFileError::Value {
        path: path.to_owned(),
        key,
        why,
    })
}

fn genesis(raw: RawGenesis) -> Result<Genesis, Wrong> {
    if raw.version != 1 {
        return at("version", Err(ValueError::expected("1", raw.version)));
    }
    let assets = rows("asset", raw.asset, ledger_asset)?;
    let known = at("asset", registry(&assets))?;
    let mut params = rules(raw.rules, &known).map_err(|wrong| wrong.within("rules"))?;
    params.assets = assets;
    params.pairs = rows("pair", raw.pair, pair)?;
    params.proofs = rows("proof", raw.proof, proof)?;
    let stake = params.stake.clone();
    Ok(Genesis {
        version: raw.version,
        network: at("network", NetworkId::new(&raw.network))?,
        time_ms: raw.time_ms,
        seal_key: at("seal_key", account(&raw.seal_key))?,
        validators: rows("validator", raw.validator, |one| validator(one, &known, &stake))?,
        balances: rows("balance", raw.balance, |one| balance(one, &known))?,
        shares: rows("share", raw.share, share)?,
        params,
    })
}

/// Each row of a list of tables; what is wrong is named with the row's place, from 0.
fn rows<R, T>(name: &str, raw: Vec<R>, one: impl Fn(R) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    if raw.len() > MAX_GENESIS_ROWS {
        let expected = format!("at most {MAX_GENESIS_ROWS}");
        return at(name, Err(ValueError::expected(expected, raw.len())));
    }
    let placed = |(place, raw)| one(raw).map_err(|wrong: Wrong| wrong.within(&format!("{name}[{place}]")));
    raw.into_iter().enumerate().map(placed).collect()
}

/// The ledger's assets as a node knows assets: so that each symbol can be typed behind a number, and means one.
fn registry(assets: &[LedgerAsset]) -> Result<Assets, ValueError> {
    let one = |asset: &LedgerAsset| {
        if asset.symbol.as_str().bytes().any(|b| b.is_ascii_lowercase()) {
            return Err(ValueError::expected("symbols in capitals", asset.symbol.as_str()));
        }
        Ok(Asset {
            symbol: asset.symbol.as_str().to_owned(),
            id: asset.asset.clone(),
            decimals: asset.decimals,
            freezable: false,
        })
    };
    let all = assets.iter().map(one).collect::<Result<_, _>>()?;
    Ok(Assets::new(all)?)
}

fn account(text: &str) -> Result<NodeId, ValueError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| ValueError::expected("64 hexadecimal digits of an account's key", text))?;
    Ok(NodeId::new(bytes))
}

fn units(text: &str, decimals: u8) -> Result<Amount, ValueError> {
    Amount::parse_units(text, decimals).map_err(|why| {
        let expected = format!("an amount with at most {decimals} digits behind the point");
        ValueError::expected(expected, format!("{text} ({why})"))
    })
}

fn units_of(text: &str, assets: &Assets, asset: &AssetId) -> Result<Amount, ValueError> {
    units(text, assets.by_id(asset)?.decimals)
}

/// A symbol as the ledger has it.
fn symbol(text: &str, assets: &Assets) -> Result<AssetId, ValueError> {
    Ok(assets.by_symbol(text)?.id.clone())
}

fn bps(key: &str, value: u16) -> Result<u16, Wrong> {
    if value > WHOLE_BPS {
        let why = ValueError::expected(format!("0 to {WHOLE_BPS} basis points"), value);
        return at(key, Err(why));
    }
    Ok(value)
}

fn text<const MOST: usize>(text: &str) -> Result<Text<MOST>, ValueError> {
    Text::new(text).ok_or_else(|| ValueError::expected(format!("at most {MOST} printable characters"), text))
}

fn rules(raw: RawRules, assets: &Assets) -> Result<Params, Wrong> {
    let stake = at("stake", symbol(&raw.stake, assets))?;
    Ok(Params {
        seats: raw.seats,
        power_cap_bps: bps("power_cap_bps", raw.power_cap_bps)?,
        epoch_ms: at("epoch", span::read(&raw.epoch))?,
        unbond_ms: at("unbond", span::read(&raw.unbond))?,
        unstake_ms: at("unstake", span::read(&raw.unstake))?,
        foundation_bps: bps("foundation_bps", raw.foundation_bps)?,
        validators_bps: bps("validators_bps", raw.validators_bps)?,
        foundation: at("foundation", account(&raw.foundation))?,
        min_stake: at("min_stake", units_of(&raw.min_stake, assets, &stake))?,
        stake,
        listing_ms: at("listing", span::read(&raw.listing))?,
        margin_bps: raw.margin_bps,
        harmed_bps: raw.harmed_bps,
        cancel_bps: bps("cancel_bps", raw.cancel_bps)?,
        double_vote_bps: bps("double_vote_bps", raw.double_vote_bps)?,
        missed_heights: raw.missed_heights,
        missed_bps: bps("missed_bps", raw.missed_bps)?,
        jail_ms: at("jail", span::read(&raw.jail))?,
        unobserved_ms: at("unobserved", span::read(&raw.unobserved))?,
        unclear_ms: at("unclear", span::read(&raw.unclear))?,
        points_trades: raw.points_trades,
        clock_ms: at("clock", span::read(&raw.clock))?,
        max_batch_bytes: raw.max_batch_bytes,
        assets: Vec::new(),
        pairs: Vec::new(),
        proofs: Vec::new(),
    })
}

fn ledger_asset(raw: RawAsset) -> Result<LedgerAsset, Wrong> {
    let units = |key: &str, text: &str| at(key, units(text, raw.decimals));
    Ok(LedgerAsset {
        asset: at("id", AssetId::new(&raw.id))?,
        symbol: at("symbol", text(&raw.symbol))?,
        decimals: raw.decimals,
        min_fee: units("min_fee", &raw.min_fee)?,
        min_bond: units("min_bond", &raw.min_bond)?,
        weight_cap: units("weight_cap", &raw.weight_cap)?,
        double_quote: units("double_quote", &raw.double_quote)?,
    })
}

fn pair(raw: RawPair) -> Result<PairRule, Wrong> {
    let seconds = |key: &str, text: &str| {
        let ms = at(key, span::read(text))?;
        match ms.is_multiple_of(1000) {
            true => Ok(Seconds(ms / 1000)),
            false => at(key, Err(ValueError::expected("whole seconds", text))),
        }
    };
    Ok(PairRule {
        alpha: at("alpha", ChainId::new(&raw.alpha))?,
        beta: at("beta", ChainId::new(&raw.beta))?,
        min_gap: seconds("min_gap", &raw.min_gap)?,
        min_beta: seconds("min_beta", &raw.min_beta)?,
        reveal: seconds("reveal", &raw.reveal)?,
    })
}

fn proof(raw: RawProof) -> Result<ProofRule, Wrong> {
    let digits = raw.easiest.strip_prefix("0x").filter(|digits| digits.len() == 8);
    let easiest = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let wrong = || ValueError::expected("a target in compact form such as \"0x1d00ffff\"", &raw.easiest);
    Ok(ProofRule {
        chain: at("chain", ChainId::new(&raw.chain))?,
        easiest: at("easiest", easiest.ok_or_else(wrong))?,
        depth: raw.depth,
    })
}

fn validator(raw: RawValidator, assets: &Assets, stake: &AssetId) -> Result<GenesisValidator, Wrong> {
    let chains = raw.observes.iter().map(|chain| ChainId::new(chain));
    Ok(GenesisValidator {
        account: at("account", account(&raw.account))?,
        key: at("key", raw.key.parse::<ValidatorKey>())?,
        stake: at("stake", units_of(&raw.stake, assets, stake))?,
        commission_bps: bps("commission_bps", raw.commission_bps)?,
        observes: at("observes", chains.collect::<Result<_, _>>())?,
        engine: at("engine", text(&raw.engine))?,
        service: at("service", text(&raw.service))?,
    })
}

fn balance(raw: RawBalance, assets: &Assets) -> Result<GenesisBalance, Wrong> {
    let asset = at("asset", symbol(&raw.asset, assets))?;
    let units = |key: &str, text: &str| at(key, units_of(text, assets, &asset));
    Ok(GenesisBalance {
        account: at("account", account(&raw.account))?,
        free: units("free", &raw.free)?,
        provider: units("provider", &raw.provider)?,
        relay: units("relay", &raw.relay)?,
        asset,
    })
}

fn share(raw: RawShare) -> Result<(NodeId, Bytes<128>), Wrong> {
    let wrong = || ValueError::expected("at most 256 hexadecimal digits", &raw.sealed);
    let sealed = hex::decode(&raw.sealed)
        .ok()
        .and_then(|bytes| Bytes::new(bytes).ok());
    Ok((
        at("account", account(&raw.account))?,
        at("sealed", sealed.ok_or_else(wrong))?,
    ))
}
