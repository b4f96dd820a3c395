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

mod accounts;
mod batch;
mod book;
mod checked;
mod double_quote;
mod earnings;
mod epochs;
mod fee_split;
#[cfg(test)]
mod fixtures;
mod genesis;
mod importance;
mod ledger;
mod light;
mod marks;
mod merkle;
mod op;
mod orders;
mod points;
mod proofs;
mod proportion;
mod receipt;
mod refused;
mod snapshot;
mod staking;
mod state;
mod timers;
mod tree;
mod views;
mod weight;
mod wire;
mod words;

pub use accounts::ActRefused;
pub use batch::{Batch, BatchError, JudgeError, MAX_BATCH_FRAME, OP_FRAME, judge};
pub use book::{BondKind, Purse, TooLittle};
pub use checked::{CheckError, CheckedOp};
pub use fee_split::{FeeSplit, Hop, MAX_HOPS, RuleError, SplitError, SplitRule};
pub use genesis::{
    Genesis, GenesisBalance, GenesisValidator, LedgerAsset, MAX_GENESIS_ROWS, PairRule, Params, ProofRule,
};
pub use ledger::{Draft, Finished, Ledger, Tip};
pub use light::{Certified, Light, LightError, MAX_SETS, OrderProof, ReceiptProof, SetChange, TRUST_MS};
pub use merkle::{MerkleProof, merkle_root};
pub use op::{
    AccountAct, Act, Amendment, Change, ClearedOrder, Complaint, DoubleQuote, Fact, MAX_LISTED,
    MAX_PROOF_BYTES, Observation, Op, Proven, SignedComplaint, SignedObservation, order_leaf,
};
pub use orders::{LiveLeg, LiveOrder, OrderRefused};
pub use proofs::{LegProofs, NoProofs, ProofError, ProofLeg};
pub use receipt::{Ending, Payout, Reason, Receipt, Settlement};
pub use refused::{GenesisError, Refused, StepError};
pub use snapshot::SnapshotError;
pub use staking::StakingRefused;
pub use weight::Weight;
pub use wire::{
    AccountView, Ask, CLEARANCE, Holding, MAX_ANSWERED, MAX_PARTS, OrderAnswer, RefusedClass, Request,
    Response, SHARE_CONTEXT, Submission, SubmittedOrder, ValidatorStatus, parts_context, payouts_context,
};
pub use words::Wanted;
