//! Chains that no node of ours follows.

use super::*;
use kofo_primitives::Amount;

const HASH: &str = "000000000000000000013712fc242ee6dd28476d0e9c931c75f83e6974c6bccc";

fn light() -> Config {
    let mut config = whole();
    let bitcoin = &mut config.chains[0];
    let most = [(bitcoin.assets[0].id.clone(), Amount::new(1_500_000))];
    bitcoin.backend = Backend::Light(LightConfig {
        peers: vec!["127.0.0.1:18444".into(), "node.example.org:8333".into()],
        checkpoint: Some((709_631, HASH.into())),
        fee_cap: 200,
        birthday: 7,
        light_most: most.into(),
    });
    config
}

fn refused(from: &str, to: &str) -> String {
    let text = light().to_toml();
    assert!(text.contains(from), "{from} is not in {text}");
    parse(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_light_chain_is_written_and_read_back() {
    let config = light();
    let text = config.to_toml();
    assert!(text.contains("kind = \"bitcoin-light\""), "{text}");
    assert!(text.contains("light_most = { BTC = \"0.015\" }"), "{text}");
    assert_eq!(parse(&text).unwrap(), config);
}

#[test]
fn what_is_wrong_with_a_light_chain_is_named() {
    let peer = refused("\"127.0.0.1:18444\"", "\"http://127.0.0.1\"");
    assert!(
        peer.contains("chain.bitcoin.peers[0]: expected a peer's host and port"),
        "{peer}"
    );
    let none = refused(
        "peers = [\"127.0.0.1:18444\", \"node.example.org:8333\"]",
        "peers = []",
    );
    assert!(
        none.contains("chain.bitcoin.peers: expected 1 to 8 peers"),
        "{none}"
    );
    let most = refused("{ BTC = \"0.015\" }", "{ ETH = \"1\" }");
    assert!(
        most.contains("chain.bitcoin.light_most.ETH: expected an asset of this chain (BTC)"),
        "{most}"
    );
    let parts = refused("\"0.015\"", "\"0.000000001\"");
    assert!(
        parts.contains("chain.bitcoin.light_most.BTC: expected an amount"),
        "{parts}"
    );
    let checkpoint = refused(HASH, "0000");
    assert!(
        checkpoint.contains("chain.bitcoin.checkpoint: expected a block's height and hash"),
        "{checkpoint}"
    );
    let login = refused("birthday = 7", "birthday = 7\ncookie = \"c\"");
    assert!(
        login.contains("chain.bitcoin.cookie: a chain of kind \"bitcoin-light\""),
        "{login}"
    );
}

#[test]
fn a_node_of_ours_needs_no_limit_and_has_none() {
    let bitcoin = refusal("fee_cap = 200", "fee_cap = 200\nlight_most = { BTC = \"1\" }");
    assert!(bitcoin.contains("chain.bitcoin.light_most"), "{bitcoin}");
    assert_eq!(whole().chains[0].backend.light_most(), None);
    let strangers = whole()
        .chains
        .into_iter()
        .find(|chain| chain.backend.kind() == "evm")
        .unwrap();
    assert_eq!(strangers.backend.light_most(), Some(&LightMost::new()));
}
