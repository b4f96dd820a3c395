//! The order of events, however often anybody looks.

use super::*;
use EventName::*;

fn facts() -> SwapFacts {
    SwapFacts::default()
}

fn ended(outcome: Outcome) -> SwapFacts {
    SwapFacts {
        outcome: Some(outcome),
        ..facts()
    }
}

/// What is told if somebody looks at exactly these moments.
fn told(moments: &[SwapFacts]) -> Vec<EventName> {
    let (mut told, mut all) = (Told::default(), Vec::new());
    for moment in moments {
        for event in swap_events(told, *moment) {
            told.add(event);
            all.push(event);
        }
    }
    all
}

/// All ways to look at some of the moments, the last among them.
fn looks(moments: &[SwapFacts]) -> Vec<Vec<SwapFacts>> {
    let before = moments.len() - 1;
    let some = |mask: u32| {
        let seen = |i: &usize| *i == before || mask & (1 << i) != 0;
        (0..moments.len()).filter(seen).map(|i| moments[i]).collect()
    };
    (0..1 << before).map(some).collect()
}

/// A swap that goes as both want, as the initiator or the participant sees it.
fn good_way() -> Vec<SwapFacts> {
    let alpha = SwapFacts {
        alpha_locked: true,
        ..facts()
    };
    let both = SwapFacts {
        beta_locked: true,
        ..alpha
    };
    let redeemed = SwapFacts {
        redeemed: true,
        ..both
    };
    let complete = SwapFacts {
        outcome: Some(Outcome::Redeemed),
        ..redeemed
    };
    vec![facts(), alpha, both, redeemed, complete]
}

#[test]
fn a_swap_that_goes_well_tells_all_in_order_however_seldom_one_looks() {
    let all = vec![Committed, AlphaLocked, BetaLocked, Redeemed, Complete];
    for looks in looks(&good_way()) {
        assert_eq!(told(&looks), all, "{looks:?}");
    }
}

#[test]
fn an_initiator_that_sees_the_others_lock_first_tells_its_own_first_all_the_same() {
    let beta_only = SwapFacts {
        beta_locked: true,
        ..facts()
    };
    let way = good_way();
    let seen = told(&[facts(), beta_only, way[2], way[4]]);
    assert_eq!(seen, [Committed, AlphaLocked, BetaLocked, Redeemed, Complete]);
    assert_eq!(told(&[beta_only]), [Committed]);
}

#[test]
fn a_lock_that_a_reorg_takes_back_and_gives_again_is_told_once() {
    let way = good_way();
    let seen = told(&[way[1], way[0], way[1], way[2], way[1], way[2], way[4], way[4]]);
    assert_eq!(seen, [Committed, AlphaLocked, BetaLocked, Redeemed, Complete]);
}

#[test]
fn the_refund_way_is_told_in_order_from_wherever_it_begins() {
    for locked in [false, true] {
        let start = SwapFacts {
            alpha_locked: locked,
            ..facts()
        };
        let refunding = SwapFacts {
            refunding: true,
            ..start
        };
        let refunded = SwapFacts {
            outcome: Some(Outcome::Refunded),
            ..start
        };
        let mut all = vec![Committed, AlphaLocked, Refunding, Refunded];
        all.retain(|event| locked || *event != AlphaLocked);
        for looks in looks(&[start, refunding, refunded]) {
            assert_eq!(told(&looks), all, "{looks:?}");
        }
    }
}

#[test]
fn whoever_takes_its_lock_back_hears_of_no_lock_any_more() {
    let refunding = SwapFacts {
        refunding: true,
        ..facts()
    };
    let late = SwapFacts {
        alpha_locked: true,
        beta_locked: true,
        ..refunding
    };
    let seen = told(&[refunding, late, ended(Outcome::Refunded)]);
    assert_eq!(seen, [Committed, Refunding, Refunded]);
}

#[test]
fn a_preimage_that_shows_up_while_refunding_leads_back_to_the_good_end() {
    let refunding = SwapFacts {
        refunding: true,
        ..good_way()[2]
    };
    let seen = told(&[refunding, good_way()[3], good_way()[4]]);
    assert_eq!(
        seen,
        [Committed, AlphaLocked, BetaLocked, Refunding, Redeemed, Complete]
    );
}

#[test]
fn an_end_is_the_end() {
    for (outcome, last) in [
        (Outcome::Redeemed, Complete),
        (Outcome::Refunded, Refunded),
        (Outcome::Aborted, Aborted),
        (Outcome::Lost, Lost),
    ] {
        let after = SwapFacts {
            refunding: true,
            ..good_way()[3]
        };
        let seen = told(&[facts(), ended(outcome), after, ended(Outcome::Lost)]);
        assert_eq!(seen.last(), Some(&last), "{seen:?}");
        assert_eq!(seen.iter().filter(|event| event.is_last()).count(), 1);
    }
}

#[test]
fn what_was_redeemed_but_did_not_stay_is_not_told_as_redeemed_when_the_swap_is_lost() {
    let lost = SwapFacts {
        redeemed: true,
        outcome: Some(Outcome::Lost),
        ..good_way()[2]
    };
    assert_eq!(told(&[lost]), [Committed, AlphaLocked, BetaLocked, Lost]);
}

#[test]
fn a_claim_tells_its_steps_once_and_an_end_without_a_swap() {
    let quoted = ClaimFacts {
        quoted: true,
        ..ClaimFacts::default()
    };
    let selected = ClaimFacts {
        selected: true,
        ..ClaimFacts::default()
    };
    let nothing = ClaimFacts {
        came_to_nothing: true,
        ..ClaimFacts::default()
    };
    let told = |moments: &[ClaimFacts]| {
        let (mut told, mut all) = (Told::default(), Vec::new());
        for moment in moments {
            for event in claim_events(told, *moment) {
                told.add(event);
                all.push(event);
            }
        }
        all
    };
    assert_eq!(
        told(&[ClaimFacts::default(), quoted, selected, selected]),
        [Claimed, Quoted, Selected]
    );
    assert_eq!(told(&[selected]), [Claimed, Quoted, Selected]);
    assert_eq!(told(&[quoted, nothing, selected]), [Claimed, Quoted, Aborted]);
}

#[test]
fn what_is_kept_of_what_was_told_has_one_bit_for_each_event() {
    let mut all = Told::default();
    for (place, event) in EventName::ALL.into_iter().enumerate() {
        let mut one = Told::default();
        one.add(event);
        assert_eq!(one.bits(), 1 << place, "{event:?}");
        assert!(!all.has(event));
        all.add(event);
    }
    assert_eq!(Told::of_bits(all.bits()), all);
}
