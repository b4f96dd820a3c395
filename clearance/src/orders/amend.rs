//! What both parties want changed. Before anything is locked they may do with their order what they like, together.

use super::live::{Deadlines, Live};
use super::refused::OrderRefused;
use super::{commit, endings, wake};
use crate::ledger::Step;
use crate::op::{Amendment, Change};
use crate::receipt::Ending;
use kofo_primitives::{LegId, Side};

/// Changes an order, or ends it.
pub(crate) fn amend(step: &mut Step<'_>, amendment: &Amendment) -> Result<(), OrderRefused> {
    let id = amendment.order;
    let mut live = Live::get(step.state, &id).ok_or(OrderRefused::Unknown(id))?;
    let (have, want) = (amendment.count, live.amended);
    if have != want {
        return Err(OrderRefused::AmendmentCount { have, want });
    }
    for (side, leg) in [(Side::Alpha, &live.alpha), (Side::Beta, &live.beta)] {
        if leg.seen_ms.is_some() || leg.unsaid {
            return Err(OrderRefused::Locked(LegId::first(side)));
        }
    }
    let digest = Amendment::digest(&step.genesis.network, id, have, amendment.change);
    live.claimant.verify(&digest, &amendment.claimant)?;
    live.provider.verify(&digest, &amendment.provider)?;
    match amendment.change {
        Change::Cancel => endings::end(step, id, &live, Ending::Cancelled),
        Change::Deadlines {
            alpha_lock_by,
            beta_lock_by,
            redeem_by,
        } => {
            let by = Deadlines {
                alpha_lock_by,
                beta_lock_by,
                redeem_by,
            };
            commit::deadlines_fit(&by, live.beta.timelock, step.time_ms)?;
            live.by = by;
            // What was too late for the time before is not for the new one.
            live.beta.late = false;
            live.amended = have.saturating_add(1);
            wake::look(step, id, live);
        }
    }
    Ok(())
}
