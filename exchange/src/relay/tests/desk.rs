//! One relay with some neighbours, and claims as each of them may send them.

use super::world::*;
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The relay's own number; its neighbours are 1, 2, 3 …, each on the link of that number.
const US: u64 = 0;

pub(super) struct Desk {
    pub(super) relay: Relay,
}

/// The hop with that index on a made-up path.
pub(super) fn hop(index: usize) -> NodeKey {
    key("hop", &[index as u64])
}

/// The key of neighbour `n` as a hop of that claim, toward us.
pub(super) fn neighbour_key(n: u64, claim: &ClaimId) -> NodeKey {
    link_key(n, US, 1).hop_key(claim).unwrap()
}

/// Our pseudonym for that claim on the link to neighbour `n`.
pub(super) fn us(n: u64, claim: &ClaimId) -> NodeId {
    link_key(US, n, 1).hop_key(claim).unwrap().id()
}

/// A path of so many entries that ends at `end`; `keys` sign them, after the claimant.
pub(super) fn path(claim: &Claim, keys: &[&NodeKey], end: NodeId) -> Vec<HopEntry> {
    let (id, claimant) = (claim.id(), claim_key_of(claim));
    let mut signers = vec![&claimant];
    signers.extend(keys);
    let mut previous = *id.as_bytes();
    let mut entries = Vec::new();
    for (at, signer) in signers.iter().enumerate() {
        let next = signers.get(at + 1).map_or(end, |next| next.id());
        let index = u8::try_from(at).unwrap();
        let entry = HopEntry::sign(&id, (index, previous), signer, next, (None, None));
        previous = entry.digest();
        entries.push(entry);
    }
    entries
}

/// The key of one of the first thousand claims.
fn claim_key_of(claim: &Claim) -> NodeKey {
    static NUMBERS: OnceLock<BTreeMap<NodeId, u64>> = OnceLock::new();
    let numbers = NUMBERS.get_or_init(|| (0..1_000).map(|n| (claim_key(n).id(), n)).collect());
    claim_key(numbers[&claim.key])
}

/// Claim `n` as neighbour `from` sends it, over so many hops before it.
pub(super) fn envelope(n: u64, hops: usize, from: u64) -> ClaimEnvelope {
    envelope_of(claim(n), hops, from)
}

pub(super) fn envelope_of(claim: Claim, hops: usize, from: u64) -> ClaimEnvelope {
    let id = claim.id();
    let mut keys: Vec<_> = (0..hops).map(|index| key("hop", &[index as u64, from])).collect();
    keys.push(neighbour_key(from, &id));
    let path = path(&claim, &keys.iter().collect::<Vec<_>>(), us(from, &id));
    let key = claim_key_of(&claim);
    ClaimEnvelope {
        claim: claim.sign(&key),
        path,
    }
}

impl Desk {
    /// With relays 1 … `relays` as neighbours.
    pub(super) fn new(relays: u64) -> Self {
        Self::with(config(1), relays)
    }

    pub(super) fn with(config: RelayConfig, relays: u64) -> Self {
        let mut desk = Self {
            relay: Relay::new(config),
        };
        for n in 1..=relays {
            desk.link(n, n, LinkRole::Relay);
        }
        desk
    }

    /// Neighbour `n` on that link.
    pub(super) fn link(&mut self, link: u64, n: u64, role: LinkRole) {
        let (ours, theirs) = (link_key(US, n, 1), link_key(n, US, 1).base());
        self.relay.link(Link(link), role, ours, theirs);
    }

    pub(super) fn claim(&mut self, from: u64, envelope: ClaimEnvelope) -> Result<Taken, ClaimRefused> {
        self.relay.claim(Link(from), envelope, NOW)
    }

    /// What is wrong with it and who is blamed for what; nothing changes in the relay.
    pub(super) fn refused(&mut self, from: u64, envelope: ClaimEnvelope) -> (ClaimRefused, Option<Blame>) {
        let before = (self.relay.dump(), self.relay.statistics());
        let why = self.claim(from, envelope).unwrap_err();
        assert_eq!((self.relay.dump(), self.relay.statistics()), before);
        let blame = why.blame();
        (why, blame)
    }
}
