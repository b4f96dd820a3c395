//! No offer twice, no hashlock twice.
//!
//! A second swap under a hashlock whose preimage was shown once is a gift to whoever watched: they redeem our lock and
//! never make theirs. So every hashlock that we offer or accept is kept for ever, and with it the offer it came in. This
//! is bounded by refusing when full, not by forgetting.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Digest, Hashlock, Offer};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read};

/// So many hashlocks are kept, about 64 MB: one swap a minute for two years.
pub const MAX_SEEN: usize = 1 << 20;

/// Every hashlock that was used, and the id of the offer that used it. The same offers in any order give the same
/// value and the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize)]
pub struct Seen(BTreeMap<Hashlock, Digest>);

/// Why an offer may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reused {
    /// This very offer was used before.
    #[error("this offer was used before: an offer is good for one swap; ask its maker for a new one")]
    Offer {
        /// Its id.
        id: Digest,
    },
    /// Another offer has used the hashlock: its preimage may be known.
    #[error(
        "the hashlock {hashlock} was used by another offer, its preimage may be known: do not swap under it"
    )]
    Hashlock {
        /// The hashlock.
        hashlock: Hashlock,
        /// The offer that used it.
        by: Digest,
    },
    /// No room to remember one more.
    #[error("{MAX_SEEN} hashlocks are kept and none may be forgotten: start a node with a new seed")]
    Full,
}

impl Seen {
    /// Whether the offer is fresh; changes nothing.
    pub fn check(&self, offer: &Offer) -> Result<(), Reused> {
        self.check_hashlock(offer.hashlock, offer.id())
    }

    /// The same of what an order came of (an offer or a fulfil, by its id) and its hashlock.
    pub fn check_hashlock(&self, hashlock: Hashlock, id: Digest) -> Result<(), Reused> {
        match self.0.get(&hashlock) {
            Some(by) if *by == id => Err(Reused::Offer { id }),
            Some(by) => Err(Reused::Hashlock { hashlock, by: *by }),
            None if self.0.len() >= MAX_SEEN => Err(Reused::Full),
            None => Ok(()),
        }
    }

    /// Uses the offer: once, and then neither it nor another of its hashlock ever again. Call it for our own offers
    /// when they are made and for others' when they are accepted, and make it durable before anything leaves.
    pub fn admit(&mut self, offer: &Offer) -> Result<(), Reused> {
        self.admit_hashlock(offer.hashlock, offer.id())
    }

    /// The same for what an order came of, by its id.
    pub fn admit_hashlock(&mut self, hashlock: Hashlock, id: Digest) -> Result<(), Reused> {
        self.check_hashlock(hashlock, id)?;
        self.0.insert(hashlock, id);
        Ok(())
    }

    /// How many hashlocks are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl BorshDeserialize for Seen {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let kept = BTreeMap::deserialize_reader(reader)?;
        if kept.len() > MAX_SEEN {
            return Err(Error::new(ErrorKind::InvalidData, Reused::Full));
        }
        Ok(Self(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::offer;
    use kofo_primitives::{SwapNonce, UnixTime, decode, encode};
    use proptest::prelude::*;

    fn with(hashlock: u8, nonce: u8) -> Offer {
        Offer {
            hashlock: Hashlock::new([hashlock; 32]),
            nonce: SwapNonce::new([nonce; 32]),
            ..offer()
        }
    }

    #[test]
    fn an_offer_is_used_once() {
        let mut seen = Seen::default();
        assert_eq!(seen.admit(&offer()), Ok(()));
        let id = offer().id();
        assert_eq!(seen.admit(&offer()), Err(Reused::Offer { id }));
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn a_hashlock_is_never_used_by_a_second_offer() {
        let mut seen = Seen::default();
        seen.admit(&offer()).unwrap();
        let later = Offer {
            expires: UnixTime(2_000),
            ..offer()
        };
        let refusal = Reused::Hashlock {
            hashlock: offer().hashlock,
            by: offer().id(),
        };
        assert_eq!(seen.admit(&later), Err(refusal));
        // The refusal kept nothing of the second: the first is still the one that is named.
        assert!(matches!(seen.admit(&offer()), Err(Reused::Offer { .. })));
    }

    #[test]
    fn looking_uses_nothing() {
        let seen = Seen::default();
        assert_eq!((seen.check(&offer()), seen.is_empty()), (Ok(()), true));
    }

    #[test]
    fn when_no_more_can_be_kept_new_offers_are_refused_and_old_ones_not_forgotten() {
        let number = |n: u32| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            bytes
        };
        let many = (0..u32::try_from(MAX_SEEN).unwrap()).map(|n| (Hashlock::new(number(n)), number(n)));
        let mut full = Seen(many.collect());
        assert_eq!(full.admit(&offer()), Err(Reused::Full));
        let old = Offer {
            hashlock: Hashlock::new(number(0)),
            ..offer()
        };
        assert!(matches!(full.admit(&old), Err(Reused::Hashlock { .. })));
        full.0.insert(offer().hashlock, offer().id());
        assert!(borsh::from_slice::<Seen>(&encode(&full)).is_err());
    }

    #[test]
    fn a_state_out_of_order_or_with_a_hashlock_twice_does_not_decode() {
        let entry = |n: u8| (Hashlock::new([n; 32]), [n; 32]);
        for wrong in [vec![entry(2), entry(1)], vec![entry(1), entry(1)]] {
            assert!(decode::<Seen>(&encode(&wrong)).is_err());
        }
        assert!(decode::<Seen>(&encode(&vec![entry(1), entry(2)])).is_ok());
    }

    proptest! {
        #[test]
        fn of_any_sequence_each_hashlock_is_admitted_exactly_once(tries in prop::collection::vec((0u8..8, 0u8..4), 0..60)) {
            let mut seen = Seen::default();
            let mut used = std::collections::BTreeSet::new();
            for (hashlock, nonce) in tries {
                prop_assert_eq!(seen.admit(&with(hashlock, nonce)).is_ok(), used.insert(hashlock));
                // A restart changes nothing.
                seen = decode(&encode(&seen)).unwrap();
            }
            prop_assert_eq!(seen.len(), used.len());
        }
    }
}
