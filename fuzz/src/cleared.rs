//! Real values of the clearance layer: a network of four validators, an order with its payees, a certified batch.

use crate::fixture::{chain, key, network, preimage};
use crate::market::{Deal, MADE, claim, opening};
use kofo_clearance::*;
use kofo_primitives::*;
use std::sync::Arc;

/// The account of a claimant, of a provider (whose bond is key 10, as in the market), of two relays, the foundation.
pub(crate) const ACCOUNTS: [u8; 5] = [21, 10, 41, 42, 50];
/// Who holds the key that openings are sealed to.
const SEAL: u8 = 60;

/// What is staked and paid.
pub(crate) fn kofo() -> AssetId {
    AssetId::new("kofo:test/fee:kofo").expect("an asset")
}

/// The vote key of validator `n`; its account's key has the same bytes.
pub(crate) fn voter(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).expect("a number of the curve")
}

fn params() -> Params {
    let bonded = |asset| LedgerAsset {
        asset,
        symbol: Text::new("kofo").expect("short"),
        decimals: 6,
        min_fee: Amount::new(100),
        min_bond: Amount::new(1_000),
        weight_cap: Amount::new(100_000),
        double_quote: Amount::new(500),
    };
    let pair = |alpha, beta| PairRule {
        alpha: chain(alpha),
        beta: chain(beta),
        min_gap: Seconds(1_800),
        min_beta: Seconds(1_800),
        reveal: Seconds(300),
    };
    Params {
        seats: 4,
        power_cap_bps: 10_000,
        epoch_ms: 3_600_000,
        unbond_ms: 7 * 86_400_000,
        unstake_ms: 21 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: key(50).id(),
        stake: kofo(),
        min_stake: Amount::new(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 300,
        cancel_bps: 1_000,
        double_vote_bps: 500,
        missed_heights: 20,
        missed_bps: 100,
        jail_ms: 3_600_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 5_000,
        max_batch_bytes: 1_000_000,
        assets: vec![bonded(kofo())],
        pairs: vec![pair("a", "b"), pair("b", "a")],
        proofs: Vec::new(),
    }
}

/// Validators 1 to 4; everybody has money.
pub(crate) fn genesis() -> Genesis {
    let member = |n| GenesisValidator {
        account: key(n).id(),
        key: voter(n).key(),
        stake: Amount::new(1_000_000),
        commission_bps: 1_000,
        observes: vec![chain("a"), chain("b")],
        engine: Text::new("/memory/1").expect("short"),
        service: Text::new("/memory/2").expect("short"),
    };
    let balance = |n: u8| GenesisBalance {
        account: key(n).id(),
        asset: kofo(),
        free: Amount::new(1_000_000),
        provider: Amount::new(1_000_000),
        relay: Amount::new(30_000),
    };
    Genesis {
        version: 1,
        network: network(),
        time_ms: MADE,
        params: params(),
        validators: (1..=4).map(member).collect(),
        balances: ACCOUNTS.map(balance).into(),
        seal_key: key(SEAL).id(),
        shares: Vec::new(),
    }
}

pub(crate) fn ledger() -> Ledger {
    Ledger::new(genesis(), Arc::new(NoProofs)).expect("a right genesis")
}

/// Signed by the validators at the first three places of the set.
pub(crate) fn certify(header: &Header, set: &ValidatorSet) -> Certificate {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let digest = vote.digest(&header.network);
    let secrets: Vec<_> = (1..=9).map(voter).collect();
    let members = set.members().iter().take(3);
    let votes: Vec<_> = members
        .filter_map(|member| secrets.iter().find(|secret| secret.key() == member.key))
        .map(|secret| (secret.key(), secret.sign(&digest)))
        .collect();
    Certificate::new((header.height, 0, header.id()), set, &votes).expect("votes of the set")
}

/// Whom a relay is paid through.
fn payee(n: u8) -> HopOpening {
    HopOpening {
        payee: key(n).id(),
        salt: [n; 32],
    }
}

/// An order over relays 31 and 32, whose accounts are 41 and 42, with all that validators see of it.
pub(crate) fn cleared() -> ClearedOrder {
    let deal = Deal::new(10, 100, 2_000);
    let claim = Claim {
        mode: Mode::Cleared,
        fee: FeeTerms::Pool {
            asset: kofo(),
            amount: Amount::new(3_000),
            payer: FeePayer::Claimant,
        },
        ..claim(1, None)
    };
    let id = claim.id();
    let mut terms = deal.terms(&claim);
    let reserve = Some((kofo(), Amount::new(10_000)));
    terms.reservation = Reservation::sign(&key(10), 1, reserve, &id, &deal.key().id());
    let payees = [payee(41), payee(42)];
    let path = path(&id, &payees);
    let fulfil = deal.fulfil(&claim, &terms, &path);
    let returns = returns(&id, &fulfil, &payees);
    let select = Select {
        version: 1,
        network: network(),
        claim: id,
        fulfil: fulfil.id(),
        hashlock: preimage(7).hashlock(),
        nonce: SwapNonce::new([7; 32]),
        opening: opening(200).commit(),
        limit: None,
        returns: returns.last().map_or([0; 32], ReturnEntry::digest),
        fee_root: [0; 32],
        for_validators: None,
    };
    let order = MatchedOrder::new(MatchedParts {
        claim: claim.sign(&key(1)),
        path,
        fulfil: fulfil.sign(&deal.key()),
        terms,
        returns,
        select: select.sign(&key(1)),
        claimant: opening(200),
        provider: opening(10),
    })
    .expect("a right order");
    let payment = Payment {
        version: 1,
        network: network(),
        order: order.id(),
        account: key(21).id(),
    };
    ClearedOrder {
        hops: payees.map(Some).into(),
        payment: Some(payment.sign(&key(21))),
        order,
    }
}

fn path(claim: &ClaimId, payees: &[HopOpening; 2]) -> Vec<HopEntry> {
    let hops = [
        (1, 31, None),
        (31, 32, Some(payees[0])),
        (32, 99, Some(payees[1])),
    ];
    let (mut previous, mut path) = (*claim.as_bytes(), Vec::new());
    for (index, (hop, next, opening)) in (0..).zip(hops) {
        let payee = opening.map(|opening| opening.commit());
        let entry = HopEntry::sign(claim, (index, previous), &key(hop), key(next).id(), (None, payee));
        previous = entry.digest();
        path.push(entry);
    }
    path
}

fn returns(claim: &ClaimId, fulfil: &Fulfil, payees: &[HopOpening; 2]) -> Vec<ReturnEntry> {
    let (mut previous, mut back) = (*fulfil.id().as_bytes(), Vec::new());
    for (index, hop, opening) in [(2, 32, payees[1]), (1, 31, payees[0])] {
        let sealed = opening.seal(claim, &key(SEAL).id(), &[hop; 32]).expect("short");
        let entry = ReturnEntry::sign(index, previous, Some(sealed), &key(hop));
        previous = entry.digest();
        back.push(entry);
    }
    back
}

/// An act of account `n`.
pub(crate) fn act(n: u8, sequence: u64, act: kofo_clearance::Act) -> Op {
    let act = AccountAct {
        version: 1,
        network: network(),
        account: key(n).id(),
        sequence,
        act,
    };
    Op::Act(Box::new(act.sign(&key(n))))
}

pub(crate) fn checked(op: Op) -> Arc<CheckedOp> {
    Arc::new(CheckedOp::new(op, &network()).expect("a right operation"))
}

/// The next batch of those operations that the ledger takes, and what it leads to.
pub(crate) fn proposal(
    ledger: &Ledger,
    later_ms: u64,
    last: Option<Certificate>,
    ops: &[Arc<CheckedOp>],
) -> Option<(Batch, Vec<Arc<CheckedOp>>, Finished)> {
    let time_ms = ledger.tip().time_ms.checked_add(later_ms)?;
    let mut draft = ledger.next(time_ms, last.as_ref()).ok()?;
    let taken: Vec<_> = ops.iter().filter(|op| draft.take(op).is_ok()).cloned().collect();
    let finished = draft.finish();
    let batch = Batch {
        header: finished.header.clone(),
        last,
        ops: taken.iter().map(|op| op.bytes().to_vec()).collect(),
    };
    Some((batch, taken, finished))
}
