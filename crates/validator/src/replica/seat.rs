//! Batches that were done and are not decided yet, and what of a batch is found by which id.

use crate::store::{OrderRow, Placed};
use kofo_clearance::{CheckedOp, Finished, Op};
use kofo_primitives::Digest;
use std::collections::VecDeque;
use std::sync::Arc;

/// So many are kept: one for each round that may still be decided.
const MOST: usize = 16;

/// A batch that was done.
pub(super) struct Candidate {
    pub(super) finished: Finished,
    pub(super) ops: Vec<Arc<CheckedOp>>,
}

/// The batches of this height, by their headers' ids, oldest first.
#[derive(Default)]
pub(super) struct Candidates(VecDeque<(Digest, Candidate)>);

impl Candidates {
    pub(super) fn put(&mut self, id: Digest, candidate: Candidate) {
        if self.0.iter().any(|(known, _)| *known == id) {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((id, candidate));
    }

    pub(super) fn take(&mut self, id: &Digest) -> Option<Candidate> {
        let at = self.0.iter().position(|(known, _)| known == id)?;
        self.0.remove(at).map(|(_, candidate)| candidate)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The orders of a batch.
pub(super) fn rows(height: u64, ops: &[Arc<CheckedOp>]) -> Vec<OrderRow> {
    let order = |(place, op): (u32, &Arc<CheckedOp>)| match (op.op(), op.order()) {
        (Op::Order(cleared), Some(order)) => {
            let parts = cleared.order.parts();
            Some(OrderRow {
                placed: Placed {
                    order,
                    height,
                    place,
                    hidden: cleared.hidden(),
                },
                claim: cleared.order.claim_id(),
                fulfil: cleared.order.fulfil_id(),
                bond: parts.terms.reservation.bond,
            })
        }
        _ => None,
    };
    (0u32..).zip(ops).filter_map(order).collect()
}
