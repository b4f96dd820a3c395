//! Operations on their way in: checked, opened, tried, kept until they are committed, and passed on to the other
//! validators.
//!
//! The order of the checks is that of their price: what can be seen, then room, then what the validators' secret opens,
//! then all signatures, each once, at last a trial on a copy of the ledger.

mod forward;
mod order;
mod pool;

pub use forward::{Forward, Peers, Told};
pub use order::SubmittedError;
pub(crate) use order::opening;
pub use pool::{Pool, PoolFull, PoolLimits};

use crate::checks::Checks;
use crate::committee::Committee;
use crate::head::{Clock, Head};
use kofo_clearance::{ActRefused, CheckError, CheckedOp, Draft, Op, Refused, RefusedClass, Submission};
use kofo_primitives::{Digest, NetworkId, ValidatorKey, order_id};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// An act may be so many numbers ahead of its account's next one.
const AHEAD: u64 = 32;

/// Why an operation is not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// No room.
    #[error(transparent)]
    Full(#[from] PoolFull),
    /// This validator cannot open what is sealed to the validators yet.
    #[error("this validator does not know the validators' secret yet: submit to another one")]
    NoSecret,
    /// Who does not vote proposes nothing.
    #[error("this node is no validator now and proposes nothing: submit to one that is")]
    NoValidator,
    /// Not signed, malformed, or of another network.
    #[error(transparent)]
    Check(Box<CheckError>),
    /// An order that is none.
    #[error(transparent)]
    Order(Box<SubmittedError>),
    /// The ledger does not allow it now.
    #[error(transparent)]
    Ledger(Box<Refused>),
    /// There is no next batch to try it in; a fault of ours.
    #[error("it cannot be tried: {0}")]
    Trial(String),
}

impl From<CheckError> for IntakeError {
    fn from(error: CheckError) -> Self {
        Self::Check(Box::new(error))
    }
}

impl From<SubmittedError> for IntakeError {
    fn from(error: SubmittedError) -> Self {
        Self::Order(Box::new(error))
    }
}

impl From<Refused> for IntakeError {
    fn from(refused: Refused) -> Self {
        Self::Ledger(Box::new(refused))
    }
}

impl IntakeError {
    /// What whoever is refused can do.
    #[must_use]
    pub const fn class(&self) -> RefusedClass {
        match self {
            Self::Full(_) | Self::NoSecret | Self::NoValidator | Self::Trial(_) => RefusedClass::Busy,
            Self::Check(_) | Self::Order(_) => RefusedClass::Invalid,
            Self::Ledger(_) => RefusedClass::Ledger,
        }
    }
}

/// A draft of the next batch on which operations are tried as they come.
struct Trial {
    after: Digest,
    draft: Draft,
}

/// Where operations come in.
pub struct Intake {
    network: NetworkId,
    checks: Arc<Checks>,
    committee: Arc<Committee>,
    pool: Arc<Pool>,
    head: watch::Receiver<Arc<Head>>,
    trial: Mutex<Option<Trial>>,
    forward: Forward,
    clock: Clock,
    voter: Option<ValidatorKey>,
}

/// What an [`Intake`] is made of.
#[derive(Debug)]
pub struct IntakeParts {
    /// What was checked here.
    pub checks: Arc<Checks>,
    /// What opens what is sealed to the validators.
    pub committee: Arc<Committee>,
    /// Where operations wait.
    pub pool: Arc<Pool>,
    /// The ledger.
    pub head: watch::Receiver<Arc<Head>>,
    /// The way to the other validators.
    pub forward: Forward,
    /// What time it is.
    pub clock: Clock,
    /// By which we vote; nothing is taken while it is not in the set, and never without one.
    pub voter: Option<ValidatorKey>,
}

impl Intake {
    /// An intake of these parts.
    #[must_use]
    pub fn new(network: NetworkId, parts: IntakeParts) -> Self {
        let IntakeParts {
            checks,
            committee,
            pool,
            head,
            forward,
            clock,
            voter,
        } = parts;
        Self {
            network,
            checks,
            committee,
            pool,
            head,
            trial: Mutex::new(None),
            forward,
            clock,
            voter,
        }
    }

    /// Takes what a node submits; its leaf. Costs milliseconds: call it where one may block.
    pub fn submit(&self, submission: Submission) -> Result<Digest, IntakeError> {
        self.open()?;
        match submission {
            Submission::Order(order) => {
                let key = self.committee.key().ok_or(IntakeError::NoSecret)?;
                order::visible(&order, &self.network, self.clock.now_ms())?;
                let id = order_id(&order.claim.body, &order.fulfil.body, &order.select.body);
                if let Some(leaf) = self.pool.leaf_of(id) {
                    return Ok(leaf);
                }
                if let Some(payment) = &order.payment {
                    self.pool.room_of(payment.body.account)?;
                }
                self.take(Op::Order(Box::new(order::cleared(*order, key)?)))
            }
            Submission::Act(act) => self.take(Op::Act(act)),
            Submission::Amend(amendment) => self.take(Op::Amend(amendment)),
            Submission::DoubleQuote(double) => self.take(Op::DoubleQuote(double)),
            Submission::Proven(proven) => self.take(Op::Proven(proven)),
        }
    }

    /// Takes an operation of our own: an observation, evidence, a complaint. Its leaf.
    pub fn submit_op(&self, op: Op) -> Result<Digest, IntakeError> {
        self.open()?;
        self.take(op)
    }

    /// Takes an operation that another validator passed on. It is tried when it is proposed.
    pub fn receive(&self, bytes: &[u8]) -> Result<Digest, IntakeError> {
        self.open()?;
        let op = self.checks.one(bytes)?;
        let leaf = op.leaf();
        self.pool.put(op, self.clock.now_ms())?;
        Ok(leaf)
    }

    fn open(&self) -> Result<(), IntakeError> {
        let votes = |key| self.head.borrow().ledger.validators().find(key).is_some();
        if !self.voter.as_ref().is_some_and(votes) {
            return Err(IntakeError::NoValidator);
        }
        Ok(self.pool.room()?)
    }

    fn take(&self, op: Op) -> Result<Digest, IntakeError> {
        let op = self.checks.put(CheckedOp::new(op, &self.network)?);
        let leaf = op.leaf();
        if !self.pool.has(&leaf) {
            self.attempt(&op)?;
            let (told, now_ms) = (self.forward.told(), self.clock.now_ms());
            if self.pool.put_ours(Arc::clone(&op), &told, now_ms)? {
                self.forward.send(&op, &told);
            }
        }
        Ok(leaf)
    }

    /// What the ledger would say now.
    fn attempt(&self, op: &CheckedOp) -> Result<(), IntakeError> {
        let head = self.head.borrow().clone();
        let mut trial = self.trial.lock().unwrap_or_else(PoisonError::into_inner);
        let after = head.ledger.tip().id;
        if trial.as_ref().is_none_or(|trial| trial.after != after) {
            let opened = head.next(self.clock.now_ms());
            let draft = opened.map_err(|e| IntakeError::Trial(e.to_string()))?;
            *trial = Some(Trial { after, draft });
        }
        let Some(trial) = trial.as_mut() else {
            return Ok(());
        };
        match trial.draft.take(op) {
            Ok(()) => Ok(()),
            // What it follows may wait here or elsewhere.
            Err(Refused::Act(ActRefused::Sequence { have, want }))
                if have > want && have.saturating_sub(want) <= AHEAD =>
            {
                Ok(())
            }
            Err(why) => Err(why.into()),
        }
    }

    /// Where operations wait.
    #[must_use]
    pub const fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Intake({:?})", self.pool)
    }
}
