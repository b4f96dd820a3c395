//! What the chain is at one moment, and how a transaction and a block change it.

use super::{Block, Dropped, Kind};
use crate::ledger::{Ledger, Refusal};
use crate::tx::SimTx;
use kofo_primitives::{Amount, AssetId, Health, Seconds, Tip, TxId, UnixTime};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The fee that a block asks for until [`super::SimChain::set_fee_floor`] says otherwise.
const FIRST_FEE_FLOOR: Amount = Amount::new(10);

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    /// Index = height.
    pub(crate) blocks: Vec<Block>,
    /// After each block; empty blocks share their parent's.
    pub(super) ledgers: Vec<Arc<Ledger>>,
    /// In order of arrival.
    pub(crate) mempool: Vec<SimTx>,
    pub(crate) fee_floor: Amount,
    pub(crate) health: Health,
    /// Grows with everything that nodes are told of.
    pub(crate) announced: u64,
    pub(super) now: UnixTime,
    /// By how much blocks are behind it.
    pub(super) lag: Seconds,
    pub(super) minted: BTreeMap<AssetId, u128>,
    /// Makes each block's and each minted note's id unlike all others.
    serial: u64,
    pub(crate) calls: u64,
    pub(crate) cut: bool,
    pub(super) refuse: u32,
    pub(super) fail_after_accepting: u32,
}

impl State {
    /// One empty block of that time.
    pub(super) fn new(kind: Kind, time: UnixTime) -> Self {
        let first = Block {
            height: 0,
            time,
            hash: [0; 32],
            parent: [0; 32],
            txs: Vec::new(),
        };
        Self {
            kind,
            blocks: vec![first],
            ledgers: vec![Arc::default()],
            mempool: Vec::new(),
            fee_floor: FIRST_FEE_FLOOR,
            health: Health::Healthy,
            announced: 0,
            now: time,
            lag: Seconds(0),
            minted: BTreeMap::new(),
            serial: 0,
            calls: 0,
            cut: false,
            refuse: 0,
            fail_after_accepting: 0,
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        self.ledgers.last().expect("the first block is never dropped")
    }

    pub(crate) fn best(&self) -> &Block {
        self.blocks.last().expect("the first block is never dropped")
    }

    pub(crate) fn tip(&self) -> Tip {
        let best = self.best();
        Tip {
            height: best.height,
            time: best.time,
        }
    }

    /// The time of a block that is mined now.
    fn next_time(&self) -> UnixTime {
        UnixTime(self.now.0.saturating_sub(self.lag.0)).max(self.best().time)
    }

    pub(super) fn next_id(&mut self) -> [u8; 32] {
        self.serial = self.serial.saturating_add(1);
        Sha256::digest(self.serial.to_be_bytes()).into()
    }

    pub(super) fn receive(&mut self, tx: SimTx) -> Result<TxId, Refusal> {
        if self.cut {
            return Err(Refusal::Busy);
        }
        if self.refuse > 0 {
            self.refuse = self.refuse.saturating_sub(1);
            return Err(Refusal::Busy);
        }
        let answer = self.admit(tx);
        if answer.is_ok() && self.fail_after_accepting > 0 {
            self.fail_after_accepting = self.fail_after_accepting.saturating_sub(1);
            return Err(Refusal::Busy);
        }
        answer
    }

    fn admit(&mut self, tx: SimTx) -> Result<TxId, Refusal> {
        let id = tx.id();
        if self.mempool.contains(&tx) {
            return Ok(id);
        }
        self.ledger().allows(&tx, self.next_time())?;
        let rivals = self.mempool.iter().filter(|other| other.conflicts_with(&tx));
        if let Some(most) = rivals.map(|other| other.fee).max().filter(|most| *most >= tx.fee) {
            return Err(Refusal::Conflict(most));
        }
        self.mempool.retain(|other| !other.conflicts_with(&tx));
        self.mempool.push(tx);
        self.announced = self.announced.saturating_add(1);
        Ok(id)
    }

    pub(super) fn drop_blocks(&mut self, blocks: u32, txs: Dropped) {
        for _ in 0..blocks {
            if self.blocks.len() < 2 {
                break;
            }
            self.ledgers.pop();
            let dropped = self.blocks.pop().map(|block| block.txs).unwrap_or_default();
            if txs == Dropped::Return {
                self.mempool
                    .retain(|tx| !dropped.iter().any(|back| back.conflicts_with(tx)));
                self.mempool.extend(dropped);
            }
        }
    }

    /// One block with all that waits, pays enough and is allowed now; the best payers first.
    pub(super) fn mine_one(&mut self) {
        let (height, parent) = (self.best().height.saturating_add(1), self.best().hash);
        let time = self.next_time();
        let mut ledger = self.ledgers.last().cloned().unwrap_or_default();
        let mut waiting = std::mem::take(&mut self.mempool);
        waiting.sort_by_key(|tx| std::cmp::Reverse(tx.fee));
        let mut txs: Vec<SimTx> = Vec::new();
        // A child may stand before its parent: go round until nothing more fits.
        loop {
            let takes = |tx: &SimTx| tx.fee >= self.fee_floor && ledger.allows(tx, time).is_ok();
            let Some(next) = waiting.iter().position(takes) else {
                break;
            };
            let tx = waiting.remove(next);
            Arc::make_mut(&mut ledger).apply(&tx, height);
            txs.push(tx);
        }
        waiting.retain(|tx| !txs.iter().any(|mined| mined.conflicts_with(tx)));
        self.mempool = waiting;
        let hash = self.next_id();
        self.ledgers.push(ledger);
        self.blocks.push(Block {
            height,
            time,
            hash,
            parent,
            txs,
        });
    }
}
