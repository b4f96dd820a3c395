//! Layer 3, pure: when a node locks, redeems and refunds, whatever the chains are.
//!
//! * [`Terms`] is what was agreed, with the timelock policy applied: the only place where two chains are compared.
//! * [`Swap`] is the state of one swap; [`Swap::apply`] takes an [`Input`] in and gives the next state.
//! * [`Swap::pending`] says what that state owes the world, [`Swap::deadline`] what happens if nothing else does.
//!
//! No task, clock, randomness or IO: a restart is replay of the inputs plus `pending`. The rules are numbered in
//! `docs/protocol/settlement.md`; each arm names its rule.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::wildcard_enum_match_arm
    )
)]

mod swap;
mod terms;
mod timelocks;
mod tips;

pub use swap::{Deadline, Due, Ended, Input, LegState, Outcome, Phase, ROUND_WAIT, Rejected, Sighting, Swap};
pub use terms::{Leg, Terms, TermsError};
pub use timelocks::{BITCOIN, Deadlines, ECHOIN, ETHEREUM, Margins, Pace, Policy, TimelockError, Timelocks};
pub use tips::{FreshTips, Tips};
