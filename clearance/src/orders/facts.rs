//! What validators said of a leg, and what is certain of it: what more than two thirds of the power that observes its
//! chain say at the same time. Whoever does not observe the chain has no part in it, neither for nor against.
//!
//! Each validator's last word counts, so that what a reorganisation undoes is taken back. What is said by power of half
//! of all or less is never certain, however many of the observers say it: one validator does not decide alone.

use super::faults::late_after;
use super::live::{Leg, Live, ms};
use super::refused::OrderRefused;
use crate::ledger::Step;
use crate::op::{Fact, Observation, SignedObservation};
use crate::staking::{Observers, observers, slash_observer, total_power};
use crate::state::{State, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{LegId, Side, SwapId, UnixTime, ValidatorKey};
use std::collections::BTreeMap;

/// The last word of each validator on each leg of an order that goes on.
const SAID: Table<(SwapId, LegId, ValidatorKey), Said> = Table::new(11);

/// A validator's last word on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Said {
    pub(crate) count: u32,
    pub(crate) fact: Fact,
    pub(crate) tip: UnixTime,
    pub(crate) depth: u32,
    /// It contradicted itself: its word counts for nothing.
    pub(crate) void: bool,
}

/// The last words on one leg.
pub(crate) type Words = BTreeMap<ValidatorKey, Said>;

/// What is said of one leg.
pub(crate) struct Tally {
    /// Each last word and the power behind it.
    said: Vec<(u64, Said)>,
    declared: u64,
    total: u64,
    proven: Option<Fact>,
}

/// Whether a lock was there: what ended was locked before.
const fn locked(fact: Fact) -> bool {
    match fact {
        Fact::Absent => false,
        Fact::Seen | Fact::Final | Fact::Redeemed | Fact::Refunded | Fact::Unclear => true,
    }
}

/// Whether its lock was final.
const fn deep(fact: Fact) -> bool {
    match fact {
        Fact::Absent | Fact::Seen => false,
        Fact::Final | Fact::Redeemed | Fact::Refunded | Fact::Unclear => true,
    }
}

/// Whether it is over.
const fn over(fact: Fact) -> bool {
    match fact {
        Fact::Absent | Fact::Seen | Fact::Final => false,
        Fact::Redeemed | Fact::Refunded | Fact::Unclear => true,
    }
}

/// Two final statements of which one is false.
pub(crate) const fn contradict(one: Fact, other: Fact) -> bool {
    matches!(
        (one, other),
        (Fact::Redeemed, Fact::Refunded) | (Fact::Refunded, Fact::Redeemed)
    )
}

impl Tally {
    pub(crate) fn of(state: &State, order: SwapId, id: LegId, leg: &Leg) -> Self {
        let observers = observers(state, &leg.asset.chain());
        Self::new(
            (&observers, total_power(state)),
            &said(state, order, id),
            leg.proven,
        )
    }

    /// Of these words, those that count: of `observers`, among validators with so much power in all.
    fn new((observers, total): (&Observers, u64), words: &Words, proven: Option<Fact>) -> Self {
        let heard = words.iter().filter(|(_, said)| !said.void);
        let said = heard.filter_map(|(key, said)| Some((observers.power(key)?, *said)));
        Self {
            said: said.collect(),
            declared: observers.declared,
            total,
            proven,
        }
    }

    fn power(&self, saying: impl Fn(&Said) -> bool) -> u64 {
        let agree = self.said.iter().filter(|(_, said)| saying(said));
        agree.fold(0, |sum, (power, _)| sum.saturating_add(*power))
    }

    /// Whether more than two thirds of the observers say so, who are more than half of all.
    fn certain(&self, saying: impl Fn(&Said) -> bool) -> bool {
        let [power, declared, total] = [self.power(saying), self.declared, self.total].map(u128::from);
        power.saturating_mul(3) > declared.saturating_mul(2) && declared.saturating_mul(2) > total
    }

    /// Whether a third of the observers or more say so: then nothing else is certain.
    fn enough_to_doubt(&self, saying: impl Fn(&Said) -> bool) -> bool {
        let (power, declared) = (u128::from(self.power(saying)), u128::from(self.declared));
        declared > 0 && power.saturating_mul(3) >= declared
    }

    /// Certainly locked.
    pub(crate) fn seen(&self) -> bool {
        self.proven.is_some() || self.certain(|said| locked(said.fact))
    }

    /// Certainly as deep as the order asks.
    pub(crate) fn is_final(&self) -> bool {
        self.proven.is_some() || self.certain(|said| deep(said.fact))
    }

    /// Certainly not there, by tips past a time (unix ms).
    pub(crate) fn absent_past(&self, time_ms: u64) -> bool {
        let past = |said: &Said| said.fact == Fact::Absent && ms(said.tip) > time_ms;
        self.proven.is_none() && self.certain(past)
    }

    /// Certainly not there, by whatever tips.
    pub(crate) fn absent(&self) -> bool {
        self.proven.is_none() && self.certain(|said| said.fact == Fact::Absent)
    }

    /// Certainly not final in time: by tips past it the lock was not there, not deep enough, or had become so just then.
    /// Whoever sees a deep lock after being away cannot tell when it became one, and says nothing about that.
    pub(crate) fn late(&self, time_ms: u64, depth: u32) -> bool {
        let late = |said: &Said| {
            let watched = !deep(said.fact) || (said.fact == Fact::Final && said.depth == depth);
            watched && ms(said.tip) > time_ms
        };
        self.certain(late)
    }

    /// How it certainly ended: redeemed, refunded or unclear.
    pub(crate) fn ended(&self) -> Option<Fact> {
        if let Some(proven) = self.proven.filter(|fact| over(*fact)) {
            return Some(proven);
        }
        let clear = [Fact::Redeemed, Fact::Refunded];
        let certain = clear
            .into_iter()
            .find(|fact| self.certain(|said| said.fact == *fact));
        certain.or_else(|| self.certain(|said| over(said.fact)).then_some(Fact::Unclear))
    }

    /// What is certain in all, for views.
    pub(crate) fn fact(&self) -> Option<Fact> {
        let at_least = |fact, holds: bool| holds.then_some(fact);
        self.ended()
            .or_else(|| at_least(Fact::Final, self.is_final()))
            .or_else(|| at_least(Fact::Seen, self.seen()))
            .or_else(|| at_least(Fact::Absent, self.absent()))
    }
}

/// What each validator said last of a leg.
pub(crate) fn said(state: &State, order: SwapId, leg: LegId) -> Words {
    let of_leg = (order, leg);
    let all = state.scan(&SAID, &of_leg);
    all.map(|((_, _, key), said)| (key, said)).collect()
}

/// The order is over: nobody's word is needed any more.
pub(crate) fn forget(state: &mut State, order: SwapId) {
    let all: Vec<_> = state.scan(&SAID, &order).map(|(key, _)| key).collect();
    for key in all {
        state.remove(&SAID, &key);
    }
}

/// Takes a validator's word on a leg, and keeps in the order what became certain or was taken back by it.
pub(super) fn hear(
    step: &mut Step<'_>,
    live: &mut Live,
    seen: &SignedObservation,
) -> Result<(), OrderRefused> {
    let Observation {
        order,
        leg: id,
        count,
        fact,
        ..
    } = seen.observation;
    let leg = live.leg(id).ok_or(OrderRefused::NoLeg(id))?;
    let (key, chain) = (seen.key, leg.asset.chain());
    let observers = observers(step.state, &chain);
    if observers.power(&key).is_none() {
        return Err(OrderRefused::NotObserver { key, chain });
    }
    let mut words = said(step.state, order, id);
    let last = words.get(&key).copied();
    if last.is_some_and(|said| said.void) {
        return Err(OrderRefused::Contradicted(key));
    }
    if let Some(said) = last.filter(|said| count <= said.count) {
        let (have, last) = (count, said.count);
        return Err(OrderRefused::OldObservation { have, last });
    }
    if let Some(proven) = leg.proven.filter(|proven| contradict(*proven, fact)) {
        return Err(OrderRefused::Proven(proven));
    }
    let void = last.is_some_and(|said| contradict(said.fact, fact));
    let said = Said {
        count,
        fact,
        tip: seen.observation.tip,
        depth: seen.observation.depth,
        void,
    };
    let (by, proven) = ((&observers, total_power(step.state)), leg.proven);
    let before = Tally::new(by, &words, proven);
    words.insert(key, said);
    let after = Tally::new(by, &words, proven);
    step.state.put(&SAID, &(order, id, key), &said);
    if void {
        slash_observer(step, &key);
    }
    remember(live, id, &before, &after, step.time_ms);
    Ok(())
}

/// Keeps since when something is certain, and that it was taken back. It is taken back if a word ends the certainty, or
/// if so many say otherwise that it could not be certain; that a new set of validators has not spoken yet takes nothing
/// back.
pub(super) fn remember(live: &mut Live, id: LegId, before: &Tally, after: &Tally, now_ms: u64) {
    let late_after = late_after(live);
    let leg = live.leg_mut(id.side);
    let unseen = |said: &Said| !locked(said.fact);
    let shallow = |said: &Said| !deep(said.fact);
    let lost_seen = !after.seen() && (before.seen() || after.enough_to_doubt(unseen));
    let lost_final = !after.is_final() && (before.is_final() || after.enough_to_doubt(shallow));
    for (since, holds, lost) in [
        (&mut leg.seen_ms, after.seen(), lost_seen),
        (&mut leg.final_ms, after.is_final(), lost_final),
    ] {
        if holds {
            since.get_or_insert(now_ms);
        } else if lost && since.take().is_some() {
            leg.unsaid = true;
        }
    }
    let late = late_after.is_some_and(|time_ms| after.late(time_ms, leg.depth));
    leg.late |= late && id.side == Side::Beta;
}

/// The initiator has time to redeem if beta is final by then (unix ms).
pub(crate) const fn final_by(live: &Live) -> u64 {
    ms(live.by.redeem_by.before(live.reveal))
}

/// A validator's word on a leg counts for nothing any more.
pub(super) fn silence(state: &mut State, place: (SwapId, LegId, ValidatorKey)) {
    if let Some(said) = state.get(&SAID, &place) {
        state.put(&SAID, &place, &Said { void: true, ..said });
    }
}
