//! The replicated ledger: a pure function of ordered batches.
//!
//! [`Ledger::next`] opens a [`Draft`] of the next batch, which takes operations one by one, and gives a header and the
//! ledger after it. Whoever proposes and whoever judges do the same; the ledger before is not changed by either. Within a
//! batch the order is: what time brings, who missed the last height, the operations, the end of an epoch.

use crate::checked::CheckedOp;
use crate::genesis::{Genesis, Params};
use crate::merkle::merkle_root;
use crate::op::Op;
use crate::proofs::LegProofs;
use crate::receipt::{Receipt, Settlement};
use crate::refused::{GenesisError, Refused, StepError};
use crate::state::{State, Table};
use crate::timers::Timer;
use crate::{accounts, epochs, marks, orders, staking, timers};
use kofo_primitives::{Certificate, Digest, Header, ValidatorSet, encode, tagged_hash};
use std::sync::Arc;

/// At most so many things that time brings are done in one batch; the rest in the next.
const MAX_DUE: usize = 20_000;

/// Who certifies the next header.
pub(crate) const VALIDATORS: Table<(), ValidatorSet> = Table::new(4);

/// The last header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 before the first.
    pub height: u64,
    /// Its time (unix ms); the genesis' before the first.
    pub time_ms: u64,
    /// Its id; the genesis' digest before the first.
    pub id: Digest,
}

/// The ledger after some batch. Copies share what does not change.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) proofs: Arc<dyn LegProofs>,
    pub(crate) state: State,
    pub(crate) tip: Tip,
    /// The set that certified the last header.
    pub(crate) last: Option<ValidatorSet>,
}

/// What every rule of the ledger has before it.
pub(crate) struct Step<'a> {
    pub(crate) genesis: &'a Genesis,
    pub(crate) proofs: &'a dyn LegProofs,
    pub(crate) state: &'a mut State,
    pub(crate) height: u64,
    pub(crate) time_ms: u64,
    pub(crate) settlements: &'a mut Vec<Settlement>,
}

impl Step<'_> {
    pub(crate) fn params(&self) -> &Params {
        &self.genesis.params
    }
}

/// The next batch, as far as it is made.
pub struct Draft {
    after: Ledger,
    height: u64,
    time_ms: u64,
    leaves: Vec<Digest>,
    settlements: Vec<Settlement>,
    validators: ValidatorSet,
}

/// A batch that is made.
pub struct Finished {
    /// What validators vote for.
    pub header: Header,
    /// The leaves under the header's batch root: that of the last certificate first if there is one, then one for each
    /// operation in order.
    pub leaves: Vec<Digest>,
    /// The orders that ended, in the order of the receipts under the header.
    pub settlements: Vec<Settlement>,
    /// The ledger after it.
    pub ledger: Ledger,
}

impl Ledger {
    /// The ledger of a genesis.
    pub fn new(genesis: Genesis, proofs: Arc<dyn LegProofs>) -> Result<Self, GenesisError> {
        let mut state = State::default();
        epochs::begin(&genesis, &mut state)?;
        state.root();
        let tip = Tip {
            height: 0,
            time_ms: genesis.time_ms,
            id: genesis.digest(),
        };
        Ok(Self {
            genesis: Arc::new(genesis),
            proofs,
            state,
            tip,
            last: None,
        })
    }

    /// The genesis.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The last header.
    #[must_use]
    pub const fn tip(&self) -> Tip {
        self.tip
    }

    /// Who certifies the next header.
    #[must_use]
    pub fn validators(&self) -> ValidatorSet {
        self.state
            .get(&VALIDATORS, &())
            .expect("the genesis put a set, and sets are only replaced")
    }

    /// Opens the next batch. `last` is the certificate of the last header, which says who missed it; none at height 1.
    pub fn next(&self, time_ms: u64, last: Option<&Certificate>) -> Result<Draft, StepError> {
        if time_ms <= self.tip.time_ms {
            let last = self.tip.time_ms;
            return Err(StepError::Time { have: time_ms, last });
        }
        let mut draft = Draft {
            height: self.tip.height.saturating_add(1),
            time_ms,
            leaves: Vec::new(),
            settlements: Vec::new(),
            validators: self.validators(),
            after: self.clone(),
        };
        draft.check_last(self, last)?;
        draft.with(time_passes);
        if let (Some(certificate), Some(set)) = (last, &self.last) {
            draft.with(|step| staking::missed(step, set, certificate));
        }
        Ok(draft)
    }
}

/// Does what is due. What is due by that is done too.
fn time_passes(step: &mut Step<'_>) {
    let mut left = MAX_DUE;
    loop {
        let due = timers::due(step.state, step.time_ms, left);
        if due.is_empty() {
            return;
        }
        left = left.saturating_sub(due.len());
        for key in due {
            match timers::take(step.state, key) {
                None => {}
                Some(Timer::Unbonded {
                    account,
                    asset,
                    amount,
                }) => accounts::unbonded(step, account, &asset, amount),
                Some(Timer::Order(order)) => orders::due(step, order),
                Some(Timer::Forget(mark)) => marks::forget(step.state, &mark),
            }
        }
    }
}

impl Draft {
    fn check_last(&mut self, before: &Ledger, last: Option<&Certificate>) -> Result<(), StepError> {
        match (last, &before.last) {
            (None, None) => Ok(()),
            (Some(certificate), Some(set)) if certificate.header == before.tip.id => {
                if certificate.height != before.tip.height {
                    return Err(StepError::Last);
                }
                certificate.verify(&before.genesis.network, set)?;
                let leaf = tagged_hash("kofo/leaf/last/v1", &[&encode(certificate)]);
                self.leaves.push(leaf);
                Ok(())
            }
            (Some(_) | None, Some(_) | None) => Err(StepError::Last),
        }
    }

    fn with<T>(&mut self, rule: impl FnOnce(&mut Step<'_>) -> T) -> T {
        rule(&mut Step {
            genesis: &self.after.genesis,
            proofs: &*self.after.proofs,
            state: &mut self.after.state,
            height: self.height,
            time_ms: self.time_ms,
            settlements: &mut self.settlements,
        })
    }

    /// Its height.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// Does one operation. An operation that is refused changes nothing.
    pub fn take(&mut self, op: &CheckedOp) -> Result<(), Refused> {
        let settlements = self.settlements.len();
        self.after.state.attempt();
        let done = self.with(|step| match op.op() {
            Op::Order(cleared) => {
                let id = op.order().unwrap_or_else(|| cleared.order.id());
                orders::commit(step, id, cleared).map_err(Refused::from)
            }
            Op::Act(act) => accounts::act(step, &act.body).map_err(Refused::from),
            Op::Observed(seen) => orders::observed(step, seen).map_err(Refused::from),
            Op::Proven(proven) => orders::proven(step, proven).map_err(Refused::from),
            Op::DoubleVote(double) => staking::double_vote(step, double).map_err(Refused::from),
            Op::DoubleQuote(double) => orders::double_quote(step, double).map_err(Refused::from),
            Op::Amend(amendment) => orders::amend(step, amendment).map_err(Refused::from),
            Op::Complaint(complaint) => staking::complaint(step, complaint).map_err(Refused::from),
        });
        match done {
            Ok(()) => {
                self.after.state.keep();
                self.leaves.push(op.leaf());
            }
            Err(_) => {
                self.after.state.undo();
                self.settlements.truncate(settlements);
            }
        }
        done
    }

    /// Closes the batch.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        self.with(epochs::end);
        let receipts: Vec<_> = self
            .settlements
            .iter()
            .map(|settlement| Receipt::leaf(&settlement.receipt()))
            .collect();
        let before = self.after.tip;
        let header = Header {
            version: 1,
            network: self.after.genesis.network.clone(),
            height: self.height,
            time_ms: self.time_ms,
            previous: before.id,
            batch: merkle_root(&self.leaves),
            state: self.after.state.root(),
            receipts: merkle_root(&receipts),
            validators: self.validators.digest(),
            next_validators: self.after.validators().digest(),
        };
        self.after.tip = Tip {
            height: header.height,
            time_ms: header.time_ms,
            id: header.id(),
        };
        self.after.last = Some(self.validators);
        Finished {
            header,
            leaves: self.leaves,
            settlements: self.settlements,
            ledger: self.after,
        }
    }
}

#[cfg(test)]
pub(crate) mod random;
