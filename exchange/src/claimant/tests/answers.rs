//! Selections, what providers say to them, and what is given up.

use super::*;

/// One claim with these quotes.
fn with(partial: Option<u128>, deals: &[Deal]) -> (OwnClaim, Vec<FulfilId>) {
    let mut own = own(partial);
    let ids = deals.iter().map(|deal| take(&mut own, deal)).collect();
    (own, ids)
}

#[test]
fn an_opened_selection_is_one_settlement_order_and_is_there_again_after_a_restart() {
    let deal = deal(10, GIVE, 1_950);
    let (mut own, ids) = with(None, std::slice::from_ref(&deal));
    assert_eq!(own.state(NOW), ClaimState::Quoting);
    let select = select(&mut own, &ids[0], 1).unwrap();
    assert_eq!((own.state(NOW), own.orders().count()), (ClaimState::Selected, 0));
    let yes = deal.answer(&own, &select, deal.opened(&own));
    let Ok(Answered::Opened(parts)) = own.answer(&yes, &seal_key()) else {
        panic!("expected an order")
    };
    let order = SettlementOrder::matched(*parts.clone()).unwrap();
    assert_eq!(
        (order.id(), order.hashlock()),
        (yes.body.order, chosen(1).hashlock)
    );
    let restarted = OwnClaim::read(&own.write()).unwrap();
    assert_eq!(restarted, own);
    assert_eq!(restarted.orders().collect::<Vec<_>>(), [*parts]);
    let filled = ClaimState::Filled {
        give: Amount::new(GIVE),
        want: Amount::new(1_950),
    };
    assert_eq!((own.state(NOW), own.left()), (filled, Amount::ZERO));
    assert_eq!(own.answer(&yes, &seal_key()), Err(AnswerRefused::Again(ids[0])));
    assert_eq!(own.give_up(&ids[0]), Err(SelectRefused::Opened(ids[0])));
}

#[test]
fn two_quotes_over_the_whole_claim_are_never_both_selected() {
    let (mut own, ids) = with(None, &[deal(10, GIVE, 1_950), deal(11, GIVE, 1_960)]);
    select(&mut own, &ids[0], 1).unwrap();
    let exhausted = SelectRefused::ClaimExhausted {
        fulfil: ids[1],
        give: Amount::new(GIVE),
        left: Amount::ZERO,
    };
    assert_eq!(select(&mut own, &ids[1], 2), Err(exhausted));
    assert_eq!(pick(&own), []);
    assert_eq!(select(&mut own, &ids[0], 2), Err(SelectRefused::Selected(ids[0])));
}

#[test]
fn several_providers_fill_one_claim() {
    let deals = [deal(10, 60, 1_200), deal(11, 30, 601), deal(12, 20, 390)];
    let (mut own, ids) = with(Some(10), &deals);
    assert_eq!(pick(&own), [ids[1], ids[0]]);
    for (n, at) in [(1, 1), (2, 0)] {
        let select = select(&mut own, &ids[at], n).unwrap();
        let yes = deals[at].answer(&own, &select, deals[at].opened(&own));
        assert!(matches!(own.answer(&yes, &seal_key()), Ok(Answered::Opened(_))));
    }
    assert!(matches!(
        select(&mut own, &ids[2], 3),
        Err(SelectRefused::ClaimExhausted { .. })
    ));
    assert_eq!(own.left(), Amount::new(10));
    assert_eq!(own.state(NOW), ClaimState::Quoting, "10 more may be filled");
    assert_eq!(own.orders().count(), 2);
    assert_eq!(
        own.state(NOW + 600_000),
        ClaimState::Filled {
            give: Amount::new(90),
            want: Amount::new(1_801)
        }
    );
}

#[test]
fn a_provider_that_vanishes_is_given_up_for_the_next_and_can_never_come_back() {
    let deals = [deal(10, GIVE, 1_960), deal(11, GIVE, 1_950)];
    let (mut own, ids) = with(None, &deals);
    assert_eq!(pick(&own), [ids[0]]);
    let first = select(&mut own, &ids[0], 1).unwrap();
    own.give_up(&ids[0]).unwrap();
    assert_eq!(pick(&own), [ids[1]]);
    let mut own = OwnClaim::read(&own.write()).unwrap();
    let ended = Ending::GivenUp;
    let late = deals[0].answer(&own, &first, deals[0].opened(&own));
    let fulfil = ids[0];
    assert_eq!(
        own.answer(&late, &seal_key()),
        Err(AnswerRefused::Ended {
            fulfil,
            ending: ended
        })
    );
    assert_eq!(
        select(&mut own, &fulfil, 2),
        Err(SelectRefused::Ended {
            fulfil,
            ending: ended
        })
    );
    let envelope = deals[0].envelope(&own.claim().body.clone());
    assert_eq!(refused(&mut own, envelope), QuoteRefused::Known(fulfil));
    select(&mut own, &ids[1], 2).unwrap();
    assert_eq!(own.orders().count(), 0);
}

#[test]
fn a_quote_that_comes_while_another_is_selected_is_there_when_that_one_is_given_up() {
    let deals = [
        deal(10, GIVE, 1_960),
        deal(11, GIVE, 1_950),
        deal(12, GIVE, 1_950),
    ];
    let (mut own, ids) = with(None, &deals[..1]);
    select(&mut own, &ids[0], 1).unwrap();
    let next = take(&mut own, &deals[1]);
    assert_eq!(pick(&own), []);
    own.give_up(&ids[0]).unwrap();
    assert_eq!(pick(&own), [next]);
    let select = select(&mut own, &next, 2).unwrap();
    let yes = deals[1].answer(&own, &select, deals[1].opened(&own));
    own.answer(&yes, &seal_key()).unwrap();
    let envelope = deals[2].envelope(&own.claim().body.clone());
    assert_eq!(refused(&mut own, envelope), QuoteRefused::Closed, "all is filled");
}

#[test]
fn a_no_frees_the_amount_and_a_used_reservation_ends_all_quotes_on_it() {
    let over_another = Deal {
        relays: vec![40],
        ..deal(10, GIVE, 1_959)
    };
    let deals = [deal(10, GIVE, 1_960), over_another, deal(11, GIVE, 1_950)];
    let (mut own, ids) = with(None, &deals);
    let chosen = select(&mut own, &ids[0], 1).unwrap();
    let no = deals[0].answer(&own, &chosen, Verdict::ReservationUsed);
    assert_eq!(
        own.answer(&no, &seal_key()),
        Ok(Answered::Declined(Verdict::ReservationUsed, ids[0]))
    );
    assert_eq!((own.left(), pick(&own)), (Amount::new(GIVE), vec![ids[2]]));
    let yes = deals[0].answer(&own, &chosen, deals[0].opened(&own));
    assert!(matches!(
        own.answer(&yes, &seal_key()),
        Err(AnswerRefused::Ended { .. })
    ));
    let chosen = select(&mut own, &ids[2], 2).unwrap();
    let no = deals[2].answer(&own, &chosen, Verdict::ClaimExhausted);
    own.answer(&no, &seal_key()).unwrap();
    let ended: Vec<_> = own.ended().filter(|(id, _)| **id == ids[2]).collect();
    assert_eq!(ended, [(&ids[2], Ending::ClaimExhausted)]);
    assert_eq!(pick(&own), []);
}

#[test]
fn while_one_quote_is_selected_no_other_on_its_reservation_is_picked() {
    let over_another = Deal {
        relays: vec![40],
        ..deal(10, 50, 1_000)
    };
    let (mut own, ids) = with(Some(10), &[deal(10, 50, 1_001), over_another, deal(11, 50, 960)]);
    assert_eq!(pick(&own), [ids[0], ids[2]]);
    select(&mut own, &ids[0], 1).unwrap();
    assert_eq!(pick(&own), [ids[2]]);
    own.give_up(&ids[0]).unwrap();
    assert_eq!(pick(&own), [ids[1], ids[2]], "the other path may work");
}

#[test]
fn an_answer_that_is_not_the_providers_to_this_selection_changes_nothing() {
    let deal = deal(10, GIVE, 1_950);
    let (mut own, ids) = with(None, std::slice::from_ref(&deal));
    let mut elsewhere = own.clone();
    let unselected = select(&mut elsewhere, &ids[0], 1).unwrap();
    let early = deal.answer(&own, &unselected, Verdict::Refused);
    assert_eq!(
        own.answer(&early, &seal_key()),
        Err(AnswerRefused::NotSelected(ids[0]))
    );
    let select = select(&mut own, &ids[0], 1).unwrap();
    let right = deal.answer(&own, &select, deal.opened(&own)).body;
    let before = own.clone();
    let mut why = |change: &dyn Fn(&mut Answer), signer: &NodeKey| {
        let mut answer = right.clone();
        change(&mut answer);
        let why = own.answer(&answer.sign(signer), &seal_key()).unwrap_err();
        assert_eq!(own, before);
        why
    };
    let provider = deal.key();
    assert!(matches!(why(&|_| (), &key(50)), AnswerRefused::Signature(_)));
    assert_eq!(why(&|a| a.version = 2, &provider), AnswerRefused::Version(2));
    assert_eq!(
        why(&|a| a.claim = ClaimId::new([0; 32]), &provider),
        AnswerRefused::Stranger
    );
    assert_eq!(
        why(&|a| a.network = NetworkId::new("another").unwrap(), &provider),
        AnswerRefused::Stranger
    );
    assert!(matches!(
        why(&|a| a.order = SwapId::new([0; 32]), &provider),
        AnswerRefused::Order { .. }
    ));
    let seal =
        |opening: Opening, to: NodeId| Verdict::Opened(opening.seal(&right.claim, &to, &[5; 32]).unwrap());
    let to_another = seal(opening(10), key(50).id());
    assert!(matches!(
        why(&|a| a.verdict = to_another.clone(), &provider),
        AnswerRefused::Opening(UnsealError::Sealed(_))
    ));
    let another = seal(opening(11), seal_key().id());
    assert_eq!(
        why(&|a| a.verdict = another.clone(), &provider),
        AnswerRefused::Match(MatchError::Stranger("provider's opening"))
    );
    assert!(own.answer(&right.sign(&provider), &seal_key()).is_ok());
}

#[test]
fn an_order_that_settlement_did_not_begin_frees_its_amount_for_the_next_quote() {
    let deals = [deal(10, GIVE, 1_960), deal(11, GIVE, 1_950)];
    let (mut own, ids) = with(None, &deals);
    assert_eq!(own.not_begun(&ids[0]), Err(SelectRefused::NotOpened(ids[0])));
    let chosen = select(&mut own, &ids[0], 1).unwrap();
    assert_eq!(own.not_begun(&ids[0]), Err(SelectRefused::NotOpened(ids[0])));
    let yes = deals[0].answer(&own, &chosen, deals[0].opened(&own));
    own.answer(&yes, &seal_key()).unwrap();
    own.not_begun(&ids[0]).unwrap();
    assert_eq!((own.orders().count(), pick(&own)), (0, vec![ids[1]]));
}

#[test]
fn a_selection_takes_a_fresh_hashlock_the_claims_key_and_a_quote_that_still_binds() {
    let (mut own, ids) = with(None, &[deal(10, GIVE, 1_960), deal(11, GIVE, 1_950)]);
    let stranger = own.select(&ids[0], chosen(1), &key(50), NOW);
    assert!(matches!(stranger, Err(SelectRefused::Key { .. })));
    let unknown = FulfilId::new([0; 32]);
    assert_eq!(
        select(&mut own, &unknown, 1),
        Err(SelectRefused::Unknown(unknown))
    );
    let late = own.select(&ids[0], chosen(1), &claim_key(), NOW + 30_000);
    assert_eq!(late, Err(SelectRefused::Expired(ids[0])));
    let over = own.select(&ids[0], chosen(1), &claim_key(), NOW + 600_000);
    assert_eq!(over, Err(SelectRefused::Closed));
    let crowd = Opening {
        contacts: vec![Contact::new("/memory/1").unwrap(); 5],
        ..opening(200)
    };
    let crowded = Chosen {
        opening: crowd,
        ..chosen(1)
    };
    let crowded = own.select(&ids[0], crowded, &claim_key(), NOW);
    assert_eq!(crowded, Err(SelectRefused::Opening(FulfilError::Contacts(5))));
    select(&mut own, &ids[0], 1).unwrap();
    own.give_up(&ids[0]).unwrap();
    assert_eq!(
        select(&mut own, &ids[1], 1),
        Err(SelectRefused::Hashlock(chosen(1).hashlock)),
        "the preimage may be known"
    );
}

#[test]
fn a_hidden_limit_is_opened_to_the_selected_provider() {
    let limit_opening = LimitOpening {
        ratio: limit(),
        salt: [9; 32],
    };
    let hidden = Claim {
        limit: Limit::Hidden(limit_opening.commit()),
        ..claim(1, None)
    };
    let mut own = OwnClaim::new(hidden.sign(&claim_key()), limit(), Some(limit_opening), 3_000).unwrap();
    let low = deal(10, GIVE, 1_899).envelope(&own.claim().body.clone());
    assert!(matches!(
        refused(&mut own, low),
        QuoteRefused::Terms(MatchError::Price { .. })
    ));
    let deal = deal(10, GIVE, 1_900);
    let id = take(&mut own, &deal);
    let select = select(&mut own, &id, 1).unwrap();
    assert_eq!(select.limit, Some(limit_opening));
    let yes = deal.answer(&own, &select, deal.opened(&own));
    assert!(own.answer(&yes, &seal_key()).is_ok());
}

#[test]
fn a_claim_that_is_taken_back_takes_no_quote_selects_none_and_keeps_what_was_opened() {
    let deals = [deal(10, 40, 800), deal(11, 40, 790), deal(12, 20, 390)];
    let (mut own, ids) = with(Some(10), &deals);
    let first = select(&mut own, &ids[0], 1).unwrap();
    let yes = deals[0].answer(&own, &first, deals[0].opened(&own));
    own.answer(&yes, &seal_key()).unwrap();
    let second = select(&mut own, &ids[1], 2).unwrap();
    assert!(own.cancel(&key(50)).is_err());
    let cancel = own.cancel(&claim_key()).unwrap();
    assert_eq!(cancel.check(), Ok(()));
    assert_eq!(own.cancel(&claim_key()), Ok(cancel), "the same word again");
    let filled = ClaimState::Filled {
        give: Amount::new(40),
        want: Amount::new(800),
    };
    assert_eq!(own.state(NOW), filled);
    assert_eq!((pick(&own), own.ready(NOW + 3_000)), (vec![], false));
    assert_eq!(select(&mut own, &ids[2], 3), Err(SelectRefused::Closed));
    let late = deals[1].answer(&own, &second, deals[1].opened(&own));
    assert!(matches!(
        own.answer(&late, &seal_key()),
        Err(AnswerRefused::Ended { .. })
    ));
    let new = deal(13, 20, 400).envelope(&own.claim().body.clone());
    assert_eq!(refused(&mut own, new), QuoteRefused::Closed);
    let mut none = super::own(None);
    none.cancel(&claim_key()).unwrap();
    assert_eq!(none.state(NOW), ClaimState::Cancelled);
    assert_eq!(super::own(None).state(NOW + 600_000), ClaimState::Expired);
}

#[test]
fn a_state_in_which_more_is_selected_than_the_claim_gives_is_not_read() {
    let (mut own, ids) = with(None, &[deal(10, GIVE, 1_960), deal(11, GIVE, 1_950)]);
    select(&mut own, &ids[0], 1).unwrap();
    let mut other = own.clone();
    other.give_up(&ids[0]).unwrap();
    select(&mut other, &ids[1], 2).unwrap();
    own.quotes.clear();
    own.selections.append(&mut other.selections);
    assert!(OwnClaim::read(&own.write()).is_err());
    own.selections.pop_first();
    assert!(OwnClaim::read(&own.write()).is_ok());
    own.ended
        .insert(*own.selections.keys().next().unwrap(), Ending::Refused);
    assert!(OwnClaim::read(&own.write()).is_err(), "two states at once");
}
