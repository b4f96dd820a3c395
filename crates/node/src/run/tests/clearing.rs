//! A node that knows the clearance layer.

use super::*;
use crate::clearing::GenesisFile;
use crate::clearing::genesis::tests::whole;
use crate::config::ClearingConfig;
use crate::rpc::ClearingRpcClient;
use kofo_network::Identity;
use kofo_primitives::Text;

/// A node whose configuration names a genesis of that network.
fn knowing(data: &Path, network: &str) -> GenesisFile {
    new_node(data).unwrap();
    let mut file = whole();
    file.genesis.network = NetworkId::new(network).unwrap();
    for one in &mut file.genesis.balances {
        one.relay = kofo_primitives::Amount::new(10_000_000);
    }
    for (n, one) in (1u8..).zip(&mut file.genesis.validators) {
        let peer = Identity::from_secret(Zeroizing::new([n; 32])).peer_id();
        // Nobody listens there.
        one.service = Text::new(&format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}")).unwrap();
    }
    file.save_new(&data.join("genesis.toml")).unwrap();
    let mut config = Config::load(data).unwrap();
    config.clearing = Some(ClearingConfig {
        genesis: "genesis.toml".into(),
        services: Vec::new(),
        paid: true,
    });
    std::fs::write(data.join(CONFIG_FILE), config.to_toml()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_genesis_knows_its_assets_and_says_of_each_validator_that_it_is_silent() {
    let data = tempfile::tempdir().unwrap();
    let file = knowing(data.path(), "kofo-sim");
    let (_, ended) = start(data.path()).await;
    let client = connect(data.path()).unwrap();
    let shown = client.ledger_status().await.unwrap();
    assert_eq!(shown.genesis.0, file.genesis.digest());
    assert_eq!(
        (shown.assets, shown.validators.len()),
        (vec!["KOFO".to_owned()], 4)
    );
    assert!(shown.validators.iter().all(|one| one.height.is_none()));
    assert_eq!(
        shown.account.to_string(),
        client.node_status().await.unwrap().node,
        "the account is the node's key"
    );
    let error = client.reward_collect().await.unwrap_err().to_string();
    assert!(error.contains("none of 4 validators answered"), "{error}");
    client.node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_with_the_genesis_of_another_network_or_without_the_one_it_names() {
    let data = tempfile::tempdir().unwrap();
    knowing(data.path(), "kofo-other");
    let refused = refusal(daemon(data.path())).await;
    assert!(
        matches!(&refused, RunError::OtherNetwork { got, .. } if got.as_str() == "kofo-other"),
        "{refused}"
    );
    std::fs::remove_file(data.path().join("genesis.toml")).unwrap();
    let refused = refusal(daemon(data.path())).await;
    assert!(matches!(refused, RunError::Genesis(_)), "{refused}");
}
