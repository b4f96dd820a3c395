//! Sends what was built until it is in a block or dead: locks and cancels from the owner under their held nonces,
//! redeems and refunds from the gas accounts, and errands (approvals, top-ups, gap fillers) in between.

mod batch;
mod errands;
mod gas;
mod pace;
mod transfers;
mod verdict;
mod wanted;

use crate::account::{Account, Call, Signed};
use crate::calls;
use crate::facts::{Leg, txid};
use crate::fees::Fee;
use crate::follow::Follower;
use crate::node::{Head, NodeError, Reach};
use crate::nonces::NonceBook;
use crate::prepared::{Form, Numbered};
use crate::purse::Purse;
use alloy::eips::BlockId;
use alloy::primitives::{B256, U256};
use errands::Errands;
use gas::GasPool;
use kofo_primitives::{ActKind, At, FailClass, LegEvent, LegRef};
use pace::Pace;
use std::collections::BTreeMap;
use verdict::Verdict;

pub(crate) type Told = Vec<(LegRef, LegEvent)>;

/// A transaction of the owner that is being sent.
struct Owned {
    numbered: Numbered,
    /// Since when it is sent.
    pace: Option<Pace>,
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
    /// The block at which everything was sent that waits for no agreement.
    alone_at: Option<B256>,
    told: Told,
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
            alone_at: None,
            told: Told::new(),
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

    /// The gas accounts may have too little. They are looked at a few rounds later: after a start, what other legs hold
    /// must be known before an errand takes a nonce.
    pub(crate) fn check_gas(&mut self) {
        self.errands.look_later();
        self.dirty = true;
    }

    /// How often this errand was in a block already.
    pub(crate) fn errands_done(&self, call: &Call) -> u32 {
        self.errands.done(call)
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
        (self.dirty, self.alone_at) = (true, None);
        let since = tip.map(Pace::new);
        let kind = form.kind();
        match form.numbered() {
            Some(numbered) => {
                if kind == ActKind::Cancel {
                    self.owned.remove(&(leg, ActKind::Lock));
                } else if self.owned.contains_key(&(leg, ActKind::Cancel)) {
                    return;
                }
                let new = Owned {
                    numbered,
                    pace: since,
                };
                let owned = self.owned.entry((leg, kind)).or_insert(new);
                if owned.numbered.fee.max < numbered.fee.max {
                    owned.numbered = numbered;
                    owned.pace = match (owned.pace, since) {
                        (Some(old), Some(new)) => Some(Pace {
                            since: new.since,
                            ..old
                        }),
                        (old, new) => old.or(new),
                    };
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

    pub(crate) fn tell(&mut self, leg: LegRef, event: LegEvent) {
        self.told.push((leg, event));
    }

    /// Takes what is to be told, also after an error: it is told once.
    pub(crate) fn take_told(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }

    /// Finds what became of nonces that were consumed: a cancel that is in a block, a lock that is dead.
    pub(crate) async fn look(
        &mut self,
        purse: &Purse,
        follower: &mut Follower,
        moved: bool,
    ) -> Result<(), NodeError> {
        self.bury_cancels(follower);
        let legs = &follower.legs;
        let unclear = |leg: &LegRef| {
            legs.get(leg)
                .is_some_and(|it| it.scanned && it.facts.lock.is_none())
        };
        let unclear: Vec<_> = self.versions.keys().copied().filter(unclear).collect();
        let Some(tip) = follower.tip().filter(|_| moved || self.dirty) else {
            return Ok(());
        };
        if unclear.is_empty() {
            return Ok(());
        }
        let mined = purse
            .node
            .nonce(purse.owner.address(), BlockId::hash(tip.hash))
            .await?;
        for leg in unclear {
            let nonce = self.versions.get(&leg).and_then(|versions| versions.first());
            let consumed = nonce.is_some_and(|(_, numbered)| numbered.nonce < mined);
            if let Some(it) = follower.legs.get_mut(&leg).filter(|_| consumed) {
                self.look_at(purse, leg, it, tip).await?;
            }
        }
        Ok(())
    }

    /// A cancel whose lock is final came too late.
    fn bury_cancels(&mut self, follower: &Follower) {
        let Some(tip) = follower.tip() else { return };
        for (leg, versions) in &mut self.versions {
            let lock = follower.legs.get(leg).and_then(|it| Some((it, it.facts.lock?.0)));
            if lock.is_some_and(|(it, height)| it.is_final(height, tip.height)) {
                let before = versions.len();
                versions.retain(|(kind, _)| *kind != ActKind::Cancel);
                if versions.len() < before {
                    self.owned.remove(&(*leg, ActKind::Cancel));
                    self.told
                        .push((*leg, LegEvent::Failed(ActKind::Cancel, FailClass::Dead)));
                }
            }
        }
    }

    /// The leg's nonce is consumed, and not by its lock.
    async fn look_at(
        &mut self,
        purse: &Purse,
        leg: LegRef,
        it: &mut Leg,
        tip: Head,
    ) -> Result<(), NodeError> {
        let versions = self.versions.get(&leg).cloned().unwrap_or_default();
        for (kind, numbered) in &versions {
            if *kind != ActKind::Cancel || it.facts.cancelled().is_some() {
                continue;
            }
            let call = cancel(purse);
            let signed = purse
                .owner
                .sign(&purse.config, &call, numbered.nonce, numbered.fee);
            let Ok(Signed { hash, .. }) = signed.await else {
                // Facts do not wait for the signer: this leg is looked at again.
                self.dirty = true;
                return Ok(());
            };
            let receipt = purse.node.receipt(hash).await?;
            if let Some((height, _)) = receipt.filter(|(height, _)| *height <= tip.height) {
                it.facts.cancel = Some((At::Block(height), txid(hash)));
            }
        }
        let dead: &[ActKind] = match it.facts.cancelled() {
            Some(height) if it.is_final(height, tip.height) => &[ActKind::Lock],
            Some(_) => return Ok(()),
            None => {
                let depth = u64::from(it.spec.depth).max(1);
                let deep = tip.height.saturating_add(1).saturating_sub(depth);
                let consumed = purse.node.nonce(purse.owner.address(), deep.into()).await?;
                if versions.first().is_none_or(|(_, n)| n.nonce >= consumed) {
                    return Ok(());
                }
                &[ActKind::Lock, ActKind::Cancel]
            }
        };
        let built = |kind: &&ActKind| versions.iter().any(|(k, _)| k == *kind);
        let dead = dead.iter().filter(built);
        self.told
            .extend(dead.map(|kind| (leg, LegEvent::Failed(*kind, FailClass::Dead))));
        self.owned.retain(|(at, _), _| *at != leg);
        self.book.free(leg);
        self.versions.remove(&leg);
        purse.ledger().earmarks.remove(&leg);
        Ok(())
    }

    /// Sends and sends again. One look at each account that has something to send, whatever the number of legs.
    pub(crate) async fn send(
        &mut self,
        purse: &Purse,
        follower: &mut Follower,
        moved: bool,
    ) -> Result<(), NodeError> {
        let Some(tip) = follower.tip().filter(|_| moved || self.dirty) else {
            return Ok(());
        };
        self.dirty = true;
        self.gas.drop_what_is_over(follower, tip, &mut self.told);
        if self.owned.is_empty() && self.errands.is_idle() && self.gas.is_idle() {
            self.dirty = false;
            return Ok(());
        }
        let price = purse.price(tip.base_fee).await?;
        let latest = follower.latest.max(tip.time);
        let round = Round {
            purse,
            tip,
            price,
            latest,
            alone: None,
        };
        let mut lost = self.send_owned(round, follower).await?;
        lost |= self
            .errands
            .run(round, &self.book, !self.owned.is_empty())
            .await?;
        lost |= self.gas.run(round, follower, &mut self.told).await?;
        if moved && self.gas.lacks_funds() {
            self.errands.look_later();
        }
        self.dirty = lost || self.errands.waits_to_start() || self.gas.gathers(follower, round);
        Ok(())
    }

    /// As long as the endpoints do not agree: sends the redeems whose preimages are public, because they need no time and
    /// no agreement, by what the first endpoint that answers says.
    pub(crate) async fn send_alone(&mut self, purse: &Purse, follower: &Follower) -> Result<(), NodeError> {
        let slots = self.gas.timeless(follower);
        let Some(contract) = slots.first().map(|(contract, _)| *contract) else {
            return Ok(());
        };
        let bests = purse.node.bests().await;
        let tip = bests.first().ok_or(NodeError::Odd("no endpoint answers"))?;
        // Nobody alone makes us pay more: not by a later time, and not by a dearer block.
        let tip = Head {
            time: follower.time_by_ourselves().unwrap_or(tip.time),
            base_fee: bests.iter().filter_map(|head| head.base_fee).min(),
            ..*tip
        };
        if self.alone_at == Some(tip.hash) {
            return Ok(());
        }
        let slots: Vec<_> = slots.into_iter().map(|(_, slot)| slot).collect();
        let values = purse.node.any_slots(contract, &slots).await?;
        let values = slots.into_iter().zip(values).collect();
        let round = Round {
            purse,
            tip,
            price: purse.price(tip.base_fee).await?,
            latest: tip.time,
            alone: Some(&values),
        };
        let lost = self.gas.run(round, follower, &mut self.told).await?;
        self.alone_at = (!lost).then_some(tip.hash);
        Ok(())
    }

    async fn send_owned(&mut self, round: Round<'_>, follower: &mut Follower) -> Result<bool, NodeError> {
        let Round {
            purse, tip, latest, ..
        } = round;
        if self.owned.is_empty() {
            return Ok(false);
        }
        let mined = round.nonce(&purse.owner).await?;
        let mut lost = false;
        for ((leg, kind), owned) in &mut self.owned {
            let Some(it) = follower.legs.get_mut(leg) else {
                continue;
            };
            let in_block =
                it.facts.lock.is_some() || it.facts.end.is_some() || it.facts.cancelled().is_some();
            if in_block || owned.numbered.nonce < mined || !it.may_send(*kind, latest) {
                continue;
            }
            let Numbered { nonce, gas, fee } = owned.numbered;
            let is_lock = *kind == ActKind::Lock;
            let call = if is_lock {
                calls::lock(&it.htlc)
            } else {
                cancel(purse)
            };
            let call = Call { gas, ..call };
            let signed = purse.owner.sign(&purse.config, &call, nonce, fee).await?;
            let verdict = Verdict::of(purse.node.send(&signed.raw, Reach::All).await);
            tracing::debug!(swap = %leg.swap, leg = %leg.leg, ?kind, hash = %signed.hash, ?verdict, "sent");
            lost |= verdict == Verdict::Lost;
            if !is_lock && verdict == Verdict::Accepted {
                it.facts.cancel = Some((At::Mempool, txid(signed.hash)));
            }
            // The core journals the next version before it is sent: it conflicts with this one by its nonce.
            let versions = self.versions.entry(*leg).or_default();
            if versions.iter().any(|(_, other)| other.fee.max > fee.max) {
                continue;
            }
            let pace = *owned.pace.get_or_insert(Pace::new(tip));
            let due = round.replacement((*kind, it), pace, fee, gas);
            let outbid =
                (verdict == Verdict::Underpriced).then(|| round.outbids(fee, round.most((*kind, it), gas)));
            if let Some(fee) = due.or(outbid.flatten()) {
                let form = if is_lock { Form::Lock } else { Form::Cancel };
                let numbered = Numbered { nonce, gas, fee };
                versions.push((*kind, numbered));
                self.told
                    .push((*leg, LegEvent::Built(*kind, form(numbered).encode())));
            }
        }
        Ok(lost)
    }
}

/// What holds while everything is sent once.
#[derive(Clone, Copy)]
struct Round<'a> {
    purse: &'a Purse,
    tip: Head,
    /// Wei per gas, at the tip.
    price: u128,
    /// The latest time that any endpoint shows: what is too late by that is too late.
    latest: u64,
    /// The endpoints do not agree: only what needs no time is sent, by what one of them says that these slots hold.
    alone: Option<&'a BTreeMap<U256, B256>>,
}

impl Round<'_> {
    /// The next nonce of the account, in the state of which all facts are.
    async fn nonce(&self, account: &Account) -> Result<u64, NodeError> {
        if self.alone.is_some() {
            return self.purse.node.any_nonce(account.address()).await;
        }
        let state = BlockId::hash(self.tip.hash);
        self.purse.node.nonce(account.address(), state).await
    }

    /// Whether an errand that was sent then, for that fee, should pay more by now.
    fn waited(&self, since: u64, fee: Fee) -> bool {
        let blocks = self.tip.height.saturating_sub(since);
        blocks >= self.purse.config.fees.bump_after || self.price > fee.max
    }

    /// What outbids this fee today, within the most that the act may pay.
    fn outbids(&self, fee: Fee, most: u128) -> Option<Fee> {
        let today = self.purse.config.fees.today(self.price).at_most(most);
        fee.replaced_by(today, most)
    }
}

/// Sends, and pays more as long as the pool says that it is too little and the most allows.
async fn send_bumping(
    round: Round<'_>,
    account: &Account,
    (call, reach, most): (&Call, Reach, u128),
    (nonce, fee): (u64, &mut Fee),
) -> Result<(Verdict, B256), NodeError> {
    let purse = round.purse;
    loop {
        let signed = account.sign(&purse.config, call, nonce, *fee).await?;
        let verdict = Verdict::of(purse.node.send(&signed.raw, reach).await);
        match round.outbids(*fee, most) {
            Some(more) if verdict == Verdict::Underpriced => *fee = more,
            _ => return Ok((verdict, signed.hash)),
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
