//! What is proposed: a header, the certificate of the header before, and the operations; and the one way to judge it,
//! which is to do all of it again.

use crate::checked::CheckedOp;
use crate::ledger::{Finished, Ledger};
use crate::refused::{Refused, StepError};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Certificate, Digest, Header, MAX_MESSAGE, encode};
use std::sync::Arc;

/// Header and certificate of a batch have at most so many bytes: those of 31 signatures, and room.
pub const MAX_BATCH_FRAME: usize = 4 * 1024;

/// An operation counts for so many bytes more than its own.
pub const OP_FRAME: usize = 4;

/// A proposal. Its value is the header's id: the header commits to all else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Batch {
    /// What is voted for.
    pub header: Header,
    /// Of the header before; none at height 1. There are several certificates of one header, so the batch says which.
    pub last: Option<Certificate>,
    /// The operations in order, each as `Op` is encoded.
    pub ops: Vec<Vec<u8>>,
}

/// Why bytes are no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Too long, in all or in what is not operations.
    #[error("expected at most {most} bytes of {what}, got {have}")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// The most.
        most: usize,
        /// What came.
        have: usize,
    },
    /// Not the canonical encoding of a batch.
    #[error("not a batch: {0}")]
    Malformed(String),
    /// An operation without bytes, or with more than any message.
    #[error("operation {at} has {have} bytes, expected 1 to {MAX_MESSAGE}")]
    Op {
        /// Its place.
        at: usize,
        /// Its bytes.
        have: usize,
    },
}

/// Why a proposal is voted down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// Other operations were checked than are in the batch.
    #[error("operation {at} of the batch is not the one that was checked, or one is missing")]
    Unchecked {
        /// Its place.
        at: usize,
    },
    /// No batch of that time and certificate follows the last header.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The ledger does not allow an operation.
    #[error("operation {at} of the batch is refused: {why}")]
    Op {
        /// Its place.
        at: usize,
        /// By which rule.
        why: Box<Refused>,
    },
    /// The header says something else than what the operations lead to.
    #[error("the header's {field} is {have}, expected {want}")]
    Header {
        /// Which field.
        field: &'static str,
        /// What it says.
        have: String,
        /// What everybody else comes to.
        want: String,
    },
}

fn at_most(what: &'static str, most: usize, have: usize) -> Result<(), BatchError> {
    if have > most {
        return Err(BatchError::TooLong { what, most, have });
    }
    Ok(())
}

impl Batch {
    /// Reads a batch whose operations have at most `max_bytes` in all, each counted with [`OP_FRAME`] more. Strict:
    /// bytes that a batch does not write are none. Operations are not looked into.
    pub fn read(bytes: &[u8], max_bytes: usize) -> Result<Self, BatchError> {
        at_most("batch", max_bytes.saturating_add(MAX_BATCH_FRAME), bytes.len())?;
        let malformed = |e: std::io::Error| BatchError::Malformed(e.to_string());
        let batch = Self::try_from_slice(bytes).map_err(malformed)?;
        for (at, op) in batch.ops.iter().enumerate() {
            let have = op.len();
            if have == 0 || have > MAX_MESSAGE {
                return Err(BatchError::Op { at, have });
            }
        }
        let ops = batch.op_bytes();
        at_most("operations", max_bytes, ops)?;
        at_most(
            "header and certificate",
            MAX_BATCH_FRAME,
            bytes.len().saturating_sub(ops),
        )?;
        // Operations are bytes behind their lengths: what is read of them is written the same.
        if !bytes.starts_with(&encode(&(&batch.header, &batch.last))) {
            return Err(BatchError::Malformed("not its canonical encoding".into()));
        }
        Ok(batch)
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        encode(self)
    }

    /// The bytes of its operations, each with [`OP_FRAME`] more: what `Params::max_batch_bytes` bounds.
    #[must_use]
    pub fn op_bytes(&self) -> usize {
        let sizes = self.ops.iter().map(|op| op.len().saturating_add(OP_FRAME));
        sizes.fold(0, usize::saturating_add)
    }
}

/// Does a batch again, and compares all of its header. `ops` are the batch's operations as they were checked: whoever
/// checked them once need not do so again. That the header's time is near a clock is for whoever has one to say.
pub fn judge(ledger: &Ledger, batch: &Batch, ops: &[Arc<CheckedOp>]) -> Result<Finished, JudgeError> {
    let mut checked = ops.iter();
    for (at, bytes) in batch.ops.iter().enumerate() {
        if checked.next().is_none_or(|op| op.bytes() != *bytes) {
            return Err(JudgeError::Unchecked { at });
        }
    }
    if checked.next().is_some() {
        let at = batch.ops.len();
        return Err(JudgeError::Unchecked { at });
    }
    follows(ledger, &batch.header)?;
    let mut draft = ledger.next(batch.header.time_ms, batch.last.as_ref())?;
    for (at, op) in ops.iter().enumerate() {
        draft.take(op).map_err(|why| {
            let why = Box::new(why);
            JudgeError::Op { at, why }
        })?;
    }
    let finished = draft.finish();
    same(&batch.header, &finished.header)?;
    Ok(finished)
}

/// What can be seen of a header before anything is done.
fn follows(ledger: &Ledger, header: &Header) -> Result<(), JudgeError> {
    let tip = ledger.tip();
    let want = Header {
        version: 1,
        network: ledger.genesis().network.clone(),
        height: tip.height.saturating_add(1),
        previous: tip.id,
        validators: ledger.validators().digest(),
        ..header.clone()
    };
    same(header, &want)
}

fn same(have: &Header, want: &Header) -> Result<(), JudgeError> {
    for ((field, have), (_, want)) in fields(have).into_iter().zip(fields(want)) {
        if have != want {
            return Err(JudgeError::Header { field, have, want });
        }
    }
    Ok(())
}

/// Every field of a header by its name.
fn fields(header: &Header) -> [(&'static str, String); 10] {
    let Header {
        version,
        network,
        height,
        time_ms,
        previous,
        batch,
        state,
        receipts,
        validators,
        next_validators,
    } = header;
    [
        ("version", version.to_string()),
        ("network", network.to_string()),
        ("height", height.to_string()),
        ("time", time_ms.to_string()),
        ("previous header", hex(previous)),
        ("batch root", hex(batch)),
        ("state root", hex(state)),
        ("receipts root", hex(receipts)),
        ("validators", hex(validators)),
        ("next validators", hex(next_validators)),
    ]
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
