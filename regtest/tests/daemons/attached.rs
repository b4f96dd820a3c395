//! A second client of the same daemons.

use kofo_regtest::people::{self, default_data_dir};
use kofo_regtest::{Chain, Error, Options, Regtest};

#[tokio::test]
async fn an_attached_client_does_what_the_owner_can_and_owns_nothing() {
    let options = Options {
        chains: vec![Chain::Ethereum, Chain::Bitcoin],
        ..Options::manual()
    };
    let test = "an_attached_client_does_what_the_owner_can_and_owns_nothing";
    let Some(regtest) = Regtest::up_or_skip(test, options).await else {
        return;
    };
    let client = Regtest::attach(regtest.data_dir()).unwrap();
    assert_eq!(client.running(), [Chain::Bitcoin, Chain::Ethereum]);
    let time = client.advance(1_000).await.unwrap();
    assert_eq!(regtest.tip(Chain::Bitcoin).await.unwrap().time, time);
    client.mine(Chain::Ethereum, 2).await.unwrap();
    client.reorg(Chain::Ethereum, 1).await.unwrap();
    assert!(matches!(
        client.mine(Chain::Echoin, 1).await,
        Err(Error::NoSuchChain { .. })
    ));
    drop(client);
    let status = people::status(regtest.data_dir()).await.unwrap();
    assert_eq!(status.chains.len(), 2);
    assert!(
        status.chains.iter().all(|chain| chain.tip.is_some()),
        "{status:?}"
    );
    assert!(serde_json::to_string(&status).unwrap().contains("rpc_password"));
    assert!(!format!("{status:?}").contains(&regtest.bitcoin().rpc_password));
}

#[tokio::test]
async fn a_folder_without_a_regtest_says_how_to_start_one() {
    let empty = tempfile::tempdir().unwrap();
    for words in [
        Regtest::attach(empty.path()).err().unwrap().to_string(),
        people::status(empty.path()).await.unwrap_err().to_string(),
        people::down(empty.path()).await.unwrap_err().to_string(),
    ] {
        assert!(words.contains("kofo regtest up"), "{words}");
    }
    std::fs::write(empty.path().join("state.json"), "{").unwrap();
    assert!(matches!(Regtest::attach(empty.path()), Err(Error::State { .. })));
    assert!(default_data_dir().ends_with("regtest") || default_data_dir().ends_with("kofo-regtest"));
}
