//! Validators as they run: the ledger driven by hand, and whole validators with their engines, sockets and disks.
#![allow(clippy::unwrap_used, reason = "tests")]

mod alone;
mod hand;
mod liar;
mod net;
mod orders;
mod process;
mod together;
mod town;
