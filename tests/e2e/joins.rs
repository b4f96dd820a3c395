//! A fifth validator is made, stakes, is elected and takes part; it earns, collects, and leaves again. Whoever began with
//! the genesis follows both changes.

use crate::clearance::asked;
use crate::cli::{Answer, run};
use crate::exchange::{begun, claim_until, redeemed};
use crate::shared::{Land, STEP, kofo};
use kofo_clearance::{Ending, Genesis, GenesisBalance, Ledger, Light, NoProofs, Request, Response};
use kofo_cli::demo::{Council, Map, NETWORK, NodeProcess, Place, SEATS, SYMBOL, Town};
use kofo_cli::founding::{DECIMALS, Founding, Profile, ledger_asset};
use kofo_network::{Identity, Limits, Network, PeerAddress, Transport};
use kofo_node::clearing::{GENESIS_FILE, GenesisFile};
use kofo_node::clock::now_ms;
use kofo_node::config::{CONFIG_FILE, ClearingConfig, Config, InventoryLimit, NodeRole, ReserveConfig};
use kofo_node::files;
use kofo_node::rpc::ClearingRpcClient;
use kofo_node::rpc::types::{Id, OrderState};
use kofo_primitives::{Amount, NetworkId, NodeId};
use kofo_regtest::free_port;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const UNIT: u128 = 1_000_000;
/// Elections and rewards come so often (ms).
const EPOCH_MS: u64 = 6_000;
const PASSPHRASE: &str = "passphrase";
const POLL: Duration = Duration::from_millis(200);

/// Four validators and a town, and a genesis with short epochs and a seat for a fifth.
struct Realm {
    town: Town,
    council: Council,
    genesis: Genesis,
}

impl Realm {
    async fn up(land: &Land, fifth: &Fifth) -> Self {
        let daemons = &land.daemons;
        let mut town = Town::found(Arc::clone(daemons), kofo(), Map::Line).unwrap();
        let mut council = Council::found(daemons, town.folder(), kofo()).unwrap();
        let config = daemons.config(NETWORK).unwrap();
        let genesis = genesis(&config, &town, &council, fifth);
        let file = GenesisFile { genesis };
        let folders = council.folders().map(Path::to_owned);
        for data in folders.chain([fifth.data.clone()]) {
            file.save_new(&data.join(GENESIS_FILE)).unwrap();
        }
        for place in Place::ALL {
            file.save_new(&town.data(place).join(GENESIS_FILE)).unwrap();
            town.configure(place, |config| clears(config, place.role() == NodeRole::Provider))
                .unwrap();
        }
        let (inhabited, started) = tokio::join!(town.inhabit(), council.start_all());
        inhabited.unwrap();
        started.unwrap();
        let genesis = file.genesis;
        Self {
            town,
            council,
            genesis,
        }
    }
}

fn genesis(config: &Config, town: &Town, council: &Council, fifth: &Fifth) -> Genesis {
    let network = NetworkId::new(NETWORK).unwrap();
    let asset = ledger_asset(&network, SYMBOL, DECIMALS).unwrap();
    let row = |account: NodeId, [free, provider, relay]: [u128; 3]| GenesisBalance {
        account,
        asset: asset.asset.clone(),
        free: Amount::new(free * UNIT),
        provider: Amount::new(provider * UNIT),
        relay: Amount::new(relay * UNIT),
    };
    let has = |place: Place| match place.role() {
        NodeRole::Provider => [1_000, 10_000, 0],
        NodeRole::Relay => [0, 0, 10],
        _ => [1_000, 0, 0],
    };
    let mut balances = Place::ALL
        .map(|place| row(town.account(place), has(place)))
        .to_vec();
    balances.push(row(fifth.account, [2_000, 0, 0]));
    let founding = Founding {
        network: network.clone(),
        profile: Profile::Dev,
        proofs: Vec::new(),
        validators: council.entries(),
        balances,
        foundation: council.account(0),
        config,
        assets: vec![asset.clone()],
    };
    let mut genesis = founding.genesis().unwrap();
    genesis.params.seats = 5;
    genesis.params.epoch_ms = EPOCH_MS;
    genesis.params.unstake_ms = EPOCH_MS;
    genesis.params.clock_ms = 5_000;
    genesis
}

/// A node's part in the clearance layer.
fn clears(config: &mut Config, provides: bool) {
    config.clearing = Some(ClearingConfig {
        genesis: GENESIS_FILE.into(),
        services: Vec::new(),
        paid: true,
    });
    if provides {
        let worth = [("BTC", "30000"), ("ETH", "1800")].map(|(symbol, most)| InventoryLimit {
            symbol: symbol.to_owned(),
            most: most.to_owned(),
        });
        config.provider.reserve = Some(ReserveConfig {
            asset: SYMBOL.to_ascii_uppercase(),
            premium_bps: 50,
            most_fee: "1".to_owned(),
            worth: worth.to_vec(),
        });
    }
}

/// The fifth: its folder is a validator's and, for its account, a node's.
struct Fifth {
    data: PathBuf,
    account: NodeId,
    key: String,
    chains: Vec<String>,
    _folder: tempfile::TempDir,
}

fn address() -> String {
    format!("/ip4/127.0.0.1/tcp/{}", free_port().unwrap())
}

impl Fifth {
    /// As a person makes it, on the chains of these daemons.
    async fn init(land: &Land) -> Self {
        let folder = tempfile::Builder::new().prefix("kofo-fifth-").tempdir().unwrap();
        let data = folder.path().join("data");
        let passphrase = folder.path().join(PASSPHRASE);
        files::replace(&passphrase, b"a passphrase of a test").unwrap();
        let (engine, service) = (address(), address());
        let init = [
            "validator",
            "init",
            "--dev",
            "--json",
            "--network",
            NETWORK,
            "--engine",
            &engine,
            "--service",
            &service,
        ];
        let made = command(&data, &passphrase, &init).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let entry = &made["entry"];
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        files::replace(&data.join(PASSPHRASE), b"a passphrase of a test").unwrap();
        // The words of the daemons: their addresses are not those that `init` supposes.
        let mut config = land.daemons.config(NETWORK).unwrap();
        let chains = config.chains.iter().map(|chain| chain.id.to_string()).collect();
        clears(&mut config, false);
        config.listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        config.neighbours = 0;
        files::replace(&data.join(CONFIG_FILE), config.to_toml().as_bytes()).unwrap();
        let password = &land.daemons.regtest().bitcoin().rpc_password;
        files::replace(&data.join("bitcoind.password"), password.as_bytes()).unwrap();
        Self {
            data,
            account: NodeId::new(text("account").parse::<Id>().unwrap().0),
            key: text("key"),
            chains,
            _folder: folder,
        }
    }

    fn validate(&self) -> Child {
        command(&self.data, &self.data.join(PASSPHRASE), &["validator", "run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn run(&self, args: &[&str]) -> Answer {
        run(&self.data, args).await
    }

    /// Its status as soon as it is so.
    async fn until(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        self.shows(&["validator", "status", "--json"], what, so).await
    }

    /// What a command prints as soon as it is so.
    async fn shows(&self, args: &[&str], what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + STEP;
        loop {
            let shown = self.run(args).await;
            let value = serde_json::from_str(shown.out.trim()).unwrap_or(Value::Null);
            if shown.code == Some(0) && so(&value) {
                return value;
            }
            assert!(
                Instant::now() < deadline,
                "it never came about that {what}: {}{}",
                shown.out,
                shown.err
            );
            tokio::time::sleep(POLL).await;
        }
    }
}

/// `kofo ARGS --data FOLDER`, which does not outlive us.
fn command(data: &Path, passphrase: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(kofo())
        .args(args)
        .arg("--data")
        .arg(data)
        .env("KOFO_PASSPHRASE_FILE", passphrase)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What it may collect, as `kofo reward` says.
fn reward(account: &Value) -> String {
    let rewards = account["holdings"].as_array().into_iter().flatten();
    let mut rewards = rewards.map(|holding| holding["reward"]["amount"].as_str().unwrap_or("0").to_owned());
    rewards.next().unwrap_or_else(|| "0".to_owned())
}

/// Waits until the wallet has the verified receipt of an order that was settled.
async fn settled(realm: &Realm, id: Id) {
    let (client, deadline) = (realm.town.client(Place::Wallet).unwrap(), Instant::now() + STEP);
    loop {
        let shown = client.order_show(id, Some(true)).await.unwrap();
        if shown.state == OrderState::Ended {
            break;
        }
        assert!(Instant::now() < deadline, "the order is not over: {shown:#?}");
        tokio::time::sleep(POLL).await;
    }
    let settlement = realm.council.settlement(id).await.unwrap();
    assert_eq!(settlement.ending, Ending::Settled, "{settlement:#?}");
}

/// A light node that knows the genesis alone follows all changes of validators that one of the first four proves; the
/// epoch that it comes to.
async fn followed(genesis: &Genesis) -> u64 {
    let first = Ledger::new(genesis.clone(), Arc::new(NoProofs)).unwrap();
    let mut light = Light::new(genesis.network.clone(), first.validators(), genesis.time_ms);
    let config = kofo_network::Config {
        identity: Identity::generate(),
        network_id: genesis.network.to_string(),
        listen: Vec::new(),
        limits: Limits::default(),
    };
    let (network, _) = Network::start(config).await.unwrap();
    let service = PeerAddress::from_multiaddrs(&[genesis.validators[0].service.as_str()]).unwrap();
    loop {
        let after_epoch = light.epoch();
        let answer = network.request(&service, Request::Changes { after_epoch }.write());
        match Response::read(&answer.await.unwrap()).unwrap() {
            Response::Changes(changes) if changes.is_empty() => return light.epoch(),
            Response::Changes(changes) => {
                for change in &changes {
                    light.advance(change, now_ms()).unwrap();
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The three others of the first four and the fifth decide; without the fifth they could not.
async fn takes_part(realm: &mut Realm) {
    realm.council.kill(SEATS - 1).await.unwrap();
    let height = realm.council.height(0).await.unwrap();
    // What was decided already when the fourth went may come without anybody.
    realm.council.reaches(0, height + 4).await.unwrap();
    realm.council.start(SEATS - 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_validator_is_elected_takes_part_earns_and_leaves_and_light_nodes_follow() {
    let Some(land) = Land::alone("a fifth validator").await else {
        return;
    };
    let fifth = Fifth::init(&land).await;
    let mut realm = Realm::up(&land, &fifth).await;
    let _validator = fifth.validate();
    let _node = NodeProcess::start(kofo(), &fifth.data).await.unwrap();
    let (wallet, account) = (realm.town.data(Place::Wallet), fifth.account.to_string());
    fifth
        .run(&["stake", "add", "1000kofo", "--key", &fifth.key])
        .await
        .done();
    let observe = ["stake", "observe"].into_iter();
    let observe: Vec<_> = observe.chain(fifth.chains.iter().map(String::as_str)).collect();
    fifth.run(&observe).await.done();
    let delegated = run(&wallet, &["delegate", &account, "100kofo", "--json"]).await;
    assert!(
        delegated.done().contains("\"delegated\":{\"amount\":\"100\""),
        "{}",
        delegated.out
    );
    let votes = |status: &Value| status["power"].as_u64() > Some(0) && status["role"] == "validator";
    let joined = fifth.until("it is elected and votes", votes).await;
    assert_eq!(joined["validators"], 5);
    takes_part(&mut realm).await;

    let claim = claim_until(&realm.town, asked(), |claim| begun(claim).is_some()).await;
    let (_, swap) = begun(&claim).unwrap();
    // The provider begins when it has verified that the order is final.
    let deadline = Instant::now() + STEP;
    while realm.town.participant(swap).await.is_err() {
        assert!(Instant::now() < deadline, "no provider begins swap {swap}");
        tokio::time::sleep(POLL).await;
    }
    redeemed(&realm.town, swap).await;
    settled(&realm, swap).await;
    let earned = |account: &Value| reward(account) != "0";
    fifth
        .shows(&["reward", "--json"], "it earned its part of a fee", earned)
        .await;
    fifth.run(&["reward", "collect"]).await.done();
    let own = ["ledger", "account", "--json"];
    fifth
        .shows(&own, "it has what it earned", |account| {
            let free = account["holdings"][0]["free"]["amount"].as_str();
            free.is_some_and(|free| free.starts_with("1000.")) && !earned(account)
        })
        .await;

    let back = run(&wallet, &["undelegate", &account, "100kofo"]).await;
    assert!(back.done().contains("100 KOFO comes back: "), "{}", back.out);
    fifth.run(&["stake", "remove", "1000kofo"]).await.done();
    let left = fifth.until("it has left", |status| status["power"] == 0).await;
    assert_eq!(left["validators"], 4);
    let epochs = followed(&realm.genesis).await;
    assert!(epochs > joined["epoch"].as_u64().unwrap(), "{epochs}");
    // Nor does a node that was away lose what was proved to it.
    realm.town.kill(Place::Wallet).await.unwrap();
    realm.town.start(Place::Wallet).await.unwrap();
    let shown = run(&wallet, &["order", "show", &swap.to_string(), "--proof"]).await;
    for part in ["settled", "proof of the order, verified"] {
        assert!(shown.done().contains(part), "{part:?} in\n{}", shown.out);
    }
}
