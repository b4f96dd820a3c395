//! What a provider says to our selection.

use super::{Ending, OwnClaim, Selection};
use kofo_primitives::{
    Answer, FulfilId, MatchError, MatchedOrder, MatchedParts, NodeKey, Opening, SignatureError, Signed,
    SwapId, UnsealError, Verdict, order_id,
};

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The order is whole. Make the claim durable, then begin it.
    Opened(Box<MatchedParts>),
    /// No: what the quote took is free again. Never [`Verdict::Opened`].
    Declined(Verdict, FulfilId),
}

/// Why an answer changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRefused {
    /// A version that this program does not know.
    #[error("expected version 1 of an answer, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Not of this claim.
    #[error("the answer is of another claim or network")]
    Stranger,
    /// Nothing of this kind was selected.
    #[error("the quote {0} was not selected")]
    NotSelected(FulfilId),
    /// It was given up or declined before, and is never begun.
    #[error("the quote {fulfil} ended before its answer came ({ending:?})")]
    Ended {
        /// Which.
        fulfil: FulfilId,
        /// How.
        ending: Ending,
    },
    /// It was answered before: the first answer stands.
    #[error("the quote {0} was answered before, and that answer stands")]
    Again(FulfilId),
    /// Not the provider's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Another order than ours.
    #[error("the answer is to the order {theirs}, expected {ours}")]
    Order {
        /// What our selection makes.
        ours: SwapId,
        /// What it answers.
        theirs: SwapId,
    },
    /// The opening cannot be read.
    #[error("the provider's opening: {0}")]
    Opening(#[from] UnsealError),
    /// What was opened is not what was promised.
    #[error(transparent)]
    Match(#[from] MatchError),
}

impl OwnClaim {
    /// Takes a provider's answer to what we selected. The first that is right counts. `seal_key` is the claim's.
    pub fn answer(&mut self, answer: &Signed<Answer>, seal_key: &NodeKey) -> Result<Answered, AnswerRefused> {
        let Answer {
            version,
            network,
            claim,
            fulfil,
            order,
            verdict,
        } = &answer.body;
        if *version != 1 {
            return Err(AnswerRefused::Version(*version));
        }
        if *claim != self.id() || *network != self.claim.body.network {
            return Err(AnswerRefused::Stranger);
        }
        let selection = self.waiting(fulfil)?;
        let quote = &selection.quote.fulfil.body;
        quote.key.verify(&answer.body.digest(), &answer.signature)?;
        let ours = order_id(&self.claim.body, quote, &selection.select.body);
        if *order != ours {
            let theirs = *order;
            return Err(AnswerRefused::Order { ours, theirs });
        }
        let ending = match verdict {
            Verdict::Opened(sealed) => {
                let provider = Opening::unseal(claim, seal_key, sealed)?;
                return self.opened_by(*fulfil, provider).map(Answered::Opened);
            }
            Verdict::ReservationUsed => Ending::ReservationUsed,
            Verdict::ClaimExhausted => Ending::ClaimExhausted,
            Verdict::Expired => Ending::Expired,
            Verdict::Refused => Ending::Refused,
        };
        let reservation = selection.quote.reservation();
        self.end(fulfil, ending);
        if ending == Ending::ReservationUsed {
            let same = self
                .quotes
                .iter()
                .filter(|(_, quote)| quote.reservation() == reservation);
            for copy in same.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.end(&copy, ending);
            }
        }
        Ok(Answered::Declined(verdict.clone(), *fulfil))
    }

    /// Takes the order of a selection as the clearance layer committed it, with the provider's opening. Only parts of our
    /// own selection count; the same again changes nothing. That it is committed is for whoever calls this to verify.
    pub fn committed(&mut self, order: &MatchedOrder) -> Result<(), AnswerRefused> {
        let parts = order.parts();
        let fulfil = parts.fulfil.body.id();
        let selection = self.waiting(&fulfil)?;
        let quote = &selection.quote.fulfil.body;
        let ours = order_id(&self.claim.body, quote, &selection.select.body);
        let theirs = order.id();
        if ours != theirs {
            return Err(AnswerRefused::Order { ours, theirs });
        }
        self.opened_by(fulfil, parts.provider.clone()).map(drop)
    }

    fn waiting(&self, fulfil: &FulfilId) -> Result<&Selection, AnswerRefused> {
        if let Some(ending) = self.ended.get(fulfil) {
            let (fulfil, ending) = (*fulfil, *ending);
            return Err(AnswerRefused::Ended { fulfil, ending });
        }
        match self.selections.get(fulfil) {
            Some(selection) if selection.provider.is_some() => Err(AnswerRefused::Again(*fulfil)),
            Some(selection) => Ok(selection),
            None => Err(AnswerRefused::NotSelected(*fulfil)),
        }
    }

    fn opened_by(&mut self, fulfil: FulfilId, provider: Opening) -> Result<Box<MatchedParts>, AnswerRefused> {
        let selection = self.waiting(&fulfil)?;
        let parts = self.parts(selection, provider.clone());
        MatchedOrder::new(parts.clone())?;
        let selection = self
            .selections
            .get_mut(&fulfil)
            .ok_or(AnswerRefused::NotSelected(fulfil))?;
        selection.provider = Some(provider);
        Ok(Box::new(parts))
    }

    fn parts(&self, selection: &Selection, provider: Opening) -> MatchedParts {
        let quote = selection.quote.clone();
        MatchedParts {
            claim: self.claim.clone(),
            path: quote.path,
            fulfil: quote.fulfil,
            terms: quote.terms,
            returns: quote.returns,
            select: selection.select.clone(),
            claimant: selection.opening.clone(),
            provider,
        }
    }

    /// Every order that was opened: after a restart all of them are begun again, which harms none that were begun.
    pub fn orders(&self) -> impl Iterator<Item = MatchedParts> {
        let opened = |s| {
            let provider = Selection::clone(s).provider?;
            Some(self.parts(s, provider))
        };
        self.selections.values().filter_map(opened)
    }
}
