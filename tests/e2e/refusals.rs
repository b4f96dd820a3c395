//! What cannot be swapped is refused with a sentence that says what to do, and changes nothing.

use crate::cli::run;
use crate::shared::{Scene, kofo};
use kofo_cli::demo::{Ground, Stage, Who};
use kofo_primitives::UnixTime;
use serde_json::Value;
use std::sync::Arc;

const OTHER_NETWORK: &str = "kofo-elsewhere";

impl Scene {
    /// An offer of the initiator as a person gets it: its URI and when it expires.
    async fn offer(&self, give: &str, want: &str) -> (String, UnixTime) {
        let data = self.stage.data(Who::Initiator);
        let answer = run(
            &data,
            &[
                "swap",
                "offer",
                "--give",
                give,
                "--want",
                want,
                "--expires",
                "5m",
                "--json",
            ],
        )
        .await;
        let offer: Value = serde_json::from_str(answer.done()).unwrap();
        (
            offer["uri"].as_str().unwrap().to_owned(),
            UnixTime(offer["expires"].as_u64().unwrap()),
        )
    }

    /// The participant knows of no swap, and nobody's money has moved.
    async fn nothing_has_changed(&mut self) {
        let data = self.stage.data(Who::Participant);
        let list: Value = serde_json::from_str(run(&data, &["swap", "list", "--json"]).await.done()).unwrap();
        assert_eq!(
            list["swaps"],
            serde_json::json!([]),
            "the participant began nothing"
        );
        self.balances_conserve(&[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_unknown_assets_dust_and_too_little_or_too_much_are_refused_and_change_nothing() {
    let Some(mut scene) = Scene::shared("refused offers").await else {
        return;
    };
    let data = scene.stage.data(Who::Initiator);
    for (give, want, said) in [
        ("1doge", "1eth", vec!["unknown asset \"doge\"", "BTC"]),
        ("1btc", "1doge", vec!["unknown asset \"doge\"", "BTC"]),
        ("btc", "1eth", vec!["expected an amount and its asset"]),
        ("0btc", "1eth", vec!["expected more than 0 BTC"]),
        ("0.000000001btc", "1eth", vec!["BTC"]),
        ("0.00000100btc", "1eth", vec!["dust", "expected at least"]),
        ("0.00000400btc", "1eth", vec!["today's fees", "expected at least"]),
        ("1eth", "0.00000100btc", vec!["dust", "expected at least"]),
        ("50btc", "1eth", vec!["the wallet has", "fund it or swap less"]),
    ] {
        let answer = run(&data, &["swap", "offer", "--give", give, "--want", want]).await;
        answer.refused_with(&said);
    }
    let list: Value = serde_json::from_str(run(&data, &["swap", "list", "--json"]).await.done()).unwrap();
    assert_eq!(list["swaps"], serde_json::json!([]), "no offer was made");
    scene.nothing_has_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_an_own_and_an_expired_offer_are_refused_and_change_nothing() {
    let Some(mut scene) = Scene::alone("refused acceptances").await else {
        return;
    };
    let (initiator, participant) = (
        scene.stage.data(Who::Initiator),
        scene.stage.data(Who::Participant),
    );
    let (uri, expires) = scene.offer("0.1btc", "2eth").await;
    for at in [uri.len() / 3, uri.len() / 2, uri.len() - 3] {
        let other = if uri.as_bytes()[at] == b'A' { "B" } else { "A" };
        let altered = [&uri[..at], other, &uri[at + 1..]].concat();
        run(&participant, &["swap", "accept", &altered])
            .await
            .refused_with(&["offer"]);
    }
    run(&participant, &["swap", "accept", &uri[..uri.len() - 8]])
        .await
        .refused_with(&["offer"]);
    run(&participant, &["swap", "accept", "kofo:offer1"])
        .await
        .refused_with(&["copy the whole of it"]);
    run(&initiator, &["swap", "accept", &uri])
        .await
        .refused_with(&["the offer is our own"]);
    scene.ground().advance_to(UnixTime(expires.0 + 60)).await.unwrap();
    run(&participant, &["swap", "accept", &uri])
        .await
        .refused_with(&["expired", "ask its maker for a new one"]);
    scene.nothing_has_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_another_network_is_refused_and_changes_nothing() {
    let Some(mut scene) = Scene::shared("another network").await else {
        return;
    };
    let Ground::Daemons(daemons) = scene.ground() else {
        panic!("these tests run on daemons");
    };
    let elsewhere = Stage::on_daemons(Arc::clone(daemons), kofo(), OTHER_NETWORK)
        .await
        .unwrap();
    let data = elsewhere.data(Who::Initiator);
    let answer = run(&data, &["swap", "offer", "--give", "0.1btc", "--want", "2eth"]).await;
    let uri = answer.done().to_owned();
    let participant = scene.stage.data(Who::Participant);
    let answer = run(&participant, &["swap", "accept", &uri]).await;
    answer.refused_with(&["kofo-elsewhere", "kofo-regtest", "ask for another offer"]);
    scene.nothing_has_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_accepted_once() {
    let Some(mut scene) = Scene::shared("accepted once").await else {
        return;
    };
    let (uri, _) = scene.offer("0.01btc", "0.2eth").await;
    let participant = scene.stage.data(Who::Participant);
    let swap: Value = serde_json::from_str(
        run(&participant, &["swap", "accept", &uri, "--json"])
            .await
            .done(),
    )
    .unwrap();
    run(&participant, &["swap", "accept", &uri])
        .await
        .refused_with(&["offer"]);
    let id = swap["id"].as_str().unwrap();
    let watched = run(&participant, &["swap", "watch", id, "--json"]).await;
    let last: Value = serde_json::from_str(watched.done().lines().last().unwrap()).unwrap();
    assert_eq!(last["outcome"], "redeemed");
    let both = scene
        .follow(id.parse().unwrap(), "once")
        .done(crate::shared::STEP)
        .await
        .unwrap();
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}
