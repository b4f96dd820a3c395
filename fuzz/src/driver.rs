//! The driver, told anything in any order, with crashes anywhere: what it asks the chains for is in the journal first,
//! and what a restart finds is what was there at the last sync.

use crate::choices::Choices;
use crate::events::{some_chain, some_event, some_leg, some_prepared, some_tip};
use crate::fixture::*;
use crate::rules::{check_owed, check_signed};
use kofo_journal::faulty::{Fault, Faulty, When};
use kofo_journal::memory::{Disk, Memory};
use kofo_journal::{Journal as _, Record};
use kofo_node::driver::{Ask, Begin, Driver, DriverError, Effect};
use kofo_primitives::*;
use kofo_settlement::{Input, Phase, Swap, Terms};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// No input is longer, in steps.
const MOST_STEPS: usize = 200;
/// The secrets of the orders: two orders share one, of which only one may become a swap.
const SECRETS: [u8; 4] = [7, 8, 9, 9];

struct Deal {
    order: SettlementOrder,
    terms: [Terms; 2],
    secret: u8,
}

fn deals() -> &'static [Deal] {
    static DEALS: OnceLock<Vec<Deal>> = OnceLock::new();
    DEALS.get_or_init(|| {
        let deal = |(nonce, secret)| {
            let order = order(1 + nonce % 2, nonce, secret);
            let terms = [Role::Initiator, Role::Participant].map(|role| terms(&order, role));
            Deal { order, terms, secret }
        };
        (10..).zip(SECRETS).map(deal).collect()
    })
}

/// All that must survive a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    swaps: BTreeMap<SwapId, Swap>,
    offers: BTreeMap<Digest, (Option<SwapId>, bool)>,
}

type Node = Driver<Faulty<Memory>>;

fn kept(driver: &Node) -> Kept {
    let swap = |(id, live): (&SwapId, &kofo_node::driver::Live)| (*id, live.swap().clone());
    let offers = driver.offers().iter();
    Kept {
        swaps: driver.swaps().iter().map(swap).collect(),
        offers: offers.map(|(id, o)| (*id, (o.accepted, o.withdrawn))).collect(),
    }
}

struct World {
    disk: Disk,
    driver: Option<Node>,
    /// As of the last sync.
    durable: Kept,
    /// When the next sync is to fail.
    fault: Option<When>,
    /// What was asked of the chains last.
    asked: Vec<Effect>,
    /// Legs whose lock was handed out for sending at any time.
    locks_sent: BTreeSet<LegRef>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            disk: Disk::new(),
            driver: None,
            durable: Kept::default(),
            fault: None,
            asked: Vec::new(),
            locks_sent: BTreeSet::new(),
        };
        world.start();
        world
    }

    fn start(&mut self) {
        self.driver = None;
        let memory = Memory::open(&self.disk).expect("nobody else has it");
        let journal = match self.fault {
            Some(when) => Faulty::new(memory, Fault { at_sync: 1, when }),
            None => Faulty::sound(memory),
        };
        self.driver = Some(Driver::open(journal).expect("what was journaled replays"));
    }

    fn driver(&mut self) -> &mut Node {
        self.driver.as_mut().expect("it runs")
    }

    /// The process dies and comes back, perhaps onto a disk that fails at the next sync.
    fn crash(&mut self, fault: Option<When>) {
        self.fault = fault;
        self.start();
        let found = kept(self.driver());
        assert_eq!(
            found, self.durable,
            "a restart finds what was synced, and nothing else"
        );
    }

    fn step(&mut self, op: u8, choices: &mut Choices<'_>) {
        match op % 16 {
            0 => self.offer(choices),
            1 | 2 => self.begin(choices),
            3..=5 => {
                let (chain, tip) = (some_chain(choices), some_tip(choices));
                self.tell(&chain, ChainEvent::Tip(tip));
            }
            6 => self.event(choices),
            7..=9 => self.answer(choices),
            10..=12 => self.flush(),
            13 => {
                let fault = choices.one_of(&[None, None, Some(When::Before), Some(When::After)]);
                self.crash(fault);
            }
            14 => self.user(choices),
            _ => self.odd(choices),
        }
    }

    fn offer(&mut self, choices: &mut Choices<'_>) {
        let deal = &deals()[usize::from(choices.byte() % 4)];
        let (offer, ms) = (
            deal.order.as_direct().expect("direct").offer().clone(),
            choices.number(),
        );
        self.unless_refused(|driver| driver.offer(offer, ms));
    }

    fn begin(&mut self, choices: &mut Choices<'_>) {
        let deal = &deals()[usize::from(choices.byte() % 4)];
        let which = choices.byte();
        let terms = deal.terms[usize::from(which & 1)].clone();
        let right = terms.role() == Role::Initiator;
        let secret = (right != (which >= 0xf0)).then(|| preimage(deal.secret));
        let begin = Begin::new(deal.order.clone(), terms, secret, 5);
        self.unless_refused(|driver| driver.begin(begin).map(|_| ()));
    }

    /// A refusal changes nothing.
    fn unless_refused(&mut self, act: impl FnOnce(&mut Node) -> Result<(), DriverError>) {
        let driver = self.driver();
        let before = kept(driver);
        match act(driver) {
            Ok(()) => {}
            Err(DriverError::Reused(_) | DriverError::Rejected(_) | DriverError::NoSuchSwap(_)) => {
                assert_eq!(kept(driver), before, "a refusal changes nothing");
            }
            Err(other) => panic!("expected a refusal at most, got {other}"),
        }
    }

    fn tell(&mut self, chain: &ChainId, event: ChainEvent) {
        let told = self.driver().chain_event(chain, event);
        assert!(told.is_ok(), "no adapter stops the node: {told:?}");
    }

    fn event(&mut self, choices: &mut Choices<'_>) {
        let deal = &deals()[usize::from(choices.byte() % 4)];
        let at = LegRef {
            swap: deal.order.id(),
            leg: some_leg(choices),
        };
        let right = deal.terms[0].legs().get(&at.leg).map(|leg| leg.spec.chain());
        let event = some_event(choices, deal.secret);
        let chain = match right {
            Some(chain) => chain,
            None => some_chain(choices),
        };
        self.tell(&chain, ChainEvent::Leg(at, event));
    }

    /// An adapter does all it was asked for last.
    fn answer(&mut self, choices: &mut Choices<'_>) {
        let (prepared, tip) = (some_prepared(choices), some_tip(choices));
        for Effect { chain, leg, action } in std::mem::take(&mut self.asked) {
            let secret = deals().iter().find(|deal| deal.order.id() == leg.swap);
            let secret = secret.map_or(0, |deal| deal.secret);
            let event = match action {
                ChainAction::Watch { .. } => LegEvent::Watched(tip),
                ChainAction::Build(act) => LegEvent::Built(act.kind(), prepared.clone()),
                ChainAction::Broadcast { act, .. } => crate::events::seen(act, secret),
                ChainAction::Unwatch => continue,
            };
            self.tell(&chain, ChainEvent::Leg(leg, event));
        }
    }

    fn flush(&mut self) {
        let now = kept(self.driver());
        let flushed = match self.driver().flush() {
            Ok(flushed) => flushed,
            Err(DriverError::Journal(_)) if self.fault.is_some() => {
                if self.fault == Some(When::After) {
                    self.durable = now;
                }
                return self.crash(None);
            }
            Err(other) => panic!("the journal is sound: {other}"),
        };
        // The one sync that was to fail may not have been needed: then it is still to come.
        self.durable = now;
        for effect in &flushed.effects {
            self.check_effect(effect);
        }
        self.asked = flushed.effects;
        let hashlocks: BTreeSet<_> = self
            .driver()
            .swaps()
            .values()
            .map(|l| *l.terms().hashlock())
            .collect();
        assert_eq!(
            hashlocks.len(),
            self.driver().swaps().len(),
            "a hashlock is used once"
        );
        for live in self.driver().swaps().values() {
            check_owed(live.terms(), live.swap(), live.tips());
        }
    }

    fn check_effect(&mut self, effect: &Effect) {
        let live = &self.driver().swaps()[&effect.leg.swap];
        assert_eq!(live.terms().legs()[&effect.leg.leg].spec.chain(), effect.chain);
        let owed = live.swap().pending(live.terms(), live.tips());
        assert!(
            owed.contains(&(effect.leg.leg, effect.action.clone())),
            "asked but not owed"
        );
        match &effect.action {
            ChainAction::Broadcast {
                act: ActKind::Lock, ..
            } => {
                self.locks_sent.insert(effect.leg);
            }
            ChainAction::Build(Act::Lock) => {
                assert!(!self.locks_sent.contains(&effect.leg), "a second lock is built");
            }
            _ => {}
        }
    }

    fn user(&mut self, choices: &mut Choices<'_>) {
        let id = deals()[usize::from(choices.byte() % 4)].order.id();
        let input = choices.one_of(&[Input::GiveUp, Input::Abort]);
        self.unless_refused(|driver| driver.input(id, input));
    }

    fn odd(&mut self, choices: &mut Choices<'_>) {
        let deal = &deals()[usize::from(choices.byte() % 4)];
        match choices.byte() % 9 {
            4 => self.driver().cooperate(),
            5 | 6 => self.round(choices),
            7 | 8 => self.asked(choices),
            0 => self.unless_refused(|driver| driver.withdraw(deal.order.origin())),
            1 => self.driver().undelivered(deal.order.id()),
            health => {
                let health = if health == 2 {
                    Health::Fault
                } else {
                    Health::Healthy
                };
                self.tell(&some_chain(choices), ChainEvent::Health(health));
            }
        }
    }
}

impl World {
    /// Somebody comes back with what the other party signed, or with nothing; also for what was never asked.
    fn round(&mut self, choices: &mut Choices<'_>) {
        let (ask, signed) = (some_ask(choices), choices.byte());
        let told = self.driver().tell(&ask);
        if let Ok(Some(shown)) = &told {
            let live = &self.driver().swaps()[&ask.swap];
            assert_eq!(shown.hashlock(), *live.terms().hashlock());
            assert!(live.swap().preimage_was_told() || live.terms().role() == Role::Participant);
        }
        only_refused(told.map(|_| ()));
        let prepared = (signed & 1 == 1).then(|| some_prepared(choices));
        only_refused(self.driver().round_over(&ask, prepared));
    }

    /// A party, or somebody else, asks for a signature.
    fn asked(&mut self, choices: &mut Choices<'_>) {
        let (ask, who) = (some_ask(choices), choices.byte());
        let preimage = (who & 4 == 4).then(|| preimage(choices.byte()));
        let by = key(1 + who % 3).id();
        let signs = self.driver().asked(&by, &ask, preimage);
        if signs.is_ok() {
            let live = &self.driver().swaps()[&ask.swap];
            assert_eq!(live.other_party(), by, "a stranger gets no signature");
            check_signed(live.terms(), live.swap(), ask.what);
        }
        only_refused(signs.map(|_| ()));
    }
}

fn some_ask(choices: &mut Choices<'_>) -> Ask {
    Ask {
        swap: deals()[usize::from(choices.byte() % 4)].order.id(),
        leg: some_leg(choices),
        what: choices.one_of(&[Together::Redeem, Together::Refund]),
    }
}

/// Nothing that the other party says stops the node.
fn only_refused(answer: Result<(), DriverError>) {
    match answer {
        Ok(()) | Err(DriverError::Rejected(_) | DriverError::NoSuchSwap(_)) => {}
        Err(other) => panic!("expected a refusal at most, got {other}"),
    }
}

fn run(data: &[u8]) -> World {
    let mut choices = Choices::new(data);
    let mut world = World::new();
    for _ in 0..MOST_STEPS {
        let Some(op) = choices.next() else { break };
        world.step(op, &mut choices);
    }
    world.flush();
    world.crash(None);
    world
}

fn play(data: &[u8]) -> Vec<Phase> {
    let mut world = run(data);
    let swaps = world.driver().swaps().values();
    swaps.map(|live| live.swap().phase()).collect()
}

pub(crate) fn driver(data: &[u8]) {
    let _ = play(data);
}

const FLUSH: [u8; 1] = [10];
const CRASH: [u8; 2] = [13, 0];
const CRASH_AT_SYNC: [u8; 2] = [13, 3];

/// New blocks on all chains, up to that height, at that time.
fn tips(height: u8, time: u16) -> Vec<u8> {
    let [low, high] = time.to_le_bytes();
    [0, 1, 2].map(|chain| [3, chain, height, low, high]).concat()
}

/// So many times: all adapters answer, blocks come, and what is owed is asked.
fn turns(count: usize, height: u8, time: u16) -> Vec<u8> {
    let [low, high] = time.to_le_bytes();
    let turn = [&[7, 1, height, low, high], tips(height, time).as_slice(), &FLUSH].concat();
    turn.repeat(count)
}

fn lock_seen(deal: u8, leg: u8) -> Vec<u8> {
    vec![6, deal, leg, 0, 0, 102]
}

/// An offer of ours is accepted and redeemed, with crashes on the way.
fn redeemed() -> Vec<u8> {
    let mut steps = vec![
        vec![0, 0, 0, 0],
        vec![1, 0, 0],
        FLUSH.into(),
        turns(2, 5, 1),
        CRASH.into(),
    ];
    steps.extend([
        FLUSH.into(),
        turns(4, 5, 2),
        lock_seen(0, 0),
        lock_seen(0, 1),
        turns(3, 10, 5),
    ]);
    steps.extend([CRASH.into(), FLUSH.into(), turns(4, 11, 6), turns(4, 30, 7)]);
    steps.concat()
}

/// The participant of another swap locks, gives up and takes its lock back, on a disk that fails.
fn refunded() -> Vec<u8> {
    let begin = vec![1, 1, 1];
    let mut steps = vec![
        CRASH_AT_SYNC.into(),
        begin.clone(),
        FLUSH.into(),
        begin,
        FLUSH.into(),
    ];
    steps.extend([
        lock_seen(1, 0),
        lock_seen(1, 2),
        turns(6, 10, 2),
        vec![14, 1, 0],
        CRASH.into(),
    ]);
    steps.extend([FLUSH.into(), turns(5, 12, 2_000), turns(3, 40, 2_001)]);
    steps.concat()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let reused = [
        vec![0, 2, 1, 0],
        vec![1, 3, 1],
        vec![15, 2, 0],
        vec![1, 2, 0],
        FLUSH.into(),
    ]
    .concat();
    let words = [
        vec![0, 0, 0, 0],
        vec![1, 0, 0],
        vec![15, 0, 4],
        FLUSH.into(),
        vec![15, 0, 7, 0, 1, 1, 1],
        vec![15, 0, 5, 0, 1, 0, 0],
        FLUSH.into(),
    ]
    .concat();
    vec![redeemed(), refunded(), reused, words]
}

/// The records of the first of these sequences.
pub(crate) fn records() -> Vec<Record> {
    let mut world = run(&redeemed());
    let entries = world.driver().journal().replay().expect("a sound journal");
    entries
        .map(|entry| entry.expect("a sound record").record)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_settlement::Outcome;

    #[test]
    fn the_kept_sequences_reach_a_redeem_a_refusal_and_a_way_back() {
        let ends: Vec<_> = seeds().iter().map(|seed| play(seed)).collect();
        assert_eq!(ends[0], [Phase::Done(Outcome::Redeemed)]);
        assert_eq!(ends[1], [Phase::Done(Outcome::Refunded)]);
        assert_eq!(ends[2].len(), 1, "two orders of one hashlock make one swap");
    }

    #[test]
    fn mutations_of_the_kept_sequences_reach_every_outcome_and_several_swaps_at_once() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds());
        let reached: Vec<_> = (0..1_000).map(|_| play(&mutator.input())).collect();
        assert!(
            reached.iter().any(|swaps| swaps.len() == 3),
            "three hashlocks, three swaps"
        );
        for outcome in [Outcome::Redeemed, Outcome::Refunded, Outcome::Aborted] {
            let ended = |swaps: &&Vec<Phase>| swaps.contains(&Phase::Done(outcome));
            assert!(
                reached.iter().filter(ended).count() > 5,
                "{outcome:?} is hardly reached"
            );
        }
    }
}
