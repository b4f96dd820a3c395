use super::*;
use kofo_adapter_api::ChainAdapter;
use kofo_bitcoin::{BitcoinParty, Htlc, asset_id};
use kofo_node::config::{Backend, BitcoindAuth, ChainConfig, Endpoint};
use kofo_node::wiring::{RegtestChains, regtest};
use kofo_primitives::*;
use kofo_regtest::{Chain, Options, Regtest};
use std::sync::Arc;
use std::time::Duration;

const SATS: u64 = 100_000;

fn network() -> NetworkId {
    NetworkId::new("kofo-regtest").unwrap()
}

fn seed() -> Seed {
    Seed::new([7; 64])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eyes_are_opened_again_with_what_they_kept() {
    let sim = ChainConfig {
        name: "sim".into(),
        id: ChainId::new("sim:a").unwrap(),
        depth: 1,
        assets: vec![],
        backend: Backend::Sim,
    };
    let config = Config::new(network(), vec![sim]);
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let eyes = Eyes::open(&config, data.path(), data.path(), &seed())
            .await
            .unwrap();
        assert_eq!(eyes.adapters.len(), 1);
    }
    let other = Eyes::open(&config, data.path(), data.path(), &Seed::new([8; 64])).await;
    assert!(matches!(other, Err(EyesError::Journal(_))), "of another seed");
}

#[test]
fn what_watches_has_no_key_of_the_node_s() {
    let watching = watching(&seed(), &network());
    assert_ne!(watching.expose(), seed().expose());
    assert_ne!(watching.expose()[..32], watching.expose()[32..]);
}

/// A bitcoind and the configuration of a node on it.
async fn bitcoind(test: &str) -> Option<(Regtest, Config, tempfile::TempDir)> {
    let options = Options {
        chains: vec![Chain::Bitcoin],
        ..Options::manual()
    };
    let daemon = Regtest::up_or_skip(test, options).await?;
    let at = daemon.bitcoin();
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("password"), &at.rpc_password).unwrap();
    let auth = BitcoindAuth::Password {
        user: at.rpc_user.clone(),
        file: "password".into(),
    };
    let chains = RegtestChains {
        bitcoin: Some((Endpoint::new(&at.rpc_url).unwrap(), auth)),
        ethereum: None,
        echoin: None,
        token: None,
    };
    Some((daemon, regtest(network(), chains).unwrap(), data))
}

/// Listens until the lock is in a block.
async fn sees_lock(adapter: &Arc<dyn ChainAdapter>) -> u64 {
    let heard = async {
        loop {
            let event = adapter.next().await.unwrap();
            if let ChainEvent::Leg(
                _,
                LegEvent::Seen {
                    act: Act::Lock,
                    at: At::Block(height),
                    ..
                },
            ) = event
            {
                return height;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_sees_the_leg_of_strangers_on_a_real_bitcoind() {
    let test = "a_validator_sees_the_leg_of_strangers_on_a_real_bitcoind";
    let Some((daemon, config, data)) = bitcoind(test).await else {
        return;
    };
    let eyes = Eyes::open(&config, data.path(), data.path(), &seed())
        .await
        .unwrap();
    let adapter = eyes.adapters.values().next().unwrap();
    let tip = daemon.tip(Chain::Bitcoin).await.unwrap();
    let keys = [
        "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
        "03dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
    ];
    let (hashlock, timelock) = (Hashlock::new([7; 32]), tip.time + 3_600);
    let [redeemer, refunder] = keys.map(|key| {
        let payout = [&[0x00, 0x14][..], &[1; 20]].concat();
        let party = BitcoinParty::new(key.parse().unwrap(), payout.into()).unwrap();
        Party::new(party.to_bytes()).unwrap()
    });
    let htlc = Htlc::new(
        keys[0].parse().unwrap(),
        keys[1].parse().unwrap(),
        *hashlock.as_bytes(),
        timelock,
    );
    let address = htlc.unwrap().address(kofo_bitcoin::Network::Regtest).to_string();
    let place = LegRef {
        swap: SwapId::new([1; 32]),
        leg: LegId::first(Side::Alpha),
    };
    let spec = HtlcSpec {
        asset: asset_id(kofo_bitcoin::Network::Regtest),
        amount: Amount::new(SATS.into()),
        hashlock,
        timelock: UnixTime(timelock),
        redeemer,
        refunder,
        place: Place::default(),
        depth: 1,
        end: End::Redeemer,
        nonce: SwapNonce::new([0; 32]),
        from_height: tip.height,
    };
    let held = Vec::new();
    adapter.act(place, ChainAction::Watch { spec, held }).await;
    daemon.fund_bitcoin(&address, SATS).await.unwrap();
    let mined = daemon.tip(Chain::Bitcoin).await.unwrap().height;
    assert_eq!(sees_lock(adapter).await, mined);
}
