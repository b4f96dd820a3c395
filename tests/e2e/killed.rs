//! A node that is killed with -9 and comes back ends its swap as if nothing had been: the same transactions, no second
//! lock, and not a unit lost. Bitcoin's blocks are held back so that a transaction stands still when its sender dies.

use crate::shared::{STEP, Scene, outcomes, reaches};
use kofo_cli::demo::{Follow, Ground, Played, Who, waits};
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::OutcomeName;
use kofo_regtest::Chain;
use serde_json::json;

impl Scene {
    /// The one transaction that waits for a block of Bitcoin.
    async fn waiting_txid(&self) -> String {
        waits(self.ground(), Chain::Bitcoin).await.unwrap();
        let Ground::Daemons(daemons) = self.ground() else {
            panic!("these tests run on daemons");
        };
        let pool = daemons
            .regtest()
            .rpc(Chain::Bitcoin, "getrawmempool", json!([]))
            .await
            .unwrap();
        let pool = pool.as_array().unwrap();
        assert_eq!(pool.len(), 1, "one transaction waits: {pool:?}");
        pool[0].as_str().unwrap().to_owned()
    }

    async fn dies_and_comes_back(&mut self, who: Who) {
        self.stage.kill(who).await.unwrap();
        self.stage.start(who).await.unwrap();
    }

    /// Blocks come again; both redeem, and the books balance.
    async fn both_redeem(&mut self, follow: Follow) -> Played {
        self.ground().resume(Chain::Bitcoin).await.unwrap();
        let both = follow.done(STEP).await.unwrap();
        assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
        let played = self.played(both).await;
        self.balances_conserve(std::slice::from_ref(&played)).await;
        played
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
