use super::*;
use crate::wire::FulfilEnvelope;
use kofo_primitives::*;
use market::*;

mod answers;
mod cleared;
mod market;
mod sequences;

fn refused(own: &mut OwnClaim, envelope: FulfilEnvelope) -> QuoteRefused {
    let before = own.clone();
    let mut seen = SeenReservations::default();
    let why = own.quote(envelope, &seal_key(), &mut seen, NOW).unwrap_err();
    assert_eq!(*own, before, "what is refused changes nothing");
    assert_eq!(seen, SeenReservations::default());
    why
}

#[test]
fn a_claim_stands_for_the_limit_that_it_states_or_hides_and_for_no_other() {
    let make = |claim: Claim, limit, opening| OwnClaim::new(claim.sign(&claim_key()), limit, opening, 1);
    let other = Ratio::new(20, 1).unwrap();
    assert!(make(claim(1, None), limit(), None).is_ok());
    assert_eq!(make(claim(1, None), other, None), Err(MatchError::Limit));
    let opening = LimitOpening {
        ratio: limit(),
        salt: [9; 32],
    };
    let hidden = Claim {
        limit: Limit::Hidden(opening.commit()),
        ..claim(1, None)
    };
    assert!(make(hidden.clone(), limit(), Some(opening)).is_ok());
    assert_eq!(make(hidden.clone(), limit(), None), Err(MatchError::Limit));
    assert_eq!(make(hidden, other, Some(opening)), Err(MatchError::Limit));
    let unsigned = claim(1, None).sign(&key(9));
    assert!(matches!(
        OwnClaim::new(unsigned, limit(), None, 1),
        Err(MatchError::Claim(ClaimError::Signature(_)))
    ));
}

#[test]
fn a_quote_over_relays_and_one_of_a_direct_neighbour_are_taken() {
    let mut own = own(None);
    let far = take(&mut own, &deal(10, GIVE, 1_950));
    let near = take(
        &mut own,
        &Deal {
            relays: vec![],
            ..deal(11, GIVE, 1_960)
        },
    );
    assert_eq!(
        own.quotes().map(Quote::id).collect::<BTreeSet<_>>(),
        [far, near].into()
    );
    assert_eq!(pick(&own), [near]);
}

#[test]
fn the_best_of_several_quotes_is_picked_by_what_it_gets_and_by_its_providers_history() {
    let mut own = own(None);
    let [_, low, high] = [1_995, 1_997, 1_997]
        .iter()
        .zip(10..)
        .map(|(want, bond)| take(&mut own, &deal(bond, GIVE, *want)))
        .collect::<Vec<_>>()[..]
    else {
        unreachable!()
    };
    let reliable = |bond: u8| {
        move |who: &NodeId| Reliability {
            settled: if *who == key(bond).id() { 10 } else { 9 },
            failed: u32::from(*who != key(bond).id()),
        }
    };
    assert_eq!(own.pick(&reliable(12), NOW), [high]);
    assert_eq!(own.pick(&reliable(11), NOW), [low]);
    assert_eq!(pick(&own), [low.min(high)], "equal: the lower id");
}

#[test]
fn a_path_that_was_stripped_swapped_grafted_or_cut_is_refused_by_name() {
    let mut own = own(None);
    let (deal, claim) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    let with = |change: fn(&mut Vec<HopEntry>)| {
        let mut envelope = deal.envelope(&claim);
        change(&mut envelope.path);
        envelope
    };
    let mut path_error = |change: fn(&mut Vec<HopEntry>)| refused(&mut own, with(change));
    let is = |got: QuoteRefused, want: PathError| assert_eq!(got, QuoteRefused::Path(want));
    is(
        path_error(|p| drop(p.remove(1))),
        PathError::Stripped { at: 1, says: 2 },
    );
    is(
        path_error(|p| p.swap(1, 2)),
        PathError::Swapped { at: 1, says: 2 },
    );
    is(
        path_error(|p| drop(p.remove(0))),
        PathError::Stripped { at: 0, says: 1 },
    );
    is(
        path_error(|p| p[1].hop_key = key(50).id()),
        PathError::Successor { at: 1 },
    );
    is(path_error(|p| p[0].hop_key = key(50).id()), PathError::Beginning);
    is(
        path_error(|p| p[1].previous = [0; 32]),
        PathError::Chain { at: 1 },
    );
    assert!(matches!(
        path_error(|p| drop(p.pop())),
        QuoteRefused::OtherPath { .. }
    ));
    assert!(matches!(
        path_error(|p| p.clear()),
        QuoteRefused::Path(PathError::Length { got: 0, .. })
    ));
}

#[test]
fn a_path_that_is_not_signed_by_its_hops_is_refused_even_if_its_provider_signed_it() {
    let mut own = own(None);
    let (deal, claim) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    for at in [0, 1, 2] {
        let mut path = deal.path(&claim);
        // What a hop would ask for is changed behind its back; the entries after it are made to follow.
        path[at].payee = Some([1; 32]);
        for next in at + 1..path.len() {
            path[next].previous = path[next - 1].digest();
        }
        let fulfil = Fulfil {
            path: path.last().unwrap().digest(),
            ..deal.fulfil(&claim)
        };
        let envelope = FulfilEnvelope {
            path,
            ..deal.around(fulfil, &claim)
        };
        let why = refused(&mut own, envelope);
        assert!(
            matches!(why, QuoteRefused::Path(PathError::Signature { at: i, .. }) if usize::from(i) == at)
        );
    }
}

#[test]
fn a_way_back_that_a_hop_did_not_sign_is_refused() {
    let mut own = own(None);
    let (deal, claim) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    let mut returns_error = |change: fn(&mut Vec<ReturnEntry>)| {
        let mut envelope = deal.envelope(&claim);
        change(&mut envelope.returns);
        let QuoteRefused::Returns(why) = refused(&mut own, envelope) else {
            panic!("expected the way back to be refused")
        };
        why
    };
    assert_eq!(
        returns_error(|r| drop(r.pop())),
        ReturnError::Length { got: 1, want: 2 }
    );
    assert_eq!(
        returns_error(|r| r.swap(0, 1)),
        ReturnError::Index { want: 2, says: 1 }
    );
    assert_eq!(
        returns_error(|r| r[1].previous = [0; 32]),
        ReturnError::Chain { at: 1 }
    );
    let forged = |r: &mut Vec<ReturnEntry>| r[1].signature = r[0].signature;
    assert!(matches!(
        returns_error(forged),
        ReturnError::Signature { at: 1, .. }
    ));
}

#[test]
fn a_quote_for_another_claim_or_network_too_late_or_for_too_long_is_refused() {
    let mut own = own(None);
    let (deal, mine) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    let other = claim(2, None);
    assert_eq!(
        refused(&mut own, deal.envelope(&other)),
        QuoteRefused::Stranger {
            ours: mine.id(),
            got: other.id()
        }
    );
    let network = NetworkId::new("another").unwrap();
    let elsewhere = Fulfil {
        network,
        ..deal.fulfil(&mine)
    };
    assert!(matches!(
        refused(&mut own, deal.around(elsewhere, &mine)),
        QuoteRefused::Stranger { .. }
    ));
    let until = |expires_ms| {
        Deal {
            expires_ms,
            ..deal.clone()
        }
        .envelope(&mine)
    };
    assert!(matches!(refused(&mut own, until(NOW)), QuoteRefused::Late { .. }));
    assert_eq!(
        refused(&mut own, until(NOW + 90_001)),
        QuoteRefused::Life { life_ms: 90_001 }
    );
    assert!(
        own.quote(
            until(NOW + 90_000),
            &seal_key(),
            &mut SeenReservations::default(),
            NOW
        )
        .is_ok()
    );
    assert!(matches!(
        refused(&mut own, until(NOW + 90_000)),
        QuoteRefused::Known(_)
    ));
}

#[test]
fn terms_that_are_not_what_was_asked_for_are_refused() {
    let mut own = own(Some(20));
    let mine = own.claim().body.clone();
    let mut why = |deal: Deal| refused(&mut own, deal.envelope(&mine));
    let fill = |why| matches!(why, QuoteRefused::Terms(MatchError::Fill { .. }));
    assert!(fill(why(deal(10, GIVE + 1, 5_000))));
    assert!(fill(why(deal(10, 19, 5_000))));
    assert!(fill(why(deal(10, 20, 0))));
    assert!(matches!(
        why(deal(10, GIVE, 1_899)),
        QuoteRefused::Terms(MatchError::Price { .. })
    ));
    let huge = MAX_COMPARED_UNITS + 1;
    assert_eq!(
        why(deal(10, GIVE, huge)),
        QuoteRefused::TooLarge(Amount::new(huge))
    );
    let premium = Deal {
        premium_bps: 1,
        ..deal(10, GIVE, 1_900)
    };
    assert_eq!(why(premium), QuoteRefused::Premium(1));
    assert!(own.quotes().next().is_none());
}

const MAX_COMPARED_UNITS: u128 = u128::MAX / 1_000;

#[test]
fn a_reservation_that_its_bond_did_not_sign_for_this_quote_is_refused() {
    let mut own = own(None);
    let (deal, mine) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    let sign = |bond: u8, claim: &Claim, quote: NodeId| {
        let mut terms = deal.terms(&mine);
        terms.reservation = Reservation::sign(&key(bond), 1, None, &claim.id(), &quote);
        terms.reservation.bond = key(10).id();
        let fulfil = Fulfil {
            terms: terms.digest(),
            sealed: terms.seal(&mine.id(), &mine.seal_key, &[5; 32]).unwrap(),
            ..deal.fulfil(&mine)
        };
        deal.around(fulfil, &mine)
    };
    let ours = deal.key().id();
    for wrong in [
        sign(11, &mine, ours),
        sign(10, &claim(2, None), ours),
        sign(10, &mine, key(12).id()),
    ] {
        assert!(matches!(refused(&mut own, wrong), QuoteRefused::Reservation(_)));
    }
    let right = sign(10, &mine, ours);
    assert!(
        own.quote(right, &seal_key(), &mut SeenReservations::default(), NOW)
            .is_ok()
    );
}

#[test]
fn terms_that_do_not_open_or_are_others_than_were_signed_are_refused() {
    let mut own = own(None);
    let (deal, mine) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    let sealed_to = |to: &NodeId| deal.terms(&mine).seal(&mine.id(), to, &[5; 32]).unwrap();
    let with = |sealed| {
        deal.around(
            Fulfil {
                sealed,
                ..deal.fulfil(&mine)
            },
            &mine,
        )
    };
    let stranger = with(sealed_to(&key(50).id()));
    assert!(matches!(
        refused(&mut own, stranger),
        QuoteRefused::Fulfil(FulfilError::Sealed(_))
    ));
    let other = Deal {
        want: 9_999,
        ..deal.clone()
    };
    let others = with(
        other
            .terms(&mine)
            .seal(&mine.id(), &mine.seal_key, &[5; 32])
            .unwrap(),
    );
    assert_eq!(
        refused(&mut own, others),
        QuoteRefused::Fulfil(FulfilError::OtherTerms)
    );
    let mut unsigned = deal.envelope(&mine);
    unsigned.fulfil = deal.fulfil(&mine).sign(&key(50));
    assert!(matches!(
        refused(&mut own, unsigned),
        QuoteRefused::Fulfil(FulfilError::Signature(_))
    ));
}

#[test]
fn one_reservation_for_two_claims_is_noticed_and_for_two_paths_of_one_claim_is_not() {
    let mut first = own(None);
    let mut second = OwnClaim::new(claim(2, None).sign(&claim_key()), limit(), None, 3_000).unwrap();
    let mut seen = SeenReservations::default();
    let over_another = Deal {
        relays: vec![40],
        ..deal(10, GIVE, 1_950)
    };
    for deal in [deal(10, GIVE, 1_950), over_another] {
        let envelope = deal.envelope(&first.claim().body);
        first.quote(envelope, &seal_key(), &mut seen, NOW).unwrap();
    }
    let doubled = QuoteRefused::Doubled {
        bond: key(10).id(),
        seq: 1,
        other: first.id(),
    };
    let again = deal(10, GIVE, 1_960).envelope(&second.claim().body);
    assert_eq!(
        second.quote(again.clone(), &seal_key(), &mut seen, NOW),
        Err(doubled.clone())
    );
    // After a restart what is kept of the claims tells the same.
    let mut seen = SeenReservations::of([&first, &second], NOW);
    assert_eq!(second.quote(again, &seal_key(), &mut seen, NOW), Err(doubled));
    let next = Deal {
        seq: 2,
        ..deal(10, GIVE, 1_960)
    };
    let next = next.envelope(&second.claim().body);
    assert!(second.quote(next, &seal_key(), &mut seen, NOW).is_ok());
}

#[test]
fn of_many_quotes_the_best_stay() {
    let mut own = own(None);
    let nth = |n: u64| Deal {
        seq: n,
        ..deal(10, GIVE, 2_000 + u128::from(n))
    };
    let many = (0..MAX_QUOTES as u64).map(nth);
    let ids: Vec<_> = many.map(|deal| take(&mut own, &deal)).collect();
    let worse = deal(11, GIVE, 1_999).envelope(&own.claim().body.clone());
    assert_eq!(refused(&mut own, worse), QuoteRefused::Worse);
    let better = take(&mut own, &deal(11, GIVE, 2_001));
    let kept: BTreeSet<_> = own.quotes().map(Quote::id).collect();
    assert_eq!(kept.len(), MAX_QUOTES);
    assert!(kept.contains(&better) && !kept.contains(&ids[0]) && kept.contains(&ids[1]));
}

#[test]
fn a_quote_that_binds_no_more_makes_room_and_is_not_picked() {
    let mut own = own(None);
    for n in 0..MAX_QUOTES as u64 {
        take(
            &mut own,
            &Deal {
                seq: n,
                ..deal(10, GIVE, 2_500)
            },
        );
    }
    let later = NOW + 30_000;
    assert_eq!(own.pick(&|_| Reliability::default(), later), []);
    let fresh = Deal {
        expires_ms: later + 1,
        ..deal(11, GIVE, 1_900)
    };
    let envelope = fresh.envelope(&own.claim().body);
    let id = own
        .quote(envelope, &seal_key(), &mut SeenReservations::default(), later)
        .unwrap()
        .id();
    assert_eq!(own.pick(&|_| Reliability::default(), later), [id]);
}

#[test]
fn the_window_ends_when_it_is_over_however_many_quotes_came() {
    let mut own = own(Some(10));
    assert!(!own.ready(NOW + 2_999) && own.ready(NOW + 3_000));
    let id = take(&mut own, &deal(10, GIVE, 1_950));
    assert!(!own.ready(NOW + 2_999));
    select(&mut own, &id, 1).unwrap();
    assert!(!own.ready(NOW + 3_000), "nothing is left");
    own.give_up(&id).unwrap();
    assert!(own.ready(NOW + 3_000) && !own.ready(NOW + 600_000));
}
