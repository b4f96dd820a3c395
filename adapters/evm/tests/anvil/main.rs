//! The adapter on real anvils: the conformance suite for coins and tokens on both profiles, and what only this adapter
//! promises.

// Clippy takes only functions marked `#[test]` for tests, not what they share.
#![allow(clippy::unwrap_used)]

mod batches;
mod conformance;
mod entrusted;
mod gas_price;
mod harness;
mod lying;
mod own_promises;
mod proxy;
mod rising_fees;
mod third_party;
mod together;
mod tokens;
