//! The SDK's wallet, embedded in this process, among nodes that are processes of their own.

#[path = "../../examples/wallet.rs"]
mod wallet;

use crate::shared::{Land, STEP, kofo};
use kofo_cli::demo::{Place, Town};
use kofo_node::rpc::types::OutcomeName;
use kofo_sdk::{Passphrase, SdkError, Start, Wallet, Wish};
use std::path::Path;
use std::sync::Arc;

/// A node's data folder, to be embedded.
fn start(data: &Path) -> Start {
    Start {
        data: data.to_owned(),
        passphrase: Passphrase::from_file(&data.join("passphrase")).unwrap(),
        network: None,
        role: None,
    }
}

/// A town whose wallet is no process.
async fn town_without_wallet(land: &Land) -> Town {
    let mut town = Town::up(Arc::clone(&land.daemons), kofo()).await.unwrap();
    town.kill(Place::Wallet).await.unwrap();
    town
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twenty_lines_find_a_provider_and_redeem() {
    let Some(land) = Land::shared("the SDK's example").await else {
        return;
    };
    let town = town_without_wallet(&land).await;
    let swapped = wallet::swap(start(&town.data(Place::Wallet)), "0.05btc", "0.7eth");
    let outcome = tokio::time::timeout(STEP, swapped).await.unwrap().unwrap();
    assert_eq!(outcome, OutcomeName::Redeemed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_closed_in_the_middle_of_a_swap_finds_it_again_and_sees_it_through() {
    let Some(land) = Land::shared("a closed wallet").await else {
        return;
    };
    let town = town_without_wallet(&land).await;
    let data = town.data(Place::Wallet);
    let wallet = Wallet::embed(start(&data)).await.unwrap();
    let swap = wallet.swap(&Wish::new("1eth", "0.05btc")).await.unwrap();
    let (id, agreed) = (swap.id(), swap.status().await.unwrap());
    assert_eq!(agreed.outcome, None);
    wallet.close().await.unwrap();

    let wallet = Wallet::embed(start(&data)).await.unwrap();
    let open = wallet.open_swaps().await.unwrap();
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
    let done = tokio::time::timeout(STEP, wallet.at(id).done()).await.unwrap();
    assert_eq!(done.unwrap(), OutcomeName::Redeemed);
    assert!(wallet.open_swaps().await.unwrap().is_empty());
    wallet.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_gives_is_said_to_be_so_with_the_codes_of_the_rpc() {
    let Some(land) = Land::shared("refusals of the SDK").await else {
        return;
    };
    let town = town_without_wallet(&land).await;
    let wallet = Wallet::embed(start(&town.data(Place::Wallet))).await.unwrap();
    match wallet.quote(&Wish::new("1doge", "1eth")).await {
        Err(SdkError::Refused { code, .. }) => assert_eq!(code, 1006),
        other => panic!("{other:?}"),
    }
    wallet.close().await.unwrap();
    assert!(matches!(
        Wallet::connect(&town.data(Place::Wallet)),
        Err(SdkError::Connect(_))
    ));
}
