//! What a quote has to be for us to look at its price.

use super::{OwnClaim, SeenReservations};
use crate::choice::MAX_COMPARED;
use crate::wire::FulfilEnvelope;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, ClaimId, Digest, Fulfil, FulfilError, FulfilId, FulfilTerms, HopEntry, MAX_QUOTE_LIFE_MS,
    MatchError, Mode, NodeId, NodeKey, Path, PathError, Ratio, ReturnEntry, ReturnError, SignatureError,
    Signed, check_returns,
};
use std::cmp::Reverse;

/// So many quotes of one claim are kept. When more come, the best rates stay: whoever sends many bad ones keeps no good
/// one out.
pub const MAX_QUOTES: usize = 32;

/// The clock of a provider may be so much ahead of ours (ms).
pub const CLOCK_SKEW_MS: u64 = 30_000;

/// A provider's quote that is right: signed, brought back over the path that it names, and within what we asked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Quote {
    /// As it came.
    pub fulfil: Signed<Fulfil>,
    /// Its terms, opened.
    pub terms: FulfilTerms,
    /// Over which path the claim came to the provider: our own entry first.
    pub path: Vec<HopEntry>,
    /// The way back: the provider's neighbour first.
    pub returns: Vec<ReturnEntry>,
    /// When it came to us (unix ms).
    pub came_ms: u64,
}

/// Why a quote is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteRefused {
    /// Not of this claim.
    #[error("the quote answers claim {got}, expected {ours} of the same network")]
    Stranger {
        /// Ours.
        ours: ClaimId,
        /// What it answers.
        got: ClaimId,
    },
    /// The claim was taken back, has expired or is filled.
    #[error("the claim takes no more quotes: it was taken back, has expired or is filled")]
    Closed,
    /// It came before, or was given up.
    #[error("the quote {0} is known already")]
    Known(FulfilId),
    /// Binds no more.
    #[error("the quote bound until {expires_ms} (unix ms), and it is {now_ms}")]
    Late {
        /// Until when it bound.
        expires_ms: u64,
        /// Now.
        now_ms: u64,
    },
    /// Binds longer than a quote may.
    #[error("the quote binds for {life_ms} ms, expected at most {MAX_QUOTE_LIFE_MS}")]
    Life {
        /// From now on.
        life_ms: u64,
    },
    /// The path is none.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The path is another than the provider signed.
    #[error("the quote was made for the path {signed:02x?}, and came with another")]
    OtherPath {
        /// What it was made for.
        signed: Digest,
    },
    /// The way back is not the path's.
    #[error(transparent)]
    Returns(#[from] ReturnError),
    /// Not signed, or its terms do not open.
    #[error(transparent)]
    Fulfil(#[from] FulfilError),
    /// The bond did not reserve anything for this quote.
    #[error("the reservation is not signed by its bond: {0}")]
    Reservation(SignatureError),
    /// It fills nothing, too much or too little, or costs too much.
    #[error(transparent)]
    Terms(#[from] MatchError),
    /// A premium where nobody could collect it.
    #[error("the quote asks for a premium of {0} bps, expected none between two alone")]
    Premium(u16),
    /// Nothing stands behind it, or validators could not open it.
    #[error("the quote has no {0}, and a cleared order needs one")]
    Uncovered(&'static str),
    /// Cannot be compared exactly.
    #[error("the quote is for {0} smallest units, expected at most {MAX_COMPARED}")]
    TooLarge(Amount),
    /// The same reservation for two claims: at most one of them could be begun.
    #[error("{bond} quotes on its reservation {seq} twice, also for claim {other}")]
    Doubled {
        /// Whose bond.
        bond: NodeId,
        /// The number.
        seq: u64,
        /// Our other claim.
        other: ClaimId,
    },
    /// Enough better ones are there.
    #[error("{MAX_QUOTES} better quotes are there already")]
    Worse,
}

impl Quote {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> FulfilId {
        self.fulfil.body.id()
    }

    /// Whether it can still be selected.
    #[must_use]
    pub const fn binds(&self, now_ms: u64) -> bool {
        now_ms < self.fulfil.body.expires_ms
    }

    /// Bond and number.
    #[must_use]
    pub const fn reservation(&self) -> (NodeId, u64) {
        (self.terms.reservation.bond, self.terms.reservation.seq)
    }

    /// What the way back came to at us: see [`check_returns`].
    #[must_use]
    pub fn returns_root(&self) -> Digest {
        let last = self.returns.last().map(ReturnEntry::digest);
        last.unwrap_or_else(|| *self.id().as_bytes())
    }

    /// What is got for one unit; none only for a quote of nothing.
    fn rate(&self) -> Option<Ratio> {
        Ratio::new(self.terms.want.units(), self.terms.give.units())
    }
}

impl OwnClaim {
    /// Takes a quote if it is right by itself and fits the claim; nothing changes if not. `seal_key` is the claim's,
    /// `seen` is shared by all of our claims.
    pub fn quote(
        &mut self,
        envelope: FulfilEnvelope,
        seal_key: &NodeKey,
        seen: &mut SeenReservations,
        now_ms: u64,
    ) -> Result<&Quote, QuoteRefused> {
        let id = envelope.fulfil.body.id();
        self.timely(&envelope.fulfil.body, &id, now_ms)?;
        let quote = self.right(envelope, seal_key, now_ms)?;
        self.within(&quote)?;
        let worst = self.to_drop(&quote, now_ms)?;
        let claim = &self.claim.body;
        seen.note(quote.reservation(), (self.id(), claim.expires_ms), now_ms)?;
        if let Some(worst) = worst {
            self.quotes.remove(&worst);
        }
        Ok(self.quotes.entry(id).or_insert(quote))
    }

    /// What costs nothing to see.
    fn timely(&self, fulfil: &Fulfil, id: &FulfilId, now_ms: u64) -> Result<(), QuoteRefused> {
        let (ours, got) = (self.id(), fulfil.claim);
        if got != ours || fulfil.network != self.claim.body.network {
            return Err(QuoteRefused::Stranger { ours, got });
        }
        if self.quotes.contains_key(id) || self.selections.contains_key(id) || self.ended.contains_key(id) {
            return Err(QuoteRefused::Known(*id));
        }
        if !self.takes_quotes(now_ms) {
            return Err(QuoteRefused::Closed);
        }
        let expires_ms = fulfil.expires_ms;
        match expires_ms.checked_sub(now_ms) {
            None | Some(0) => Err(QuoteRefused::Late { expires_ms, now_ms }),
            Some(life_ms) if life_ms > MAX_QUOTE_LIFE_MS.saturating_add(CLOCK_SKEW_MS) => {
                Err(QuoteRefused::Life { life_ms })
            }
            Some(_) => Ok(()),
        }
    }

    /// Path, way back, signatures, terms.
    fn right(
        &self,
        envelope: FulfilEnvelope,
        seal_key: &NodeKey,
        came_ms: u64,
    ) -> Result<Quote, QuoteRefused> {
        let FulfilEnvelope {
            fulfil,
            path,
            returns,
        } = envelope;
        let id = self.id();
        let path = Path::new(&self.claim.body, &id, path)?;
        if path.digest() != fulfil.body.path {
            let signed = fulfil.body.path;
            return Err(QuoteRefused::OtherPath { signed });
        }
        fulfil.check()?;
        path.verify(&id, 0)?;
        check_returns(&path, fulfil.body.id().as_bytes(), &returns, 1)?;
        let terms = fulfil.open(seal_key)?;
        let reservation = terms.reservation.check(&id, &fulfil.body.key);
        reservation.map_err(QuoteRefused::Reservation)?;
        Ok(Quote {
            fulfil,
            terms,
            path: path.into_entries(),
            returns,
            came_ms,
        })
    }

    /// Whether it is what we asked for.
    fn within(&self, quote: &Quote) -> Result<(), QuoteRefused> {
        let (claim, terms) = (&self.claim.body, &quote.terms);
        if quote.fulfil.body.key == claim.key {
            return Err(MatchError::SameKey(claim.key).into());
        }
        claim.filled_by(terms.give, terms.want, self.limit)?;
        if claim.mode == Mode::P2P && terms.premium_bps != 0 {
            return Err(QuoteRefused::Premium(terms.premium_bps));
        }
        if claim.mode == Mode::Cleared {
            let reserve = terms.reservation.reserve.as_ref();
            if reserve.is_none_or(|(_, amount)| *amount == Amount::ZERO) {
                return Err(QuoteRefused::Uncovered("reserve"));
            }
            if quote.fulfil.body.for_validators.is_none() {
                return Err(QuoteRefused::Uncovered("opening for the validators"));
            }
        }
        if terms.want > MAX_COMPARED {
            return Err(QuoteRefused::TooLarge(terms.want));
        }
        Ok(())
    }

    /// What has to go so that this one can stay, if there is no room: one that has expired, or the worst.
    fn to_drop(&self, quote: &Quote, now_ms: u64) -> Result<Option<FulfilId>, QuoteRefused> {
        if self.quotes.len() < MAX_QUOTES {
            return Ok(None);
        }
        let worth = |q: &Quote| (q.binds(now_ms), q.rate(), Reverse(q.came_ms));
        let worst = self.quotes.iter().min_by_key(|(_, kept)| worth(kept));
        match worst {
            Some((id, kept)) if worth(kept) < worth(quote) => Ok(Some(*id)),
            Some(_) | None => Err(QuoteRefused::Worse),
        }
    }
}
