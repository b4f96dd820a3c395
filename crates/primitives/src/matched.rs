//! The order that claim, fulfil and selection make.

use crate::asset::AssetId;
use crate::claim::{Claim, ClaimError, ClaimId, Limit};
use crate::fulfil::{Fulfil, FulfilError, FulfilId, FulfilTerms, Opening};
use crate::hash::{Digest, tagged_hash};
use crate::hashlock::SwapId;
use crate::leg::{LegId, Side};
use crate::node_id::{NodeId, SignatureError};
use crate::order::Signed;
use crate::path::{HopEntry, PathError, ReturnEntry, ReturnError, chain, returned};
use crate::ratio::Ratio;
use crate::select::Select;
use crate::settlement_order::OrderLeg;
use crate::{Amount, NetworkId};
use borsh::{BorshDeserialize, BorshSerialize};

/// All that makes a matched order, as both parties and the validators have it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MatchedParts {
    /// What was asked.
    pub claim: Signed<Claim>,
    /// Over which path it came to the provider.
    pub path: Vec<HopEntry>,
    /// The provider's quote.
    pub fulfil: Signed<Fulfil>,
    /// Its terms, opened.
    pub terms: FulfilTerms,
    /// The way back.
    pub returns: Vec<ReturnEntry>,
    /// The claimant's choice.
    pub select: Signed<Select>,
    /// The claimant's ends of the legs.
    pub claimant: Opening,
    /// The provider's ends of the legs.
    pub provider: Opening,
}

/// A matched order. Constructs only if everything in it is signed and fits together; whether it is right *now* (expiry,
/// timelocks, fees) is for the layers to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedOrder {
    parts: MatchedParts,
    /// Hashed when it is made, for they are asked for often.
    claim: ClaimId,
    fulfil: FulfilId,
    id: SwapId,
}

/// Why parts make no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The claim.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The quote.
    #[error(transparent)]
    Fulfil(#[from] FulfilError),
    /// The way back.
    #[error(transparent)]
    Returns(#[from] ReturnError),
    /// The selection is not the claimant's.
    #[error("the selection is not signed by the claim's key: {0}")]
    Select(#[from] SignatureError),
    /// The reservation is not signed by the bond that it names.
    #[error("the reservation is not signed by its bond: {0}")]
    Reservation(SignatureError),
    /// A part belongs to something else.
    #[error("the {0} belongs to another claim, quote or path")]
    Stranger(&'static str),
    /// Nothing, or more than was claimed, or less than the claim lets one provider fill.
    #[error("{fill} of {all} are filled, and the claim asks for {least} or more")]
    Fill {
        /// What is filled.
        fill: Amount,
        /// All of the claim.
        all: Amount,
        /// The least.
        least: Amount,
    },
    /// Below the claimant's limit.
    #[error("{want} for {give} is below the limit of {limit}")]
    Price {
        /// What the claimant gives.
        give: Amount,
        /// What it gets.
        want: Amount,
        /// Its limit.
        limit: Ratio,
    },
    /// A hidden limit was not opened, or to another one.
    #[error("the limit is hidden and was not opened, or to another one")]
    Limit,
    /// Both parties are one.
    #[error("claimant and provider sign with the same key {0}")]
    SameKey(NodeId),
}

impl Claim {
    /// The limit, opened if it is hidden.
    pub fn limit(&self, opening: Option<&crate::LimitOpening>) -> Result<Ratio, MatchError> {
        match (&self.limit, opening) {
            (Limit::Stated(ratio), None) => Ok(*ratio),
            (Limit::Hidden(commit), Some(opening)) if opening.commit() == *commit => Ok(opening.ratio),
            (Limit::Stated(_) | Limit::Hidden(_), _) => Err(MatchError::Limit),
        }
    }

    /// Whether so much may be given to one provider for so much.
    pub fn filled_by(&self, give: Amount, want: Amount, limit: Ratio) -> Result<(), MatchError> {
        let all = self.give_amount;
        let least = self.partial.unwrap_or(all);
        if give < least || give > all || give == Amount::ZERO || want == Amount::ZERO {
            return Err(MatchError::Fill {
                fill: give,
                all,
                least,
            });
        }
        if !limit.met_by(give, want) {
            return Err(MatchError::Price { give, want, limit });
        }
        Ok(())
    }
}

impl MatchedOrder {
    /// Joins the parts.
    pub fn new(parts: MatchedParts) -> Result<Self, MatchError> {
        let MatchedParts {
            claim,
            path,
            fulfil,
            terms,
            returns,
            select,
            claimant,
            provider,
        } = &parts;
        let (id, quoted) = (claim.check_as()?, fulfil.check_as()?);
        let (quote, chosen, choice) = (&fulfil.body, &select.body, select.body.digest());
        claim.body.key.verify(&choice, &select.signature)?;
        if claim.body.key == quote.key {
            return Err(MatchError::SameKey(quote.key));
        }
        let along = chain(&claim.body, &id, path)?;
        path.iter().try_for_each(|entry| entry.verify(&id))?;
        let root = returned(path, quoted.as_bytes(), returns, 1)?;
        let network = &claim.body.network;
        let fits = [
            (
                "fulfil",
                quote.claim == id && quote.path == along && quote.network == *network,
            ),
            ("terms", quote.terms == terms.digest()),
            (
                "selection",
                chosen.version == 1 && chosen.claim == id && chosen.network == *network,
            ),
            ("quote", chosen.fulfil == quoted),
            ("way back", chosen.returns == root),
            ("claimant's opening", chosen.opening == claimant.commit()),
            ("provider's opening", terms.opening == provider.commit()),
        ];
        if let Some((what, _)) = fits.iter().find(|(_, fits)| !fits) {
            return Err(MatchError::Stranger(what));
        }
        terms
            .reservation
            .check(&id, &quote.key)
            .map_err(MatchError::Reservation)?;
        claimant.check()?;
        provider.check()?;
        let limit = claim.body.limit(chosen.limit.as_ref())?;
        claim.body.filled_by(terms.give, terms.want, limit)?;
        let made = id_of(network, (&id, &quoted), quote, &choice);
        Ok(Self {
            parts,
            claim: id,
            fulfil: quoted,
            id: made,
        })
    }

    /// The parts.
    #[must_use]
    pub const fn parts(&self) -> &MatchedParts {
        &self.parts
    }

    /// The claim's id.
    #[must_use]
    pub const fn claim_id(&self) -> ClaimId {
        self.claim
    }

    /// The quote's id.
    #[must_use]
    pub const fn fulfil_id(&self) -> FulfilId {
        self.fulfil
    }

    /// The order's id: see [`order_id`].
    #[must_use]
    pub const fn id(&self) -> SwapId {
        self.id
    }

    /// Both legs.
    #[must_use]
    pub fn legs(&self) -> [OrderLeg<'_>; 2] {
        let MatchedParts {
            claim,
            terms,
            claimant,
            provider,
            ..
        } = &self.parts;
        let leg = |side, asset, amount, (refunder, redeemer), timelock| {
            let crate::ClaimedAsset { asset, place, depth }: &crate::ClaimedAsset = asset;
            OrderLeg {
                id: LegId::first(side),
                asset,
                amount,
                place,
                depth: *depth,
                refunder,
                redeemer,
                timelock,
            }
        };
        let (alpha, beta) = (
            (&claimant.alpha, &provider.alpha),
            (&provider.beta, &claimant.beta),
        );
        [
            leg(
                Side::Alpha,
                &claim.body.give,
                terms.give,
                alpha,
                terms.alpha_timelock,
            ),
            leg(
                Side::Beta,
                &claim.body.want,
                terms.want,
                beta,
                terms.beta_timelock,
            ),
        ]
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &NetworkId {
        &self.parts.claim.body.network
    }

    /// What the claimant gives and wants.
    #[must_use]
    pub const fn pair(&self) -> (&AssetId, &AssetId) {
        (
            &self.parts.claim.body.give.asset,
            &self.parts.claim.body.want.asset,
        )
    }
}

/// `H("kofo/order/v1", network, claim, fulfil, terms, path, select)`: a pure function of three signed messages. The claim
/// commits to assets, limit and fee terms; the terms to amounts, timelocks, deadlines, the provider's nonce and opening;
/// the selection to hashlock, way back, fee root, the claimant's nonce and opening.
#[must_use]
pub fn order_id(claim: &Claim, fulfil: &Fulfil, select: &Select) -> SwapId {
    let ids = (&claim.id(), &fulfil.id());
    id_of(&claim.network, ids, fulfil, &select.digest())
}

/// The order's id, of what is hashed already.
fn id_of(
    network: &NetworkId,
    (claim, quoted): (&ClaimId, &FulfilId),
    fulfil: &Fulfil,
    select: &Digest,
) -> SwapId {
    let digest: Digest = tagged_hash(
        "kofo/order/v1",
        &[
            network.as_str().as_bytes(),
            claim.as_bytes(),
            quoted.as_bytes(),
            &fulfil.terms,
            &fulfil.path,
            select,
        ],
    );
    SwapId::new(digest)
}

impl BorshSerialize for MatchedOrder {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.parts.serialize(writer)
    }
}

impl BorshDeserialize for MatchedOrder {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let parts = BorshDeserialize::deserialize_reader(reader)?;
        Self::new(parts).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))
    }
}

#[cfg(test)]
mod tests;
