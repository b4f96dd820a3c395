//! The swap machine, told anything in any order, with restarts anywhere: no late reveal, no early refund, and the
//! replay of what it took is the live state.
//!
//! The first byte is the role and the number of alpha legs; then a byte a step, and what it needs.

use crate::choices::Choices;
use crate::events::{some_chain, some_event, some_leg, some_prepared, some_tip};
use crate::fixture::*;
use crate::rules::{check_owed, check_signed};
use kofo_primitives::*;
use kofo_settlement::{FreshTips, Input, Phase, Swap, Terms, Tips};
use std::sync::OnceLock;

const SECRET: u8 = 7;
/// No input is longer, in steps.
const MOST_STEPS: usize = 200;

/// The terms of both roles with one and with two alpha legs: signing them once is slow enough.
fn known_terms(role: Role, two: bool) -> &'static Terms {
    static TERMS: OnceLock<[Terms; 4]> = OnceLock::new();
    let all = TERMS.get_or_init(|| {
        let of = |alpha, role| terms(&order(alpha, 1, SECRET), role);
        [
            of(1, Role::Initiator),
            of(2, Role::Initiator),
            of(1, Role::Participant),
            of(2, Role::Participant),
        ]
    });
    &all[usize::from(role == Role::Participant) * 2 + usize::from(two)]
}

fn begin(terms: &Terms) -> Swap {
    let secret = (terms.role() == Role::Initiator).then(|| preimage(SECRET));
    Swap::begin(terms, secret).expect("the right preimage")
}

struct Node {
    terms: &'static Terms,
    swap: Swap,
    tips: FreshTips,
    journal: Vec<Vec<u8>>,
}

impl Node {
    fn hear(&mut self, chain: &ChainId, tip: Tip) -> Input {
        self.tips.note(chain, tip);
        Input::Tips(self.tips.get().clone())
    }

    /// An adapter that does the first thing it is asked for.
    fn answer(&self, choices: &mut Choices<'_>) -> Option<Input> {
        let asked = self.swap.pending(self.terms, self.tips.get());
        let prepared = some_prepared(choices);
        asked.into_iter().find_map(|(leg, action)| {
            let event = match action {
                ChainAction::Build(act) => LegEvent::Built(act.kind(), prepared.clone()),
                ChainAction::Broadcast { act, .. } => crate::events::seen(act, SECRET),
                ChainAction::Watch { .. } | ChainAction::Unwatch => return None,
            };
            Some(Input::Leg(leg, event))
        })
    }

    fn step(&mut self, op: u8, choices: &mut Choices<'_>) {
        let input = match op % 16 {
            0..=3 => self.hear(&some_chain(choices), some_tip(choices)),
            4..=7 => Input::Leg(some_leg(choices), some_event(choices, SECRET)),
            8..=12 => match self.answer(choices) {
                Some(input) => input,
                None => return,
            },
            13 => return self.restart(),
            14 => Input::GiveUp,
            _ => match choices.byte() % 5 {
                1 => Input::Tell,
                2 => Input::PeerGaveUp,
                3 => Input::PeerKnows(preimage(SECRET)),
                4 => Input::PeerKnows(preimage(choices.byte())),
                _ => Input::Abort,
            },
        };
        match self.swap.apply(self.terms, &input) {
            Ok(next) if next != self.swap => {
                if matches!(input, Input::Leg(_, LegEvent::Built(..))) {
                    self.tips.forget();
                }
                self.journal.push(encode(&input));
                self.check_change(&next);
                self.swap = next;
            }
            Ok(_) | Err(_) => {}
        }
    }

    fn check_change(&self, next: &Swap) {
        assert!(!matches!(self.swap.phase(), Phase::Done(_)), "over is over");
        for (id, leg) in self.swap.legs() {
            let kept =
                !leg.built.contains_key(&ActKind::Lock) || next.legs()[id].built.contains_key(&ActKind::Lock);
            assert!(kept, "a lock that may be out is never forgotten");
        }
        let (before, after) = (self.swap.phase(), next.phase());
        let gave_up =
            before == Phase::Refunding && after != Phase::Refunding && !matches!(after, Phase::Done(_));
        assert!(
            !gave_up || next.preimage_is_public(),
            "who gave up goes on only with a public preimage"
        );
    }

    fn restart(&mut self) {
        self.swap = decode(&encode(&self.swap)).expect("a state survives its encoding");
        self.tips.forget();
    }

    fn check_replay(&self) {
        let mut replayed = begin(self.terms);
        for input in &self.journal {
            let input = decode(input).expect("what was journaled");
            replayed = replayed.apply(self.terms, &input).expect("what was taken once");
        }
        assert_eq!(replayed, self.swap, "the replay of the journal is the live state");
    }
}

/// What it asks the other party for and what it would sign for it.
fn check_words(terms: &Terms, swap: &Swap, tips: &Tips) {
    for (id, what) in swap.asks(terms, tips) {
        let end = match what {
            Together::Redeem => End::Redeemer,
            Together::Refund => End::Refunder,
        };
        assert_eq!(id.end_of(terms.role()), end, "it asks for what is its own");
        assert!(what == Together::Refund || swap.phase() == Phase::Redeeming);
    }
    for id in terms.legs().keys() {
        for what in [Together::Redeem, Together::Refund] {
            if swap.may_sign(terms, tips, *id, what).is_ok() {
                check_signed(terms, swap, what);
            }
        }
    }
}

fn play(data: &[u8]) -> Phase {
    let mut choices = Choices::new(data);
    let first = choices.byte();
    let role = if first & 1 == 0 {
        Role::Initiator
    } else {
        Role::Participant
    };
    let terms = known_terms(role, first & 2 != 0);
    let mut node = Node {
        terms,
        swap: begin(terms),
        tips: FreshTips::default(),
        journal: Vec::new(),
    };
    for _ in 0..MOST_STEPS {
        let Some(op) = choices.next() else { break };
        node.step(op, &mut choices);
        check_owed(terms, &node.swap, node.tips.get());
        check_words(terms, &node.swap, node.tips.get());
    }
    node.check_replay();
    node.swap.phase()
}

pub(crate) fn swap_machine(data: &[u8]) {
    let _ = play(data);
}

const ANSWER: [u8; 2] = [8, 1];
const RESTART: [u8; 1] = [13];

/// New blocks on both chains, up to that height, at that time.
fn tips(height: u8, time: u16) -> Vec<u8> {
    let [low, high] = time.to_le_bytes();
    [0, 1, 2].map(|chain| [0, chain, height, low, high]).concat()
}

/// A lock is seen in block 101.
fn lock_seen(leg: u8) -> Vec<u8> {
    vec![4, leg, 0, 0, 102]
}

fn redeem_seen(leg: u8) -> Vec<u8> {
    vec![4, leg, 0, 3, 102]
}

fn refund_seen(leg: u8) -> Vec<u8> {
    vec![4, leg, 0, 6, 102]
}

/// A redeem by the initiator, with a restart in the middle.
fn redeemed() -> Vec<u8> {
    let mut steps = vec![vec![0], tips(5, 1), ANSWER.into(), tips(5, 2), ANSWER.into()];
    steps.extend([
        lock_seen(0),
        lock_seen(1),
        tips(10, 3),
        ANSWER.into(),
        tips(10, 4),
    ]);
    steps.extend([RESTART.into(), tips(11, 5), ANSWER.into(), tips(20, 6)]);
    steps.concat()
}

/// The participant locks, sees the preimage on its own lock, and redeems.
fn redeemed_second() -> Vec<u8> {
    let mut steps = vec![vec![1], lock_seen(0), tips(10, 1), ANSWER.into(), tips(10, 2)];
    steps.extend([
        ANSWER.into(),
        tips(12, 3),
        redeem_seen(1),
        ANSWER.into(),
        tips(14, 4),
    ]);
    steps.extend([ANSWER.into(), tips(20, 5)]);
    steps.concat()
}

/// The initiator locks two legs, nobody answers, and the refunds wait for the timelock.
fn refunded() -> Vec<u8> {
    let mut steps = vec![
        vec![2],
        tips(5, 1),
        ANSWER.into(),
        tips(5, 2),
        ANSWER.into(),
        tips(5, 3),
    ];
    steps.extend([lock_seen(0), lock_seen(2), tips(10, 4), vec![14], tips(11, 2_000)]);
    steps.extend([ANSWER.into(), tips(12, 2_001), ANSWER.into(), tips(12, 2_002)]);
    steps.extend([refund_seen(0), refund_seen(2), tips(20, 2_003)]);
    steps.concat()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let aborted = [vec![0], tips(5, 1), ANSWER.into(), vec![15, 0]].concat();
    // A participant whose other party gives up before anything was sent.
    let let_go = [vec![1], tips(5, 1), vec![15, 2], vec![15, 3], tips(5, 2)].concat();
    vec![redeemed(), redeemed_second(), refunded(), aborted, let_go]
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_settlement::Outcome;

    #[test]
    fn the_kept_sequences_reach_every_end_of_a_swap() {
        let ends: Vec<_> = seeds().iter().map(|seed| play(seed)).collect();
        let done = [
            Outcome::Redeemed,
            Outcome::Redeemed,
            Outcome::Refunded,
            Outcome::Aborted,
            Outcome::Aborted,
        ];
        assert_eq!(ends, done.map(Phase::Done));
    }

    #[test]
    fn mutations_of_the_kept_sequences_reach_every_phase() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds());
        let reached: std::collections::BTreeSet<_> = (0..10_000).map(|_| play(&mutator.input())).collect();
        for phase in [
            Phase::Agreed,
            Phase::LockBuilt,
            Phase::LockSent,
            Phase::BothLocked,
            Phase::RedeemBuilt,
            Phase::Redeeming,
            Phase::Refunding,
            Phase::Done(Outcome::Redeemed),
            Phase::Done(Outcome::Refunded),
            Phase::Done(Outcome::Aborted),
        ] {
            assert!(reached.contains(&phase), "{phase:?} is not among {reached:?}");
        }
    }
}
