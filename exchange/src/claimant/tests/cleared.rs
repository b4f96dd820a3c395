//! Claims with a fee, whose orders validators make final.

use super::*;

/// The claim with a fee.
fn cleared() -> OwnClaim {
    let claim = Claim {
        mode: Mode::Cleared,
        fee: FeeTerms::Pool {
            asset: AssetId::new(KOFO).unwrap(),
            amount: Amount::new(300_000),
            payer: FeePayer::Claimant,
        },
        ..claim(1, None)
    };
    OwnClaim::new(claim.sign(&claim_key()), limit(), None, 3_000).unwrap()
}

/// The order of a selection, as validators give it back.
fn committed(own: &OwnClaim, deal: &Deal, select: &Select) -> MatchedOrder {
    let claim = own.claim();
    let fulfil = deal.fulfil(&claim.body);
    MatchedOrder::new(MatchedParts {
        path: deal.path(&claim.body),
        returns: deal.returns(&fulfil),
        terms: deal.terms(&claim.body),
        fulfil: fulfil.sign(&deal.key()),
        select: select.clone().sign(&claim_key()),
        claimant: opening(200),
        provider: opening(deal.bond),
        claim: claim.clone(),
    })
    .unwrap()
}

#[test]
fn a_committed_order_fills_its_claim_without_any_answer_of_its_provider() {
    let (mut own, deal) = (cleared(), deal(10, GIVE, 1_950));
    let id = take(&mut own, &deal);
    let select = select(&mut own, &id, 1).unwrap();
    let order = committed(&own, &deal, &select);
    assert_eq!(own.committed(&order), Ok(()));
    assert_eq!(own.orders().collect::<Vec<_>>(), [order.parts().clone()]);
    let filled = ClaimState::Filled {
        give: Amount::new(GIVE),
        want: Amount::new(1_950),
    };
    assert_eq!(own.state(NOW), filled);
    assert_eq!(own.committed(&order), Err(AnswerRefused::Again(id)));
    assert_eq!(own.not_committed(&id), Err(SelectRefused::Opened(id)));
    assert_eq!(OwnClaim::read(&own.write()).unwrap(), own);
}

#[test]
fn an_order_of_another_selection_of_ours_fills_nothing() {
    let (mut own, deal) = (cleared(), deal(10, GIVE, 1_950));
    let id = take(&mut own, &deal);
    let ours = select(&mut own, &id, 1).unwrap();
    let other = Select {
        hashlock: chosen(2).hashlock,
        ..ours
    };
    let before = own.clone();
    let order = committed(&own, &deal, &other);
    assert!(matches!(
        own.committed(&order),
        Err(AnswerRefused::Order { theirs, .. }) if theirs == order.id()
    ));
    assert_eq!(own, before);
}

#[test]
fn after_an_order_that_was_not_committed_the_next_quote_is_picked_and_the_first_never_comes_back() {
    let mut own = cleared();
    let (best, next) = (deal(10, GIVE, 1_960), deal(11, GIVE, 1_950));
    let [best_id, next_id] = [take(&mut own, &best), take(&mut own, &next)];
    assert_eq!(own.not_committed(&best_id), Err(SelectRefused::Unknown(best_id)));
    let selected = select(&mut own, &best_id, 1).unwrap();
    let order = committed(&own, &best, &selected);
    own.not_committed(&best_id).unwrap();
    assert_eq!(pick(&own), [next_id]);
    let ending = Ending::NotCommitted;
    let ended = AnswerRefused::Ended {
        fulfil: best_id,
        ending,
    };
    assert_eq!(own.committed(&order), Err(ended));
    let mut again = OwnClaim::read(&own.write()).unwrap();
    let ended = SelectRefused::Ended {
        fulfil: best_id,
        ending,
    };
    assert_eq!(select(&mut again, &best_id, 2), Err(ended));
    select(&mut again, &next_id, 2).unwrap();
}

#[test]
fn a_quote_without_a_reserve_or_an_opening_for_validators_is_not_looked_at() {
    let mut own = cleared();
    let (deal, claim) = (deal(10, GIVE, 1_950), own.claim().body.clone());
    let unopened = Fulfil {
        for_validators: None,
        ..deal.fulfil(&claim)
    };
    assert_eq!(
        refused(&mut own, deal.around(unopened, &claim)),
        QuoteRefused::Uncovered("opening for the validators")
    );
    let quote = deal.key().id();
    for reserve in [None, Some((AssetId::new(KOFO).unwrap(), Amount::ZERO))] {
        let terms = FulfilTerms {
            reservation: Reservation::sign(&key(10), 1, reserve, &claim.id(), &quote),
            ..deal.terms(&claim)
        };
        let bare = Fulfil {
            terms: terms.digest(),
            sealed: terms.seal(&claim.id(), &claim.seal_key, &[77; 32]).unwrap(),
            ..deal.fulfil(&claim)
        };
        assert_eq!(
            refused(&mut own, deal.around(bare, &claim)),
            QuoteRefused::Uncovered("reserve")
        );
    }
    take(&mut own, &deal);
}

#[test]
fn an_order_that_validators_have_is_not_given_up_when_its_claim_is_taken_back() {
    let (mut own, deal) = (cleared(), deal(10, GIVE, 1_950));
    let id = take(&mut own, &deal);
    let select = select(&mut own, &id, 1).unwrap();
    own.cancel(&claim_key()).unwrap();
    assert_eq!((own.state(NOW), pick(&own)), (ClaimState::Selected, vec![]));
    let mut refused = own.clone();
    own.committed(&committed(&own, &deal, &select)).unwrap();
    assert!(matches!(own.state(NOW), ClaimState::Filled { .. }));
    refused.not_committed(&id).unwrap();
    assert_eq!(refused.state(NOW), ClaimState::Cancelled);
}
