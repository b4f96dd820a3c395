//! Layer 2, pure: who gets which share of a fee.
//!
//! * Depends on: `kofo-primitives`. No runtime, no clock, no IO.
//! * Promises: the shares add up to the fee to the last unit, whatever the fee; the same input gives the same split on
//!   every machine; a division never favours those who judge.
//!
//! A direct swap between two parties is free and never comes here.
//!
//! ```
//! use kofo_clearance::{Hop, SplitRule, Weight};
//! use kofo_primitives::{Amount, NodeId};
//!
//! let hop = |n: u8, weight| Hop { payee: NodeId::new([n; 32]), weight: Weight::new(weight) };
//! let split = SplitRule::default().split(Amount::new(100_001), &[hop(1, 3), hop(2, 2), hop(3, 1)], &[]).unwrap();
//! assert_eq!(split.foundation, Amount::new(10_000));
//! assert_eq!(split.validators, Amount::new(20_000));
//! assert_eq!(split.hops, [35_000, 23_334, 11_667].map(Amount::new));
//! ```
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]
// A test may overflow: then it fails.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod fee_split;
mod proportion;
mod weight;

pub use fee_split::{FeeSplit, Hop, MAX_HOPS, RuleError, SplitError, SplitRule};
pub use weight::Weight;
