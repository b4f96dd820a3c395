//! What strangers, validators and a disk hand to the clearance layer: nothing is taken that nobody signed or certified.

use crate::claims::known;
use crate::cleared::*;
use crate::codec::canonical;
use crate::fixture::{key, network};
use crate::market::MADE;
use kofo_clearance::*;
use kofo_primitives::*;
use std::sync::{Arc, OnceLock};

const MOST: usize = 100_000;

/// An operation: who wants it signed it. Evidence from a chain and changes of orders are looked into by the ledger.
pub(crate) fn op(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let Some(op) = canonical::<Op>(data) else {
        return;
    };
    let Ok(read) = CheckedOp::read(data.to_vec(), &network()) else {
        return;
    };
    assert_eq!((read.op(), read.bytes(), read.leaf()), (&op, data, op.leaf()));
    match op {
        // What only validators see is left out, or right.
        Op::Order(had) => {
            let real = cleared();
            assert_eq!(had.order, real.order, "an order that nobody signed");
            let mut hops = had.hops.iter().zip(&real.hops);
            assert!(hops.all(|(hop, real)| hop.is_none() || hop == real));
            assert!(had.payment.is_none() || had.payment == real.payment);
        }
        Op::Amend(_) | Op::Proven(_) => {}
        Op::Act(_) | Op::Observed(_) | Op::DoubleVote(_) | Op::DoubleQuote(_) | Op::Complaint(_) => {
            assert!(
                known(seeds_of_ops, &KNOWN, data),
                "an operation that nobody signed"
            );
        }
    }
}

fn observation() -> Observation {
    Observation {
        version: 1,
        network: network(),
        order: cleared().order.id(),
        leg: LegId::first(Side::Alpha),
        count: 0,
        fact: Fact::Seen,
        tx: None,
        height: 100,
        depth: 1,
        tip: UnixTime(MADE / 1_000),
    }
}

fn double_vote() -> DoubleVote {
    let vote = |header| {
        let vote = Vote {
            kind: VoteKind::Prevote,
            height: 1,
            round: 0,
            header,
        };
        SignedVote {
            vote,
            key: voter(2).key(),
            signature: voter(2).sign(&vote.digest(&network())),
        }
    };
    DoubleVote {
        first: vote(None),
        second: vote(Some([1; 32])),
    }
}

fn ops() -> Vec<Op> {
    let transfer = kofo_clearance::Act::Transfer {
        to: key(10).id(),
        asset: kofo(),
        amount: Amount::new(5),
    };
    let complaint = Complaint {
        height: 1,
        round: 0,
        proposer: voter(1).key(),
    };
    let change = Change::Cancel;
    let id = cleared().order.id();
    let signed = |n| key(n).sign(&Amendment::digest(&network(), id, 0, change));
    let amendment = Amendment {
        version: 1,
        network: network(),
        order: id,
        count: 0,
        change,
        claimant: signed(1),
        provider: signed(3),
    };
    let proven = Proven {
        order: id,
        leg: LegId::first(Side::Beta),
        proof: vec![1, 2, 3],
    };
    vec![
        Op::Order(Box::new(cleared())),
        act(21, 0, transfer),
        Op::Observed(Box::new(observation().sign(&voter(1)))),
        Op::Proven(Box::new(proven)),
        Op::DoubleVote(Box::new(double_vote())),
        Op::Amend(Box::new(amendment)),
        Op::Complaint(Box::new(complaint.sign(&network(), &voter(3)))),
    ]
}

pub(crate) fn seeds_of_ops() -> Vec<Vec<u8>> {
    ops().iter().map(encode).collect()
}

/// The ledger after an empty batch, and the second batch as bytes.
fn second() -> (Ledger, Vec<u8>) {
    let began = ledger();
    let (first, _, finished) = proposal(&began, 1_000, None, &[]).expect("a batch of nothing");
    let last = certify(&first.header, &began.validators());
    let all: Vec<_> = ops().into_iter().map(checked).collect();
    let (batch, ..) = proposal(&finished.ledger, 1_000, Some(last), &all).expect("a batch");
    (finished.ledger, batch.write())
}

fn kept_second() -> &'static (Ledger, Vec<u8>) {
    static KEPT: OnceLock<(Ledger, Vec<u8>)> = OnceLock::new();
    KEPT.get_or_init(second)
}

/// A proposal: what is voted for is the honest one, but for its time.
pub(crate) fn batch(data: &[u8]) {
    let Ok(mut batch) = Batch::read(data, MOST) else {
        return;
    };
    assert_eq!(batch.write(), data, "one batch has one encoding");
    assert!(batch.op_bytes() <= MOST);
    let (ledger, honest) = kept_second();
    let ops: Result<Vec<_>, _> = batch
        .ops
        .iter()
        .map(|op| CheckedOp::read(op.clone(), &network()).map(Arc::new))
        .collect();
    let Ok(ops) = ops else {
        return;
    };
    if let Ok(finished) = judge(ledger, &batch, &ops) {
        assert_eq!(finished.header, batch.header);
        let right = Batch::read(honest, MOST).expect("an honest batch");
        batch.header.time_ms = right.header.time_ms;
        assert_eq!(batch, right, "a batch that nobody proposed");
    }
}

pub(crate) fn seeds_of_batches() -> Vec<Vec<u8>> {
    let (first, ..) = proposal(&ledger(), 1_000, None, &[]).expect("a batch of nothing");
    vec![kept_second().1.clone(), first.write()]
}

fn one_encoding<T: std::fmt::Debug>(read: Result<T, CodecError>, write: fn(&T) -> Vec<u8>, data: &[u8]) {
    if let Ok(message) = read {
        assert_eq!(write(&message), data, "one message has one encoding");
        assert!(!format!("{message:?}").is_empty());
    }
}

/// From a node to a validator.
pub(crate) fn request(data: &[u8]) {
    one_encoding(Request::read(data), Request::write, data);
}

fn ask() -> Signed<Ask> {
    let ask = Ask {
        version: 1,
        network: network(),
        key: key(21).id(),
        of: Some(cleared().order.id()),
        after: 1,
        time_ms: MADE,
    };
    ask.sign(&key(21))
}

pub(crate) fn seeds_of_requests() -> Vec<Vec<u8>> {
    let cleared = cleared();
    let parts = cleared.order.parts().clone();
    let submitted = SubmittedOrder {
        claim: parts.claim,
        path: parts.path,
        fulfil: parts.fulfil,
        terms: parts.terms,
        returns: parts.returns,
        select: parts.select,
        claimant: parts.claimant,
        payment: cleared.payment,
    };
    let submit = |submission| Request::Submit(Box::new(submission));
    let mut requests = vec![
        Request::Status,
        Request::Changes { after_epoch: 3 },
        submit(Submission::Order(Box::new(submitted))),
        Request::Order(cleared.order.id()),
        Request::Parts(ask()),
        Request::Mine(ask()),
        Request::Account(key(21).id()),
        Request::Share(ask()),
        Request::Op(encode(&act(21, 0, kofo_clearance::Act::Collect))),
    ];
    for op in ops() {
        requests.extend(match op {
            Op::Act(act) => Some(submit(Submission::Act(act))),
            Op::Amend(amendment) => Some(submit(Submission::Amend(amendment))),
            Op::Proven(proven) => Some(submit(Submission::Proven(proven))),
            _ => None,
        });
    }
    requests.iter().map(Request::write).collect()
}

/// From a validator to a node.
pub(crate) fn response(data: &[u8]) {
    one_encoding(Response::read(data), Response::write, data);
}

pub(crate) fn seeds_of_responses() -> Vec<Vec<u8>> {
    let header = certified();
    let status = ValidatorStatus {
        network: network(),
        genesis: genesis().digest(),
        height: header.height,
        time_ms: header.time_ms,
        header: header.id(),
        validators: set(0),
    };
    let receipt = ReceiptProof {
        certificate: certify(&header, &set(0)),
        header,
        receipt: receipt(),
        path: MerkleProof::of(&[receipt().leaf()], 0).expect("one leaf"),
    };
    let ended = OrderAnswer::Ended(Box::new(proof()), Box::new(receipt));
    let responses = [
        Response::Status(Box::new(status)),
        Response::Changes(vec![change()]),
        Response::Taken([1; 32]),
        Response::Order(Box::new(OrderAnswer::Committed(Box::new(proof())))),
        Response::Order(Box::new(ended)),
        Response::Parts(Bytes::new([1; 50]).expect("short")),
        Response::Mine(vec![(cleared().order.id(), 1)]),
        Response::refused(RefusedClass::Ledger, &"the quote has expired"),
    ];
    responses.iter().map(Response::write).collect()
}

/// Validators 1 to 4, then 2 to 5.
fn set(epoch: u8) -> ValidatorSet {
    let member = |n| Validator {
        key: voter(n).key(),
        account: key(n).id(),
        power: 1_000,
    };
    let members = (1..=4).map(|n| member(n + epoch)).collect();
    ValidatorSet::new(epoch.into(), members).expect("a set")
}

fn receipt() -> Receipt {
    Receipt {
        order: cleared().order.id(),
        ending: Ending::Settled,
        time_ms: MADE,
        payouts: [3; 32],
    }
}

fn leaves() -> [Digest; 3] {
    let order = cleared();
    [[1; 32], order_leaf(order.order.id(), &order.hidden()), [2; 32]]
}

/// The header that has the order and hands over to the next set.
fn certified() -> Header {
    Header {
        version: 1,
        network: network(),
        height: 7,
        time_ms: MADE + 7_000,
        previous: [1; 32],
        batch: merkle_root(&leaves()),
        state: [2; 32],
        receipts: merkle_root(&[receipt().leaf()]),
        validators: set(0).digest(),
        next_validators: set(1).digest(),
    }
}

fn proof() -> OrderProof {
    OrderProof {
        certificate: certify(&certified(), &set(0)),
        header: certified(),
        hidden: cleared().hidden(),
        path: MerkleProof::of(&leaves(), 1).expect("three leaves"),
    }
}

fn change() -> SetChange {
    SetChange {
        certificate: certify(&certified(), &set(0)),
        header: certified(),
        next: set(1),
    }
}

fn light() -> Light {
    Light::new(network(), set(0), MADE)
}

const NOW: u64 = MADE + 8_000;

/// That an order is final: nothing but the certified proof shows it.
pub(crate) fn order_proof(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    static ORDER: OnceLock<SwapId> = OnceLock::new();
    if let Some(proof) = canonical::<OrderProof>(data) {
        let order = *ORDER.get_or_init(|| cleared().order.id());
        let shown = light().order(order, &proof, NOW).is_ok();
        let known = || known(seeds_of_order_proofs, &KNOWN, data);
        assert!(!shown || known(), "an order that nobody certified");
    }
}

pub(crate) fn seeds_of_order_proofs() -> Vec<Vec<u8>> {
    vec![encode(&proof())]
}

/// That validators handed over to others.
pub(crate) fn set_change(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    if let Some(change) = canonical::<SetChange>(data) {
        let mut light = light();
        // The set that is known already is no change.
        let shown = light.advance(&change, NOW).is_ok() && change.next != set(0);
        assert_eq!(light.epoch() > 0, shown);
        let known = || known(seeds_of_set_changes, &KNOWN, data);
        assert!(!shown || known(), "validators that nobody certified");
    }
}

pub(crate) fn seeds_of_set_changes() -> Vec<Vec<u8>> {
    vec![encode(&change())]
}

/// A light node's state, as it comes from a disk: what is read is right enough to go on with.
pub(crate) fn light_state(data: &[u8]) {
    if let Ok(mut light) = Light::read(data) {
        assert_eq!(light.write(), data, "one state has one encoding");
        assert_eq!(light.epoch(), light.validators().epoch());
        let _ = light.order(SwapId::new([1; 32]), &proof(), NOW);
        let _ = light.advance(&change(), NOW);
        assert_eq!(Light::read(&light.write()), Ok(light));
    }
}

pub(crate) fn seeds_of_light_states() -> Vec<Vec<u8>> {
    let mut later = light();
    later.advance(&change(), NOW).expect("a right change");
    vec![light().write(), later.write()]
}

/// A network's beginning: it is refused, or the ledger goes on from it.
pub(crate) fn any_genesis(data: &[u8]) {
    let Some(genesis) = canonical::<Genesis>(data) else {
        return;
    };
    let (digest, time_ms) = (genesis.digest(), genesis.time_ms);
    let Ok(ledger) = Ledger::new(genesis, Arc::new(NoProofs)) else {
        return;
    };
    assert_eq!((ledger.tip().id, ledger.tip().time_ms), (digest, time_ms));
    // Over the end of an epoch.
    for later_ms in [1, 4_000_000] {
        if let Some((batch, ops, finished)) = proposal(&ledger, later_ms, None, &[]) {
            let judged = judge(&ledger, &batch, &ops).expect("an honest batch");
            assert_eq!(judged.header, finished.header);
        }
    }
}

pub(crate) fn seeds_of_geneses() -> Vec<Vec<u8>> {
    vec![encode(&genesis())]
}

/// A snapshot of the ledger: only that of the header is read.
pub(crate) fn snapshot(data: &[u8]) {
    static KEPT: OnceLock<(Header, Arc<Genesis>, Vec<u8>)> = OnceLock::new();
    let (header, genesis, right) = KEPT.get_or_init(|| {
        let (header, bytes) = snapped();
        (header, Arc::new(genesis()), bytes)
    });
    if Ledger::restore(genesis.clone(), Arc::new(NoProofs), header, data).is_ok() {
        assert!(data == right, "a ledger that the header does not name");
    }
}

fn snapped() -> (Header, Vec<u8>) {
    let (batch, _, finished) = proposal(&ledger(), 1_000, None, &[]).expect("a batch of nothing");
    (batch.header, finished.ledger.snapshot())
}

pub(crate) fn seeds_of_snapshots() -> Vec<Vec<u8>> {
    vec![snapped().1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_values_are_believed() {
        assert!(light().order(cleared().order.id(), &proof(), NOW).is_ok());
        assert!(light().advance(&change(), NOW).is_ok());
        let (ledger, honest) = kept_second();
        let batch = Batch::read(honest, MOST).unwrap();
        let ops: Vec<_> = batch
            .ops
            .iter()
            .map(|op| Arc::new(CheckedOp::read(op.clone(), &network()).unwrap()))
            .collect();
        assert!(judge(ledger, &batch, &ops).is_ok());
        for bytes in seeds_of_ops() {
            assert!(CheckedOp::read(bytes, &network()).is_ok());
        }
    }
}
