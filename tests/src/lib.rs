//! Shared pieces of the workspace tests and of the benchmarks that repeat them in larger numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a simulation that cannot go on stops here"
)]

pub mod mesh;
pub mod sim;
