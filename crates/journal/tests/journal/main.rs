//! What a journal does, seen from outside.

// clippy's leave for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod audit;
mod behaviour;
mod crash;
mod fixture;
mod model;
mod torn;
mod world;
