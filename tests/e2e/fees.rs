//! Fees jump tenfold while a redeem waits for a block: the node pays more until it is in one, and the swap ends well.

use crate::reorgs::{BETA_LOCK, BETA_REDEEM};
use crate::shared::{STEP, Scene, act, outcomes};
use kofo_cli::demo::{Follow, Who};
use kofo_node::rpc::types::OutcomeName;
use kofo_regtest::Chain;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Time for a node to see a block and to answer it.
const LOOK: Duration = Duration::from_millis(250);
/// Seconds from one full block of Bitcoin to the next.
const EVERY: u64 = 4;
/// A redeem that climbs from the price of yesterday to ten times as much does so within so long.
const CLIMB: Duration = Duration::from_secs(120);

impl Scene {
    async fn ask(&self, chain: Chain, method: &str, params: Value) -> Value {
        self.chains().rpc(chain, method, params).await.unwrap()
    }

    /// A swap whose redeem of beta waits for a block of a chain that gets none, and the transaction that it is.
    async fn redeem_that_waits(&self, chain: Chain, give: &str, want: &str) -> (Follow, String) {
        self.ground().pause(chain).await.unwrap();
        let swap = self.stage.agree(give, want).await.unwrap();
        let mut follow = self.follow(swap.id, give);
        self.bury(&mut follow, chain, BETA_LOCK, 1).await;
        let sent = |now: &Follow| act(now.of(Who::Initiator), "beta", "redeem").is_some();
        follow.until("the redeem", STEP, sent).await.unwrap();
        let redeem = act(follow.of(Who::Initiator), "beta", "redeem").unwrap();
        assert_eq!(redeem.height, None, "it waits");
        let txid = redeem.txid.clone().unwrap();
        (follow, txid)
    }

    /// Both redeem, and the redeem of beta was replaced by one that pays more.
    async fn both_redeem_at_the_new_price(&mut self, follow: Follow, chain: Chain, first: String) {
        self.ground().resume(chain).await.unwrap();
        let both = follow.done(STEP).await.unwrap();
        assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
        let played = self.played(both).await;
        assert_ne!(played.row.beta.end_txid, Some(first), "it was replaced");
        self.balances_conserve(&[played]).await;
    }

    /// Satoshi per 1,000 virtual bytes of the one transaction that waits for a block of Bitcoin.
    async fn rate_that_waits(&self) -> u64 {
        let pool = self.ask(Chain::Bitcoin, "getrawmempool", json!([true])).await;
        let pool = pool.as_object().unwrap();
        assert_eq!(pool.len(), 1, "one transaction waits: {pool:?}");
        let entry = pool.values().next().unwrap();
        let fee = format!("{:.8}", entry["fees"]["base"].as_f64().unwrap());
        let satoshi: u64 = fee.replace('.', "").parse().unwrap();
        satoshi * 1_000 / entry["vsize"].as_u64().unwrap()
    }
}

fn quantity(value: &Value) -> u128 {
    let digits = value.as_str().unwrap().strip_prefix("0x").unwrap();
    u128::from_str_radix(digits, 16).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_jump_tenfold_while_a_redeem_on_bitcoin_waits_and_it_pays_them_before_its_deadline() {
    let Some(mut scene) = Scene::alone("fees on bitcoin").await else {
        return;
    };
    let (mut follow, first) = scene.redeem_that_waits(Chain::Bitcoin, "1eth", "0.05btc").await;
    let legs = &follow.of(Who::Initiator).unwrap().legs;
    let timelock = legs.iter().find(|leg| leg.leg == "beta/0").unwrap().timelock;
    let yesterday = scene.rate_that_waits().await;
    let deadline = Instant::now() + CLIMB;
    // Others pay ten times as much: no block has room for less. What both signed pays what it pays; it gives way to the
    // redeem alone while there is time for that.
    while scene.rate_that_waits().await < 10 * yesterday {
        assert!(Instant::now() < deadline, "the redeem still pays too little");
        scene.chains().mine_empty_bitcoin(EVERY).await.unwrap();
        let _time_to_answer = follow.until("an answer to the block", LOOK, |_| false).await;
    }
    let now = scene.chains().tip(Chain::Bitcoin).await.unwrap().time;
    assert!(now < timelock, "{now} is too late for {timelock}");
    scene
        .both_redeem_at_the_new_price(follow, Chain::Bitcoin, first)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_jump_tenfold_while_a_redeem_on_an_evm_chain_waits_and_it_pays_them_before_its_deadline() {
    let Some(mut scene) = Scene::alone("fees on an EVM chain").await else {
        return;
    };
    let chain = Chain::Ethereum;
    let (mut follow, first) = scene.redeem_that_waits(chain, "0.05btc", "1eth").await;
    let latest = json!(["latest", false]);
    let block = scene.ask(chain, "eth_getBlockByNumber", latest).await;
    let yesterday = block["baseFeePerGas"].clone();
    let waits = scene.ask(chain, "eth_getTransactionByHash", json!([first])).await;
    let jumped = json!([format!("{:#x}", 10 * quantity(&waits["maxFeePerGas"]))]);
    let mined = |now: &Follow| BETA_REDEEM.height(now, Who::Initiator).is_some();
    let deadline = Instant::now() + CLIMB;
    while !mined(&follow) {
        assert!(Instant::now() < deadline, "the redeem still pays too little");
        scene
            .ask(chain, "anvil_setNextBlockBaseFeePerGas", jumped.clone())
            .await;
        scene.ground().mine(chain).await.unwrap();
        let _not_yet = follow.until("the redeem in a block", LOOK, mined).await;
    }
    // Whoever comes next pays as before.
    scene
        .ask(chain, "anvil_setNextBlockBaseFeePerGas", json!([yesterday]))
        .await;
    scene.both_redeem_at_the_new_price(follow, chain, first).await;
}
