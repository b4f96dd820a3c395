//! A wallet, three relays and two providers: claims, quotes and the swaps that come of them, also when somebody dies.

use crate::cli::run;
use crate::shared::{Land, STEP, kofo, outcomes};
use kofo_cli::demo::{
    Asked, Follow, Moved, Place, Purse, Settled, Sheet, Tell, Town, claim, figures, follow_claim,
};
use kofo_node::rpc::types::{
    ClaimAsked, ClaimState, ClaimStatus, Id, OutcomeName, QuoteState, QuoteStatus, SwapStatus,
};
use kofo_node::rpc::{MarketRpcClient, NodeRpcClient};
use kofo_regtest::Chain;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nothing is printed on standard output.
pub(crate) const SILENT: Sheet = Sheet { json: false };
const POLL: Duration = Duration::from_millis(20);

pub(crate) fn tell() -> Tell {
    Arc::new(|line| eprintln!("{line}"))
}

fn asked(give: &str, want: &str) -> ClaimAsked {
    ClaimAsked {
        give: give.to_owned(),
        want: want.to_owned(),
        ..ClaimAsked::default()
    }
}

/// A fresh town, and what those with money had at first.
struct Fair {
    town: Town,
    before: Vec<Purse>,
    land: Land,
}

impl Fair {
    async fn on(land: Land) -> Self {
        let daemons = Arc::clone(&land.daemons);
        let mut town = Town::up(daemons, kofo()).await.expect("six nodes start");
        let before = town.purses().await.expect("wallet and providers have money");
        Self { town, before, land }
    }

    async fn shared(test: &str) -> Option<Self> {
        Some(Self::on(Land::shared(test).await?).await)
    }

    async fn alone(test: &str) -> Option<Self> {
        Some(Self::on(Land::alone(test).await?).await)
    }

    async fn pause(&self, chain: Chain) {
        self.land.daemons.regtest().pause_miner(chain).await.unwrap();
    }

    async fn resume(&self, chain: Chain) {
        self.land.daemons.regtest().resume_miner(chain).await.unwrap();
    }

    /// As [`claim_until`], until both providers have quoted.
    async fn both_quotes(&self, asked: ClaimAsked) -> ClaimStatus {
        claim_until(&self.town, asked, |claim| providers(&claim.quotes).len() == 2).await
    }

    /// As [`redeemed`], with its figures.
    async fn redeemed(&self, swap: Id) -> Settled {
        let (both, provider) = redeemed(&self.town, swap).await;
        let row = figures(self.town.ground(), "test".to_owned(), &both, Vec::new());
        Settled {
            row: row.await.unwrap(),
            provider,
        }
    }

    /// Wallet and providers have what these swaps left them, to the last unit.
    async fn books_balance(&mut self, settled: &[Settled]) {
        let moved: Vec<Moved> = settled.iter().map(Settled::moved).collect();
        let balanced = self.town.balance_books(self.before.clone(), &moved).await;
        balanced.expect("balances conserve");
    }
}

/// Makes a claim of the wallet's, and waits until `holds`.
pub(crate) async fn claim_until(
    town: &Town,
    asked: ClaimAsked,
    holds: impl Fn(&ClaimStatus) -> bool,
) -> ClaimStatus {
    let client = town.client(Place::Wallet).unwrap();
    let mut claim = client.claim_make(asked).await.unwrap();
    let deadline = Instant::now() + STEP;
    while !holds(&claim) {
        assert!(
            Instant::now() < deadline && !claim.state.is_over(),
            "it did not come to it: {claim:#?}"
        );
        let next = client.claim_quotes(claim.id, Some(claim.seq));
        claim = tokio::time::timeout(STEP, next).await.unwrap().unwrap();
    }
    claim
}

/// Follows a swap of the wallet's until it is over for both; with whom it was.
async fn over(town: &Town, swap: Id) -> ([SwapStatus; 2], Place) {
    let (provider, _) = town.participant(swap).await.unwrap();
    let folders = [town.data(Place::Wallet), town.data(provider)];
    let follow = Follow::start(folders, swap, provider.name(), tell());
    (follow.done(STEP).await.unwrap(), provider)
}

/// As [`over`], and both redeem.
pub(crate) async fn redeemed(town: &Town, swap: Id) -> ([SwapStatus; 2], Place) {
    let (both, provider) = over(town, swap).await;
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2], "{both:#?}");
    (both, provider)
}

fn providers(quotes: &[QuoteStatus]) -> Vec<&str> {
    let mut providers: Vec<_> = quotes.iter().map(|quote| quote.provider.as_str()).collect();
    providers.sort_unstable();
    providers.dedup();
    providers
}

/// The quote that the wallet began a swap from.
pub(crate) fn begun(claim: &ClaimStatus) -> Option<(&QuoteStatus, Id)> {
    let begun = claim
        .quotes
        .iter()
        .find(|quote| quote.state == QuoteState::Begun)?;
    Some((begun, begun.swap?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_crosses_the_relays_and_both_redeem_and_direct_offers_need_none_of_them() {
    let Some(mut fair) = Fair::shared("a claim").await else {
        return;
    };
    let made = claim(&fair.town, asked("0.1btc", "1.6eth"), SILENT, &tell()).await;
    let Asked { claim, swaps } = made.unwrap();
    assert_eq!(claim.state, ClaimState::Filled);
    assert_eq!(providers(&claim.quotes).len(), 2, "both quote: {claim:#?}");
    for quote in &claim.quotes {
        assert_eq!(
            quote.path.len(),
            3,
            "two relays and the provider are on the way: {quote:#?}"
        );
    }
    assert_eq!(swaps.len(), 1);
    let bought = fair.redeemed(swaps[0]).await;
    assert_eq!(bought.provider, Place::ProviderA, "its price is the better one");

    for relay in [Place::Relay1, Place::Relay2, Place::Relay3] {
        fair.town.kill(relay).await.unwrap();
    }
    let (wallet, provider) = (fair.town.data(Place::Wallet), fair.town.data(Place::ProviderB));
    let offer = run(
        &wallet,
        &["swap", "offer", "--give", "0.02btc", "--want", "0.3eth"],
    )
    .await;
    let accepted = run(&provider, &["swap", "accept", offer.done(), "--json"]).await;
    let accepted: SwapStatus = serde_json::from_str(accepted.done()).unwrap();
    let direct = fair.redeemed(accepted.id).await;
    assert_eq!(direct.row.alpha.amount, "0.02 BTC");
    assert_eq!(direct.row.beta.amount, "0.3 ETH", "nobody took a fee");
    fair.books_balance(&[bought, direct]).await;
}

/// Makes a claim, kills a node when both providers have quoted, and follows the claim to a swap that both redeem.
async fn dies_after_the_quotes(fair: &mut Fair, dies: Place) -> (ClaimStatus, Settled) {
    let claim = fair.both_quotes(asked("0.1btc", "1.6eth")).await;
    assert_eq!(
        claim.state,
        ClaimState::Quoting,
        "nothing is selected yet: {claim:#?}"
    );
    fair.town.kill(dies).await.unwrap();
    let over = follow_claim(&fair.town, claim, SILENT, &tell()).await;
    let Asked { claim, swaps } = over.unwrap();
    assert_eq!(claim.state, ClaimState::Filled, "{claim:#?}");
    assert_eq!(swaps.len(), 1, "{claim:#?}");
    let bought = fair.redeemed(swaps[0]).await;
    (claim, bought)
}

/// Somebody whom the best quote needs dies before it is selected: the other provider's is taken, and the swap ends.
async fn second_choice(test: &str, dies: Place) {
    let Some(mut fair) = Fair::shared(test).await else {
        return;
    };
    let (claim, bought) = dies_after_the_quotes(&mut fair, dies).await;
    assert_eq!(bought.provider, Place::ProviderB);
    let mut failed = claim.quotes.iter().filter(|q| q.state == QuoteState::Failed);
    let failed = failed.next().expect("the best one was tried first");
    assert!(failed.trouble.is_some(), "and it says why not: {claim:#?}");
    fair.town.start(dies).await.unwrap();
    fair.books_balance(&[bought]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_relay_dies_after_the_quotes_the_one_that_came_another_way_is_taken() {
    second_choice("a dead relay", Place::Relay2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_provider_vanishes_after_its_quote_the_next_one_is_taken() {
    second_choice("a vanished provider", Place::ProviderA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_claim_is_filled_by_two_providers_in_two_swaps() {
    let Some(mut fair) = Fair::shared("two parts").await else {
        return;
    };
    let parts = ClaimAsked {
        partial: Some("0.02btc".to_owned()),
        ..asked("0.1btc", "2950usdx")
    };
    let made = claim(&fair.town, parts, SILENT, &tell()).await;
    let Asked { claim, swaps } = made.unwrap();
    assert_eq!(claim.state, ClaimState::Filled, "{claim:#?}");
    assert_eq!(claim.filled, claim.give, "{claim:#?}");
    let mut bought = Vec::new();
    for swap in swaps {
        bought.push(fair.redeemed(swap).await);
    }
    let mut parts: Vec<_> = bought
        .iter()
        .map(|swap| (swap.provider, swap.row.alpha.amount.as_str()))
        .collect();
    parts.sort_unstable();
    assert_eq!(
        parts,
        [(Place::ProviderA, "0.06 BTC"), (Place::ProviderB, "0.04 BTC")]
    );
    fair.books_balance(&bought).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_killed_between_its_selection_and_its_lock_goes_on_with_the_swap() {
    let Some(mut fair) = Fair::alone("a killed wallet").await else {
        return;
    };
    // A fresh node on an EVM chain fills its gas accounts first: without blocks it cannot get to its lock.
    fair.pause(Chain::Ethereum).await;
    let claim = claim_until(&fair.town, asked("1eth", "0.05btc"), |claim| {
        begun(claim).is_some()
    })
    .await;
    let (_, swap) = begun(&claim).unwrap();
    fair.town.kill(Place::Wallet).await.unwrap();
    fair.town.start(Place::Wallet).await.unwrap();
    let client = fair.town.client(Place::Wallet).unwrap();
    let back = client.swap_show(swap).await.unwrap();
    assert_eq!(back.outcome, None, "it remembers the swap: {back:#?}");
    let remembered = client.claim_quotes(claim.id, None).await.unwrap();
    assert_eq!(
        begun(&remembered).map(|(_, swap)| swap),
        Some(swap),
        "and the claim"
    );
    fair.resume(Chain::Ethereum).await;
    let bought = fair.redeemed(swap).await;
    fair.books_balance(&[bought]).await;
}

/// The selection may or may not be answered: there is a swap that ends, or there is none and nothing was locked.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_killed_while_its_selection_is_under_way_loses_nothing() {
    let Some(mut fair) = Fair::shared("a killed wallet").await else {
        return;
    };
    let selected = |claim: &ClaimStatus| claim.quotes.iter().any(|quote| quote.selected);
    let claim = claim_until(&fair.town, asked("0.1btc", "1.6eth"), selected).await;
    fair.town.kill(Place::Wallet).await.unwrap();
    fair.town.start(Place::Wallet).await.unwrap();
    let client = fair.town.client(Place::Wallet).unwrap();
    let deadline = Instant::now() + STEP;
    let claim = loop {
        let now = client.claim_quotes(claim.id, None).await.unwrap();
        if now.state.is_over() {
            break now;
        }
        assert!(Instant::now() < deadline, "the claim hangs: {now:#?}");
        tokio::time::sleep(POLL).await;
    };
    let mut bought = Vec::new();
    for quote in &claim.quotes {
        if let Some(swap) = quote.swap {
            bought.push(fair.redeemed(swap).await);
        }
    }
    fair.books_balance(&bought).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_after_it_began_comes_back_and_the_swap_ends() {
    let Some(mut fair) = Fair::alone("a killed provider").await else {
        return;
    };
    // The wallet's lock waits for a block until the provider is back.
    fair.pause(Chain::Bitcoin).await;
    let claim = claim_until(&fair.town, asked("0.1btc", "1.6eth"), |claim| {
        begun(claim).is_some()
    })
    .await;
    let (_, swap) = begun(&claim).unwrap();
    let (provider, _) = fair.town.participant(swap).await.unwrap();
    fair.town.kill(provider).await.unwrap();
    fair.town.start(provider).await.unwrap();
    fair.resume(Chain::Bitcoin).await;
    let bought = fair.redeemed(swap).await;
    assert_eq!(bought.provider, provider);
    fair.books_balance(&[bought]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_are_shown_and_selected_by_commands_and_a_fee_is_refused_by_them() {
    let Some(mut fair) = Fair::shared("commands").await else {
        return;
    };
    let wallet = fair.town.data(Place::Wallet);
    let claim = ["claim", "--give", "0.1btc", "--want", "1.6eth"];
    run(&wallet, &[&claim[..], &["--fee", "0.001eth"]].concat())
        .await
        .refused_with(&["fees need the clearance layer", "ask with fee none"]);
    assert_eq!(run(&wallet, &["claim", "list"]).await.done(), "no claims");

    let made = run(&wallet, &[&claim[..], &["--manual", "--no-wait"]].concat()).await;
    let id = made.done().to_owned();
    let client = fair.town.client(Place::Wallet).unwrap();
    let deadline = Instant::now() + STEP;
    let quotes = loop {
        let now = client.claim_quotes(id.parse().unwrap(), None).await.unwrap();
        if providers(&now.quotes).len() == 2 {
            break now.quotes;
        }
        assert!(Instant::now() < deadline, "{now:#?}");
        tokio::time::sleep(POLL).await;
    };
    let shown = run(&wallet, &["quotes", &id]).await;
    for part in ["1.62", "ETH per BTC", "never met", " → ", "open"] {
        assert!(shown.done().contains(part), "{part:?} in\n{}", shown.out);
    }
    run(&wallet, &["quotes", &id, "--select", "zz"])
        .await
        .refused_with(&["expected the first digits of one quote", "fits 0 of"]);
    // The worse one: it is the owner who chooses.
    let worse = quotes.last().unwrap().fulfil.to_string();
    let selected = run(&wallet, &["quotes", &id, "--select", &worse[..12], "--json"]).await;
    let selected: ClaimStatus = serde_json::from_str(selected.done()).unwrap();
    assert!(selected.quotes.iter().any(|q| q.selected), "{selected:#?}");
    let watched = run(&wallet, &["claim", "watch", &id]).await;
    assert!(
        watched.done().contains("filled    0.1 BTC of 0.1 BTC"),
        "{}",
        watched.out
    );
    let over = client.claim_quotes(id.parse().unwrap(), None).await.unwrap();
    let (quote, swap) = begun(&over).unwrap();
    assert_eq!(quote.fulfil.to_string(), worse);
    let bought = fair.redeemed(swap).await;
    assert_eq!(bought.provider, Place::ProviderB);
    let peers = run(&wallet, &["peers"]).await;
    assert!(peers.done().contains("relay"), "{}", peers.out);
    fair.books_balance(&[bought]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_hides_its_limit_and_pays_somebody_else_is_followed_to_its_end_by_one_command() {
    const PAYEE: &str = "0x00000000000000000000000000000000000a11ce";
    let Some(fair) = Fair::shared("a payee").await else {
        return;
    };
    let wallet = fair.town.data(Place::Wallet);
    let claim = [
        "claim",
        "--give",
        "0.1btc",
        "--want",
        "1.6eth",
        "--hide-limit",
        "--wait",
    ];
    let paid = run(&wallet, &[&claim[..], &["--pay-to", PAYEE]].concat()).await;
    eprintln!("{}\n{}", paid.out, paid.err);
    for part in [
        "claim     ",
        "quote     ",
        "selected  ",
        "swap      ",
        "filled    ",
        "redeemed",
    ] {
        assert!(paid.done().contains(part), "{part:?} in\n{}", paid.out);
    }
    let asked = serde_json::json!([PAYEE, "latest"]);
    let regtest = fair.land.daemons.regtest();
    let has = regtest
        .rpc(Chain::Ethereum, "eth_getBalance", asked)
        .await
        .unwrap();
    let has = u128::from_str_radix(has.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    assert_eq!(has, 1_620_125_000_000_000_000, "all that provider A quoted");
    let claims = fair
        .town
        .client(Place::Wallet)
        .unwrap()
        .claim_list()
        .await
        .unwrap();
    assert!(claims.claims[0].hidden && claims.claims[0].pay_to.as_deref() == Some(PAYEE));
}
