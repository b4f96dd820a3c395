//! Quotes on their way back, and what is done to them.

use super::desk::*;
use super::world::*;
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;

/// A relay between neighbours 1 and 2, and a quote of a provider two hops behind neighbour 2.
struct Way {
    desk: Desk,
    id: ClaimId,
    quote: FulfilEnvelope,
}

/// The hops behind us: neighbour 2, and one more.
fn behind(id: &ClaimId) -> [NodeKey; 2] {
    [neighbour_key(2, id), hop(5)]
}

fn continued(to_two: &ClaimEnvelope) -> Vec<HopEntry> {
    let id = to_two.claim.body.id();
    let mut path = to_two.path.clone();
    let nexts = [hop(5).id(), hop(6).id()];
    for (signer, next) in behind(&id).iter().zip(nexts) {
        let (index, previous) = (u8::try_from(path.len()).unwrap(), path.last().unwrap().digest());
        path.push(HopEntry::sign(&id, (index, previous), signer, next, (None, None)));
    }
    path
}

/// The two hops' signatures for a quote.
fn returned(id: &ClaimId, fulfil: &Fulfil, last: u8) -> Vec<ReturnEntry> {
    let [two, five] = behind(id);
    let first = ReturnEntry::sign(last, *fulfil.id().as_bytes(), None, &five);
    let second = ReturnEntry::sign(last - 1, first.digest(), None, &two);
    vec![first, second]
}

fn quote_by(id: ClaimId, path: Vec<HopEntry>, key: &NodeKey) -> FulfilEnvelope {
    let last = path.last().unwrap();
    let fulfil = fulfil(id, last.digest(), key);
    let returns = returned(&id, &fulfil.body, last.index);
    FulfilEnvelope {
        fulfil,
        path,
        returns,
    }
}

fn way() -> Way {
    let mut desk = Desk::new(3);
    let taken = desk.claim(1, envelope(1, 1, 1)).unwrap();
    let (_, to_two) = taken
        .forward
        .into_iter()
        .find(|(link, _)| *link == Link(2))
        .unwrap();
    let id = taken.received.id;
    let quote = quote_by(id, continued(&to_two), &key("quote", &[1]));
    Way { desk, id, quote }
}

impl Way {
    fn pass(&mut self, from: u64, quote: FulfilEnvelope) -> Result<Passed<FulfilEnvelope>, FulfilRefused> {
        self.desk.relay.fulfil(Link(from), quote, NOW)
    }

    /// Refused for what reason and with what blame; changes nothing, and the true quote still passes.
    fn refused(mut self, from: u64, quote: FulfilEnvelope) -> (FulfilRefused, Option<Blame>) {
        let before = (self.desk.relay.dump(), self.desk.relay.statistics());
        let why = self.pass(from, quote).unwrap_err();
        assert_eq!((self.desk.relay.dump(), self.desk.relay.statistics()), before);
        let honest = self.quote.clone();
        assert!(matches!(self.pass(2, honest), Ok(Passed::On(Link(1), _))));
        let blame = why.blame();
        (why, blame)
    }
}

#[test]
fn a_quote_goes_to_where_its_claim_came_from_with_one_signature_more() {
    let mut way = way();
    let quote = way.quote.clone();
    let Ok(Passed::On(Link(1), passed)) = way.pass(2, quote.clone()) else {
        panic!("not passed");
    };
    assert_eq!((&passed.fulfil, &passed.path), (&quote.fulfil, &quote.path));
    let path = Path::new(&claim(1), &way.id, passed.path).unwrap();
    let fulfil = passed.fulfil.body.id();
    assert!(check_returns(&path, fulfil.as_bytes(), &passed.returns, 3).is_ok());
    assert_eq!(passed.returns.len(), 3);
}

#[test]
fn stripped_return_entries_are_refused_and_blamed() {
    for strip in [0, 1] {
        let way = way();
        let mut quote = way.quote.clone();
        quote.returns.remove(strip);
        let why = ReturnError::Length { got: 1, want: 2 };
        assert_eq!(way.refused(2, quote), (why.into(), Some(Blame::Path)));
    }
}

#[test]
fn swapped_and_foreign_return_entries_are_refused_and_blamed() {
    let way_one = way();
    let mut swapped = way_one.quote.clone();
    swapped.returns.swap(0, 1);
    let why = ReturnError::Index { want: 5, says: 4 };
    assert_eq!(way_one.refused(2, swapped), (why.into(), Some(Blame::Path)));

    let way_two = way();
    let mut foreign = way_two.quote.clone();
    foreign.returns[1] = ReturnEntry::sign(4, foreign.returns[0].digest(), None, &hop(9));
    let (why, blame) = way_two.refused(2, foreign);
    assert!(
        matches!(why, FulfilRefused::Returns(ReturnError::Signature { at: 4, .. })),
        "{why}"
    );
    assert_eq!(blame, Some(Blame::Signature));

    let way_three = way();
    let mut of_another_quote = way_three.quote.clone();
    of_another_quote.returns[0] = ReturnEntry::sign(5, [1; 32], None, &hop(5));
    let (why, blame) = way_three.refused(2, of_another_quote);
    assert_eq!(why, ReturnError::Chain { at: 5 }.into());
    assert_eq!(blame, Some(Blame::Path));
}

#[test]
fn a_quote_for_another_path_is_dropped_by_the_first_relay() {
    let way = way();
    let mut quote = way.quote.clone();
    quote.fulfil = fulfil(way.id, [9; 32], &key("quote", &[1]));
    quote.returns = returned(&way.id, &quote.fulfil.body, 5);
    assert_eq!(
        way.refused(2, quote),
        (FulfilRefused::OtherPath, Some(Blame::Path))
    );
}

#[test]
fn a_path_that_was_changed_behind_us_is_refused_and_blamed() {
    type Change = fn(&mut Vec<HopEntry>);
    let changes: [(Change, PathError); 3] = [
        (
            |path| drop(path.remove(4)),
            PathError::Stripped { at: 4, says: 5 },
        ),
        (|path| path.swap(4, 5), PathError::Swapped { at: 4, says: 5 }),
        (|path| path[5].previous = [1; 32], PathError::Chain { at: 5 }),
    ];
    for (change, why) in changes {
        let way = way();
        let mut quote = way.quote.clone();
        change(&mut quote.path);
        assert_eq!(way.refused(2, quote), (why.into(), Some(Blame::Path)));
    }
}

#[test]
fn a_hop_behind_us_that_did_not_sign_its_entry_is_found_and_the_neighbour_blamed() {
    let way = way();
    let mut path = way.quote.path.clone();
    path[5] = HopEntry::sign(&way.id, (5, path[4].digest()), &hop(9), hop(6).id(), (None, None));
    path[5].hop_key = hop(5).id();
    let quote = quote_by(way.id, path, &key("quote", &[1]));
    let (why, blame) = way.refused(2, quote);
    assert!(
        matches!(why, FulfilRefused::Path(PathError::Signature { at: 5, .. })),
        "{why}"
    );
    assert_eq!(blame, Some(Blame::Signature));
}

#[test]
fn a_truncated_path_names_another_receiver_and_has_too_few_signatures() {
    let way = way();
    let mut path = way.quote.path.clone();
    path.truncate(4);
    let fulfil = fulfil(way.id, path[3].digest(), &key("quote", &[1]));
    // Neighbour 2 pretends to be the provider: that it may be, but then the quote is its own.
    let quote = FulfilEnvelope {
        fulfil,
        path,
        returns: way.quote.returns.clone(),
    };
    let why = ReturnError::Length { got: 2, want: 0 };
    assert_eq!(way.refused(2, quote), (why.into(), Some(Blame::Path)));
}

#[test]
fn a_relay_that_is_not_on_the_path_is_refused() {
    let way = way();
    let quote = way.quote.clone();
    let wrong = FulfilRefused::WrongNeighbour { gone: false };
    assert_eq!(way.refused(3, quote), (wrong, Some(Blame::Unsolicited)));
}

#[test]
fn a_quote_that_was_not_asked_for_is_refused_and_blamed() {
    let way_one = way();
    let elsewhere = path(&claim(1), &[&hop(1), &hop(2), &hop(5)], hop(6).id());
    let quote = quote_by(way_one.id, elsewhere, &key("quote", &[1]));
    assert_eq!(
        way_one.refused(2, quote),
        (FulfilRefused::NotOnPath, Some(Blame::Unsolicited))
    );

    let way_two = way();
    let unknown = path(&claim(2), &[&hop(1), &hop(2), &hop(5)], hop(6).id());
    let quote = quote_by(claim(2).id(), unknown, &key("quote", &[1]));
    assert_eq!(
        way_two.refused(2, quote),
        (FulfilRefused::Unsolicited, Some(Blame::Unsolicited))
    );
}

#[test]
fn a_replayed_quote_is_refused_and_blamed() {
    let mut way = way();
    let quote = way.quote.clone();
    way.pass(2, quote.clone()).unwrap();
    let why = way.pass(2, quote).unwrap_err();
    assert_eq!((why.blame(), why), (Some(Blame::Replay), FulfilRefused::Replayed));
}

#[test]
fn a_forged_late_or_endless_quote_is_refused() {
    let changed = |change: fn(&mut Fulfil)| {
        let way = way();
        let mut quote = way.quote.clone();
        let mut body = quote.fulfil.body.clone();
        change(&mut body);
        quote.fulfil = body.sign(&key("quote", &[1]));
        quote.returns = returned(&way.id, &quote.fulfil.body, 5);
        way.refused(2, quote)
    };
    let (why, blame) = changed(|f| f.key = hop(7).id());
    assert!(
        matches!(why, FulfilRefused::Fulfil(FulfilError::Signature(_))),
        "{why}"
    );
    assert_eq!(blame, Some(Blame::Signature));
    let far = MAX_QUOTE_LIFE_MS + SKEW;
    assert_eq!(changed(|f| f.expires_ms = NOW).1, None);
    assert_eq!(changed(|f| f.expires_ms = NOW - SKEW).1, None);
    assert_eq!(
        changed(|f| f.expires_ms = NOW - SKEW - 1).1,
        Some(Blame::Malformed)
    );
    let (why, blame) = changed(|f| f.expires_ms = NOW + MAX_QUOTE_LIFE_MS + 30_001);
    assert_eq!(
        (why, blame),
        (
            FulfilRefused::TooLong {
                ahead_ms: 1,
                gross: false
            },
            None
        )
    );
    assert_eq!(far, MAX_QUOTE_LIFE_MS + 30_000);
    assert_eq!(
        changed(|f| f.expires_ms = NOW + MAX_QUOTE_LIFE_MS + 60_001).1,
        Some(Blame::Malformed)
    );
    assert_eq!(changed(|f| f.version = 2).1, None);
    let elsewhere = |f: &mut Fulfil| f.network = NetworkId::new("kofo-other").unwrap();
    assert_eq!(
        changed(elsewhere),
        (FulfilRefused::Network, Some(Blame::Malformed))
    );
}

#[test]
fn a_quote_for_a_claim_that_is_over_is_nobodys_fault() {
    let mut way = way();
    let late = NOW + LIFE + SKEW + 1;
    way.desk.relay.expire(late);
    let mut body = way.quote.fulfil.body.clone();
    body.expires_ms = late + 1_000;
    let mut quote = way.quote.clone();
    quote.fulfil = body.sign(&key("quote", &[1]));
    let why = way.desk.relay.fulfil(Link(2), quote, late).unwrap_err();
    assert_eq!((why.blame(), why), (None, FulfilRefused::ClaimOver));
}

#[test]
fn when_a_neighbour_left_its_quotes_wait_for_it_and_nobody_is_blamed() {
    let mut way = way();
    let quote = way.quote.clone();
    way.desk.relay.unlink(Link(1));
    assert_eq!(way.pass(2, quote.clone()), Err(FulfilRefused::Gone));
    way.desk.link(11, 1, LinkRole::Relay);
    assert!(matches!(way.pass(2, quote), Ok(Passed::On(Link(11), _))));
}

#[test]
fn a_neighbour_that_came_back_may_still_bring_the_quotes_that_it_was_asked_for() {
    let mut way = way();
    let quote = way.quote.clone();
    way.desk.relay.unlink(Link(2));
    let why = way.pass(3, quote.clone()).unwrap_err();
    assert_eq!(
        (why.blame(), why),
        (None, FulfilRefused::WrongNeighbour { gone: true })
    );
    way.desk.link(12, 2, LinkRole::Relay);
    assert!(matches!(way.pass(12, quote), Ok(Passed::On(Link(1), _))));
}

#[test]
fn our_own_quote_answers_a_copy_that_we_hold_and_no_other() {
    let mut desk = Desk::new(2);
    let received = desk.claim(1, envelope(1, 1, 1)).unwrap().received;
    let good = fulfil(received.id, received.path.digest(), &key("quote", &[1]));
    let other = fulfil(received.id, [1; 32], &key("quote", &[1]));
    assert_eq!(
        desk.relay.quote(&received, other, NOW),
        Err(FulfilRefused::OtherPath)
    );
    let mut forged = good.clone();
    forged.signature = envelope(1, 1, 1).claim.signature;
    assert!(matches!(
        desk.relay.quote(&received, forged, NOW),
        Err(FulfilRefused::Fulfil(_))
    ));
    let (link, sent) = desk.relay.quote(&received, good.clone(), NOW).unwrap();
    assert_eq!((link, sent.returns), (Link(1), vec![]));
    assert_eq!(
        desk.relay.quote(&received, good.clone(), NOW),
        Err(FulfilRefused::Replayed)
    );
    desk.relay.expire(NOW + LIFE + SKEW + 1);
    assert!(desk.relay.quote(&received, good, NOW).is_err());
}

#[test]
fn a_neighbour_is_known_by_the_quotes_that_it_brings() {
    let mut way = way();
    let quote = way.quote.clone();
    way.pass(2, quote).unwrap();
    let of = |link| {
        let statistics = way.desk.relay.statistics();
        *statistics.links.iter().find(|l| l.link == Link(link)).unwrap()
    };
    assert_eq!((of(1).held, of(1).passed, of(1).quotes), (1, 0, 0));
    assert_eq!((of(2).held, of(2).passed, of(2).quotes), (0, 1, 1));
    assert_eq!((of(3).held, of(3).passed, of(3).quotes), (0, 1, 0));
}
