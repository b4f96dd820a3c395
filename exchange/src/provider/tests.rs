use super::*;
use crate::beacon::Level;
use crate::book::{BookBounds, Order, OrderRefused};
use crate::fixtures::{BTC, CONTRACT, ETH, asset, maker, network};
use crate::pricing::{Freshness, PriceEntry, Sizes};
use kofo_primitives::*;

mod committed;
mod sequences;

const NOW: u64 = 1_000_000;
const QUOTE_MS: u64 = 30_000;

/// Gives `amount` BTC for at least 19.9 ETH each.
pub(super) fn claim(n: u8, amount: u128, partial: Option<u128>) -> Claim {
    let claimed = |id, place: &[u8]| ClaimedAsset {
        asset: asset(id),
        place: Place::new(place).unwrap(),
        depth: 1,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        key: maker().id(),
        seal_key: maker().id(),
        nonce: [n; 32],
        give: claimed(BTC, &[]),
        want: claimed(ETH, &CONTRACT),
        give_amount: Amount::new(amount),
        limit: Limit::Stated(Ratio::new(199, 10).unwrap()),
        partial: partial.map(Amount::new),
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: NOW,
        expires_ms: NOW + 300_000,
    }
}

pub(super) fn order(n: u8, size: u128, price: u128) -> Order {
    Order {
        id: [n; 32],
        source: [1; 32],
        takes: asset(BTC),
        gives: asset(ETH),
        price: Ratio::new(price, 1).unwrap(),
        size: Amount::new(size),
        least: Some(Amount::new(1)),
        expires_ms: NOW + 10_000_000,
    }
}

fn provider(orders: impl IntoIterator<Item = Order>, eth: u128) -> Provider {
    let mut provider = Provider::new(ProviderConfig::default(), Book::new(BookBounds::default()));
    provider.allow(asset(ETH), Amount::new(eth));
    for order in orders {
        provider.add(order, NOW).unwrap();
    }
    provider
}

fn fulfil(n: u8) -> FulfilId {
    FulfilId::new([n; 32])
}

/// An offer on that claim and one quote of it.
fn quote(provider: &mut Provider, claim: &Claim, n: u8, now_ms: u64) -> Offered {
    let offered = provider.offers(claim, &claim.id(), now_ms).unwrap();
    provider.quoted(fulfil(n), &claim.id(), offered.until_ms).unwrap();
    offered
}

fn eth_held(provider: &Provider) -> u128 {
    provider.inventory().held(&asset(ETH)).units()
}

/// After a restart, with its book and with so much allowed.
fn again(provider: &Provider, eth: u128) -> Provider {
    let book = borsh::from_slice(&borsh::to_vec(provider.book()).unwrap()).unwrap();
    restarted(provider, eth, book)
}

fn restarted(provider: &Provider, eth: u128, book: Book) -> Provider {
    let stored = borsh::to_vec(&provider.snapshot()).unwrap();
    let mut next = Provider::new(ProviderConfig::default(), book);
    next.allow(asset(ETH), Amount::new(eth));
    next.restore(borsh::from_slice(&stored).unwrap());
    next
}

#[test]
fn all_copies_of_a_claim_get_one_offer_under_one_number_and_another_claim_gets_the_next() {
    let mut provider = provider([order(1, 100, 20)], 1_000);
    let (one, two) = (claim(1, 10, None), claim(2, 10, None));
    let first = provider.offers(&one, &one.id(), NOW).unwrap();
    assert_eq!((first.give.units(), first.want.units()), (10, 200));
    assert_eq!(provider.offers(&one, &one.id(), NOW + 5), Some(first.clone()));
    assert_eq!(eth_held(&provider), 200, "held once");
    let other = provider.offers(&two, &two.id(), NOW).unwrap();
    assert_eq!((first.seq, other.seq), (1, 2));
}

#[test]
fn a_number_is_used_once_and_the_second_selection_on_it_is_told_so() {
    let mut provider = provider([order(1, 100, 20)], 1_000);
    let claim = claim(1, 10, None);
    quote(&mut provider, &claim, 1, NOW);
    quote(&mut provider, &claim, 2, NOW);
    assert_eq!(provider.select(&fulfil(2), &claim, NOW), Ok(()));
    assert_eq!(provider.selected(&claim.id()), Some(fulfil(2)));
    let used = SelectionRefused::ReservationUsed { by: fulfil(2) };
    assert_eq!(provider.select(&fulfil(1), &claim, NOW), Err(used));
    assert_eq!(provider.select(&fulfil(2), &claim, NOW), Err(used), "repeated");
    assert_eq!(used.verdict(), Verdict::ReservationUsed);
    // Also when the swap is over, whatever came of it.
    assert!(provider.over(&fulfil(2), false));
    assert_eq!(provider.select(&fulfil(1), &claim, NOW), Err(used));
    assert!(!provider.over(&fulfil(2), true), "it is over once");
}

#[test]
fn selections_of_one_claim_never_take_more_than_it_gives() {
    let mut provider = provider([order(1, 6, 20), order(2, 6, 20)], 1_000);
    let claim = claim(1, 10, Some(1));
    provider.cancel_order(&[2; 32]);
    quote(&mut provider, &claim, 1, NOW);
    provider.select(&fulfil(1), &claim, NOW).unwrap();
    provider.add(order(3, 100, 20), NOW).unwrap();
    // What is left of the claim is offered under a new number.
    let rest = quote(&mut provider, &claim, 2, NOW);
    assert_eq!((rest.give.units(), rest.seq), (4, 2));
    provider.select(&fulfil(2), &claim, NOW).unwrap();
    assert_eq!(provider.offers(&claim, &claim.id(), NOW), None);
}

#[test]
fn a_selection_beyond_what_the_claim_gives_is_refused_as_exhausted() {
    let mut provider = provider([order(1, 6, 20)], 1_000);
    let claim = claim(1, 10, Some(1));
    quote(&mut provider, &claim, 1, NOW);
    // As after a restart with a snapshot that another selection came into.
    provider.claims.get_mut(&claim.id()).unwrap().selected = Amount::new(5);
    let refusal = provider.select(&fulfil(1), &claim, NOW).unwrap_err();
    assert_eq!(refusal, SelectionRefused::ClaimExhausted { all: Amount::new(10) });
    assert_eq!(refusal.verdict(), Verdict::ClaimExhausted);
}

#[test]
fn an_expired_quote_is_refused_as_expired_and_what_was_behind_it_is_free_again() {
    let mut provider = provider([order(1, 10, 20)], 200);
    let (one, two) = (claim(1, 10, None), claim(2, 10, None));
    let offered = quote(&mut provider, &one, 1, NOW);
    assert_eq!(offered.until_ms, NOW + QUOTE_MS);
    assert_eq!(provider.offers(&two, &two.id(), NOW), None, "all is held");
    let late = SelectionRefused::Expired {
        expires_ms: offered.until_ms,
    };
    assert_eq!(provider.select(&fulfil(1), &one, offered.until_ms), Err(late));
    assert!(provider.offers(&two, &two.id(), offered.until_ms).is_some());
    assert_eq!(
        provider.select(&fulfil(1), &one, offered.until_ms + 1),
        Err(late),
        "it is remembered for a while"
    );
    provider.expire(offered.until_ms + REMEMBERED_MS);
    let forgotten = provider.select(&fulfil(1), &one, offered.until_ms + REMEMBERED_MS);
    assert_eq!(forgotten, Err(SelectionRefused::Unknown));
    assert_eq!(SelectionRefused::Unknown.verdict(), Verdict::Refused);
}

#[test]
fn a_quote_for_another_claim_is_not_ones_own() {
    let mut provider = provider([order(1, 100, 20)], 1_000);
    quote(&mut provider, &claim(1, 10, None), 1, NOW);
    let refusal = provider.select(&fulfil(1), &claim(2, 10, None), NOW);
    assert_eq!(refusal, Err(SelectionRefused::Unknown));
}

#[test]
fn an_order_that_is_cancelled_upstream_takes_its_unselected_quotes_with_it_and_no_selected_one() {
    let mut provider = provider([order(1, 5, 21), order(2, 100, 20)], 1_000);
    let (one, two) = (claim(1, 3, None), claim(2, 4, None));
    quote(&mut provider, &one, 1, NOW);
    quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(1), &one, NOW).unwrap();
    assert!(provider.cancel_order(&[1; 32]));
    assert_eq!(
        provider.select(&fulfil(2), &two, NOW),
        Err(SelectionRefused::Withdrawn)
    );
    assert_eq!(SelectionRefused::Withdrawn.verdict(), Verdict::Refused);
    assert_eq!(eth_held(&provider), 63, "only what was selected");
    // The next offer is made of what is left, in full.
    let next = provider.offers(&two, &two.id(), NOW).unwrap();
    assert_eq!((next.give.units(), next.want.units(), next.seq), (4, 80, 3));
    assert!(provider.over(&fulfil(1), true));
    assert_eq!(provider.inventory().free(&asset(ETH)).units(), 1_000 - 63 - 80);
}

#[test]
fn a_further_copy_of_a_claim_whose_orders_are_gone_gets_a_new_offer() {
    let mut provider = provider([order(1, 5, 21), order(2, 100, 20)], 1_000);
    let claim = claim(1, 3, None);
    let first = quote(&mut provider, &claim, 1, NOW);
    provider.cancel_source(&[1; 32]);
    assert_eq!(provider.offers(&claim, &claim.id(), NOW), None);
    provider.add(order(3, 100, 20), NOW).unwrap();
    let second = provider.offers(&claim, &claim.id(), NOW).unwrap();
    assert!(second.seq > first.seq && second.want.units() == 60);
    assert_eq!(
        provider.select(&fulfil(1), &claim, NOW),
        Err(SelectionRefused::Withdrawn)
    );
}

#[test]
fn a_cancelled_claim_frees_what_nobody_selected_and_is_offered_nothing_more() {
    let mut provider = provider([order(1, 10, 20)], 200);
    let (one, two) = (claim(1, 10, None), claim(2, 10, None));
    quote(&mut provider, &one, 1, NOW);
    provider.cancelled(&one.id());
    assert_eq!(provider.offers(&one, &one.id(), NOW), None);
    assert_eq!(
        provider.select(&fulfil(1), &one, NOW),
        Err(SelectionRefused::Withdrawn)
    );
    quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(2), &two, NOW).unwrap();
    provider.cancelled(&two.id());
    assert_eq!(eth_held(&provider), 200, "a selection stays");
}

#[test]
fn what_is_withdrawn_before_it_was_quoted_is_offered_again_under_a_new_number() {
    let mut provider = provider([order(1, 10, 20)], 200);
    let claim = claim(1, 10, None);
    let first = provider.offers(&claim, &claim.id(), NOW).unwrap();
    provider.withdraw(&claim.id());
    assert_eq!(eth_held(&provider), 0);
    let second = provider.offers(&claim, &claim.id(), NOW).unwrap();
    assert_eq!(second.seq, first.seq + 1);
}

#[test]
fn a_swap_that_settled_is_gone_from_book_and_inventory_and_one_that_did_not_is_back_in_both() {
    let mut provider = provider([order(1, 10, 20)], 200);
    for (n, settled, left) in [(1, false, 200), (2, true, 80)] {
        let claim = claim(n, 6, None);
        quote(&mut provider, &claim, n, NOW);
        provider.select(&fulfil(n), &claim, NOW).unwrap();
        provider.expire(NOW + 10 * QUOTE_MS);
        assert_eq!(
            eth_held(&provider),
            120,
            "a selection is held for as long as its swap takes"
        );
        assert!(provider.over(&fulfil(n), settled));
        assert_eq!(provider.inventory().free(&asset(ETH)).units(), left);
        assert_eq!(provider.book().order(&[1; 32]).unwrap().size.units() * 20, left);
    }
}

#[test]
fn no_quote_binds_longer_than_what_is_behind_it_is_held_and_no_claim_has_more_quotes_than_paths() {
    let mut provider = provider([order(1, 100, 20)], 1_000);
    let claim = claim(1, 10, None);
    let id = claim.id();
    assert_eq!(
        provider.quoted(fulfil(1), &id, NOW + 1),
        Err(QuotedRefused::NotOffered)
    );
    let until_ms = provider.offers(&claim, &id, NOW).unwrap().until_ms;
    let expires_ms = until_ms + 1;
    let long = QuotedRefused::TooLong { expires_ms, until_ms };
    assert_eq!(provider.quoted(fulfil(1), &id, expires_ms), Err(long));
    for n in 0..8 {
        assert_eq!(provider.quoted(fulfil(n), &id, until_ms), Ok(()));
    }
    assert_eq!(
        provider.quoted(fulfil(7), &id, until_ms),
        Ok(()),
        "the same again"
    );
    assert_eq!(
        provider.quoted(fulfil(8), &id, until_ms),
        Err(QuotedRefused::TooMany(8))
    );
}

#[test]
fn a_claim_is_filled_by_book_or_prices_whichever_gives_more() {
    let mut provider = provider([order(1, 100, 20)], 10_000);
    let price = |units| {
        let sizes = Sizes {
            least: Amount::new(1),
            most: Amount::new(100),
        };
        let fresh = Freshness {
            as_of_ms: NOW,
            stale_after_ms: 1_000,
        };
        let price = Ratio::new(units, 1).unwrap();
        PriceTable::new(vec![
            PriceEntry::new((asset(BTC), asset(ETH)), price, 0, sizes, fresh).unwrap(),
        ])
        .unwrap()
    };
    let offer = |provider: &mut Provider, n| {
        let claim = claim(n, 10, None);
        provider
            .offers(&claim, &claim.id(), NOW)
            .map(|offered| (offered.want.units(), offered.fills.len()))
    };
    provider.set_prices(price(21));
    assert_eq!(offer(&mut provider, 1), Some((210, 0)));
    provider.set_prices(price(19));
    assert_eq!(offer(&mut provider, 2), Some((200, 1)));
    provider.cancel_source(&[1; 32]);
    assert_eq!(offer(&mut provider, 3), None, "19 is below the limit");
    provider.set_prices(price(20));
    assert_eq!(offer(&mut provider, 4), Some((200, 0)), "a tie without the book");
    let late = claim(5, 10, None);
    assert_eq!(provider.offers(&late, &late.id(), NOW + 1_000), None, "stale");
}

#[test]
fn orders_that_expire_before_the_quote_would_are_not_quoted() {
    let soon = Order {
        expires_ms: NOW + QUOTE_MS,
        ..order(1, 10, 30)
    };
    let mut provider = provider([soon, order(2, 10, 20)], 1_000);
    let claim = claim(1, 5, None);
    let offered = provider.offers(&claim, &claim.id(), NOW).unwrap();
    assert_eq!(
        offered.fills.iter().map(|fill| fill.order).collect::<Vec<_>>(),
        [[2; 32]]
    );
}

#[test]
fn a_hidden_limit_is_quoted_at_the_providers_own_price() {
    let mut provider = provider([order(1, 10, 3)], 1_000);
    let hidden = Claim {
        limit: Limit::Hidden([7; 32]),
        ..claim(1, 10, None)
    };
    assert_eq!(
        provider.offers(&hidden, &hidden.id(), NOW).unwrap().want.units(),
        30
    );
}

#[test]
fn an_asset_of_no_chain_is_offered_as_any_other() {
    let account = asset("bank:ledger-7/account:eur");
    let in_bank = Order {
        gives: account.clone(),
        ..order(1, 100, 20)
    };
    let mut provider = provider([in_bank], 0);
    provider.allow(account.clone(), Amount::new(1_000));
    let mut claim = claim(1, 10, None);
    claim.want.asset = account;
    let offered = provider.offers(&claim, &claim.id(), NOW).unwrap();
    assert_eq!((offered.give.units(), offered.want.units()), (10, 200));
}

#[test]
fn promises_and_claims_are_bounded_and_a_claim_that_expired_is_forgotten() {
    let config = ProviderConfig {
        max_promises: 2,
        max_claims: 3,
        ..ProviderConfig::default()
    };
    let mut provider = Provider::new(config, Book::default());
    provider.allow(asset(ETH), Amount::new(u128::MAX));
    provider.add(order(1, 1_000, 20), NOW).unwrap();
    let mut offers = |n, now_ms| {
        let claim = claim(n, 1, None);
        provider.offers(&claim, &claim.id(), now_ms).is_some()
    };
    assert!(offers(1, NOW) && offers(2, NOW) && !offers(3, NOW));
    assert!(offers(3, NOW + QUOTE_MS), "promises are free again");
    assert!(!offers(4, NOW + QUOTE_MS), "claims are not");
    assert!(!offers(1, NOW + 300_000), "the claim has expired");
    assert!(provider.claims.is_empty() && provider.promises.is_empty());
}

#[test]
fn after_a_restart_no_number_repeats_and_what_bound_still_binds() {
    let mut provider = provider([order(1, 10, 20)], 400);
    let (one, two, three) = (claim(1, 4, None), claim(2, 3, None), claim(3, 4, None));
    quote(&mut provider, &one, 1, NOW);
    let second = quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(1), &one, NOW).unwrap();
    // Less is allowed than is promised: it binds all the same.
    let mut provider = again(&provider, 100);
    assert_eq!(eth_held(&provider), 140);
    assert_eq!(provider.offers(&three, &three.id(), NOW), None);
    assert_eq!(provider.offers(&two, &two.id(), NOW), Some(second));
    let used = SelectionRefused::ReservationUsed { by: fulfil(1) };
    assert_eq!(provider.select(&fulfil(1), &one, NOW), Err(used));
    assert!(provider.binds(&fulfil(2), NOW) && !provider.binds(&fulfil(1), NOW));
    assert_eq!(provider.select(&fulfil(2), &two, NOW), Ok(()));
    assert!(provider.over(&fulfil(1), true) && provider.over(&fulfil(2), true));
    assert_eq!(provider.book().order(&[1; 32]).unwrap().size.units(), 3);
    provider.allow(asset(ETH), Amount::new(400));
    let next = claim(4, 3, None);
    assert_eq!(provider.offers(&next, &next.id(), NOW).unwrap().seq, 3);
}

#[test]
fn after_a_restart_without_its_orders_a_quote_is_refused_and_a_selection_stays() {
    let mut provider = provider([order(1, 10, 20)], 400);
    let (one, two) = (claim(1, 4, None), claim(2, 3, None));
    quote(&mut provider, &one, 1, NOW);
    quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(1), &one, NOW).unwrap();
    let mut next = restarted(&provider, 400, Book::default());
    assert_eq!(
        next.select(&fulfil(2), &two, NOW),
        Err(SelectionRefused::Withdrawn)
    );
    assert_eq!(eth_held(&next), 80);
    assert!(next.over(&fulfil(1), true));
    assert_eq!(next.inventory().free(&asset(ETH)).units(), 320);
}

#[test]
fn after_a_restart_a_quote_binds_again_once_its_orders_have_come_again() {
    let mut provider = provider([order(1, 10, 20)], 400);
    let (one, two) = (claim(1, 4, None), claim(2, 3, None));
    quote(&mut provider, &one, 1, NOW);
    quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(1), &one, NOW).unwrap();
    let mut next = restarted(&provider, 400, Book::default());
    next.add(order(1, 10, 20), NOW).unwrap();
    let free = next.book().levels((&asset(BTC), &asset(ETH)), 1, NOW);
    assert_eq!(free[0].size.units(), 3, "4 and 3 are behind the two quotes");
    assert_eq!(next.select(&fulfil(2), &two, NOW), Ok(()));
}

#[test]
fn a_quote_whose_order_was_cancelled_stays_refused_when_the_order_comes_again_even_after_a_restart() {
    let mut provider = provider([order(1, 10, 20)], 1_000);
    let (one, two) = (claim(1, 6, None), claim(2, 8, None));
    quote(&mut provider, &one, 1, NOW);
    assert!(provider.cancel_order(&[1; 32]));
    provider.add(order(1, 10, 20), NOW).unwrap();
    quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(2), &two, NOW).unwrap();
    let mut next = restarted(&provider, 1_000, Book::default());
    next.add(order(1, 10, 20), NOW).unwrap();
    assert_eq!(
        next.select(&fulfil(1), &one, NOW),
        Err(SelectionRefused::Withdrawn)
    );
    let free = next.book().levels((&asset(BTC), &asset(ETH)), 1, NOW);
    assert_eq!(free[0].size.units(), 2, "8 of 10 are being settled");
}

#[test]
fn an_order_that_is_cancelled_before_it_has_come_again_refuses_its_quote() {
    let mut provider = provider([order(1, 10, 20)], 1_000);
    let one = claim(1, 6, None);
    quote(&mut provider, &one, 1, NOW);
    let mut next = restarted(&provider, 1_000, Book::default());
    assert!(!next.cancel_order(&[1; 32]));
    next.add(order(1, 10, 20), NOW).unwrap();
    assert_eq!(
        next.select(&fulfil(1), &one, NOW),
        Err(SelectionRefused::Withdrawn)
    );
    assert_eq!(eth_held(&next), 0);
}

#[test]
fn an_order_that_comes_again_comes_without_what_was_filled_of_it() {
    let mut provider = provider([order(1, 10, 20)], 1_000);
    let (one, two) = (claim(1, 6, None), claim(2, 3, None));
    quote(&mut provider, &one, 1, NOW);
    quote(&mut provider, &two, 2, NOW);
    provider.select(&fulfil(1), &one, NOW).unwrap();
    provider.select(&fulfil(2), &two, NOW).unwrap();
    assert!(provider.over(&fulfil(1), true));
    // The feed failed and is back; nobody there knows of our swaps.
    let back = |provider: &mut Provider| {
        provider.cancel_source(&[1; 32]);
        provider.add(order(1, 10, 20), NOW)
    };
    assert_eq!(back(&mut provider), Ok(()));
    let free = provider.book().levels((&asset(BTC), &asset(ETH)), 1, NOW);
    assert_eq!(free[0].size.units(), 1, "6 are settled, 3 are being settled");
    assert!(provider.over(&fulfil(2), true));
    assert_eq!(back(&mut provider), Ok(()));
    assert_eq!(provider.book().order(&[1; 32]).unwrap().size.units(), 1);
    let last = claim(3, 1, None);
    quote(&mut provider, &last, 3, NOW);
    provider.select(&fulfil(3), &last, NOW).unwrap();
    assert!(provider.over(&fulfil(3), true));
    let mut provider = again(&provider, 1_000);
    assert_eq!(
        provider.add(order(1, 10, 20), NOW),
        Err(OrderRefused::Filled),
        "also after a restart"
    );
}

#[test]
fn how_far_orders_were_filled_is_remembered_of_so_many_and_until_they_expire() {
    let mut provider = provider([], u128::MAX);
    let fill = |n: usize| {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Fill {
            order: id,
            place: 0,
            give: Amount::new(1),
            want: Amount::new(1),
            expires_ms: NOW + 1_000_000,
        }
    };
    for n in 0..=MAX_USED {
        let hold = provider.inventory.hold(&asset(ETH), Amount::new(1), NOW).unwrap();
        let promise = Promise {
            claim: ClaimId::new([0; 32]),
            asset: asset(ETH),
            give: Amount::new(1),
            want: Amount::new(1),
            // The oldest has the highest id.
            fills: vec![fill(MAX_USED - n)],
            until_ms: NOW,
            selected: None,
            quotes: vec![],
            hold,
        };
        provider.use_up(n as u64, &promise);
    }
    assert_eq!(provider.used.len(), MAX_USED);
    assert!(
        !provider.used.contains_key(&fill(MAX_USED).order),
        "the oldest is forgotten"
    );
    provider.due_ms = 0;
    provider.expire(NOW + 1_000_000);
    assert!(provider.used.is_empty());
}

#[test]
fn a_number_that_is_known_from_elsewhere_is_not_given_again() {
    let mut provider = provider([order(1, 10, 20)], 400);
    provider.number_from(77);
    provider.number_from(5);
    let claim = claim(1, 4, None);
    assert_eq!(provider.offers(&claim, &claim.id(), NOW).unwrap().seq, 77);
    assert_eq!(provider.next_seq(), 78);
}

#[test]
fn a_provider_shows_both_sides_of_a_pair_as_far_as_it_may_promise() {
    let ask = Order {
        takes: asset(ETH),
        gives: asset(BTC),
        price: Ratio::new(1, 25).unwrap(),
        ..order(3, 250, 1)
    };
    let crossing = Order {
        id: [4; 32],
        price: Ratio::new(1, 15).unwrap(),
        ..ask.clone()
    };
    let mut provider = provider([order(1, 10, 20), order(2, 10, 19), ask, crossing], 300);
    provider.allow(asset(BTC), Amount::new(1_000));
    let level = |price, size| Level {
        price: Ratio::new(price, 1).unwrap(),
        size: Amount::new(size),
    };
    let sides = provider.sides(&asset(BTC), &asset(ETH), NOW);
    // 200 for the first 10, and for the remaining 100 ETH 5 more.
    assert_eq!(sides.bids, [level(20, 10), level(19, 5)]);
    assert_eq!(sides.asks, [level(25, 10)], "at 15 it would cross its own bid");
}
