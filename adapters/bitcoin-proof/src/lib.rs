//! What Bitcoin proves of a leg by itself: how it ended, by a chain of headers with work in them, Merkle branches, and
//! the transaction that spent its lock.
//!
//! * Depends on `bitcoin`, `kofo-primitives` and `kofo-clearance`. No runtime, no clock, no IO, no node.
//! * Promises: the same bytes give the same answer on every machine; a proof is read strictly, within
//!   [`kofo_clearance::MAX_PROOF_BYTES`], and never panics. The leg's output is derived from the terms alone, as the
//!   adapter derives it (a test on a real bitcoind holds them together).
//! * Does not promise: that the headers are of the heaviest chain. [`kofo_clearance::ProofRule`] says how much work a
//!   lie costs: `depth` headers, none of them easier than `easiest`.
//! * Does not prove that a leg is locked, and answers [`kofo_clearance::Fact::Redeemed`] or
//!   [`kofo_clearance::Fact::Refunded`] only. A second payment to the same script undoes a lock, and of what is *not* in a
//!   chain there is no proof: whoever paid twice would prove one of both, and the other party, rightly waiting, would be
//!   at fault. For the same reason a leg to which somebody paid twice may have two proofs, of either end.
//!
//! A spend is told from its witness, which a transaction's id does not cover. So a proof of a spend shows too that the
//! block commits to that witness (BIP-141).
//!
//! ```
//! use kofo_bitcoin_proof::BitcoinProofs;
//! use kofo_clearance::{LegProofs, ProofLeg, ProofRule};
//! use kofo_primitives::{Amount, AssetId, Hashlock, Party, Place, UnixTime};
//!
//! let asset = AssetId::new("bip122:000000000019d6689c085ae165831e93/slip44:0").unwrap();
//! let leg = ProofLeg {
//!     asset: &asset,
//!     amount: Amount::new(100_000),
//!     place: &Place::default(),
//!     redeemer: &Party::default(),
//!     refunder: &Party::default(),
//!     hashlock: &Hashlock::new([7; 32]),
//!     timelock: UnixTime(1_800_000_000),
//! };
//! let rule = ProofRule { chain: asset.chain(), easiest: 0x1d00_ffff, depth: 6 };
//! assert!(BitcoinProofs.fact(&leg, &rule, b"no proof").is_err());
//! ```
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]
// A test may overflow: then it fails.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod branch;
#[cfg(test)]
mod fixtures;
mod flaw;
mod headers;
mod included;
mod output;
mod proof;
mod prove;
mod search;
mod spent;

pub use flaw::Flaw;
pub use proof::BitcoinProofs;
pub use prove::{Parts, ProveError, prove};
pub use search::{Found, Search, Seen};
