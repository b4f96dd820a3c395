//! Following the best chain: one pass over each new block serves all legs.

use crate::chain::{Block, State};
use crate::leg::Leg;
use crate::tx::SimTx;
use kofo_primitives::{At, LegRef, Tip};
use std::collections::BTreeMap;

/// The blocks that an adapter has scanned.
#[derive(Debug)]
pub(crate) struct View {
    /// Index = height.
    hashes: Vec<[u8; 32]>,
    pub(crate) tip: Tip,
}

impl View {
    /// All blocks up to now; legs that are watched later scan what they need themselves.
    pub(crate) fn new(state: &State) -> Self {
        Self {
            hashes: state.blocks.iter().map(|block| block.hash).collect(),
            tip: state.tip(),
        }
    }

    /// Catches up; whether the best block is another than before.
    pub(crate) fn follow(&mut self, state: &State, legs: &mut BTreeMap<LegRef, Leg>) -> bool {
        let before = (self.hashes.last().copied(), self.hashes.len());
        let known = |(index, hash): (usize, &[u8; 32])| {
            state
                .blocks
                .get(index)
                .is_some_and(|block: &Block| block.hash == *hash)
        };
        // Blocks are chained: below the newest common one all are common.
        while self
            .hashes
            .last()
            .is_some_and(|hash| !known((self.hashes.len() - 1, hash)))
        {
            self.hashes.pop();
        }
        let first_new = self.hashes.len();
        let gone = |at: At| matches!(at, At::Block(height) if height >= first_new as u64);
        for leg in legs.values_mut() {
            leg.mined.retain(|seen| !gone(seen.at));
        }
        for block in state.blocks.iter().skip(first_new) {
            self.hashes.push(block.hash);
            for leg in legs.values_mut() {
                leg.take_block(block);
            }
        }
        for leg in legs.values_mut() {
            leg.take_mempool(&state.mempool);
        }
        self.tip = state.tip();
        before != (self.hashes.last().copied(), self.hashes.len())
    }
}

impl Leg {
    /// Scans all that may concern it, for a leg that was not watched until now.
    pub(crate) fn catch_up(&mut self, state: &State) {
        self.mined.clear();
        let from = self.spec.from_height;
        for block in state.blocks.iter().filter(|block| block.height >= from) {
            self.take_block(block);
        }
        self.take_mempool(&state.mempool);
    }

    fn take_block(&mut self, block: &Block) {
        for tx in &block.txs {
            let found = self.scan(tx, At::Block(block.height));
            self.mined.extend(found);
        }
    }

    fn take_mempool(&mut self, mempool: &[SimTx]) {
        self.waiting.clear();
        for tx in mempool {
            let found = self.scan(tx, At::Mempool);
            self.waiting.extend(found);
        }
    }
}
