//! A node that is killed with -9 and comes back ends its swap as if nothing had been: the same transactions, no second
//! lock, and not a unit lost. Blocks are held back so that a transaction stands still when its sender dies.

use crate::shared::{STEP, Scene, act, is, outcomes, reaches};
use kofo_cli::demo::{Follow, Ground, Played, Who, last_timelock, waits};
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::{OutcomeName, SwapStatus};
use kofo_primitives::Seconds;
use kofo_regtest::Chain;
use serde_json::json;

/// So much after the last timelock every refund is possible.
const PAST: Seconds = Seconds(60);

impl Scene {
    /// The timelocks pass, and whose refund it is dies while it waits for a block of Bitcoin and comes back: it refunds
    /// by that transaction. The other one is away until then.
    async fn refunds_by_the_transaction_it_sent(
        &mut self,
        who: Who,
        (swap, follow): (&SwapStatus, Follow),
    ) -> (Played, String) {
        self.ground().pause(Chain::Bitcoin).await.unwrap();
        self.ground()
            .advance_to(last_timelock(swap).plus(PAST))
            .await
            .unwrap();
        let refund = self.waiting_txid().await;
        self.dies_and_comes_back(who).await;
        assert_eq!(self.waiting_txid().await, refund, "nothing else is sent");
        self.stage.start(who.other()).await.unwrap();
        self.ground().resume(Chain::Bitcoin).await.unwrap();
        let both = follow.done(STEP).await.unwrap();
        assert_eq!(both[who as usize].outcome, Some(OutcomeName::Refunded));
        let played = self.played(both).await;
        self.balances_conserve(std::slice::from_ref(&played)).await;
        (played, refund)
    }

    /// The one transaction that waits for a block of Bitcoin.
    async fn waiting_txid(&self) -> String {
        let pool = self.pool(Chain::Bitcoin, "getrawmempool").await;
        let pool = pool.as_array().unwrap();
        assert_eq!(pool.len(), 1, "one transaction waits: {pool:?}");
        pool[0].as_str().unwrap().to_owned()
    }

    /// The one transaction that waits for a block of Ethereum.
    async fn waiting_hash(&self) -> String {
        let pool = self.pool(Chain::Ethereum, "txpool_content").await;
        assert_eq!(pool["queued"], json!({}), "nothing waits for another transaction");
        let senders = pool["pending"].as_object().unwrap().values();
        let waiting: Vec<_> = senders
            .flat_map(|sent| sent.as_object().unwrap().values())
            .collect();
        assert_eq!(waiting.len(), 1, "one transaction waits: {waiting:?}");
        waiting[0]["hash"].as_str().unwrap().to_owned()
    }

    async fn pool(&self, chain: Chain, method: &str) -> serde_json::Value {
        waits(self.ground(), chain).await.unwrap();
        let Ground::Daemons(daemons) = self.ground() else {
            panic!("these tests run on daemons");
        };
        daemons.regtest().rpc(chain, method, json!([])).await.unwrap()
    }

    /// A swap before the one of the test: after it the gas accounts on Ethereum are full, and nothing but the swap's own
    /// transactions waits for a block there.
    pub(crate) async fn warmed_up(&mut self, give: &str, want: &str) -> Played {
        let swap = self.stage.agree(give, want).await.unwrap();
        let both = self.follow(swap.id, "warm-up").done(STEP).await.unwrap();
        assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
        self.played(both).await
    }

    async fn dies_and_comes_back(&mut self, who: Who) {
        self.stage.kill(who).await.unwrap();
        self.stage.start(who).await.unwrap();
    }

    /// Blocks come again; both redeem, and the books balance over this swap and those before.
    async fn both_redeem_after(&mut self, follow: Follow, mut played: Vec<Played>) -> Played {
        for chain in Chain::ALL {
            self.ground().resume(chain).await.unwrap();
        }
        let both = follow.done(STEP).await.unwrap();
        assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
        played.push(self.played(both).await);
        self.balances_conserve(&played).await;
        played.pop().unwrap()
    }

    async fn both_redeem(&mut self, follow: Follow) -> Played {
        self.both_redeem_after(follow, Vec::new()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_killed_before_its_lock_is_broadcast_locks_once_and_redeems() {
    let Some(mut scene) = Scene::alone("killed before the lock").await else {
        return;
    };
    // A fresh node on an EVM chain fills its gas accounts first: without blocks it cannot get to its lock.
    scene.ground().pause(Chain::Ethereum).await.unwrap();
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let mut follow = scene.follow(swap.id, "ETH→BTC");
    reaches(&mut follow, Who::Initiator, &["agreed"]).await.unwrap();
    scene.dies_and_comes_back(Who::Initiator).await;
    let back = scene
        .stage
        .client(Who::Initiator)
        .unwrap()
        .swap_show(swap.id)
        .await
        .unwrap();
    assert_eq!(back.state, "agreed", "it died before its lock was built");
    scene.ground().resume(Chain::Ethereum).await.unwrap();
    let played = scene.both_redeem(follow).await;
    assert!(played.row.alpha.lock_txid.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_killed_before_its_lock_is_broadcast_locks_once_and_redeems() {
    let Some(mut scene) = Scene::alone("killed before the lock").await else {
        return;
    };
    // It waits for alpha, which waits for a block.
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("0.05btc", "1eth").await.unwrap();
    let follow = scene.follow(swap.id, "BTC→ETH");
    let lock = scene.waiting_txid().await;
    scene.dies_and_comes_back(Who::Participant).await;
    let played = scene.both_redeem(follow).await;
    assert_eq!(played.row.alpha.lock_txid, Some(lock));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_killed_after_its_lock_is_broadcast_has_made_that_lock_and_no_other() {
    let Some(mut scene) = Scene::alone("killed after the lock").await else {
        return;
    };
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("0.05btc", "1eth").await.unwrap();
    let follow = scene.follow(swap.id, "BTC→ETH");
    let lock = scene.waiting_txid().await;
    scene.dies_and_comes_back(Who::Initiator).await;
    assert_eq!(scene.waiting_txid().await, lock, "nothing else is sent");
    let played = scene.both_redeem(follow).await;
    assert_eq!(played.row.alpha.lock_txid, Some(lock));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_killed_after_its_lock_is_broadcast_has_made_that_lock_and_no_other() {
    let Some(mut scene) = Scene::alone("killed after the lock").await else {
        return;
    };
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let follow = scene.follow(swap.id, "ETH→BTC");
    let lock = scene.waiting_txid().await;
    scene.dies_and_comes_back(Who::Participant).await;
    assert_eq!(scene.waiting_txid().await, lock, "nothing else is sent");
    let played = scene.both_redeem(follow).await;
    assert_eq!(played.row.beta.lock_txid, Some(lock));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_killed_after_the_preimage_is_public_redeems_by_the_same_transaction() {
    let Some(mut scene) = Scene::alone("killed after the preimage").await else {
        return;
    };
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let mut follow = scene.follow(swap.id, "ETH→BTC");
    let lock = scene.waiting_txid().await;
    // One block for beta's lock and none for its redeem.
    scene.ground().mine(Chain::Bitcoin).await.unwrap();
    reaches(&mut follow, Who::Initiator, &["redeeming"])
        .await
        .unwrap();
    let redeem = scene.waiting_txid().await;
    scene.dies_and_comes_back(Who::Initiator).await;
    assert_eq!(scene.waiting_txid().await, redeem, "nothing else is sent");
    let played = scene.both_redeem(follow).await;
    assert_eq!(
        (played.row.beta.lock_txid, played.row.beta.end_txid),
        (Some(lock), Some(redeem))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_killed_after_the_preimage_is_public_redeems_by_the_same_transaction() {
    let Some(mut scene) = Scene::alone("killed after the preimage").await else {
        return;
    };
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("0.05btc", "1eth").await.unwrap();
    let follow = scene.follow(swap.id, "BTC→ETH");
    let lock = scene.waiting_txid().await;
    // One block for alpha's lock and none for its redeem, which the participant makes with the preimage from beta.
    scene.ground().mine(Chain::Bitcoin).await.unwrap();
    let redeem = scene.waiting_txid().await;
    scene.dies_and_comes_back(Who::Participant).await;
    assert_eq!(scene.waiting_txid().await, redeem, "nothing else is sent");
    let played = scene.both_redeem(follow).await;
    assert_eq!(
        (played.row.alpha.lock_txid, played.row.alpha.end_txid),
        (Some(lock), Some(redeem))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_killed_after_its_lock_is_broadcast_on_an_evm_chain_uses_its_nonce_once() {
    let Some(mut scene) = Scene::alone("killed after the lock").await else {
        return;
    };
    let first = scene.warmed_up("1eth", "0.05btc").await;
    scene.ground().pause(Chain::Ethereum).await.unwrap();
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let follow = scene.follow(swap.id, "ETH→BTC");
    let lock = scene.waiting_hash().await;
    scene.dies_and_comes_back(Who::Initiator).await;
    assert_eq!(scene.waiting_hash().await, lock, "nothing else is sent");
    let played = scene.both_redeem_after(follow, vec![first]).await;
    assert_eq!(played.row.alpha.lock_txid, Some(lock));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_killed_after_the_preimage_is_public_on_an_evm_chain_redeems_by_the_same_transaction() {
    let Some(mut scene) = Scene::alone("killed after the preimage").await else {
        return;
    };
    let first = scene.warmed_up("0.05btc", "1eth").await;
    scene.ground().pause(Chain::Ethereum).await.unwrap();
    let swap = scene.stage.agree("0.05btc", "1eth").await.unwrap();
    let mut follow = scene.follow(swap.id, "BTC→ETH");
    let lock = scene.waiting_hash().await;
    // One block for beta's lock and none for its redeem.
    scene.ground().mine(Chain::Ethereum).await.unwrap();
    reaches(&mut follow, Who::Initiator, &["redeeming"])
        .await
        .unwrap();
    let redeem = scene.waiting_hash().await;
    scene.dies_and_comes_back(Who::Initiator).await;
    assert_eq!(scene.waiting_hash().await, redeem, "nothing else is sent");
    let played = scene.both_redeem_after(follow, vec![first]).await;
    assert_eq!(
        (played.row.beta.lock_txid, played.row.beta.end_txid),
        (Some(lock), Some(redeem))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_killed_after_its_refund_is_broadcast_has_its_lock_back_by_that_transaction() {
    let Some(mut scene) = Scene::alone("killed after the refund").await else {
        return;
    };
    let swap = scene.stage.agree("0.05btc", "1eth").await.unwrap();
    scene.stage.kill(Who::Participant).await.unwrap();
    let mut follow = scene.follow(swap.id, "BTC→ETH");
    let locked = |now: &Follow| {
        act(now.of(Who::Initiator), "alpha", "lock").is_some_and(|lock| lock.final_ms.is_some())
    };
    follow.until("the lock", STEP, locked).await.unwrap();
    let (played, refund) = scene
        .refunds_by_the_transaction_it_sent(Who::Initiator, (&swap, follow))
        .await;
    assert_eq!(played.row.alpha.end_txid, Some(refund));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_killed_after_its_refund_is_broadcast_has_its_lock_back_by_that_transaction() {
    let Some(mut scene) = Scene::alone("killed after the refund").await else {
        return;
    };
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let mut follow = scene.follow(swap.id, "ETH→BTC");
    waits(scene.ground(), Chain::Bitcoin).await.unwrap();
    scene.stage.kill(Who::Initiator).await.unwrap();
    scene.ground().mine(Chain::Bitcoin).await.unwrap();
    follow
        .until("both locks", STEP, |now| {
            is(now.of(Who::Participant), "both_locked")
        })
        .await
        .unwrap();
    let (played, refund) = scene
        .refunds_by_the_transaction_it_sent(Who::Participant, (&swap, follow))
        .await;
    assert_eq!(played.row.beta.end_txid, Some(refund));
}
