//! Recovery records: what a node needs, beside its seed, to finish or take back a swap after it lost its disk. It gives one
//! to the other party of each swap and to each of its towers, sealed by a key that follows from its seed; whoever keeps
//! it learns nothing from it, and gives it back to nobody else.
//!
//! The rules are numbered in `docs/protocol/settlement.md` (S) and `docs/protocol/tower.md` (W10).

mod fetch;
mod hand;
mod keep;
mod sealed;

pub use fetch::{Asked, FetchError, NotRestored};
pub use sealed::{RecordError, open, seal};

#[cfg(test)]
mod tests;
