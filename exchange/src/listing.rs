//! Listings: an asset that somebody trades, of whatever kind, and on which terms. Anybody may list any pair.

#[cfg(test)]
pub(crate) mod tests;

use crate::beacon::BookBeacon;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, AssetId, Cancel, CodecError, Digest, FeePayer, FeeTerms, NetworkId, NodeId, NodeKey, Ratio,
    SignatureError, Signed, Text, decode, encode, message_id,
};

/// Pairs in one listing, at most.
pub const MAX_LISTED_PAIRS: usize = 16;

/// A listing is good for so long at most (ms): a day.
pub const MAX_LISTING_TTL_MS: u64 = 86_400_000;

/// No asset has more decimals.
pub const MAX_DECIMALS: u8 = 36;

/// One pair of a listing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ListedPair {
    /// What the asset is traded against.
    pub against: AssetId,
    /// The price it is listed at: so much of `against` for so much of the asset, in smallest units. A hint.
    pub price: Ratio,
}

/// Whether a claim may be filled in parts. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PartialRule {
    /// Whole or not at all.
    Whole,
    /// In parts of so much of the asset and more.
    AtLeast(Amount),
}

/// An asset as somebody offers to trade it. Price, fee terms and partial rule are always there: without them there is no
/// listing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AssetListing {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The asset.
    pub asset: AssetId,
    /// What can move it, such as `evm` or `bank/ledger-7`: a name that adapters know, of a chain or of none.
    pub adapter: Text<64>,
    /// Digits behind the point: at most [`MAX_DECIMALS`].
    pub decimals: u8,
    /// Whether somebody can freeze it or take it back.
    pub freezable: bool,
    /// What it is traded against, sorted by asset: 1 … [`MAX_LISTED_PAIRS`].
    pub pairs: Vec<ListedPair>,
    /// Which fee its lister expects.
    pub fee: FeeTerms,
    /// Whether claims on it may be filled in parts.
    pub partial: PartialRule,
    /// When it was made (unix ms). Of two listings of one asset and key the later is right.
    pub created_ms: u64,
    /// How long it is good for (ms): 1 … [`MAX_LISTING_TTL_MS`].
    pub ttl_ms: u64,
    /// Who signs it.
    pub key: NodeId,
}

/// Why a message is no listing or beacon by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GossipError {
    /// Not the encoding of one.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// A version that this program does not know.
    #[error("expected version 1, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Not signed by its key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Of a beacon: not the pair as everybody names it.
    #[error("expected two assets, the one whose id sorts first as the base")]
    Pair,
    /// Of a listing: no pairs, or not sorted, or the asset against itself.
    #[error("expected pairs sorted by asset, each once, and none of them the listed asset itself")]
    Pairs,
    /// Too many of something.
    #[error("expected at most {most} {what}, got {have}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many came.
        have: usize,
        /// The bound.
        most: usize,
    },
    /// Levels that make no book.
    #[error("expected {0}")]
    Levels(&'static str),
    /// Good for no time or for too long.
    #[error("it is good for {ttl_ms} ms, expected 1 to {most_ms}")]
    Life {
        /// How long it says.
        ttl_ms: u64,
        /// The bound.
        most_ms: u64,
    },
    /// Terms that mean nothing.
    #[error("expected {0}")]
    Terms(&'static str),
}

impl AssetListing {
    /// From then on it says nothing (unix ms).
    #[must_use]
    pub const fn expires_ms(&self) -> u64 {
        self.created_ms.saturating_add(self.ttl_ms)
    }

    /// `H("kofo/listing/v1", network, listing)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        message_id("kofo/listing/v1", &self.network, self)
    }

    /// Signs the listing with its own key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.digest(), self)
    }

    /// Whether the listing is right by itself; the signature, which costs most, is checked last.
    pub fn check(signed: &Signed<Self>) -> Result<(), GossipError> {
        signed.body.shape()?;
        let digest = signed.body.digest();
        Ok(signed.body.key.verify(&digest, &signed.signature)?)
    }

    /// All of [`AssetListing::check`] but the signature.
    pub(crate) fn shape(&self) -> Result<(), GossipError> {
        if self.version != 1 {
            return Err(GossipError::Version(self.version));
        }
        if self.pairs.len() > MAX_LISTED_PAIRS {
            return Err(GossipError::TooMany {
                what: "pairs",
                have: self.pairs.len(),
                most: MAX_LISTED_PAIRS,
            });
        }
        let sorted = self.pairs.windows(2).all(|two| match two {
            [a, b] => a.against < b.against,
            _ => true,
        });
        let itself = self.pairs.iter().any(|pair| pair.against == self.asset);
        if self.pairs.is_empty() || !sorted || itself {
            return Err(GossipError::Pairs);
        }
        if self.ttl_ms == 0 || self.ttl_ms > MAX_LISTING_TTL_MS {
            return Err(GossipError::Life {
                ttl_ms: self.ttl_ms,
                most_ms: MAX_LISTING_TTL_MS,
            });
        }
        if self.adapter.as_str().is_empty() {
            return Err(GossipError::Terms("the name of an adapter"));
        }
        if self.decimals > MAX_DECIMALS {
            return Err(GossipError::Terms("at most 36 decimals"));
        }
        if self.partial == PartialRule::AtLeast(Amount::ZERO) {
            return Err(GossipError::Terms("a least fill above 0"));
        }
        self.fee_fits()
    }

    fn fee_fits(&self) -> Result<(), GossipError> {
        let (amount, payer) = match &self.fee {
            FeeTerms::Free => return Ok(()),
            FeeTerms::Pool { amount, payer, .. } => (amount, payer),
            FeeTerms::Posted { cap, payer, .. } => (cap, payer),
        };
        if *amount == Amount::ZERO {
            return Err(GossipError::Terms(
                "a fee above 0, or none: a fee of 0 is written as free",
            ));
        }
        match payer {
            FeePayer::Split { claimant_bps } if *claimant_bps > 10_000 => {
                Err(GossipError::Terms("a share of at most 10,000 bps"))
            }
            FeePayer::Split { .. } | FeePayer::Claimant | FeePayer::Provider => Ok(()),
        }
    }
}

/// What goes to everybody. Append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum GossipMessage {
    /// An asset that somebody trades.
    Listing(Box<Signed<AssetListing>>),
    /// What somebody would trade at now.
    Beacon(Box<Signed<BookBeacon>>),
    /// A claim that nobody needs to answer any more.
    Cancel(Signed<Cancel>),
}

impl GossipMessage {
    /// The message's bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message. Whether it is right, [`crate::Board`] and [`crate::Relay`] say.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        decode(bytes)
    }
}
