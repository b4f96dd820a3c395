//! The ledger as the engine's application: builds what we propose, judges what others propose, commits what is decided.
//!
//! A batch is done once on each node: what building or judging it led to is kept until it is decided. What is decided
//! is durable before the ledger moves on, and a restart does again what came after the last snapshot.

mod dropped;
mod open;
mod seat;

pub use open::ReplicaError;

use crate::checks::Checks;
use crate::committee::Committee;
use crate::head::{Clock, Head};
use crate::intake::Intake;
use crate::store::{Committing, Store, StoreError};
use async_trait::async_trait;
use kofo_clearance::{Batch, Complaint, MAX_BATCH_FRAME, OP_FRAME, Op, Params, judge};
use kofo_consensus::{AppError, Application, Committed, Judged, Origin, Proposal, Slot, Tip};
use kofo_primitives::{Certificate, DoubleVote, NetworkId, ValidatorKey, ValidatorSecret, ValidatorSet};
use seat::{Candidate, Candidates};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A batch is closed after so many refusals: the rest waits for the next one.
const MOST_REFUSED: usize = 2_000;
/// And when its operations took so long: the others need as long to judge it, and the round does not wait for ever.
const LONGEST: Duration = Duration::from_millis(250);

/// What a [`Replica`] is made of beside the ledger.
#[derive(Debug)]
pub struct ReplicaParts {
    /// Where batches are kept.
    pub store: Arc<Store>,
    /// What was checked here.
    pub checks: Arc<Checks>,
    /// What opens what is sealed to the validators.
    pub committee: Arc<Committee>,
    /// What time it is.
    pub clock: Clock,
    /// By which complaints are signed; none of a follower.
    pub voter: Option<ValidatorSecret>,
}

/// The ledger of this node.
pub struct Replica {
    network: NetworkId,
    params: Params,
    store: Arc<Store>,
    checks: Arc<Checks>,
    committee: Arc<Committee>,
    clock: Clock,
    voter: Option<ValidatorSecret>,
    head: watch::Sender<Arc<Head>>,
    candidates: Mutex<Candidates>,
    intake: std::sync::OnceLock<Arc<Intake>>,
    snapshots: Arc<open::Snapshots>,
}

impl Replica {
    /// Where operations come from and where evidence goes. Told once, before the engine starts: the intake needs the
    /// ledger, and the ledger the intake.
    pub fn feed(&self, intake: Arc<Intake>) {
        // A second one would be a fault of whoever starts it; the first stays.
        let _first = self.intake.set(intake);
    }

    /// The end of what is decided, to be watched.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<Arc<Head>> {
        self.head.subscribe()
    }

    /// The end of what is decided, now.
    #[must_use]
    pub fn now(&self) -> Arc<Head> {
        self.head.borrow().clone()
    }

    /// Where batches are kept.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Writes a snapshot of the ledger, so that the next start does nothing again.
    pub fn snapshot(&self) -> Result<(), StoreError> {
        open::write(&self.now(), &self.store).map(|_| ())
    }

    fn candidates(&self) -> MutexGuard<'_, Candidates> {
        self.candidates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn most_bytes(&self) -> usize {
        usize::try_from(self.params.max_batch_bytes).unwrap_or(usize::MAX)
    }

    /// Builds a batch of what waits.
    fn propose(&self) -> Result<Proposal, AppError> {
        let head = self.now();
        let (now_ms, begin) = (self.clock.now_ms(), Instant::now());
        let mut draft = head.next(now_ms).map_err(AppError::new)?;
        let (mut left, mut refused) = (self.most_bytes(), 0);
        let mut ops = Vec::new();
        let waiting = self.intake.get().map(|intake| Arc::clone(intake.pool()));
        for op in waiting.iter().flat_map(|pool| pool.ready(now_ms)) {
            let size = op.bytes().len().saturating_add(OP_FRAME);
            let Some(rest) = left.checked_sub(size) else {
                continue;
            };
            match draft.take(&op) {
                Ok(()) => {
                    left = rest;
                    ops.push(op);
                }
                Err(why) => {
                    tracing::debug!(%why, "an operation is refused");
                    waiting.iter().for_each(|pool| pool.refuse(&op, &why));
                    refused += 1;
                }
            }
            if refused >= MOST_REFUSED || begin.elapsed() >= LONGEST {
                break;
            }
        }
        let finished = draft.finish();
        let batch = Batch {
            header: finished.header.clone(),
            last: head.certificate.clone(),
            ops: ops.iter().map(|op| op.bytes().to_vec()).collect(),
        };
        let (id, payload) = (finished.header.id(), batch.write());
        self.candidates().put(id, Candidate { finished, ops });
        Ok(Proposal { id, payload })
    }

    /// Does a batch again; why it must not be committed, and whether anybody's clock would say the same.
    fn examine(&self, origin: Origin, payload: &[u8]) -> Result<Candidate, (String, bool)> {
        let wrong = |why: &dyn std::fmt::Display| (why.to_string(), true);
        let batch = Batch::read(payload, self.most_bytes()).map_err(|e| wrong(&e))?;
        self.timely(origin, batch.header.time_ms)
            .map_err(|why| (why, false))?;
        let ops = self.checks.all(&batch.ops).map_err(|e| wrong(&e))?;
        let head = self.now();
        let finished = judge(&head.ledger, &batch, &ops).map_err(|e| wrong(&e))?;
        if origin != Origin::Synced
            && let Some(key) = self.committee.key()
        {
            dropped::check(&ops, key).map_err(|e| wrong(&e))?;
        }
        Ok(Candidate { finished, ops })
    }

    /// A proposal's time is near our clock; an old proposal's not after it.
    fn timely(&self, origin: Origin, time_ms: u64) -> Result<(), String> {
        let (now, most) = (self.clock.now_ms(), self.params.clock_ms);
        let off = match origin {
            Origin::Proposed => now.abs_diff(time_ms),
            Origin::Repeated => time_ms.saturating_sub(now),
            Origin::Synced => 0,
        };
        if off > most {
            return Err(format!(
                "the batch's time is {off} ms from our clock, expected at most {most}: see to the clocks"
            ));
        }
        Ok(())
    }

    fn complain(&self, at: Slot, proposer: ValidatorKey) {
        let (Some(voter), Some(intake)) = (&self.voter, self.intake.get()) else {
            return;
        };
        let complaint = Complaint {
            height: at.height,
            round: at.round,
            proposer,
        };
        let signed = complaint.sign(&self.network, voter);
        self.tell(intake, Op::Complaint(Box::new(signed)));
    }

    fn tell(&self, intake: &Intake, op: Op) {
        if let Err(error) = intake.submit_op(op) {
            tracing::debug!(%error, "what a validator did wrong is not written down");
        }
    }

    /// Writes down what is decided, and goes on from it.
    fn decide(&self, certificate: Certificate, payload: &[u8]) -> Result<ValidatorSet, AppError> {
        let head = self.now();
        let height = head.ledger.tip().height;
        if certificate.height <= height {
            return self.set_of(certificate.height.saturating_add(1));
        }
        let known = self.candidates().take(&certificate.header);
        let candidate = match known {
            Some(candidate) => candidate,
            None => self
                .examine(Origin::Synced, payload)
                .map_err(|(why, _)| open::contradicts(certificate.height, why))?,
        };
        if candidate.finished.header.id() != certificate.header {
            let why = "it is certified as another batch than it is".to_owned();
            return Err(open::contradicts(certificate.height, why));
        }
        let Candidate { finished, ops } = candidate;
        let ledger = finished.ledger;
        let next = ledger.validators();
        let rows = seat::rows(finished.header.height, &ops);
        let committing = Committing {
            header: &finished.header,
            certificate: &certificate,
            payload,
            leaves: &finished.leaves,
            before: finished.leaves.len().saturating_sub(ops.len()),
            orders: &rows,
            settlements: &finished.settlements,
            next: (next != head.ledger.validators()).then_some(&next),
        };
        self.store.append(&committing).map_err(AppError::new)?;
        if !ops.is_empty() {
            let (height, ended) = (finished.header.height, finished.settlements.len());
            tracing::info!(
                height,
                operations = ops.len(),
                orders = rows.len(),
                ended,
                "committed"
            );
        }
        let certificate = Some(certificate);
        self.head.send_replace(Arc::new(Head { ledger, certificate }));
        self.candidates().clear();
        if let Some(intake) = self.intake.get() {
            intake.pool().committed(&ops, self.clock.now_ms());
        }
        self.snapshots.consider(&self.now(), &self.store, ops.len());
        Ok(next)
    }

    /// The validators of a height.
    fn set_of(&self, height: u64) -> Result<ValidatorSet, AppError> {
        let head = self.now();
        if height > head.ledger.tip().height {
            return Ok(head.ledger.validators());
        }
        let known = self.store.set(height).map_err(AppError::new)?;
        known.ok_or_else(|| open::contradicts(height, "its validators are not known".into()))
    }
}

#[async_trait]
impl Application for Replica {
    async fn tip(&self) -> Result<Tip, AppError> {
        let head = self.now();
        Ok(Tip {
            height: head.ledger.tip().height,
            validators: head.ledger.validators(),
        })
    }

    async fn build(&self, at: Slot) -> Result<Proposal, AppError> {
        let proposal = self.propose()?;
        tracing::debug!(
            height = at.height,
            round = at.round,
            bytes = proposal.payload.len(),
            "proposes"
        );
        Ok(proposal)
    }

    async fn judge(
        &self,
        at: Slot,
        origin: Origin,
        proposer: ValidatorKey,
        payload: &[u8],
    ) -> Result<Judged, AppError> {
        match self.examine(origin, payload) {
            Ok(candidate) => {
                let id = candidate.finished.header.id();
                self.candidates().put(id, candidate);
                Ok(Judged::Valid(id))
            }
            Err((why, everybodys)) => {
                tracing::warn!(height = at.height, round = at.round, %proposer, %why, "a proposal is invalid");
                if everybodys && origin == Origin::Proposed {
                    self.complain(at, proposer);
                }
                Ok(Judged::Invalid(why))
            }
        }
    }

    async fn commit(&self, certificate: Certificate, payload: Vec<u8>) -> Result<ValidatorSet, AppError> {
        self.decide(certificate, &payload)
    }

    async fn finalized(&self, certificate: Certificate, evidence: Vec<DoubleVote>) -> Result<(), AppError> {
        let head = self.now();
        let more = |known: &Certificate| {
            known.header == certificate.header && known.signatures.len() < certificate.signatures.len()
        };
        if head.certificate.as_ref().is_some_and(more) {
            self.store
                .replace_certificate(&certificate)
                .map_err(AppError::new)?;
            let ledger = head.ledger.clone();
            let certificate = Some(certificate);
            self.head.send_replace(Arc::new(Head { ledger, certificate }));
        }
        for double in evidence {
            tracing::warn!(validator = %double.first.key, "a validator voted twice");
            if let Some(intake) = self.intake.get() {
                self.tell(intake, Op::DoubleVote(Box::new(double)));
            }
        }
        Ok(())
    }

    async fn committed(&self, height: u64) -> Result<Option<Committed>, AppError> {
        let payload = self.store.payload(height).map_err(AppError::new)?;
        let certificate = self.store.certificate(height).map_err(AppError::new)?;
        let (Some(payload), Some(certificate)) = (payload, certificate) else {
            return Ok(None);
        };
        Ok(Some(Committed {
            certificate,
            validators: self.set_of(height)?,
            payload,
        }))
    }

    async fn lowest(&self) -> Result<u64, AppError> {
        Ok(1)
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replica({}, {:?})", self.network, self.now())
    }
}

/// The engine carries payloads of at most so many bytes for a network of these rules.
#[must_use]
pub fn most_payload(params: &Params) -> usize {
    usize::try_from(params.max_batch_bytes)
        .unwrap_or(usize::MAX)
        .saturating_add(MAX_BATCH_FRAME)
}
