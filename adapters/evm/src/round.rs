//! What both parties do together: the redeemer of a leg signs its release, and the refunder takes the asset back before
//! the timelock. A redeem gains nothing by a second signature here.

use crate::build::today;
use crate::config::{EvmConfig, Profile};
use crate::contract::domain;
use crate::fees::Fee;
use crate::htlc::Htlc;
use crate::keys::WordOn;
use crate::node::NodeError;
use crate::prepared::Form;
use crate::purse::Purse;
use crate::word::{Word, release_digest};
use alloy::primitives::{Address, B256};
use kofo_adapter_api::{AdapterError, MOST_TOGETHER, Round, RoundReply, RoundRequest};
use kofo_primitives::{Bytes, End, HtlcSpec, LegRef, Prepared, Together};
use std::future::ready;

/// Of requests and replies: the first byte of either.
const VERSION: u8 = 1;

type Legs<'a> = &'a [(LegRef, HtlcSpec)];

pub(crate) fn malformed(
    field: &'static str,
    expected: impl std::fmt::Display,
    got: impl std::fmt::Display,
) -> AdapterError {
    AdapterError::Malformed {
        field,
        expected: expected.to_string(),
        got: got.to_string(),
    }
}

impl Htlc {
    /// What the redeemer signs to let this lock go.
    pub(crate) fn release_digest(&self, config: &EvmConfig) -> B256 {
        let domain = domain(self.contract, config.chain_id);
        release_digest(&domain, self.slot(), self.commitment())
    }

    /// The same, as our own keys are asked for it; or, with a wage, for a redeem by that account.
    pub(crate) fn word_on(&self, config: &EvmConfig, wage: Option<([u8; 20], u128)>) -> WordOn {
        WordOn {
            echoin: config.profile == Profile::Echoin,
            chain_id: config.chain_id,
            slot: self.slot().to_be_bytes(),
            commitment: self.commitment().0,
            wage,
        }
    }

    /// Who stands at this end.
    pub(crate) fn party(&self, end: End) -> Address {
        match end {
            End::Redeemer => self.redeemer,
            End::Refunder => self.owner,
        }
    }

    /// That this end of the leg is the account's.
    pub(crate) fn ours(&self, end: End, account: Address) -> Result<(), AdapterError> {
        let field = match end {
            End::Redeemer => "redeemer",
            End::Refunder => "refunder",
        };
        let party = self.party(end);
        if party == account {
            Ok(())
        } else {
            Err(malformed(field, account, party))
        }
    }
}

/// The legs in the contract's words: at this end all are ours, at the other all are of one party.
fn read(purse: &Purse, end: End, legs: Legs<'_>) -> Result<Vec<Htlc>, AdapterError> {
    if legs.is_empty() || legs.len() > MOST_TOGETHER {
        return Err(malformed(
            "legs of a round",
            format!("1 to {MOST_TOGETHER}"),
            legs.len(),
        ));
    }
    let mut found: Vec<Htlc> = Vec::with_capacity(legs.len());
    for (_, spec) in legs {
        if spec.end != end {
            return Err(malformed(
                "our end of the leg",
                format!("{end:?}"),
                format!("{:?}", spec.end),
            ));
        }
        let it = Htlc::new(&purse.config, spec)?;
        // A redeemer to whom we pay gives no word, and nobody can for it.
        if end == End::Redeemer && it.redeemer != purse.owner.address() {
            return Err(AdapterError::Alone(purse.config.chain()));
        }
        it.ours(end, purse.owner.address())?;
        let other = it.party(other_end(end));
        if let Some(first) = found
            .first()
            .map(|first| first.party(other_end(end)))
            .filter(|first| *first != other)
        {
            return Err(malformed("the other party of a round's legs", first, other));
        }
        found.push(it);
    }
    Ok(found)
}

fn other_end(end: End) -> End {
    match end {
        End::Redeemer => End::Refunder,
        End::Refunder => End::Redeemer,
    }
}

fn only_refunds(purse: &Purse, what: Together) -> Result<(), AdapterError> {
    match what {
        Together::Refund => Ok(()),
        Together::Redeem => Err(AdapterError::Alone(purse.config.chain())),
    }
}

/// The releases that are asked for: what is to be signed, and by whom.
struct Asked(Vec<(B256, Address)>);

/// Asks for a release of each leg.
pub(crate) async fn open(purse: &Purse, what: Together, legs: Legs<'_>) -> Result<Round, AdapterError> {
    only_refunds(purse, what)?;
    let asked = Asked::of(purse, legs)?;
    let fee = async {
        let head = purse.node.best().await?;
        today(purse, head.base_fee).await
    };
    let fee = fee.await.map_err(|error: NodeError| purse.node_error(&error))?;
    Ok(Round::new(asked.request(), move |reply| {
        ready(asked.finish(fee, &reply))
    }))
}

impl Asked {
    fn of(purse: &Purse, legs: Legs<'_>) -> Result<Self, AdapterError> {
        let legs = read(purse, End::Refunder, legs)?;
        let asked = |it: &Htlc| (it.release_digest(&purse.config), it.redeemer);
        Ok(Self(legs.iter().map(asked).collect()))
    }

    /// The digests are in it so that parties who disagree about terms find out before anything is signed.
    fn request(&self) -> RoundRequest {
        let digests: Vec<[u8; 32]> = self.0.iter().map(|(digest, _)| digest.0).collect();
        let bytes = borsh::to_vec(&(VERSION, digests)).expect("writing to memory does not fail");
        Bytes::new(bytes).expect("32 digests are 1,029 bytes")
    }

    fn finish(&self, fee: Fee, reply: &RoundReply) -> Result<Vec<Prepared>, AdapterError> {
        let words = words(reply, self.0.len())?;
        let forms = self.0.iter().zip(words).map(|((digest, redeemer), word)| {
            word.check(*digest, *redeemer)?;
            Ok(Form::Release(word, fee).encode())
        });
        forms.collect()
    }
}

fn words(reply: &RoundReply, many: usize) -> Result<Vec<Word>, AdapterError> {
    let expected = || format!("version {VERSION} and {many} signatures of 65 bytes");
    let bytes = reply.as_slice();
    let Ok((VERSION, words)) = borsh::from_slice::<(u8, Vec<Word>)>(bytes) else {
        return Err(malformed(
            "answer of a round",
            expected(),
            format!("{} other bytes", bytes.len()),
        ));
    };
    if words.len() != many {
        return Err(malformed(
            "answer of a round",
            expected(),
            format!("{} signatures", words.len()),
        ));
    }
    Ok(words)
}

/// Signs the release of each leg. The owner of the lock is paid by the contract's own rule: there is nothing else that
/// the signature could allow.
pub(crate) async fn cosign(
    purse: &Purse,
    what: Together,
    legs: Legs<'_>,
    request: &RoundRequest,
) -> Result<RoundReply, AdapterError> {
    only_refunds(purse, what)?;
    let legs = read(purse, End::Redeemer, legs)?;
    let digests: Vec<B256> = legs.iter().map(|it| it.release_digest(&purse.config)).collect();
    let bytes = request.as_slice();
    let Ok((VERSION, asked)) = borsh::from_slice::<(u8, Vec<[u8; 32]>)>(bytes) else {
        let expected = format!("version {VERSION} and digests of 32 bytes");
        return Err(malformed(
            "request of a round",
            expected,
            format!("{} other bytes", bytes.len()),
        ));
    };
    if !asked.iter().eq(digests.iter().map(|digest| &digest.0)) {
        let expected = format!("the digests of our {} legs", digests.len());
        return Err(malformed(
            "request of a round",
            expected,
            "digests of other terms",
        ));
    }
    let mut words = Vec::with_capacity(legs.len());
    for it in &legs {
        let word = Word::by(&purse.owner, it.word_on(&purse.config, None)).await;
        words.push(word.map_err(|error| purse.signer_error(error))?);
    }
    let reply = borsh::to_vec(&(VERSION, words)).expect("writing to memory does not fail");
    Ok(Bytes::new(reply).expect("32 signatures are 2,085 bytes"))
}

#[cfg(test)]
pub(crate) mod tests;
