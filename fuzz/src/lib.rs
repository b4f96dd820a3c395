//! What the outside can hand to kofo, attacked with arbitrary bytes.
//!
//! A target is a plain `fn(&[u8])` that panics when a promise is broken: a decoder that panics, that gives two values
//! for one encoding or two encodings for one value, a sequence of operations after which money could be lost. The
//! targets stand in [`TARGETS`]; `tests/run.rs` runs each of them on stable, first over its kept corpus, then over a
//! fixed number of mutated inputs from a fixed seed. `README.md` says how to repeat a failure and how to let a
//! coverage-guided fuzzer run the same functions.
//!
//! Depends on nearly every crate of the workspace; nothing depends on it. No clock, and no randomness but the seed's.

mod bitcoin;
mod choices;
mod claimant;
mod claims;
mod clearance;
mod cleared;
mod clearing;
mod codec;
mod corpus;
mod direct;
mod disk;
mod driver;
mod events;
mod evm;
mod fixture;
mod machine;
mod market;
mod mutate;
mod offers;
mod planes;
mod provider;
mod relay;
mod rounds;
mod rules;
mod runner;
mod targets;
mod text;
mod tower;

pub use corpus::{Corpus, CorpusError, folder};
pub use mutate::Mutator;
pub use runner::{Failure, attack, survives};
pub use targets::{TARGETS, Target};
