//! What a claimant asks of everybody: so much of one asset for at least so much of another.

use crate::asset::{AssetId, NetworkId};
use crate::codec::encode;
use crate::hash::{Digest, tagged_hash};
use crate::hashlock::id32;
use crate::leg::Place;
use crate::node_id::{NodeId, NodeKey, SignatureError};
use crate::order::{Mode, Signed, message_id};
use crate::ratio::Ratio;
use crate::{Amount, CodecError};
use borsh::{BorshDeserialize, BorshSerialize};

/// No claim lives longer (ms).
pub const MAX_CLAIM_LIFE_MS: u64 = 600_000;

/// No path has more hops, the claimant's own entry included.
pub const MAX_HOPS: u8 = 8;

id32!(
    /// The id of a claim: the tagged hash that its claimant signs.
    ClaimId
);

/// One asset of a claim: where and how deep it is locked, so that every on-chain identifier follows from the order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClaimedAsset {
    /// The asset.
    pub asset: AssetId,
    /// Where it is locked: the network's own place.
    pub place: Place,
    /// How deep a fact must be to be final, for both.
    pub depth: u32,
}

/// The least that the claimant takes. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Limit {
    /// Everybody sees it: wanted for given, in smallest units.
    Stated(Ratio),
    /// Nobody sees it before the selection opens it: [`LimitOpening::commit`]. Who quotes does not know how little would do.
    Hidden(Digest),
}

/// What opens a [`Limit::Hidden`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LimitOpening {
    /// The limit.
    pub ratio: Ratio,
    /// 32 random bytes, or the ratio could be guessed.
    pub salt: [u8; 32],
}

impl LimitOpening {
    /// `H("kofo/limit/v1", ratio, salt)`.
    #[must_use]
    pub fn commit(&self) -> Digest {
        tagged_hash("kofo/limit/v1", &[&encode(&self.ratio), &self.salt])
    }
}

/// Who pays the fee. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FeePayer {
    /// The claimant.
    Claimant,
    /// The provider.
    Provider,
    /// The claimant so many hundredths of a percent of it, the provider the rest.
    Split {
        /// 0 … 10,000.
        claimant_bps: u16,
    },
}

/// What relays, validators and the foundation get. Append only. Without the clearance layer only [`FeeTerms::Free`]
/// settles.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FeeTerms {
    /// Nothing.
    Free,
    /// A fixed fee, split by unified rules.
    Pool {
        /// In which asset of the ledger.
        asset: AssetId,
        /// All of it.
        amount: Amount,
        /// Who pays.
        payer: FeePayer,
    },
    /// Each relay asks for its own; the claimant pays up to a limit.
    Posted {
        /// In which asset of the ledger.
        asset: AssetId,
        /// At most.
        cap: Amount,
        /// Who pays.
        payer: FeePayer,
    },
}

/// A claim, as its claimant publishes it under a key that is used for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Claim {
    /// Version of this message: 1.
    pub version: u8,
    /// The network that the claim belongs to.
    pub network: NetworkId,
    /// Who vouches for the swap: the two alone, or the clearance layer.
    pub mode: Mode,
    /// The claimant's key for this claim: it signs the claim, the first path entry and the selection.
    pub key: NodeId,
    /// To which terms and addresses are sealed.
    pub seal_key: NodeId,
    /// 32 fresh random bytes, from which the claimant derives both keys.
    pub nonce: [u8; 32],
    /// What the claimant gives: it locks it first, as the initiator.
    pub give: ClaimedAsset,
    /// What it wants.
    pub want: ClaimedAsset,
    /// How much it gives in all.
    pub give_amount: Amount,
    /// The least it takes for it.
    pub limit: Limit,
    /// The least of `give_amount` that one provider may fill; `None`: all or nothing.
    pub partial: Option<Amount>,
    /// Fees.
    pub fee: FeeTerms,
    /// The claimant's escrow or balance, by which it can be served first; without clearance there is none.
    pub balance: Option<Digest>,
    /// The longest path, the claimant's own entry included: 1 … [`MAX_HOPS`].
    pub max_hops: u8,
    /// When it was made (unix ms).
    pub created_ms: u64,
    /// Not to be answered later (unix ms): at most [`MAX_CLAIM_LIFE_MS`] after `created_ms`.
    pub expires_ms: u64,
}

/// Why a message is no claim by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Not the encoding of a claim.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// A version that this program does not know.
    #[error("expected version 1 of a claim, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Not signed by its claim key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Nothing is given.
    #[error("the claim gives 0 of {0}: expected more")]
    Nothing(AssetId),
    /// The same asset is given and wanted.
    #[error("{0} is given and wanted: expected two different assets")]
    SameAsset(AssetId),
    /// Finality of depth 0 is none.
    #[error("{0} is asked for at depth 0: expected at least 1")]
    Depth(AssetId),
    /// The least fill is none, or more than all.
    #[error("the least fill is {least}, expected 1 to {all}")]
    Partial {
        /// The least fill.
        least: Amount,
        /// All that is given.
        all: Amount,
    },
    /// Too long or no path.
    #[error("expected 1 to {MAX_HOPS} hops, got {0}")]
    Hops(u8),
    /// Expires before it was made, or lives too long.
    #[error("the claim lives {0} ms, expected 1 to {MAX_CLAIM_LIFE_MS}")]
    Life(i128),
    /// A free mode with a fee, or a fee of nothing, or a share above all of it.
    #[error("the fee terms do not fit the mode: {0}")]
    Fee(&'static str),
}

impl Claim {
    /// The claim's id, which its claimant signs: `H("kofo/claim/v1", network, claim)`.
    #[must_use]
    pub fn id(&self) -> ClaimId {
        ClaimId::new(message_id("kofo/claim/v1", &self.network, self))
    }

    /// Signs the claim with its own key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, self.id().as_bytes(), self)
    }

    fn fee_fits(&self) -> Result<(), ClaimError> {
        let payer = match (&self.mode, &self.fee) {
            (Mode::P2P | Mode::Cleared, FeeTerms::Free) => return Ok(()),
            (Mode::P2P, FeeTerms::Pool { .. } | FeeTerms::Posted { .. }) => {
                return Err(ClaimError::Fee("a swap between two alone is free"));
            }
            (Mode::Cleared, FeeTerms::Pool { amount, payer, .. }) if *amount != Amount::ZERO => payer,
            (Mode::Cleared, FeeTerms::Posted { cap, payer, .. }) if *cap != Amount::ZERO => payer,
            (Mode::Cleared, FeeTerms::Pool { .. } | FeeTerms::Posted { .. }) => {
                return Err(ClaimError::Fee("a fee of 0 is written as free"));
            }
        };
        match payer {
            FeePayer::Split { claimant_bps } if *claimant_bps > 10_000 => {
                Err(ClaimError::Fee("expected a share of at most 10,000 bps"))
            }
            FeePayer::Split { .. } | FeePayer::Claimant | FeePayer::Provider => Ok(()),
        }
    }
}

impl Signed<Claim> {
    /// Whether the claim is right by itself; the signature is checked last, since it costs most. Whether it is right
    /// *now* is the exchange layer's to say.
    pub fn check(&self) -> Result<(), ClaimError> {
        self.check_as().map(|_| ())
    }

    /// As [`Signed::check`]; the claim's id, which is hashed for it.
    pub(crate) fn check_as(&self) -> Result<ClaimId, ClaimError> {
        let claim = &self.body;
        if claim.version != 1 {
            return Err(ClaimError::Version(claim.version));
        }
        if claim.give_amount == Amount::ZERO {
            return Err(ClaimError::Nothing(claim.give.asset.clone()));
        }
        if claim.give.asset == claim.want.asset {
            return Err(ClaimError::SameAsset(claim.give.asset.clone()));
        }
        if let Some(flat) = [&claim.give, &claim.want].into_iter().find(|a| a.depth == 0) {
            return Err(ClaimError::Depth(flat.asset.clone()));
        }
        if let Some(least) = claim
            .partial
            .filter(|l| *l == Amount::ZERO || *l > claim.give_amount)
        {
            let all = claim.give_amount;
            return Err(ClaimError::Partial { least, all });
        }
        if !(1..=MAX_HOPS).contains(&claim.max_hops) {
            return Err(ClaimError::Hops(claim.max_hops));
        }
        let life = i128::from(claim.expires_ms).saturating_sub(i128::from(claim.created_ms));
        if !(1..=i128::from(MAX_CLAIM_LIFE_MS)).contains(&life) {
            return Err(ClaimError::Life(life));
        }
        claim.fee_fits()?;
        let id = claim.id();
        claim.key.verify(id.as_bytes(), &self.signature)?;
        Ok(id)
    }
}

/// The claimant takes its claim back.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Cancel {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The claim.
    pub claim: ClaimId,
    /// The key of the claim.
    pub key: NodeId,
    /// When the claim would have expired (unix ms): until then this must be remembered.
    pub expires_ms: u64,
}

impl Cancel {
    fn digest(&self) -> Digest {
        message_id("kofo/cancel/v1", &self.network, self)
    }

    /// Signs the cancel with the claim's key.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.digest(), self)
    }
}

impl Signed<Cancel> {
    /// Whether the key that it names signed it. Whether that key is the claim's, only who knows the claim can say.
    pub fn check(&self) -> Result<(), ClaimError> {
        if self.body.version != 1 {
            return Err(ClaimError::Version(self.body.version));
        }
        Ok(self.body.key.verify(&self.body.digest(), &self.signature)?)
    }
}

#[cfg(test)]
mod tests;
