//! From what a claimant submits to an order that validators can decide: the openings that are sealed to them are opened
//! here, once, by the validator that gets it first.

use kofo_clearance::{ClearedOrder, SubmittedOrder};
use kofo_primitives::{
    Bytes, ClaimId, FeeTerms, HopEntry, HopOpening, MatchError, MatchedOrder, MatchedParts, Mode, NetworkId,
    NodeKey, Opening, ReturnEntry, SealError, UnsealError,
};

/// Why what was submitted is no order.
#[derive(Debug, thiserror::Error)]
pub enum SubmittedError {
    /// Of another network.
    #[error("the order is of network {have}, expected {want}")]
    Network {
        /// Its network.
        have: NetworkId,
        /// Ours.
        want: NetworkId,
    },
    /// An order between two alone.
    #[error("an order between two alone is not cleared: it is free and needs nobody")]
    Direct,
    /// Nothing for the path, or as each relay asks.
    #[error("expected a fee from the pool's rules, in an asset of the ledger: other fees are not cleared")]
    Fee,
    /// Too late.
    #[error("the quote expired {0} ms ago: ask for a new one")]
    Expired(u64),
    /// A path and a way back of different lengths.
    #[error("{returns} hops signed the way back of a path of {hops}: one was stripped")]
    Stripped {
        /// Hops after the claimant.
        hops: usize,
        /// Return entries.
        returns: usize,
    },
    /// The provider left its ends out.
    #[error("the quote has no opening for the validators: the provider does not trade by clearance")]
    NoOpening,
    /// The provider's ends do not open.
    #[error("the provider's opening does not open: {0}")]
    Unsealed(#[from] UnsealError),
    /// The parts do not fit together.
    #[error(transparent)]
    Match(#[from] MatchError),
}

/// What can be seen without a secret: of this network, with a fee, and in time.
pub(super) fn visible(
    order: &SubmittedOrder,
    network: &NetworkId,
    now_ms: u64,
) -> Result<(), SubmittedError> {
    let (claim, quote) = (&order.claim.body, &order.fulfil.body);
    if let Some(have) = [&claim.network, &quote.network]
        .into_iter()
        .find(|have| *have != network)
    {
        return Err(SubmittedError::Network {
            have: have.clone(),
            want: network.clone(),
        });
    }
    if claim.mode != Mode::Cleared {
        return Err(SubmittedError::Direct);
    }
    if !matches!(claim.fee, FeeTerms::Pool { .. }) {
        return Err(SubmittedError::Fee);
    }
    if quote.expires_ms < now_ms {
        return Err(SubmittedError::Expired(now_ms.saturating_sub(quote.expires_ms)));
    }
    let (hops, returns) = (order.path.len().saturating_sub(1), order.returns.len());
    if hops != returns {
        return Err(SubmittedError::Stripped { hops, returns });
    }
    Ok(())
}

/// Opens what is sealed and joins the parts. An opening that does not open is none: its hop gets nothing.
pub(super) fn cleared(order: SubmittedOrder, key: &NodeKey) -> Result<ClearedOrder, SubmittedError> {
    let claim = order.claim.body.id();
    let sealed = order.fulfil.body.for_validators.as_ref();
    let sealed = sealed.ok_or(SubmittedError::NoOpening)?.as_slice();
    let sealed = Bytes::new(sealed)
        .map_err(SealError::from)
        .map_err(UnsealError::from)?;
    let provider = Opening::unseal(&claim, key, &sealed)?;
    let hops = order.path.iter().skip(1);
    let hops = hops
        .map(|hop| opening(hop, &order.returns, &claim, key))
        .collect();
    let parts = MatchedParts {
        claim: order.claim,
        path: order.path,
        fulfil: order.fulfil,
        terms: order.terms,
        returns: order.returns,
        select: order.select,
        claimant: order.claimant,
        provider,
    };
    Ok(ClearedOrder {
        order: MatchedOrder::new(parts)?,
        hops,
        payment: order.payment,
    })
}

/// Whom a hop is paid through, if its opening opens and is the one that it committed to.
pub(crate) fn opening(
    hop: &HopEntry,
    returns: &[ReturnEntry],
    claim: &ClaimId,
    key: &NodeKey,
) -> Option<HopOpening> {
    let back = returns.iter().find(|entry| entry.index == hop.index)?;
    let opening = HopOpening::unseal(claim, key, back.opening.as_ref()?).ok()?;
    (hop.payee == Some(opening.commit())).then_some(opening)
}
