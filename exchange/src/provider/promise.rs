//! What a provider remembers of its offers.

use super::{Offered, REMEMBERED_MS};
use crate::book::{Book, Fill};
use crate::inventory::HoldId;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, ClaimId, FulfilId};

/// One claim on which something was offered, until it expires.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct ClaimRecord {
    /// The number of the offer that can still be selected.
    pub(super) open: Option<u64>,
    /// How much of what it gives was selected of us.
    pub(super) selected: Amount,
    pub(super) cancelled: bool,
    pub(super) expires_ms: u64,
}

/// What is behind one reservation number.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) claim: ClaimId,
    /// What is promised.
    pub(super) asset: AssetId,
    pub(super) give: Amount,
    pub(super) want: Amount,
    pub(super) fills: Vec<Fill>,
    /// It is held until then, unless it is selected.
    pub(super) until_ms: u64,
    pub(super) selected: Option<FulfilId>,
    pub(super) quotes: Vec<FulfilId>,
    pub(super) hold: HoldId,
}

impl Promise {
    /// Whether every order behind it is still in the book.
    pub(super) fn stands(&self, book: &Book) -> bool {
        self.fills.iter().all(|fill| book.holds(fill))
    }

    pub(super) fn offered(&self, seq: u64) -> Offered {
        Offered {
            give: self.give,
            want: self.want,
            seq,
            until_ms: self.until_ms,
            fills: self.fills.clone(),
        }
    }
}

/// What became of a quote. Append only: it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum QuoteState {
    Open,
    /// The reservation was used by that quote.
    Used(FulfilId),
    Withdrawn,
}

/// One quote that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct QuoteRecord {
    pub(super) claim: ClaimId,
    pub(super) seq: u64,
    pub(super) expires_ms: u64,
    pub(super) state: QuoteState,
}

impl QuoteRecord {
    pub(super) fn forget_ms(&self) -> u64 {
        self.expires_ms.saturating_add(REMEMBERED_MS)
    }
}
