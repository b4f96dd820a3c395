//! What of the mempool concerns us.
//!
//! Spends of watched outputs are asked for by outpoint, in one call for all: a preimage is found at once however
//! full the mempool is. Locks of others can only be found by reading new transactions, which is bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bitcoin::{OutPoint, Transaction, Txid};

use super::{Engine, LookError, is_over};
use crate::picture::Sighting;

/// New transactions read at one look; the rest is for the next ones.
const READS_PER_LOOK: usize = 200;
/// A mempool with more transactions is listed less often.
const LARGE: usize = 5_000;
/// How often a large mempool is listed.
const LARGE_PAUSE: Duration = Duration::from_secs(10);
/// A lock and its redeem may both be unconfirmed; nothing of ours is chained deeper.
const CHAINED: usize = 2;

#[derive(Default)]
pub(crate) struct Mempool {
    /// Read, and of no interest or in `locks`.
    read: BTreeSet<Txid>,
    /// Those that pay to a watched script.
    locks: BTreeMap<Txid, Transaction>,
    /// Those that spend a watched output.
    spends: BTreeMap<Txid, Transaction>,
    large_since: Option<Instant>,
}

impl Mempool {
    /// A new leg may be in what was read already.
    pub(crate) fn forget(&mut self) {
        self.read.clear();
        self.large_since = None;
    }

    /// Whether our own node's mempool has it, as of the last look.
    pub(super) fn holds(&self, txid: Txid) -> bool {
        self.spends.contains_key(&txid) || self.locks.contains_key(&txid)
    }
}

impl Engine {
    /// Gives every leg the mempool transactions that touch it.
    pub(super) async fn look_at_mempool(&mut self) -> Result<(), LookError> {
        if self.legs.values().any(|leg| leg.awaits_lock()) {
            self.read_new().await?;
        } else {
            self.mempool = Mempool {
                spends: std::mem::take(&mut self.mempool.spends),
                ..Mempool::default()
            };
        }
        for leg in self.legs.values_mut() {
            leg.pending.clear();
        }
        self.assign();
        for _ in 0..CHAINED {
            let outpoints: BTreeSet<OutPoint> = self.legs.values().flat_map(|leg| leg.outpoints()).collect();
            if !self.read_spends(outpoints).await? {
                break;
            }
            self.assign();
        }
        Ok(())
    }

    async fn read_new(&mut self) -> Result<(), LookError> {
        if self.mempool.large_since.is_some() && !is_over(self.mempool.large_since, LARGE_PAUSE) {
            return Ok(());
        }
        let now: BTreeSet<Txid> = self.ours().mempool().await?.into_iter().collect();
        self.mempool.large_since = (now.len() > LARGE).then(Instant::now);
        self.mempool.read.retain(|txid| now.contains(txid));
        self.mempool.locks.retain(|txid, _| now.contains(txid));
        let unread: Vec<Txid> = now
            .difference(&self.mempool.read)
            .take(READS_PER_LOOK)
            .copied()
            .collect();
        for txid in unread {
            let Some(tx) = self.ours().mempool_transaction(txid).await? else {
                continue;
            };
            self.mempool.read.insert(txid);
            let pays = |leg: &crate::leg::Leg| leg.wanted.outputs_of(&tx, txid).next().is_some();
            if self.legs.values().any(pays) {
                self.mempool.locks.insert(txid, tx);
            }
        }
        Ok(())
    }

    /// Whether a spend turned up that was not known.
    async fn read_spends(&mut self, outpoints: BTreeSet<OutPoint>) -> Result<bool, LookError> {
        let outpoints: Vec<OutPoint> = outpoints.into_iter().collect();
        let now = self.ours().mempool_spenders(&outpoints).await?;
        self.mempool.spends.retain(|txid, _| now.contains(txid));
        let mut news = false;
        for txid in now {
            if !self.mempool.spends.contains_key(&txid)
                && let Some(tx) = self.ours().mempool_transaction(txid).await?
            {
                self.mempool.spends.insert(txid, tx);
            }
            news |= !self.legs.values().any(|leg| leg.knows(txid));
        }
        Ok(news)
    }

    /// Hands the known transactions to the legs that they touch.
    fn assign(&mut self) {
        for leg in self.legs.values_mut() {
            // Twice, because a redeem may be read before the lock that it spends.
            for _ in 0..CHAINED {
                for (&txid, tx) in self.mempool.locks.iter().chain(&self.mempool.spends) {
                    if !leg.knows(txid) && leg.is_touched_by(tx, txid) {
                        leg.pending.push(Sighting {
                            height: None,
                            txid,
                            tx: tx.clone(),
                        });
                    }
                }
            }
        }
    }
}
