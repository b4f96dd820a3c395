use super::*;
use crate::config::{Backend, CONFIG_FILE, LightConfig, LightMost, TimelockPolicy};
use crate::init::init;
use crate::keystore::KdfCost;
use kofo_primitives::Seed;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

const GENESIS: &str = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";

/// What a daemon answers to which method.
type Script = BTreeMap<&'static str, Value>;

/// A daemon that answers by its script, and its URL.
async fn daemon(script: Script, tasks: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
            // The body is one line of JSON, and the last thing of the request.
            while !request.ends_with(b"}") {
                let n = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..n]);
                if n == 0 {
                    break;
                }
            }
            let text = String::from_utf8(request).unwrap();
            let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
            let answer = match script.get(body["method"].as_str().unwrap()) {
                Some(result) => json!({ "result": result, "error": null, "id": 1 }),
                None => json!({ "result": null, "error": { "message": "not today" }, "id": 1 }),
            }
            .to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            stream
                .write_all(format!("{head}{answer}").as_bytes())
                .await
                .unwrap();
        }
    });
    url
}

fn bitcoind() -> Script {
    let chain = json!({ "blocks": 100, "headers": 100, "initialblockdownload": false, "pruned": false,
        "time": crate::clock::now().0 - 60 });
    BTreeMap::from([
        ("getblockchaininfo", chain),
        ("getblockhash", json!(GENESIS)),
        ("estimatesmartfee", json!({ "feerate": 0.00002, "blocks": 6 })),
    ])
}

fn geth() -> Script {
    let time = format!("0x{:x}", crate::clock::now().0 - 5);
    BTreeMap::from([
        ("eth_chainId", json!("0x7a69")),
        ("eth_syncing", json!(false)),
        (
            "eth_getBlockByNumber",
            json!({ "number": "0x64", "timestamp": time }),
        ),
        ("eth_getCode", json!("0x6001")),
        ("eth_gasPrice", json!("0x77359400")),
    ])
}

/// A folder with a node of these daemons; its passphrase is `correct horse`.
fn folder(bitcoin: &str, evm: &str, change: impl FnOnce(&mut Config)) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("cookie"), "user:secret-of-bitcoind").unwrap();
    let (id, contract) = (&GENESIS[..32], "ab".repeat(20));
    let text = format!(
        "network = \"kofo-test\"
        [chain.btc]
        kind = \"bitcoin\"
        id = \"bip122:{id}\"
        depth = 1
        endpoint = \"{bitcoin}/key-in-the-path\"
        cookie = \"cookie\"
        trusted = true
        fee_cap = 100
        assets.BTC = {{ id = \"bip122:{id}/slip44:0\", decimals = 8 }}
        [chain.eth]
        kind = \"evm\"
        id = \"eip155:31337\"
        depth = 1
        endpoint = \"{evm}\"
        trusted = true
        profile = \"ethereum\"
        contract = \"0x{contract}\"
        fee_floor = 1
        fee_cap = 50
        assets.ETH = {{ id = \"eip155:31337/slip44:60\", decimals = 18 }}"
    );
    let mut config = Config::parse(&text, Path::new(CONFIG_FILE)).unwrap();
    change(&mut config);
    init(
        data.path(),
        &config,
        &Seed::new([3; 64]),
        &passphrase(),
        KdfCost::WEAK,
    )
    .unwrap();
    data
}

fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new("correct horse".to_owned())).unwrap()
}

/// The line on one thing, the first that is not ok if there is one.
#[track_caller]
fn line<'a>(report: &'a Report, check: &str) -> &'a Checked {
    let mut all: Vec<_> = report.checks.iter().filter(|one| one.check == check).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.verdict));
    all.first().unwrap_or_else(|| panic!("{check}: {report:?}"))
}

#[track_caller]
fn fails(report: &Report, check: &str, said: &str) {
    let line = line(report, check);
    assert!(
        line.verdict == Verdict::Fail && line.found.contains(said),
        "{said}: {line:?}"
    );
    assert!(line.todo.is_some(), "{line:?}");
}

#[tokio::test]
async fn with_daemons_that_are_well_nothing_fails_and_no_secret_is_shown() {
    let mut tasks = JoinSet::new();
    let (btc, eth) = (
        daemon(bitcoind(), &mut tasks).await,
        daemon(geth(), &mut tasks).await,
    );
    let data = folder(&btc, &eth, |_| {});
    let report = examine(data.path(), Some(&passphrase())).await;
    assert_eq!(report.count(Verdict::Fail), 0, "{report:?}");
    for (check, found) in [
        ("config", "network kofo-test, chains: 2"),
        ("node", "does not run"),
        ("keystore", "its owner's alone"),
        ("disk", "MiB free"),
        ("journal", "0 records"),
        ("ports", "none is fixed"),
        ("chain.btc", "height 100 of 100"),
        ("chain.btc clock", "its last block is"),
        ("chain.btc fees", "2 sat/vB for 6 blocks, the cap is 100"),
        ("chain.eth", "height 100"),
        ("chain.eth contract", "there"),
        ("chain.eth fees", "2 gwei per gas, the cap is 50"),
    ] {
        let line = line(&report, check);
        assert!(
            line.verdict == Verdict::Ok && line.found.contains(found),
            "{found}: {line:?}"
        );
    }
    // Without peers there are no claims: worth a word, and no failure.
    assert_eq!(line(&report, "peers").verdict, Verdict::Warn);
    let all = format!("{report:?}");
    for secret in ["secret-of-bitcoind", "key-in-the-path", "correct horse"] {
        assert!(!all.contains(secret), "{all}");
    }
}

fn with(mut script: Script, method: &'static str, answer: Value) -> Script {
    script.insert(method, answer);
    script
}

#[tokio::test]
async fn a_bitcoind_that_is_behind_another_or_dear_fails_with_what_to_do() {
    let mut tasks = JoinSet::new();
    let eth = daemon(geth(), &mut tasks).await;
    let now = crate::clock::now().0;
    let info = |blocks: u64, time: u64| json!({ "blocks": blocks, "headers": 100, "initialblockdownload": false, "time": time });
    for (script, check, said) in [
        (
            with(bitcoind(), "getblockhash", json!("00".repeat(32))),
            "chain.btc",
            "another chain",
        ),
        (
            with(bitcoind(), "getblockchaininfo", info(7, now)),
            "chain.btc",
            "not synchronised",
        ),
        (
            with(bitcoind(), "getblockchaininfo", info(100, now + 999)),
            "chain.btc clock",
            "our clock is",
        ),
        (
            with(bitcoind(), "getblockchaininfo", info(100, now - 99_999)),
            "chain.btc clock",
            "its last block is",
        ),
        (
            with(bitcoind(), "estimatesmartfee", json!({ "feerate": 0.002 })),
            "chain.btc fees",
            "200 sat/vB",
        ),
        (Script::new(), "chain.btc", "not today"),
    ] {
        let data = folder(&daemon(script, &mut tasks).await, &eth, |_| {});
        let report = examine(data.path(), None).await;
        fails(&report, check, said);
        assert_eq!(
            line(&report, "chain.eth").verdict,
            Verdict::Ok,
            "one daemon says nothing of the other"
        );
    }
}

#[tokio::test]
async fn an_evm_node_that_is_behind_another_or_dear_fails_with_what_to_do() {
    let mut tasks = JoinSet::new();
    let btc = daemon(bitcoind(), &mut tasks).await;
    for (script, check, said) in [
        (
            with(geth(), "eth_chainId", json!("0x1")),
            "chain.eth",
            "got eip155:1",
        ),
        (
            with(geth(), "eth_syncing", json!({ "currentBlock": "0x1" })),
            "chain.eth",
            "not synchronised",
        ),
        (
            with(geth(), "eth_getCode", json!("0x")),
            "chain.eth contract",
            "there is none",
        ),
        (
            with(geth(), "eth_gasPrice", json!("0xba43b7400")),
            "chain.eth fees",
            "50 gwei",
        ),
    ] {
        let data = folder(&btc, &daemon(script, &mut tasks).await, |config| {
            // One gwei below the fourth script's price.
            let Backend::Evm(evm) = &mut config.chains[1].backend else {
                panic!("the second chain is an EVM's");
            };
            evm.fee_cap = 49;
        });
        fails(&examine(data.path(), None).await, check, said);
    }
}

#[tokio::test]
async fn a_daemon_that_is_away_and_a_cookie_that_is_gone_fail_with_what_to_do() {
    let mut tasks = JoinSet::new();
    let eth = daemon(geth(), &mut tasks).await;
    let nobody = folder("http://127.0.0.1:1", &eth, |_| {});
    let report = examine(nobody.path(), None).await;
    fails(&report, "chain.btc", "refused");
    assert!(
        line(&report, "chain.btc")
            .todo
            .as_ref()
            .unwrap()
            .contains("start its daemon")
    );
    std::fs::remove_file(nobody.path().join("cookie")).unwrap();
    fails(&examine(nobody.path(), None).await, "chain.btc", "cookie");
}

#[tokio::test]
async fn on_chains_of_tests_the_time_and_estimates_are_not_judged() {
    let mut tasks = JoinSet::new();
    let mut script = bitcoind();
    script.insert(
        "getblockchaininfo",
        json!({ "blocks": 1, "headers": 1, "initialblockdownload": true, "time": 1 }),
    );
    script.insert("estimatesmartfee", json!({ "errors": ["Insufficient data"] }));
    let (btc, eth) = (daemon(script, &mut tasks).await, daemon(geth(), &mut tasks).await);
    let data = folder(&btc, &eth, |config| config.timelocks = TimelockPolicy::Test);
    let report = examine(data.path(), None).await;
    assert_eq!(report.count(Verdict::Fail), 0, "{report:?}");
    assert_eq!(line(&report, "journal").verdict, Verdict::Warn, "it was not read");
}

#[tokio::test]
async fn a_folder_with_something_missing_taken_or_open_is_told() {
    let empty = tempfile::tempdir().unwrap();
    let report = examine(empty.path(), None).await;
    fails(&report, "config", "kofo init");
    assert_eq!(report.checks.len(), 2, "nothing else can be looked at");
    std::fs::write(empty.path().join("format"), "99\n").unwrap();
    fails(
        &examine(empty.path(), None).await,
        "format",
        "99, and this program knows",
    );

    let (taken, away) = (
        std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
        std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    let [taken_port, away_port] = [&taken, &away].map(|one| one.local_addr().unwrap().port());
    drop(away);
    let none = "http://127.0.0.1:1";
    let data = folder(none, none, |config| {
        config.rpc_port = taken_port;
        let peer = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
        config.peers = [taken_port, away_port]
            .map(|port| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}"))
            .into();
    });
    std::fs::remove_dir_all(data.path().join("journal")).unwrap();
    std::fs::remove_file(data.path().join("keystore.json")).unwrap();
    let report = examine(data.path(), Some(&passphrase())).await;
    fails(&report, "ports", "rpc_port 127.0.0.1");
    fails(&report, "disk", "journal");
    fails(&report, "keystore", "keystore.json");
    let peers: Vec<_> = report.checks.iter().filter(|one| one.check == "peers").collect();
    assert_eq!(
        peers.iter().map(|one| one.verdict).collect::<Vec<_>>(),
        [Verdict::Ok, Verdict::Warn],
        "{peers:?}"
    );
    let config = data.path().join(CONFIG_FILE);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("no_such_key = 1\n{text}")).unwrap();
    fails(&examine(data.path(), None).await, "config", "no_such_key");
}

#[tokio::test]
async fn a_light_clients_peers_are_tried_and_two_of_them_must_answer() {
    let there: [_; 2] = std::array::from_fn(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [first, second] = there.each_ref().map(|one| one.local_addr().unwrap().to_string());
    let report = async |peers: &[&str]| {
        let data = folder("http://127.0.0.1:1", "http://127.0.0.1:1", |config| {
            config.chains[0].backend = Backend::Light(LightConfig {
                peers: peers.iter().map(|peer| (*peer).to_owned()).collect(),
                checkpoint: None,
                fee_cap: 100,
                birthday: 0,
                light_most: LightMost::new(),
            });
        });
        line(&examine(data.path(), None).await, "chain.btc").clone()
    };
    assert_eq!(report(&[&first, &second]).await.verdict, Verdict::Ok);
    let some = report(&[&first, &second, "127.0.0.1:1"]).await;
    let said = some.found.contains("2 of 3 peers answer; 127.0.0.1:1");
    assert!(some.verdict == Verdict::Warn && said, "{some:?}");
    assert_eq!(report(&[&first, "127.0.0.1:1"]).await.verdict, Verdict::Fail);
}

#[test]
fn only_addresses_with_numbers_name_a_socket() {
    use super::ports::socket;
    for (address, found) in [
        ("/ip4/1.2.3.4/tcp/9000", Some(("1.2.3.4:9000", false))),
        ("/ip6/::1/udp/9000/quic-v1/p2p/x", Some(("[::1]:9000", true))),
        ("/ip4/::1/tcp/9000", None),
        ("/dns4/host/tcp/9000", None),
        ("/ip4/1.2.3.4/tcp/99999", None),
        ("/p2p/x", None),
    ] {
        let found = found.map(|(at, udp)| (at.parse().unwrap(), udp));
        assert_eq!(socket(address), found, "{address}");
    }
}
