//! Redeems and refunds, from accounts of their own, each with one open transaction: no lock and no other swap can hold
//! them up.

use super::{Told, Verdict};
use crate::account::Account;
use crate::calls;
use crate::facts::Leg;
use crate::fees::Fee;
use crate::follow::Follower;
use crate::node::{Head, NodeError};
use crate::prepared::Form;
use crate::purse::Purse;
use alloy::eips::BlockId;
use alloy::primitives::B256;
use kofo_primitives::{ActKind, Amount, FailClass, LegEvent, LegRef, Text};
use std::collections::BTreeMap;

/// A transaction that failed in a block is tried again after 2, 4, … and at most so many blocks.
const LONGEST_PAUSE: u64 = 64;

type Act = (LegRef, ActKind);

struct Wanted {
    form: Form,
    /// At least this is paid.
    least: Fee,
    failures: u32,
    not_before: u64,
    told_funds: bool,
}

struct Open {
    act: Act,
    nonce: u64,
    fee: Fee,
    hash: B256,
    since: u64,
}

struct Lane {
    account: Account,
    open: Option<Open>,
    /// The last transaction that was sent and whose nonce is perhaps not consumed: the next one replaces it.
    last: Option<(u64, Fee)>,
}

pub(super) struct GasPool {
    lanes: Vec<Lane>,
    wanted: BTreeMap<Act, Wanted>,
}

impl GasPool {
    pub(super) fn new(accounts: &[Account]) -> Self {
        let lane = |account: &Account| Lane {
            account: account.clone(),
            open: None,
            last: None,
        };
        Self {
            lanes: accounts.iter().map(lane).collect(),
            wanted: BTreeMap::new(),
        }
    }

    pub(super) fn want(&mut self, leg: LegRef, form: Form) {
        let least = form.least().unwrap_or(Fee::NONE);
        let new = Wanted {
            form,
            least,
            failures: 0,
            not_before: 0,
            told_funds: false,
        };
        let wanted = self.wanted.entry((leg, new.form.kind())).or_insert(new);
        wanted.least = wanted.least.max(least);
    }

    pub(super) fn forget(&mut self, leg: LegRef) {
        self.wanted.retain(|(at, _), _| *at != leg);
    }

    pub(super) fn lacks_funds(&self) -> bool {
        self.wanted.values().any(|wanted| wanted.told_funds)
    }

    /// Whether an answer was lost.
    pub(super) async fn run(
        &mut self,
        purse: &Purse,
        follower: &Follower,
        tip: Head,
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        self.wanted.retain(|act, _| {
            let Some(it) = follower.legs.get(&act.0) else {
                return false;
            };
            let Some(end) = it
                .facts
                .end
                .as_ref()
                .filter(|end| it.is_final(end.height, tip.height))
            else {
                return true;
            };
            if end.preimage.is_some() != (act.1 == ActKind::Redeem) {
                told.push((act.0, LegEvent::Failed(act.1, FailClass::Dead)));
            }
            false
        });
        if self.wanted.is_empty() && self.lanes.iter().all(|lane| lane.open.is_none()) {
            return Ok(false);
        }
        let price = purse.price(tip.base_fee).await?;
        let mut lost = false;
        for index in 0..self.lanes.len() {
            lost |= self.drive(index, purse, follower, (tip, price), told).await?;
        }
        Ok(lost)
    }

    async fn drive(
        &mut self,
        index: usize,
        purse: &Purse,
        follower: &Follower,
        (tip, price): (Head, u128),
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        let next = self.most_urgent(follower, tip);
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(false);
        };
        if lane.open.is_none() && next.is_none() {
            return Ok(false);
        }
        let mined = purse
            .node
            .nonce(lane.account.address(), BlockId::hash(tip.hash))
            .await?;
        lane.last.take_if(|(nonce, _)| *nonce < mined);
        if let Some(open) = lane.open.take_if(|open| open.nonce < mined) {
            let failed = purse
                .node
                .receipt(open.hash)
                .await?
                .is_some_and(|(_, success)| !success);
            self.consumed(&open, failed, tip, told);
        }
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(false);
        };
        // What ended otherwise needs no transaction: its nonce goes to the next.
        let (wanted, legs) = (&self.wanted, &follower.legs);
        let idle = |it: &Leg, kind| it.facts.end.is_some() || !it.may_send(kind, tip.time);
        lane.open.take_if(|open| {
            !wanted.contains_key(&open.act) || legs.get(&open.act.0).is_none_or(|it| idle(it, open.act.1))
        });
        if lane.open.is_none() {
            let Some(act) = self.most_urgent(follower, tip) else {
                return Ok(false);
            };
            let least = self.wanted.get(&act).map_or(Fee::NONE, |wanted| wanted.least);
            let Some(lane) = self.lanes.get_mut(index) else {
                return Ok(false);
            };
            let replaced = lane.last.filter(|(nonce, _)| *nonce == mined);
            let fee = match replaced.and_then(|(_, fee)| purse.config.fees.bump(fee, price)) {
                Some(fee) => fee,
                None => purse.config.fees.today(price),
            };
            let fee = fee.max(least);
            lane.open = Some(Open {
                act,
                nonce: mined,
                fee,
                hash: B256::ZERO,
                since: tip.height,
            });
        }
        self.send(index, purse, follower, (tip, price), told).await
    }

    async fn send(
        &mut self,
        index: usize,
        purse: &Purse,
        follower: &Follower,
        (tip, price): (Head, u128),
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(false);
        };
        let Some(open) = &mut lane.open else {
            return Ok(false);
        };
        let (Some(it), Some(wanted)) = (follower.legs.get(&open.act.0), self.wanted.get_mut(&open.act))
        else {
            return Ok(false);
        };
        let waited =
            tip.height.saturating_sub(open.since) >= purse.config.fees.bump_after || price > open.fee.max;
        if waited && let Some(fee) = purse.config.fees.bump(open.fee, price) {
            (open.fee, open.since, wanted.least) = (fee, tip.height, fee);
            told.push((
                open.act.0,
                LegEvent::Built(open.act.1, wanted.form.paying(fee).encode()),
            ));
        }
        let call = match &wanted.form {
            Form::Redeem(preimage, _) => calls::redeem(&it.htlc, preimage),
            _ => calls::refund(&it.htlc),
        };
        let need = open.fee.of(call.gas);
        let verdict =
            super::send_bumping(purse, &lane.account, &call, (open.nonce, &mut open.fee), price).await;
        open.hash = lane.account.sign(&purse.config, &call, open.nonce, open.fee).hash;
        tracing::debug!(leg = %open.act.0.leg, kind = ?open.act.1, hash = %open.hash, ?verdict, "sent");
        lane.last = Some((open.nonce, open.fee));
        if verdict == Verdict::Funds {
            if !std::mem::replace(&mut wanted.told_funds, true) {
                let have = purse.node.coins(lane.account.address()).await?;
                let class = FailClass::Funds {
                    have: calls::amount(have),
                    need: Amount::new(need),
                };
                told.push((open.act.0, LegEvent::Failed(open.act.1, class)));
            }
            lane.open = None;
        } else if verdict == Verdict::Accepted {
            wanted.told_funds = false;
        }
        Ok(verdict == Verdict::Lost)
    }

    /// The wanted act with the earliest timelock that could succeed in the next block and is sent by no account.
    fn most_urgent(&self, follower: &Follower, tip: Head) -> Option<Act> {
        let open = |act: &Act| {
            self.lanes
                .iter()
                .any(|lane| lane.open.as_ref().is_some_and(|o| o.act == *act))
        };
        let ready = self.wanted.iter().filter_map(|(act, wanted)| {
            let it = follower.legs.get(&act.0)?;
            let may = it.may_send(act.1, tip.time) && wanted.not_before <= tip.height;
            let could = may && can_succeed(it, act.1, follower, tip);
            (could && !open(act)).then_some((it.htlc.timelock, *act))
        });
        ready.min().map(|(_, act)| act)
    }

    /// A transaction of ours is in a block. If it failed there, the next try waits longer: each costs gas.
    fn consumed(&mut self, open: &Open, failed: bool, tip: Head, told: &mut Told) {
        let Some(wanted) = self.wanted.get_mut(&open.act).filter(|_| failed) else {
            return;
        };
        wanted.failures = wanted.failures.saturating_add(1);
        let pause = 2u64.saturating_pow(wanted.failures).min(LONGEST_PAUSE);
        wanted.not_before = tip.height.saturating_add(pause);
        let class = FailClass::Refused(Text::lossy(
            "the transaction failed in a block: the payee or the token refuses",
        ));
        told.push((open.act.0, LegEvent::Failed(open.act.1, class)));
    }
}

/// The slot holds the lock, and a refund's time has come. Anything else would revert and cost gas for nothing.
fn can_succeed(it: &Leg, kind: ActKind, follower: &Follower, tip: Head) -> bool {
    let locked = follower.value(it.htlc.slot()) == Some(it.htlc.commitment());
    locked && (kind == ActKind::Redeem || tip.time >= it.htlc.timelock)
}
