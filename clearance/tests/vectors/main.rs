//! The vectors of `docs/protocol/clearance.md`: bytes, ids, digests, signatures and roots that another implementation must
//! come to. `KOFO_WRITE=1 cargo test -p kofo-clearance --test vectors` writes them anew.

#![allow(clippy::unwrap_used, reason = "tests")]

mod json;
mod values;

use json::Vectors;
use kofo_clearance::*;
use kofo_primitives::*;
use std::sync::Arc;
use values::*;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/protocol/vectors/clearance.json"
);

fn validators(out: &mut Vectors) {
    out.section("validators");
    out.text("network", network());
    for n in 1..=4 {
        out.bytes(&format!("secret_{n}"), [n; 32]);
        out.bytes(&format!("key_{n}"), voter(n).key().as_bytes());
        out.bytes(&format!("account_{n}"), account(n).id().as_bytes());
    }
    out.bytes("set", encode(&set()));
    out.bytes("digest", set().digest());
    out.text("power", set().total());
    out.text("quorum", set().quorum());
}

fn beginning(out: &mut Vectors) {
    out.section("genesis");
    out.bytes("bytes", encode(&genesis()));
    out.bytes("digest", genesis().digest());
}

fn payees(out: &mut Vectors) {
    let id = claim().id();
    out.section("payee");
    out.bytes("opening", encode(&payee(1)));
    out.bytes("commitment", payee(1).commit());
    out.bytes("claim", id.as_bytes());
    out.bytes("seal_secret", [0x5e; 32]);
    out.bytes("seal_key", seal_key().id().as_bytes());
    out.bytes("ephemeral", [0xe1; 32]);
    out.bytes("sealed", sealed_payee(&id, 1).as_slice());
}

fn act() -> AccountAct {
    AccountAct {
        version: 1,
        network: network(),
        account: key(0xc0).id(),
        sequence: 3,
        act: kofo_clearance::Act::Transfer {
            to: key(0xb0).id(),
            asset: kofo(),
            amount: Amount::new(7),
        },
    }
}

fn observation(order: SwapId) -> Observation {
    Observation {
        version: 1,
        network: network(),
        order,
        leg: LegId::first(Side::Beta),
        count: 2,
        fact: Fact::Redeemed,
        tx: Some(TxId([0x7a; 32])),
        height: 800_000,
        depth: 6,
        tip: UnixTime(1_800_000_600),
    }
}

const COMPLAINT: (u64, u32) = (9, 1);

fn signed(out: &mut Vectors) {
    let order = order().order.id();
    out.section("signed");
    out.bytes("act", encode(&act()));
    out.bytes("act_id", act().id());
    out.bytes("act_op", encode(&Op::Act(Box::new(act().sign(&key(0xc0))))));
    out.bytes("payment", encode(&payment(order)));
    out.bytes("payment_id", payment(order).id());
    out.bytes("payment_signed", encode(&payment(order).sign(&key(0xc0))));
    out.bytes("observation", encode(&observation(order)));
    out.bytes("observation_digest", observation(order).digest());
    out.bytes("observation_signed", encode(&observation(order).sign(&voter(1))));
    let (height, round) = COMPLAINT;
    let complaint = Complaint {
        height,
        round,
        proposer: voter(2).key(),
    };
    out.bytes("complaint", encode(&complaint));
    out.bytes("complaint_digest", complaint.digest(&network()));
    out.bytes("complaint_signed", encode(&complaint.sign(&network(), &voter(1))));
    let cancel = Amendment::digest(&network(), order, 0, Change::Cancel);
    out.bytes("cancel_digest", cancel);
    let ask = Ask {
        version: 1,
        network: network(),
        key: key(0xb0).id(),
        of: Some(order),
        after: 5,
        time_ms: BEGAN,
    };
    out.bytes("ask", encode(&ask));
    out.bytes("ask_id", ask.id());
}

fn operations() -> [Op; 3] {
    let order = order();
    let seen = observation(order.order.id()).sign(&voter(1));
    [
        Op::Act(Box::new(act().sign(&key(0xc0)))),
        Op::Order(Box::new(order)),
        Op::Observed(Box::new(seen)),
    ]
}

fn leaves() -> Vec<Digest> {
    operations().iter().map(Op::leaf).collect()
}

fn settlement() -> Settlement {
    let paid = |to: Option<NodeId>, amount, why| Payout {
        to,
        asset: kofo(),
        amount: Amount::new(amount),
        why,
    };
    Settlement {
        order: order().order.id(),
        ending: Ending::Settled,
        time_ms: BEGAN + 60_000,
        payouts: vec![
            paid(Some(key(0xf0).id()), 10_000, Reason::Foundation),
            paid(None, 20_000, Reason::Validators),
            paid(Some(key(0xa1).id()), 42_001, Reason::Hop(1)),
            paid(Some(key(0xa2).id()), 28_000, Reason::Hop(2)),
        ],
    }
}

fn orders(out: &mut Vectors) {
    let cleared = order();
    let [_, op, _] = operations();
    out.section("order");
    out.bytes("id", cleared.order.id().as_bytes());
    out.bytes("cleared", encode(&cleared));
    out.bytes("op", encode(&op));
    out.bytes("hidden", cleared.hidden());
    out.bytes("leaf", op.leaf());
    out.section("merkle");
    for (n, leaf) in leaves().iter().enumerate() {
        out.bytes(&format!("leaf_{n}"), leaf);
    }
    for count in 0..=leaves().len() {
        out.bytes(&format!("root_of_{count}"), merkle_root(&leaves()[..count]));
    }
    for at in 0..leaves().len() {
        let proof = MerkleProof::of(&leaves(), at).unwrap();
        out.bytes(&format!("proof_of_{at}"), encode(&proof));
    }
    out.section("receipt");
    out.bytes("settlement", encode(&settlement()));
    out.bytes("payouts_digest", settlement().receipt().payouts);
    out.bytes("receipt", encode(&settlement().receipt()));
    out.bytes("leaf", settlement().receipt().leaf());
}

fn header() -> Header {
    Header {
        version: 1,
        network: network(),
        height: 1,
        time_ms: BEGAN + 1_000,
        previous: genesis().digest(),
        batch: merkle_root(&leaves()),
        state: [0x57; 32],
        receipts: merkle_root(&[settlement().receipt().leaf()]),
        validators: set().digest(),
        next_validators: set().digest(),
    }
}

fn vote() -> Vote {
    Vote {
        kind: VoteKind::Precommit,
        height: 1,
        round: 0,
        header: Some(header().id()),
    }
}

/// By validators 2, 3 and 4: nine tenths of the power.
fn certificate() -> Certificate {
    let digest = vote().digest(&network());
    let votes = [2, 3, 4].map(|n| (voter(n).key(), voter(n).sign(&digest)));
    Certificate::new((1, 0, header().id()), &set(), &votes).unwrap()
}

fn proof() -> OrderProof {
    OrderProof {
        header: header(),
        certificate: certificate(),
        hidden: order().hidden(),
        path: MerkleProof::of(&leaves(), 1).unwrap(),
    }
}

fn certified(out: &mut Vectors) {
    out.section("header");
    out.bytes("bytes", encode(&header()));
    out.bytes("id", header().id());
    out.section("vote");
    out.bytes("bytes", encode(&vote()));
    out.bytes("digest", vote().digest(&network()));
    for n in 1..=4 {
        let signature = voter(n).sign(&vote().digest(&network()));
        out.bytes(&format!("signature_{n}"), signature.as_bytes());
    }
    out.section("certificate");
    out.bytes("bytes", encode(&certificate()));
    out.bytes("order_proof", encode(&proof()));
}

fn fees(out: &mut Vectors) {
    out.section("fee");
    let cases: [(u128, &[u128]); 4] = [
        (300_000, &[3, 2, 1]),
        (100_001, &[3, 2, 1]),
        (9, &[1]),
        (1_000, &[]),
    ];
    for (fee, weights) in cases {
        let hops: Vec<_> = (1..)
            .zip(weights)
            .map(|(n, weight)| Hop {
                payee: NodeId::new([n; 32]),
                weight: Weight::new(*weight),
            })
            .collect();
        let split = SplitRule::default().split(Amount::new(fee), &hops, &[]).unwrap();
        let hops: Vec<_> = split.hops.iter().map(Amount::to_string).collect();
        let said = format!(
            "foundation {} validators {} hops [{}] burnt {}",
            split.foundation,
            split.validators,
            hops.join(" "),
            split.burnt
        );
        out.text(&format!("{fee}_at_{weights:?}"), said);
    }
    for (bond, earned) in [(30_000, 0), (30_000, 900), (30_000, 90_000), (300_000, 0)] {
        let [has, got, most] = [bond, earned, 100_000].map(Amount::new);
        let quarters = Weight::of(has, got, most).quarters();
        out.text(
            &format!("quarters_of_bond_{bond}_earned_{earned}_most_100000"),
            quarters,
        );
    }
}

/// The first batch: a ledger of the genesis and one act.
fn first(out: &mut Vectors) {
    let ledger = Ledger::new(genesis(), Arc::new(NoProofs)).unwrap();
    let act = AccountAct { sequence: 0, ..act() };
    let op = Op::Act(Box::new(act.sign(&key(0xc0))));
    let op = CheckedOp::new(op, &network()).unwrap();
    let mut draft = ledger.next(BEGAN + 1_000, None).unwrap();
    draft.take(&op).unwrap();
    let finished = draft.finish();
    let batch = Batch {
        header: finished.header.clone(),
        last: None,
        ops: vec![op.bytes().to_vec()],
    };
    assert!(judge(&ledger, &batch, &[Arc::new(op)]).is_ok());
    out.section("first_batch");
    out.bytes("batch", batch.write());
    out.bytes("batch_root", finished.header.batch);
    out.bytes("state_root", finished.header.state);
    out.bytes("header_id", finished.header.id());
    out.bytes("snapshot", finished.ledger.snapshot());
}

fn vectors() -> Vectors {
    let mut out = Vectors::default();
    for part in [
        validators, beginning, payees, signed, orders, certified, fees, first,
    ] {
        part(&mut out);
    }
    out
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test compares a file, and writes it when told to"
)]
fn what_the_vectors_are_made_from_leads_to_the_vectors() {
    let made = vectors().json();
    if std::env::var("KOFO_WRITE").is_ok() {
        std::fs::write(FILE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    for (made, kept) in made.lines().zip(kept.lines()) {
        assert_eq!(made, kept);
    }
    assert_eq!(made.len(), kept.len());
}

#[test]
fn the_order_of_the_vectors_is_certified_and_its_payees_open_for_validators() {
    let mut light = Light::new(network(), set(), BEGAN);
    let certified = light.order(order().order.id(), &proof(), BEGAN + 2_000).unwrap();
    assert_eq!((certified.height(), certified.epoch()), (1, 0));
    for op in operations() {
        assert!(CheckedOp::new(op, &network()).is_ok());
    }
    let id = claim().id();
    for n in [1, 2] {
        let opened = HopOpening::unseal(&id, &seal_key(), &sealed_payee(&id, n));
        assert_eq!(opened, Ok(payee(n)));
    }
}
