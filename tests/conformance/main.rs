//! The suite of the chain port, on every chain that there is an adapter for.

// Clippy takes only functions marked `#[test]` for tests, not what they share.
#![allow(clippy::unwrap_used)]

mod bitcoin;
mod proxy;
mod sim;
mod turns;
