//! The suite on bitcoind.

mod light;
mod payouts;
mod together;
mod wire;

use crate::proxy::Proxy;
use crate::turns::{Turn, fresh_seed};
use async_trait::async_trait;
use bitcoin::consensus::encode::{deserialize, serialize_hex};
use bitcoin::secp256k1::SecretKey;
use bitcoin::{Network, OutPoint, Transaction};
use kofo_adapter_api::ChainAdapter;
use kofo_adapter_api::conformance::harness::{
    Counted, FaultyNode, FeeMarket, Harness, Merchant, Outage, Outsider, Overheard, RawChain, Who, WrongLocks,
};
use kofo_bitcoin::{
    Access, BitcoinAdapter, BitcoinConfig, BitcoinParty, Coin, Htlc, MemoryStore, RpcAuth, Spend, asset_id,
};
use kofo_primitives::{
    ActKind, Amount, AssetId, End, HtlcSpec, LegId, NetworkId, Preimage, Prepared, Seed, Side, Tip, UnixTime,
};
use kofo_regtest::Chain;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::Wire;

const AMOUNT: u64 = 100_000;
/// One lock spends one of these.
const COIN_BTC: &str = "0.00250000";
const COINS: usize = 6;
const MOST_FEE: u64 = 5_000;
const BROADCAST: &str = "sendrawtransaction";

struct Bitcoind {
    turn: Turn,
    proxy: Proxy,
    /// Between a light client and the node as its peer, if our adapters are such.
    wire: Option<Wire>,
    birthday: u64,
    owners: BTreeMap<Who, (Seed, Arc<MemoryStore>)>,
    /// Txids that no block takes.
    too_cheap: Mutex<Vec<Value>>,
}

async fn bitcoind(test: &str) -> Option<Bitcoind> {
    let turn = Turn::take(Chain::Bitcoin, test).await?;
    Some(funded(turn, None).await)
}

async fn funded(turn: Turn, wire: Option<Wire>) -> Bitcoind {
    let proxy = Proxy::before(&turn.regtest.bitcoin().rpc_url, BROADCAST).await;
    let birthday = turn.tip().await.height;
    let owners = [Who::Us, Who::Them, Who::Pauper].map(|who| (who, (fresh_seed(), Arc::default())));
    let this = Bitcoind {
        turn,
        proxy,
        wire,
        birthday,
        owners: owners.into(),
        too_cheap: Mutex::default(),
    };
    for who in [Who::Us, Who::Them] {
        let adapter = this.start(who).await;
        for _ in 0..COINS {
            let address = adapter.address(&this.asset()).await.unwrap();
            this.pay(&address, COIN_BTC).await;
        }
    }
    this.turn.mine(this.depth()).await;
    this
}

impl Bitcoind {
    async fn adapter(&self, seed: Seed, store: Arc<MemoryStore>) -> Arc<dyn ChainAdapter> {
        let node = self.turn.regtest.bitcoin();
        let config = BitcoinConfig {
            network: Network::Regtest,
            kofo_network: network(),
            access: match &self.wire {
                Some(wire) => Access::Light {
                    peers: vec![wire.address.parse().unwrap()],
                    checkpoint: None,
                },
                None => Access::Node {
                    url: self.proxy.url.clone(),
                    auth: RpcAuth::UserPass {
                        user: node.rpc_user.clone(),
                        password: node.rpc_password.clone(),
                    },
                    witnesses: Vec::new(),
                },
            },
            birthday: self.birthday,
            max_fee_rate: 200,
            poll: Duration::from_millis(20),
            block_time: Duration::from_secs(600),
        };
        Arc::new(
            BitcoinAdapter::start(config, kofo_bitcoin::local_signer(&seed), store)
                .await
                .unwrap(),
        )
    }

    /// From regtest's faucet, into the mempool.
    async fn pay(&self, address: &str, btc: &str) {
        let params = json!({"address": address, "amount": btc, "fee_rate": 2});
        self.turn.rpc("sendtoaddress", params).await;
    }

    async fn accepts(&self, tx: &Transaction) -> bool {
        let sent = self
            .turn
            .regtest
            .rpc(self.turn.chain, BROADCAST, json!([serialize_hex(tx)]));
        sent.await.is_ok()
    }

    fn htlc(spec: &HtlcSpec) -> (Htlc, BitcoinParty) {
        let party = |bytes: &[u8]| BitcoinParty::from_bytes(bytes).unwrap();
        let redeemer = party(spec.redeemer.as_slice());
        let refunder = party(spec.refunder.as_slice());
        let hashlock = *spec.hashlock.as_bytes();
        let htlc = Htlc::new(redeemer.key, refunder.key, hashlock, spec.timelock.0).unwrap();
        (htlc, redeemer)
    }

    /// The one coin that pays to the contract.
    async fn coin(&self, htlc: &Htlc) -> Coin {
        let descriptor = format!("raw({:x})", htlc.script_pubkey());
        let found = self
            .turn
            .rpc("scantxoutset", json!(["start", [descriptor]]))
            .await;
        let found = &found["unspents"][0];
        let sats = (found["amount"].as_f64().unwrap() * 1e8).round();
        Coin {
            outpoint: OutPoint {
                txid: found["txid"].as_str().unwrap().parse().unwrap(),
                vout: found["vout"].as_u64().unwrap().try_into().unwrap(),
            },
            value: bitcoin::Amount::from_sat(sats as u64),
        }
    }
}

fn network() -> NetworkId {
    NetworkId::new("kofo-conformance").unwrap()
}

#[async_trait]
impl Harness for Bitcoind {
    async fn start(&self, who: Who) -> Arc<dyn ChainAdapter> {
        let (seed, store) = self.owners[&who].clone();
        self.adapter(seed, store).await
    }

    fn asset(&self) -> AssetId {
        asset_id(Network::Regtest)
    }

    fn amount(&self) -> Amount {
        Amount::new(u128::from(AMOUNT))
    }

    fn most_fee(&self) -> Amount {
        Amount::new(u128::from(MOST_FEE))
    }

    async fn tip(&self) -> Tip {
        self.turn.tip().await
    }

    async fn waiting(&self) -> usize {
        self.turn.waiting().await
    }

    async fn mine(&self, blocks: u32) {
        if let Some(wire) = &self.wire {
            wire.settles(&self.turn).await;
        }
        let too_cheap = self.too_cheap.lock().unwrap().clone();
        if too_cheap.is_empty() {
            return self.turn.mine(blocks).await;
        }
        for _ in 0..blocks {
            let waiting = self.turn.rpc("getrawmempool", json!([])).await;
            let waiting = waiting.as_array().unwrap().iter();
            let taken: Vec<_> = waiting.filter(|txid| !too_cheap.contains(txid)).collect();
            self.turn.rpc("generateblock", json!(["raw(51)", taken])).await;
        }
    }

    async fn mine_until(&self, time: UnixTime) {
        self.turn.regtest.advance_to(time.0).await.unwrap();
    }

    async fn reorg(&self, blocks: u32) {
        self.turn
            .regtest
            .reorg(self.turn.chain, u64::from(blocks))
            .await
            .unwrap();
    }
}

#[async_trait]
impl WrongLocks for Bitcoind {
    async fn lock_units(&self, spec: &HtlcSpec, units: Amount) {
        let (htlc, _) = Self::htlc(spec);
        let btc = units.display_units(8);
        self.pay(&htlc.address(Network::Regtest).to_string(), &btc).await;
    }
}

#[async_trait]
impl RawChain for Bitcoind {
    async fn offer(&self, prepared: &Prepared) -> bool {
        // The layout that the adapter documents: version, act, fee, transaction.
        let (_, _, _, tx): (u8, ActKind, u64, Vec<u8>) = borsh::from_slice(prepared.0.as_slice()).unwrap();
        self.accepts(&deserialize(&tx).unwrap()).await
    }

    async fn offer_redeem(&self, spec: &HtlcSpec, preimage: &Preimage, shown: &[u8]) -> bool {
        let (htlc, redeemer) = Self::htlc(spec);
        let (seed, _) = &self.owners[&Who::Us];
        let secret = seed.leg_secret(&network(), &spec.nonce, LegId::first(Side::Alpha), End::Redeemer);
        let secret = SecretKey::from_slice(secret.expose()).unwrap();
        let spend = Spend {
            coins: &[self.coin(&htlc).await],
            payout: &redeemer.payout,
            fee: bitcoin::Amount::from_sat(MOST_FEE),
        };
        let mut tx = htlc.redeem(&spend, preimage.expose(), &secret).unwrap();
        // The signature does not cover the witness: only the preimage is wrong.
        let mut witness = tx.input[0].witness.to_vec();
        assert_eq!(witness[1], preimage.expose());
        witness[1] = shown.to_vec();
        tx.input[0].witness = bitcoin::Witness::from_slice(&witness);
        self.accepts(&tx).await
    }
}

#[async_trait]
impl FaultyNode for Bitcoind {
    async fn refuse_broadcasts(&self, times: u32) {
        self.proxy.orders.refuse(times);
    }

    async fn fail_after_accepting(&self, times: u32) {
        self.proxy.orders.fail_after_accepting(times);
    }
}

#[async_trait]
impl Outage for Bitcoind {
    async fn cut(&self) {
        self.proxy.orders.cut(true);
        self.wire.iter().for_each(|wire| wire.cut(true));
    }

    async fn restore(&self) {
        self.proxy.orders.cut(false);
        self.wire.iter().for_each(|wire| wire.cut(false));
    }
}

#[async_trait]
impl FeeMarket for Bitcoind {
    async fn raise_fees(&self) {
        let waiting = self.turn.rpc("getrawmempool", json!([])).await;
        let waiting = waiting.as_array().unwrap().clone();
        self.too_cheap.lock().unwrap().extend(waiting);
    }
}

#[async_trait]
impl Outsider for Bitcoind {
    async fn outsider(&self) -> Arc<dyn ChainAdapter> {
        self.adapter(fresh_seed(), Arc::default()).await
    }
}

#[async_trait]
impl Counted for Bitcoind {
    async fn calls(&self) -> u64 {
        match &self.wire {
            Some(wire) => wire.messages(),
            None => self.proxy.orders.calls(),
        }
    }
}

#[async_trait]
impl Overheard for Bitcoind {
    async fn requests_with(&self, bytes: &[u8]) -> Vec<String> {
        match &self.wire {
            Some(wire) => wire.messages_with(bytes),
            None => self.proxy.orders.requests_with(&hex(bytes)),
        }
    }

    fn broadcast_method(&self) -> &'static str {
        self.wire.as_ref().map_or(BROADCAST, |_| wire::TRANSACTION)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// P2PKH, which no wallet of ours makes: of the key whose secret is 1.
const MERCHANT: &str = "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r";

#[async_trait]
impl Merchant for Bitcoind {
    async fn merchant(&self) -> String {
        MERCHANT.to_owned()
    }

    /// What blocks hold beyond what they held when this test began: the chain is shared by tests that take turns.
    async fn merchant_has(&self) -> Amount {
        let descriptor = format!("addr({MERCHANT})");
        let found = self
            .turn
            .rpc("scantxoutset", json!(["start", [descriptor]]))
            .await;
        let outputs = found["unspents"].as_array().unwrap().iter();
        let new = outputs.filter(|output| output["height"].as_u64().unwrap() > self.birthday);
        let sats = new.map(|output| (output["amount"].as_f64().unwrap() * 1e8).round() as u128);
        Amount::new(sats.sum())
    }

    fn most_short(&self) -> Amount {
        Amount::new(u128::from(MOST_FEE))
    }

    fn no_addresses(&self) -> Vec<String> {
        let wrong = [
            // Of the main network and of test networks.
            "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            // With a typing error.
            "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8s",
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081",
            // Of another chain.
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        ];
        wrong.map(str::to_owned).into()
    }
}

kofo_adapter_api::conformance_tests!(bitcoind =>
    always, transfers, dust, mempool, wrong_locks, two_locks, raw, faulty_node, outage, fees, counted, overheard,
    together, redeem_together, redeem_together_stuck, entrusted, third_party, third_party_together,
    third_party_entrusted
);
