//! Selections and their answers over one relay.

use super::desk::*;
use super::world::*;
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;

/// A relay that passed a quote from neighbour 2 to neighbour 1.
struct Deal {
    desk: Desk,
    claim: ClaimId,
    fulfil: FulfilId,
}

fn provider() -> NodeKey {
    key("quote", &[1])
}

fn deal() -> Deal {
    let mut desk = Desk::new(3);
    let taken = desk.claim(1, envelope(1, 1, 1)).unwrap();
    let (_, to_two) = taken
        .forward
        .into_iter()
        .find(|(link, _)| *link == Link(2))
        .unwrap();
    let claim = taken.received.id;
    let quote = FulfilEnvelope {
        fulfil: fulfil(claim, to_two.path.last().unwrap().digest(), &provider()),
        path: to_two.path,
        returns: vec![],
    };
    let fulfil = quote.fulfil.body.id();
    desk.relay.fulfil(Link(2), quote, NOW).unwrap();
    Deal { desk, claim, fulfil }
}

impl Deal {
    fn selection(&self) -> SelectEnvelope {
        select(self.claim, self.fulfil, &claim_key(1))
    }

    fn answer(&self) -> Signed<Answer> {
        answer(self.claim, self.fulfil, &provider())
    }

    fn select(
        &mut self,
        from: u64,
        envelope: SelectEnvelope,
    ) -> Result<Link, (SelectStopped, Option<Blame>)> {
        match self.desk.relay.select(Some(Link(from)), envelope.clone(), NOW) {
            Ok(Passed::On(link, passed)) => {
                assert_eq!(passed, envelope);
                Ok(link)
            }
            Ok(Passed::Ours(_)) => panic!("it is not ours"),
            Err(why) => Err((why.clone(), why.blame())),
        }
    }

    fn answered(
        &mut self,
        from: u64,
        answer: Signed<Answer>,
    ) -> Result<Link, (AnswerStopped, Option<Blame>)> {
        match self.desk.relay.answer(Some(Link(from)), answer.clone(), NOW) {
            Ok(Passed::On(link, passed)) => {
                assert_eq!(passed, answer);
                Ok(link)
            }
            Ok(Passed::Ours(_)) => panic!("it is not ours"),
            Err(why) => Err((why.clone(), why.blame())),
        }
    }
}

#[test]
fn a_selection_goes_where_the_quote_came_from_and_its_answer_back() {
    let mut deal = deal();
    let (selection, answer) = (deal.selection(), deal.answer());
    assert_eq!(deal.select(1, selection), Ok(Link(2)));
    assert_eq!(deal.answered(2, answer), Ok(Link(1)));
}

#[test]
fn the_very_same_selection_passes_again_some_times_and_another_never() {
    let mut deal = deal();
    let selection = deal.selection();
    for _ in 0..16 {
        assert_eq!(deal.select(1, selection.clone()), Ok(Link(2)));
    }
    assert_eq!(
        deal.select(1, selection.clone()),
        Err((SelectStopped::Repeated(16), None))
    );
    let mut other = selection.select.body.clone();
    other.hashlock = Preimage::new([99; 32]).hashlock();
    let other = SelectEnvelope {
        select: other.sign(&claim_key(1)),
        ..selection.clone()
    };
    let mut other_part = selection;
    other_part.part = Bytes::new([1]).unwrap();
    for another in [other, other_part] {
        assert_eq!(
            deal.select(1, another),
            Err((SelectStopped::Another, Some(Blame::Replay)))
        );
    }
}

#[test]
fn a_selection_that_the_claimant_did_not_sign_is_refused_and_takes_nobodys_place() {
    let mut deal = deal();
    let forged = select(deal.claim, deal.fulfil, &claim_key(2));
    let (why, blame) = deal.select(1, forged).unwrap_err();
    assert!(matches!(why, SelectStopped::Signature(_)), "{why}");
    assert_eq!(blame, Some(Blame::Signature));
    let selection = deal.selection();
    assert_eq!(deal.select(1, selection), Ok(Link(2)));
}

#[test]
fn only_the_neighbour_that_got_the_quote_may_select_it() {
    let mut deal = deal();
    let wrong = (
        SelectStopped::WrongNeighbour { gone: false },
        Some(Blame::Unsolicited),
    );
    for from in [2, 3] {
        let selection = deal.selection();
        assert_eq!(deal.select(from, selection), Err(wrong.clone()));
    }
    let selection = deal.selection();
    assert_eq!(deal.select(9, selection), Err((SelectStopped::UnknownLink, None)));
}

#[test]
fn a_selection_of_what_never_came_by_is_refused_and_blamed() {
    let mut deal = deal();
    let unknown = select(deal.claim, FulfilId::new([1; 32]), &claim_key(1));
    assert_eq!(
        deal.select(1, unknown),
        Err((SelectStopped::Unsolicited, Some(Blame::Unsolicited)))
    );
    let other_claim = select(claim(2).id(), deal.fulfil, &claim_key(1));
    assert_eq!(
        deal.select(1, other_claim),
        Err((SelectStopped::OtherClaim, Some(Blame::Malformed)))
    );
}

#[test]
fn a_selection_of_another_version_or_network_is_refused() {
    let mut deal = deal();
    let changed = |change: fn(&mut Select)| {
        let mut envelope = select(claim(1).id(), FulfilId::new([1; 32]), &claim_key(1));
        change(&mut envelope.select.body);
        envelope
    };
    let newer = changed(|s| s.version = 2);
    assert_eq!(deal.select(1, newer), Err((SelectStopped::Version(2), None)));
    let foreign = changed(|s| s.network = NetworkId::new("kofo-other").unwrap());
    assert_eq!(
        deal.select(1, foreign),
        Err((SelectStopped::Network, Some(Blame::Malformed)))
    );
}

#[test]
fn a_late_selection_is_nobodys_fault_and_an_early_answer_is_one() {
    let mut deal = deal();
    let early = deal.answer();
    let unasked = (AnswerStopped::Unsolicited, Some(Blame::Unsolicited));
    assert_eq!(deal.answered(2, early), Err(unasked));
    let (selection, expires) = (deal.selection(), NOW + 30_000);
    let relay = &mut deal.desk.relay;
    let late = relay.select(Some(Link(1)), selection.clone(), expires + SKEW + 1);
    assert_eq!(late, Err(SelectStopped::QuoteOver));
    assert!(relay.select(Some(Link(1)), selection, expires + SKEW).is_ok());
}

#[test]
fn an_answer_comes_in_its_time_even_when_claim_and_quote_have_expired() {
    let mut deal = deal();
    let (selection, answer) = (deal.selection(), deal.answer());
    deal.select(1, selection.clone()).unwrap();
    let late = NOW + LIFE + SKEW + 1;
    deal.desk.relay.expire(late);
    assert_eq!(deal.desk.relay.statistics().claims, 0);
    assert!(
        deal.desk
            .relay
            .answer(Some(Link(2)), answer.clone(), late)
            .is_ok()
    );
    deal.desk.relay.expire(NOW + 30_000 + 120_001);
    assert_eq!(deal.answered(2, answer), Err((AnswerStopped::QuoteOver, None)));
    assert_eq!(deal.select(1, selection), Err((SelectStopped::QuoteOver, None)));
}

#[test]
fn an_answer_that_the_provider_did_not_sign_is_refused_and_blamed() {
    let mut deal = deal();
    let (selection, good) = (deal.selection(), deal.answer());
    deal.select(1, selection).unwrap();
    let forged = answer(deal.claim, deal.fulfil, &claim_key(1));
    let (why, blame) = deal.answered(2, forged).unwrap_err();
    assert!(matches!(why, AnswerStopped::Signature(_)), "{why}");
    assert_eq!(blame, Some(Blame::Signature));
    let wrong = AnswerStopped::WrongNeighbour { gone: false };
    for from in [1, 3] {
        assert_eq!(
            deal.answered(from, good.clone()),
            Err((wrong.clone(), Some(Blame::Unsolicited)))
        );
    }
    let other_claim = answer(claim(2).id(), deal.fulfil, &provider());
    assert_eq!(
        deal.answered(2, other_claim),
        Err((AnswerStopped::OtherClaim, Some(Blame::Malformed)))
    );
    assert_eq!(deal.answered(2, good), Ok(Link(1)));
}

#[test]
fn answers_to_one_selection_are_bounded() {
    let mut deal = deal();
    let (selection, answer) = (deal.selection(), deal.answer());
    deal.select(1, selection).unwrap();
    for _ in 0..16 {
        assert_eq!(deal.answered(2, answer.clone()), Ok(Link(1)));
    }
    assert_eq!(deal.answered(2, answer), Err((AnswerStopped::Repeated(16), None)));
}

#[test]
fn a_selection_waits_for_a_neighbour_that_left_and_its_answer_too() {
    let mut deal = deal();
    let (selection, answer) = (deal.selection(), deal.answer());
    deal.desk.relay.unlink(Link(2));
    assert_eq!(
        deal.select(1, selection.clone()),
        Err((SelectStopped::Gone, None))
    );
    deal.desk.link(12, 2, LinkRole::Relay);
    assert_eq!(deal.select(1, selection), Ok(Link(12)));
    deal.desk.relay.unlink(Link(1));
    assert_eq!(
        deal.answered(12, answer.clone()),
        Err((AnswerStopped::Gone, None))
    );
    deal.desk.link(11, 1, LinkRole::Relay);
    assert_eq!(deal.answered(12, answer), Ok(Link(11)));
}

#[test]
fn nobody_but_we_select_the_quotes_for_our_own_claim() {
    let mut desk = Desk::new(2);
    let own = claim(1).sign(&claim_key(1));
    let sent = desk.relay.originate(&own, &claim_key(1), NOW).unwrap();
    let (link, envelope) = sent.into_iter().next().unwrap();
    let quote = FulfilEnvelope {
        fulfil: fulfil(own.body.id(), envelope.path[0].digest(), &provider()),
        path: envelope.path,
        returns: vec![],
    };
    let fulfil = quote.fulfil.body.id();
    assert!(matches!(desk.relay.fulfil(link, quote, NOW), Ok(Passed::Ours(_))));
    let selection = select(own.body.id(), fulfil, &claim_key(1));
    let stolen = desk.relay.select(Some(link), selection.clone(), NOW);
    assert_eq!(stolen, Err(SelectStopped::WrongNeighbour { gone: false }));
    assert_eq!(
        desk.relay.select(None, selection.clone(), NOW),
        Ok(Passed::On(link, selection))
    );
    let answer = answer(own.body.id(), fulfil, &provider());
    assert_eq!(
        desk.relay.answer(Some(link), answer.clone(), NOW),
        Ok(Passed::Ours(answer))
    );
}
