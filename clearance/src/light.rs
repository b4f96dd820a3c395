//! What a wallet needs of the clearance layer: headers, certificates, and that its order is under one of them.
//!
//! A [`Light`] knows the validators of the genesis, follows each change of them that the validators before certified, and
//! verifies what anybody shows it. It needs no engine, no network and no ledger.
//!
//! It trusts a set for [`TRUST_MS`] after the last header it saw, which is less than stake stays bound: whoever could
//! forge an older history has nothing to lose any more. Older than that, it must be told a newer beginning by people.

use crate::merkle::MerkleProof;
use crate::op::order_leaf;
use crate::receipt::Receipt;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Certificate, CertificateError, Digest, Header, NetworkId, SwapId, ValidatorSet};

/// A set is trusted so long after the last header seen (ms): 14 days.
pub const TRUST_MS: u64 = 14 * 24 * 3_600_000;
/// So many sets are remembered; what older ones certified cannot be checked any more.
pub const MAX_SETS: usize = 512;

/// A header by which one set handed over to the next.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SetChange {
    /// The last header of the set before.
    pub header: Header,
    /// Signed by it.
    pub certificate: Certificate,
    /// Who certifies from the next height on.
    pub next: ValidatorSet,
}

/// That an order is in a certified batch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderProof {
    /// The batch's header.
    pub header: Header,
    /// Of it.
    pub certificate: Certificate,
    /// The hash of what only validators see of the order.
    pub hidden: Digest,
    /// The order's place in the batch.
    pub path: MerkleProof,
}

/// That an order ended.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptProof {
    /// The header that has the receipt.
    pub header: Header,
    /// Of it.
    pub certificate: Certificate,
    /// How it ended.
    pub receipt: Receipt,
    /// The receipt's place.
    pub path: MerkleProof,
}

/// An order that is final. Only a verified proof makes one: without it nothing of a cleared order is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certified {
    order: SwapId,
    height: u64,
    epoch: u64,
    time_ms: u64,
}

impl Certified {
    /// Which order.
    #[must_use]
    pub const fn order(&self) -> SwapId {
        self.order
    }

    /// At which height.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// By the validators of which epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Time of the header (unix ms): the order's deadlines count from here.
    #[must_use]
    pub const fn time_ms(&self) -> u64 {
        self.time_ms
    }
}

/// Why a light node does not believe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LightError {
    /// Of another network.
    #[error("the header is of network {have}, expected {want}")]
    Network {
        /// Its network.
        have: NetworkId,
        /// Ours.
        want: NetworkId,
    },
    /// The certificate is of another header.
    #[error("the certificate is of another header")]
    OtherHeader,
    /// Not certified by the set of its height.
    #[error("height {height} is not of the validators that certified it: expected those of its own epoch")]
    WrongEpoch {
        /// The header's height.
        height: u64,
    },
    /// Of validators that are not known: changes are missing.
    #[error("the validators of height {height} are not known here: fetch the changes after epoch {known}")]
    UnknownSet {
        /// The header's height.
        height: u64,
        /// The newest epoch known.
        known: u64,
    },
    /// The next set is another than the header names.
    #[error("the next validators are others than the header names")]
    OtherSet,
    /// Not certified.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Not under the header.
    #[error("{0} is not under that header")]
    NotIncluded(&'static str),
    /// Too long without news.
    #[error(
        "nothing certified was seen for {days} days, and validators may have left with their stake since: \
         get a newer genesis or checkpoint from people you trust"
    )]
    Stale {
        /// For so long.
        days: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Known {
    set: ValidatorSet,
    from: u64,
}

/// What a light node knows. Its bytes may be kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Light {
    network: NetworkId,
    /// Never empty, oldest first.
    sets: Vec<Known>,
    seen_ms: u64,
}

impl Light {
    /// Begins with the validators of a genesis of that time.
    #[must_use]
    pub fn new(network: NetworkId, set: ValidatorSet, time_ms: u64) -> Self {
        Self {
            network,
            sets: vec![Known { set, from: 1 }],
            seen_ms: time_ms,
        }
    }

    fn newest(&self) -> &Known {
        self.sets.last().expect("there is always a set")
    }

    /// The newest epoch whose validators are known.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.newest().set.epoch()
    }

    /// The newest validators.
    #[must_use]
    pub fn validators(&self) -> &ValidatorSet {
        &self.newest().set
    }

    /// Follows one change of the validators. One that is known already changes nothing.
    pub fn advance(&mut self, change: &SetChange, now_ms: u64) -> Result<(), LightError> {
        let known = |old: &Known| old.set == change.next;
        if self.sets.iter().any(known) {
            return Ok(());
        }
        self.header(&change.header, &change.certificate, now_ms)?;
        if change.header.validators != self.newest().set.digest() {
            let height = change.header.height;
            return Err(LightError::WrongEpoch { height });
        }
        let grows = change.next.epoch() > self.epoch();
        if change.header.next_validators != change.next.digest() || !grows {
            return Err(LightError::OtherSet);
        }
        let from = change.header.height.saturating_add(1);
        if self.sets.len() >= MAX_SETS {
            self.sets.remove(0);
        }
        self.sets.push(Known {
            set: change.next.clone(),
            from,
        });
        Ok(())
    }

    /// Verifies a header; by which epoch's validators it was certified.
    pub fn header(
        &mut self,
        header: &Header,
        certificate: &Certificate,
        now_ms: u64,
    ) -> Result<u64, LightError> {
        let age = now_ms.saturating_sub(self.seen_ms);
        if age > TRUST_MS {
            let days = age / (24 * 3_600_000);
            return Err(LightError::Stale { days });
        }
        if header.network != self.network {
            let (have, want) = (header.network.clone(), self.network.clone());
            return Err(LightError::Network { have, want });
        }
        if certificate.header != header.id() || certificate.height != header.height {
            return Err(LightError::OtherHeader);
        }
        let height = header.height;
        let found = self
            .sets
            .iter()
            .position(|known| known.set.digest() == header.validators);
        let known = self.epoch();
        let at = found.ok_or(LightError::UnknownSet { height, known })?;
        let until = self.sets.get(at.saturating_add(1)).map(|next| next.from);
        let of = self
            .sets
            .get(at)
            .ok_or(LightError::UnknownSet { height, known })?;
        if height < of.from || until.is_some_and(|until| height >= until) {
            return Err(LightError::WrongEpoch { height });
        }
        certificate.verify(&self.network, &of.set)?;
        let epoch = of.set.epoch();
        self.seen_ms = self.seen_ms.max(header.time_ms.min(now_ms));
        Ok(epoch)
    }

    /// Verifies that an order is final.
    pub fn order(&mut self, order: SwapId, proof: &OrderProof, now_ms: u64) -> Result<Certified, LightError> {
        let epoch = self.header(&proof.header, &proof.certificate, now_ms)?;
        let leaf = order_leaf(order, &proof.hidden);
        if proof.path.root(&leaf) != Some(proof.header.batch) {
            return Err(LightError::NotIncluded("the order"));
        }
        Ok(Certified {
            order,
            height: proof.header.height,
            epoch,
            time_ms: proof.header.time_ms,
        })
    }

    /// Verifies how an order ended.
    pub fn receipt(
        &mut self,
        order: SwapId,
        proof: &ReceiptProof,
        now_ms: u64,
    ) -> Result<Receipt, LightError> {
        self.header(&proof.header, &proof.certificate, now_ms)?;
        let included = proof.path.root(&proof.receipt.leaf()) == Some(proof.header.receipts);
        if proof.receipt.order != order || !included {
            return Err(LightError::NotIncluded("the receipt"));
        }
        Ok(proof.receipt)
    }
}
