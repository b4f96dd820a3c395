//! The adapter before a bitcoind whose fees jump, and before nodes of which one lies.
#![allow(clippy::unwrap_used)] // functions beside the tests are not covered by allow-unwrap-in-tests

mod fees;
mod liar;
mod witnesses;
mod world;
