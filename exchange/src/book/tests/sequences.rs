//! Any sequence of operations, beside a book that is a plain list.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Op {
    Add {
        n: u32,
        size: u128,
        least: Option<u128>,
        price: u128,
        expires_ms: u64,
    },
    Cancel(u32),
    Expire(u64),
    /// Matches a claim and takes all its fills.
    Claim {
        amount: u128,
        limit: Option<u128>,
        least: Option<u128>,
        most: Option<u128>,
    },
    PutBack(usize),
    Spent(usize),
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let some = |of| prop::option::of(of);
    prop_oneof![
        4 => (0u32..12, 0u128..20, some(0u128..20), 1u128..5, 1_000u64..1_040).prop_map(|(n, size, least, price, expires_ms)| {
            Op::Add { n, size, least, price, expires_ms }
        }),
        1 => (0u32..12).prop_map(Op::Cancel),
        1 => (0u64..4).prop_map(Op::Expire),
        4 => (1u128..60, some(1u128..5), some(1u128..60), some(0u128..100)).prop_map(|(amount, limit, least, most)| {
            Op::Claim { amount, limit, least, most }
        }),
        2 => (0usize..8).prop_map(Op::PutBack),
        2 => (0usize..8).prop_map(Op::Spent),
        1 => Just(Op::Restart),
    ]
}

#[derive(Clone, Debug)]
struct Plain {
    order: Order,
    place: u64,
    free: u128,
    taken: u128,
}

impl Plain {
    fn least(&self) -> u128 {
        self.order.least.unwrap_or(self.order.size).units()
    }
}

#[derive(Default)]
struct Beside {
    book: Book,
    plain: BTreeMap<u32, Plain>,
    held: Vec<(u32, Fill)>,
    arrivals: u64,
    now: u64,
}

impl Beside {
    fn run(&mut self, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Add {
                n,
                size,
                least,
                price,
                expires_ms,
            } => self.add(n, (size, least), price, expires_ms)?,
            Op::Cancel(n) => {
                prop_assert_eq!(self.book.cancel(&id(n)), self.plain.remove(&n).is_some());
            }
            Op::Expire(by) => {
                self.now += by;
                let before = self.plain.len();
                self.plain.retain(|_, plain| plain.order.expires_ms > self.now);
                prop_assert_eq!(self.book.expire(self.now), before - self.plain.len());
            }
            Op::Claim {
                amount,
                limit,
                least,
                most,
            } => self.claim(amount, limit, least, most)?,
            Op::PutBack(at) if at < self.held.len() => {
                let (n, fill) = self.held.remove(at);
                let plain = self.plain.get_mut(&n).filter(|plain| plain.place == fill.place);
                prop_assert_eq!(self.book.put_back(&fill), plain.is_some());
                if let Some(plain) = plain {
                    plain.taken -= fill.give.units();
                    plain.free += fill.give.units();
                }
            }
            Op::Spent(at) if at < self.held.len() => {
                let (n, fill) = self.held.remove(at);
                let plain = self.plain.get_mut(&n).filter(|plain| plain.place == fill.place);
                prop_assert_eq!(self.book.spent(&fill), plain.is_some());
                if let Some(plain) = plain {
                    plain.taken -= fill.give.units();
                    if plain.free + plain.taken < plain.least() {
                        self.plain.remove(&n);
                    }
                }
            }
            Op::PutBack(_) | Op::Spent(_) => {}
            Op::Restart => self.restart()?,
        }
        self.is_the_same()
    }

    fn add(
        &mut self,
        n: u32,
        (size, least): (u128, Option<u128>),
        price: u128,
        expires_ms: u64,
    ) -> Result<(), TestCaseError> {
        let order = Order {
            least: least.map(Amount::new),
            expires_ms,
            ..order(n, size, (price, 1))
        };
        let right = size > 0 && least.is_none_or(|least| least > 0 && least <= size);
        let right = right && expires_ms > self.now && !self.plain.contains_key(&n);
        prop_assert_eq!(self.book.add(order.clone(), self.now).is_ok(), right);
        if right {
            let place = self.arrivals;
            self.arrivals += 1;
            self.plain.insert(
                n,
                Plain {
                    order,
                    place,
                    free: size,
                    taken: 0,
                },
            );
        }
        Ok(())
    }

    fn claim(
        &mut self,
        amount: u128,
        limit: Option<u128>,
        least: Option<u128>,
        most: Option<u128>,
    ) -> Result<(), TestCaseError> {
        let (give, want) = (asset(BTC), asset(ETH));
        let wanted = Wanted {
            give: &give,
            want: &want,
            amount: Amount::new(amount),
            limit: limit.and_then(|limit| Ratio::new(limit, 1)),
            least: least.map(Amount::new),
            most: most.map(Amount::new),
        };
        let fills = self.book.matches(&wanted, self.now);
        prop_assert_eq!(&fills, &self.expected(amount, limit, least, most));
        for fill in fills {
            prop_assert!(self.book.take(&fill));
            let of = |(_, plain): &(&u32, &mut Plain)| plain.place == fill.place;
            let (n, plain) = self.plain.iter_mut().find(of).unwrap();
            plain.free -= fill.give.units();
            plain.taken += fill.give.units();
            self.held.push((*n, fill));
        }
        Ok(())
    }

    /// The same rules over a sorted list, for prices that are whole numbers.
    fn expected(
        &self,
        amount: u128,
        limit: Option<u128>,
        least: Option<u128>,
        most: Option<u128>,
    ) -> Vec<Fill> {
        let mut sorted: Vec<_> = self
            .plain
            .values()
            .filter(|plain| plain.order.expires_ms > self.now)
            .collect();
        sorted.sort_by_key(|plain| (std::cmp::Reverse(plain.order.price.numerator()), plain.place));
        let (mut fills, mut given, mut got) = (Vec::new(), 0, 0);
        for plain in sorted {
            let price = plain.order.price.numerator();
            let affordable = most.map_or(u128::MAX, |most| (most - got) / price);
            let give = plain.free.min(amount - given).min(affordable);
            if limit.is_none_or(|limit| price >= limit) && give >= plain.least() {
                given += give;
                got += give * price;
                fills.push(Fill {
                    order: plain.order.id,
                    place: plain.place,
                    give: Amount::new(give),
                    want: Amount::new(give * price),
                    expires_ms: plain.order.expires_ms,
                });
            }
        }
        if given < least.unwrap_or(amount) {
            fills.clear();
        }
        fills
    }

    /// Written and read again, and what is held taken again.
    fn restart(&mut self) -> Result<(), TestCaseError> {
        self.book = borsh::from_slice(&borsh::to_vec(&self.book).unwrap()).unwrap();
        for (n, fill) in &self.held {
            let there = self.plain.get(n).is_some_and(|plain| plain.place == fill.place);
            prop_assert_eq!(self.book.take(fill), there);
        }
        Ok(())
    }

    fn is_the_same(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.book.len(), self.plain.len());
        for plain in self.plain.values() {
            let order = self.book.order(&plain.order.id).unwrap();
            prop_assert_eq!(order.size.units(), plain.free + plain.taken);
        }
        for (n, fill) in &self.held {
            let there = self.plain.get(n).is_some_and(|plain| plain.place == fill.place);
            prop_assert_eq!(self.book.holds(fill), there);
        }
        Ok(())
    }
}

/// Small ones, between which roundings show, and such as fit no more.
fn units() -> impl Strategy<Value = u128> {
    prop_oneof![4 => 1u128..30, 1 => 1u128..1 << 100, 1 => 1u128..]
}

proptest! {
    #[test]
    fn after_any_sequence_of_operations_the_book_is_what_a_plain_list_would_be(ops in prop::collection::vec(op(), 0..60)) {
        let mut beside = Beside { now: NOW, ..Beside::default() };
        for op in ops {
            beside.run(op)?;
        }
    }

    #[test]
    fn at_any_price_no_order_gives_more_than_it_has_and_the_limit_is_met_exactly(
        orders in prop::collection::vec((units(), units(), units(), any::<bool>()), 1..20),
        amount in units(), limit in prop::option::of((units(), units())), most in prop::option::of(units()),
    ) {
        let mut book = Book::new(BookBounds::default());
        for (n, (size, above, below, whole)) in (0..).zip(orders) {
            let order = Order { least: (!whole).then_some(Amount::new(1)), ..order(n, size, (above, below)) };
            let _ = book.add(order, NOW);
        }
        let (give, want) = (asset(BTC), asset(ETH));
        let limit = limit.and_then(|(n, d)| Ratio::new(n, d));
        let wanted = Wanted {
            give: &give, want: &want, amount: Amount::new(amount), limit, least: Some(Amount::new(1)), most: most.map(Amount::new),
        };
        let fills = book.matches(&wanted, NOW);
        let sum = |of: fn(&Fill) -> Amount| fills.iter().try_fold(Amount::ZERO, |sum, fill| sum.checked_add(of(fill))).unwrap();
        let (given, got) = (sum(|fill| fill.give), sum(|fill| fill.want));
        prop_assert!(given <= wanted.amount && wanted.most.is_none_or(|most| got <= most));
        prop_assert!(fills.is_empty() || limit.is_none_or(|limit| limit.met_by(given, got)));
        for fill in &fills {
            let order = book.order(&fill.order).unwrap();
            prop_assert!(fill.give <= order.size && (order.least.is_some() || fill.give == order.size));
            prop_assert_eq!(order.price.of(fill.give), Some(fill.want));
            prop_assert!(book.take(fill));
            prop_assert!(fill.give < order.size || !book.take(fill), "there is no more of it");
        }
    }
}
