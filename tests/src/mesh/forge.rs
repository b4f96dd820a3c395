//! Claims made by hand, right and wrong in every way that a flooder may try.

use kofo_exchange::{ClaimEnvelope, ClaimMessage};
use kofo_primitives::{
    Amount, AssetId, Claim, ClaimedAsset, FeeTerms, HopEntry, Limit, LinkBase, Mode, NetworkId, NodeKey,
    Place, Ratio, tagged_hash,
};

/// What a flooder sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flood {
    /// Claims in which nothing is wrong but their number.
    Valid,
    /// Claims that expired an hour ago.
    Expired,
    /// A bit of the claim's signature flipped.
    BrokenSignature,
    /// A path whose only entry names another receiver.
    Grafted,
    /// A byte behind the message.
    NonCanonical,
    /// More bytes than any message may have.
    Oversized,
}

impl Flood {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Valid,
        Self::Expired,
        Self::BrokenSignature,
        Self::Grafted,
        Self::NonCanonical,
        Self::Oversized,
    ];

    /// A message of this kind to the neighbour with that base: claim number `nth`, made at that time (unix ms).
    #[must_use]
    pub fn message(self, network: &NetworkId, (nth, now_ms): (u64, u64), to: &LinkBase) -> Vec<u8> {
        const HOUR_MS: u64 = 3_600_000;
        let made_ms = match self {
            Self::Expired => now_ms - HOUR_MS,
            _ => now_ms,
        };
        let mut envelope = forged(network, (nth, made_ms), to);
        match self {
            Self::BrokenSignature => envelope.claim.signature = envelope.path[0].signature,
            Self::Grafted => {
                let (claim, key) = (envelope.claim.body.id(), key("claim", nth));
                let stranger = self::key("stranger", nth).id();
                envelope.path = vec![HopEntry::sign(
                    &claim,
                    (0, *claim.as_bytes()),
                    &key,
                    stranger,
                    (None, None),
                )];
            }
            Self::Valid | Self::Expired | Self::NonCanonical | Self::Oversized => {}
        }
        let mut bytes = ClaimMessage::Claim(Box::new(envelope)).write();
        match self {
            Self::NonCanonical => bytes.push(0),
            Self::Oversized => bytes.resize(200_000, 7),
            _ => {}
        }
        bytes
    }
}

fn key(of: &str, nth: u64) -> NodeKey {
    NodeKey::new(&tagged_hash(of, &[&nth.to_le_bytes()])).unwrap()
}

/// A claim that is right, as its claimant sends it to the neighbour with that base.
#[must_use]
pub fn forged(network: &NetworkId, (nth, made_ms): (u64, u64), to: &LinkBase) -> ClaimEnvelope {
    let key = key("claim", nth);
    let on = |id| ClaimedAsset {
        asset: AssetId::new(id).unwrap(),
        place: Place::new([]).unwrap(),
        depth: 1,
    };
    let claim = Claim {
        version: 1,
        network: network.clone(),
        mode: Mode::P2P,
        key: key.id(),
        seal_key: self::key("seal", nth).id(),
        nonce: tagged_hash("nonce", &[&nth.to_le_bytes()]),
        give: on("sim:forged/coin:a"),
        want: on("sim:forged/coin:b"),
        give_amount: Amount::new(1_000),
        limit: Limit::Stated(Ratio::new(1, 1).unwrap()),
        partial: None,
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: made_ms,
        expires_ms: made_ms + 600_000,
    };
    let claim = claim.sign(&key);
    let id = claim.body.id();
    let next = to.pseudonym(&id).unwrap();
    let path = vec![HopEntry::sign(&id, (0, *id.as_bytes()), &key, next, (None, None))];
    ClaimEnvelope { claim, path }
}
