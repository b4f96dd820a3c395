//! Two whole nodes in one process, on chains and a network in memory: from the offer to the last block.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod agree;
mod cleared;
mod events;
mod hostile;
mod limits;
mod matched;
mod records;
mod restart;
mod stage;
mod together;
mod transfers;
