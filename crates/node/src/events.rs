//! What became of claims and swaps, told once, in order, with a cursor that survives restarts.
//!
//! Events are derived: [`derive`] compares what a claim or swap has come to with what was told of it, and gives what is
//! to be told now, in the order of the table. So it does not matter how often anybody looks: what happened between two
//! looks, or between a crash and the next start, is told at the next one. [`EventLog`] keeps them, each written before
//! anybody hears of it; [`follow`] looks whenever something changed.

mod derive;
mod follow;
mod log;

pub use derive::{ClaimFacts, SwapFacts, Told, claim_events, swap_events};
pub use follow::{Followed, follow};
#[cfg(test)]
pub(crate) use log::News;
pub use log::{EventError, EventLog, Gap, MAX_EVENTS, Subject};
