//! Catching up with the best block: one fetch of each block serves the wallet and every leg.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Block, OutPoint, ScriptBuf};
use kofo_primitives::LegRef;

use super::{Engine, LookError};
use crate::fee;
use crate::picture::Sighting;
use crate::rpc::Best;

/// Blocks whose hashes are kept to find where a reorg began. A deeper one makes every leg be scanned anew.
const BLOCKS_KEPT: usize = 1_000;
/// Blocks that one look applies at most; the rest is for the next one, so that actions are taken in between.
const BLOCKS_PER_LOOK: usize = 500;

impl Engine {
    /// Applies blocks until the wallet and all legs are at the best one, and gives that.
    pub(super) async fn catch_up(&mut self) -> Result<Best, LookError> {
        let hash = self.parts.rpc.best_hash().await?;
        let best = match self.best.filter(|best| best.hash == hash) {
            Some(best) => best,
            None => {
                let best = self.parts.rpc.header(hash).await?;
                self.rate = fee::ask(&self.parts.rpc).await?;
                best
            }
        };
        self.disconnect(&best).await?;
        for _ in 0..BLOCKS_PER_LOOK {
            let next = self.next_height(&best);
            if next > best.height {
                self.wallet().save()?;
                self.best = Some(best);
                return Ok(best);
            }
            self.connect(next).await?;
        }
        self.wallet().save()?;
        tracing::info!(next = self.next_height(&best), best = best.height, "scanning");
        Err(LookError::Behind)
    }

    /// Takes back the blocks that are no more on the best chain.
    async fn disconnect(&mut self, best: &Best) -> Result<(), LookError> {
        while let Some((&height, &hash)) = self.chain.last_key_value() {
            let still = match height.cmp(&best.height) {
                std::cmp::Ordering::Greater => false,
                std::cmp::Ordering::Equal => hash == best.hash,
                std::cmp::Ordering::Less => self.parts.rpc.block_hash(height).await? == hash,
            };
            if still {
                return Ok(());
            }
            tracing::info!(height, %hash, "the block is no more on the best chain");
            self.chain.pop_last();
            // Where nothing older is known, a leg is scanned anew; the wallet knows its own blocks.
            let from = if self.chain.is_empty() { 0 } else { height };
            self.legs.values_mut().for_each(|leg| leg.rewind(from));
            self.wallet().rewind(height);
        }
        Ok(())
    }

    /// The lowest height that somebody still needs.
    fn next_height(&self, best: &Best) -> u64 {
        let chain = self
            .chain
            .last_key_value()
            .map_or(best.height, |(height, _)| height.saturating_add(1));
        let legs = self.legs.values().map(|leg| leg.next).min().unwrap_or(u64::MAX);
        chain.min(legs).min(self.wallet().next())
    }

    async fn connect(&mut self, height: u64) -> Result<(), LookError> {
        let hash = match self.chain.get(&height) {
            Some(hash) => *hash,
            None => self.parts.rpc.block_hash(height).await?,
        };
        let block = self.parts.rpc.block(hash).await?;
        let below = height.checked_sub(1).and_then(|below| self.chain.get(&below));
        if below.is_some_and(|below| *below != block.header.prev_blockhash) {
            return Err(LookError::Raced);
        }
        self.scan(height, &block);
        {
            let mut wallet = self.wallet();
            if wallet.next() == height {
                wallet.apply(&block)?;
            }
        }
        let top = self.chain.last_key_value().map(|(top, _)| top.saturating_add(1));
        if top.is_none_or(|top| top == height) {
            self.chain.insert(height, hash);
        }
        while self.chain.len() > BLOCKS_KEPT {
            self.chain.pop_first();
        }
        Ok(())
    }

    /// Shows the block to every leg that waits for it.
    fn scan(&mut self, height: u64, block: &Block) {
        let mut scripts: BTreeMap<ScriptBuf, BTreeSet<LegRef>> = BTreeMap::new();
        let mut outpoints: BTreeMap<OutPoint, BTreeSet<LegRef>> = BTreeMap::new();
        for (leg, watched) in self.legs.iter_mut().filter(|(_, watched)| watched.next == height) {
            watched.next = height.saturating_add(1);
            scripts
                .entry(watched.wanted.script.clone())
                .or_default()
                .insert(*leg);
            for outpoint in watched.outpoints() {
                outpoints.entry(outpoint).or_default().insert(*leg);
            }
        }
        if scripts.is_empty() {
            return;
        }
        for tx in &block.txdata {
            let spends = tx
                .input
                .iter()
                .filter_map(|input| outpoints.get(&input.previous_output));
            let spending: BTreeSet<LegRef> = spends.flatten().copied().collect();
            let pays = tx
                .output
                .iter()
                .filter_map(|output| scripts.get(&output.script_pubkey));
            let touched: BTreeSet<LegRef> = spending.iter().chain(pays.flatten()).copied().collect();
            if touched.is_empty() {
                continue;
            }
            let txid = tx.compute_txid();
            for leg in touched {
                let Some(watched) = self.legs.get_mut(&leg) else {
                    continue;
                };
                for coin in watched.wanted.outputs_of(tx, txid) {
                    outpoints.entry(coin.outpoint).or_default().insert(leg);
                }
                let sighting = Sighting {
                    height: Some(height),
                    txid,
                    tx: tx.clone(),
                };
                watched.record(sighting, spending.contains(&leg));
            }
        }
    }
}
