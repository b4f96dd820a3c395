use super::*;
use crate::fixtures::{BTC, ETH, asset};

mod sequences;

const NOW: u64 = 1_000;
const LATER: u64 = 2_000;

pub(super) fn id(n: u32) -> Digest {
    let mut id = [0; 32];
    // Spread, as hashes are.
    id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
    id[28..].copy_from_slice(&n.to_be_bytes());
    id
}

/// Takes BTC, gives ETH; may be filled in parts of 1.
pub(super) fn order(n: u32, size: u128, price: (u128, u128)) -> Order {
    Order {
        id: id(n),
        source: [1; 32],
        takes: asset(BTC),
        gives: asset(ETH),
        price: Ratio::new(price.0, price.1).unwrap(),
        size: Amount::new(size),
        least: Some(Amount::new(1)),
        expires_ms: LATER,
    }
}

pub(super) fn book_of(orders: impl IntoIterator<Item = Order>) -> Book {
    let mut book = Book::new(BookBounds::default());
    orders.into_iter().for_each(|order| book.add(order, NOW).unwrap());
    book
}

/// What a claim that gives BTC for ETH is filled with: order number, given, got.
fn matched(book: &Book, amount: u128, limit: (u128, u128), least: Option<u128>) -> Vec<(u32, u128, u128)> {
    let (give, want) = (asset(BTC), asset(ETH));
    let wanted = Wanted {
        give: &give,
        want: &want,
        amount: Amount::new(amount),
        limit: Ratio::new(limit.0, limit.1),
        least: least.map(Amount::new),
        most: None,
    };
    let number = |id: Digest| u32::from_be_bytes(id[28..].try_into().unwrap());
    let fills = book.matches(&wanted, NOW).into_iter();
    fills
        .map(|fill| (number(fill.order), fill.give.units(), fill.want.units()))
        .collect()
}

fn fill(book: &Book, n: u32, give: u128) -> Fill {
    let slot = book.shelf.find(&id(n)).unwrap();
    let entry = book.shelf.entry(slot);
    Fill {
        order: id(n),
        place: entry.place,
        give: Amount::new(give),
        want: entry.price.of(Amount::new(give)).unwrap(),
        expires_ms: entry.expires_ms,
    }
}

#[test]
fn twelve_at_19_9_take_10_at_20_and_2_at_19_9_if_partial_fills_are_allowed_and_nothing_otherwise() {
    let orders = || [order(1, 10, (20, 1)), order(2, 5, (199, 10))];
    let filled = vec![(1, 10, 200), (2, 2, 39)];
    assert_eq!(matched(&book_of(orders()), 12, (199, 10), Some(1)), filled);
    // One provider that fills all of it fills it whole.
    assert_eq!(matched(&book_of(orders()), 12, (199, 10), None), filled);
    let whole = book_of(orders().map(|order| Order { least: None, ..order }));
    assert_eq!(matched(&whole, 12, (199, 10), None), []);
    assert_eq!(matched(&whole, 12, (199, 10), Some(1)), [(1, 10, 200)]);
    assert_eq!(matched(&whole, 15, (199, 10), None), [(1, 10, 200), (2, 5, 99)]);
}

#[test]
fn the_best_price_comes_first_and_of_equal_prices_the_oldest_whatever_the_order_they_came_in() {
    let book = book_of([
        order(3, 1, (2, 1)),
        order(1, 1, (3, 1)),
        order(2, 1, (2, 1)),
        order(4, 1, (6, 2)),
    ]);
    let all = matched(&book, 4, (1, 1), None);
    assert_eq!(all.iter().map(|(n, ..)| *n).collect::<Vec<_>>(), [1, 4, 3, 2]);
}

#[test]
fn an_order_below_the_limit_is_not_filled_even_when_the_better_ones_would_make_up_for_it() {
    let book = book_of([order(1, 10, (30, 1)), order(2, 10, (18, 1))]);
    assert_eq!(matched(&book, 20, (19, 1), Some(1)), [(1, 10, 300)]);
    assert_eq!(matched(&book, 20, (19, 1), None), []);
    assert_eq!(matched(&book, 20, (0, 1), None).len(), 2, "no limit: both");
}

#[test]
fn what_rounding_down_would_cost_the_limit_is_left_out_of_the_fill() {
    let book = book_of([order(1, 100, (3, 2))]);
    // 5 would get 7, which is less than 3/2; 4 get 6.
    assert_eq!(matched(&book, 5, (3, 2), Some(1)), [(1, 4, 6)]);
    assert_eq!(matched(&book, 5, (3, 2), None), []);
    assert_eq!(matched(&book, 5, (7, 5), None), [(1, 5, 7)]);
    assert_eq!(matched(&book, 1, (3, 2), Some(1)), []);
}

#[test]
fn an_orders_own_least_is_kept_and_who_wants_less_passes_it_over() {
    let least = |n, least| Order {
        least: Some(Amount::new(least)),
        ..order(n, 10, (20, 1))
    };
    let mut book = book_of([least(1, 4), least(2, 2)]);
    assert_eq!(matched(&book, 3, (1, 1), None), [(2, 3, 60)]);
    let most = fill(&book, 1, 7);
    assert!(book.take(&most));
    // 3 are left of the first, which is less than its least.
    assert_eq!(matched(&book, 13, (1, 1), Some(1)), [(2, 10, 200)]);
    assert!(book.put_back(&most));
    assert_eq!(matched(&book, 13, (1, 1), Some(1)), [(1, 10, 200), (2, 3, 60)]);
}

#[test]
fn what_was_taken_is_nobody_elses_and_is_put_back_at_its_own_place() {
    let mut book = book_of([order(1, 10, (20, 1)), order(2, 10, (20, 1))]);
    let taken = fill(&book, 1, 10);
    assert!(book.take(&taken) && book.holds(&taken));
    assert!(!book.take(&taken), "there is no more of it");
    assert_eq!(matched(&book, 5, (1, 1), None), [(2, 5, 100)]);
    assert!(book.put_back(&taken));
    assert!(!book.put_back(&taken), "once");
    assert_eq!(
        matched(&book, 5, (1, 1), None),
        [(1, 5, 100)],
        "it is the oldest still"
    );
}

#[test]
fn what_was_spent_is_gone_and_with_it_an_order_of_which_less_than_its_least_is_left() {
    let least = Order {
        least: Some(Amount::new(3)),
        ..order(1, 10, (20, 1))
    };
    let mut book = book_of([least]);
    let part = fill(&book, 1, 6);
    assert!(book.take(&part) && book.spent(&part));
    assert_eq!(book.order(&id(1)).map(|order| order.size), Some(Amount::new(4)));
    let rest = fill(&book, 1, 3);
    assert!(book.take(&rest) && book.spent(&rest));
    assert!(book.is_empty());
    assert!(!book.spent(&rest) && !book.put_back(&rest));
}

#[test]
fn a_cancelled_order_is_gone_at_once_and_an_old_fill_is_not_one_of_a_new_order_with_its_id() {
    let mut book = book_of([order(1, 10, (20, 1))]);
    let taken = fill(&book, 1, 4);
    assert!(book.take(&taken) && book.cancel(&id(1)));
    assert!(!book.cancel(&id(1)) && !book.holds(&taken));
    book.add(order(1, 10, (20, 1)), NOW).unwrap();
    assert!(!book.holds(&taken) && !book.put_back(&taken) && !book.take(&taken));
    assert_eq!(matched(&book, 20, (1, 1), Some(1)), [(1, 10, 200)]);
}

#[test]
fn an_expired_order_is_never_filled_and_is_forgotten() {
    let soon = Order {
        expires_ms: NOW + 1,
        ..order(1, 10, (30, 1))
    };
    let mut book = book_of([soon.clone(), order(2, 10, (20, 1))]);
    let (give, want) = (asset(BTC), asset(ETH));
    let wanted = Wanted {
        give: &give,
        want: &want,
        amount: Amount::new(5),
        limit: None,
        least: None,
        most: None,
    };
    assert_eq!(book.matches(&wanted, NOW + 1)[0].order, id(2));
    assert_eq!(book.expire(NOW), 0);
    assert_eq!((book.expire(NOW + 1), book.len()), (1, 1));
    assert_eq!((book.expire(LATER), book.len()), (1, 0));
    let refusal = OrderRefused::Expired {
        expires_ms: NOW + 1,
        now_ms: NOW + 1,
    };
    assert_eq!(book.add(soon, NOW + 1), Err(refusal));
}

#[test]
fn no_more_is_filled_than_there_is_to_give() {
    let book = book_of([order(1, 10, (20, 1)), order(2, 10, (7, 2))]);
    let (give, want) = (asset(BTC), asset(ETH));
    let wanted = |most, least| Wanted {
        give: &give,
        want: &want,
        amount: Amount::new(20),
        limit: None,
        least,
        most: Some(Amount::new(most)),
    };
    let some = Some(Amount::new(1));
    let sums = |fills: &[Fill]| {
        fills
            .iter()
            .map(|fill| (fill.give.units(), fill.want.units()))
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(&book.matches(&wanted(209, some), NOW)), [(10, 200), (2, 7)]);
    assert_eq!(
        sums(&book.matches(&wanted(19, some), NOW)),
        [(5, 17)],
        "not 1 of the best: 20 is more than 19"
    );
    assert_eq!(book.matches(&wanted(234, None), NOW), []);
    assert_eq!(book.matches(&wanted(235, None), NOW).len(), 2);
}

#[test]
fn what_is_no_order_is_refused() {
    let mut book = book_of([order(1, 10, (20, 1))]);
    assert_eq!(book.add(order(1, 1, (1, 1)), NOW), Err(OrderRefused::Known));
    let same = Order {
        gives: asset(BTC),
        ..order(2, 1, (1, 1))
    };
    assert_eq!(book.add(same, NOW), Err(OrderRefused::SameAsset(asset(BTC))));
    for (size, least) in [(0, None), (5, Some(0)), (5, Some(6))] {
        let wrong = Order {
            least: least.map(Amount::new),
            ..order(2, size, (1, 1))
        };
        assert!(matches!(book.add(wrong, NOW), Err(OrderRefused::Least { .. })));
    }
    for (size, price) in [(1, (1, 2)), (u128::MAX, (2, 1))] {
        let refusal = book.add(order(2, size, price), NOW);
        assert!(matches!(refusal, Err(OrderRefused::Worth { .. })));
    }
    assert_eq!(book.len(), 1);
}

#[test]
fn sources_pairs_and_the_whole_book_are_bounded_and_room_that_is_freed_is_used_again() {
    let mut book = Book::new(BookBounds {
        orders: 6,
        per_pair: 4,
        per_source: 3,
        pairs: 2,
        sources: 3,
    });
    let of = |n: u32, source: u8, gives: &str| Order {
        source: [source; 32],
        gives: asset(gives),
        ..order(n, 1, (1, 1))
    };
    let other = "eip155:31337/slip44:61";
    let third = "eip155:31337/slip44:62";
    let full = |what, most| Err(OrderRefused::Full { what, most });
    for n in 0..3 {
        book.add(of(n, 1, ETH), NOW).unwrap();
    }
    assert_eq!(book.add(of(9, 1, other), NOW), full("orders of one source", 3));
    book.add(of(3, 2, ETH), NOW).unwrap();
    assert_eq!(book.add(of(9, 2, ETH), NOW), full("orders of one pair", 4));
    book.add(of(4, 2, other), NOW).unwrap();
    assert_eq!(book.add(of(9, 2, third), NOW), full("pairs", 2));
    book.add(of(5, 3, other), NOW).unwrap();
    assert_eq!(book.add(of(9, 3, other), NOW), full("orders", 6));
    assert_eq!(book.cancel_source(&[1; 32]), 3);
    assert_eq!(book.cancel_source(&[9; 32]), 0);
    assert_eq!(
        book.add(of(9, 4, other), NOW),
        Ok(()),
        "the first source's number is free"
    );
    assert!(book.cancel(&id(3)));
    assert_eq!(
        book.add(of(3, 2, third), NOW),
        Ok(()),
        "and so is the first pair's"
    );
    assert_eq!(
        book.orders()
            .map(|order| order.gives)
            .filter(|gives| *gives == asset(third))
            .count(),
        1
    );
}

#[test]
fn a_book_shows_what_is_free_at_its_best_prices() {
    let mut book = book_of([
        order(1, 10, (20, 1)),
        order(2, 5, (20, 1)),
        order(3, 5, (19, 1)),
        order(4, 5, (18, 1)),
    ]);
    let taken = fill(&book, 1, 4);
    assert!(book.take(&taken));
    let levels = book.levels((&asset(BTC), &asset(ETH)), 2, NOW);
    let level = |price, size| Level {
        price: Ratio::new(price, 1).unwrap(),
        size: Amount::new(size),
    };
    assert_eq!(levels, [level(20, 11), level(19, 5)]);
}

#[test]
fn a_hundred_thousand_orders_take_less_than_160_bytes_each_and_a_hundred_are_swept() {
    let orders = |n: u32| order(n, 10, (1_000_000 + u128::from(n % 5_000), 1_000));
    let mut book = book_of((0..100_000).map(orders));
    assert_eq!(book.len(), 100_000);
    assert!(book.heap_bytes() < 160 * 100_000, "{} bytes", book.heap_bytes());
    let sweep = matched(&book, 1_000, (1, 1), None);
    assert_eq!(sweep.len(), 100);
    let best: Vec<u32> = (0..20).map(|i| 4_999 + i * 5_000).collect();
    assert_eq!(sweep.iter().take(20).map(|(n, ..)| *n).collect::<Vec<_>>(), best);
    let same: Book = borsh::from_slice(&borsh::to_vec(&book).unwrap()).unwrap();
    assert_eq!(matched(&same, 1_000, (1, 1), None), sweep);
    assert!(same.heap_bytes() < 160 * 100_000, "{} bytes", same.heap_bytes());
    // Full: one order more of this pair is refused.
    assert!(matches!(
        book.add(order(100_000, 1, (1, 1)), NOW),
        Err(OrderRefused::Full { .. })
    ));
}

#[test]
fn no_claim_is_filled_from_more_orders_than_a_sweep_has() {
    let book = book_of((0..1_000).map(|n| order(n, 1, (1, 1))));
    assert_eq!(matched(&book, 1_000, (1, 1), Some(1)).len(), MAX_FILLS);
    assert_eq!(matched(&book, 1_000, (1, 1), None), []);
}

#[test]
fn orders_that_are_too_large_for_a_claim_are_passed_over_only_so_often() {
    let whole = |n| Order {
        least: None,
        ..order(n, 10, (2, 1))
    };
    let most = u32::try_from(MAX_LOOKED_AT).unwrap();
    let small = order(most + 1, 1, (1, 1));
    let mut book = book_of((0..most).map(whole).chain([small]));
    assert_eq!(matched(&book, 1, (1, 1), None), []);
    assert!(book.cancel(&id(0)));
    assert_eq!(matched(&book, 1, (1, 1), None).len(), 1);
}

#[test]
fn bytes_that_are_no_book_are_refused() {
    let good = borsh::to_vec(&book_of([order(1, 10, (20, 1)), order(2, 5, (19, 1))])).unwrap();
    assert!(borsh::from_slice::<Book>(&good).is_ok());
    for cut in 0..good.len() {
        assert!(borsh::from_slice::<Book>(&good[..cut]).is_err());
    }
    // Whatever byte is changed: a book or a refusal, and never a panic.
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        if let Ok(mut book) = borsh::from_slice::<Book>(&changed) {
            let _ = (matched(&book, 12, (1, 1), Some(1)), book.expire(u64::MAX));
        }
    }
}
