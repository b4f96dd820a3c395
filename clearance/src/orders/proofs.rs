//! What a chain proves by itself: more than all that validators say.

use super::facts::{Tally, contradict, remember, said};
use super::live::{Leg, Live};
use super::refused::OrderRefused;
use crate::ledger::Step;
use crate::op::{Fact, Proven};
use crate::staking::slash_observer;
use kofo_primitives::{Hashlock, ValidatorKey};

/// What a proof shows of a leg, by the network's rule for its chain.
pub(super) fn fact(
    step: &Step<'_>,
    leg: &Leg,
    hashlock: &Hashlock,
    proof: &[u8],
) -> Result<Fact, OrderRefused> {
    let chain = leg.asset.chain();
    let mut rules = step.params().proofs.iter();
    let rule = rules
        .find(|rule| rule.chain == chain)
        .ok_or(OrderRefused::NoProofRule(chain))?;
    let fact = step.proofs.fact(&leg.proof(hashlock), rule, proof)?;
    match fact {
        Fact::Final | Fact::Redeemed | Fact::Refunded => Ok(fact),
        Fact::Absent | Fact::Seen | Fact::Unclear => Err(OrderRefused::ProofFact(fact)),
    }
}

/// Whether who said the contrary of a proof lied: only if more than two thirds said what the proof shows. A proof alone does
/// not convict: who pays the same script twice can redeem one payment and be refunded the other, so that a true proof
/// contradicts what every honest validator saw.
pub(super) fn convicted(certain: Option<Fact>, proven: Fact) -> bool {
    certain == Some(proven)
}

/// Takes a proof of an order that goes on. Whoever said the contrary is heard no more, and slashed if it contradicted
/// the other validators too: see [`convicted`].
pub(super) fn take(step: &mut Step<'_>, live: &mut Live, proven: &Proven) -> Result<(), OrderRefused> {
    let (id, place) = (proven.order, proven.leg);
    let leg = live.leg(place).ok_or(OrderRefused::NoLeg(place))?;
    let fact = fact(step, leg, &live.hashlock, &proven.proof)?;
    if let Some(known) = leg.proven.filter(|known| *known == fact || *known != Fact::Final) {
        return Err(OrderRefused::Proven(known));
    }
    let before = Tally::of(step.state, id, place, leg);
    let wrong: Vec<ValidatorKey> = said(step.state, id, place)
        .into_iter()
        .filter(|(_, said)| !said.void && contradict(said.fact, fact))
        .map(|(key, _)| key)
        .collect();
    for key in &wrong {
        super::facts::silence(step.state, (id, place, *key));
        if convicted(before.ended(), fact) {
            slash_observer(step, key);
        }
    }
    let leg = live.leg_mut(place.side);
    leg.proven = Some(fact);
    let after = Tally::of(step.state, id, place, leg);
    remember(live, place, &before, &after, step.time_ms);
    Ok(())
}
