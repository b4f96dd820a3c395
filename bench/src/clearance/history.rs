//! The ledger after many orders that were settled: what it takes of memory and as a snapshot, and how long a restart
//! takes. One validator's ledger without an engine and without a disk; every order and every observation is signed and
//! checked, and every header certified.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kofo_clearance::{
    CheckedOp, ClearedOrder, Ending, Fact, Genesis, GenesisValidator, Ledger, NoProofs, Observation, Op,
};
use kofo_primitives::{
    Amount, AssetId, Certificate, Header, LegId, MatchedOrder, MatchedParts, NodeKey, Side, SwapId, Text,
    UnixTime, ValidatorSecret, Vote, VoteKind,
};
use serde::Serialize;

use super::orders::{self, GIVEN, WANTED, committee, network};
use super::town::{balances, params};
use crate::process::{resident_bytes, thread_time};

/// Orders of one batch, which is one second.
const BATCH: u64 = 1_000;
const BEGAN_MS: u64 = 1_800_000_000_000;

/// What was measured on one ledger.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figures {
    /// What the process has in memory with nothing but the ledger, less what it had before.
    pub(super) rss_bytes: u64,
    pub(super) snapshot_bytes: u64,
    /// From a file to a ledger whose root is that of the header.
    pub(super) restart_ms: f64,
    /// Processor time of the ledger itself for an order from commit to receipt, roots included.
    #[serde(skip)]
    pub(super) ledger_us: f64,
}

fn voter() -> Result<ValidatorSecret> {
    ValidatorSecret::new(&committee()).context("a digest is a key")
}

fn genesis() -> Result<Genesis> {
    let address = || Text::new("/memory/1").context("short");
    let only = GenesisValidator {
        account: orders::account(orders::Kind::Other, 0)?,
        key: voter()?.key(),
        stake: Amount::new(1_000_000),
        commission_bps: 1_000,
        observes: vec![AssetId::new(GIVEN)?.chain(), AssetId::new(WANTED)?.chain()],
        engine: address()?,
        service: Text::new("/memory/1").context("short")?,
    };
    Ok(Genesis {
        version: 1,
        network: network()?,
        time_ms: BEGAN_MS,
        params: params(1)?,
        validators: vec![only],
        balances: balances()?,
        seal_key: NodeKey::new(&committee()).context("a digest is a key")?.id(),
        shares: Vec::new(),
    })
}

/// The nth order as validators have it, checked.
fn cleared(nth: u64, now_ms: u64) -> Result<(SwapId, CheckedOp)> {
    let order = orders::order(nth, now_ms, false)?;
    let order = ClearedOrder {
        payment: order.payment,
        hops: orders::payees(nth)?.map(Some).into(),
        order: MatchedOrder::new(MatchedParts {
            claim: order.claim,
            path: order.path,
            fulfil: order.fulfil,
            terms: order.terms,
            returns: order.returns,
            select: order.select,
            claimant: order.claimant,
            provider: orders::opening("provider's", nth)?,
        })?,
    };
    let id = order.order.id();
    Ok((id, CheckedOp::new(Op::Order(Box::new(order)), &network()?)?))
}

/// The claimant has redeemed: the order is settled.
fn redeemed(order: SwapId, now_ms: u64) -> Result<CheckedOp> {
    let observation = Observation {
        version: 1,
        network: network()?,
        order,
        leg: LegId::first(Side::Beta),
        count: 0,
        fact: Fact::Redeemed,
        tx: None,
        height: 100,
        depth: 6,
        tip: UnixTime(now_ms / 1_000),
    };
    let op = Op::Observed(Box::new(observation.sign(&voter()?)));
    Ok(CheckedOp::new(op, &network()?)?)
}

fn certify(header: &Header, ledger: &Ledger) -> Result<Certificate> {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let signed = voter()?.sign(&vote.digest(&header.network));
    let of = (header.height, 0, header.id());
    Ok(Certificate::new(
        of,
        &ledger.validators(),
        &[(voter()?.key(), signed)],
    )?)
}

type Made = Result<Vec<(SwapId, CheckedOp, CheckedOp)>>;

/// Every `parts`th batch, from one of them on, made ahead of its use.
fn maker(first: u64, parts: u64, batches: u64, size: u64) -> Receiver<Made> {
    let (send, made) = sync_channel(1);
    std::thread::spawn(move || {
        for batch in (first..batches).step_by(usize::try_from(parts).unwrap_or(1)) {
            let now_ms = BEGAN_MS + batch * 1_000;
            let one = |nth| -> Result<_> {
                let (id, op) = cleared(nth, now_ms)?;
                Ok((id, op, redeemed(id, now_ms)?))
            };
            let all = (batch * size..(batch + 1) * size).map(one).collect();
            if send.send(all).is_err() {
                return;
            }
        }
    });
    made
}

/// Settles so many orders, in batches of a thousand or of all of them.
pub(super) fn measure(count: u64) -> Result<Figures> {
    let before = resident_bytes()?;
    let size = BATCH.min(count);
    let (batches, parts) = (count / size, super::threads());
    let makers: Vec<_> = (0..parts)
        .map(|first| maker(first, parts, batches, size))
        .collect();
    let genesis = genesis()?;
    let mut ledger = Ledger::new(genesis.clone(), Arc::new(NoProofs))?;
    let (mut last, mut open, mut settled) = (None, Vec::new(), 0);
    let (mut took, mut header) = (Duration::ZERO, None);
    // One batch more: the last orders are settled in it.
    for batch in 0..=batches {
        let made = match makers.get(usize::try_from(batch % parts)?) {
            Some(maker) if batch < batches => maker.recv()??,
            _ => Vec::new(),
        };
        let start = thread_time()?;
        let mut draft = ledger.next(BEGAN_MS + (batch + 1) * 1_000, last.as_ref())?;
        for seen in &open {
            draft.take(seen)?;
        }
        for (_, op, _) in &made {
            draft.take(op)?;
        }
        let finished = draft.finish();
        took += thread_time()?.saturating_sub(start);
        settled += finished
            .settlements
            .iter()
            .filter(|one| one.ending == Ending::Settled)
            .count();
        last = Some(certify(&finished.header, &ledger)?);
        (ledger, header) = (finished.ledger, Some(finished.header));
        open = made.into_iter().map(|(_, _, seen)| seen).collect();
    }
    ensure!(
        u64::try_from(settled)? == batches * size,
        "expected {count} orders settled, {settled} are"
    );
    drop((makers, open));
    let rss_bytes = resident_bytes()?.saturating_sub(before);
    let header = header.context("a header")?;
    let (snapshot_bytes, restart_ms) = restart(&ledger, &header, genesis)?;
    Ok(Figures {
        rss_bytes,
        snapshot_bytes,
        restart_ms,
        ledger_us: took.as_secs_f64() * 1e6 / settled.max(1) as f64,
    })
}

/// The ledger is written to a file, and is there again.
fn restart(ledger: &Ledger, header: &Header, genesis: Genesis) -> Result<(u64, f64)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("snapshot");
    fs::write(&path, ledger.snapshot())?;
    let genesis = Arc::new(genesis);
    let start = Instant::now();
    let bytes = fs::read(&path)?;
    let back = Ledger::restore(genesis, Arc::new(NoProofs), header, &bytes)?;
    let took = start.elapsed();
    ensure!(
        back.tip() == ledger.tip(),
        "the ledger is another one after its restart"
    );
    Ok((u64::try_from(bytes.len())?, super::millis(took)))
}
