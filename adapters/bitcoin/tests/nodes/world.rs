//! A regtest with two owners; ours speaks to bitcoind through liars.

use crate::liar::Liar;
use async_trait::async_trait;
use kofo_adapter_api::ChainAdapter;
use kofo_adapter_api::conformance::{Harness, Leg, Stage, Who};
use kofo_bitcoin::{Access, BitcoinAdapter, BitcoinConfig, MemoryStore, Network, RpcAuth, Witness, asset_id};
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, ChainEvent, Health, NetworkId, Prepared, Seed, Tip, UnixTime,
};
use kofo_regtest::{Chain, Options, Regtest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CHAIN: Chain = Chain::Bitcoin;
/// Of a block on the network, and here between two blocks of [`World::mine_dear`].
pub(crate) const BLOCK_SECONDS: u64 = 600;

pub(crate) struct World {
    pub(crate) regtest: Regtest,
    /// Our own node.
    pub(crate) ours: Liar,
    /// The second opinion, if this world has one.
    pub(crate) witness: Option<Liar>,
    pub(crate) amount: u64,
    birthday: u64,
    owners: BTreeMap<Who, (Seed, Arc<MemoryStore>)>,
    /// The time that blocks are given, once a test moves it.
    clock: Mutex<Option<u64>>,
}

/// A world with or without a witness; nothing if this machine cannot have the daemon.
pub(crate) async fn world(test: &str, amount: u64, witness: bool) -> Option<Stage<World>> {
    let options = Options {
        chains: vec![CHAIN],
        ..Options::manual()
    };
    let regtest = Regtest::up_or_skip(test, options).await?;
    let node = regtest.bitcoin().rpc_url.clone();
    let birthday = regtest.tip(CHAIN).await.unwrap().height;
    let owners =
        [(Who::Us, 1), (Who::Them, 2)].map(|(who, byte)| (who, (Seed::new([byte; 64]), Arc::default())));
    let witness = match witness {
        true => Some(Liar::before(&node).await),
        false => None,
    };
    let world = World {
        ours: Liar::before(&node).await,
        regtest,
        witness,
        amount,
        birthday,
        owners: owners.into(),
        clock: Mutex::default(),
    };
    for who in [Who::Us, Who::Them] {
        let address = world.start(who).await.address(&world.asset()).await.unwrap();
        world.regtest.fund_bitcoin(&address, 1_000_000).await.unwrap();
    }
    world.mine(2).await;
    Some(Stage::set(world).await)
}

impl World {
    pub(crate) fn witness(&self) -> &Liar {
        self.witness.as_ref().expect("this world has a witness")
    }

    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Value {
        self.regtest.rpc(CHAIN, method, params).await.unwrap()
    }

    /// The transactions that wait, with what they pay per vbyte.
    async fn waiting_rates(&self) -> Vec<(String, f64)> {
        let pool = self.rpc("getrawmempool", json!([true])).await;
        let rate =
            |entry: &Value| entry["fees"]["base"].as_f64().unwrap() * 1e8 / entry["vsize"].as_f64().unwrap();
        let pool = pool.as_object().unwrap().iter();
        pool.map(|(txid, entry)| (txid.clone(), rate(entry))).collect()
    }

    /// Mines a block ten minutes later, with what pays at least so many satoshi per vbyte.
    pub(crate) async fn mine_dear(&self, least: u64) {
        let tip = self.rpc("getbestblockhash", json!([])).await;
        let newest = self.rpc("getblockheader", json!([tip])).await["time"]
            .as_u64()
            .unwrap();
        let time = {
            let mut clock = self.clock.lock().unwrap();
            let time = clock.unwrap_or(newest).max(newest) + BLOCK_SECONDS;
            *clock = Some(time);
            time
        };
        self.rpc("setmocktime", json!([time])).await;
        let rates = self.waiting_rates().await;
        let dear = rates.into_iter().filter(|(_, rate)| *rate >= least as f64);
        let dear: Vec<String> = dear.map(|(txid, _)| txid).collect();
        self.rpc("generateblock", json!(["raw(51)", dear])).await;
    }
}

/// What a version pays, by the layout that the adapter documents: version, act, fee, transaction.
pub(crate) fn fee(prepared: &Prepared) -> u64 {
    let (_, _, fee, _): (u8, ActKind, u64, Vec<u8>) = borsh::from_slice(prepared.0.as_slice()).unwrap();
    fee
}

/// Its transaction.
pub(crate) fn transaction(prepared: &Prepared) -> bitcoin::Transaction {
    let (_, _, _, tx): (u8, ActKind, u64, Vec<u8>) = borsh::from_slice(prepared.0.as_slice()).unwrap();
    bitcoin::consensus::deserialize(&tx).unwrap()
}

/// As the core does: what was built last is what is broadcast. Gives it.
pub(crate) async fn broadcast_newest(stage: &Stage<World>, leg: &Leg, kind: ActKind) -> Prepared {
    let told = stage.us.told(leg);
    let newest = told.built.iter().rev().find(|(built, _)| *built == kind);
    let (_, newest) = newest.expect("something was built");
    stage.us.broadcast(leg, kind, newest).await;
    newest.clone()
}

/// Waits until our adapter has told the tip.
pub(crate) async fn settled(stage: &Stage<World>) {
    let tip = stage.chain.tip().await;
    let there = |event: &ChainEvent| *event == ChainEvent::Tip(tip);
    stage
        .us
        .until(0, "the tip", |events| events.iter().any(there).then_some(()))
        .await;
}

/// Waits until our adapter has told this health after the mark.
pub(crate) async fn health(stage: &Stage<World>, mark: usize, health: Health) {
    let told = |event: &ChainEvent| *event == ChainEvent::Health(health);
    stage
        .us
        .until(mark, "another health", |events| {
            events.iter().any(told).then_some(())
        })
        .await;
}

/// They lock, and the lock is final; our redeem is built.
pub(crate) async fn redeem_built(stage: &mut Stage<World>) -> (Leg, Prepared) {
    let (leg, _) = stage.locked(Who::Them).await;
    stage.chain.mine(1).await;
    settled(stage).await;
    let redeem = stage.us.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    (leg, redeem)
}

#[async_trait]
impl Harness for World {
    async fn start(&self, who: Who) -> Arc<dyn ChainAdapter> {
        let node = self.regtest.bitcoin();
        let auth = RpcAuth::UserPass {
            user: node.rpc_user.clone(),
            password: node.rpc_password.clone(),
        };
        let witness = self.witness.iter().filter(|_| who == Who::Us);
        let witnesses = witness.map(|liar| Witness {
            url: liar.url.clone(),
            auth: auth.clone(),
        });
        let config = BitcoinConfig {
            network: Network::Regtest,
            kofo_network: NetworkId::new("kofo-nodes").unwrap(),
            access: Access::Node {
                url: match who {
                    Who::Us => self.ours.url.clone(),
                    Who::Them | Who::Pauper => node.rpc_url.clone(),
                },
                witnesses: witnesses.collect(),
                auth,
            },
            birthday: self.birthday,
            max_fee_rate: 200,
            poll: Duration::from_millis(50),
            block_time: Duration::from_secs(BLOCK_SECONDS),
        };
        let (seed, store) = self.owners[&who].clone();
        Arc::new(
            BitcoinAdapter::start(config, kofo_bitcoin::local_signer(&seed), store)
                .await
                .unwrap(),
        )
    }

    fn asset(&self) -> AssetId {
        asset_id(Network::Regtest)
    }

    fn amount(&self) -> Amount {
        Amount::new(u128::from(self.amount))
    }

    fn most_fee(&self) -> Amount {
        Amount::new(5_000)
    }

    async fn tip(&self) -> Tip {
        let tip = self.regtest.tip(CHAIN).await.unwrap();
        Tip {
            height: tip.height,
            time: UnixTime(tip.time),
        }
    }

    async fn waiting(&self) -> usize {
        let waiting = self.regtest.waiting(CHAIN).await.unwrap();
        usize::try_from(waiting).unwrap()
    }

    async fn mine(&self, blocks: u32) {
        self.regtest.mine(CHAIN, u64::from(blocks)).await.unwrap();
    }

    async fn mine_until(&self, time: UnixTime) {
        self.regtest.advance_to(time.0).await.unwrap();
    }

    async fn reorg(&self, blocks: u32) {
        self.regtest.reorg(CHAIN, u64::from(blocks)).await.unwrap();
    }
}
