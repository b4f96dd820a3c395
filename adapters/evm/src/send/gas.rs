//! Redeems and refunds, from accounts of their own, each with one open transaction: no lock and no other swap can hold
//! them up.

use super::pace::{Moment, Pace};
use super::{Round, Told, Verdict};
use crate::account::Account;
use crate::calls;
use crate::facts::{Leg, txid};
use crate::fees::Fee;
use crate::follow::Follower;
use crate::node::{Head, NodeError};
use crate::prepared::Form;
use alloy::primitives::B256;
use kofo_primitives::{ActKind, Amount, At, FailClass, LegEvent, LegRef, Text};
use std::collections::BTreeMap;

/// A transaction that failed in a block is tried again after 2, 4, … and at most so many blocks.
const LONGEST_PAUSE: u64 = 64;

type Act = (LegRef, ActKind);

struct Wanted {
    form: Form,
    /// So much is paid: what the newest version that we were told to send says.
    least: Fee,
    /// The height at which a better-paying version was last offered, and what it pays.
    offered: Option<(u64, Fee)>,
    /// When it was first sent.
    first: Option<Moment>,
    failures: u32,
    not_before: u64,
    told_funds: bool,
    /// A node took the redeem, and that was told.
    told_shown: bool,
}

struct Open {
    act: Act,
    nonce: u64,
    fee: Fee,
    hash: B256,
    /// When this fee was first sent.
    since: Moment,
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
        let form = form.for_one_of(self.lanes.iter().map(|lane| lane.account.address()));
        let least = form.least().unwrap_or(Fee::NONE);
        let new = Wanted {
            form,
            least,
            offered: None,
            first: None,
            failures: 0,
            not_before: 0,
            told_funds: false,
            told_shown: false,
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

    pub(super) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.lanes.iter().all(|lane| lane.open.is_none())
    }

    /// Lets go of what has happened for good, and tells what can never happen.
    pub(super) fn drop_what_is_over(&mut self, follower: &Follower, tip: Head, told: &mut Told) {
        self.wanted.retain(|(leg, kind), _| {
            let Some(it) = follower.legs.get(leg) else {
                return false;
            };
            let end = it.facts.end.as_ref();
            let Some(end) = end.filter(|end| it.is_final(end.height, tip.height)) else {
                return true;
            };
            if end.preimage.is_some() != (*kind == ActKind::Redeem) {
                told.push((*leg, LegEvent::Failed(*kind, FailClass::Dead)));
            }
            false
        });
    }

    /// Whether an answer was lost.
    pub(super) async fn run(
        &mut self,
        round: Round<'_>,
        follower: &Follower,
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        let mut lost = false;
        for index in 0..self.lanes.len() {
            if self.assign(index, round, follower, told).await? {
                lost |= self.send(index, round, follower, told).await?;
            }
        }
        Ok(lost)
    }

    /// Sees what became of the account's open transaction and gives it one to send if it is free. Whether it has one.
    async fn assign(
        &mut self,
        index: usize,
        round: Round<'_>,
        follower: &Follower,
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        let Round { purse, tip, price } = round;
        let next = self.most_urgent(index, follower, tip);
        let Some(lane) = self
            .lanes
            .get_mut(index)
            .filter(|l| l.open.is_some() || next.is_some())
        else {
            return Ok(false);
        };
        let mined = round.nonce(&lane.account).await?;
        lane.last.take_if(|(nonce, _)| *nonce < mined);
        if let Some(open) = lane.open.as_ref().filter(|open| open.nonce < mined) {
            let receipt = purse.node.receipt(open.hash).await?;
            // Another's redeem may have been faster: then ours failed, and nothing is amiss.
            let ended = follower
                .legs
                .get(&open.act.0)
                .is_some_and(|it| it.facts.end.is_some());
            let failed = receipt.is_some_and(|(_, success)| !success) && !ended;
            let wanted = self.wanted.get_mut(&open.act).filter(|_| failed);
            told.extend(wanted.map(|wanted| wanted.failed(open.act, tip)));
            lane.open = None;
        }
        // What ended otherwise, or is too late, needs no transaction: its nonce goes to the next.
        let (wanted, legs) = (&self.wanted, &follower.legs);
        let idle = |it: &Leg, kind| it.facts.end.is_some() || !it.may_send(kind, tip.time);
        lane.open.take_if(|open| {
            !wanted.contains_key(&open.act) || legs.get(&open.act.0).is_none_or(|it| idle(it, open.act.1))
        });
        if lane.open.is_some() {
            return Ok(true);
        }
        let next = self.most_urgent(index, follower, tip);
        let least = next.and_then(|act| {
            let it = follower.legs.get(&act.0)?;
            let most = round.most(it, it.htlc.end_gas());
            Some(self.wanted.get(&act)?.least.at_most(most))
        });
        let (Some(act), Some(least), Some(lane)) = (next, least, self.lanes.get_mut(index)) else {
            return Ok(false);
        };
        let replaced = lane.last.filter(|(nonce, _)| *nonce == mined);
        let replacing = replaced.and_then(|(_, fee)| purse.config.fees.bump(fee, price));
        let fee = replacing.unwrap_or(least).max(least);
        lane.open = Some(Open {
            act,
            nonce: mined,
            fee,
            hash: B256::ZERO,
            since: tip.into(),
        });
        Ok(true)
    }

    async fn send(
        &mut self,
        index: usize,
        round: Round<'_>,
        follower: &Follower,
        told: &mut Told,
    ) -> Result<bool, NodeError> {
        let Round { purse, tip, .. } = round;
        let Some(Lane {
            account,
            open: slot,
            last,
        }) = self.lanes.get_mut(index)
        else {
            return Ok(false);
        };
        let Some(open) = slot else { return Ok(false) };
        let (leg, kind) = open.act;
        let (Some(it), Some(wanted)) = (follower.legs.get(&leg), self.wanted.get_mut(&open.act)) else {
            return Ok(false);
        };
        let most = round.most(it, it.htlc.end_gas());
        let paid = open.fee.max(wanted.least.at_most(most));
        if paid != open.fee {
            (open.fee, open.since) = (paid, tip.into());
        }
        told.extend(wanted.offer(open, it, round).map(|better| (leg, better)));
        let call = calls::end(&it.htlc, &wanted.form);
        let need = Amount::new(open.fee.of(call.gas));
        let (verdict, hash) =
            super::send_bumping(round, account, (it, &call), (open.nonce, &mut open.fee)).await;
        open.hash = hash;
        tracing::debug!(%leg.leg, ?kind, %hash, ?verdict, "sent");
        *last = Some((open.nonce, open.fee));
        if verdict == Verdict::Funds {
            *slot = None;
            if !std::mem::replace(&mut wanted.told_funds, true) {
                let have = calls::amount(purse.node.coins(account.address()).await?);
                told.push((leg, LegEvent::Failed(kind, FailClass::Funds { have, need })));
            }
        } else if verdict == Verdict::Accepted {
            wanted.told_funds = false;
            // Our node took it: the preimage is shown, even if the pool forgets it before the next look.
            if let Some(preimage) = wanted.form.preimage()
                && !std::mem::replace(&mut wanted.told_shown, true)
            {
                let (act, tx) = (
                    kofo_primitives::Act::Redeem(preimage.clone()),
                    Some(txid(open.hash)),
                );
                told.push((
                    open.act.0,
                    LegEvent::Seen {
                        act,
                        at: At::Mempool,
                        tx,
                    },
                ));
            }
        }
        Ok(verdict == Verdict::Lost)
    }

    /// The wanted act with the earliest timelock that could succeed in the next block, that this account may send and
    /// that none does.
    fn most_urgent(&self, index: usize, follower: &Follower, tip: Head) -> Option<Act> {
        let account = self.lanes.get(index)?.account.address();
        let open = |act: &Act| {
            self.lanes
                .iter()
                .any(|lane| lane.open.as_ref().is_some_and(|o| o.act == *act))
        };
        let ready = self.wanted.iter().filter_map(|(act, wanted)| {
            let it = follower.legs.get(&act.0)?;
            let may = it.may_send(act.1, tip.time)
                && wanted.not_before <= tip.height
                && wanted.form.is_for(account);
            let could = may && can_succeed(it, act.1, follower, tip);
            (could && !open(act)).then_some((it.htlc.timelock, *act))
        });
        ready.min().map(|(_, act)| act)
    }
}

impl Wanted {
    /// A better-paying version of what waits too long. The core journals it and says when it is to be sent; until then
    /// it is offered again at times, and whenever so much more is due that it could replace the offered one too.
    fn offer(&mut self, open: &Open, it: &Leg, round: Round<'_>) -> Option<LegEvent> {
        let (tip, policy) = (round.tip, &round.purse.config.fees);
        let first = *self.first.get_or_insert(tip.into());
        let pace = Pace {
            first,
            since: open.since,
        };
        let better = round.replacement((open.act.1, it), pace, open.fee, it.htlc.end_gas())?;
        let known = self.offered.filter(|(at, fee)| {
            let lately = tip.height.saturating_sub(*at) < policy.bump_after;
            lately && !better.replaces(*fee)
        });
        if known.is_some() {
            return None;
        }
        self.offered = Some((tip.height, better));
        Some(LegEvent::Built(open.act.1, self.form.paying(better).encode()))
    }

    /// Our transaction failed in a block. The next try waits longer: each costs gas.
    fn failed(&mut self, (leg, kind): Act, tip: Head) -> (LegRef, LegEvent) {
        self.failures = self.failures.saturating_add(1);
        self.form = self.form.without_wage();
        let pause = 2u64.saturating_pow(self.failures).min(LONGEST_PAUSE);
        self.not_before = tip.height.saturating_add(pause);
        let why = "the transaction failed in a block: the payee or the token refuses";
        (leg, LegEvent::Failed(kind, FailClass::Refused(Text::lossy(why))))
    }
}

/// The slot holds the lock, and it is late enough for a refund alone. Anything else would revert and cost gas for nothing.
fn can_succeed(it: &Leg, kind: ActKind, follower: &Follower, tip: Head) -> bool {
    let locked = follower.value(it.htlc.slot()) == Some(it.htlc.commitment());
    locked && (kind != ActKind::Refund || tip.time >= it.htlc.timelock)
}
