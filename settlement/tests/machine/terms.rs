//! Which orders give terms.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;
use std::collections::BTreeMap;

fn heights() -> BTreeMap<ChainId, u64> {
    ["a", "b", "c"].map(|name| (chain(name), 100)).into()
}

#[test]
fn both_parties_get_the_same_contracts_and_opposite_ends() {
    let (ours, theirs) = (terms_of(Role::Initiator, 1, 1), terms_of(Role::Participant, 1, 1));
    assert_eq!(ours.swap(), theirs.swap());
    for (id, leg) in ours.legs() {
        let other = &theirs.legs()[id].spec;
        let same = HtlcSpec {
            end: other.end,
            nonce: other.nonce,
            ..leg.spec.clone()
        };
        assert_eq!(&same, other);
        assert_ne!(leg.spec.end, other.end);
    }
}

#[test]
fn timelocks_that_would_leave_either_party_without_time_give_no_terms() {
    let ours = policy().timelocks(&[chain("a")], &[chain("b")]).unwrap();
    let terms = |t: Timelocks| Terms::new(&order(1, 1, t), Role::Participant, &policy(), START, &heights());
    assert!(terms(ours).is_ok());
    let soon = Timelocks {
        beta: Seconds(60),
        ..ours
    };
    assert!(matches!(
        terms(soon),
        Err(TermsError::Timelock(TimelockError::BetaTooSoon { .. }))
    ));
    let close = Timelocks {
        alpha: ours.beta.plus(Seconds(10)),
        ..ours
    };
    assert!(matches!(
        terms(close),
        Err(TermsError::Timelock(TimelockError::GapTooShort { .. }))
    ));
}

#[test]
fn a_chain_that_has_not_answered_gives_no_terms() {
    let ours = policy().timelocks(&[chain("a")], &[chain("b")]).unwrap();
    let only_a = [(chain("a"), 1)].into();
    let terms = Terms::new(&order(1, 1, ours), Role::Initiator, &policy(), START, &only_a);
    assert_eq!(terms, Err(TermsError::NoHeight(chain("b"))));
}
