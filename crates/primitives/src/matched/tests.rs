use super::*;
use crate::fixtures::*;
use crate::{
    Answer, Bytes, ClaimantPart, FeePayer, FeeTerms, LimitOpening, Mode, Party, Place, Reservation, Role,
    Seconds, SettlementOrder, UnixTime, UnsealError, Verdict, decode, encode,
};

fn refused(change: impl FnOnce(&mut MatchedParts)) -> MatchError {
    let mut parts = parts();
    change(&mut parts);
    MatchedOrder::new(parts).unwrap_err()
}

/// The same after everybody has signed other terms.
fn with_terms(change: impl FnOnce(&mut FulfilTerms)) -> Result<MatchedOrder, MatchError> {
    let mut terms = terms(&claim());
    change(&mut terms);
    MatchedOrder::new(parts_of(claim(), terms))
}

fn select_again(parts: &mut MatchedParts, change: impl FnOnce(&mut Select)) {
    let mut select = parts.select.body.clone();
    change(&mut select);
    parts.select = select.sign(&claim_key());
}

fn fulfil_again(parts: &mut MatchedParts, change: impl FnOnce(&mut Fulfil)) {
    change(&mut parts.fulfil.body);
    parts.fulfil = parts.fulfil.body.clone().sign(&key(3));
}

#[test]
fn what_everybody_signed_makes_one_order_whose_legs_are_theirs() {
    let order = MatchedOrder::new(parts()).unwrap();
    let [alpha, beta] = order.legs();
    assert_eq!((alpha.amount, beta.amount), (Amount::new(50), Amount::new(1_000)));
    assert_eq!(alpha.refunder, &opening(50).alpha, "the claimant locks alpha");
    assert_eq!(alpha.redeemer, &opening(60).alpha);
    assert_eq!(beta.refunder, &opening(60).beta);
    assert_eq!(beta.redeemer, &opening(50).beta);
    assert_eq!((alpha.asset, beta.asset), order.pair());
    assert_eq!(beta.place, &Place::new([0xc0; 20]).unwrap());
    assert!(alpha.timelock > beta.timelock);
    let settlement = SettlementOrder::matched(parts()).unwrap();
    assert_eq!(settlement.id(), order.id());
    assert_eq!(settlement.party(Role::Initiator), claim_key().id());
    assert_eq!(settlement.party(Role::Participant), key(3).id());
    assert_eq!(
        settlement.origin(),
        *parts().fulfil.body.id().as_bytes(),
        "a quote is used once"
    );
    let bytes = encode(&settlement);
    assert_eq!(decode::<SettlementOrder>(&bytes), Ok(settlement));
}

#[test]
fn every_bit_of_an_order_is_signed() {
    let order = MatchedOrder::new(parts()).unwrap();
    let bytes = encode(&order);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(
            decode::<MatchedOrder>(&altered).is_err(),
            "byte {at} of {} can be altered",
            bytes.len()
        );
    }
    for cut in [0, 1, bytes.len() - 1] {
        assert!(decode::<MatchedOrder>(&bytes[..cut]).is_err());
    }
}

#[test]
fn one_bit_of_an_address_makes_another_order_or_none() {
    // Requirement: tampering with one bit of an address changes the order's id.
    let id = MatchedOrder::new(parts()).unwrap().id();
    let ends: [fn(&mut MatchedParts) -> &mut Party; 4] = [
        |p| &mut p.claimant.alpha,
        |p| &mut p.claimant.beta,
        |p| &mut p.provider.alpha,
        |p| &mut p.provider.beta,
    ];
    for (n, end) in ends.iter().enumerate() {
        let mut parts = parts();
        let length = end(&mut parts).as_slice().len();
        for bit in 0..length * 8 {
            let mut parts = parts.clone();
            let mut address = end(&mut parts).as_slice().to_vec();
            address[bit / 8] ^= 1 << (bit % 8);
            *end(&mut parts) = Party::new(address).unwrap();
            let whose = if n < 2 {
                "claimant's opening"
            } else {
                "provider's opening"
            };
            assert_eq!(MatchedOrder::new(parts), Err(MatchError::Stranger(whose)));
        }
    }
    // With the signature of its owner it is an order, and another one.
    let claimants = {
        let mut parts = parts();
        parts.claimant.beta = Party::new([1; 22]).unwrap();
        let commit = parts.claimant.commit();
        select_again(&mut parts, |select| select.opening = commit);
        MatchedOrder::new(parts).unwrap().id()
    };
    let providers = {
        let mut opening = opening(60);
        opening.alpha = Party::new([1; 20]).unwrap();
        let mut terms = terms(&claim());
        terms.opening = opening.commit();
        let parts = MatchedParts {
            provider: opening,
            ..parts_of(claim(), terms)
        };
        MatchedOrder::new(parts).unwrap().id()
    };
    assert!(id != claimants && id != providers && claimants != providers);
}

#[test]
fn every_field_of_selection_quote_and_claim_changes_the_orders_id() {
    let base = MatchedOrder::new(parts()).unwrap().id();
    let mut ids = vec![base];
    let selects: [fn(&mut Select); 4] = [
        |s| s.hashlock = crate::Hashlock::new([0; 32]),
        |s| s.nonce = crate::SwapNonce::new([0; 32]),
        |s| s.fee_root = [1; 32],
        |s| s.for_validators = Some(Bytes::default()),
    ];
    for change in selects {
        let mut parts = parts();
        select_again(&mut parts, change);
        ids.push(MatchedOrder::new(parts).unwrap().id());
    }
    let changes: [fn(&mut FulfilTerms); 10] = [
        |t| t.give = Amount::new(51),
        |t| t.want = Amount::new(1_001),
        |t| t.alpha_timelock = UnixTime(9_001),
        |t| t.beta_timelock = UnixTime(5_001),
        |t| t.alpha_lock_by = UnixTime(2_001),
        |t| t.beta_lock_by = UnixTime(3_001),
        |t| t.redeem_by = UnixTime(4_001),
        |t| t.premium_bps = 1,
        |t| t.nonce = crate::SwapNonce::new([0; 32]),
        |t| t.reservation = Reservation::sign(&key(4), 8, None, &claim().id(), &key(3).id()),
    ];
    for change in changes {
        ids.push(with_terms(change).unwrap().id());
    }
    let mut claims = vec![];
    let changes: [fn(&mut Claim); 8] = [
        |c| c.mode = Mode::Cleared,
        |c| c.nonce = [0; 32],
        |c| c.give.depth = 2,
        |c| c.want.place = Place::default(),
        |c| c.partial = None,
        |c| c.balance = Some([0; 32]),
        |c| c.max_hops = 5,
        |c| c.expires_ms -= 1,
    ];
    for change in changes {
        let mut claim = claim();
        change(&mut claim);
        let whole = FulfilTerms {
            give: Amount::new(100),
            want: Amount::new(2_000),
            ..terms(&claim)
        };
        claims.push(MatchedOrder::new(parts_of(claim, whole)).unwrap().id());
    }
    ids.extend(claims);
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn parts_of_another_claim_quote_or_path_make_no_order() {
    let stranger = |what| MatchError::Stranger(what);
    let other_claim = |p: &mut MatchedParts| {
        let claim = Claim {
            nonce: [1; 32],
            ..claim()
        };
        p.path = path(&claim, &[31, 32]);
        p.claim = claim.sign(&claim_key());
    };
    assert!(matches!(
        refused(other_claim),
        MatchError::Returns(_) | MatchError::Stranger("fulfil")
    ));
    let other_path = |p: &mut MatchedParts| {
        p.path = path(&claim(), &[33]);
        p.returns = returns(&p.fulfil.body, &[33]);
    };
    assert_eq!(refused(other_path), stranger("fulfil"));
    assert_eq!(refused(|p| p.terms.want = Amount::new(9_999)), stranger("terms"));
    assert_eq!(
        refused(|p| select_again(p, |s| s.claim = ClaimId::new([0; 32]))),
        stranger("selection")
    );
    assert_eq!(
        refused(|p| select_again(p, |s| s.version = 2)),
        stranger("selection")
    );
    assert_eq!(
        refused(|p| select_again(p, |s| s.fulfil = crate::FulfilId::new([0; 32]))),
        stranger("quote")
    );
    assert_eq!(
        refused(|p| select_again(p, |s| s.returns = [0; 32])),
        stranger("way back")
    );
    assert_eq!(
        refused(|p| p.claimant.salt = [0; 32]),
        stranger("claimant's opening")
    );
    assert_eq!(
        refused(|p| p.provider.contacts.clear()),
        stranger("provider's opening")
    );
}

#[test]
fn messages_of_another_network_make_no_order() {
    let network = || NetworkId::new("another").unwrap();
    let quote = refused(|p| {
        fulfil_again(p, |f| f.network = network());
        p.returns = returns(&p.fulfil.body, &[31, 32]);
    });
    assert_eq!(quote, MatchError::Stranger("fulfil"));
    let selection = refused(|p| select_again(p, |s| s.network = network()));
    assert_eq!(selection, MatchError::Stranger("selection"));
}

#[test]
fn what_another_signed_makes_no_order() {
    let claim_by = refused(|p| p.claim = claim().sign(&key(9)));
    assert!(matches!(claim_by, MatchError::Claim(ClaimError::Signature(_))));
    let quote_by = refused(|p| p.fulfil = p.fulfil.body.clone().sign(&key(9)));
    assert!(matches!(quote_by, MatchError::Fulfil(FulfilError::Signature(_))));
    let select_by = refused(|p| p.select = p.select.body.clone().sign(&key(9)));
    assert!(matches!(select_by, MatchError::Select(_)));
    let version = refused(|p| fulfil_again(p, |f| f.version = 2));
    assert_eq!(version, MatchError::Fulfil(FulfilError::Version(2)));
    let itself = refused(|p| {
        p.fulfil.body.key = claim_key().id();
        p.fulfil = p.fulfil.body.clone().sign(&claim_key());
    });
    assert_eq!(itself, MatchError::SameKey(claim_key().id()));
}

#[test]
fn returns_that_were_stripped_make_no_order() {
    let stripped = refused(|p| drop(p.returns.pop()));
    let length = ReturnError::Length { got: 1, want: 2 };
    assert_eq!(stripped, MatchError::Returns(length));
    let all = refused(|p| p.returns.clear());
    assert!(matches!(all, MatchError::Returns(_)));
    let path = refused(|p| drop(p.path.remove(1)));
    assert_eq!(path, MatchError::Path(PathError::Stripped { at: 1, says: 2 }));
}

#[test]
fn a_reservation_of_another_bond_quote_or_claim_makes_no_order() {
    let sign = |bond: u8, claim_id: ClaimId, quote: u8| {
        let mut other = Reservation::sign(&key(bond), 7, None, &claim_id, &key(quote).id());
        other.bond = key(4).id();
        with_terms(|t| t.reservation = other)
    };
    let id = claim().id();
    for wrong in [sign(5, id, 3), sign(4, id, 9), sign(4, ClaimId::new([0; 32]), 3)] {
        assert!(matches!(wrong, Err(MatchError::Reservation(_))));
    }
    assert!(sign(4, id, 3).is_ok());
    let reserve = Some((claim().give.asset, Amount::new(1)));
    let grown = with_terms(|t| t.reservation.reserve = reserve);
    assert!(matches!(grown, Err(MatchError::Reservation(_))));
}

#[test]
fn a_fill_is_at_least_the_least_and_at_most_all_of_the_claim() {
    let fill = |give: u128| with_terms(|t| (t.give, t.want) = (Amount::new(give), Amount::new(10_000)));
    assert!(fill(10).is_ok() && fill(100).is_ok());
    for wrong in [0, 9, 101, u128::MAX] {
        assert!(matches!(fill(wrong), Err(MatchError::Fill { .. })));
    }
    let nothing = with_terms(|t| t.want = Amount::ZERO);
    assert!(matches!(nothing, Err(MatchError::Fill { .. })));
    let whole = Claim {
        partial: None,
        ..claim()
    };
    let part = MatchedOrder::new(parts_of(whole.clone(), terms(&whole)));
    assert!(matches!(part, Err(MatchError::Fill { .. })), "all or nothing");
}

#[test]
fn a_quote_one_unit_below_the_limit_makes_no_order() {
    assert!(with_terms(|t| t.want = Amount::new(950)).is_ok());
    let below = with_terms(|t| t.want = Amount::new(949));
    assert!(matches!(below, Err(MatchError::Price { .. })));
}

#[test]
fn a_hidden_limit_is_opened_to_the_one_that_was_hidden_and_a_stated_one_not_at_all() {
    let opened = |opening: Option<LimitOpening>| refused(|p| select_again(p, |s| s.limit = opening));
    let lower = LimitOpening {
        ratio: Ratio::new(1, 1).unwrap(),
        ..limit_opening()
    };
    let salted = LimitOpening {
        salt: [0; 32],
        ..limit_opening()
    };
    for wrong in [None, Some(lower), Some(salted)] {
        assert_eq!(opened(wrong), MatchError::Limit);
    }
    let stated = Claim {
        limit: Limit::Stated(limit_opening().ratio),
        ..claim()
    };
    let mut parts = parts_of(stated.clone(), terms(&stated));
    assert!(MatchedOrder::new(parts.clone()).is_ok());
    select_again(&mut parts, |s| s.limit = Some(limit_opening()));
    assert_eq!(MatchedOrder::new(parts), Err(MatchError::Limit));
}

#[test]
fn a_claim_that_is_wrong_by_itself_makes_no_order() {
    let made = |change: fn(&mut Claim)| {
        let mut claim = claim();
        change(&mut claim);
        MatchedOrder::new(parts_of(claim.clone(), terms(&claim))).unwrap_err()
    };
    let long = made(|c| c.expires_ms = c.created_ms + 600_001);
    assert_eq!(long, MatchError::Claim(ClaimError::Life(600_001)));
    let fee = made(|c| {
        c.fee = FeeTerms::Pool {
            asset: c.give.asset.clone(),
            amount: Amount::new(1),
            payer: FeePayer::Claimant,
        };
    });
    assert!(matches!(fee, MatchError::Claim(ClaimError::Fee(_))));
    assert!(matches!(
        made(|c| c.max_hops = 2),
        MatchError::Path(PathError::Length { got: 3, most: 2 })
    ));
}

#[test]
fn an_opening_with_too_many_contacts_makes_no_order() {
    let crowd = vec![crate::Contact::new("/memory/1").unwrap(); crate::MAX_CONTACTS + 1];
    let mut parts = parts();
    parts.claimant.contacts = crowd;
    let commit = parts.claimant.commit();
    select_again(&mut parts, |s| s.opening = commit);
    assert_eq!(
        MatchedOrder::new(parts),
        Err(MatchError::Fulfil(FulfilError::Contacts(5)))
    );
}

#[test]
fn an_order_is_not_encoded_a_second_way() {
    let bytes = encode(&SettlementOrder::matched(parts()).unwrap());
    assert!(decode::<SettlementOrder>(&[bytes.as_slice(), &[0]].concat()).is_err());
    let mut unknown = bytes.clone();
    unknown[0] = 2;
    assert!(decode::<SettlementOrder>(&unknown).is_err());
    let mut direct = bytes;
    direct[0] = 0;
    assert!(decode::<SettlementOrder>(&direct).is_err());
}

#[test]
fn sealed_terms_open_for_the_claimant_alone_and_only_if_they_are_those_that_were_signed() {
    let quote = parts().fulfil;
    assert_eq!(quote.open(&key(2)).as_ref(), Ok(&parts().terms));
    assert!(matches!(quote.open(&key(9)), Err(FulfilError::Sealed(_))));
    let (claim, path) = (claim(), path(&claim(), &[31, 32]));
    let other = FulfilTerms {
        redeem_by: terms(&claim).redeem_by.plus(Seconds(1)),
        ..terms(&claim)
    };
    let sealed = other.seal(&claim.id(), &claim.seal_key, &[5; 32]).unwrap();
    let swapped = Fulfil {
        sealed,
        ..fulfil(&claim, &terms(&claim), &path)
    };
    assert_eq!(swapped.sign(&key(3)).open(&key(2)), Err(FulfilError::OtherTerms));
    let no_terms = crate::seal(
        &claim.seal_key,
        &[5; 32],
        &crate::fulfil::context(b"terms", &claim.id()),
        b"no",
    );
    let junk = Fulfil {
        sealed: no_terms.unwrap(),
        ..fulfil(&claim, &terms(&claim), &path)
    };
    assert!(matches!(
        junk.sign(&key(3)).open(&key(2)),
        Err(FulfilError::Malformed(_))
    ));
}

#[test]
fn what_is_sealed_for_one_claim_or_place_opens_in_no_other() {
    let (id, other) = (claim().id(), ClaimId::new([0; 32]));
    let part = ClaimantPart {
        opening: opening(50),
        returns: parts().returns,
    };
    let sealed = part.seal(&id, &key(3).id(), &[5; 32]).unwrap();
    assert_eq!(ClaimantPart::unseal(&id, &key(3), &sealed), Ok(part));
    let unreadable = |result| matches!(result, Err(UnsealError::Sealed(_)));
    assert!(unreadable(ClaimantPart::unseal(&other, &key(3), &sealed)));
    assert!(unreadable(ClaimantPart::unseal(&id, &key(2), &sealed)));
    let sealed = opening(60).seal(&id, &key(3).id(), &[5; 32]).unwrap();
    assert_eq!(Opening::unseal(&id, &key(3), &sealed), Ok(opening(60)));
    assert!(unreadable(ClaimantPart::unseal(&id, &key(3), &sealed)));
}

#[test]
fn every_byte_of_fulfil_selection_and_answer_is_signed() {
    let parts = parts();
    let answer = Answer {
        version: 1,
        network: claim().network,
        claim: claim().id(),
        fulfil: parts.fulfil.body.id(),
        order: MatchedOrder::new(parts.clone()).unwrap().id(),
        verdict: Verdict::Opened(opening(60).seal(&claim().id(), &key(2).id(), &[5; 32]).unwrap()),
    };
    let answer = encode(&answer.sign(&key(3)));
    let fulfil = |bytes: &[u8]| decode::<Signed<Fulfil>>(bytes).is_ok_and(|fulfil| fulfil.check().is_ok());
    let select = |bytes: &[u8]| {
        let verify = |s: Signed<Select>| claim_key().id().verify(&s.body.digest(), &s.signature);
        decode(bytes).is_ok_and(|select| verify(select).is_ok())
    };
    let answered = |bytes: &[u8]| {
        let verify = |s: Signed<Answer>| key(3).id().verify(&s.body.digest(), &s.signature);
        decode(bytes).is_ok_and(|answer| verify(answer).is_ok())
    };
    every_byte_is_signed(&encode(&parts.fulfil), fulfil);
    every_byte_is_signed(&encode(&parts.select), select);
    every_byte_is_signed(&answer, answered);
}

fn every_byte_is_signed(bytes: &[u8], right: impl Fn(&[u8]) -> bool) {
    assert!(right(bytes));
    for at in 0..bytes.len() {
        let mut altered = bytes.to_vec();
        altered[at] ^= 1 << (at % 8);
        assert!(!right(&altered), "byte {at} is not signed");
    }
}
