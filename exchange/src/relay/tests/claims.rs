//! Claims on their way out, and what is done to their paths.

use super::desk::*;
use super::world::*;
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;

fn path_blamed(envelope: ClaimEnvelope) -> PathError {
    match Desk::new(3).refused(1, envelope) {
        (ClaimRefused::Path(why), Some(Blame::Path)) => why,
        other => panic!("expected blame for the path, got {other:?}"),
    }
}

#[test]
fn a_stripped_path_is_refused_and_blamed() {
    let mut stripped = envelope(1, 3, 1);
    stripped.path.remove(2);
    assert_eq!(path_blamed(stripped), PathError::Stripped { at: 2, says: 3 });
    let mut beheaded = envelope(1, 3, 1);
    beheaded.path.remove(0);
    assert_eq!(path_blamed(beheaded), PathError::Stripped { at: 0, says: 1 });
}

#[test]
fn a_path_with_swapped_entries_is_refused_and_blamed() {
    let mut swapped = envelope(1, 3, 1);
    swapped.path.swap(1, 2);
    assert_eq!(path_blamed(swapped), PathError::Swapped { at: 1, says: 2 });
}

#[test]
fn who_grafts_itself_onto_a_prefix_that_it_overheard_is_refused_and_blamed() {
    let mut grafted = envelope(1, 3, 1);
    let id = grafted.claim.body.id();
    let overheard = grafted.path[..2].to_vec();
    let previous = overheard[1].digest();
    let graft = HopEntry::sign(
        &id,
        (2, previous),
        &neighbour_key(1, &id),
        us(1, &id),
        (None, None),
    );
    grafted.path = [overheard, vec![graft]].concat();
    assert_eq!(path_blamed(grafted), PathError::Successor { at: 2 });
}

#[test]
fn a_truncated_path_is_refused_and_blamed() {
    let mut truncated = envelope(1, 3, 1);
    truncated.path.pop();
    assert_eq!(path_blamed(truncated), PathError::Receiver);
    let mut none = envelope(1, 3, 1);
    none.path.clear();
    assert_eq!(path_blamed(none), PathError::Length { got: 0, most: 8 });
}

#[test]
fn who_puts_itself_in_the_claimants_place_is_refused_and_blamed() {
    let mut own = envelope(1, 0, 1);
    let id = own.claim.body.id();
    let first = HopEntry::sign(
        &id,
        (0, *id.as_bytes()),
        &neighbour_key(1, &id),
        us(1, &id),
        (None, None),
    );
    own.path = vec![first];
    assert_eq!(path_blamed(own), PathError::Beginning);
}

#[test]
fn entries_of_another_claims_path_are_refused_and_blamed() {
    let mut mixed = envelope(1, 1, 1);
    mixed.path[1].previous = envelope(2, 1, 1).path[0].digest();
    assert_eq!(path_blamed(mixed), PathError::Chain { at: 1 });
}

#[test]
fn a_path_that_names_us_on_another_link_is_refused_and_blamed() {
    let to_another = envelope(1, 1, 2);
    assert_eq!(path_blamed(to_another), PathError::Receiver);
}

#[test]
fn an_entry_that_its_hop_did_not_sign_is_refused_and_blamed() {
    let mut forged = envelope(1, 2, 1);
    forged.path[1].signature = forged.path[0].signature;
    // All that follows is made anew around it, or the chain would tell.
    let id = forged.claim.body.id();
    let keys = [&key("hop", &[1, 1]), &neighbour_key(1, &id)];
    for (index, key) in [2, 3].into_iter().zip(keys) {
        let at = usize::from(index);
        let (previous, next) = (forged.path[at - 1].digest(), forged.path[at].next_key);
        forged.path[at] = HopEntry::sign(&id, (index, previous), key, next, (None, None));
    }
    let (why, blame) = Desk::new(1).refused(1, forged);
    assert!(
        matches!(why, ClaimRefused::Path(PathError::Signature { at: 1, .. })),
        "{why}"
    );
    assert_eq!(blame, Some(Blame::Signature));
}

#[test]
fn a_claim_that_was_altered_or_signed_by_another_is_refused_and_blamed() {
    let mut altered = envelope(1, 1, 1);
    altered.claim.body.give_amount = Amount::new(13);
    let (why, blame) = Desk::new(1).refused(1, altered);
    assert_eq!(
        (why, blame),
        (PathError::Chain { at: 0 }.into(), Some(Blame::Path))
    );
    let mut forged = envelope(1, 1, 1);
    forged.claim.signature = envelope(2, 1, 1).claim.signature;
    let (why, blame) = Desk::new(1).refused(1, forged);
    assert!(
        matches!(why, ClaimRefused::Claim(ClaimError::Signature(_))),
        "{why}"
    );
    assert_eq!(blame, Some(Blame::Signature));
}

#[test]
fn a_known_claim_with_another_signature_is_not_taken_for_verified() {
    let mut desk = Desk::new(2);
    desk.claim(1, envelope(1, 1, 1)).unwrap();
    let mut forged = envelope(1, 1, 2);
    forged.claim.signature = envelope(2, 1, 1).claim.signature;
    let (_, blame) = desk.refused(2, forged);
    assert_eq!(blame, Some(Blame::Signature));
}

#[test]
fn a_claim_that_is_wrong_by_itself_is_refused_and_blamed() {
    let nothing = Claim {
        give_amount: Amount::ZERO,
        ..claim(1)
    };
    let forever = Claim {
        expires_ms: NOW + MAX_CLAIM_LIFE_MS + 1,
        ..claim(1)
    };
    let elsewhere = Claim {
        network: NetworkId::new("kofo-other").unwrap(),
        ..claim(1)
    };
    for wrong in [nothing, forever, elsewhere] {
        let (why, blame) = Desk::new(1).refused(1, envelope_of(wrong, 1, 1));
        assert_eq!(blame, Some(Blame::Malformed), "{why}");
    }
}

#[test]
fn clocks_may_differ_a_little_and_only_what_is_grossly_late_is_blamed() {
    let made = |created_ms, expires_ms| Claim {
        created_ms,
        expires_ms,
        ..claim(1)
    };
    let mut desk = Desk::new(1);
    for (claim, blame) in [
        (made(NOW - 60_000, NOW), None),
        (made(NOW - 60_000, NOW - SKEW), None),
        (made(NOW - 90_000, NOW - SKEW - 1), Some(Blame::Malformed)),
        (made(NOW + SKEW + 1, NOW + SKEW + 2), None),
    ] {
        let (why, blamed) = desk.refused(1, envelope_of(claim, 1, 1));
        assert_eq!(blamed, blame, "{why}");
    }
    assert!(
        desk.claim(1, envelope_of(made(NOW + SKEW, NOW + SKEW + 1), 1, 1))
            .is_ok()
    );
}

#[test]
fn the_same_claim_from_the_same_neighbour_is_a_replay_over_whatever_path() {
    let mut desk = Desk::new(2);
    desk.claim(1, envelope(1, 2, 1)).unwrap();
    for again in [envelope(1, 2, 1), envelope(1, 3, 1)] {
        assert_eq!(
            desk.refused(1, again),
            (ClaimRefused::Replayed, Some(Blame::Replay))
        );
    }
}

#[test]
fn a_neighbour_that_never_said_hello_or_left_is_not_heard() {
    let mut desk = Desk::new(1);
    assert_eq!(
        desk.refused(9, envelope(1, 1, 1)),
        (ClaimRefused::UnknownLink, None)
    );
    desk.relay.unlink(Link(1));
    assert_eq!(
        desk.refused(1, envelope(1, 1, 1)),
        (ClaimRefused::UnknownLink, None)
    );
}

#[test]
fn a_claim_that_was_here_is_a_loop_and_nobodys_fault() {
    let mut desk = Desk::new(3);
    let forward = desk.claim(1, envelope(1, 1, 1)).unwrap().forward;
    let (_, to_two) = forward.into_iter().find(|(link, _)| *link == Link(2)).unwrap();
    // Neighbour 2 passes it to neighbour 3, which does not know that we had it.
    let id = to_two.claim.body.id();
    let mut back = to_two;
    let from_two = link_key(2, 0, 1).hop_key(&id).unwrap();
    let via_three = neighbour_key(3, &id);
    for (index, key, next) in [(4, &from_two, via_three.id()), (5, &via_three, us(3, &id))] {
        let previous = back.path.last().unwrap().digest();
        back.path
            .push(HopEntry::sign(&id, (index, previous), key, next, (None, None)));
    }
    assert_eq!(desk.refused(3, back), (ClaimRefused::Loop, None));
}

#[test]
fn our_own_claim_that_comes_round_is_a_loop_and_nobodys_fault() {
    let mut desk = Desk::new(2);
    let own = claim(1).sign(&claim_key(1));
    desk.relay.originate(&own, &claim_key(1), NOW).unwrap();
    assert_eq!(desk.refused(2, envelope(1, 1, 2)), (ClaimRefused::Loop, None));
}

#[test]
fn only_the_owner_of_its_key_can_issue_a_claim() {
    let mut desk = Desk::new(1);
    let own = claim(1).sign(&claim_key(1));
    let stolen = desk.relay.originate(&own, &claim_key(2), NOW);
    assert_eq!(stolen, Err(ClaimRefused::Key));
    desk.claim(1, envelope(1, 0, 1)).unwrap();
    assert_eq!(
        desk.relay.originate(&own, &claim_key(1), NOW),
        Err(ClaimRefused::NotOurs)
    );
}

#[test]
fn a_cancelled_claim_goes_nowhere_and_its_late_copies_are_nobodys_fault() {
    let mut desk = Desk::new(3);
    let cancel = |key: &NodeKey| {
        let cancel = Cancel {
            version: 1,
            network: claim(1).network,
            claim: claim(1).id(),
            key: key.id(),
            expires_ms: NOW + LIFE,
        };
        cancel.sign(key)
    };
    desk.claim(1, envelope(1, 1, 1)).unwrap();
    let false_one = desk.relay.cancel(&cancel(&claim_key(2)), NOW);
    assert_eq!(false_one, Err(CancelRefused::Key));
    assert_eq!(desk.relay.cancel(&cancel(&claim_key(1)), NOW), Ok(true));
    assert_eq!(desk.relay.cancel(&cancel(&claim_key(1)), NOW), Ok(false));
    assert_eq!(
        desk.refused(2, envelope(1, 1, 2)),
        (ClaimRefused::Cancelled, None)
    );
    assert_eq!(desk.relay.statistics().claims, 0);
    assert!(desk.relay.greet(Link(3), NOW).is_empty());
}

#[test]
fn a_cancel_may_come_before_its_claim_but_only_its_own_key_counts() {
    let mut desk = Desk::new(2);
    for (n, key) in [(1, claim_key(1)), (2, claim_key(9))] {
        let cancel = Cancel {
            version: 1,
            network: claim(n).network,
            claim: claim(n).id(),
            key: key.id(),
            expires_ms: NOW + LIFE,
        };
        assert_eq!(desk.relay.cancel(&cancel.sign(&key), NOW), Ok(true));
    }
    assert_eq!(
        desk.refused(1, envelope(1, 1, 1)),
        (ClaimRefused::Cancelled, None)
    );
    assert!(desk.claim(1, envelope(2, 1, 1)).is_ok());
}

#[test]
fn a_false_cancel_is_not_passed_on() {
    let mut desk = Desk::new(1);
    let cancel = |network: &str, expires_ms| Cancel {
        version: 1,
        network: NetworkId::new(network).unwrap(),
        claim: claim(1).id(),
        key: claim_key(1).id(),
        expires_ms,
    };
    let ours = claim(1).network.to_string();
    let mut forged = cancel(&ours, NOW + LIFE).sign(&claim_key(1));
    forged.body.expires_ms += 1;
    let far = NOW + MAX_CLAIM_LIFE_MS + 2 * SKEW;
    for (cancel, blame) in [
        (forged, Some(Blame::Signature)),
        (
            cancel("kofo-other", NOW + LIFE).sign(&claim_key(1)),
            Some(Blame::Malformed),
        ),
        (cancel(&ours, far + 1).sign(&claim_key(1)), Some(Blame::Malformed)),
        (cancel(&ours, far).sign(&claim_key(1)), None),
        (cancel(&ours, NOW).sign(&claim_key(1)), None),
    ] {
        let why = desk.relay.cancel(&cancel, NOW).unwrap_err();
        assert_eq!(why.blame(), blame, "{why}");
    }
    assert_eq!(desk.relay.statistics().cancelled, 0);
}

#[test]
fn what_two_copies_share_is_verified_once_and_what_they_do_not_share_always() {
    let mut desk = Desk::new(2);
    let (body, id) = (claim(1), claim(1).id());
    let copy = |from: u64| {
        let claim = body.clone().sign(&claim_key(1));
        let path = path(&body, &[&hop(1), &neighbour_key(from, &id)], us(from, &id));
        ClaimEnvelope { claim, path }
    };
    desk.claim(1, copy(1)).unwrap();
    let good = copy(2);
    assert_eq!(good.path[0], copy(1).path[0]);
    assert_ne!(good.path[1], copy(1).path[1]);
    let mut forged = good.clone();
    forged.path[1].signature = good.path[0].signature;
    let previous = forged.path[1].digest();
    let last = HopEntry::sign(
        &id,
        (2, previous),
        &neighbour_key(2, &id),
        us(2, &id),
        (None, None),
    );
    forged.path[2] = last;
    let (why, blame) = desk.refused(2, forged);
    assert!(
        matches!(why, ClaimRefused::Path(PathError::Signature { at: 1, .. })),
        "{why}"
    );
    assert_eq!(blame, Some(Blame::Signature));
    assert!(desk.claim(2, good).is_ok());
}
