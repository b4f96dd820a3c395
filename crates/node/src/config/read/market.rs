//! The market's part of the configuration.

use super::super::market::{
    ClearingConfig, InventoryLimit, MAX_BOOKS, MAX_NEIGHBOURS, MAX_PEERS, MAX_PRICES, MAX_QUOTE_LIFE,
    MAX_SERVICES, NodeRole, ProviderConfig, ReserveConfig, Source,
};
use super::super::{Endpoint, ValueError};
use super::Wrong;
use crate::assets::Assets;
use crate::clearing::services::named_service;
use crate::market::PriceLine;
use kofo_network::PeerAddress;
use kofo_primitives::Seconds;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// All of anything, in basis points.
const WHOLE_BPS: u16 = 10_000;
/// A price that is older than a day is nobody's.
const MAX_STALE: Seconds = Seconds(86_400);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProvider {
    quote_life: u64,
    stale_after: u64,
    price_file: Option<PathBuf>,
    price_url: Option<String>,
    inventory: BTreeMap<String, String>,
    price: Vec<PriceLine>,
    book: Vec<RawSource>,
    reserve: Option<RawReserve>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReserve {
    asset: String,
    #[serde(default)]
    premium_bps: u16,
    #[serde(default = "nothing")]
    most_fee: String,
    #[serde(default)]
    worth: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClearing {
    genesis: PathBuf,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default = "paid")]
    paid: bool,
}

fn nothing() -> String {
    "0".to_owned()
}

const fn paid() -> bool {
    true
}

impl Default for RawProvider {
    fn default() -> Self {
        let default = ProviderConfig::default();
        Self {
            quote_life: default.quote_life.0,
            stale_after: default.stale_after.0,
            price_file: None,
            price_url: None,
            inventory: BTreeMap::new(),
            price: Vec::new(),
            book: Vec::new(),
            reserve: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    file: Option<PathBuf>,
    url: Option<String>,
}

pub(super) fn role(text: Option<&str>) -> Result<NodeRole, Wrong> {
    let Some(text) = text else {
        return Ok(NodeRole::default());
    };
    let wrong = |_| ValueError::expected("\"wallet\", \"relay\" or \"provider\"", text);
    text.parse().map_err(|e| Wrong("role".into(), wrong(e)))
}

pub(super) fn clearing(raw: RawClearing) -> Result<ClearingConfig, Wrong> {
    let bare = raw.services.iter().map(|text| named_service(text).1.to_owned());
    addresses("clearing.services", bare.collect(), MAX_SERVICES)?;
    Ok(ClearingConfig {
        genesis: raw.genesis,
        services: raw.services,
        paid: raw.paid,
    })
}

pub(super) fn peers(peers: Vec<String>) -> Result<Vec<String>, Wrong> {
    addresses("peers", peers, MAX_PEERS)
}

/// Addresses that end in a peer id.
fn addresses(key: &str, peers: Vec<String>, most: usize) -> Result<Vec<String>, Wrong> {
    let wrong = |why| Wrong(key.into(), why);
    if peers.len() > most {
        let expected = format!("at most {most} addresses");
        return Err(wrong(ValueError::expected(expected, peers.len())));
    }
    for peer in &peers {
        PeerAddress::from_multiaddrs(&[peer]).map_err(|e| {
            let expected = "an address that ends in a peer id, such as /ip4/1.2.3.4/tcp/9000/p2p/12D3…";
            wrong(ValueError::expected(expected, format!("{peer} ({e})")))
        })?;
    }
    Ok(peers)
}

pub(super) fn neighbours(count: usize) -> Result<usize, Wrong> {
    if count > MAX_NEIGHBOURS {
        let expected = format!("0 to {MAX_NEIGHBOURS} neighbours");
        return Err(Wrong("neighbours".into(), ValueError::expected(expected, count)));
    }
    Ok(count)
}

pub(super) fn provider(raw: RawProvider, assets: &Assets) -> Result<ProviderConfig, Wrong> {
    let wrong = |key: &str, why| Wrong(format!("provider.{key}"), why);
    let most = MAX_QUOTE_LIFE;
    let within = |key: &str, value: u64, most: Seconds| {
        let expected = || ValueError::expected(format!("1 to {} seconds", most.0), value);
        let right = (1..=most.0).contains(&value);
        right
            .then_some(Seconds(value))
            .ok_or_else(|| wrong(key, expected()))
    };
    let few = |key: &str, have: usize, most: usize| {
        let many = || wrong(key, ValueError::expected(format!("at most {most}"), have));
        (have <= most).then_some(()).ok_or_else(many)
    };
    few("price", raw.price.len(), MAX_PRICES)?;
    few("book", raw.book.len(), MAX_BOOKS)?;
    for (at, line) in raw.price.iter().enumerate() {
        line.read(assets)
            .map_err(|e| wrong(&format!("price[{at}]"), ValueError::Line(e)))?;
    }
    let mut inventory = Vec::with_capacity(raw.inventory.len());
    for (symbol, most) in raw.inventory {
        let read = assets.parse(&format!("{most} {symbol}"));
        read.map_err(|e| wrong(&format!("inventory.{symbol}"), e.into()))?;
        inventory.push(InventoryLimit { symbol, most });
    }
    let price_source = match (raw.price_file, raw.price_url) {
        (None, None) => None,
        (file, url) => Some(source(file, url).map_err(|e| wrong("price_file", e))?),
    };
    let mut books = Vec::with_capacity(raw.book.len());
    for (at, book) in raw.book.into_iter().enumerate() {
        books.push(source(book.file, book.url).map_err(|e| wrong(&format!("book[{at}]"), e))?);
    }
    Ok(ProviderConfig {
        quote_life: within("quote_life", raw.quote_life, most)?,
        stale_after: within("stale_after", raw.stale_after, MAX_STALE)?,
        price_source,
        books,
        inventory,
        prices: raw.price,
        reserve: raw.reserve.map(|raw| reserve(raw, assets)).transpose()?,
    })
}

/// What the amounts are of is known once the genesis is read.
fn reserve(raw: RawReserve, assets: &Assets) -> Result<ReserveConfig, Wrong> {
    let wrong = |key: &str, why| Wrong(format!("provider.reserve.{key}"), why);
    if raw.premium_bps > WHOLE_BPS {
        let why = ValueError::expected(format!("0 to {WHOLE_BPS} basis points"), raw.premium_bps);
        return Err(wrong("premium_bps", why));
    }
    let mut worth = Vec::with_capacity(raw.worth.len());
    for (symbol, most) in raw.worth {
        let known = assets.by_symbol(&symbol);
        known.map_err(|e| wrong(&format!("worth.{symbol}"), e.into()))?;
        worth.push(InventoryLimit { symbol, most });
    }
    Ok(ReserveConfig {
        asset: raw.asset,
        premium_bps: raw.premium_bps,
        most_fee: raw.most_fee,
        worth,
    })
}

fn source(file: Option<PathBuf>, url: Option<String>) -> Result<Source, ValueError> {
    match (file, url) {
        (Some(file), None) => Ok(Source::File(file)),
        (None, Some(url)) => Ok(Source::Url(Endpoint::new(&url)?)),
        (None, None) => Err(ValueError::expected("a file or a url", "neither")),
        (Some(_), Some(_)) => Err(ValueError::expected("a file or a url", "both")),
    }
}
