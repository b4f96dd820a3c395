//! Redeems and refunds, from accounts of their own, each with one open transaction: no lock and no other swap can hold
//! them up.

use super::batch;
use super::pace::Moment;
use super::wanted::{Wanted, is_timeless};
use super::{Round, Told, Verdict};
use crate::account::{Account, Call};
use crate::calls;
use crate::facts::Leg;
use crate::fees::Fee;
use crate::follow::Follower;
use crate::node::{Head, NodeError, Reach};
use crate::prepared::Form;
use alloy::primitives::{Address, B256, U256};
use kofo_primitives::{ActKind, Amount, End, FailClass, LegEvent, LegRef};
use std::collections::BTreeMap;

pub(super) type Act = (LegRef, ActKind);

/// One transaction that is being sent.
struct Open {
    /// What it does: one act, or several redeems.
    acts: Vec<Act>,
    call: Call,
    /// The most that one gas of it may cost: none of its acts justifies more.
    most: u128,
    nonce: u64,
    fee: Fee,
    hash: B256,
    /// The height at which it was first sent.
    first: u64,
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
        let act = (leg, form.kind());
        let wanted = self.wanted.entry(act).or_insert_with(|| Wanted::new(form, least));
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

    /// Contract and slot of every redeem that needs no time.
    pub(super) fn timeless(&self, follower: &Follower) -> Vec<(Address, U256)> {
        let acts = self.wanted.keys();
        let legs = acts.filter_map(|(leg, kind)| follower.legs.get(leg).filter(|it| is_timeless(it, *kind)));
        legs.map(|it| (it.htlc.contract, it.htlc.slot())).collect()
    }

    /// Something waits for company, which no block announces.
    pub(super) fn gathers(&self, follower: &Follower, round: Round<'_>) -> bool {
        let (tip, lately) = (round.tip, round.purse.config.poll.saturating_mul(2));
        let gathering = |(act, wanted): (&Act, &Wanted)| {
            let it = follower.legs.get(&act.0);
            let joins = |it: &Leg| batch::is_joinable(*act, wanted, it, tip.time);
            wanted.told.elapsed() < lately && it.is_some_and(joins)
        };
        let open = |act: &Act| {
            self.lanes
                .iter()
                .flat_map(|lane| &lane.open)
                .any(|open| open.acts.contains(act))
        };
        self.wanted
            .iter()
            .any(|(act, wanted)| !open(act) && gathering((act, wanted)))
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
        let none_wanted = self.next(index, follower, round).is_empty();
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(false);
        };
        if lane.open.is_none() && none_wanted {
            return Ok(false);
        }
        // What must wait for agreement keeps its account until then.
        let timeless = |(leg, kind): &Act| follower.legs.get(leg).is_none_or(|it| is_timeless(it, *kind));
        let needs_time = |open: &Open| !open.acts.iter().all(timeless);
        if round.alone.is_some() && lane.open.as_ref().is_some_and(needs_time) {
            return Ok(false);
        }
        let mined = round.nonce(&lane.account).await?;
        lane.last.take_if(|(nonce, _)| *nonce < mined);
        let consumed = lane.open.take_if(|open| open.nonce < mined);
        if let Some(open) = consumed.filter(|_| round.alone.is_none()) {
            let receipt = round.purse.node.receipt(open.hash).await;
            if receipt.is_err() {
                // To be looked at again.
                lane.open = Some(open);
                return receipt.map(|_| false);
            }
            if receipt?.is_some_and(|(_, success)| !success) {
                self.has_failed(&open, follower, round.tip, told);
            }
        }
        self.let_go(index, follower, round);
        let has_one = |lane: &Lane| lane.open.is_some();
        if self.lanes.get(index).is_some_and(has_one) {
            return Ok(true);
        }
        let next = self.next(index, follower, round);
        let open = self.open(next, mined, follower, round);
        let Some((mut open, lane)) = open.zip(self.lanes.get_mut(index)) else {
            return Ok(false);
        };
        let replaced = lane.last.filter(|(nonce, _)| *nonce == mined);
        let replacing = replaced.and_then(|(_, fee)| round.outbids(fee, open.most));
        open.fee = open.fee.max(replacing.unwrap_or(open.fee));
        lane.open = Some(open);
        Ok(true)
    }

    /// It is in a block and did nothing. A batch shows no more than that; each of its redeems is tried alone.
    fn has_failed(&mut self, open: &Open, follower: &Follower, tip: Head, told: &mut Told) {
        for act in &open.acts {
            let Some(wanted) = self.wanted.get_mut(act) else {
                continue;
            };
            // Another's redeem may have been faster: then ours failed, and nothing is amiss.
            let ended = follower.legs.get(&act.0).is_some_and(|it| it.facts.end.is_some());
            if open.acts.len() > 1 {
                wanted.single = true;
            } else if !ended {
                told.push(wanted.failed(*act, tip));
            }
        }
    }

    /// What ended otherwise, or is too late, needs no transaction: its nonce goes to the next. A batch that waits for too
    /// long, or has an item that cannot wait, comes apart.
    fn let_go(&mut self, index: usize, follower: &Follower, round: Round<'_>) {
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        let wanted = &mut self.wanted;
        lane.open.take_if(|open| {
            let leg = |act: &Act| follower.legs.get(&act.0);
            let live = |act: &Act, wanted: &BTreeMap<Act, Wanted>| {
                let it = leg(act).filter(|_| wanted.contains_key(act));
                it.is_some_and(|it| it.facts.end.is_none() && round.may_send(it, act.1))
            };
            if !open.acts.iter().any(|act| live(act, wanted)) {
                return true;
            }
            if open.acts.len() == 1 {
                return false;
            }
            let late = round.tip.height.saturating_sub(open.first) >= batch::BLOCKS;
            let stays = |act: &Act| {
                let joinable = |it, wanted| batch::is_joinable(*act, wanted, it, round.tip.time);
                !live(act, wanted)
                    || leg(act)
                        .zip(wanted.get(act))
                        .is_none_or(|(it, wanted)| joinable(it, wanted))
            };
            if !late && open.acts.iter().all(stays) {
                return false;
            }
            for act in &open.acts {
                if let Some(wanted) = wanted.get_mut(act) {
                    wanted.single = true;
                }
            }
            true
        });
    }

    /// A transaction that does all of this under this nonce.
    fn open(&self, acts: Vec<Act>, nonce: u64, follower: &Follower, round: Round<'_>) -> Option<Open> {
        let items = acts
            .iter()
            .map(|act| Some((follower.legs.get(&act.0)?, self.wanted.get(act)?)));
        let items: Vec<_> = items.collect::<Option<_>>()?;
        let call = match items.as_slice() {
            [] => return None,
            [(it, wanted)] => calls::end(&it.htlc, &wanted.form),
            _ => {
                let shown = items
                    .iter()
                    .map(|(it, wanted)| Some((&it.htlc, wanted.form.preimage()?)));
                batch::call(&shown.collect::<Option<Vec<_>>>()?)?
            }
        };
        let gas = share(&call, acts.len());
        let kind = acts.first()?.1;
        let most = items.iter().map(|(it, _)| round.most((kind, it), gas)).min()?;
        let fee = items
            .iter()
            .map(|(_, wanted)| wanted.least.at_most(most))
            .reduce(Fee::max)?;
        Some(Open {
            acts,
            call,
            most,
            nonce,
            fee,
            hash: B256::ZERO,
            first: round.tip.height,
            since: round.tip.into(),
        })
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
        let gas = share(&open.call, open.acts.len());
        let legs: Vec<_> = open
            .acts
            .iter()
            .filter_map(|act| Some((*act, follower.legs.get(&act.0)?)))
            .collect();
        let told_to = open.acts.iter().filter_map(|act| self.wanted.get(act));
        let paid = told_to.fold(open.fee, |paid, wanted| paid.max(wanted.least.at_most(open.most)));
        if paid != open.fee {
            (open.fee, open.since) = (paid, tip.into());
        }
        for (act, it) in &legs {
            if let Some(wanted) = self.wanted.get_mut(act) {
                told.extend(wanted.offer(*act, (it, gas), (open.fee, open.since), round));
            }
        }
        let unseen = |(act, it): &(Act, &Leg)| act.1 == ActKind::Redeem && !is_timeless(it, act.1);
        let reach = if legs.iter().any(unseen) {
            Reach::Ours
        } else {
            Reach::All
        };
        let need = Amount::new(open.fee.of(open.call.gas));
        let (nonce, acts) = (open.nonce, open.acts.clone());
        let send = super::send_bumping(
            round,
            account,
            (&open.call, reach, open.most),
            (nonce, &mut open.fee),
        );
        let (verdict, hash) = send.await?;
        open.hash = hash;
        tracing::debug!(acts = acts.len(), %hash, ?verdict, "sent");
        *last = Some((open.nonce, open.fee));
        if verdict == Verdict::Funds {
            *slot = None;
            let have = calls::amount(purse.node.coins(account.address()).await?);
            for act in &acts {
                let Some(wanted) = self.wanted.get_mut(act) else {
                    continue;
                };
                if acts.len() > 1 {
                    wanted.single = true;
                } else {
                    told.extend(wanted.lacks_funds(*act, have, need));
                }
            }
        } else if verdict == Verdict::Accepted {
            let wanted = |act: &Act| self.wanted.get_mut(act)?.taken(act.0, hash);
            told.extend(acts.iter().filter_map(wanted));
        }
        Ok(verdict == Verdict::Lost)
    }

    /// What this account should send next: the act with the earliest timelock that could succeed in the next block and is
    /// sent by no account, and what may go with it. Empty if there is none.
    fn next(&self, index: usize, follower: &Follower, round: Round<'_>) -> Vec<Act> {
        let Some(account) = self.lanes.get(index).map(|lane| lane.account.address()) else {
            return Vec::new();
        };
        let lanes = self.lanes.iter().filter_map(|lane| lane.open.as_ref());
        let open: Vec<&Act> = lanes.flat_map(|open| &open.acts).collect();
        let could = self.wanted.iter().filter_map(|(act, wanted)| {
            let it = follower.legs.get(&act.0)?;
            let may = round.may_send(it, act.1)
                && wanted.not_before <= round.tip.height
                && wanted.form.is_for(account);
            let could = may && can_succeed(it, act.1, follower, round) && !open.contains(&act);
            let joins = could && batch::is_joinable(*act, wanted, it, round.tip.time);
            could.then_some((it, *act, joins, wanted))
        });
        let mut could: Vec<_> = could.collect();
        could.sort_by_key(|(it, act, ..)| (it.htlc.timelock, *act));
        let ready = |joins: bool, it: &Leg, wanted: &Wanted| {
            !joins || !self.waits_for_company(it, wanted, follower, round)
        };
        let Some((first, act, joins, _)) = could
            .iter()
            .find(|(it, _, joins, wanted)| ready(*joins, it, wanted))
        else {
            return Vec::new();
        };
        if !joins {
            return vec![*act];
        }
        let kind = batch::common(&first.htlc);
        let company = could
            .iter()
            .filter(|(it, _, joins, _)| *joins && batch::common(&it.htlc) == kind);
        company.map(|(_, act, ..)| *act).take(batch::MOST).collect()
    }

    /// A redeem that may go with others waits a moment for them, if there are legs whose redeem may come too.
    fn waits_for_company(&self, it: &Leg, wanted: &Wanted, follower: &Follower, round: Round<'_>) -> bool {
        if wanted.told.elapsed() >= round.purse.config.poll {
            return false;
        }
        let kind = batch::common(&it.htlc);
        follower.legs.iter().any(|(leg, other)| {
            let unclaimed = other.is_open() && !self.wanted.contains_key(&(*leg, ActKind::Redeem));
            unclaimed && other.spec.end == End::Redeemer && batch::common(&other.htlc) == kind
        })
    }
}

/// What of a call's gas each act is to bear.
fn share(call: &Call, acts: usize) -> u64 {
    let acts = u64::try_from(acts).unwrap_or(u64::MAX);
    call.gas.checked_div(acts).unwrap_or(call.gas)
}

/// The slot holds the lock, and it is late enough for a refund alone. Anything else would revert and cost gas for nothing.
fn can_succeed(it: &Leg, kind: ActKind, follower: &Follower, round: Round<'_>) -> bool {
    let slot = it.htlc.slot();
    let value = match round.alone {
        Some(values) => values.get(&slot).copied(),
        None => follower.value(slot),
    };
    value == Some(it.htlc.commitment()) && (kind != ActKind::Refund || round.tip.time >= it.htlc.timelock)
}
