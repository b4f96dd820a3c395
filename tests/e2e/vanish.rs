//! One of the two goes away in the middle: whoever stays gets its own back.

use crate::shared::{STEP, Scene, outcomes, over};
use kofo_cli::demo::{Who, last_timelock};
use kofo_node::rpc::types::OutcomeName;
use kofo_primitives::Seconds;

/// So much after the last timelock both refunds are possible.
const PAST: Seconds = Seconds(60);

/// The participant agrees and is never seen again while the swap goes on.
async fn participant_vanishes(give: &str, want: &str) {
    let Some(mut scene) = Scene::alone("participant vanishes").await else {
        return;
    };
    let swap = scene.stage.agree(give, want).await.unwrap();
    scene.stage.kill(Who::Participant).await.unwrap();
    let mut follow = scene.follow(swap.id, give);
    follow
        .until("the initiator's lock", STEP, |now| {
            has_lock(now.of(Who::Initiator))
        })
        .await
        .unwrap();
    scene
        .ground()
        .advance_to(last_timelock(&swap).plus(PAST))
        .await
        .unwrap();
    follow
        .until("the refund", STEP, |now| over(now.of(Who::Initiator)))
        .await
        .unwrap();
    scene.stage.start(Who::Participant).await.unwrap();
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(
        outcomes(&both),
        [Some(OutcomeName::Refunded), Some(OutcomeName::Aborted)]
    );
    let played = scene.played(both).await;
    assert_eq!(played.row.alpha.end.as_deref(), Some("refund"));
    assert_eq!(
        played.row.beta.lock_txid, None,
        "a node that comes back too late locks nothing"
    );
    scene.balances_conserve(&[played]).await;
}

fn has_lock(status: Option<&kofo_node::rpc::types::SwapStatus>) -> bool {
    let acts = status.into_iter().flat_map(|s| &s.legs).flat_map(|leg| &leg.acts);
    acts.into_iter()
        .any(|act| act.act == "lock" && act.final_ms.is_some())
}

/// The initiator goes away before it can redeem, and the participant locks all the same.
async fn initiator_vanishes(give: &str, want: &str) {
    let Some(mut scene) = Scene::alone("initiator vanishes").await else {
        return;
    };
    let (swap, mut follow) = scene.without_initiator(give, want).await;
    scene
        .ground()
        .advance_to(last_timelock(&swap).plus(PAST))
        .await
        .unwrap();
    follow
        .until("the participant's refund", STEP, |now| {
            over(now.of(Who::Participant))
        })
        .await
        .unwrap();
    scene.stage.start(Who::Initiator).await.unwrap();
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Refunded); 2]);
    let played = scene.played(both).await;
    assert_eq!(
        (played.row.alpha.end.as_deref(), played.row.beta.end.as_deref()),
        (Some("refund"), Some("refund"))
    );
    scene.balances_conserve(&[played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_vanishes_and_the_initiator_refunds_btc_for_eth() {
    participant_vanishes("0.1btc", "2eth").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_vanishes_and_the_initiator_refunds_erc20_for_btc() {
    participant_vanishes("1000usdx", "0.02btc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn initiator_vanishes_after_both_locks_and_both_refund_eth_and_btc() {
    initiator_vanishes("1eth", "0.05btc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn initiator_vanishes_after_both_locks_and_both_refund_btc_and_ec() {
    initiator_vanishes("0.03btc", "100ec").await;
}
