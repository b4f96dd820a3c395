//! Operations that wait to be proposed. Bounded in all and for each who sends them; what is committed, refused or too
//! old leaves, and why it was refused is remembered.

use super::forward::Told;
use kofo_clearance::{ActRefused, CheckedOp, Op, Refused};
use kofo_primitives::{ClaimId, Digest, NodeId, SwapId, ValidatorKey};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What came to us first is proposed after so long though the others are not told of it: they may be down (ms).
const TELLING_MS: u64 = 1_000;

/// How much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Operations in all.
    pub total: usize,
    /// Bytes of them in all.
    pub bytes: usize,
    /// Operations of one account, or on one claim or order.
    pub each: usize,
    /// Operations of one validator.
    pub validator: usize,
    /// How long one waits (ms).
    pub age_ms: u64,
    /// So many refusals are remembered.
    pub refused: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            total: 20_000,
            bytes: 96 * 1024 * 1024,
            each: 1_024,
            validator: 4_096,
            age_ms: 120_000,
            refused: 10_000,
        }
    }
}

/// Why an operation does not wait here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolFull {
    /// Too many, of everybody.
    #[error("{0} operations wait already: submit again in a moment, or to another validator")]
    Total(usize),
    /// Too many of whoever sends this one.
    #[error("{0} operations of the same account, claim, order or validator wait already")]
    Each(usize),
}

/// Whose room an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Account(NodeId),
    Claim(ClaimId),
    Order(SwapId),
    Validator(ValidatorKey),
}

fn owner(op: &Op) -> Owner {
    match op {
        Op::Order(cleared) => match &cleared.payment {
            Some(payment) => Owner::Account(payment.body.account),
            None => Owner::Claim(cleared.order.claim_id()),
        },
        Op::Act(act) => Owner::Account(act.body.account),
        Op::Observed(seen) => Owner::Validator(seen.key),
        Op::Proven(proven) => Owner::Order(proven.order),
        Op::DoubleVote(double) => Owner::Validator(double.first.key),
        Op::DoubleQuote(double) => Owner::Account(double.first.2.reservation.bond),
        Op::Amend(amendment) => Owner::Order(amendment.order),
        Op::Complaint(said) => Owner::Validator(said.key),
    }
}

/// Something that fits later: it came before what it follows.
fn early(why: &Refused) -> bool {
    match why {
        Refused::Act(ActRefused::Sequence { have, want }) => have > want,
        _ => false,
    }
}

struct Waiting {
    op: Arc<CheckedOp>,
    since_ms: u64,
    /// Of what came to us first.
    told: Option<Arc<Told>>,
}

impl Waiting {
    fn ready(&self, now_ms: u64) -> bool {
        let told = self.told.as_ref().is_none_or(|told| told.enough());
        told || now_ms.saturating_sub(self.since_ms) >= TELLING_MS
    }
}

#[derive(Default)]
struct Kept {
    arrivals: u64,
    /// By arrival.
    waiting: BTreeMap<u64, Waiting>,
    places: HashMap<Digest, u64>,
    orders: HashMap<SwapId, Digest>,
    owners: HashMap<Owner, usize>,
    bytes: usize,
    refused: HashMap<Digest, String>,
    refusals: VecDeque<Digest>,
}

/// The operations.
pub struct Pool {
    limits: PoolLimits,
    kept: Mutex<Kept>,
}

/// By which an operation's refusal is found: orders by their ids.
fn name(op: &CheckedOp) -> Digest {
    op.order().map_or_else(|| op.leaf(), |order| *order.as_bytes())
}

impl Pool {
    /// Nothing waits.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No change of the pool stops in its middle but by a fault that is not of the pool.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one more could be taken: asked before anything is checked.
    pub fn room(&self) -> Result<(), PoolFull> {
        let kept = self.kept();
        let full = kept.waiting.len() >= self.limits.total || kept.bytes >= self.limits.bytes;
        if full {
            return Err(PoolFull::Total(kept.waiting.len()));
        }
        Ok(())
    }

    /// Whether one more of that account could be taken.
    pub fn room_of(&self, account: NodeId) -> Result<(), PoolFull> {
        match self.kept().owners.get(&Owner::Account(account)) {
            Some(of) if *of >= self.limits.each => Err(PoolFull::Each(*of)),
            Some(_) | None => Ok(()),
        }
    }

    /// Has it wait; whether it did not yet.
    pub fn put(&self, op: Arc<CheckedOp>, now_ms: u64) -> Result<bool, PoolFull> {
        self.wait(op, None, now_ms)
    }

    /// Has one wait that came to us first, until the others are told; whether it did not yet.
    pub fn put_ours(&self, op: Arc<CheckedOp>, told: &Arc<Told>, now_ms: u64) -> Result<bool, PoolFull> {
        self.wait(op, Some(Arc::clone(told)), now_ms)
    }

    fn wait(&self, op: Arc<CheckedOp>, told: Option<Arc<Told>>, now_ms: u64) -> Result<bool, PoolFull> {
        self.room()?;
        let order = op.order();
        let mut kept = self.kept();
        if kept.places.contains_key(&op.leaf()) {
            return Ok(false);
        }
        let owner = owner(op.op());
        let most = match owner {
            Owner::Validator(_) => self.limits.validator,
            Owner::Account(_) | Owner::Claim(_) | Owner::Order(_) => self.limits.each,
        };
        let of = kept.owners.entry(owner).or_default();
        if *of >= most {
            return Err(PoolFull::Each(*of));
        }
        *of += 1;
        kept.arrivals += 1;
        let arrival = kept.arrivals;
        kept.bytes += op.bytes().len();
        kept.places.insert(op.leaf(), arrival);
        if let Some(order) = order {
            kept.orders.insert(order, op.leaf());
        }
        let since_ms = now_ms;
        let waiting = Waiting { op, since_ms, told };
        kept.waiting.insert(arrival, waiting);
        Ok(true)
    }

    /// All that can be proposed now, as it should be: what tells of faults and facts first, the rest as it came, an
    /// account's acts in the order of their sequence.
    #[must_use]
    pub fn ready(&self, now_ms: u64) -> Vec<Arc<CheckedOp>> {
        let all: Vec<_> = self
            .kept()
            .waiting
            .values()
            .filter(|one| one.ready(now_ms))
            .map(|one| Arc::clone(&one.op))
            .collect();
        let (mut first, mut rest): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|op| !matches!(op.op(), Op::Order(_) | Op::Act(_)));
        in_sequence(&mut rest);
        first.append(&mut rest);
        first
    }

    /// The ledger refused an operation: it leaves, unless it only came too early.
    pub fn refuse(&self, op: &CheckedOp, why: &Refused) {
        if !early(why) {
            self.drop_for(op, why.to_string());
        }
    }

    fn drop_for(&self, op: &CheckedOp, why: String) {
        let mut kept = self.kept();
        kept.remove(&op.leaf());
        let name = name(op);
        if kept.refused.insert(name, why).is_none() {
            kept.refusals.push_back(name);
        }
        while kept.refusals.len() > self.limits.refused {
            let oldest = kept.refusals.pop_front();
            oldest.map(|oldest| kept.refused.remove(&oldest));
        }
    }

    /// These are committed, and it is later: what waited too long leaves too.
    pub fn committed(&self, ops: &[Arc<CheckedOp>], now_ms: u64) {
        for op in ops {
            self.kept().remove(&op.leaf());
        }
        let old: Vec<_> = {
            let kept = self.kept();
            let waited = |one: &&Waiting| now_ms.saturating_sub(one.since_ms) > self.limits.age_ms;
            let old = kept.waiting.values().take_while(waited);
            old.map(|one| Arc::clone(&one.op)).collect()
        };
        for op in old {
            self.drop_for(&op, "it waited too long".into());
        }
    }

    /// Whether an operation waits, by its leaf.
    #[must_use]
    pub fn has(&self, leaf: &Digest) -> bool {
        self.kept().places.contains_key(leaf)
    }

    /// Whether an order waits.
    #[must_use]
    pub fn waits(&self, order: SwapId) -> bool {
        self.leaf_of(order).is_some()
    }

    /// The leaf of an order that waits.
    #[must_use]
    pub fn leaf_of(&self, order: SwapId) -> Option<Digest> {
        self.kept().orders.get(&order).copied()
    }

    /// Why an order, by its id, or another operation, by its leaf, was refused after it was taken.
    #[must_use]
    pub fn refusal(&self, name: &Digest) -> Option<String> {
        self.kept().refused.get(name).cloned()
    }
}

impl Kept {
    fn remove(&mut self, leaf: &Digest) {
        let Some(waiting) = self.places.remove(leaf).and_then(|at| self.waiting.remove(&at)) else {
            return;
        };
        let op = waiting.op.op();
        self.bytes = self.bytes.saturating_sub(waiting.op.bytes().len());
        if let Some(order) = waiting.op.order() {
            self.orders.remove(&order);
        }
        let owner = owner(op);
        if let Some(of) = self.owners.get_mut(&owner) {
            *of = of.saturating_sub(1);
            if *of == 0 {
                self.owners.remove(&owner);
            }
        }
    }
}

/// Puts the acts of each account into the order of their sequence, at the places that they have among the others.
fn in_sequence(ops: &mut [Arc<CheckedOp>]) {
    let mut places: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
    for (at, op) in ops.iter().enumerate() {
        if let Op::Act(act) = op.op() {
            places.entry(act.body.account).or_default().push(at);
        }
    }
    for places in places.into_values().filter(|places| places.len() > 1) {
        let mut acts: Vec<_> = places.iter().map(|at| Arc::clone(&ops[*at])).collect();
        acts.sort_by_key(|op| match op.op() {
            Op::Act(act) => act.body.sequence,
            _ => 0,
        });
        for (at, act) in places.into_iter().zip(acts) {
            ops[at] = act;
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} waiting)", self.len())
    }
}

#[cfg(test)]
mod tests;
