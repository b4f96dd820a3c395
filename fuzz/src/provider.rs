//! A provider, asked and selected in any order and restarted anywhere: nothing is promised twice or beyond what it has,
//! and one number is for one claim.

use crate::choices::Choices;
use crate::fixture::asset;
use crate::market::{self, GIVE, MADE};
use kofo_exchange::*;
use kofo_primitives::*;
use std::collections::{BTreeMap, BTreeSet};

const MOST_STEPS: usize = 80;
/// So much of what claims want may be promised.
const ALLOWED: u128 = 4_000;

struct World {
    provider: Provider,
    now: u64,
    /// For which claim each number was given.
    numbers: BTreeMap<u64, ClaimId>,
    /// Which quote was made under which number, of how much, for which claim.
    quotes: BTreeMap<FulfilId, (u64, u128, usize)>,
    used: BTreeSet<u64>,
    selected: BTreeMap<usize, u128>,
    fulfils: u8,
    orders: u8,
    cancelled: BTreeSet<usize>,
}

fn claims() -> [Claim; 4] {
    [
        market::claim(1, None),
        market::claim(2, Some(10)),
        market::hidden(3, None),
        market::hidden(4, Some(30)),
    ]
}

fn prices(age: u64) -> PriceTable {
    let sizes = Sizes {
        least: Amount::new(5),
        most: Amount::new(60),
    };
    let fresh = Freshness {
        as_of_ms: MADE + age,
        stale_after_ms: 100_000,
    };
    let price = Ratio::new(41, 2).expect("above 0");
    let entry = PriceEntry::new((asset("a"), asset("b")), price, 50, sizes, fresh);
    PriceTable::new(vec![entry.expect("a right price")]).expect("one price")
}

impl World {
    fn new() -> Self {
        let mut provider = Provider::new(ProviderConfig::default(), Book::default());
        provider.allow(asset("b"), Amount::new(ALLOWED));
        Self {
            provider,
            now: MADE,
            numbers: BTreeMap::new(),
            quotes: BTreeMap::new(),
            used: BTreeSet::new(),
            selected: BTreeMap::new(),
            fulfils: 0,
            orders: 0,
            cancelled: BTreeSet::new(),
        }
    }

    fn order(&mut self, choices: &mut Choices<'_>) {
        self.orders = self.orders.wrapping_add(1);
        let (size, least) = (u128::from(choices.byte()), u128::from(choices.byte() % 32));
        let order = Order {
            id: [self.orders; 32],
            source: [choices.byte() % 2; 32],
            takes: asset("a"),
            gives: asset("b"),
            price: Ratio::new(u128::from(190 + choices.byte() % 20), 10).expect("above 0"),
            size: Amount::new(size),
            least: (least > 0).then(|| Amount::new(least)),
            expires_ms: self.now + 1 + choices.number() * 10,
        };
        let _ = self.provider.add(order, self.now);
    }

    fn offers(&mut self, at: usize) {
        let claim = &claims()[at];
        let id = claim.id();
        let Some(offered) = self.provider.offers(claim, &id, self.now) else {
            return;
        };
        assert!(
            !self.cancelled.contains(&at),
            "a cancelled claim is offered something"
        );
        assert!(self.now < claim.expires_ms && offered.until_ms <= claim.expires_ms);
        let claim_of = self.numbers.entry(offered.seq).or_insert(id);
        assert_eq!(*claim_of, id, "one number for two claims");
        assert!(
            !self.used.contains(&offered.seq),
            "a number is offered again that was used"
        );
        let lowest = Ratio::new(1, u128::MAX).expect("above 0");
        let limit = match claim.limit {
            Limit::Stated(limit) => limit,
            Limit::Hidden(_) => lowest,
        };
        assert_eq!(claim.filled_by(offered.give, offered.want, limit), Ok(()));
        self.fulfils = self.fulfils.wrapping_add(1);
        let fulfil = FulfilId::new([self.fulfils; 32]);
        if self.quotes.contains_key(&fulfil) {
            return;
        }
        if self.provider.quoted(fulfil, &id, offered.until_ms).is_ok() {
            self.quotes
                .insert(fulfil, (offered.seq, offered.give.units(), at));
        }
    }

    fn select(&mut self, fulfil: FulfilId, claim: usize) {
        if self.provider.select(&fulfil, &claims()[claim], self.now).is_err() {
            return;
        }
        let (seq, give, of) = self.quotes[&fulfil];
        assert_eq!(of, claim, "a quote for one claim is selected for another");
        assert!(self.used.insert(seq), "a reservation is used twice");
        let all = self.selected.entry(claim).or_insert(0);
        *all += give;
        assert!(*all <= GIVE, "more is selected than the claim gives");
    }

    /// A quote that was made, or one that never was.
    fn some_quote(&self, choices: &mut Choices<'_>) -> FulfilId {
        FulfilId::new([choices.byte() % self.fulfils.saturating_add(2).max(1); 32])
    }

    fn restart(&mut self) {
        let bytes = borsh::to_vec(&self.provider.snapshot()).expect("to memory");
        let mut book = Book::default();
        for order in self.provider.book().orders() {
            let _ = book.add(order, self.now);
        }
        let prices = self.provider.prices().clone();
        let allowed = self.provider.inventory().free(&asset("b")).units()
            + self.provider.inventory().held(&asset("b")).units();
        let mut provider = Provider::new(ProviderConfig::default(), book);
        provider.allow(asset("b"), Amount::new(allowed));
        provider.set_prices(prices);
        provider.restore(borsh::from_slice(&bytes).expect("what was written"));
        self.provider = provider;
    }

    fn step(&mut self, op: u8, choices: &mut Choices<'_>) {
        match op % 16 {
            0 | 1 => self.order(choices),
            2..=5 => self.offers(usize::from(choices.byte() % 4)),
            6..=8 => {
                let fulfil = self.some_quote(choices);
                let of = self.quotes.get(&fulfil).map_or(0, |quote| quote.2);
                let stray = choices.byte() % 8 == 7;
                self.select(fulfil, if stray { (of + 1) % 4 } else { of });
            }
            9 => {
                let (fulfil, settled) = (self.some_quote(choices), choices.byte().is_multiple_of(2));
                self.provider.over(&fulfil, settled);
            }
            10 => {
                let at = usize::from(choices.byte() % 4);
                let known = self.quotes.values().any(|quote| quote.2 == at);
                self.provider.cancelled(&claims()[at].id());
                if known {
                    self.cancelled.insert(at);
                }
            }
            11 => drop(self.provider.cancel_order(&[choices.byte() % 8; 32])),
            12 => self.restart(),
            13 => {
                let age = self.now - MADE;
                self.provider.set_prices(prices(age));
            }
            14 => {
                self.now += choices.number();
                self.provider.expire(self.now);
            }
            _ => drop(self.provider.cancel_source(&[choices.byte() % 2; 32])),
        }
    }

    fn check(&self) {
        let held = self.provider.inventory().held(&asset("b"));
        assert!(held.units() <= ALLOWED, "{held} are promised");
    }
}

fn run(data: &[u8]) -> World {
    let (mut choices, mut world) = (Choices::new(data), World::new());
    for _ in 0..MOST_STEPS {
        let Some(op) = choices.next() else { break };
        world.step(op, &mut choices);
        world.check();
    }
    world
}

pub(crate) fn provider(data: &[u8]) {
    run(data);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // An order, an offer of its whole, selected, settled; after a restart the number stays used.
    let order = [0, 200, 5, 0, 15, 255, 255];
    let whole = [&order[..], &[2, 0, 6, 1, 0, 12, 6, 1, 0, 9, 1, 0, 2, 0]].concat();
    let priced = vec![
        13, 2, 1, 2, 1, 6, 1, 0, 6, 2, 0, 2, 1, 6, 3, 0, 12, 2, 1, 9, 1, 1, 2, 3, 6, 4, 0,
    ];
    let taken_away = [
        &order[..],
        &[2, 0, 11, 1, 6, 1, 0, 2, 1, 10, 1, 2, 1, 14, 255, 255, 2, 2],
    ]
    .concat();
    vec![whole, priced, taken_away]
}

/// What is written down in the middle of one of these.
pub(crate) fn snapshot() -> Vec<u8> {
    let mut world = run(&[13, 2, 1, 6, 1, 0]);
    world.offers(3);
    borsh::to_vec(&world.provider.snapshot()).expect("to memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_sequences_use_reservations() {
        let used: Vec<_> = seeds().iter().map(|seed| run(seed).used.len()).collect();
        assert_eq!(used[0], 1);
        assert!(used[1] >= 2, "two parts of one claim");
    }

    #[test]
    fn mutations_of_the_kept_sequences_select_several_quotes() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds());
        let used: Vec<_> = (0..500).map(|_| run(&mutator.input()).used.len()).collect();
        assert!(used.iter().filter(|n| **n > 0).count() > 100);
        assert!(used.iter().filter(|n| **n > 1).count() > 20);
    }
}
