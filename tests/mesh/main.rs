//! The exchange over a mesh of whole nodes' markets, in memory: neighbours drop, part and meet again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod droppers;
mod late;
mod privacy;
mod quotes;
mod trades;
