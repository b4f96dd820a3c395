//! The SDK's wallet, embedded in this process, among nodes that are processes of their own.

#[path = "../../examples/merchant.rs"]
mod merchant;
#[path = "../../examples/pricing.rs"]
mod pricing;
#[path = "../../examples/wallet.rs"]
mod wallet;

use crate::shared::{Land, STEP, kofo};
use kofo_cli::demo::{Place, Town};
use kofo_node::config::{Endpoint, Source};
use kofo_node::rpc::types::{EventName, OutcomeName};
use kofo_node::rpc::{COOKIE_FILE, NodeFile};
use kofo_regtest::Chain;
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

/// A node as a program on another machine has it: by a port and a token, without its folder.
fn distant(data: &Path) -> Wallet {
    let rpc = NodeFile::load(data).unwrap().rpc;
    let port = rpc.rsplit_once(':').unwrap().1.parse().unwrap();
    let token = std::fs::read_to_string(data.join(COOKIE_FILE)).unwrap();
    Wallet::remote(port, &token).unwrap()
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
    let mut events = wallet.events(None);
    let swap = wallet.swap(&Wish::new("1eth", "0.05btc")).await.unwrap();
    let mut told = Vec::new();
    while told.last() != Some(&EventName::Committed) {
        told.push(events.next().await.unwrap().event);
    }
    let (id, agreed) = (swap.id(), swap.status().await.unwrap());
    assert_eq!(agreed.outcome, None);
    wallet.close().await.unwrap();

    let wallet = Wallet::embed(start(&data)).await.unwrap();
    let open = wallet.open_swaps().await.unwrap();
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
    let done = tokio::time::timeout(STEP, wallet.at(id).done()).await.unwrap();
    assert_eq!(done.unwrap(), OutcomeName::Redeemed);
    assert!(wallet.open_swaps().await.unwrap().is_empty());
    // The stream has outlived the node that it began with, and goes on where it was.
    while !told.last().is_some_and(|last| last.is_last()) {
        told.push(events.next().await.unwrap().event);
    }
    let way = [
        EventName::Claimed,
        EventName::Quoted,
        EventName::Selected,
        EventName::Committed,
        EventName::AlphaLocked,
        EventName::BetaLocked,
        EventName::Redeemed,
        EventName::Complete,
    ];
    assert_eq!(told, way);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_of_bitcoin_pays_a_merchant_who_runs_nothing_in_ether() {
    let Some(land) = Land::shared("the merchant").await else {
        return;
    };
    let town = town_without_wallet(&land).await;
    let merchant = "0x00000000000000000000000000000000C0FFEE01";
    let chains = land.daemons.regtest();
    let has = async || {
        let params = serde_json::json!([merchant, "latest"]);
        let units = chains
            .rpc(Chain::Ethereum, "eth_getBalance", params)
            .await
            .unwrap();
        u128::from_str_radix(units.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let before = has().await;
    let paid = merchant::pay(start(&town.data(Place::Wallet)), "0.05btc", "0.7eth", merchant);
    let outcome = tokio::time::timeout(STEP, paid).await.unwrap().unwrap();
    assert_eq!(outcome, OutcomeName::Redeemed);
    assert!(has().await - before >= 700_000_000_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_quotes_what_a_program_beside_it_says() {
    let Some(land) = Land::shared("a pricing source").await else {
        return;
    };
    let mut town = town_without_wallet(&land).await;
    town.kill(Place::ProviderB).await.unwrap();
    town.kill(Place::ProviderA).await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/prices", listener.local_addr().unwrap());
    let priced = town.configure(Place::ProviderA, |config| {
        config.provider.prices.clear();
        config.provider.price_source = Some(Source::Url(Endpoint::new(&url).unwrap()));
    });
    priced.unwrap();
    town.start(Place::ProviderA).await.unwrap();
    let book = pricing::Book {
        middle: 20_000,
        most: "1".to_owned(),
    };
    let provider = distant(&town.data(Place::ProviderA));
    let mut told = provider.events(None);
    let served = tokio::spawn(pricing::serve(listener, provider, book));
    let wallet = Wallet::embed(start(&town.data(Place::Wallet))).await.unwrap();
    // Nobody else would give so much.
    let quotes = wallet.quote(&Wish::new("0.05btc", "0.9eth")).await.unwrap();
    let best = quotes.best().unwrap().clone();
    let swap = quotes.take(best.fulfil).await.unwrap();
    let done = tokio::time::timeout(STEP, swap.done()).await.unwrap().unwrap();
    assert_eq!(done, OutcomeName::Redeemed);
    wallet.close().await.unwrap();
    while told.next().await.unwrap().event != EventName::Complete {}
    served.abort();
}
