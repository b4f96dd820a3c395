//! The built `kofo` binary, as a person or a script calls it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod care;
mod clearing;
mod daemon;
mod market;
mod node;
mod offline;
mod program;
mod tower;
mod wallet;
