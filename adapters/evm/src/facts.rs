//! What is known of one leg, what of it was told, and how a block changes it. Pure.

use crate::calls;
use crate::htlc::Htlc;
use crate::node::{Settled, Tx};
use alloy::primitives::{B256, U256};
use kofo_primitives::{Act, ActKind, Amount, At, FailClass, HtlcSpec, LegEvent, Preimage, TxId, UnixTime};
use std::collections::BTreeMap;

/// A slot that holds no lock has a value up to this.
const FREE: U256 = U256::from_limbs([1, 0, 0, 0]);
/// A preimage that is in no block is forgotten after so many looks at the pool without it.
const GLIMPSES: u8 = 3;

/// A leg that is followed.
pub(crate) struct Leg {
    pub(crate) spec: HtlcSpec,
    pub(crate) htlc: Htlc,
    /// Whether the past was looked at since the follower last started over.
    pub(crate) scanned: bool,
    pub(crate) facts: Facts,
    /// When each act is to be sent no more, by the chain's time.
    pub(crate) not_after: BTreeMap<ActKind, Option<UnixTime>>,
    told: BTreeMap<ActKind, (At, Option<TxId>)>,
    told_wrong: Option<Wrong>,
    /// Somebody asked for the whole picture, what is not there included.
    tell_whole: bool,
}

/// What holds on the chain that is followed now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Our exact lock was made, in a block of this height.
    pub(crate) lock: Option<(u64, Option<TxId>)>,
    /// It was redeemed or returned.
    pub(crate) end: Option<End>,
    /// The preimage is public, but that lock's redeem is in no block.
    pub(crate) glimpse: Option<Glimpse>,
    /// Our transaction that takes the lock's nonce was accepted, or is in a block.
    pub(crate) cancel: Option<(At, TxId)>,
    /// Another lock is in the lane.
    pub(crate) wrong: Option<Wrong>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// `None`: returned to the owner.
    pub(crate) preimage: Option<Preimage>,
    pub(crate) height: u64,
    pub(crate) tx: TxId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glimpse {
    preimage: Preimage,
    tx: TxId,
    missing: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) height: u64,
    pub(crate) have: Amount,
}

/// One block, as far as it concerns one slot.
pub(crate) struct SlotBlock<'a> {
    pub(crate) height: u64,
    /// Before the block.
    pub(crate) old: B256,
    /// After it.
    pub(crate) new: B256,
    /// The slot's events in it, in order.
    pub(crate) events: Vec<&'a Settled>,
    /// Its transactions; all of them if `new` differs from `old`.
    pub(crate) txs: &'a [Tx],
}

impl Facts {
    /// The height of the block that holds our cancel.
    pub(crate) fn cancelled(&self) -> Option<u64> {
        match self.cancel {
            Some((At::Block(height), _)) => Some(height),
            Some((At::Mempool, _)) | None => None,
        }
    }
}

pub(crate) fn txid(hash: B256) -> TxId {
    TxId(hash.0)
}

impl Leg {
    pub(crate) fn new(spec: HtlcSpec, htlc: Htlc) -> Self {
        Self {
            spec,
            htlc,
            scanned: false,
            facts: Facts::default(),
            not_after: BTreeMap::new(),
            told: BTreeMap::new(),
            told_wrong: None,
            tell_whole: true,
        }
    }

    /// Takes a block in. `false`: the lock is gone and no event says how, so that nothing may be concluded and the node
    /// is not to be trusted.
    pub(crate) fn apply(&mut self, block: &SlotBlock<'_>) -> bool {
        let commitment = self.htlc.commitment();
        let mut held = block.old == commitment;
        for event in &block.events {
            let ends_ours = held || self.sent_to_end(event.tx, block.txs);
            let preimage = event.preimage.map(|p| Preimage::new(p.0));
            let opens = preimage.clone().filter(|p| p.hashlock() == self.spec.hashlock);
            if ends_ours && self.facts.end.is_none() && (opens.is_some() || preimage.is_none()) {
                let lock = (block.height, self.lock_tx(block.txs));
                self.facts.lock.get_or_insert(lock);
                self.facts.end = Some(End {
                    preimage: opens,
                    height: block.height,
                    tx: txid(event.tx),
                });
                held = false;
            } else if let Some(preimage) = opens {
                self.glimpse(preimage, event.tx);
            }
        }
        if block.new == commitment && !held && self.facts.end.is_none() {
            self.facts.lock = Some((block.height, self.lock_tx(block.txs)));
            return true;
        }
        if block.new != block.old && block.new != commitment && U256::from_be_bytes(block.new.0) > FREE {
            self.facts.wrong = Some(Wrong {
                height: block.height,
                have: self.other_amount(block.txs),
            });
        }
        !held || block.new == commitment
    }

    /// Takes back what was in blocks above this height.
    pub(crate) fn forget_above(&mut self, height: u64) {
        let facts = &mut self.facts;
        facts.lock.take_if(|(at, _)| *at > height);
        facts
            .cancel
            .take_if(|(at, _)| matches!(at, At::Block(h) if *h > height));
        facts.wrong.take_if(|wrong| wrong.height > height);
        if let Some(end) = facts.end.take_if(|end| end.height > height) {
            // What was shown in a block is public, whatever became of the block.
            let tx = B256::from(end.tx.0);
            end.preimage.into_iter().for_each(|p| self.glimpse(p, tx));
        }
    }

    /// Starts the facts of blocks over; keeps what the pool showed.
    pub(crate) fn start_over(&mut self) {
        self.forget_above(0);
        self.scanned = false;
    }

    /// The preimage was seen in a transaction that is no redeem of this lock in a block.
    pub(crate) fn glimpse(&mut self, preimage: Preimage, tx: B256) {
        self.facts.glimpse = Some(Glimpse {
            preimage,
            tx: txid(tx),
            missing: 0,
        });
    }

    /// The pool was looked at and did not show the preimage.
    pub(crate) fn no_glimpse(&mut self) {
        if let Some(glimpse) = &mut self.facts.glimpse {
            glimpse.missing = glimpse.missing.saturating_add(1);
        }
        self.facts.glimpse.take_if(|glimpse| glimpse.missing >= GLIMPSES);
    }

    /// That the preimage was shown, if that is not told yet: the one fact that needs no block.
    pub(crate) fn shown(&mut self) -> Option<LegEvent> {
        let redeemed = self.facts.end.as_ref().is_some_and(|end| end.preimage.is_some());
        let glimpse = self.facts.glimpse.as_ref().filter(|_| !redeemed)?;
        let (at, tx) = (At::Mempool, Some(glimpse.tx));
        if self.told.get(&ActKind::Redeem) == Some(&(at, tx)) {
            return None;
        }
        self.told.insert(ActKind::Redeem, (at, tx));
        let act = Act::Redeem(glimpse.preimage.clone());
        Some(LegEvent::Seen { act, at, tx })
    }

    /// Whether somebody waits for the preimage to appear.
    pub(crate) fn is_open(&self) -> bool {
        self.facts.lock.is_some() && self.facts.end.is_none()
    }

    /// Whether a fact at this height is as deep as the leg's policy asks, when the tip is at `tip`.
    pub(crate) fn is_final(&self, height: u64, tip: u64) -> bool {
        tip.saturating_add(1) >= height.saturating_add(u64::from(self.spec.depth))
    }

    /// Whether the act may still be sent at this time of the chain.
    pub(crate) fn may_send(&self, kind: ActKind, time: u64) -> bool {
        self.not_after
            .get(&kind)
            .copied()
            .flatten()
            .is_none_or(|last| time <= last.0)
    }

    /// Everything is to be told again.
    pub(crate) fn tell_again(&mut self) {
        self.told.clear();
        self.told_wrong = None;
        self.tell_whole = true;
    }

    /// What has changed since it was last asked: first what is there no more, then what is new or moved.
    pub(crate) fn news(&mut self) -> Vec<LegEvent> {
        let now = self.now();
        let whole = std::mem::take(&mut self.tell_whole);
        let kinds = [ActKind::Cancel, ActKind::Refund, ActKind::Redeem, ActKind::Lock];
        let absent = kinds
            .into_iter()
            .filter(|kind| !now.iter().any(|(act, ..)| act.kind() == *kind));
        let gone = absent.filter(|kind| whole || self.told.contains_key(kind));
        let mut news: Vec<_> = gone.map(LegEvent::Unseen).collect();
        let told = std::mem::take(&mut self.told);
        for (act, at, tx) in now {
            let kind = act.kind();
            if told.get(&kind) != Some(&(at, tx)) {
                news.push(LegEvent::Seen { act, at, tx });
            }
            self.told.insert(kind, (at, tx));
        }
        if let Some(wrong) = self.facts.wrong.filter(|wrong| self.told_wrong != Some(*wrong)) {
            let class = FailClass::WrongAmount {
                have: wrong.have,
                need: self.spec.amount,
            };
            news.push(LegEvent::Failed(ActKind::Lock, class));
        }
        self.told_wrong = self.facts.wrong;
        news
    }

    fn now(&self) -> Vec<(Act, At, Option<TxId>)> {
        let facts = &self.facts;
        let mut now = Vec::new();
        if let Some((height, tx)) = facts.lock {
            now.push((Act::Lock, At::Block(height), tx));
        }
        let redeemed = facts.end.as_ref().is_some_and(|end| end.preimage.is_some());
        if let Some(glimpse) = facts.glimpse.as_ref().filter(|_| !redeemed) {
            now.push((
                Act::Redeem(glimpse.preimage.clone()),
                At::Mempool,
                Some(glimpse.tx),
            ));
        }
        if let Some(end) = &facts.end {
            let act = end.preimage.clone().map_or(Act::Refund, Act::Redeem);
            now.push((act, At::Block(end.height), Some(end.tx)));
        }
        if let Some((at, tx)) = facts.cancel {
            now.push((Act::Cancel, at, Some(tx)));
        }
        now
    }

    fn sent_to_end(&self, tx: B256, txs: &[Tx]) -> bool {
        let sent = txs.iter().find(|t| t.hash == tx);
        sent.is_some_and(|t| t.to == Some(self.htlc.contract) && calls::ends(&self.htlc, &t.input))
    }

    /// The transaction that made our lock, if it was a direct call.
    fn lock_tx(&self, txs: &[Tx]) -> Option<TxId> {
        self.locks(txs)
            .find(|(.., exact)| *exact)
            .map(|(tx, ..)| txid(tx))
    }

    /// What was locked instead; 0 if that cannot be told.
    fn other_amount(&self, txs: &[Tx]) -> Amount {
        let other = self.locks(txs).filter(|(.., exact)| !exact).last();
        other.map_or(Amount::ZERO, |(_, amount, _)| calls::amount(amount))
    }

    fn locks<'a>(&'a self, txs: &'a [Tx]) -> impl Iterator<Item = (B256, U256, bool)> + 'a {
        let direct = txs.iter().filter(|tx| tx.to == Some(self.htlc.contract));
        direct.filter_map(|tx| {
            let (amount, exact) = calls::locks(&self.htlc, tx.from, tx.value, &tx.input)?;
            Some((tx.hash, amount, exact))
        })
    }
}

#[cfg(test)]
mod tests;
