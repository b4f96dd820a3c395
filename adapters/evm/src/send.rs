//! Sends what was built until it is in a block or dead: locks and cancels from the owner under their held nonces,
//! redeems and refunds from the gas accounts, and errands (approvals, top-ups, gap fillers) in between.

mod errands;
mod gas;
mod verdict;

use crate::account::{Account, Call};
use crate::calls;
use crate::facts::txid;
use crate::fees::Fee;
use crate::follow::Follower;
use crate::node::{Head, NodeError};
use crate::nonces::NonceBook;
use crate::prepared::{Form, Numbered};
use crate::purse::Purse;
use alloy::eips::BlockId;
use alloy::primitives::U256;
use errands::Errands;
use gas::GasPool;
use kofo_primitives::{ActKind, At, FailClass, LegEvent, LegRef};
use std::collections::BTreeMap;
use verdict::Verdict;

pub(crate) type Told = Vec<(LegRef, LegEvent)>;

/// A transaction of the owner that is being sent.
struct Owned {
    numbered: Numbered,
    /// Height of the tip when it, or its next version, was made.
    since: u64,
}

pub(crate) struct Sender {
    book: NonceBook,
    /// Every version of lock and cancel that was built for a leg.
    versions: BTreeMap<LegRef, Vec<(ActKind, Numbered)>>,
    owned: BTreeMap<(LegRef, ActKind), Owned>,
    errands: Errands,
    gas: GasPool,
    /// Something is to be sent although no block came.
    dirty: bool,
}

impl Sender {
    pub(crate) fn new(purse: &Purse) -> Self {
        Self {
            book: NonceBook::default(),
            versions: BTreeMap::new(),
            owned: BTreeMap::new(),
            errands: Errands::default(),
            gas: GasPool::new(&purse.gas),
            dirty: false,
        }
    }

    /// Reserves what a built transaction spends.
    pub(crate) fn hold(&mut self, leg: LegRef, form: &Form) {
        if let Some(numbered) = form.numbered() {
            self.book.hold(numbered.nonce, leg);
            let versions = self.versions.entry(leg).or_default();
            if !versions.contains(&(form.kind(), numbered)) {
                versions.push((form.kind(), numbered));
            }
        }
    }

    /// The best-paying version of this kind that was built.
    pub(crate) fn held(&self, leg: LegRef, kind: ActKind) -> Option<Numbered> {
        let versions = self.versions.get(&leg)?.iter().filter(|(k, _)| *k == kind);
        versions
            .map(|(_, numbered)| *numbered)
            .max_by_key(|numbered| numbered.fee.max)
    }

    /// The best-paying version of any kind.
    pub(crate) fn highest(&self, leg: LegRef) -> Option<Numbered> {
        self.held(leg, ActKind::Lock)
            .max_by_fee(self.held(leg, ActKind::Cancel))
    }

    pub(crate) fn next_nonce(&self, mined: u64) -> u64 {
        self.book.next(mined, self.errands.nonce())
    }

    /// Whether another leg's lock was built for the same lane.
    pub(crate) fn lane_is_taken(&self, follower: &Follower, but: LegRef, slot: U256) -> bool {
        let same = |leg: &LegRef| {
            follower
                .legs
                .get(leg)
                .is_some_and(|it| it.htlc.slot() == slot && it.facts.end.is_none())
        };
        self.versions.keys().any(|leg| *leg != but && same(leg))
    }

    pub(crate) fn want_errand(&mut self, call: Call) {
        self.errands.want(call);
        self.dirty = true;
    }

    /// The gas accounts may have too little.
    pub(crate) fn check_gas(&mut self) {
        self.errands.check_gas = true;
        self.dirty = true;
    }

    /// Whether the gas accounts lack something for the open legs and one more; errands then bring it.
    pub(crate) async fn needs_top_up(
        &mut self,
        purse: &Purse,
        extra: Option<(LegRef, u64)>,
    ) -> Result<bool, NodeError> {
        let lacking = purse.top_ups(extra).await?;
        for top_up in &lacking {
            self.want_errand(errands::payment(top_up));
        }
        Ok(!lacking.is_empty())
    }

    /// Sends this from now on.
    pub(crate) fn broadcast(&mut self, leg: LegRef, form: Form, tip: Option<Head>) {
        self.hold(leg, &form);
        self.dirty = true;
        let since = tip.map_or(0, |head| head.height);
        let kind = form.kind();
        match form.numbered() {
            Some(numbered) => {
                if kind == ActKind::Cancel {
                    self.owned.remove(&(leg, ActKind::Lock));
                } else if self.owned.contains_key(&(leg, ActKind::Cancel)) {
                    return;
                }
                let owned = self.owned.entry((leg, kind)).or_insert(Owned { numbered, since });
                if owned.numbered.fee.max < numbered.fee.max {
                    *owned = Owned { numbered, since };
                }
            }
            None => self.gas.want(leg, form),
        }
    }

    /// Frees what a leg holds.
    pub(crate) fn forget(&mut self, leg: LegRef) {
        self.book.free(leg);
        self.versions.remove(&leg);
        self.owned.retain(|(at, _), _| *at != leg);
        self.gas.forget(leg);
        self.dirty = true;
    }

    /// Finds what became of nonces that were consumed: a cancel that is in a block, a lock that is dead.
    pub(crate) async fn look(
        &mut self,
        purse: &Purse,
        follower: &mut Follower,
        moved: bool,
    ) -> Result<Told, NodeError> {
        let mut told = Vec::new();
        let unclear = |leg: &LegRef| {
            follower
                .legs
                .get(leg)
                .is_some_and(|it| it.scanned && it.facts.lock.is_none())
        };
        let legs: Vec<_> = self.versions.keys().copied().filter(unclear).collect();
        let Some(tip) = follower
            .tip()
            .filter(|_| !legs.is_empty() && (moved || self.dirty))
        else {
            return Ok(told);
        };
        let owner = purse.owner.address();
        let mined = purse.node.nonce(owner, BlockId::hash(tip.hash)).await?;
        for leg in legs {
            let Some(it) = follower.legs.get_mut(&leg) else {
                continue;
            };
            let versions = self.versions.get(&leg).cloned().unwrap_or_default();
            let Some(nonce) = versions
                .first()
                .map(|(_, n)| n.nonce)
                .filter(|nonce| *nonce < mined)
            else {
                continue;
            };
            let cancels = versions
                .iter()
                .filter(|(kind, _)| *kind == ActKind::Cancel && it.facts.cancelled().is_none());
            let mut found = None;
            for (_, numbered) in cancels {
                let hash = purse
                    .owner
                    .sign(&purse.config, &cancel(purse), numbered.nonce, numbered.fee)
                    .hash;
                let receipt = purse
                    .node
                    .receipt(hash)
                    .await?
                    .filter(|(height, _)| *height <= tip.height);
                found = receipt
                    .map(|(height, _)| (At::Block(height), txid(hash)))
                    .or(found);
            }
            it.facts.cancel = found.or(it.facts.cancel);
            let dead: &[ActKind] = match it.facts.cancelled() {
                Some(height) if it.is_final(height, tip.height) => &[ActKind::Lock],
                Some(_) => continue,
                None => {
                    let deep = tip
                        .height
                        .saturating_add(1)
                        .saturating_sub(u64::from(it.spec.depth).max(1));
                    if purse.node.nonce(owner, deep.into()).await? <= nonce {
                        continue;
                    }
                    &[ActKind::Lock, ActKind::Cancel]
                }
            };
            let dead = dead
                .iter()
                .filter(|kind| versions.iter().any(|(k, _)| k == *kind));
            told.extend(dead.map(|kind| (leg, LegEvent::Failed(*kind, FailClass::Dead))));
            self.owned.retain(|(at, _), _| *at != leg);
            self.book.free(leg);
            self.versions.remove(&leg);
            purse.ledger().earmarks.remove(&leg);
        }
        Ok(told)
    }

    /// Sends and sends again. One look at each account that has something to send, whatever the number of legs.
    pub(crate) async fn send(
        &mut self,
        purse: &Purse,
        follower: &mut Follower,
        moved: bool,
    ) -> Result<Told, NodeError> {
        let Some(tip) = follower.tip().filter(|_| moved || self.dirty) else {
            return Ok(Vec::new());
        };
        self.dirty = true;
        let mut told = Vec::new();
        let mut lost = self.send_owned(purse, follower, tip, &mut told).await?;
        lost |= self
            .errands
            .run(purse, &self.book, !self.owned.is_empty(), tip)
            .await?;
        lost |= self.gas.run(purse, follower, tip, &mut told).await?;
        self.errands.check_gas |= self.gas.lacks_funds();
        self.dirty = lost || self.errands.is_busy_without_nonce();
        Ok(told)
    }

    async fn send_owned(
        &mut self,
        purse: &Purse,
        follower: &mut Follower,
        tip: Head,
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        if self.owned.is_empty() {
            return Ok(false);
        }
        let mined = purse
            .node
            .nonce(purse.owner.address(), BlockId::hash(tip.hash))
            .await?;
        let price = purse.price(tip.base_fee).await?;
        let mut lost = false;
        for ((leg, kind), owned) in &mut self.owned {
            let Some(it) = follower.legs.get_mut(leg) else {
                continue;
            };
            let in_block =
                it.facts.lock.is_some() || it.facts.end.is_some() || it.facts.cancelled().is_some();
            if in_block || owned.numbered.nonce < mined || !it.may_send(*kind, tip.time) {
                continue;
            }
            let Numbered { nonce, gas, fee } = owned.numbered;
            let call = if *kind == ActKind::Lock {
                calls::lock(&it.htlc)
            } else {
                cancel(purse)
            };
            let signed = purse.owner.sign(&purse.config, &Call { gas, ..call }, nonce, fee);
            let verdict = Verdict::of(purse.node.send(&signed.raw).await);
            tracing::debug!(%leg.leg, ?kind, hash = %signed.hash, ?verdict, "sent");
            lost |= verdict == Verdict::Lost;
            if *kind == ActKind::Cancel && verdict == Verdict::Accepted {
                it.facts.cancel = Some((At::Mempool, txid(signed.hash)));
            }
            let waited =
                tip.height.saturating_sub(owned.since) >= purse.config.fees.bump_after || price > fee.max;
            if !(waited || verdict == Verdict::Underpriced) {
                continue;
            }
            // The core journals the next version before it is sent: it conflicts with this one by its nonce.
            let highest = self
                .versions
                .get(leg)
                .and_then(|v| v.iter().map(|(_, n)| *n).max_by_key(|n| n.fee.max));
            let highest = highest.unwrap_or(owned.numbered).fee;
            let next = if highest.max > fee.max {
                None
            } else {
                purse.config.fees.bump(highest, price)
            };
            if let Some(fee) = next {
                owned.since = tip.height;
                let numbered = Numbered { nonce, gas, fee };
                let form = if *kind == ActKind::Lock {
                    Form::Lock(numbered)
                } else {
                    Form::Cancel(numbered)
                };
                self.versions.entry(*leg).or_default().push((*kind, numbered));
                told.push((*leg, LegEvent::Built(*kind, form.encode())));
            }
        }
        Ok(lost)
    }
}

/// Sends, and pays more as long as the pool says that it is too little and the cap allows.
async fn send_bumping(
    purse: &Purse,
    account: &Account,
    call: &Call,
    (nonce, fee): (u64, &mut Fee),
    price: u128,
) -> Verdict {
    loop {
        let signed = account.sign(&purse.config, call, nonce, *fee);
        let verdict = Verdict::of(purse.node.send(&signed.raw).await);
        match purse.config.fees.bump(*fee, price) {
            Some(more) if verdict == Verdict::Underpriced => *fee = more,
            _ => return verdict,
        }
    }
}

fn cancel(purse: &Purse) -> Call {
    Call::nothing(purse.owner.address())
}

trait MaxByFee {
    fn max_by_fee(self, other: Self) -> Self;
}

impl MaxByFee for Option<Numbered> {
    fn max_by_fee(self, other: Self) -> Self {
        self.into_iter()
            .chain(other)
            .max_by_key(|numbered| numbered.fee.max)
    }
}
