//! What a swap may never owe, whatever happened before. The same rules as those of the settlement layer's own tests,
//! written a second time against its public face.

use kofo_primitives::*;
use kofo_settlement::{Leg, LegState, Outcome, Phase, Swap, Terms, Tips};

fn final_lock(state: &LegState) -> bool {
    state.locked.is_some_and(|lock| lock.is_final)
}

/// Panics where the state owes what could lose money.
pub(crate) fn check_owed(terms: &Terms, swap: &Swap, tips: &Tips) {
    let owed = swap.pending(terms, tips);
    for (id, action) in &owed {
        let leg = &terms.legs()[id];
        match action {
            ChainAction::Broadcast { act, not_after, .. } => {
                check_sent(terms, swap, tips, (*id, *act, *not_after))
            }
            ChainAction::Build(Act::Redeem(_)) => {
                assert_eq!(id.end_of(terms.role()), End::Redeemer, "only what is theirs");
            }
            ChainAction::Build(Act::Lock) => {
                assert_eq!(id.end_of(terms.role()), End::Refunder, "only what is ours");
                assert!(swap.phase() <= Phase::LockBuilt, "a second lock");
                if terms.role() == Role::Participant {
                    let all = terms.incoming().all(|(id, _)| final_lock(&swap.legs()[&id]));
                    assert!(all, "the participant locks behind a final lock");
                }
            }
            ChainAction::Build(Act::Refund) => not_early(leg, tips),
            ChainAction::Build(Act::Cancel) | ChainAction::Watch { .. } | ChainAction::Unwatch => {}
        }
    }
    check_not_forgotten(terms, swap, tips, &owed);
    let over = matches!(swap.phase(), Phase::Done(_));
    assert_eq!(
        swap.deadline(terms).is_none(),
        over,
        "what is not over has a deadline"
    );
    assert!(!over || owed.iter().all(|(_, action)| *action == ChainAction::Unwatch));
}

/// What is ours and can be had now is asked for, always.
fn check_not_forgotten(terms: &Terms, swap: &Swap, tips: &Tips, owed: &[(LegId, ChainAction)]) {
    let taken = |id: LegId, kind: ActKind| {
        owed.iter().any(|(leg, action)| match action {
            ChainAction::Build(act) => *leg == id && act.kind() == kind,
            ChainAction::Broadcast { act, .. } => *leg == id && *act == kind,
            ChainAction::Watch { .. } | ChainAction::Unwatch => false,
        })
    };
    let open = |id: LegId| {
        let state = &swap.legs()[&id];
        state.ended.is_none() && state.locked.is_some_and(|lock| lock.at != At::Mempool)
    };
    if swap.phase() == Phase::Redeeming && swap.preimage_is_public() {
        for (id, _) in terms.incoming().filter(|(id, _)| open(*id)) {
            let either = taken(id, ActKind::Redeem) || taken(id, ActKind::RedeemTogether);
            assert!(either, "a redeem is forgotten");
        }
    }
    if matches!(swap.phase(), Phase::Redeeming | Phase::Refunding) {
        for (id, leg) in terms.outgoing().filter(|(id, _)| open(*id)) {
            let tip = tips.of(&leg.spec.chain());
            if tip.is_some_and(|tip| tip.time >= leg.spec.timelock) {
                assert!(taken(id, ActKind::Refund), "a refund is forgotten");
            }
        }
    }
    let waits = matches!(swap.phase(), Phase::BothLocked | Phase::Refunding);
    if terms.role() == Role::Participant && swap.preimage_is_public() {
        assert!(!waits, "a public preimage is not used in {:?}", swap.phase());
    }
}

fn check_sent(terms: &Terms, swap: &Swap, tips: &Tips, sent: (LegId, ActKind, Option<UnixTime>)) {
    let (id, act, not_after) = sent;
    let leg = &terms.legs()[&id];
    assert!(
        swap.legs()[&id].built.contains_key(&act),
        "only what is journaled is sent"
    );
    match act {
        ActKind::Redeem if !swap.preimage_is_public() => {
            assert_eq!(terms.role(), Role::Initiator, "only the initiator reveals");
            assert_ne!(swap.phase(), Phase::Refunding, "who gave up never reveals");
            if swap.preimage_was_told() {
                // The other party may know it: what is ours is taken as long as it is surely ours.
                let ends = not_after.is_some_and(|last| last <= leg.spec.timelock);
                return assert!(ends, "not after the timelock: {not_after:?}");
            }
            let last = UnixTime(leg.spec.timelock.0 - leg.reveal_window.0);
            assert_eq!(not_after, Some(last), "the adapter must not show it later either");
            for (_, leg) in terms.incoming() {
                let tip = tips.of(&leg.spec.chain()).expect("a fresh tip");
                let left = tip.time.until(leg.spec.timelock);
                assert!(left >= leg.reveal_window, "a late reveal");
            }
        }
        ActKind::Refund => not_early(leg, tips),
        ActKind::Redeem
        | ActKind::Lock
        | ActKind::Cancel
        | ActKind::RedeemTogether
        | ActKind::RefundTogether => {}
    }
}

/// Panics where a signature that was given could lose money.
pub(crate) fn check_signed(terms: &Terms, swap: &Swap, what: Together) {
    let over = matches!(swap.phase(), Phase::Done(Outcome::Aborted | Outcome::Refunded));
    match (what, terms.role()) {
        (Together::Redeem, _) => {
            assert!(
                swap.preimage().is_some(),
                "a redeem is signed without the preimage"
            );
            assert!(
                swap.preimage_is_public(),
                "a redeem is signed before they know it"
            );
        }
        // Who has its own back, or never locked, wants nothing of theirs.
        (Together::Refund, _) if over => {}
        (Together::Refund, Role::Initiator) => {
            assert!(!swap.preimage_is_public(), "beta is returned after the reveal");
            assert!(!swap.preimage_was_told(), "beta is returned after telling");
            assert_eq!(swap.phase(), Phase::Refunding, "beta is returned too soon");
        }
        (Together::Refund, Role::Participant) => {
            panic!("alpha is returned in {:?}", swap.phase());
        }
    }
}

fn not_early(leg: &Leg, tips: &Tips) {
    let tip = tips.of(&leg.spec.chain()).expect("a fresh tip");
    assert!(tip.time >= leg.spec.timelock, "an early refund");
}
