//! Bitcoin under the chain port: the taproot HTLC, a wallet, and the watching of one node.
//!
//! The pure part ([`Htlc`], [`BitcoinParty`], [`Spend`]) decides what an output and a transaction look like and
//! needs neither node nor wallet.
#![warn(missing_docs)]

mod htlc;
mod musig;
mod party;
mod spend;

pub use htlc::{Htlc, HtlcError, PREIMAGE_BYTES};
pub use musig::NoAggregate;
pub use party::{BitcoinParty, PartyError};
pub use spend::{Coin, Spend, SpendError, preimage_in};
