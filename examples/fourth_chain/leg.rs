//! What is true of one leg, and what is news of it.

use super::ledger::{Account, Deed, Lock, State, Tx};
use kofo_primitives::{
    Act, ActKind, Amount, At, End, FailClass, HtlcSpec, LegEvent, LegRef, Party, Prepared, TxId, UnixTime,
};
use kofo_primitives::{Bytes, decode, encode, tagged_hash};
use std::collections::{BTreeMap, BTreeSet};

/// A party that redeems is an account; one that refunds has a lane too. Both as borsh has them.
pub(crate) fn parties(spec: &HtlcSpec) -> Option<(Account, (Account, u32))> {
    let redeemer: Account = decode(spec.redeemer.as_slice()).ok()?;
    let refunder: (Account, u32) = decode(spec.refunder.as_slice()).ok()?;
    Some((redeemer, refunder)).filter(|_| redeemer != refunder.0)
}

/// A party as the other side gets it.
pub(crate) fn party(of: &impl borsh::BorshSerialize) -> Party {
    Party::new(encode(of)).expect("an account and a lane are 8 bytes")
}

/// One leg that is watched.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) of: LegRef,
    pub(crate) spec: HtlcSpec,
    pub(crate) lock: Lock,
    /// What was built, now or in a former life: a lock among it keeps its coins.
    pub(crate) built: BTreeMap<ActKind, Tx>,
    /// What is to be in a block, and until when it may be sent.
    pub(crate) owed: BTreeMap<ActKind, Option<UnixTime>>,
    /// What the core knows; nothing after a `Watch`.
    pub(crate) told: Option<Facts>,
}

/// All that is true of a leg at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) acts: BTreeMap<ActKind, (Act, At, TxId)>,
    /// What is locked in a block, if it is not what was agreed.
    pub(crate) wrong: Option<Amount>,
    /// What we built and can never be in a block.
    pub(crate) dead: BTreeSet<ActKind>,
}

impl Facts {
    pub(crate) fn mined(&self, kind: ActKind) -> bool {
        matches!(self.acts.get(&kind), Some((_, At::Block(_), _)))
    }
}

impl Leg {
    /// `None` if the parties are malformed.
    pub(crate) fn new(of: LegRef, spec: HtlcSpec) -> Option<Self> {
        let (redeemer, (refunder, lane)) = parties(&spec)?;
        let lock = Lock {
            refunder,
            lane,
            redeemer,
            hashlock: spec.hashlock,
            timelock: spec.timelock,
        };
        Some(Self {
            of,
            spec,
            lock,
            built: BTreeMap::new(),
            owed: BTreeMap::new(),
            told: None,
        })
    }

    fn us(&self) -> Account {
        match self.spec.end {
            End::Redeemer => self.lock.redeemer,
            End::Refunder => self.lock.refunder,
        }
    }

    /// A lock and its cancel share a ticket, and so do all versions of them: one of them happens. It follows from the
    /// leg, so that there is nothing to remember.
    fn ticket(&self, kind: ActKind) -> [u8; 32] {
        let kind = if kind == ActKind::Cancel {
            ActKind::Lock
        } else {
            kind
        };
        tagged_hash("toy/ticket", &[&encode(&self.of), &encode(&kind)])
    }

    /// The transaction of an act of ours: the same each time.
    pub(crate) fn tx(&self, act: &Act) -> Tx {
        let lock = self.lock.clone();
        Tx {
            from: self.us(),
            ticket: self.ticket(act.kind()),
            deed: match act {
                Act::Lock => Deed::Lock(lock, self.spec.amount),
                Act::Redeem(preimage) => Deed::Redeem(lock, preimage.clone()),
                Act::Refund => Deed::Refund(lock),
                Act::Cancel => Deed::Nothing,
            },
        }
    }

    /// The act and transaction that were built for this leg; `None` for other bytes.
    pub(crate) fn read(&self, prepared: &Prepared) -> Option<(ActKind, Tx)> {
        let tx: Tx = decode(prepared.0.as_slice()).ok()?;
        let act = match &tx.deed {
            Deed::Lock(..) => Act::Lock,
            Deed::Redeem(_, preimage) => Act::Redeem(preimage.clone()),
            Deed::Refund(_) => Act::Refund,
            Deed::Nothing => Act::Cancel,
        };
        (self.tx(&act) == tx).then(|| (act.kind(), tx))
    }

    /// What the core keeps of a transaction.
    pub(crate) fn prepared(tx: &Tx) -> Prepared {
        Prepared(Bytes::new(encode(tx)).expect("a transaction is far below 16 KiB"))
    }

    /// What this leg keeps from other locks of ours.
    pub(crate) fn reserved(&self, facts: &Facts) -> Amount {
        let gone = facts.mined(ActKind::Lock) || facts.mined(ActKind::Cancel);
        if self.built.contains_key(&ActKind::Lock) && !gone {
            return self.spec.amount;
        }
        Amount::ZERO
    }

    // ANCHOR: facts
    /// All that is true now: one look at every transaction, those in blocks last.
    pub(crate) fn facts(&self, state: &State) -> Facts {
        let mut facts = Facts::default();
        for (at, tx) in state.txs() {
            let act = match &tx.deed {
                Deed::Lock(lock, amount) if *lock == self.lock && *amount == self.spec.amount => Act::Lock,
                Deed::Lock(lock, amount) if *lock == self.lock => {
                    // While it waits it may still be replaced.
                    facts.wrong = matches!(at, At::Block(_)).then_some(*amount);
                    continue;
                }
                Deed::Redeem(lock, preimage) if *lock == self.lock => Act::Redeem(preimage.clone()),
                Deed::Refund(lock) if *lock == self.lock => Act::Refund,
                Deed::Nothing if self.cancels(tx) => Act::Cancel,
                Deed::Lock(..) | Deed::Redeem(..) | Deed::Refund(_) | Deed::Nothing => continue,
            };
            facts.acts.insert(act.kind(), (act, at, tx.id()));
        }
        let height = state.tip().height;
        let made = self
            .built
            .keys()
            .filter(|kind| self.is_dead(**kind, &facts, height));
        facts.dead = made.copied().collect();
        facts
    }
    // ANCHOR_END: facts

    fn cancels(&self, tx: &Tx) -> bool {
        self.spec.end == End::Refunder && *tx == self.tx(&Act::Cancel)
    }

    /// An act is dead when what excludes it is final.
    fn is_dead(&self, kind: ActKind, facts: &Facts, height: u64) -> bool {
        let rival = match kind {
            ActKind::Lock => ActKind::Cancel,
            ActKind::Cancel => ActKind::Lock,
            ActKind::Redeem => ActKind::Refund,
            ActKind::Refund => ActKind::Redeem,
            ActKind::RedeemTogether | ActKind::RefundTogether => return false,
        };
        match facts.acts.get(&rival) {
            Some((_, At::Block(at), _)) => height.saturating_sub(*at) + 1 >= u64::from(self.spec.depth),
            Some((_, At::Mempool, _)) | None => false,
        }
    }

    // ANCHOR: news
    /// What must be said so that what was told becomes what is true; and remembers that it was said.
    pub(crate) fn news(&mut self, now: Facts) -> Vec<LegEvent> {
        let mut news = Vec::new();
        let (whole, was) = (self.told.is_none(), self.told.take().unwrap_or_default());
        for kind in [ActKind::Cancel, ActKind::Refund, ActKind::Redeem, ActKind::Lock] {
            if !now.acts.contains_key(&kind) && (whole || was.acts.contains_key(&kind)) {
                news.push(LegEvent::Unseen(kind));
            }
        }
        if let Some(have) = now.wrong.filter(|_| now.wrong != was.wrong) {
            let need = self.spec.amount;
            news.push(LegEvent::Failed(
                ActKind::Lock,
                FailClass::WrongAmount { have, need },
            ));
        }
        for (kind, (act, at, tx)) in &now.acts {
            let seen = was.acts.get(kind).map(|(_, at, tx)| (at, tx));
            if seen != Some((at, tx)) {
                let (act, at, tx) = (act.clone(), *at, Some(*tx));
                news.push(LegEvent::Seen { act, at, tx });
            }
        }
        for kind in now.dead.difference(&was.dead) {
            self.owed.remove(kind);
            news.push(LegEvent::Failed(*kind, FailClass::Dead));
        }
        self.told = Some(now);
        news
    }
    // ANCHOR_END: news
}
