//! One claim and several providers, among nodes that drop everything.

use crate::quotes::quoted;
use kofo_network::SimulatedNetwork;
use kofo_node::market::Timing;
use kofo_node::rpc::api::ClaimTerms;
use kofo_node::rpc::types::ClaimState;
use kofo_primitives::{Amount, Role};
use kofo_tests::mesh::{Crowd, DEADLINE, Roll, Tap, Wish, terms, until};
use std::time::Duration;

const BTC: u128 = 100_000_000;
const RELAYS: u64 = 12;
/// Price and the most that each gives at it.
const PROVIDERS: [(&str, &str); 4] = [("16.3", "4"), ("16.2", "4"), ("16.1", "2"), ("17", "4")];

async fn fair(seed: u64) -> Crowd {
    let timing = Timing {
        window: Duration::from_secs(2),
        answer: Duration::from_secs(3),
        tick: Duration::from_millis(50),
        ..Timing::default()
    };
    let relays = (0..RELAYS).map(|nth| Wish::relay(seed * 100 + nth));
    let numbered = (50..).zip(PROVIDERS);
    let providers = numbered.map(|(nth, (price, most))| Wish::provider(seed * 100 + nth, price, most));
    let roll = Roll {
        members: relays
            .chain(providers)
            .map(|wish| Wish { timing, ..wish })
            .collect(),
        droppers: 4,
    };
    Crowd::gather(SimulatedNetwork::new(seed), seed, roll, Tap::counting()).await
}

/// How much of the claim each member has begun to fill, in whole BTC; everybody's orders are the claimant's.
fn filled(crowd: &Crowd, provider: usize) -> u128 {
    let begun = crowd.members[provider].settled.begun();
    let gives = begun.iter().map(|(order, role)| {
        assert_eq!(*role, Role::Participant);
        order.as_matched().unwrap().parts().terms.give.units()
    });
    gives.sum::<u128>() / BTC
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_is_filled_by_three_providers_after_the_best_one_vanished_behind_its_quote() {
    let mut crowd = fair(21).await;
    let claimant = std::sync::Arc::clone(&crowd.members[0].market);
    let ten = ClaimTerms {
        partial: Some(Amount::new(BTC)),
        manual: false,
        ..terms(10 * BTC)
    };
    let claim = claimant.claim(ten).await.unwrap();
    let best = || {
        let status = claimant.claim_status(&claim).unwrap();
        status.quotes.iter().any(|quote| quote.price.starts_with("17 "))
    };
    until("the best quote has come", best).await;
    drop(crowd.members.pop().unwrap());
    until("the claim is filled", || {
        claimant.claim_status(&claim).unwrap().state == ClaimState::Filled
    })
    .await;
    let by = (12..15).map(|provider| filled(&crowd, provider));
    assert_eq!(by.collect::<Vec<_>>(), [4, 4, 2]);
    let begun = crowd.members[0].settled.begun();
    assert_eq!(begun.len(), 3, "with who vanished nothing has begun");
    assert!(begun.iter().all(|(_, role)| *role == Role::Initiator));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_or_nothing_is_nothing_where_no_provider_has_all() {
    let crowd = fair(22).await;
    let claimant = &crowd.members[0].market;
    let five = claimant.claim(terms(5 * BTC)).await.unwrap();
    // One that somebody can fill, made later: whoever would quote for the first has had its time.
    let four = claimant.claim(terms(4 * BTC)).await.unwrap();
    assert!(quoted(claimant, four, 3, DEADLINE).await);
    assert_eq!(claimant.claim_status(&five).unwrap().quotes, []);
}
