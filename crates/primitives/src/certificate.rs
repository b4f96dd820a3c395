//! Proof that more than two thirds of the validators' power signed a header.

use crate::asset::NetworkId;
use crate::hash::Digest;
use crate::validator::{ValidatorKey, ValidatorSet, Vote, VoteKind, VoteSignature, VoteSignatureError};
use borsh::{BorshDeserialize, BorshSerialize};

/// The precommits for one header, in the order of the set's members. There are several certificates of one header: none
/// is part of what it certifies.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    /// The height.
    pub height: u64,
    /// In which round it was decided.
    pub round: u32,
    /// The header's id.
    pub header: Digest,
    /// Bit `i`: member `i` of the set signed.
    pub signers: u32,
    /// The signatures, one for each bit set, from the lowest.
    pub signatures: Vec<VoteSignature>,
}

/// Why a certificate certifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a signature for each signer.
    #[error("the certificate has {signatures} signatures of {signers} signers")]
    Count {
        /// Bits set.
        signers: u32,
        /// Signatures.
        signatures: usize,
    },
    /// A signer that the set does not have.
    #[error("the certificate is signed by somebody who is no validator of epoch {epoch}")]
    Stranger {
        /// Of the set.
        epoch: u64,
    },
    /// Too few.
    #[error("the certificate has power {have} of {total}, expected at least {need}")]
    Power {
        /// What signed.
        have: u64,
        /// The least that is more than two thirds.
        need: u64,
        /// All.
        total: u64,
    },
    /// A signature is none.
    #[error(transparent)]
    Signature(#[from] VoteSignatureError),
}

impl Certificate {
    /// Gathers precommits for a header, in whatever order they come; one of a validator twice counts once. Checks
    /// nothing but that they are of the set: see [`Certificate::verify`].
    pub fn new(
        (height, round, header): (u64, u32, Digest),
        set: &ValidatorSet,
        precommits: &[(ValidatorKey, VoteSignature)],
    ) -> Result<Self, CertificateError> {
        let stranger = CertificateError::Stranger { epoch: set.epoch() };
        if precommits.iter().any(|(key, _)| set.find(key).is_none()) {
            return Err(stranger);
        }
        let (mut signers, mut signatures) = (0u32, Vec::with_capacity(precommits.len()));
        for (bit, member) in bits().zip(set.members()) {
            if let Some((_, signature)) = precommits.iter().find(|(key, _)| *key == member.key) {
                signers |= bit;
                signatures.push(*signature);
            }
        }
        Ok(Self {
            height,
            round,
            header,
            signers,
            signatures,
        })
    }

    /// Whether more than two thirds of the set's power signed. Every signature in it is checked.
    pub fn verify(&self, network: &NetworkId, set: &ValidatorSet) -> Result<(), CertificateError> {
        let mut signatures = self.signatures.iter();
        let mut have = 0u64;
        let digest = self.vote().digest(network);
        if self.signers.count_ones() as usize != self.signatures.len() {
            return Err(CertificateError::Count {
                signers: self.signers.count_ones(),
                signatures: self.signatures.len(),
            });
        }
        let mut left = self.signers;
        for (bit, member) in bits().zip(set.members()) {
            if self.signers & bit == 0 {
                continue;
            }
            left &= !bit;
            let signature = signatures.next().expect("as many as bits: checked above");
            member.key.verify(&digest, signature)?;
            have = have.saturating_add(member.power);
        }
        if left != 0 {
            return Err(CertificateError::Stranger { epoch: set.epoch() });
        }
        let (need, total) = (set.quorum(), set.total());
        if have < need {
            return Err(CertificateError::Power { have, need, total });
        }
        Ok(())
    }

    /// What each signer signed.
    #[must_use]
    pub const fn vote(&self) -> Vote {
        Vote {
            kind: VoteKind::Precommit,
            height: self.height,
            round: self.round,
            header: Some(self.header),
        }
    }

    /// Whether the member at that place of the set signed.
    #[must_use]
    pub fn signed(&self, member: usize) -> bool {
        bits().nth(member).is_some_and(|bit| self.signers & bit != 0)
    }
}

fn bits() -> impl Iterator<Item = u32> {
    (0..u32::BITS).map(|place| 1u32.wrapping_shl(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node_id::NodeId;
    use crate::validator::{Validator, ValidatorSecret};

    fn secret(n: u8) -> ValidatorSecret {
        ValidatorSecret::new(&[n; 32]).unwrap()
    }

    fn set(count: u8) -> ValidatorSet {
        let member = |n| Validator {
            key: secret(n).key(),
            account: NodeId::new([n; 32]),
            power: 10,
        };
        ValidatorSet::new(1, (1..=count).map(member).collect()).unwrap()
    }

    fn network() -> NetworkId {
        NetworkId::new("kofo-test").unwrap()
    }

    fn certificate(of: &ValidatorSet, signers: impl Iterator<Item = u8>) -> Certificate {
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: 9,
            round: 2,
            header: Some([7; 32]),
        };
        let digest = vote.digest(&network());
        let votes: Vec<_> = signers
            .map(|n| (secret(n).key(), secret(n).sign(&digest)))
            .collect();
        Certificate::new((9, 2, [7; 32]), of, &votes).unwrap()
    }

    #[test]
    fn three_of_four_are_enough_and_two_are_not() {
        let set = set(4);
        assert_eq!(certificate(&set, 1..=3).verify(&network(), &set), Ok(()));
        assert_eq!(
            certificate(&set, [4, 2, 1].into_iter()).verify(&network(), &set),
            Ok(())
        );
        let (have, need, total) = (20, 27, 40);
        assert_eq!(
            certificate(&set, 1..=2).verify(&network(), &set),
            Err(CertificateError::Power { have, need, total })
        );
    }

    #[test]
    fn seventeen_of_twenty_five_are_enough_and_sixteen_are_not() {
        let set = set(25);
        assert_eq!(certificate(&set, 1..=17).verify(&network(), &set), Ok(()));
        assert!(certificate(&set, 1..=16).verify(&network(), &set).is_err());
    }

    #[test]
    fn no_bit_of_a_certificate_can_be_flipped() {
        let set = set(4);
        let bytes = crate::encode(&certificate(&set, 1..=3));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = crate::decode::<Certificate>(&flipped);
            assert!(
                read.is_err() || read.unwrap().verify(&network(), &set).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn it_is_of_one_network_and_of_one_set() {
        let set = set(4);
        let certificate = certificate(&set, 1..=4);
        let other = NetworkId::new("kofo-other").unwrap();
        assert!(certificate.verify(&other, &set).is_err());
        assert!(certificate.verify(&network(), &super::tests::set(25)).is_err());
        assert!(certificate.verify(&network(), &super::tests::set(3)).is_err());
        assert_eq!(
            Certificate::new(
                (9, 2, [7; 32]),
                &set,
                &[(secret(9).key(), certificate.signatures[0])]
            ),
            Err(CertificateError::Stranger { epoch: 1 })
        );
    }
}
