use super::*;
use kofo_clearance::{GenesisBalance, GenesisValidator, LedgerAsset, PairRule, Params, ProofRule};
use kofo_primitives::{Amount, AssetId, Bytes, ChainId, NetworkId, NodeId, Seconds, Text, ValidatorSecret};

/// What fees are paid in here.
pub(crate) const FEE: &str = "kofo:test/fee:kofo";
const BITCOIN: &str = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328";

fn node(n: u8) -> NodeId {
    NodeId::new([n; 32])
}

fn params() -> Params {
    let units = |n: u128| Amount::new(n * 1_000_000);
    Params {
        seats: 4,
        power_cap_bps: 10_000,
        epoch_ms: 600_000,
        unbond_ms: 604_800_000,
        unstake_ms: 1_814_400_000,
        foundation_bps: 1000,
        validators_bps: 2000,
        foundation: node(0xf0),
        stake: AssetId::new(FEE).unwrap(),
        min_stake: units(1000),
        listing_ms: 0,
        margin_bps: 2000,
        harmed_bps: 1000,
        cancel_bps: 500,
        double_vote_bps: 500,
        missed_heights: 600,
        missed_bps: 1,
        jail_ms: 60_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 7_200_000,
        points_trades: 10_000_000,
        clock_ms: 500,
        max_batch_bytes: 1_048_576,
        assets: vec![LedgerAsset {
            asset: AssetId::new(FEE).unwrap(),
            symbol: Text::new("KOFO").unwrap(),
            decimals: 6,
            min_fee: Amount::new(1000),
            min_bond: units(10),
            weight_cap: units(10_000),
            double_quote: Amount::new(1_500_000),
        }],
        pairs: vec![PairRule {
            alpha: ChainId::new(BITCOIN).unwrap(),
            beta: ChainId::new("eip155:31337").unwrap(),
            min_gap: Seconds(7200),
            min_beta: Seconds(90),
            reveal: Seconds(600),
        }],
        proofs: vec![ProofRule {
            chain: ChainId::new(BITCOIN).unwrap(),
            easiest: 0x207f_ffff,
            depth: 3,
        }],
    }
}

pub(crate) fn whole() -> GenesisFile {
    let validator = |n: u8| GenesisValidator {
        account: node(n),
        key: ValidatorSecret::new(&[n; 32]).unwrap().key(),
        stake: Amount::new(5_000_000_001),
        commission_bps: 500,
        observes: vec![ChainId::new(BITCOIN).unwrap()],
        engine: Text::new("/ip4/127.0.0.1/tcp/9001").unwrap(),
        service: Text::new("/ip4/127.0.0.1/tcp/9002/p2p/12D3").unwrap(),
    };
    let balance = |n: u8, free| GenesisBalance {
        account: node(n),
        asset: AssetId::new(FEE).unwrap(),
        free: Amount::new(free),
        provider: Amount::ZERO,
        relay: Amount::new(7),
    };
    GenesisFile {
        genesis: Genesis {
            version: 1,
            network: NetworkId::new("kofo-test").unwrap(),
            time_ms: 1_790_000_000_123,
            params: params(),
            validators: (1..=4).map(validator).collect(),
            balances: vec![balance(9, 123_456_789), balance(8, 0)],
            seal_key: node(0x5e),
            shares: vec![(node(1), Bytes::new([7; 80]).unwrap())],
        },
    }
}

#[test]
fn a_genesis_is_written_for_people_and_read_back_as_the_same_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(GENESIS_FILE);
    whole().save_new(&path).unwrap();
    let read = GenesisFile::load(&path).unwrap();
    assert_eq!(read, whole());
    assert_eq!(read.genesis.digest(), whole().genesis.digest());
    let text = std::fs::read_to_string(&path).unwrap();
    for line in [
        "free = \"123.456789\"",
        "unstake = \"21 d\"",
        "min_beta = \"90 s\"",
        "stake = \"KOFO\"",
        "easiest = \"0x207fffff\"",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
    let again = whole().save_new(&path).unwrap_err();
    assert!(matches!(again, GenesisFileError::Write { .. }), "{again}");
}

#[test]
fn a_wrong_value_is_refused_by_the_name_of_its_key() {
    for (from, to, key, expected) in [
        ("version = 1", "version = 2", "version", "expected 1"),
        (
            "epoch = \"10 min\"",
            "epoch = \"10 weeks\"",
            "rules.epoch",
            "10 min",
        ),
        ("epoch = \"10 min\"", "epoch = \"10\"", "rules.epoch", "10 min"),
        (
            "foundation_bps = 1000",
            "foundation_bps = 10001",
            "rules.foundation_bps",
            "0 to 10000",
        ),
        ("stake = \"KOFO\"", "stake = \"BTC\"", "rules.stake", "KOFO"),
        ("symbol = \"KOFO\"", "symbol = \"Kofo\"", "asset", "capitals"),
        (
            "min_stake = \"1000\"",
            "min_stake = \"1e3\"",
            "rules.min_stake",
            "at most 6 digits",
        ),
        (
            "min_fee = \"0.001\"",
            "min_fee = \"0.0010001\"",
            "asset[0].min_fee",
            "at most 6 digits",
        ),
        (
            "min_gap = \"2 h\"",
            "min_gap = \"1 ms\"",
            "pair[0].min_gap",
            "whole seconds",
        ),
        (
            "beta = \"eip155:31337\"",
            "beta = \"eth\"",
            "pair[0].beta",
            "CAIP-2",
        ),
        ("\"0x207fffff\"", "\"207fffff\"", "proof[0].easiest", "0x1d00ffff"),
        ("asset = \"KOFO\"", "asset = \"XYZ\"", "balance[0].asset", "XYZ"),
        ("sealed = \"07", "sealed = \"7", "share[0].sealed", "hexadecimal"),
    ] {
        let text = whole().to_toml();
        assert!(text.contains(from), "{from}\n{text}");
        let error = GenesisFile::parse(&text.replacen(from, to, 1), Path::new("g")).unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains(&format!(", {key}: ")) && said.contains(expected),
            "{to}: {said}"
        );
    }
}

#[test]
fn a_key_that_is_unknown_or_missing_is_refused_with_its_line() {
    let text = whole().to_toml();
    for (from, to, expected) in [
        ("seats = 4", "seat = 4", "unknown field `seat`"),
        ("seats = 4\n", "", "missing field `seats`"),
        ("engine = ", "motor = ", "unknown field `motor`"),
    ] {
        let error = GenesisFile::parse(&text.replacen(from, to, 1), Path::new("g")).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("g, line ") && said.contains(expected), "{said}");
    }
}

#[test]
fn a_genesis_that_has_no_text_of_its_own_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(GENESIS_FILE);
    let mut foreign = whole();
    foreign.genesis.balances[0].asset = AssetId::new("kofo:test/fee:other").unwrap();
    let error = foreign.save_new(&path).unwrap_err();
    assert!(error.to_string().contains("balance[0].asset"), "{error}");
    assert!(!path.exists());
}
