//! Operations whose signatures were checked: once per node, whatever happens to them later.

use crate::op::{ClearedOrder, Op, order_leaf};
use kofo_primitives::{
    CodecError, Digest, Mode, NetworkId, SignatureError, SwapId, VoteSignatureError, decode, encode,
};

/// Why bytes are no operation that anybody signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Not one.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// Of another network.
    #[error("the operation is of network {have}, expected {want}")]
    Network {
        /// Its network.
        have: NetworkId,
        /// Ours.
        want: NetworkId,
    },
    /// Of a version that is not known.
    #[error("expected version 1, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Not signed by its account.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Not signed by its validator.
    #[error(transparent)]
    Vote(#[from] VoteSignatureError),
    /// Proves nothing.
    #[error(transparent)]
    DoubleVote(#[from] kofo_primitives::DoubleVoteError),
    /// An order between two alone.
    #[error("an order between two alone is not cleared: it is free and needs nobody")]
    Direct,
    /// An opening that is not what the hop signed.
    #[error("hop {0} of the path did not commit to that payee")]
    Payee(usize),
    /// Another number of openings than of hops.
    #[error("expected an opening or none for each of {want} hops, got {have}")]
    Hops {
        /// Openings.
        have: usize,
        /// Hops.
        want: usize,
    },
    /// The payment is for another order.
    #[error("the payment is for another order")]
    Payment,
    /// Two quotes that do not contradict each other.
    #[error("the two quotes prove nothing: {0}")]
    DoubleQuote(&'static str),
    /// Too much of something.
    #[error("expected at most {most} {what}, got {have}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most.
        most: usize,
        /// What came.
        have: usize,
    },
}

/// An operation that is rightly signed, its bytes and its leaf, and the id of the order if it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedOp {
    op: Op,
    bytes: Vec<u8>,
    leaf: Digest,
    order: Option<SwapId>,
}

impl CheckedOp {
    /// Reads and checks an operation.
    pub fn read(bytes: Vec<u8>, network: &NetworkId) -> Result<Self, CheckError> {
        Self::of(decode(&bytes)?, bytes, network)
    }

    /// Checks an operation.
    pub fn new(op: Op, network: &NetworkId) -> Result<Self, CheckError> {
        let bytes = encode(&op);
        Self::of(op, bytes, network)
    }

    fn of(op: Op, bytes: Vec<u8>, network: &NetworkId) -> Result<Self, CheckError> {
        let order = check(&op, network)?;
        let leaf = if let (Op::Order(cleared), Some(id)) = (&op, order) {
            order_leaf(id, &cleared.hidden())
        } else {
            op.leaf()
        };
        Ok(Self {
            op,
            bytes,
            leaf,
            order,
        })
    }

    /// The operation.
    #[must_use]
    pub const fn op(&self) -> &Op {
        &self.op
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its leaf in a batch.
    #[must_use]
    pub const fn leaf(&self) -> Digest {
        self.leaf
    }

    /// The order that it makes final, if it is one. Its id takes many hashes, so it is asked for here.
    #[must_use]
    pub const fn order(&self) -> Option<SwapId> {
        self.order
    }
}

fn of(have: &NetworkId, want: &NetworkId, version: u8) -> Result<(), CheckError> {
    if version != 1 {
        return Err(CheckError::Version(version));
    }
    if have != want {
        let (have, want) = (have.clone(), want.clone());
        return Err(CheckError::Network { have, want });
    }
    Ok(())
}

/// Which order it makes final, if one.
fn check(op: &Op, network: &NetworkId) -> Result<Option<SwapId>, CheckError> {
    let checked = match op {
        Op::Order(cleared) => return order(cleared, network).map(Some),
        Op::Act(act) => {
            of(&act.body.network, network, act.body.version)?;
            Ok(act.body.account.verify(&act.body.id(), &act.signature)?)
        }
        Op::Observed(seen) => {
            let observation = &seen.observation;
            of(&observation.network, network, observation.version)?;
            Ok(seen.key.verify(&observation.digest(), &seen.signature)?)
        }
        Op::DoubleVote(double) => Ok(double.check(network).map(|_| ())?),
        Op::Complaint(said) => Ok(said
            .key
            .verify(&said.complaint.digest(network), &said.signature)?),
        // Who must have signed an amendment stands in the order; what a proof shows, in the leg.
        Op::Amend(amendment) => of(&amendment.network, network, amendment.version),
        Op::Proven(proven) => match proven.proof.len() {
            have if have > crate::MAX_PROOF_BYTES => Err(CheckError::TooMany {
                what: "bytes of a proof",
                most: crate::MAX_PROOF_BYTES,
                have,
            }),
            _ => Ok(()),
        },
        Op::DoubleQuote(double) => crate::double_quote::check(double, network),
    };
    checked.map(|()| None)
}

/// The order itself was checked when it was made.
fn order(cleared: &ClearedOrder, network: &NetworkId) -> Result<SwapId, CheckError> {
    let parts = cleared.order.parts();
    let id = cleared.order.id();
    of(&parts.claim.body.network, network, parts.claim.body.version)?;
    if parts.claim.body.mode != Mode::Cleared {
        return Err(CheckError::Direct);
    }
    let hops = parts.path.iter().skip(1);
    let (have, want) = (cleared.hops.len(), hops.len());
    if have != want {
        return Err(CheckError::Hops { have, want });
    }
    for (entry, opening) in hops.zip(&cleared.hops) {
        if let Some(opening) = opening
            && entry.payee != Some(opening.commit())
        {
            return Err(CheckError::Payee(entry.index.into()));
        }
    }
    if let Some(payment) = &cleared.payment {
        of(&payment.body.network, network, payment.body.version)?;
        if payment.body.order != id {
            return Err(CheckError::Payment);
        }
        payment
            .body
            .account
            .verify(&payment.body.id(), &payment.signature)?;
    }
    Ok(id)
}
