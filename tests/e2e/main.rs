//! Two `kofo node` processes on a real bitcoind and real anvils: a file an idea, a test a sentence.
//!
//! All tests of this binary share one set of daemons. Those that move time or hold blocks back have them alone; the rest
//! run side by side. Every test has fresh nodes with fresh keys.
#![allow(clippy::unwrap_used)] // of helpers too: a test that cannot go on fails

mod clearance;
mod cli;
mod exchange;
mod fees;
mod joins;
mod killed;
mod killed_validators;
#[path = "../../crates/cli/tests/commands/leaks.rs"]
mod leaks;
mod leftovers;
mod light;
mod many;
mod proofs;
mod redeem;
mod refusals;
mod reorgs;
mod restore;
mod sdk;
mod secrets;
mod shared;
mod signer;
mod sim;
mod together;
mod towers;
mod vanish;
mod watched;
