//! What a node tells those who watch it, on a port of its own on 127.0.0.1 and without a cookie: `/health` (the process
//! does what it is for), `/ready` (its chains and peers do too) and `/metrics` (figures, as Prometheus reads them).
//!
//! Nothing here decides anything. No figure names a swap, a peer, a key or an address: labels are states, outcomes,
//! roles, and the chains, assets and pairs of the configuration, so that there are never more of them than the owner
//! wrote down. Amounts are shown in whole units, rounded as Prometheus rounds.

mod depth;
mod figures;
mod judge;
mod look;
mod server;
mod stopwatch;
mod timed;

pub use depth::{Depth, PairDepth};
pub use figures::Figures;
pub use judge::{Judgement, stale_after};
pub use look::{ChainSeen, JournalSeen, Look, NeighboursSeen, SwapsSeen, Watched};
pub use server::{HealthServer, MAX_CONNECTIONS};
pub use stopwatch::Stopwatch;
pub use timed::{SyncTimes, Timed};

/// The labels of a figure: names and values.
pub(crate) type Labels<const N: usize> = [(&'static str, String); N];

#[cfg(test)]
mod tests;
