//! Selecting quotes, and giving up what was selected.

use super::{OwnClaim, Quote};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, ClaimantPart, FulfilError, FulfilId, Hashlock, NodeId, NodeKey, Opening, Select, Signed,
    SwapNonce,
};

/// So many selections of one claim are made, all that were given up included.
pub const MAX_SELECTED: usize = 256;

/// What we add to a quote to select it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Of a fresh preimage.
    pub hashlock: Hashlock,
    /// Our fresh nonce of the swap.
    pub nonce: SwapNonce,
    /// Our ends of the legs.
    pub opening: Opening,
}

/// A quote that we selected.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Selection {
    /// The quote.
    pub quote: Quote,
    /// What we told its provider.
    pub select: Signed<Select>,
    /// Our ends of the legs.
    pub opening: Opening,
    /// The provider's, once it has answered: now there is a settlement order.
    pub provider: Option<Opening>,
    /// When we selected it (unix ms).
    pub at_ms: u64,
}

/// How a quote ended that can never be begun any more. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Ending {
    /// We gave it up: no answer came, or we did not want it.
    GivenUp,
    /// Its provider needed the reservation elsewhere.
    ReservationUsed,
    /// Its provider says that other selections took all that the claim gives.
    ClaimExhausted,
    /// It was selected too late for its provider.
    Expired,
    /// Its provider refused the selection.
    Refused,
    /// Its provider opened it, and our settlement did not begin it.
    NotBegun,
    /// The clearance layer did not commit its order, and never will.
    NotCommitted,
}

/// Why something is not selected, given up or cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectRefused {
    /// No such quote.
    #[error("no quote {0} of this claim is kept: it never came, or a better one took its place")]
    Unknown(FulfilId),
    /// It ended: nothing brings it back.
    #[error("the quote {fulfil} ended ({ending:?}) and cannot be selected any more: take another")]
    Ended {
        /// Which.
        fulfil: FulfilId,
        /// How.
        ending: Ending,
    },
    /// It is selected already.
    #[error("the quote {0} is selected already")]
    Selected(FulfilId),
    /// It is opened: a settlement order exists.
    #[error("the quote {0} was opened by its provider: its swap goes on, and may be aborted there")]
    Opened(FulfilId),
    /// Its provider has not answered.
    #[error("the quote {0} was not opened by its provider: give it up instead")]
    NotOpened(FulfilId),
    /// More than is left of the claim.
    #[error("the claim is exhausted: the quote {fulfil} takes {give}, and {left} are left")]
    ClaimExhausted {
        /// Which.
        fulfil: FulfilId,
        /// What it takes.
        give: Amount,
        /// What is left.
        left: Amount,
    },
    /// It binds no more.
    #[error("the quote {0} binds no more: take another")]
    Expired(FulfilId),
    /// The claim was taken back, or has expired.
    #[error("the claim was taken back or has expired")]
    Closed,
    /// A hashlock twice: its preimage may be known.
    #[error("the hashlock {0} was used by another selection of this claim: draw a new one")]
    Hashlock(Hashlock),
    /// Another key than the claim's.
    #[error("expected the claim's key {claim}, got {got}")]
    Key {
        /// The claim's.
        claim: NodeId,
        /// What came.
        got: NodeId,
    },
    /// What we would add is not right.
    #[error(transparent)]
    Opening(#[from] FulfilError),
    /// Too many.
    #[error("{MAX_SELECTED} quotes of this claim were selected or given up: make a new claim")]
    TooMany,
}

impl Selection {
    /// What goes to its provider beside the selection, sealed to it.
    #[must_use]
    pub fn part(&self) -> ClaimantPart {
        ClaimantPart {
            opening: self.opening.clone(),
            returns: self.quote.returns.clone(),
        }
    }
}

impl OwnClaim {
    /// Selects a quote with the claim's key: from now on what it takes is not free. Make the claim durable before this
    /// leaves. Two selections can never take more than the claim gives: [`SelectRefused::ClaimExhausted`].
    pub fn select(
        &mut self,
        fulfil: &FulfilId,
        chosen: Chosen,
        key: &NodeKey,
        now_ms: u64,
    ) -> Result<Signed<Select>, SelectRefused> {
        self.ours(key)?;
        let quote = self.unselected(fulfil)?;
        if self.closed(now_ms) {
            return Err(SelectRefused::Closed);
        }
        if !quote.binds(now_ms) {
            return Err(SelectRefused::Expired(*fulfil));
        }
        let (fulfil, give, left) = (*fulfil, quote.terms.give, self.left());
        if give > left {
            return Err(SelectRefused::ClaimExhausted { fulfil, give, left });
        }
        if self.hashlocks.contains(&chosen.hashlock) {
            return Err(SelectRefused::Hashlock(chosen.hashlock));
        }
        self.room()?;
        chosen.opening.check()?;
        let quote = quote.clone();
        let select = self.selection_of(&quote, &chosen).sign(key);
        let selection = Selection {
            quote,
            select: select.clone(),
            opening: chosen.opening,
            provider: None,
            at_ms: now_ms,
        };
        self.quotes.remove(&fulfil);
        self.hashlocks.insert(chosen.hashlock);
        self.selections.insert(fulfil, selection);
        Ok(select)
    }

    fn selection_of(&self, quote: &Quote, chosen: &Chosen) -> Select {
        Select {
            version: 1,
            network: self.claim.body.network.clone(),
            claim: self.id(),
            fulfil: quote.id(),
            hashlock: chosen.hashlock,
            nonce: chosen.nonce,
            opening: chosen.opening.commit(),
            limit: self.limit_opening,
            returns: quote.returns_root(),
            fee_root: [0; 32],
            for_validators: None,
        }
    }

    fn room(&self) -> Result<(), SelectRefused> {
        if self.selections.len().saturating_add(self.ended.len()) >= MAX_SELECTED {
            return Err(SelectRefused::TooMany);
        }
        Ok(())
    }

    fn unselected(&self, fulfil: &FulfilId) -> Result<&Quote, SelectRefused> {
        if let Some(ending) = self.ended.get(fulfil) {
            let (fulfil, ending) = (*fulfil, *ending);
            return Err(SelectRefused::Ended { fulfil, ending });
        }
        if self.selections.contains_key(fulfil) {
            return Err(SelectRefused::Selected(*fulfil));
        }
        self.quotes.get(fulfil).ok_or(SelectRefused::Unknown(*fulfil))
    }

    /// Gives up a quote that nobody answered, or that we do not want: what it took is free again, and whatever its
    /// provider says later, it is never begun. Refused if its provider has opened it.
    pub fn give_up(&mut self, fulfil: &FulfilId) -> Result<(), SelectRefused> {
        match self.selections.get(fulfil) {
            Some(selection) if selection.provider.is_some() => {
                return Err(SelectRefused::Opened(*fulfil));
            }
            Some(_) => {}
            None => {
                self.unselected(fulfil)?;
                self.room()?;
            }
        }
        self.end(fulfil, Ending::GivenUp);
        Ok(())
    }

    /// Its order was refused by the ledger, or was too late for it: what it took is free again.
    pub fn not_committed(&mut self, fulfil: &FulfilId) -> Result<(), SelectRefused> {
        match self.selections.get(fulfil) {
            Some(selection) if selection.provider.is_some() => Err(SelectRefused::Opened(*fulfil)),
            Some(_) => {
                self.end(fulfil, Ending::NotCommitted);
                Ok(())
            }
            None => Err(self
                .unselected(fulfil)
                .err()
                .unwrap_or(SelectRefused::Unknown(*fulfil))),
        }
    }

    /// Its provider opened it, but our settlement refused to begin the order, and nothing was or will be locked for it:
    /// what it took is free again.
    pub fn not_begun(&mut self, fulfil: &FulfilId) -> Result<(), SelectRefused> {
        match self.selections.get(fulfil) {
            Some(selection) if selection.provider.is_some() => {
                self.end(fulfil, Ending::NotBegun);
                Ok(())
            }
            Some(_) => Err(SelectRefused::NotOpened(*fulfil)),
            None => Err(self
                .unselected(fulfil)
                .err()
                .unwrap_or(SelectRefused::NotOpened(*fulfil))),
        }
    }
}
