//! A request for the other party's signature on legs of our swaps with it.

use crate::driver::Ask;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{MOST_TOGETHER, RoundRequest};
use kofo_primitives::{
    Digest, LegId, NodeId, NodeKey, Preimage, Signature, SignatureError, SwapId, Together, encode,
    tagged_hash,
};

/// One leg for which a signature is asked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LegAsked {
    /// The swap.
    pub swap: SwapId,
    /// The leg.
    pub leg: LegId,
    /// For a redeem: the preimage. By sending it we show it.
    pub preimage: Option<Preimage>,
}

/// Asks the other party to sign what takes these legs for us: all on one chain, all with the same other party.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignRequest {
    /// What we would do.
    pub what: Together,
    /// The legs: 1 to 32.
    pub legs: Vec<LegAsked>,
    /// What the chain's adapter asks.
    pub round: RoundRequest,
    /// Who asks: a party to each of the swaps.
    pub by: NodeId,
    signature: Signature,
}

/// Why a request for a signature is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignRequestError {
    /// Too many or none.
    #[error("expected 1 to {MOST_TOGETHER} legs, got {0}")]
    Legs(usize),
    /// Not signed by who says to ask.
    #[error("the request is not signed by the party that it names: {0}")]
    Signature(#[from] SignatureError),
}

impl SignRequest {
    /// A request, signed.
    #[must_use]
    pub fn new(what: Together, legs: Vec<LegAsked>, round: RoundRequest, key: &NodeKey) -> Self {
        let by = key.id();
        let signature = key.sign(&digest(what, &legs, &round, &by));
        Self {
            what,
            legs,
            round,
            by,
            signature,
        }
    }

    /// Whether it is right by itself.
    pub fn check(&self) -> Result<(), SignRequestError> {
        if !(1..=MOST_TOGETHER).contains(&self.legs.len()) {
            return Err(SignRequestError::Legs(self.legs.len()));
        }
        let digest = digest(self.what, &self.legs, &self.round, &self.by);
        Ok(self.by.verify(&digest, &self.signature)?)
    }

    /// What is asked, leg by leg.
    pub fn asks(&self) -> impl Iterator<Item = (Ask, Option<Preimage>)> {
        let what = self.what;
        self.legs.iter().map(move |asked| {
            let LegAsked { swap, leg, preimage } = asked.clone();
            (Ask { swap, leg, what }, preimage)
        })
    }
}

fn digest(what: Together, legs: &Vec<LegAsked>, round: &RoundRequest, by: &NodeId) -> Digest {
    tagged_hash(
        "kofo/sign/v1",
        &[&encode(&what), &encode(legs), &encode(round), &encode(by)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_primitives::{Bytes, Side, decode};

    fn request(key: &NodeKey) -> SignRequest {
        let leg = LegAsked {
            swap: SwapId::new([7; 32]),
            leg: LegId::first(Side::Beta),
            preimage: Some(Preimage::new([8; 32])),
        };
        SignRequest::new(Together::Redeem, vec![leg], Bytes::new([1, 2]).unwrap(), key)
    }

    #[test]
    fn a_request_is_right_only_as_its_sender_signed_it() {
        let (key, other) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
        let sent: SignRequest = decode(&encode(&request(&key))).unwrap();
        assert_eq!(sent.check(), Ok(()));
        let mut changes = [sent.clone(), sent.clone(), sent.clone(), sent.clone()];
        changes[0].what = Together::Refund;
        changes[1].by = other.id();
        changes[2].legs[0].swap = SwapId::new([9; 32]);
        changes[3].round = Bytes::new([1, 3]).unwrap();
        for changed in changes {
            assert!(matches!(changed.check(), Err(SignRequestError::Signature(_))));
        }
    }

    #[test]
    fn the_bytes_of_a_request_for_a_signature_are_pinned() {
        let key = NodeKey::new(&[1; 32]).unwrap();
        let bytes = crate::direct::Request::Sign(Box::new(request(&key))).write();
        let by = hex::encode(encode(&key.id()));
        let body = [
            "01",
            "00",
            "01000000",
            &"07".repeat(32),
            "0100",
            "01",
            &"08".repeat(32),
            "02000000",
            "0102",
            &by,
        ];
        let signature = "d8031cd6b357763eb44202791d19b6283fd80262c05168233b32f80a544e1624\
                         67a1b9fae7ffc388c17730d2cf9b2a6c52970632de366f3be891f2322946eb4d";
        assert_eq!(hex::encode(bytes), body.concat() + signature);
    }

    #[test]
    fn a_request_has_one_leg_at_least_and_32_at_most() {
        let key = NodeKey::new(&[1; 32]).unwrap();
        let leg = request(&key).legs[0].clone();
        for legs in [0, 33] {
            let request = SignRequest::new(
                Together::Redeem,
                vec![leg.clone(); legs],
                Bytes::new([]).unwrap(),
                &key,
            );
            assert_eq!(request.check(), Err(SignRequestError::Legs(legs)));
        }
    }

    #[test]
    fn a_request_shows_no_preimage_in_a_log() {
        let key = NodeKey::new(&[1; 32]).unwrap();
        let shown = format!("{:?}", request(&key));
        assert!(
            !shown.contains(&hex::encode([8; 32])) && !shown.contains("8, 8, 8"),
            "{shown}"
        );
    }
}
