//! The built `kofo` binary, as a person or a script calls it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod care;
mod clearing;
mod daemon;
mod leaks;
mod market;
mod node;
mod offline;
mod payments;
mod program;
mod secrets;
mod tower;
mod tree;
mod wallet;
