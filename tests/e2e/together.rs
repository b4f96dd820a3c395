//! Two nodes that answer each other: cheaper redeems, and refunds without waiting for a timelock.

use crate::shared::{STEP, Scene, is, outcomes, over};
use kofo_cli::demo::{Cost, LegRow, Who, waits};
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::OutcomeName;
use kofo_regtest::Chain;

/// A key-path spend of one output to a taproot output, in virtual bytes.
const KEY_PATH: u64 = 111;

fn virtual_bytes(leg: &LegRow) -> u64 {
    match &leg.end_cost {
        Some(Cost { size, unit: "vB", .. }) => *size,
        other => panic!("expected a transaction on Bitcoin, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redeems_of_bitcoin_are_key_path_spends_whichever_side_it_is_on() {
    let Some(mut scene) = Scene::shared("together").await else {
        return;
    };
    let mut played = Vec::new();
    for (give, want) in [("0.02btc", "0.3eth"), ("0.3eth", "0.02btc"), ("0.02btc", "30ec")] {
        let swap = scene.stage.agree(give, want).await.unwrap();
        let both = scene.follow(swap.id, give).done(STEP).await.unwrap();
        assert_eq!(
            outcomes(&both),
            [Some(OutcomeName::Redeemed); 2],
            "{give} for {want}"
        );
        let swap = scene.played(both).await;
        let bitcoin = if give.ends_with("btc") {
            &swap.row.alpha
        } else {
            &swap.row.beta
        };
        assert!(
            virtual_bytes(bitcoin) <= KEY_PATH,
            "{give} for {want}: {bitcoin:?}"
        );
        played.push(swap);
    }
    scene.balances_conserve(&played).await;
}

/// The initiator gives up while the participant, whose lock is on its way, is away. No time is moved: neither timelock
/// passes.
async fn abandoned(give: &str, want: &str, beta: Chain) {
    let Some(mut scene) = Scene::alone("abandoned").await else {
        return;
    };
    let warm_up = scene.warmed_up(give, want).await;
    scene.ground().pause(beta).await.unwrap();
    let swap = scene.stage.agree(give, want).await.unwrap();
    let mut follow = scene.follow(swap.id, give);
    waits(scene.ground(), beta).await.unwrap();
    scene.stage.kill(Who::Participant).await.unwrap();
    let initiator = scene.stage.client(Who::Initiator).unwrap();
    initiator.swap_refund(swap.id).await.unwrap();
    scene.ground().resume(beta).await.unwrap();
    follow
        .until("beta's lock, which nobody redeems", STEP, |now| {
            let legs = now.of(Who::Initiator).map(|status| status.legs.as_slice());
            let mut locks = legs.into_iter().flatten().flat_map(|leg| &leg.acts);
            is(now.of(Who::Initiator), "refunding")
                && locks.any(|act| act.final_ms.is_some() && act.act == "lock")
        })
        .await
        .unwrap();
    scene.stage.start(Who::Participant).await.unwrap();
    follow
        .until("both returns", STEP, |now| over(now.of(Who::Initiator)))
        .await
        .unwrap();
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Refunded); 2], "{both:#?}");
    let played = scene.played(both).await;
    let (alpha, beta) = (&played.row.alpha, &played.row.beta);
    assert_eq!(
        (alpha.end.as_deref(), beta.end.as_deref()),
        (Some("refund"), Some("refund"))
    );
    let bitcoin = if give.ends_with("btc") { alpha } else { beta };
    assert!(virtual_bytes(bitcoin) <= KEY_PATH, "{bitcoin:?}");
    scene.balances_conserve(&[warm_up, played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_swap_of_btc_for_eth_is_refunded_at_once_on_both_chains() {
    abandoned("0.04btc", "1eth", Chain::Ethereum).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_swap_of_usdx_for_btc_is_refunded_at_once_on_both_chains() {
    abandoned("500usdx", "0.04btc", Chain::Bitcoin).await;
}
