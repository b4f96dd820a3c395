//! A validator as its command runs it: a data folder, a keystore, a genesis file, and an RPC for its owner.

use crate::net::{free_port, until};
use crate::town::{CLAIMANT, genesis, key, keys, network, seed};
use kofo_node::clearing::GenesisFile;
use kofo_node::config::Config;
use kofo_node::keystore::{KdfCost, Passphrase};
use kofo_node::rpc::types::Id;
use kofo_primitives::NetworkId;
use kofo_validator::*;
use std::path::Path;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new("correct horse".into())).unwrap()
}

/// A folder with a validator alone in its network.
fn founded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let config = Config::new(network(), Vec::new());
    kofo_node::init::init(data, &config, &seed(0), &passphrase(), KdfCost::WEAK).unwrap();
    let (engine, service) = (free_port(), free_port());
    let validator = ValidatorConfig {
        engine: format!("/ip4/127.0.0.1/tcp/{engine}"),
        service: vec![format!("/ip4/127.0.0.1/tcp/{service}")],
        speed: Speed::Dev,
        ..ValidatorConfig::default()
    };
    validator.save_new(data).unwrap();
    let genesis = genesis(Clock::system().now_ms(), &[(engine, service)], 0);
    let file = data.join(kofo_node::clearing::GENESIS_FILE);
    GenesisFile { genesis }.save_new(&file).unwrap();
    folder
}

fn command(data: &Path) -> Run {
    Run {
        data: data.to_owned(),
        passphrase: passphrase(),
        network: Some(network()),
        role: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_runs_answers_its_owner_and_stops_when_told_and_no_second_one_beside_it() {
    let folder = founded();
    let data = folder.path().to_owned();
    let (ready, is_ready) = oneshot::channel();
    let run = Validator::run(command(&data), |file| ready.send(file.clone()).unwrap());
    let running = tokio::spawn(run);
    is_ready.await.unwrap();
    let second = Validator::run(command(&data), |_| {}).await;
    assert!(matches!(second, Err(RunError::InUse { .. })), "{second:?}");
    let client = connect(&data).unwrap();
    let status = client.validator_status().await.unwrap();
    assert_eq!((status.role.as_str(), status.epoch), ("validator", 0));
    assert_eq!(status.key, keys(0).voter().to_string());
    assert!(status.secret && status.power == status.total_power);
    let begin = std::time::Instant::now();
    while client.validator_status().await.unwrap().height < 2 {
        assert!(begin.elapsed().as_secs() < 60, "it decides alone");
    }
    let claimant = Id(*key(CLAIMANT).id().as_bytes());
    let account = client.validator_account(claimant).await.unwrap();
    assert_eq!(account.holdings[0].free, "100000000");
    let unknown = client.validator_order(Id([1; 32])).await.unwrap_err();
    assert!(unknown.to_string().contains("is committed here"), "{unknown}");
    client.validator_stop().await.unwrap();
    running.await.unwrap().unwrap();
    until("nothing tells of it any more", || connect(&data).is_err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_of_the_network_does_not_start() {
    let folder = founded();
    let mut other = command(folder.path());
    other.network = Some(NetworkId::new("kofo-other").unwrap());
    let refused = Validator::run(other, |_| {}).await;
    assert!(
        matches!(refused, Err(RunError::OtherNetwork { .. })),
        "{refused:?}"
    );
    std::fs::remove_file(folder.path().join(CONFIG_FILE)).unwrap();
    let refused = Validator::run(command(folder.path()), |_| {}).await;
    assert!(matches!(refused, Err(RunError::Config(_))), "{refused:?}");
}
