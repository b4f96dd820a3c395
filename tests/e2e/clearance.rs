//! Validators, a wallet, three relays in a line and two providers: orders that are final before anything is locked, fees
//! that are divided to the unit, and swaps that need no validator once both have locked.

use crate::cli::{Answer, run};
use crate::exchange::{SILENT, begun, claim_until, redeemed, tell};
use crate::shared::{Land, STEP, kofo};
use kofo_clearance::{Ending, Reason, Settlement};
use kofo_cli::demo::{City, FEE, Place, SEATS};
use kofo_cli::demo::{abandon, check_sum, slashed, trade, waits};
use kofo_node::clock;
use kofo_node::rpc::types::{AccountShown, ClaimAsked, ClaimStatus, Id, OrderShown, OrderState, SwapStatus};
use kofo_node::rpc::{ClearingRpcClient, MarketRpcClient, NodeRpcClient};
use kofo_regtest::Chain;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(50);

async fn city(land: &Land) -> City {
    let city = City::up(Arc::clone(&land.daemons), kofo()).await;
    city.expect("validators and nodes start")
}

/// A claim with a fee, for which the provider locks bitcoin.
pub(crate) fn asked() -> ClaimAsked {
    ClaimAsked {
        give: "1eth".to_owned(),
        want: "0.05btc".to_owned(),
        fee: Some(FEE.to_owned()),
        ..ClaimAsked::default()
    }
}

/// What a node's own account has.
async fn account(city: &City, place: Place) -> AccountShown {
    city.town
        .client(place)
        .unwrap()
        .ledger_account(None)
        .await
        .unwrap()
}

/// Of the ledger's only asset, in whole units.
pub(crate) async fn free(city: &City, place: Place) -> String {
    account(city, place).await.holdings[0].free.amount.clone()
}

pub(crate) async fn order(city: &City, id: Id) -> OrderShown {
    city.town
        .client(Place::Wallet)
        .unwrap()
        .order_show(id, Some(true))
        .await
        .unwrap()
}

/// Waits until the wallet has the verified receipt of an order.
pub(crate) async fn receipt(city: &City, id: Id) -> (OrderShown, Settlement) {
    let deadline = Instant::now() + STEP;
    loop {
        let shown = order(city, id).await;
        if shown.state == OrderState::Ended {
            return (shown, city.council.settlement(id).await.unwrap());
        }
        assert!(Instant::now() < deadline, "the order is not over: {shown:#?}");
        tokio::time::sleep(POLL).await;
    }
}

/// What was paid for that, in units.
fn units(settlement: &Settlement, why: Reason) -> u128 {
    let payouts = settlement.payouts.iter().filter(|payout| payout.why == why);
    payouts.map(|payout| payout.amount.units()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_is_paid_to_every_relay_a_provider_that_does_not_lock_is_slashed_and_a_validator_dies_meanwhile()
 {
    let Some(land) = Land::alone("a fee").await else {
        return;
    };
    let mut city = city(&land).await;
    assert_eq!(free(&city, Place::Wallet).await, "1000");
    let gone = abandon(&mut city, SILENT, &tell()).await.unwrap();
    assert_eq!(gone.provider, Place::ProviderA, "its price is the better one");
    // 1.620125 ETH are worth 2,916.225, of which the premium is half a hundredth and the reserve a tenth.
    let after_commit = free(&city, Place::Wallet).await;
    assert_eq!(after_commit, "985.118875", "fee and premium are in escrow");

    let cleared = trade(&mut city, Some(SEATS - 1), SILENT, &tell()).await.unwrap();
    let of = |why| units(&cleared.settlement, why);
    assert_eq!((of(Reason::Foundation), of(Reason::Validators)), (30_000, 60_000));
    let hops = [1, 2, 3].map(|hop| of(Reason::Hop(hop)));
    assert_eq!(hops, [105_000, 70_000, 35_000], "of bonds of 30, 20 and 10");
    assert_eq!(
        free(&city, Place::Wallet).await,
        "984.818875",
        "the fee is gone, the premium is back"
    );
    for (relay, earned) in Place::RELAYS.into_iter().zip(["0.105", "0.07", "0.035"]) {
        assert_eq!(free(&city, relay).await, earned, "{}", relay.name());
    }
    let provider = account(&city, cleared.settled.provider).await;
    assert_eq!((provider.settled, provider.failed), (1, 0));
    assert_eq!(
        provider.holdings[0].provider_bond.amount, "10000",
        "the reserve is back"
    );

    let slashed = slashed(&mut city, &gone, SILENT, &tell()).await.unwrap();
    let of = |why| units(&slashed.settlement, why);
    assert_eq!(of(Reason::FeeBack), 300_000);
    assert_eq!(
        (of(Reason::Harmed), of(Reason::Burnt)),
        (29_162_250, 262_460_250),
        "a hundredth of the worth, and the rest"
    );
    assert_eq!(
        free(&city, Place::Wallet).await,
        "999.7",
        "fee and premium of that order are back"
    );
    let provider = account(&city, gone.provider).await;
    assert_eq!((provider.settled, provider.failed), (0, 1));
    assert_eq!(provider.holdings[0].provider_bond.amount, "9708.3775");
    commands(&city, &cleared.settlement).await;
}

/// Who was paid, by commands: a party sees all of it, a relay its own share, and who has no part in it nothing.
async fn payouts(city: &City, (wallet, shown): (&Path, &Answer), id: &str) {
    let shown: Vec<Vec<_>> = shown
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for line in [
        vec!["foundation", "the", "foundation", "0.03", "KOFO"],
        vec!["validators", "the", "epoch's", "pool", "0.06", "KOFO"],
        vec!["every", "payment,", "as", "the", "receipt", "proves"],
    ] {
        assert!(shown.contains(&line), "{line:?} in {shown:?}");
    }
    let relay = run(&city.town.data(Place::Relay2), &["order", "show", id, "--json"]).await;
    let relay: OrderShown = serde_json::from_str(relay.done()).unwrap();
    let paid = relay.payouts.expect("it was paid");
    let [own] = paid.rows.as_slice() else {
        panic!("a relay is told its own share alone: {paid:#?}")
    };
    assert!(!paid.whole && own.own, "{paid:#?}");
    assert_eq!((own.why.as_str(), own.amount.amount.as_str()), ("hop 2", "0.07"));
    let wallet = run(wallet, &["order", "show", id, "--json"]).await;
    let wallet: OrderShown = serde_json::from_str(wallet.done()).unwrap();
    let paid = wallet.payouts.expect("it is a party");
    assert!(paid.whole && paid.rows.len() > 5, "{paid:#?}");
    assert!(
        paid.rows.iter().any(|row| row.own && row.why == "back"),
        "{paid:#?}"
    );
    // The provider of the other order.
    let stranger = [Place::ProviderA, Place::ProviderB]
        .map(|place| city.town.data(place))
        .map(|data| async move { run(&data, &["order", "show", id, "--json"]).await });
    let mut told = 0;
    for shown in futures::future::join_all(stranger).await {
        let shown: OrderShown = serde_json::from_str(shown.done()).unwrap();
        told += usize::from(shown.payouts.is_some());
    }
    assert_eq!(told, 1, "one of both providers had this order");
}

/// The same order and accounts, and acts of their owners, by commands.
async fn commands(city: &City, settlement: &Settlement) {
    let (wallet, relay) = (city.town.data(Place::Wallet), city.town.data(Place::Relay1));
    let id = Id::from(settlement.order).to_string();
    let shown = run(&wallet, &["order", "show", &id, "--proof"]).await;
    for part in [
        "state   ended",
        "settled",
        "signed by",
        "proof of the order, verified",
        "proof of the receipt",
    ] {
        assert!(shown.done().contains(part), "{part:?} in\n{}", shown.out);
    }
    payouts(city, (&wallet, &shown), &id).await;
    let unknown = run(&wallet, &["order", "show", &"7".repeat(64)]).await;
    assert!(unknown.done().contains("state   open"), "{}", unknown.out);
    let bonded = run(&relay, &["bond", "0.1kofo", "--as", "relay"]).await;
    assert!(bonded.done().contains("30.1"), "{}", bonded.out);
    let leaving = run(&relay, &["unbond", "10kofo", "--as", "relay"]).await;
    assert!(
        leaving.done().contains("10 KOFO comes back: in "),
        "{}",
        leaving.out
    );
    let own = run(&relay, &["ledger", "account"]).await;
    assert!(own.done().contains("this node's own"), "{}", own.out);
    let validator = city.council.account(0).to_string();
    let backed = run(&wallet, &["delegate", &validator, "100kofo", "--json"]).await;
    assert!(
        backed.done().contains("\"delegated\":{\"amount\":\"100\""),
        "{}",
        backed.out
    );
    let given = run(&wallet, &["ledger", "transfer", &validator, "1.5kofo"]).await;
    assert!(given.done().contains("898.2"), "{}", given.out);
    let too_much = run(&wallet, &["ledger", "transfer", &validator, "1000kofo"]).await;
    too_much.refused_with(&["your free balance has 898.2 KOFO, the transfer needs 1000 KOFO"]);
    let status = run(&wallet, &["ledger", "status"]).await;
    assert!(status.done().contains("KOFO"), "{}", status.out);
}

/// The wallet selects a quote, and as long as no validator runs nobody begins a swap, also when the claim's time is over:
/// whether the order was taken only validators can say.
async fn nothing_begins(city: &City) -> ClaimStatus {
    let client = city.town.client(Place::Wallet).unwrap();
    let short = ClaimAsked {
        expires_in: Some(12),
        ..asked()
    };
    let claim = client.claim_make(short).await.unwrap();
    let over = claim.expires_ms + 2_000;
    loop {
        let now = client.claim_quotes(claim.id, None).await.unwrap();
        assert!(
            now.quotes.iter().all(|quote| quote.swap.is_none()),
            "a swap began: {now:#?}"
        );
        for place in Place::PROVIDERS {
            let live = city
                .town
                .client(place)
                .unwrap()
                .swap_list(None, None, Some(true))
                .await
                .unwrap();
            assert!(live.swaps.is_empty(), "{} has begun: {live:#?}", place.name());
        }
        if clock::now_ms() > over {
            assert!(
                now.quotes.iter().any(|quote| quote.selected),
                "one was selected: {now:#?}"
            );
            return now;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// With validators again, a claim whose time is over ends without a swap.
async fn comes_to_nothing(city: &City, mut claim: ClaimStatus) {
    let client = city.town.client(Place::Wallet).unwrap();
    let deadline = Instant::now() + STEP;
    while !claim.state.is_over() {
        assert!(Instant::now() < deadline, "it hangs: {claim:#?}");
        let next = client.claim_quotes(claim.id, Some(claim.seq));
        claim = tokio::time::timeout(STEP, next).await.unwrap().unwrap();
    }
    assert!(
        claim.quotes.iter().all(|quote| quote.swap.is_none()),
        "a swap came of it: {claim:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_validators_locked_swaps_complete_direct_ones_are_free_nothing_cleared_begins_and_receipts_come_later()
 {
    let Some(land) = Land::alone("validators away").await else {
        return;
    };
    let mut city = city(&land).await;
    let regtest = land.daemons.regtest();
    // The provider's lock waits for a block until no validator runs.
    regtest.pause_miner(Chain::Bitcoin).await.unwrap();
    let claim = claim_until(&city.town, asked(), |claim| begun(claim).is_some()).await;
    let (_, swap) = begun(&claim).unwrap();
    waits(city.town.ground(), Chain::Bitcoin).await.unwrap();
    for number in 0..SEATS {
        city.council.kill(number).await.unwrap();
    }
    regtest.resume_miner(Chain::Bitcoin).await.unwrap();
    redeemed(&city.town, swap).await;

    let (wallet, provider) = (city.town.data(Place::Wallet), city.town.data(Place::ProviderB));
    let offer = run(
        &wallet,
        &["swap", "offer", "--give", "0.02btc", "--want", "0.3eth"],
    )
    .await;
    let accepted = run(&provider, &["swap", "accept", offer.done(), "--json"]).await;
    let accepted: SwapStatus = serde_json::from_str(accepted.done()).unwrap();
    redeemed(&city.town, accepted.id).await;
    let claim = nothing_begins(&city).await;

    for number in 0..SEATS {
        city.council.start(number).await.unwrap();
    }
    let (shown, settlement) = receipt(&city, swap).await;
    assert_eq!(settlement.ending, Ending::Settled, "{shown:#?}");
    check_sum(&settlement, kofo_primitives::Amount::new(300_000)).unwrap();
    comes_to_nothing(&city, claim).await;
    assert_eq!(
        free(&city, Place::Wallet).await,
        "999.7",
        "one fee, of the one order"
    );
}
