use super::*;
use crate::book::{Book, Purse};
use crate::fixtures::{asset, certify, genesis, validator};
use crate::op::{AccountAct, Act, Op};
use crate::proofs::NoProofs;
use kofo_primitives::{Amount, NodeId};

const MOST: usize = 100_000;

fn ledger() -> Ledger {
    let mut ledger = Ledger::new(genesis(4), Arc::new(NoProofs)).unwrap();
    let account = Purse::Free(NodeId::new([1; 32]));
    ledger.state.bring(account, &asset(), Amount::new(100)).unwrap();
    ledger
}

/// An honest batch at the height after the ledger's, and the ledger after it.
fn batch(ledger: &Ledger, last: Option<Certificate>) -> (Batch, Ledger) {
    let draft = ledger.next(ledger.tip().time_ms + 1_000, last.as_ref()).unwrap();
    let finished = draft.finish();
    let header = finished.header;
    let ops = Vec::new();
    (Batch { header, last, ops }, finished.ledger)
}

/// A ledger of height 1 and the batch of height 2, which has a certificate.
fn second() -> (Ledger, Batch) {
    let (first, after) = batch(&ledger(), None);
    let last = certify(&first.header, &after.last.clone().unwrap(), 0..3);
    let (second, _) = batch(&after, Some(last));
    (after, second)
}

#[test]
fn an_honest_batch_is_read_as_it_was_written_and_leads_everybody_to_one_ledger() {
    let (before, batch) = second();
    let read = Batch::read(&batch.write(), MOST).unwrap();
    assert_eq!(read, batch);
    let finished = judge(&before, &read, &[]).unwrap();
    assert_eq!(finished.header, batch.header);
    assert_eq!(finished.ledger.tip().height, 2);
    assert_eq!(finished.leaves.len(), 1, "that of the certificate");
}

#[test]
fn a_proposer_that_shifts_one_unit_is_voted_down() {
    let mut thief = ledger();
    let (from, to) = (NodeId::new([1; 32]), NodeId::new([2; 32]));
    let (from, to) = (Purse::Free(from), Purse::Free(to));
    thief.state.pay(from, to, &asset(), Amount::new(1)).unwrap();
    let (stolen, _) = batch(&thief, None);
    let (honest, _) = batch(&ledger(), None);
    assert!(judge(&ledger(), &honest, &[]).is_ok());
    let refused = judge(&ledger(), &stolen, &[]).err();
    let (have, want) = (hex(&stolen.header.state), hex(&honest.header.state));
    let field = "state root";
    assert_eq!(refused, Some(JudgeError::Header { field, have, want }));
}

#[test]
fn no_bit_of_a_batch_can_be_flipped_and_another_time_is_another_proposal() {
    let (before, batch) = second();
    let bytes = batch.write();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(read) = Batch::read(&flipped, MOST) else {
            continue;
        };
        if judge(&before, &read, &[]).is_ok() {
            assert_ne!(read.header.id(), batch.header.id(), "bit {bit}");
            let mut back = read.clone();
            back.header.time_ms = batch.header.time_ms;
            assert_eq!(back, batch, "bit {bit}");
        }
    }
}

#[test]
fn each_field_of_a_header_is_compared() {
    let (before, batch) = second();
    type Change = fn(&mut Header);
    let changes: [(&str, Change); 9] = [
        ("version", |h| h.version = 2),
        ("network", |h| {
            h.network = kofo_primitives::NetworkId::new("kofo-other").unwrap()
        }),
        ("height", |h| h.height = 3),
        ("previous header", |h| h.previous = [0; 32]),
        ("batch root", |h| h.batch = [0; 32]),
        ("state root", |h| h.state = [0; 32]),
        ("receipts root", |h| h.receipts = [0; 32]),
        ("validators", |h| h.validators = [0; 32]),
        ("next validators", |h| h.next_validators = [0; 32]),
    ];
    for (name, change) in changes {
        let mut other = batch.clone();
        change(&mut other.header);
        let refused = judge(&before, &other, &[]).err();
        let named = matches!(&refused, Some(JudgeError::Header { field, .. }) if *field == name);
        assert!(named, "{name}: {refused:?}");
    }
}

#[test]
fn time_goes_on_and_the_last_header_is_certified_by_its_own_validators() {
    let (before, honest) = second();
    let mut early = honest.clone();
    early.header.time_ms = before.tip().time_ms;
    let (have, last) = (early.header.time_ms, before.tip().time_ms);
    let refused = judge(&before, &early, &[]).err();
    assert_eq!(refused, Some(StepError::Time { have, last }.into()));
    let mut without = honest.clone();
    without.last = None;
    assert_eq!(judge(&before, &without, &[]).err(), Some(StepError::Last.into()));
    let mut few = honest;
    few.last.as_mut().unwrap().signers = 0b11;
    few.last.as_mut().unwrap().signatures.truncate(2);
    assert!(matches!(
        judge(&before, &few, &[]).err(),
        Some(JudgeError::Step(StepError::Certificate(_)))
    ));
}

fn act(sequence: u64) -> Arc<CheckedOp> {
    let key = kofo_primitives::NodeKey::new(&[7; 32]).unwrap();
    let act = AccountAct {
        version: 1,
        network: genesis(4).network,
        account: key.id(),
        sequence,
        act: Act::Collect,
    };
    let op = Op::Act(Box::new(act.sign(&key)));
    Arc::new(CheckedOp::new(op, &genesis(4).network).unwrap())
}

#[test]
fn what_was_checked_is_what_is_in_the_batch() {
    let (before, honest) = second();
    let with = |ops: &[&CheckedOp]| Batch {
        ops: ops.iter().map(|op| op.bytes().to_vec()).collect(),
        ..honest.clone()
    };
    let (one, other) = (act(9), act(8));
    let judged = |batch: &Batch, ops: &[Arc<CheckedOp>]| judge(&before, batch, ops).err();
    let at = 0;
    assert_eq!(
        judged(&with(&[&one]), &[other]),
        Some(JudgeError::Unchecked { at })
    );
    assert_eq!(judged(&with(&[&one]), &[]), Some(JudgeError::Unchecked { at }));
    assert_eq!(
        judged(&honest, std::slice::from_ref(&one)),
        Some(JudgeError::Unchecked { at })
    );
    let refused = judged(&with(&[&one]), &[one]);
    assert!(
        matches!(refused, Some(JudgeError::Op { at: 0, .. })),
        "{refused:?}"
    );
}

#[test]
fn a_batch_has_its_bounds() {
    let (_, batch) = second();
    let with = |ops: Vec<Vec<u8>>| Batch { ops, ..batch.clone() };
    let full = with(vec![vec![1; 46], vec![2; 46]]);
    assert_eq!(full.op_bytes(), 100);
    assert_eq!(Batch::read(&full.write(), 100).unwrap(), full);
    let read = |batch: &Batch, most| Batch::read(&batch.write(), most).err();
    let (most, have) = (99, 100);
    let what = "operations";
    assert_eq!(read(&full, most), Some(BatchError::TooLong { what, most, have }));
    let (at, have) = (0, 0);
    assert_eq!(read(&with(vec![vec![]]), MOST), Some(BatchError::Op { at, have }));
    let have = MAX_MESSAGE + 1;
    assert_eq!(
        read(&with(vec![vec![0; have]]), MOST),
        Some(BatchError::Op { at, have })
    );
    let mut padded = batch.clone();
    let signature = validator(1).sign(&[0; 32]);
    padded.last.as_mut().unwrap().signatures = vec![signature; 64];
    let refused = read(&padded, MOST);
    assert!(matches!(refused, Some(BatchError::TooLong { .. })), "{refused:?}");
    let long = vec![0; MOST + MAX_BATCH_FRAME + 1];
    assert!(matches!(
        Batch::read(&long, MOST),
        Err(BatchError::TooLong { what: "batch", .. })
    ));
    let mut trailing = batch.write();
    trailing.push(0);
    assert!(matches!(
        Batch::read(&trailing, MOST),
        Err(BatchError::Malformed(_))
    ));
}
