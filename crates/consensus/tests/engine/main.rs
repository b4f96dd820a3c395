//! Whole engines, several in one process, over loopback: what they commit, and what they do when some fail or lie.
#![allow(clippy::unwrap_used, reason = "tests")]

mod agreement;
mod away;
mod book;
#[cfg(feature = "byzantine")]
mod byzantine;
mod cluster;
mod dishonest;
mod failure;
mod gate;
mod membership;
mod partition;
mod proxy;
