//! Catching up with the best block: one fetch of each block serves the wallet and every leg.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::block::Header;
use bitcoin::{Block, BlockHash, OutPoint, ScriptBuf};
use kofo_primitives::LegRef;

use super::chain::{Link, MEDIAN_SPAN};
use super::{Engine, LookError};
use crate::fee;
use crate::picture::Sighting;
use crate::proof::{check_block, check_header, check_link};
use crate::rpc::Best;
use crate::source::Asked;

/// Blocks that one look applies at most; the rest is for the next one, so that actions are taken in between.
const BLOCKS_PER_LOOK: usize = 500;

impl Engine {
    /// Applies blocks until the wallet and all legs are at the best one of our own node, and gives that.
    pub(super) async fn catch_up(&mut self) -> Result<Best, LookError> {
        let hash = self.ours().best_hash().await?;
        let height = match self.best.filter(|best| best.hash == hash) {
            Some(best) => best.height,
            None => {
                let height = self.ours().height(hash).await?;
                self.rate = fee::ask(&self.parts.nodes).await?;
                height
            }
        };
        self.disconnect(height, hash).await?;
        for _ in 0..BLOCKS_PER_LOOK {
            let next = self.next_height(height);
            if next > height {
                self.wallet().save()?;
                return self.arrive(height, hash).await;
            }
            self.connect(next).await?;
        }
        self.wallet().save()?;
        tracing::info!(next = self.next_height(height), best = height, "scanning");
        Err(LookError::Behind)
    }

    /// Everything up to the best block was applied.
    async fn arrive(&mut self, height: u64, hash: BlockHash) -> Result<Best, LookError> {
        if self.branch.top() != Some((height, hash)) {
            return Err(LookError::Raced);
        }
        let median_time = self.median_time(height).await?;
        let best = Best {
            hash,
            height,
            median_time,
        };
        self.best = Some(best);
        Ok(best)
    }

    /// The chain's time at this block of our branch, from headers that are fetched where they are not known.
    pub(super) async fn median_time(&mut self, height: u64) -> Result<u64, LookError> {
        let first = height.saturating_sub(MEDIAN_SPAN.saturating_sub(1));
        for _ in 0..MEDIAN_SPAN {
            match self.branch.bottom() {
                Some((lowest, link)) if lowest > first => {
                    let below = link.header.prev_blockhash;
                    let header = self.ours().header(below).await?;
                    check_header(&header, below, self.parts.chain)?;
                    self.branch.push_below(Link::of(header), self.parts.chain)?;
                }
                _ => break,
            }
        }
        self.branch.median_time(height).ok_or(LookError::Raced)
    }

    /// Takes back the blocks that are no more on the best chain.
    async fn disconnect(&mut self, best: u64, hash: BlockHash) -> Result<(), LookError> {
        while let Some((height, top)) = self.branch.top() {
            let still = match height.cmp(&best) {
                std::cmp::Ordering::Greater => false,
                std::cmp::Ordering::Equal => top == hash,
                std::cmp::Ordering::Less => self.ours().block_hash(height).await? == top,
            };
            if still {
                return Ok(());
            }
            tracing::info!(height, hash = %top, "the block is no more on the best chain");
            self.branch.pop();
            self.unsay(height);
            // Where nothing older is known, a leg is scanned anew; the wallet knows its own blocks.
            let from = if self.branch.is_empty() { 0 } else { height };
            self.legs.values_mut().for_each(|leg| leg.rewind(from));
            self.scanned = None;
            self.wallet().rewind(height);
        }
        Ok(())
    }

    /// The lowest height that somebody still needs.
    fn next_height(&self, best: u64) -> u64 {
        let chain = self
            .branch
            .top()
            .map_or(best, |(height, _)| height.saturating_add(1));
        let legs = self.legs.values().map(|leg| leg.next).min().unwrap_or(u64::MAX);
        chain.min(legs).min(self.wallet().next())
    }

    async fn connect(&mut self, height: u64) -> Result<(), LookError> {
        let hash = match self.branch.hash_at(height) {
            Some(hash) => hash,
            None => self.ours().block_hash(height).await?,
        };
        let block = self.read(height, hash).await?;
        self.check_below(height, &block.header)?;
        self.scan(height, &block);
        {
            let mut wallet = self.wallet();
            if wallet.next() == height {
                wallet.apply(&block)?;
            }
        }
        let link = Link::of(block.header);
        self.branch.push(height, link);
        self.scanned = Some((height, link));
        Ok(())
    }

    /// The block, or its header alone where every node's filter says that nothing in it concerns us.
    async fn read(&self, height: u64, hash: BlockHash) -> Result<Block, LookError> {
        let mut scripts = self.wallet().scripts();
        scripts.extend(self.legs.values().map(|leg| leg.wanted.script.clone()));
        let scripts = &scripts;
        let asked = Asked {
            height,
            hash,
            scripts,
        };
        let nodes = &self.parts.nodes;
        let mut touched = nodes.ours.may_touch(&asked).await?;
        for witness in &nodes.witnesses {
            // One that does not say that it is not touched cannot be left out. A bitcoind is not asked at all.
            touched = touched || witness.may_touch(&asked).await.unwrap_or(true);
        }
        if !touched {
            let header = nodes.ours.header(hash).await?;
            check_header(&header, hash, self.parts.chain)?;
            let txdata = Vec::new();
            return Ok(Block { header, txdata });
        }
        let mut block = nodes.ours.block(hash).await;
        for witness in nodes.witnesses.iter().filter(|_| nodes.strangers) {
            // It proves itself, whoever gives it.
            if block.is_err() {
                block = witness.block(hash).await;
            }
        }
        let block = block?;
        check_block(&block, hash, self.parts.chain)?;
        Ok(block)
    }

    /// Whether the block builds on what was read below it. Old blocks are read again for a new leg: they too must lead
    /// up to the branch.
    fn check_below(&mut self, height: u64, header: &Header) -> Result<(), LookError> {
        let below = height.checked_sub(1);
        let known = below.and_then(|below| self.branch.at(below)).copied();
        if let Some(link) = known {
            if link.hash != header.prev_blockhash {
                return Err(LookError::Raced);
            }
            check_link(&link.header, header, height, self.parts.chain)?;
        }
        if let Some((_, link)) = self.scanned.filter(|(scanned, _)| Some(*scanned) == below) {
            let linked = check_link(&link.header, header, height, self.parts.chain);
            if let Err(error) = linked {
                self.legs.values_mut().for_each(|leg| leg.rewind(0));
                self.scanned = None;
                return Err(error.into());
            }
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
