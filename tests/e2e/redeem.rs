//! Nobody is away.

use crate::shared::{STEP, Scene, outcomes};
use kofo_node::rpc::types::OutcomeName;

/// Every ordered pair of the four assets.
const PAIRS: [(&str, &str); 12] = [
    ("0.01btc", "0.2eth"),
    ("0.01btc", "300usdx"),
    ("0.01btc", "40ec"),
    ("0.2eth", "0.01btc"),
    ("0.2eth", "300usdx"),
    ("0.2eth", "40ec"),
    ("300usdx", "0.01btc"),
    ("300usdx", "0.2eth"),
    ("300usdx", "40ec"),
    ("40ec", "0.01btc"),
    ("40ec", "0.2eth"),
    ("40ec", "300usdx"),
];

#[tokio::test(flavor = "multi_thread")]
async fn both_redeem_for_every_ordered_pair_of_btc_eth_erc20_and_ec() {
    let Some(mut scene) = Scene::shared("redeem").await else {
        return;
    };
    let mut played = Vec::new();
    for (give, want) in PAIRS {
        let swap = scene.stage.agree(give, want).await.unwrap();
        let both = scene
            .follow(swap.id, &format!("{give} {want}"))
            .done(STEP)
            .await
            .unwrap();
        assert_eq!(
            outcomes(&both),
            [Some(OutcomeName::Redeemed); 2],
            "{give} for {want}"
        );
        played.push(scene.played(both).await);
    }
    scene.balances_conserve(&played).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_swaps_side_by_side_do_not_take_each_others_coins_nonces_or_lanes() {
    let Some(mut scene) = Scene::shared("side by side").await else {
        return;
    };
    let mut follows = Vec::new();
    for (give, want) in [("0.3btc", "1eth"), ("0.2btc", "500usdx"), ("2eth", "0.1btc")] {
        let swap = scene.stage.agree(give, want).await.unwrap();
        follows.push(scene.follow(swap.id, &format!("{give} {want}")));
    }
    let mut played = Vec::new();
    for follow in follows {
        let both = follow.done(STEP).await.unwrap();
        assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
        played.push(scene.played(both).await);
    }
    scene.balances_conserve(&played).await;
}
