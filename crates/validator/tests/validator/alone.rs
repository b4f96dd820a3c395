//! The ledger driven by hand: what is proposed, judged, kept, answered and punished.

use crate::hand::{Hands, NOW};
use crate::orders::{claim_key, secret};
use crate::town::*;
use kofo_clearance::*;
use kofo_consensus::{Application, Judged, Origin, Slot};
use kofo_primitives::*;
use kofo_validator::*;

fn light(hands: &Hands) -> Light {
    let first = Ledger::new(hands.genesis.clone(), std::sync::Arc::new(NoProofs)).unwrap();
    Light::new(network(), first.validators(), hands.genesis.time_ms)
}

fn answer(hands: &Hands, order: SwapId) -> OrderAnswer {
    match hands.ask(1, &Request::Order(order)) {
        Response::Order(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_order_is_taken_committed_and_proven_to_a_light_node() {
    let hands = Hands::new(4);
    let submission = order(1, NOW);
    let id = order_of(&submission);
    assert_eq!(answer(&hands, id), OrderAnswer::Unknown);
    hands.submit(0, submission.clone()).unwrap();
    assert_eq!(answer(&hands, id), OrderAnswer::Waiting);
    hands.step(2).await;
    let OrderAnswer::Committed(proof) = answer(&hands, id) else {
        panic!("{:?}", answer(&hands, id));
    };
    let certified = light(&hands).order(id, &proof, hands.now()).unwrap();
    assert_eq!((certified.order(), certified.height()), (id, 1));
    hands.step(3).await;
    let balance = |account| match hands.ask(0, &Request::Account(account)) {
        Response::Account(view) => view.holdings[0].free,
        other => panic!("{other:?}"),
    };
    assert_eq!(balance(key(CLAIMANT).id()), Amount::new(99_700_000));
    // The same order again is refused, and the refusal does not hide that it is final.
    assert!(matches!(hands.submit(0, submission), Err(IntakeError::Ledger(_))));
    assert!(matches!(answer(&hands, id), OrderAnswer::Committed(_)));
}

fn ask(key: &NodeKey, of: Option<SwapId>, time_ms: u64) -> Signed<Ask> {
    let ask = Ask {
        version: 1,
        network: network(),
        key: key.id(),
        of,
        after: 0,
        time_ms,
    };
    ask.sign(key)
}

fn refused(response: Response) -> RefusedClass {
    match response {
        Response::Refused { class, .. } => class,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_parts_of_an_order_are_for_its_parties_alone_and_for_a_minute() {
    let hands = Hands::new(4);
    let submission = order(1, NOW);
    let id = order_of(&submission);
    hands.submit(0, submission).unwrap();
    hands.step(0).await;
    for party in [claim_key(1), secret(23, 1), key(PROVIDER)] {
        let request = Request::Parts(ask(&party, Some(id), hands.now()));
        let Response::Parts(sealed) = hands.ask(3, &request) else {
            panic!("a party gets its parts");
        };
        let plain = open(&party, &parts_context(id), &sealed).unwrap();
        let parts: MatchedParts = decode(&plain).unwrap();
        assert_eq!(MatchedOrder::new(parts).unwrap().id(), id);
        assert!(open(&key(99), &parts_context(id), &sealed).is_err());
    }
    let stranger = Request::Parts(ask(&key(CLAIMANT), Some(id), hands.now()));
    assert_eq!(refused(hands.ask(3, &stranger)), RefusedClass::Unknown);
    let old = Request::Parts(ask(&claim_key(1), Some(id), hands.now() - 61_000));
    assert_eq!(refused(hands.ask(3, &old)), RefusedClass::Invalid);
    let mut forged = ask(&claim_key(1), Some(id), hands.now());
    forged.body.after = 1;
    assert_eq!(
        refused(hands.ask(3, &Request::Parts(forged))),
        RefusedClass::Invalid
    );
    let Response::Mine(mine) = hands.ask(2, &Request::Mine(ask(&key(PROVIDER), None, hands.now()))) else {
        panic!("a provider sees its orders");
    };
    assert_eq!(mine, [(id, 1)]);
}

#[tokio::test]
async fn acts_are_proposed_in_their_sequence_however_they_come() {
    let hands = Hands::new(4);
    for sequence in [2, 0, 1] {
        hands.submit(0, transfer(sequence, 10)).unwrap();
    }
    hands.step(0).await;
    let view = hands.all[3].replica.now().ledger.account(key(CLAIMANT).id());
    assert_eq!(view.sequence, 3);
    assert!(hands.all.iter().all(|one| one.intake.pool().is_empty()));
    // Far ahead of what is known, and done already: both are refused at once.
    for sequence in [2, 900] {
        let refused = hands.submit(0, transfer(sequence, 10));
        assert!(matches!(refused, Err(IntakeError::Ledger(_))), "{refused:?}");
    }
}

/// The batch of the proposer, as `change` makes it, with a header that fits the new operations.
async fn tampered(hands: &Hands, change: impl FnOnce(&mut Batch)) -> Vec<u8> {
    let proposal = hands.all[0].replica.build(hands.slot()).await.unwrap();
    let mut batch = Batch::read(&proposal.payload, 500_000).unwrap();
    change(&mut batch);
    batch.write()
}

#[tokio::test]
async fn a_proposer_that_shifts_one_unit_to_itself_is_voted_down_and_complained_of() {
    let hands = Hands::new(4);
    hands.submit(0, order(1, NOW)).unwrap();
    hands.later(1_000);
    // A state in which one unit more is the proposer's: it can only be said, not shown, by another root.
    let mut other = hands.genesis.clone();
    other.balances[0].free = Amount::new(5_000_001);
    other.balances[5].free = Amount::new(99_999_999);
    let lying = Hands::of(other);
    lying.later(1_000);
    lying.submit(0, order(1, NOW)).unwrap();
    let theirs = lying.all[0].replica.build(lying.slot()).await.unwrap();
    let lie = Batch::read(&theirs.payload, 500_000).unwrap().header.state;
    let payload = tampered(&hands, |batch| batch.header.state = lie).await;
    for by in 1..4 {
        let Judged::Invalid(why) = hands.judged(by, Origin::Proposed, &payload).await else {
            panic!("a lie is found");
        };
        assert!(why.contains("state root"), "{why}");
        let said = hands.all[by].intake.pool().ready(NOW);
        let complained =
            |op: &CheckedOp| matches!(op.op(), Op::Complaint(said) if said.complaint.height == 1);
        assert!(said.iter().any(|op| complained(op)), "{said:?}");
    }
}

#[tokio::test]
async fn a_dropped_opening_is_voted_down() {
    let hands = Hands::new(4);
    hands.submit(0, order(1, NOW)).unwrap();
    let ready = hands.all[0].intake.pool().ready(NOW);
    let Op::Order(cleared) = ready[0].op().clone() else {
        panic!("an order waits");
    };
    assert!(cleared.hops.iter().all(Option::is_some));
    let mut dropped = *cleared;
    dropped.hops[1] = None;
    let bytes = encode(&Op::Order(Box::new(dropped)));
    // Whoever proposes does not look at what it dropped itself.
    let lying = Hands::of(hands.genesis.clone());
    lying.all[0].intake.receive(&bytes).unwrap();
    lying.later(1_000);
    hands.later(1_000);
    let payload = lying.all[0].replica.build(lying.slot()).await.unwrap().payload;
    assert_eq!(Batch::read(&payload, 500_000).unwrap().ops, [bytes]);
    let Judged::Invalid(why) = hands.judged(1, Origin::Proposed, &payload).await else {
        panic!("an opening that was left out is found");
    };
    assert!(why.contains("hop 2"), "{why}");
    // What more than two thirds decided is not theirs to refuse.
    let synced = hands.judged(2, Origin::Synced, &payload).await;
    assert!(matches!(synced, Judged::Valid(_)), "{synced:?}");
}

#[tokio::test]
async fn the_time_of_a_proposal_is_near_ours_but_an_old_one_may_be_offered_again() {
    let hands = Hands::new(4);
    hands.later(1_000);
    let payload = hands.all[0].replica.build(hands.slot()).await.unwrap().payload;
    hands.later(6_000);
    let invalid = |judged| matches!(judged, Judged::Invalid(_));
    assert!(invalid(hands.judged(1, Origin::Proposed, &payload).await));
    assert!(!invalid(hands.judged(1, Origin::Repeated, &payload).await));
    hands.later(1_000_000);
    let future = hands.all[0].replica.build(hands.slot()).await.unwrap().payload;
    let earlier = Hands::of(hands.genesis.clone());
    assert!(invalid(earlier.judged(1, Origin::Repeated, &future).await));
    assert!(!invalid(earlier.judged(1, Origin::Synced, &future).await));
    // Nobody is complained of for a clock.
    assert!(hands.all[1].intake.pool().is_empty() && earlier.all[1].intake.pool().is_empty());
}

#[tokio::test]
async fn a_restart_knows_what_was_decided_with_and_without_a_snapshot_and_commits_the_same_again() {
    let mut hands = Hands::new(4);
    hands.submit(0, order(1, NOW)).unwrap();
    hands.submit(1, transfer(0, 10)).unwrap();
    hands.step(0).await;
    hands.step(1).await;
    let before = hands.all[0].replica.now().ledger.tip();
    hands.all[1].replica.snapshot().unwrap();
    hands.step(2).await;
    let tip = hands.all[0].replica.now().ledger.tip();
    for n in [0, 1] {
        hands.restart(n);
        assert_eq!(hands.all[n].replica.now().ledger.tip(), tip, "{before:?}");
    }
    let last = hands.all[0].replica.committed(3).await.unwrap().unwrap();
    let set = hands.all[0]
        .replica
        .commit(last.certificate, last.payload)
        .await
        .unwrap();
    assert_eq!(set, hands.all[0].replica.now().ledger.validators());
    hands.step(0).await;
    hands.step(1).await;
}

#[tokio::test]
async fn a_folder_of_another_genesis_is_refused() {
    let hands = Hands::new(4);
    let folder = tempfile::TempDir::new().unwrap();
    drop(Store::open(folder.path(), &hands.genesis.digest()).unwrap());
    let other = Store::open(folder.path(), &[1; 32]);
    assert!(matches!(other, Err(OpenError::OtherGenesis { .. })), "{other:?}");
}

#[tokio::test]
async fn a_better_certificate_takes_the_place_of_the_first() {
    let hands = Hands::new(4);
    let id = hands.step(0).await;
    let all = hands.certify(Slot { height: 1, round: 0 }, id, 4);
    let replica = &hands.all[0].replica;
    // The set of height 1 is that of height 2: the signatures are of the header that is the tip.
    replica.finalized(all.clone(), Vec::new()).await.unwrap();
    assert_eq!(replica.committed(1).await.unwrap().unwrap().certificate, all);
    let later = hands.step(0).await;
    let payload = replica.committed(2).await.unwrap().unwrap().payload;
    let batch = Batch::read(&payload, 500_000).unwrap();
    assert_eq!(batch.last, Some(all));
    assert_eq!(batch.header.id(), later);
}

#[tokio::test]
async fn who_votes_twice_is_slashed_by_the_evidence() {
    let hands = Hands::new(4);
    let id = hands.step(0).await;
    let (secret, account) = (keys(3).vote(), keys(3).account.id());
    let signed = |header| {
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: 1,
            round: 0,
            header,
        };
        SignedVote {
            vote,
            key: secret.key(),
            signature: secret.sign(&vote.digest(&network())),
        }
    };
    let (first, second) = (signed(Some(id)), signed(Some([9; 32])));
    let certificate = hands.certify(Slot { height: 1, round: 0 }, id, 3);
    let evidence = vec![DoubleVote { first, second }];
    hands.all[1]
        .replica
        .finalized(certificate, evidence)
        .await
        .unwrap();
    hands.step(1).await;
    let view = hands.all[0].replica.now().ledger.account(account);
    assert_eq!(view.holdings[0].stake, Amount::new(950_000));
    assert!(view.jailed_until_ms.is_some());
}

#[tokio::test]
async fn the_secret_is_given_to_validators_alone_and_sealed() {
    let hands = Hands::new(4);
    let ours = keys(2).account;
    let Response::Share(sealed) = hands.ask(0, &Request::Share(ask(&ours, None, hands.now()))) else {
        panic!("a validator gets its share");
    };
    let folder = tempfile::TempDir::new().unwrap();
    let committee = Committee::unknown(folder.path(), &hands.genesis);
    assert!(committee.take(&keys(1).account, &sealed).is_err());
    assert!(committee.key().is_none());
    committee.take(&ours, &sealed).unwrap();
    assert_eq!(committee.key().unwrap().id(), hands.genesis.seal_key);
    let again = Committee::open(folder.path(), &hands.genesis, &key(1)).unwrap();
    assert!(again.key().is_some(), "it is kept in the folder");
    let stranger = Request::Share(ask(&key(CLAIMANT), None, hands.now()));
    assert_eq!(refused(hands.ask(0, &stranger)), RefusedClass::Unknown);
}

#[tokio::test]
async fn what_cannot_be_an_order_is_refused_before_its_signatures_are_checked() {
    let hands = Hands::new(4);
    let refused = |change: &dyn Fn(&mut SubmittedOrder)| {
        let mut order = submitted(order(1, NOW));
        change(&mut order);
        match hands.all[0].intake.submit(Submission::Order(Box::new(order))) {
            Err(IntakeError::Order(why)) => *why,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(
        refused(&|o| o.claim.body.network = NetworkId::new("other").unwrap()),
        SubmittedError::Network { .. }
    ));
    assert!(matches!(
        refused(&|o| o.claim.body.mode = Mode::P2P),
        SubmittedError::Direct
    ));
    assert!(matches!(
        refused(&|o| o.claim.body.fee = FeeTerms::Free),
        SubmittedError::Fee
    ));
    assert!(matches!(
        refused(&|o| o.fulfil.body.expires_ms = NOW - 1),
        SubmittedError::Expired(1)
    ));
    assert!(matches!(
        refused(&|o| drop(o.returns.pop())),
        SubmittedError::Stripped { .. }
    ));
    assert!(matches!(
        refused(&|o| o.fulfil.body.for_validators = None),
        SubmittedError::NoOpening
    ));
    assert!(matches!(
        refused(&|o| o.terms.give = Amount::new(51)),
        SubmittedError::Match(_)
    ));
}

#[tokio::test]
async fn nobody_pays_who_did_not_sign() {
    let hands = Hands::new(4);
    let mut order = submitted(order(1, NOW));
    order.payment.as_mut().unwrap().body.account = key(1).id();
    match hands.all[0].intake.submit(Submission::Order(Box::new(order))) {
        Err(IntakeError::Check(why)) => assert!(matches!(*why, CheckError::Signature(_)), "{why}"),
        other => panic!("{other:?}"),
    }
}
