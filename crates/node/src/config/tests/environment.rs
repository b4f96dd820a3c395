//! Variables above the file.

use super::*;

fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let overrides = Override::pick(variables)?;
    super::super::read::parse(&whole().to_toml(), Path::new("kofo.toml"), &overrides)
}

#[track_caller]
fn refused(variables: &[(&str, &str)], said: &str) {
    let error = with(variables).unwrap_err().to_string();
    assert!(error.contains(said), "{said}: {error}");
}

#[test]
fn a_variable_stands_above_the_file_and_what_is_not_named_stays() {
    let got = with(&[
        ("KOFO__RPC_PORT", "9121"),
        (
            "KOFO__PEERS",
            "[\"/ip4/1.2.3.4/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf\"]",
        ),
        ("KOFO__BEHIND_NAT", "true"),
        ("KOFO__ROLE", "relay"),
        ("KOFO_PROVIDER__QUOTE_LIFE", "20"),
        ("KOFO_PROVIDER__INVENTORY__BTC", "\"2.5\""),
        ("KOFO_CHAIN__BITCOIN__ENDPOINT", "http://host:8332"),
        ("KOFO_CHAIN__ETH__ASSETS__USDX__FREEZABLE", "false"),
    ])
    .unwrap();
    let mut expected = whole();
    expected.rpc_port = 9121;
    expected.behind_nat = true;
    expected.role = NodeRole::Relay;
    expected.peers = got.peers.clone();
    assert_eq!(got.peers.len(), 1);
    expected.provider.quote_life = kofo_primitives::Seconds(20);
    expected.provider.inventory = vec![InventoryLimit {
        // In small letters: the file names none. Symbols are the same either way.
        symbol: "btc".into(),
        most: "2.5".into(),
    }];
    for chain in &mut expected.chains {
        if let Backend::Bitcoin(bitcoin) = &mut chain.backend {
            bitcoin.endpoint = Endpoint::new("http://host:8332").unwrap();
        }
        for asset in &mut chain.assets {
            asset.freezable = false;
        }
    }
    assert_eq!(got, expected);
}

#[test]
fn variables_of_the_commands_are_none_of_the_file() {
    let commands = [
        ("KOFO_DATA", "x"),
        ("KOFO_PASSPHRASE_FILE", "x"),
        ("OTHER__RPC_PORT", "x"),
    ];
    assert_eq!(with(&commands).unwrap(), whole());
}

#[test]
fn a_variable_that_does_not_fit_is_named() {
    refused(
        &[("KOFO__RPC_PROT", "1")],
        "KOFO__RPC_PROT: unknown field `rpc_prot`",
    );
    refused(
        &[("KOFO__RPC_PORT", "1"), ("KOFO__NEIGHBOURS", "many")],
        "KOFO__NEIGHBOURS: invalid type",
    );
    refused(
        &[("KOFO_PROVIDER__LIFE", "1")],
        "KOFO_PROVIDER__LIFE: unknown field",
    );
    refused(&[("KOFO_NETWORK__X", "1")], "network is a key and not a table");
    refused(&[("KOFO_PROVIDER____X", "1")], "expected KOFO_TABLE__KEY");
    refused(&[("KOFO__", "1")], "expected KOFO_TABLE__KEY");
    refused(&[("KOFO__RPC_PORT", &"1".repeat(20_000))], "16 KiB");
    // The bounds of a value are judged as in the file.
    refused(&[("KOFO__NEIGHBOURS", "100000")], "neighbours");
    let many: Vec<_> = (0..=MAX_OVERRIDES).map(|i| format!("KOFO__K{i}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    refused(&many, "at most 64");
}
