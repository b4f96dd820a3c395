//! What a wallet needs of the clearance layer: headers, certificates, and that its order is under one of them.
//!
//! A [`Light`] knows the validators of the genesis, follows each change of them that the validators before certified, and
//! verifies what anybody shows it. It needs no engine, no network and no ledger.
//!
//! It trusts a set for [`TRUST_MS`] after the last header it saw, which is less than stake stays bound: whoever could
//! forge an older history has nothing to lose any more. Older than that, it must be told a newer beginning by people. For
//! the same reason a set certifies only times at which it was the set, and an order that was certified longer ago makes
//! nobody lock.

use crate::merkle::MerkleProof;
use crate::op::order_leaf;
use crate::receipt::Receipt;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Certificate, CertificateError, CodecError, Digest, Header, NetworkId, SwapId, ValidatorSet, encode,
};

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
    /// Not of a time at which that set certified.
    #[error("the header is of {have} ms, and its validators certified from {from} to {until} ms")]
    WrongTime {
        /// The header's time.
        have: u64,
        /// When the set began.
        from: u64,
        /// When it ended; the last of all times if it has not.
        until: u64,
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
    /// Certified by validators that may have nothing at stake any more.
    #[error("the order was certified {days} days ago, expected less than 14: nobody is to lock for it")]
    Old {
        /// So long ago.
        days: u64,
    },
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
    /// The first height that it certifies.
    from: u64,
    /// Time of the header before that.
    after_ms: u64,
}

/// What a light node knows.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Light {
    network: NetworkId,
    /// Never empty, oldest first.
    sets: Vec<Known>,
    seen_ms: u64,
}

const DAY_MS: u64 = 24 * 3_600_000;

impl Light {
    /// Its bytes, to be kept over a restart: those of its owner's disk, never a stranger's.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Light::write`] gave.
    pub fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        let malformed = |why: String| CodecError::Malformed {
            what: "state of a light node",
            why,
        };
        let (network, sets, seen_ms) =
            <(NetworkId, Vec<Known>, u64)>::try_from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        let grows = |(old, new): (&Known, &Known)| {
            old.set.epoch() < new.set.epoch() && old.from < new.from && old.after_ms < new.after_ms
        };
        let ordered = sets.iter().zip(sets.iter().skip(1)).all(grows);
        if sets.is_empty() || sets.len() > MAX_SETS || !ordered {
            return Err(malformed("its sets do not follow each other".into()));
        }
        let light = Self {
            network,
            sets,
            seen_ms,
        };
        if light.write() != bytes {
            return Err(malformed("not its canonical encoding".into()));
        }
        Ok(light)
    }

    /// Begins with the validators of a genesis of that time.
    #[must_use]
    pub fn new(network: NetworkId, set: ValidatorSet, time_ms: u64) -> Self {
        Self {
            network,
            sets: vec![Known {
                set,
                from: 1,
                after_ms: time_ms,
            }],
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
            after_ms: change.header.time_ms,
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
            let days = age / DAY_MS;
            return Err(LightError::Stale { days });
        }
        if header.network != self.network {
            let (have, want) = (header.network.clone(), self.network.clone());
            return Err(LightError::Network { have, want });
        }
        if certificate.header != header.id() || certificate.height != header.height {
            return Err(LightError::OtherHeader);
        }
        let set = self.set_of(header)?;
        certificate.verify(&self.network, set)?;
        let epoch = set.epoch();
        self.seen_ms = self.seen_ms.max(header.time_ms.min(now_ms));
        Ok(epoch)
    }

    /// The set that may certify the header: it names it, and its height and time are that set's.
    fn set_of(&self, header: &Header) -> Result<&ValidatorSet, LightError> {
        let height = header.height;
        let after = self.sets.partition_point(|known| known.from <= height);
        let of = after.checked_sub(1).and_then(|at| self.sets.get(at));
        let Some(of) = of.filter(|known| known.set.digest() == header.validators) else {
            let mut named = self.sets.iter().map(|known| known.set.digest());
            if named.any(|digest| digest == header.validators) {
                return Err(LightError::WrongEpoch { height });
            }
            let known = self.epoch();
            return Err(LightError::UnknownSet { height, known });
        };
        let until = self.sets.get(after).map_or(u64::MAX, |next| next.after_ms);
        let (have, from) = (header.time_ms, of.after_ms);
        if have <= from || have > until {
            return Err(LightError::WrongTime { have, from, until });
        }
        Ok(&of.set)
    }

    /// Verifies that an order is final, and not for so long that its validators may have nothing at stake any more.
    pub fn order(&mut self, order: SwapId, proof: &OrderProof, now_ms: u64) -> Result<Certified, LightError> {
        let epoch = self.header(&proof.header, &proof.certificate, now_ms)?;
        let age = now_ms.saturating_sub(proof.header.time_ms);
        if age > TRUST_MS {
            let days = age / DAY_MS;
            return Err(LightError::Old { days });
        }
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

#[cfg(test)]
mod tests;
