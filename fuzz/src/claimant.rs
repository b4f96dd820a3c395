//! One claim of ours, told anything in any order and restarted anywhere: never more is selected than it gives, and what
//! ended never begins.

use crate::choices::Choices;
use crate::fixture::key;
use crate::market::{self, Deal, GIVE, MADE};
use kofo_exchange::*;
use kofo_primitives::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// So many steps are taken at most.
const MOST_STEPS: usize = 60;

struct World {
    own: OwnClaim,
    seen: SeenReservations,
    now: u64,
    hashlock: u8,
    selects: BTreeMap<FulfilId, Select>,
    /// Given up, declined or not begun at some time.
    over: BTreeSet<FulfilId>,
    opened: usize,
}

/// Eight quotes: of the whole and of parts, some on one reservation; as they come, made once for each claim.
struct Quoted {
    deal: Deal,
    id: FulfilId,
    envelope: FulfilEnvelope,
}

fn quotes(partial: bool) -> &'static [Quoted] {
    static QUOTES: [OnceLock<Vec<Quoted>>; 2] = [const { OnceLock::new() }; 2];
    QUOTES[usize::from(partial)].get_or_init(|| {
        let gives = [100, 100, 60, 50, 40, 30, 25, 10];
        let quote = |(n, give): (u8, &u128)| {
            let deal = Deal {
                relays: vec![30 + n],
                ..Deal::new(10 + n % 6, *give, give * 20 + u128::from(n))
            };
            let envelope = deal.envelope(&claim(partial));
            Quoted {
                id: envelope.fulfil.body.id(),
                deal,
                envelope,
            }
        };
        (0..).zip(&gives).map(quote).collect()
    })
}

fn claim(partial: bool) -> Claim {
    market::hidden(5, partial.then_some(10))
}

impl World {
    fn new(partial: bool) -> Self {
        let (signed, limit) = (claim(partial).sign(&key(1)), market::limit());
        Self {
            own: OwnClaim::new(signed, limit.ratio, Some(limit), 3_000).expect("a right claim"),
            seen: SeenReservations::default(),
            now: MADE,
            hashlock: 100,
            selects: BTreeMap::new(),
            over: BTreeSet::new(),
            opened: 0,
        }
    }

    fn select(&mut self, id: FulfilId, n: u8) -> bool {
        match self.own.select(&id, market::chosen(n), &key(1), self.now) {
            Ok(select) => {
                assert!(!self.over.contains(&id), "what ended is selected again");
                self.selects.insert(id, select.body);
                true
            }
            Err(_) => false,
        }
    }

    fn answer(&mut self, quoted: &Quoted, verdict: Verdict) {
        let Some(select) = self.selects.get(&quoted.id) else {
            return;
        };
        let answer = quoted.deal.answer(&self.own.claim().body, select, verdict);
        match self.own.answer(&answer, &key(2)) {
            Ok(Answered::Opened(parts)) => {
                assert!(!self.over.contains(&quoted.id), "what ended is opened");
                let order = SettlementOrder::matched(*parts).expect("a right order");
                assert_eq!(order.id(), answer.body.order);
                self.opened += 1;
            }
            Ok(Answered::Declined(..)) => drop(self.over.insert(quoted.id)),
            Err(_) => {}
        }
    }

    /// Bytes that came instead of a quote.
    fn altered(&mut self, quoted: &Quoted, choices: &mut Choices<'_>) {
        let mut bytes = borsh::to_vec(&quoted.envelope).expect("to memory");
        let at = usize::from(u16::from_le_bytes(choices.array())) % bytes.len();
        bytes[at] ^= choices.byte().max(1);
        if let Ok(envelope) = borsh::from_slice::<FulfilEnvelope>(&bytes) {
            let taken = self.own.quote(envelope, &key(2), &mut self.seen, self.now);
            assert!(taken.is_err(), "an altered quote is taken");
        }
    }

    fn step(&mut self, op: u8, choices: &mut Choices<'_>) {
        let partial = self.own.claim().body.partial.is_some();
        let quoted = &quotes(partial)[usize::from(choices.byte() % 8)];
        let no = [
            Verdict::ReservationUsed,
            Verdict::ClaimExhausted,
            Verdict::Expired,
            Verdict::Refused,
        ];
        match op % 16 {
            0..=3 => {
                let envelope = quoted.envelope.clone();
                let _ = self.own.quote(envelope, &key(2), &mut self.seen, self.now);
            }
            4 => self.altered(quoted, choices),
            5 | 6 => {
                for id in self.own.pick(&|_| Reliability::default(), self.now) {
                    self.hashlock = self.hashlock.wrapping_add(1);
                    let taken = self.select(id, self.hashlock);
                    assert!(taken || self.hashlock < 100, "what is picked can be selected");
                }
            }
            7 | 8 => drop(self.select(quoted.id, choices.byte())),
            9 => self.answer(quoted, choices.one_of(&no)),
            10 | 11 => self.answer(quoted, quoted.deal.opened(&self.own.claim().body)),
            12 => {
                if self.own.give_up(&quoted.id).is_ok() || self.own.not_begun(&quoted.id).is_ok() {
                    self.over.insert(quoted.id);
                }
            }
            13 => {
                let kept = OwnClaim::read(&self.own.write()).expect("what was written");
                assert_eq!(kept, self.own, "a restart changes nothing");
                self.seen = SeenReservations::of([&kept], self.now);
                self.own = kept;
            }
            14 => self.now += choices.number(),
            _ => drop(
                self.own
                    .cancel(&key(1 + u8::from(!choices.byte().is_multiple_of(8)))),
            ),
        }
    }

    fn check(&self) {
        let gives = self.own.selections().map(|s| s.quote.terms.give.units());
        let taken: u128 = gives.sum();
        assert!(taken <= GIVE, "{taken} of {GIVE} are selected");
        assert_eq!(self.own.left(), Amount::new(GIVE - taken));
        assert!(self.own.filled().0 <= Amount::new(taken));
        let hashlocks: BTreeSet<_> = self.selects.values().map(|s| s.hashlock).collect();
        assert_eq!(hashlocks.len(), self.selects.len(), "a hashlock is used twice");
        for selection in self.own.selections() {
            assert!(!self.over.contains(&selection.quote.id()), "what ended goes on");
        }
    }
}

fn run(data: &[u8]) -> World {
    let mut choices = Choices::new(data);
    let mut world = World::new(choices.byte() & 1 == 1);
    for _ in 0..MOST_STEPS {
        let Some(op) = choices.next() else { break };
        world.step(op, &mut choices);
        world.check();
    }
    world
}

pub(crate) fn claimant(data: &[u8]) {
    run(data);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let whole = vec![0, 0, 0, 0, 1, 5, 0, 10, 0, 10, 1, 13, 0];
    let parts = vec![1, 0, 2, 0, 4, 0, 3, 5, 0, 10, 2, 10, 4, 10, 3, 13, 0];
    let given_up = vec![
        0, 0, 0, 0, 1, 5, 0, 12, 0, 12, 1, 13, 0, 10, 0, 10, 1, 5, 0, 10, 0, 10, 1, 9, 0, 0,
    ];
    let twice = vec![
        1, 0, 0, 0, 6, 4, 0, 9, 0, 1, 7, 0, 1, 7, 6, 2, 9, 0, 0, 14, 0, 0, 100, 15, 0, 0,
    ];
    vec![whole, parts, given_up, twice]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_sequences_fill_a_claim_by_one_and_by_several_providers() {
        let opened: Vec<_> = seeds().iter().map(|seed| run(seed).opened).collect();
        assert_eq!(opened[0], 1);
        assert!(opened[1] >= 2, "several providers fill one claim");
    }

    #[test]
    fn mutations_of_the_kept_sequences_open_decline_and_give_up() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds());
        let worlds: Vec<_> = (0..300).map(|_| run(&mutator.input())).collect();
        assert!(worlds.iter().filter(|world| world.opened > 0).count() > 30);
        assert!(worlds.iter().filter(|world| world.opened > 1).count() > 5);
        assert!(worlds.iter().filter(|world| !world.over.is_empty()).count() > 30);
    }
}
