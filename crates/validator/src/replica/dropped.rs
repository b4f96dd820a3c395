//! Whether a proposer left out whom a hop is paid through, though its opening opens: the hop would get nothing.

use crate::intake::opening;
use kofo_clearance::{CheckedOp, Op};
use kofo_primitives::{NodeKey, SwapId};
use std::sync::Arc;

/// An opening was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proposer left out whom hop {hop} of order {order} is paid through")]
pub(super) struct Dropped {
    order: SwapId,
    hop: u8,
}

/// Opens what the proposer did not.
pub(super) fn check(ops: &[Arc<CheckedOp>], key: &NodeKey) -> Result<(), Dropped> {
    for op in ops {
        let Op::Order(cleared) = op.op() else {
            continue;
        };
        let parts = cleared.order.parts();
        let hops = parts.path.iter().skip(1).zip(&cleared.hops);
        for (hop, _) in hops.filter(|(_, given)| given.is_none()) {
            if opening(hop, &parts.returns, &cleared.order.claim_id(), key).is_some() {
                return Err(Dropped {
                    order: cleared.order.id(),
                    hop: hop.index,
                });
            }
        }
    }
    Ok(())
}
