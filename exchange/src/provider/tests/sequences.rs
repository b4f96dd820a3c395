//! Any sequence of claims, selections, cancels, endings and restarts.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ETH_HAD: u128 = 1_500;
const ORDERS: u8 = 2;

#[derive(Clone, Debug)]
enum Op {
    Offer(u8),
    Quote(u8, u8),
    /// By its own claim, or by another.
    Select(Option<u8>, u8),
    Over(u8, bool),
    CancelClaim(u8),
    CancelOrder(u8),
    AddOrder(u8),
    Wait(u64),
    /// With or without the book.
    Restart(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => (0u8..12).prop_map(Op::Offer),
        5 => (0u8..12, 0u8..10).prop_map(|(c, q)| Op::Quote(c, q)),
        5 => (prop::option::weighted(0.1, 0u8..12), 0u8..10).prop_map(|(c, q)| Op::Select(c, q)),
        2 => (0u8..10, any::<bool>()).prop_map(|(q, settled)| Op::Over(q, settled)),
        1 => (0u8..12).prop_map(Op::CancelClaim),
        3 => (0..ORDERS).prop_map(Op::CancelOrder),
        6 => (0..ORDERS).prop_map(Op::AddOrder),
        1 => prop_oneof![3 => Just(1u64), 1 => Just(QUOTE_MS)].prop_map(Op::Wait),
        1 => any::<bool>().prop_map(Op::Restart),
    ]
}

/// Some all or nothing, some in parts.
fn the_claim(n: u8) -> Claim {
    claim(n, 3 + u128::from(n), n.is_multiple_of(2).then_some(3))
}

/// An id stands for all that an order says.
fn the_order(n: u8) -> Order {
    Order {
        least: (n == 1).then_some(Amount::new(2)),
        ..order(n, 10 + u128::from(n) * 9, 20 + u128::from(n))
    }
}

proptest! {
    #[test]
    fn a_provider_never_promises_more_than_it_has_and_never_gives_a_number_twice(ops in prop::collection::vec(op(), 0..150)) {
        let (mut provider, mut now) = (provider([], ETH_HAD), NOW);
        // Number to claim; selected quotes to what they give; what was spent; what was selected of each claim.
        let mut numbers: BTreeMap<u64, u8> = BTreeMap::new();
        let mut selected: BTreeMap<u8, u128> = BTreeMap::new();
        let (mut spent, mut of_claim, mut used) = (0u128, BTreeMap::<u8, u128>::new(), BTreeSet::<u64>::new());
        let mut quoted: BTreeMap<u8, (u8, Offered)> = BTreeMap::new();
        // What of each order is settled or being settled.
        let mut filled: BTreeMap<Digest, u128> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Offer(n) => {
                    let claim = the_claim(n);
                    if let Some(offered) = provider.offers(&claim, &claim.id(), now) {
                        prop_assert_eq!(*numbers.entry(offered.seq).or_insert(n), n, "one number, one claim");
                        let Limit::Stated(limit) = claim.limit else { unreachable!() };
                        prop_assert!(limit.met_by(offered.give, offered.want));
                        prop_assert!(offered.give <= claim.give_amount && offered.give >= claim.partial.unwrap_or(claim.give_amount));
                        prop_assert!(!used.contains(&offered.seq));
                    }
                }
                Op::Quote(n, q) if !quoted.contains_key(&q) => {
                    let claim = the_claim(n);
                    if let Some(offered) = provider.offers(&claim, &claim.id(), now) {
                        prop_assert_eq!(*numbers.entry(offered.seq).or_insert(n), n);
                        if provider.quoted(fulfil(q), &claim.id(), offered.until_ms).is_ok() {
                            quoted.insert(q, (n, offered));
                        }
                    }
                }
                Op::Quote(..) => {}
                Op::Select(n, q) => {
                    let n = n.or(quoted.get(&q).map(|(n, _)| *n)).unwrap_or(0);
                    if provider.select(&fulfil(q), &the_claim(n), now).is_ok() {
                        let (of, offered) = &quoted[&q];
                        prop_assert_eq!(*of, n);
                        prop_assert!(now < offered.until_ms);
                        prop_assert!(used.insert(offered.seq), "a number is used once");
                        selected.insert(q, offered.want.units());
                        for fill in &offered.fills {
                            *filled.entry(fill.order).or_default() += fill.give.units();
                        }
                        let sum = of_claim.entry(n).or_default();
                        *sum += offered.give.units();
                        prop_assert!(*sum <= the_claim(n).give_amount.units());
                    }
                }
                Op::Over(q, settled) => {
                    let ended = selected.remove(&q);
                    prop_assert_eq!(provider.over(&fulfil(q), settled), ended.is_some());
                    spent += ended.filter(|_| settled).unwrap_or(0);
                    for fill in ended.filter(|_| !settled).iter().flat_map(|_| &quoted[&q].1.fills) {
                        *filled.get_mut(&fill.order).unwrap() -= fill.give.units();
                    }
                }
                Op::CancelClaim(n) => provider.cancelled(&the_claim(n).id()),
                Op::CancelOrder(n) => { provider.cancel_order(&[n; 32]); }
                Op::AddOrder(n) => { let _ = provider.add(the_order(n), now); }
                Op::Wait(ms) => { now += ms; provider.expire(now); }
                Op::Restart(with_book) => {
                    let next_seq = provider.next_seq();
                    provider = if with_book {
                        again(&provider, ETH_HAD - spent)
                    } else {
                        restarted(&provider, ETH_HAD - spent, Book::default())
                    };
                    prop_assert_eq!(provider.next_seq(), next_seq);
                }
            }
            for n in 0..ORDERS {
                let sum = filled.get(&[n; 32]).copied().unwrap_or(0);
                prop_assert!(sum <= the_order(n).size.units(), "no order is filled beyond its size");
            }
            let held = eth_held(&provider);
            prop_assert!(held + spent <= ETH_HAD);
            prop_assert!(held >= selected.values().sum::<u128>(), "what is selected is held");
        }
        // When every swap is over and every quote has expired, nothing is held and every order is whole again.
        for q in selected.into_keys() {
            provider.over(&fulfil(q), false);
        }
        provider.expire(now + 2 * QUOTE_MS);
        prop_assert_eq!(eth_held(&provider), 0);
        let (give, want) = (asset(BTC), asset(ETH));
        let shown = provider.book().levels((&give, &want), 1_000, now).iter().map(|level| level.size.units()).sum::<u128>();
        prop_assert_eq!(shown, provider.book().orders().map(|order| order.size.units()).sum::<u128>());
    }
}
