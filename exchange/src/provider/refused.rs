//! Why a provider sends no quote, or takes no selection.

use kofo_primitives::{Amount, FulfilId, Verdict};

/// Why a quote is not to be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotedRefused {
    /// Nothing is offered on that claim, or no more.
    #[error("nothing is offered on this claim now: ask for an offer first")]
    NotOffered,
    /// It would bind longer than what is behind it is held.
    #[error("the quote binds until {expires_ms}, what is behind it is held until {until_ms} (unix ms)")]
    TooLong {
        /// The quote's.
        expires_ms: u64,
        /// The offer's.
        until_ms: u64,
    },
    /// As many quotes as there may be.
    #[error("the offer has {0} quotes: no further path of this claim is quoted")]
    TooMany(usize),
}

/// Why a selection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SelectionRefused {
    /// We made no such quote for this claim, or have forgotten it.
    #[error("no quote of ours for this claim has this id")]
    Unknown,
    /// The reservation was used: by that quote. If it is the same one, the selection was only repeated.
    #[error("the reservation of this quote is used up")]
    ReservationUsed {
        /// The quote that used it.
        by: FulfilId,
    },
    /// It would take more than the claim gives.
    #[error("the selections of this claim would take more than the {all} that it gives")]
    ClaimExhausted {
        /// What the claim gives.
        all: Amount,
    },
    /// Too late.
    #[error("the quote bound until {expires_ms} (unix ms)")]
    Expired {
        /// Until when it bound.
        expires_ms: u64,
    },
    /// The claim was cancelled, or an order behind the quote was.
    #[error("what was behind this quote was cancelled")]
    Withdrawn,
}

impl SelectionRefused {
    /// What the claimant is answered.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::ReservationUsed { .. } => Verdict::ReservationUsed,
            Self::ClaimExhausted { .. } => Verdict::ClaimExhausted,
            Self::Expired { .. } => Verdict::Expired,
            Self::Unknown | Self::Withdrawn => Verdict::Refused,
        }
    }
}
