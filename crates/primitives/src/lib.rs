//! The nouns of kofo: everything that crosses a boundary between two layers, two processes or two nodes,
//! and nothing that decides.
//!
//! * Depends on: the codec (borsh), hashing, and secp256k1 for BIP-340 signatures. No runtime, no clock, no IO.
//! * Promises: illegal values do not construct; what is signed, sent or journaled has exactly one encoding;
//!   secrets are zeroised and never printed; money is integers with checked arithmetic.
//!
//! ```
//! use kofo_primitives::{Amount, Hashlock, Preimage};
//!
//! let amount = Amount::parse_units("0.1", 8).unwrap();
//! assert_eq!(amount, Amount::new(10_000_000));
//! let lock = Preimage::new([0; 32]).hashlock();
//! assert!(lock.to_string().starts_with("66687aad"));
//! # let _: Hashlock = lock;
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

mod amount;
mod asset;
mod bytes;
mod certificate;
mod claim;
mod codec;
mod fulfil;
mod hash;
mod hashlock;
mod header;
mod leg;
mod link_key;
mod matched;
mod node_id;
mod order;
mod path;
mod payee;
mod port;
mod ratio;
mod sealed;
mod seed;
mod select;
mod settlement_order;
mod time;
mod validator;

#[cfg(test)]
mod fixtures;

pub use amount::{Amount, ParseAmountError};
pub use asset::{AssetId, ChainId, NetworkId, ParseIdError};
pub use bytes::{Bytes, Text, TooLong};
pub use certificate::{Certificate, CertificateError};
pub use claim::{
    Cancel, Claim, ClaimError, ClaimId, ClaimedAsset, FeePayer, FeeTerms, Limit, LimitOpening,
    MAX_CLAIM_LIFE_MS, MAX_HOPS,
};
pub use codec::{CodecError, MAX_MESSAGE, decode, encode};
pub use fulfil::{
    Fulfil, FulfilError, FulfilId, FulfilTerms, MAX_FOR_VALIDATORS, MAX_QUOTE_LIFE_MS, MAX_SEALED_OPENING,
    MAX_SEALED_TERMS, Opening, Reservation,
};
pub use hash::{Digest, tagged_hash};
pub use hashlock::{Hashlock, ParseHexError, Preimage, SwapId, SwapNonce};
pub use header::Header;
pub use leg::{End, HtlcSpec, LegId, LegRef, MAX_LEGS, Party, Place, Role, Side};
pub use link_key::{LinkBase, LinkKey};
pub use matched::{MatchError, MatchedOrder, MatchedParts, order_id};
pub use node_id::{NodeId, NodeKey, Signature, SignatureError};
pub use order::{
    Acceptance, AcceptedLeg, Contact, DirectOrder, MAX_CONTACTS, Mode, Offer, OfferedLeg, OrderError, Signed,
    message_id,
};
pub use path::{Bid, HopEntry, Path, PathError, ReturnEntry, ReturnError, check_returns};
pub use payee::{HopOpening, Payment};
pub use port::{
    Act, ActKind, At, ChainAction, ChainEvent, FailClass, Health, LegEvent, Prepared, Tip, Together, TxId,
};
pub use ratio::Ratio;
pub use sealed::{SEAL_OVERHEAD, SealError, open, seal};
pub use seed::{LegSecret, Seed};
pub use select::{Answer, ClaimantPart, Select, UnsealError, Verdict};
pub use settlement_order::{OrderLeg, SettlementOrder};
pub use time::{Seconds, UnixTime};
pub use validator::{
    DoubleVote, DoubleVoteError, MAX_POWER, MAX_VALIDATORS, SignedVote, Validator, ValidatorKey,
    ValidatorSecret, ValidatorSet, ValidatorSetError, Vote, VoteKind, VoteSignature, VoteSignatureError,
};
