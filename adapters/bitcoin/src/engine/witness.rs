//! How far the witnesses agree with what our own node tells, and what they alone have seen. The rules are in
//! [`crate::nodes`].

use std::collections::BTreeMap;
use std::time::Instant;

use bitcoin::{BlockHash, OutPoint, Transaction, Txid};
use kofo_primitives::LegRef;

use super::{Engine, LookError};
use crate::picture::Sighting;
use crate::rpc::{Best, RpcError};
use crate::source::Source;
use crate::spend::preimage_in;

/// How far below the best block a fork is looked for. A deeper one is a disagreement.
const DEEPEST_FORK: u64 = 10;
/// A block that does not count yet is what every new block is for a moment.
const USUAL_LAG: u64 = 1;
/// Transactions that are fetched from one witness at one look.
const READS_PER_LOOK: usize = 20;

/// What one witness said last.
#[derive(Debug, Default)]
pub(super) struct Testimony {
    /// The highest block of our branch that it has named.
    agrees: Option<u64>,
    /// The height of its own best block.
    height: u64,
    /// Our best block and its own, of which this was found.
    asked: Option<[BlockHash; 2]>,
    /// Whether it answered in this look.
    answered: bool,
    /// Its mempool's spends of what we watch; those without a preimage are not kept.
    spends: BTreeMap<Txid, Option<Transaction>>,
}

/// How the nodes stand to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Accord {
    /// The highest block that counts.
    pub(super) counts: Option<Best>,
    /// Whether that is as good as the best block of each of them.
    pub(super) together: bool,
}

impl Engine {
    /// Asks every witness how far it agrees.
    pub(super) async fn hear_witnesses(&mut self, best: &Best) -> Result<Accord, LookError> {
        for index in 0..self.testimonies.len() {
            let answer = self.hear(index, best).await;
            let Some(testimony) = self.testimonies.get_mut(index) else {
                continue;
            };
            // By its place in the configuration: an address may hold a provider's key.
            match &answer {
                Err(error) if testimony.answered => tracing::warn!(index, %error, "a witness is silent"),
                Ok(()) if !testimony.answered => tracing::info!(index, "a witness answers"),
                Ok(()) | Err(_) => (),
            }
            testimony.answered = answer.is_ok();
        }
        let counts = self.highest_common(best);
        let counts = match counts {
            Some(height) if height == best.height => Some(*best),
            Some(height) => Some(Best {
                height,
                hash: self.branch.hash_at(height).ok_or(LookError::Raced)?,
                median_time: self.median_time(height).await?,
            }),
            None => None,
        };
        let answered = self.testimonies.iter().all(|testimony| testimony.answered);
        let near =
            |height: u64| counts.is_some_and(|counts| height <= counts.height.saturating_add(USUAL_LAG));
        let near_all = near(best.height) && self.testimonies.iter().all(|testimony| near(testimony.height));
        let same = |testimony: &Testimony| testimony.asked == Some([best.hash; 2]);
        let all_same = answered && self.testimonies.iter().all(same);
        self.apart_since = match all_same {
            true => None,
            false => self.apart_since.or_else(|| Some(Instant::now())),
        };
        Ok(Accord {
            counts,
            together: answered && near_all,
        })
    }

    /// Says how far each witness agrees, for whoever has to find out which node is wrong.
    pub(super) fn log_witnesses(&self) {
        for (index, testimony) in self.testimonies.iter().enumerate() {
            let Testimony {
                agrees,
                height,
                answered,
                ..
            } = testimony;
            tracing::warn!(index, ?agrees, height, answered, "how far a witness agrees");
        }
    }

    fn highest_common(&self, best: &Best) -> Option<u64> {
        let mut heights = self.testimonies.iter().map(|testimony| testimony.agrees);
        heights.try_fold(best.height, |lowest, agrees| Some(lowest.min(agrees?)))
    }

    /// A block that counted, and those above it, are no more on our branch.
    pub(super) fn unsay(&mut self, height: u64) {
        let below = height
            .checked_sub(1)
            .filter(|below| self.branch.at(*below).is_some());
        for testimony in &mut self.testimonies {
            testimony.asked = None;
            if testimony.agrees.is_some_and(|agrees| agrees >= height) {
                testimony.agrees = below;
            }
        }
    }

    async fn hear(&mut self, index: usize, best: &Best) -> Result<(), RpcError> {
        let (Some(testimony), Some(rpc)) = (
            self.testimonies.get_mut(index),
            self.parts.nodes.witnesses.get(index),
        ) else {
            return Ok(());
        };
        let hash = rpc.best_hash().await?;
        if testimony.asked == Some([best.hash, hash]) {
            return Ok(());
        }
        let height = match self.branch.height_of(hash) {
            Some(height) => height,
            None => rpc.height(hash).await?,
        };
        let found = match self.branch.hash_at(height) == Some(hash) {
            true => Some(height),
            false => {
                let lowest = testimony.agrees.map_or(0, |agrees| agrees.saturating_add(1));
                let lowest = lowest.max(best.height.saturating_sub(DEEPEST_FORK));
                let mut found = None;
                for height in (lowest..=best.height.min(height)).rev() {
                    let named = rpc.block_hash(height).await?;
                    if self.branch.hash_at(height) == Some(named) {
                        found = Some(height);
                        break;
                    }
                }
                found
            }
        };
        testimony.height = height;
        testimony.agrees = testimony.agrees.max(found);
        testimony.asked = Some([best.hash, hash]);
        Ok(())
    }

    /// Searches the witnesses' mempools for preimages, and adds what our own node does not have to the legs.
    pub(super) async fn overhear(&mut self) {
        if self.testimonies.is_empty() {
            return;
        }
        let mut watched = Watched::new();
        for (leg, watch) in &self.legs {
            for outpoint in watch.outpoints() {
                let hashlock = watch.wanted.hashlock;
                watched.entry(outpoint).or_default().push((*leg, hashlock));
            }
        }
        for (testimony, rpc) in self.testimonies.iter_mut().zip(&self.parts.nodes.witnesses) {
            if !testimony.answered || watched.is_empty() {
                testimony.spends.clear();
            } else if let Err(error) = testimony.listen(rpc.as_ref(), &watched).await {
                tracing::debug!(%error, "a witness tells nothing of its mempool");
            }
        }
        let spends = self.testimonies.iter().flat_map(|testimony| &testimony.spends);
        for tx in spends.filter_map(|(_, tx)| tx.as_ref()) {
            let txid = tx.compute_txid();
            for leg in opened(&watched, tx) {
                if let Some(leg) = self.legs.get_mut(&leg).filter(|leg| !leg.knows(txid)) {
                    leg.pending.push(Sighting {
                        height: None,
                        txid,
                        tx: tx.clone(),
                    });
                }
            }
        }
    }

    /// A new leg may be in what was read already.
    pub(super) fn listen_anew(&mut self) {
        self.testimonies
            .iter_mut()
            .for_each(|testimony| testimony.spends.clear());
    }
}

/// Whose spends are looked for, and the hashlocks that they may open.
type Watched = BTreeMap<OutPoint, Vec<(LegRef, [u8; 32])>>;

/// The legs of which the transaction spends something and shows the preimage there.
fn opened(watched: &Watched, tx: &Transaction) -> Vec<LegRef> {
    let inputs = tx.input.iter();
    let spent = inputs.filter_map(|input| Some((input, watched.get(&input.previous_output)?)));
    let opened = spent.flat_map(|(input, legs)| {
        let opens = |(_, hashlock): &&(LegRef, [u8; 32])| preimage_in(&input.witness, hashlock).is_some();
        legs.iter().filter(opens).map(|(leg, _)| *leg)
    });
    opened.collect()
}

impl Testimony {
    async fn listen(&mut self, rpc: &dyn Source, watched: &Watched) -> Result<(), RpcError> {
        let outpoints: Vec<OutPoint> = watched.keys().copied().collect();
        let mut now = rpc.mempool_spenders(&outpoints).await?;
        self.spends.retain(|txid, _| now.contains(txid));
        now.retain(|txid| !self.spends.contains_key(txid));
        now.truncate(READS_PER_LOOK);
        for txid in now {
            let tx = rpc.mempool_transaction(txid).await?;
            // Only what proves itself is believed: a preimage does.
            let tx = tx.filter(|tx| !opened(watched, tx).is_empty());
            self.spends.insert(txid, tx);
        }
        Ok(())
    }
}
