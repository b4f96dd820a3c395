use super::*;

mod environment;
mod format;
mod light;
mod limits;
mod market;

use crate::assets::Asset;
use kofo_primitives::{AssetId, ChainId};

const BITCOIN: &str = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328";

fn asset(symbol: &str, id: &str, decimals: u8) -> Asset {
    Asset {
        symbol: symbol.into(),
        id: AssetId::new(id).unwrap(),
        decimals,
        freezable: symbol == "USDX",
    }
}

fn bitcoin(auth: BitcoindAuth) -> ChainConfig {
    ChainConfig {
        name: "bitcoin".into(),
        id: ChainId::new(BITCOIN).unwrap(),
        depth: 1,
        assets: vec![asset("BTC", &format!("{BITCOIN}/slip44:0"), 8)],
        backend: Backend::Bitcoin(BitcoinConfig {
            endpoint: Endpoint::new("http://127.0.0.1:18443").unwrap(),
            auth,
            trusted: true,
            witnesses: vec![],
            fee_cap: 200,
            birthday: 7,
        }),
    }
}

fn evm(name: &str, chain: &str, profile: EvmProfile) -> ChainConfig {
    ChainConfig {
        name: name.into(),
        id: ChainId::new(chain).unwrap(),
        depth: 1,
        assets: vec![asset(
            &name.to_ascii_uppercase(),
            &format!("{chain}/slip44:60"),
            18,
        )],
        backend: Backend::Evm(EvmConfig {
            endpoint: Endpoint::new("http://127.0.0.1:8545/v1/key").unwrap(),
            trusted: false,
            witnesses: vec![Endpoint::new("https://host/v2/key").unwrap()],
            light_most: LightMost::new(),
            tower_wage: Some(TowerWage {
                account: [0xab; 20],
                per_mille: 2,
            }),
            profile,
            contract: format!("0x{}", "ab".repeat(20)),
            fee_floor: 2,
            fee_cap: 100,
        }),
    }
}

fn whole() -> Config {
    let cookie = BitcoindAuth::Cookie("/tmp/a \"b\"/.cookie".into());
    let mut ethereum = evm("eth", "eip155:31337", EvmProfile::Ethereum);
    ethereum.assets.push(asset("USDX", "eip155:31337/erc20:0x01", 6));
    let sim = ChainConfig {
        name: "sim".into(),
        id: ChainId::new("sim:a").unwrap(),
        depth: 3,
        assets: vec![],
        backend: Backend::Sim,
    };
    let chains = vec![
        sim,
        bitcoin(cookie),
        ethereum,
        evm("ec", "eip155:18", EvmProfile::Echoin),
    ];
    Config::new(NetworkId::new("kofo-regtest").unwrap(), chains)
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("kofo.toml"))
}

/// What is said of the valid text after one replacement in it.
fn refusal(from: &str, to: &str) -> String {
    let text = whole().to_toml();
    assert!(text.contains(from), "{from:?} is in the text");
    parse(&text.replacen(from, to, 1))
        .expect_err("a refusal")
        .to_string()
}

#[test]
fn what_is_written_is_read_back_whole() {
    assert_eq!(parse(&whole().to_toml()).unwrap(), whole());
    let password = BitcoindAuth::Password {
        user: "me".into(),
        file: "pw".into(),
    };
    let mut chain = bitcoin(password.clone());
    if let Backend::Bitcoin(bitcoin) = &mut chain.backend {
        let endpoint = Endpoint::new("https://host/v1").unwrap();
        let cookie = BitcoindAuth::Cookie("c".into());
        bitcoin.witnesses = [password, cookie]
            .map(|auth| BitcoinWitness {
                endpoint: endpoint.clone(),
                auth,
            })
            .into();
    }
    let config = Config::new(NetworkId::new("x").unwrap(), vec![chain]);
    assert_eq!(parse(&config.to_toml()).unwrap(), config);
}

#[test]
fn every_key_is_written_with_a_comment_above_it() {
    let text = whole().to_toml();
    for key in [
        "network",
        "listen",
        "rpc_port",
        "journal",
        "kind",
        "id",
        "depth",
        "endpoint",
        "cookie",
        "trusted",
        "profile",
        "contract",
        "decimals",
        "freezable",
        "role",
        "peers",
        "neighbours",
        "behind_nat",
        "quote_life",
        "stale_after",
    ] {
        let at = text
            .find(&format!("\n{key} = "))
            .unwrap_or_else(|| panic!("{key} is written"));
        let above = text[..at].lines().last().unwrap();
        assert!(above.starts_with('#'), "above {key} stands {above:?}");
    }
}

#[test]
fn defaults_stand_in_for_what_is_left_out() {
    let config = parse("network = \"kofo-regtest\"").unwrap();
    assert_eq!(config, Config::new(config.network.clone(), vec![]));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = parse("network = \"x\"\n\nrpc_prot = 1\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { line: 3, .. }), "{error}");
    assert!(error.to_string().contains("rpc_prot"), "{error}");
    assert!(refusal("fee_cap = 200", "fee_max = 200").contains("fee_max"));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_line() {
    let error = parse("network = \"x\"\nrpc_port = 70000\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { line: 2, .. }), "{error}");
    let error = parse("network = [\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { .. }), "{error}");
}

/// What stands in the valid text, what is put there, the key that is then named, and what is said of it.
#[rustfmt::skip]
const WRONG: [(&str, &str, &str, &str); 17] = [
    ("\"kofo-regtest\"", "\"kofo regtest\"", "network", "letters"),
    ("\"kofo-regtest\"", "\"Kofo\"", "network", "small letters"),
    ("\"/ip4/127.0.0.1/tcp/0\"", "\"localhost\"", "listen", "an address such as"),
    ("\"standard\"", "\"fast\"", "timelocks", "\"test\""),
    ("kind = \"bitcoin\"", "kind = \"litecoin\"", "chain.bitcoin.kind", "\"bitcoin\""),
    ("depth = 1", "depth = 0", "chain.bitcoin.depth", "1 to 1000"),
    ("depth = 1", "depth = 4", "chain.bitcoin.depth", "at most 3 with timelocks"),
    ("http://127.0.0.1:18443", "127.0.0.1:18443", "chain.bitcoin.endpoint", "a URL such as"),
    ("http://127.0.0.1:18443", "http://a:b@c", "chain.bitcoin.endpoint", "without user"),
    ("fee_cap = 200", "fee_cap = 0", "chain.bitcoin.fee_cap", "1 to"),
    ("decimals = 8", "decimals = 18", "chain.bitcoin.assets.BTC.decimals", "8 for the coin"),
    ("fee_cap = 100", "fee_cap = 1", "chain.ec.fee_cap", "2 to"),
    ("fee_floor = 2", "fee_floor = 1", "chain.ec.fee_floor", "2 to"),
    ("profile = \"echoin\"", "profile = \"x\"", "chain.ec.profile", "\"echoin\""),
    ("contract = \"0xab", "contract = \"0x", "chain.ec.contract", "40 hexadecimal digits"),
    ("decimals = 18", "decimals = 8", "chain.ec.assets.EC.decimals", "18 for the coin"),
    ("id = \"eip155:18\"", "id = \"eip155:19\"", "chain.ec.assets.EC.id", "an asset of eip155:19"),
];

#[test]
fn a_wrong_value_is_refused_by_the_name_of_its_key() {
    for (from, to, key, expected) in WRONG {
        let said = refusal(from, to);
        assert!(
            said.contains(&format!(" {key}: ")) && said.contains(expected),
            "{to}: {said}"
        );
    }
}

#[test]
fn a_key_that_is_missing_or_of_another_kind_of_chain_is_refused() {
    assert!(refusal("trusted = true\n", "").contains("chain.bitcoin.trusted: missing"));
    assert!(
        refusal("kind = \"sim\"", "kind = \"sim\"\ntrusted = true").contains("has no such key: remove it")
    );
    let floor = refusal("fee_cap = 200", "fee_cap = 200\nfee_floor = 1");
    assert!(
        floor.contains("chain.bitcoin.fee_floor: a chain of kind"),
        "{floor}"
    );
    assert!(refusal("fee_cap = 200", "fee_cap = 200\nuser = \"me\"").contains("another mixture"));
    assert!(refusal("cookie = ", "user = ").contains("another mixture"));
}

#[test]
fn a_witness_needs_its_own_login_and_there_are_few() {
    let with = |witnesses: &str| {
        refusal(
            "fee_cap = 200",
            &format!("fee_cap = 200\nwitnesses = [{witnesses}]"),
        )
    };
    let one = "{ endpoint = \"http://a\", cookie = \"c\" }";
    let many = with(&[one; 4].join(", "));
    assert!(
        many.contains("chain.bitcoin.witnesses: expected at most 3"),
        "{many}"
    );
    let open = with("{ endpoint = \"http://a\" }");
    assert!(
        open.contains("chain.bitcoin.witnesses[0].cookie: missing"),
        "{open}"
    );
    let wrong = with(&format!("{one}, {{ endpoint = \"a\", cookie = \"c\" }}"));
    assert!(
        wrong.contains("chain.bitcoin.witnesses[1].endpoint: expected a URL"),
        "{wrong}"
    );
}

#[test]
fn a_witness_of_an_evm_chain_is_an_endpoint_and_nothing_else() {
    let text = whole().to_toml();
    let line = "witnesses = [{ endpoint = \"https://host/v2/key\" }]";
    assert!(text.contains(line), "{text}");
    let login = refusal(line, "witnesses = [{ endpoint = \"http://a\", user = \"me\" }]");
    assert!(login.contains(".witnesses[0].user: a chain of kind"), "{login}");
    let many = ["{ endpoint = \"http://a\" }"; 4].join(", ");
    let many = refusal(line, &format!("witnesses = [{many}]"));
    assert!(many.contains(".witnesses: expected at most 3"), "{many}");
}

#[test]
fn a_towers_wage_is_for_one_account_and_at_most_a_twentieth() {
    let text = whole().to_toml();
    let account = format!("0x{}", "ab".repeat(20));
    let line = format!("tower_wage = {{ account = \"{account}\", per_mille = 2 }}");
    assert!(text.contains(&line), "{text}");
    let many = refusal(&line, &line.replace("= 2", "= 51"));
    assert!(many.contains(".tower_wage.per_mille: expected 1 to 50"), "{many}");
    let short = refusal(&line, &line.replace("0xab", "0x"));
    assert!(
        short.contains(".tower_wage.account: expected 0x and 40"),
        "{short}"
    );
}

#[test]
fn two_chains_of_one_id_and_two_assets_of_one_symbol_are_refused() {
    let text = whole().to_toml();
    let more = "\n[chain.z]\nkind = \"sim\"\nid = \"sim:a\"\ndepth = 1\n";
    let error = parse(&format!("{text}{more}")).unwrap_err().to_string();
    assert!(
        error.contains("chain.z.id: expected another id than that of chain.sim"),
        "{error}"
    );
    let more = "\n[chain.sim.assets.btc]\nid = \"sim:a/x:y\"\ndecimals = 1\n";
    let error = parse(&format!("{text}{more}")).unwrap_err().to_string();
    assert!(error.contains("BTC stands for two assets"), "{error}");
}

#[test]
fn timelocks_of_tests_are_refused_on_a_main_chain() {
    let text = whole().to_toml().replace("\"standard\"", "\"test\"");
    assert_eq!(parse(&text).unwrap().timelocks, TimelockPolicy::Test);
    let main = text.replace(BITCOIN, "bip122:000000000019d6689c085ae165831e93");
    let error = parse(&main).unwrap_err().to_string();
    assert!(error.contains("no main chain with timelocks"), "{error}");
}

#[test]
fn an_endpoint_is_shown_without_its_path_and_its_query() {
    for url in [
        "https://host/v1/secret",
        "https://host?key=secret",
        "https://host#secret/a",
    ] {
        let endpoint = Endpoint::new(url).unwrap();
        assert_eq!(format!("{endpoint:?}"), "https://host/…", "{url}");
    }
    assert!(Endpoint::new("https://?key=secret").is_err());
}

#[test]
fn a_missing_oversized_or_binary_file_is_refused_and_a_present_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("kofo init"), "{error}");

    let path = whole().save_new(folder.path()).unwrap();
    assert_eq!(Config::load(folder.path()).unwrap(), whole());
    assert!(matches!(
        whole().save_new(folder.path()),
        Err(ConfigError::Write { .. })
    ));

    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        Config::load(folder.path()),
        Err(ConfigError::NotText { .. })
    ));
    let most = usize::try_from(MAX_CONFIG_BYTES).unwrap();
    std::fs::write(&path, vec![b'#'; most + 1]).unwrap();
    assert!(matches!(
        Config::load(folder.path()),
        Err(ConfigError::Read { .. })
    ));
}
