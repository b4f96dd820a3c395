//! The exchange over a mesh of whole nodes' markets: in memory where neighbours drop, part and meet again, and over
//! sockets where one floods.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod droppers;
mod floods;
mod late;
mod privacy;
mod quotes;
mod trades;
