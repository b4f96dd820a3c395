//! Selections on their way to the provider, and answers on their way back: over the hops that the quote came by.

use crate::relay::neighbours::Neighbours;
use crate::relay::quoted::{End, MAX_REPEATS};
use crate::relay::{AnswerStopped, Link, Passed, Relay, SelectStopped};
use crate::wire::SelectEnvelope;
use kofo_primitives::{Answer, ClaimId, Signed, encode, tagged_hash};

/// Why a message did not come from where it should have.
enum Astray {
    UnknownLink,
    WrongNeighbour { gone: bool },
}

/// Whether the message came from that end. `from`: none if it is our own.
fn came_from(neighbours: &Neighbours, from: Option<Link>, end: End) -> Result<(), Astray> {
    let from = match from {
        None => End::Us,
        Some(link) => End::Peer(neighbours.peer(link).ok_or(Astray::UnknownLink)?),
    };
    if from == end {
        return Ok(());
    }
    let gone = matches!(end, End::Peer(peer) if neighbours.to(peer).is_none());
    Err(Astray::WrongNeighbour { gone })
}

/// The message on its way to that end; `None` if its neighbour left.
fn toward<T>(neighbours: &Neighbours, end: End, message: T) -> Option<Passed<T>> {
    match end {
        End::Us => Some(Passed::Ours(message)),
        End::Peer(peer) => neighbours.to(peer).map(|link| Passed::On(link, message)),
    }
}

impl From<Astray> for SelectStopped {
    fn from(astray: Astray) -> Self {
        match astray {
            Astray::UnknownLink => Self::UnknownLink,
            Astray::WrongNeighbour { gone } => Self::WrongNeighbour { gone },
        }
    }
}

impl From<Astray> for AnswerStopped {
    fn from(astray: Astray) -> Self {
        match astray {
            Astray::UnknownLink => Self::UnknownLink,
            Astray::WrongNeighbour { gone } => Self::WrongNeighbour { gone },
        }
    }
}

impl Relay {
    /// A selection, from a neighbour or our own (`None`): to the neighbour that the quote came from, or it selects our
    /// own quote. The very same message is passed again, up to 16 times in all, since an answer may be lost; another
    /// selection of the same quote is refused.
    pub fn select(
        &mut self,
        from: Option<Link>,
        envelope: SelectEnvelope,
        now_ms: u64,
    ) -> Result<Passed<SelectEnvelope>, SelectStopped> {
        let select = &envelope.select.body;
        if select.version != 1 {
            return Err(SelectStopped::Version(select.version));
        }
        if select.network != self.config.network {
            return Err(SelectStopped::Network);
        }
        let (claim, skew) = (select.claim, self.config.clock_skew_ms);
        let over = self.is_over(&claim);
        let Some(quoted) = self.quotes.get_mut(&select.fulfil) else {
            return Err(if over {
                SelectStopped::QuoteOver
            } else {
                SelectStopped::Unsolicited
            });
        };
        came_from(&self.neighbours, from, quoted.toward_claimant)?;
        if quoted.expires_ms.saturating_add(skew) < now_ms {
            return Err(SelectStopped::QuoteOver);
        }
        if quoted.claim != claim {
            return Err(SelectStopped::OtherClaim);
        }
        // With the sealed part: the claimant's signature does not cover it.
        let digest = tagged_hash("kofo/select-envelope/v1", &[&encode(&envelope)]);
        match quoted.select {
            Some(passed) if passed != digest => return Err(SelectStopped::Another),
            Some(_) if quoted.selects >= MAX_REPEATS => {
                return Err(SelectStopped::Repeated(quoted.selects));
            }
            Some(_) => {}
            None => quoted
                .claim_key
                .verify(&select.digest(), &envelope.select.signature)?,
        }
        let passed = toward(&self.neighbours, quoted.toward_provider, envelope);
        let passed = passed.ok_or(SelectStopped::Gone)?;
        quoted.select = Some(digest);
        quoted.selects = quoted.selects.saturating_add(1);
        Ok(passed)
    }

    /// The answer to a selection that was passed, from a neighbour or our own (`None`): to the neighbour that the quote
    /// went to, or it is for us. At most 16 answers to one selection are passed.
    pub fn answer(
        &mut self,
        from: Option<Link>,
        answer: Signed<Answer>,
        now_ms: u64,
    ) -> Result<Passed<Signed<Answer>>, AnswerStopped> {
        let body = &answer.body;
        if body.version != 1 {
            return Err(AnswerStopped::Version(body.version));
        }
        if body.network != self.config.network {
            return Err(AnswerStopped::Network);
        }
        let over = self.is_over(&body.claim);
        let Some(quoted) = self.quotes.get_mut(&body.fulfil) else {
            return Err(if over {
                AnswerStopped::QuoteOver
            } else {
                AnswerStopped::Unsolicited
            });
        };
        came_from(&self.neighbours, from, quoted.toward_provider)?;
        if quoted.claim != body.claim {
            return Err(AnswerStopped::OtherClaim);
        }
        if quoted.until_ms < now_ms {
            return Err(AnswerStopped::QuoteOver);
        }
        if quoted.select.is_none() {
            return Err(AnswerStopped::Unsolicited);
        }
        if quoted.answers >= MAX_REPEATS {
            return Err(AnswerStopped::Repeated(quoted.answers));
        }
        let digest = tagged_hash("kofo/answer-envelope/v1", &[&encode(&answer)]);
        if quoted.answer != Some(digest) {
            quoted.key.verify(&body.digest(), &answer.signature)?;
        }
        let passed = toward(&self.neighbours, quoted.toward_claimant, answer);
        let passed = passed.ok_or(AnswerStopped::Gone)?;
        quoted.answer = Some(digest);
        quoted.answers = quoted.answers.saturating_add(1);
        Ok(passed)
    }

    /// Whether the claim was here, but it or what came of it is forgotten.
    fn is_over(&self, claim: &ClaimId) -> bool {
        let forgotten = self.claims.get(claim).is_none_or(|held| held.reissued);
        forgotten && self.memory.saw(claim)
    }
}
