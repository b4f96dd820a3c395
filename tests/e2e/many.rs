//! Several assets against several, under one hashlock: all change hands or none does.

use crate::cli::run;
use crate::shared::{STEP, Scene, is, outcomes, over};
use kofo_cli::demo::{Follow, Played, Who, last_timelock};
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::{OutcomeName, SwapStatus};
use kofo_primitives::Seconds;
use kofo_regtest::Chain;
use serde_json::Value;

const GIVE: [&str; 2] = ["0.02btc", "300usdx"];
const WANT: [&str; 2] = ["0.3eth", "40ec"];
/// So much after the last timelock all refunds are possible.
const PAST: Seconds = Seconds(60);

impl Scene {
    /// The initiator's offer of several assets for several, as a person makes it.
    async fn offer_of_many(&self, give: [&str; 2], want: [&str; 2]) -> String {
        let data = self.stage.data(Who::Initiator);
        let args = [
            "swap", "offer", "--give", give[0], "--give", give[1], "--want", want[0], "--want", want[1],
        ];
        run(&data, &args).await.done().to_owned()
    }

    async fn agree_on_many(&self) -> SwapStatus {
        let offer = self.offer_of_many(GIVE, WANT).await;
        let participant = self.stage.client(Who::Participant).unwrap();
        participant.swap_accept(offer).await.unwrap()
    }

    /// The figures of a swap that is over: of the first leg of each side, and of the second.
    async fn played_many(&self, both: [SwapStatus; 2]) -> [Played; 2] {
        let only = |index: &str| {
            both.clone().map(|mut status| {
                status.legs.retain(|leg| leg.leg.ends_with(index));
                status
            })
        };
        [self.played(only("/0")).await, self.played(only("/1")).await]
    }
}

fn ends(played: &[Played; 2]) -> [Option<&str>; 4] {
    let [first, second] = played;
    [
        first.row.alpha.end.as_deref(),
        second.row.alpha.end.as_deref(),
        first.row.beta.end.as_deref(),
        second.row.beta.end.as_deref(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_assets_against_two_on_three_chains_are_all_redeemed_under_one_hashlock() {
    let Some(mut scene) = Scene::shared("many to many").await else {
        return;
    };
    let swap = scene.agree_on_many().await;
    assert_eq!(swap.legs.len(), 4);
    let both = scene.follow(swap.id, "2 for 2").done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let played = scene.played_many(both).await;
    assert_eq!(ends(&played), [Some("redeem"); 4]);
    scene.balances_conserve(&played).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leg_that_is_never_locked_aborts_all_and_every_asset_is_returned() {
    let Some(mut scene) = Scene::alone("a missing leg").await else {
        return;
    };
    // After a first swap the gas accounts are full, and nothing but a lock itself waits for a block.
    let first = scene.agree_on_many().await;
    let first = scene.follow(first.id, "warm-up").done(STEP).await.unwrap();
    // One of the participant's two locks gets none.
    scene.ground().pause(Chain::Echoin).await.unwrap();
    let swap = scene.agree_on_many().await;
    let mut follow = scene.follow(swap.id, "2 for 2");
    let all_but_one = |now: &Follow| {
        let legs = now.of(Who::Initiator).into_iter().flat_map(|status| &status.legs);
        let locked = legs.filter(|leg| {
            leg.acts
                .iter()
                .any(|act| act.act == "lock" && act.final_ms.is_some())
        });
        locked.count() == 3
    };
    follow
        .until("three of four locks", STEP, all_but_one)
        .await
        .unwrap();
    assert!(
        is(follow.of(Who::Initiator), "lock_sent"),
        "the initiator shows no preimage for a part"
    );
    scene
        .ground()
        .advance_to(last_timelock(&swap).plus(PAST))
        .await
        .unwrap();
    scene.ground().resume(Chain::Echoin).await.unwrap();
    follow
        .until("both ends", STEP, |now| {
            Who::BOTH.iter().all(|who| over(now.of(*who)))
        })
        .await
        .unwrap();
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Refunded); 2]);
    let played = scene.played_many(both).await;
    let redeemed = ends(&played).iter().filter(|end| **end == Some("redeem")).count();
    assert_eq!(redeemed, 0, "{:?}", ends(&played));
    let first = scene.played_many(first).await;
    let all: Vec<_> = first.into_iter().chain(played).collect();
    scene.balances_conserve(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_the_funds_for_one_leg_cannot_agree_to_any() {
    let Some(mut scene) = Scene::shared("no funds for one leg").await else {
        return;
    };
    // The participant has 10,000 EC.
    let offer = scene.offer_of_many(GIVE, [WANT[0], "20000ec"]).await;
    let participant = scene.stage.data(Who::Participant);
    run(&participant, &["swap", "accept", &offer])
        .await
        .refused_with(&["eip155:18", "fund it or swap less"]);
    let list: Value =
        serde_json::from_str(run(&participant, &["swap", "list", "--json"]).await.done()).unwrap();
    assert_eq!(list["swaps"], serde_json::json!([]));
    scene.balances_conserve(&[]).await;
}
