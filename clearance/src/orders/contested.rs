//! Legs of which validators said what cannot all be true when their order ended. They are remembered as long as stake
//! stays bound, so that the chain's own proof can still show who was wrong. Legs on which all agreed are not: the ledger
//! does not grow with its past.

use super::facts::{Tally, contradict, said};
use super::live::{Leg, Live};
use super::refused::OrderRefused;
use crate::ledger::Step;
use crate::op::{Fact, Proven};
use crate::staking::slash_observer;
use crate::state::{State, Table};
use crate::timers::{Timer, remind};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Hashlock, LegId, Side, SwapId, ValidatorKey};

const CONTESTED: Table<(SwapId, LegId), Contested> = Table::new(12);

/// A leg and what was said of its end.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Contested {
    hashlock: Hashlock,
    leg: Leg,
    /// What was certain by the words of more than two thirds.
    certain: Option<Fact>,
    said: Vec<(ValidatorKey, Fact)>,
    until_ms: u64,
}

/// Remembers the legs of an order that ends, if somebody must have been wrong about them.
pub(super) fn keep(step: &mut Step<'_>, id: SwapId, live: &Live) {
    let until_ms = step.time_ms.saturating_add(step.params().unstake_ms);
    let mut kept = false;
    for (side, leg) in [(Side::Alpha, &live.alpha), (Side::Beta, &live.beta)] {
        let place = LegId::first(side);
        let ends: Vec<_> = said(step.state, id, place)
            .into_iter()
            .filter(|(_, said)| !said.void && is_end(said.fact))
            .map(|(key, said)| (key, said.fact))
            .collect();
        let differ = |(_, one): &(_, Fact)| ends.iter().any(|(_, other)| contradict(*one, *other));
        if ends.iter().any(differ) {
            let contested = Contested {
                hashlock: live.hashlock,
                certain: Tally::of(step.state, id, place, leg).ended(),
                leg: leg.clone(),
                said: ends,
                until_ms,
            };
            step.state.put(&CONTESTED, &(id, place), &contested);
            kept = true;
        }
    }
    if kept {
        remind(step.state, until_ms, &Timer::Order(id));
    }
}

const fn is_end(fact: Fact) -> bool {
    matches!(fact, Fact::Redeemed | Fact::Refunded)
}

/// Forgets them when nothing can be slashed for them any more.
pub(super) fn forget_if_old(step: &mut Step<'_>, id: SwapId) {
    let old: Vec<_> = step
        .state
        .scan(&CONTESTED, &id)
        .filter(|(_, contested)| contested.until_ms <= step.time_ms)
        .map(|(place, _)| place)
        .collect();
    for place in old {
        step.state.remove(&CONTESTED, &place);
    }
}

/// A proof of a leg whose order is over: who was wrong is slashed. The money is not divided again.
pub(super) fn proven(step: &mut Step<'_>, proven: &Proven) -> Result<(), OrderRefused> {
    let place = (proven.order, proven.leg);
    let contested = step.state.get(&CONTESTED, &place);
    let contested = contested.ok_or(OrderRefused::Unknown(proven.order))?;
    let fact = super::proofs::fact(step, &contested.leg, &contested.hashlock, &proven.proof)?;
    if !is_end(fact) {
        return Err(OrderRefused::ProofFact(fact));
    }
    for (key, said) in &contested.said {
        if contradict(*said, fact) && super::proofs::convicted(contested.certain, fact) {
            slash_observer(step, key);
        }
    }
    step.state.remove(&CONTESTED, &place);
    Ok(())
}

/// Who said what of the end of each leg that is contested.
pub(super) fn all(state: &State) -> impl Iterator<Item = (SwapId, LegId, Vec<(ValidatorKey, Fact)>)> {
    state
        .scan(&CONTESTED, &())
        .map(|((order, leg), contested)| (order, leg, contested.said))
}
