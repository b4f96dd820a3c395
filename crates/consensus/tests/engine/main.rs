//! Whole engines, several in one process, over loopback: what they commit, and what they do when some fail or lie.
#![allow(clippy::unwrap_used, reason = "tests")]

mod agreement;
mod book;
mod cluster;
