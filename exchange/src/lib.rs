//! Layer 1, pure: prices, and the direct offer between two parties who agree beforehand.
//!
//! * Depends on: `kofo-primitives`, base64. No runtime, no clock, no IO: time and what is known come in as arguments.
//! * Promises: an offer that is not right now is refused with a reason and changes nothing; an offer is used once and a
//!   hashlock never twice; prices are exact and no float is near them.
//!
//! What an offer *is* (fields, signature, id) is in `kofo-primitives`; the way from an acceptable offer to locked
//! assets is the settlement layer's.
//!
//! ```
//! use kofo_exchange::Price;
//! use kofo_primitives::{Amount, AssetId};
//!
//! let btc = AssetId::new("bip122:000000000019d6689c085ae165831e93/slip44:0").unwrap();
//! let eth = AssetId::new("eip155:1/slip44:60").unwrap();
//! let price = Price::new((&btc, Amount::new(10_000_000)), (&eth, Amount::new(2 * 10u128.pow(18)))).unwrap();
//! assert_eq!(price.display_units(8, 18), "20");
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

mod beacon;
mod board;
mod book;
mod choice;
mod claimant;
mod inventory;
mod listing;
mod offer;
mod price;
mod pricing;
mod provider;
mod relay;
mod seen;
mod text;
mod wire;

#[cfg(test)]
mod fixtures;

pub use beacon::{BookBeacon, Level, MAX_BEACON_TTL_MS, MAX_LEVELS, Sides, base_and_quote};
pub use board::{Board, BoardBounds, BookView, GossipRefused, MAX_VIEW_LEVELS, ViewLevel, default_pairs};
pub use book::{Book, BookBounds, Fill, MAX_FILLS, MAX_LOOKED_AT, Order, OrderRefused, Wanted};
pub use choice::{Candidate, MAX_COMPARED, Reliability, choose};
pub use claimant::{
    AnswerRefused, Answered, CLOCK_SKEW_MS, Chosen, ClaimState, Ending, MAX_QUOTES, MAX_SELECTED, OwnClaim,
    Quote, QuoteRefused, SeenReservations, SelectRefused, Selection,
};
pub use inventory::{HoldId, Inventory, Short};
pub use listing::{
    AssetListing, GossipError, GossipMessage, ListedPair, MAX_DECIMALS, MAX_LISTED_PAIRS, MAX_LISTING_TTL_MS,
    PartialRule,
};
pub use offer::{Acceptable, MAX_VALIDITY, Now, Refused, acceptable, trading_time};
pub use price::{Price, PriceError};
pub use pricing::{
    Freshness, MAX_PRICES, PriceEntry, PriceRefused, PriceTable, Quotation, Sizes, decimal_price,
};
pub use provider::{
    MAX_USED, Offered, Provider, ProviderConfig, ProviderSnapshot, QuotedRefused, REMEMBERED_MS,
    SelectionRefused,
};
pub use relay::{
    AnswerStopped, Blame, CancelRefused, ClaimRefused, FulfilRefused, Guards, Link, LinkStatistics,
    MAX_CLAIM_BYTES, MAX_GREETING, Passed, Payee, Received, Relay, RelayConfig, SelectStopped, Statistics,
    Taken,
};
pub use seen::{MAX_SEEN, Reused, Seen};
pub use text::{MAX_OFFER_BYTES, MAX_TEXT, PREFIX, TextError, from_text, to_file, to_uri};
pub use wire::{
    ClaimEnvelope, ClaimMessage, ClaimReply, FulfilEnvelope, LINK_VERSION, LinkHello, LinkRole,
    ReturnMessage, ReturnReply, SelectEnvelope,
};
