//! Orders: from commit to receipt.
//!
//! An order is a small machine in the state. It is committed once, with its money ([`commit`], [`escrow`], [`uses`]);
//! validators say what they see of its legs ([`facts`]), and chains prove it ([`proofs`]); whenever something is said or a
//! time passes it is looked at ([`wake`]), and once it is certain how it ended ([`faults`]) everybody is paid
//! ([`endings`]) and it is forgotten. Every order ends: if nobody ever says anything, by time.

mod amend;
mod commit;
mod contested;
mod double_quote;
mod endings;
mod escrow;
mod facts;
mod faults;
mod live;
mod proofs;
mod refused;
mod reliability;
mod uses;
mod view;
mod wake;

pub(crate) use amend::amend;
pub(crate) use commit::commit;
pub(crate) use double_quote::double_quote;
pub(crate) use reliability::reliability;
pub(crate) use wake::due_now as due;

pub use refused::OrderRefused;
pub use view::{LiveLeg, LiveOrder};

use crate::ledger::Step;
use crate::op::{Proven, SignedObservation};
use live::Live;

/// Takes what a validator saw of a leg.
pub(crate) fn observed(step: &mut Step<'_>, seen: &SignedObservation) -> Result<(), OrderRefused> {
    let id = seen.observation.order;
    let mut live = Live::get(step.state, &id).ok_or(OrderRefused::Unknown(id))?;
    facts::hear(step, &mut live, seen)?;
    wake::look(step, id, live);
    Ok(())
}

/// Takes what a chain proves of a leg; of an order that is over, only against whoever said something else.
pub(crate) fn proven(step: &mut Step<'_>, proven: &Proven) -> Result<(), OrderRefused> {
    let id = proven.order;
    let Some(mut live) = Live::get(step.state, &id) else {
        return contested::proven(step, proven);
    };
    proofs::take(step, &mut live, proven)?;
    wake::look(step, id, live);
    Ok(())
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
