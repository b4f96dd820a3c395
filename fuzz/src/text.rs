//! Texts that people type or paste: what is read is printed so that it is read back as the same.

use kofo_node::assets::{Asset, Assets};
use kofo_node::config::Endpoint;
use kofo_node::keystore::{Passphrase, Words};
use kofo_node::rpc::types;
use kofo_primitives::*;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::{Debug, Display};
use std::str::FromStr;
use zeroize::Zeroizing;

/// The first byte is the number of decimals.
pub(crate) fn amount(data: &[u8]) {
    let (decimals, text) = data
        .split_first()
        .map_or((0, data), |(first, rest)| (*first, rest));
    let text = String::from_utf8_lossy(text);
    if let Ok(amount) = Amount::parse_units(&text, decimals) {
        let printed = amount.display_units(decimals);
        assert_eq!(
            Amount::parse_units(&printed, decimals),
            Ok(amount),
            "{text:?} {printed:?}"
        );
        // The same number, and not one that was rounded or shifted: the digits that count are those of the text.
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
        let point = if part.is_empty() { "" } else { "." };
        let whole = if whole.is_empty() { "0" } else { whole };
        assert_eq!(printed, format!("{whole}{point}{part}"), "{text:?}");
    }
    if let Some(units) = data.first_chunk().map(|bytes| u128::from_le_bytes(*bytes)) {
        let printed = Amount::new(units).display_units(decimals);
        assert_eq!(Amount::parse_units(&printed, decimals), Ok(Amount::new(units)));
    }
}

pub(crate) fn seeds_of_amounts() -> Vec<Vec<u8>> {
    let of = |decimals: u8, text: &str| [&[decimals], text.as_bytes()].concat();
    vec![
        of(8, "0.1"),
        of(18, "2"),
        of(0, "340282366920938463463374607431768211455"),
        of(38, "3.40282366920938463463374607431768211455"),
        of(8, "00021.50000000000000"),
        of(255, ".0"),
    ]
}

fn round_trip<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    let printed = value.to_string();
    assert!(
        printed.parse().is_ok_and(|again: T| again == value),
        "{text:?} {printed:?}"
    );
    Some(value)
}

/// Ids in all their forms; one text is tried as each.
pub(crate) fn ids(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let exact = |shown: Option<String>| assert!(shown.is_none_or(|shown| shown == text), "{text:?}");
    exact(round_trip::<NetworkId>(&text).map(|id| id.to_string()));
    exact(round_trip::<ChainId>(&text).map(|id| id.to_string()));
    let hex = |shown: Option<String>| assert!(shown.is_none_or(|s| s == text.to_lowercase()), "{text:?}");
    hex(round_trip::<Hashlock>(&text).map(|id| id.to_string()));
    hex(round_trip::<SwapId>(&text).map(|id| id.to_string()));
    hex(round_trip::<types::Id>(&text).map(|id| id.to_string()));
    if let Some(asset) = round_trip::<AssetId>(&text) {
        let (space, reference) = asset.on_chain();
        assert_eq!(format!("{}/{space}:{reference}", asset.chain()), text);
        let bytes = encode(&asset);
        assert_eq!(decode::<AssetId>(&bytes), Ok(asset));
    }
    if let Some(short) = Text::<200>::new(&text) {
        assert_eq!(decode(&encode(&short)), Ok(short));
    }
    assert!(Text::<16>::lossy(&text).as_str().len() <= 16);
}

pub(crate) fn seeds_of_ids() -> Vec<Vec<u8>> {
    let digits = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
    let texts = [
        "kofo-regtest",
        "eip155:1",
        "bip122:000000000019d6689c085ae165831e93/slip44:0",
        "eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3",
        digits,
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

fn assets() -> Assets {
    let asset = |symbol: &str, id: &str, decimals| Asset {
        symbol: symbol.into(),
        id: AssetId::new(id).expect("an asset"),
        decimals,
        freezable: false,
    };
    let list = vec![
        asset("BTC", "bip122:a/slip44:0", 8),
        asset("ETH", "eip155:31337/slip44:60", 18),
        asset("X", "eip155:31337/erc20:0x01", 36),
        asset("E3", "eip155:31337/erc20:0x02", 0),
    ];
    Assets::new(list).expect("all different")
}

/// Amounts with their symbol, as in `kofo swap offer --give 0.1btc`.
pub(crate) fn asset_amount(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let assets = assets();
    match assets.parse(&text) {
        Ok((id, amount)) => {
            assert!(amount > Amount::ZERO, "nothing is refused");
            assert_eq!(assets.parse(&assets.show(&id, amount)), Ok((id, amount)));
        }
        Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
    }
}

pub(crate) fn seeds_of_asset_amounts() -> Vec<Vec<u8>> {
    let texts = ["0.1btc", "2eth", "12.5 X", " 7 E3 ", "1.000000000000000000 ETH"];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// The words of a seed and a passphrase: never repeated by an error, however wrong.
pub(crate) fn secrets(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Words::parse(&text) {
        Ok(words) => {
            let again = Words::parse(words.expose()).expect("words that were read");
            assert_eq!(again.expose(), words.expose());
        }
        Err(error) => {
            let long = text.split_whitespace().filter(|word| word.len() > 12);
            let shown = error.to_string();
            assert!(
                long.into_iter().all(|word| !shown.contains(word)),
                "an error repeats a secret"
            );
        }
    }
    if let Ok(passphrase) = Passphrase::new(Zeroizing::new(text.into_owned())) {
        assert_eq!(format!("{passphrase:?}"), "Passphrase(redacted)");
        let _ = passphrase.check_strength();
    }
}

pub(crate) fn seeds_of_secrets() -> Vec<Vec<u8>> {
    let words = format!("{}art", "abandon ".repeat(23));
    vec![
        words.clone().into_bytes(),
        words.to_uppercase().replace(' ', "\n ").into_bytes(),
        b"correct horse battery staple\r\n".to_vec(),
    ]
}

pub(crate) fn endpoint(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(endpoint) = Endpoint::new(&text) {
        assert_eq!(endpoint.as_str(), text);
        // Scheme and host; whatever is behind them may be a provider's secret.
        let shown = format!("{endpoint:?}");
        let host = shown.strip_suffix("/…").expect("the rest is left out");
        assert!(
            text.starts_with(host) && host.matches('/').count() == 2,
            "{shown}"
        );
        assert!(
            !host.contains(['?', '#']),
            "a provider's secret is shown: {shown}"
        );
    }
}

pub(crate) fn seeds_of_endpoints() -> Vec<Vec<u8>> {
    let texts = [
        "http://127.0.0.1:8545",
        "https://example.org/v1/a-key-of-ours",
        "https://example.org?key=ours",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(data) {
        let printed = serde_json::to_vec(&value).expect("plain data");
        assert_eq!(
            serde_json::from_slice::<T>(&printed).expect("what was printed"),
            value
        );
    }
}

/// What goes over the RPC, in both directions.
pub(crate) fn rpc_json(data: &[u8]) {
    json::<types::Id>(data);
    json::<types::OfferMade>(data);
    json::<types::SwapStatus>(data);
    json::<types::SwapList>(data);
    json::<types::NodeStatus>(data);
    json::<types::Balance>(data);
    json::<types::WalletAddress>(data);
}

pub(crate) fn seeds_of_rpc_json() -> Vec<Vec<u8>> {
    let made = types::OfferMade {
        id: types::Id([7; 32]),
        uri: "kofo:offer1AAAA".into(),
        give: vec![assets().money(
            &AssetId::new("bip122:a/slip44:0").expect("an asset"),
            Amount::new(10_000_000),
        )],
        want: Vec::new(),
        expires: 1_000_600,
    };
    vec![
        serde_json::to_vec(&made).expect("plain data"),
        serde_json::to_vec(&made.id).expect("plain data"),
    ]
}
