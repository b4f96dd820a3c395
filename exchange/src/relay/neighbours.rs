//! The neighbours: who is there, by which keys they and we are named, and which of them get a claim.

use crate::relay::held::Held;
use crate::relay::statistics::LinkStatistics;
use crate::relay::{Link, RelayConfig};
use crate::wire::LinkRole;
use kofo_primitives::{ClaimId, LinkBase, LinkKey, NodeId, NodeKey, tagged_hash};
use std::collections::BTreeMap;

/// So many neighbours that left are remembered, in case they come back.
const MAX_GONE: usize = 1_024;

/// A neighbour, over all the links to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Peer(u64);

struct Neighbour {
    /// None: it left.
    link: Option<Link>,
    role: LinkRole,
    ours: LinkKey,
    former: Option<LinkKey>,
    theirs: LinkBase,
    weight: u32,
    meeting: u32,
    /// Copies of claims that it gave us and that are held.
    held: usize,
    /// Claims that it got from us and that are held.
    sent: usize,
    passed: u64,
    quotes: u64,
}

/// Whom a claim goes to.
pub(super) struct Target {
    pub(super) peer: Peer,
    pub(super) link: Link,
    /// Its pseudonym for the claim.
    pub(super) next: NodeId,
}

/// All of them.
#[derive(Default)]
pub(super) struct Neighbours {
    known: BTreeMap<Peer, Neighbour>,
    links: BTreeMap<Link, Peer>,
    next: u64,
}

impl Neighbour {
    fn new(link: Link, role: LinkRole, ours: LinkKey, theirs: LinkBase) -> Self {
        Self {
            link: Some(link),
            role,
            ours,
            former: None,
            theirs,
            weight: 1,
            meeting: 0,
            held: 0,
            sent: 0,
            passed: 0,
            quotes: 0,
        }
    }

    const fn is_needed(&self) -> bool {
        self.held > 0 || self.sent > 0
    }
}

impl Neighbours {
    pub(super) fn link(&mut self, link: Link, role: LinkRole, ours: LinkKey, theirs: LinkBase) {
        let known = self.links.get(&link).copied().or_else(|| {
            let back = |n: &Neighbour| n.link.is_none() && n.ours.base() == ours.base();
            self.known.iter().find(|(_, n)| back(n)).map(|(peer, _)| *peer)
        });
        let Some((peer, neighbour)) = known.and_then(|peer| Some((peer, self.known.get_mut(&peer)?))) else {
            let peer = Peer(self.next);
            self.next = self.next.saturating_add(1);
            self.known.insert(peer, Neighbour::new(link, role, ours, theirs));
            self.links.insert(link, peer);
            return;
        };
        if neighbour.link.is_none() {
            neighbour.meeting = neighbour.meeting.saturating_add(1);
        }
        if neighbour.ours.base() != ours.base() {
            neighbour.former = Some(std::mem::replace(&mut neighbour.ours, ours));
        }
        (neighbour.link, neighbour.role, neighbour.theirs) = (Some(link), role, theirs);
        self.links.insert(link, peer);
    }

    pub(super) fn unlink(&mut self, link: Link) {
        let Some(peer) = self.links.remove(&link) else {
            return;
        };
        if let Some(neighbour) = self.known.get_mut(&peer) {
            neighbour.link = None;
        }
        if self.gone() > MAX_GONE {
            let gone = self.known.iter().filter(|(_, n)| n.link.is_none());
            // First who has no claims here, then who came first.
            let least = gone.min_by_key(|(peer, n)| (n.is_needed(), **peer));
            let least = least.map(|(peer, _)| *peer);
            least.and_then(|peer| self.known.remove(&peer));
        }
    }

    pub(super) fn rate(&mut self, link: Link, weight: u32) {
        if let Some(neighbour) = self.peer(link).and_then(|peer| self.known.get_mut(&peer)) {
            neighbour.weight = weight;
        }
    }

    pub(super) fn peer(&self, link: Link) -> Option<Peer> {
        self.links.get(&link).copied()
    }

    /// The link to a neighbour; none if it left.
    pub(super) fn to(&self, peer: Peer) -> Option<Link> {
        self.known.get(&peer)?.link
    }

    /// How often we met this neighbour: counts up whenever it joins or is greeted. Within one meeting it has no reason
    /// to send a claim twice.
    pub(super) fn meeting(&self, peer: Peer) -> u32 {
        self.known.get(&peer).map_or(0, |n| n.meeting)
    }

    pub(super) fn greeted(&mut self, peer: Peer) {
        if let Some(neighbour) = self.known.get_mut(&peer) {
            neighbour.meeting = neighbour.meeting.saturating_add(1);
        }
    }

    /// How many copies of claims that it gave us are held.
    pub(super) fn held(&self, peer: Peer) -> usize {
        self.known.get(&peer).map_or(0, |n| n.held)
    }

    /// Whether that is our pseudonym for the claim on the link to that neighbour, of this epoch or the one before.
    pub(super) fn names_us(&self, peer: Peer, claim: &ClaimId, named: &NodeId) -> bool {
        let Some(neighbour) = self.known.get(&peer) else {
            return false;
        };
        let keys = [Some(&neighbour.ours), neighbour.former.as_ref()];
        keys.into_iter()
            .flatten()
            .any(|own| own.base().pseudonym(claim).as_ref() == Some(named))
    }

    /// The key behind a pseudonym of ours.
    pub(super) fn key(&self, peer: Peer, claim: &ClaimId, us: &NodeId) -> Option<NodeKey> {
        let neighbour = self.known.get(&peer)?;
        let keys = [Some(&neighbour.ours), neighbour.former.as_ref()];
        let mut keys = keys.into_iter().flatten();
        keys.find_map(|own| own.hop_key(claim).filter(|key| key.id() == *us))
    }

    /// Up to `count` neighbours for a claim: the ones with the highest weights, and one at random of the others.
    pub(super) fn pick(
        &self,
        config: &RelayConfig,
        claim: &ClaimId,
        count: usize,
        knows: impl Fn(Peer) -> bool,
    ) -> Vec<Target> {
        let open = |(peer, n): &(&Peer, &Neighbour)| n.takes(config) && !knows(**peer);
        let mut found: Vec<_> = self.known.iter().filter(open).collect();
        if found.len() > count {
            let dice = Dice::throw(config, claim);
            found.sort_unstable_by_key(|(peer, n)| (std::cmp::Reverse(n.weight), dice.among_equals(**peer)));
            let others = found.split_off(count.saturating_sub(1));
            let lucky = others.into_iter().min_by_key(|(peer, _)| dice.luck(**peer));
            found.extend(lucky.filter(|_| count > 0));
        }
        let targets = found.into_iter().map(|(peer, n)| n.target(*peer, claim));
        targets.flatten().collect()
    }

    /// That one neighbour, if it takes claims now.
    pub(super) fn only(&self, config: &RelayConfig, claim: &ClaimId, peer: Peer) -> Option<Target> {
        let neighbour = self.known.get(&peer).filter(|n| n.takes(config))?;
        neighbour.target(peer, claim)
    }

    /// A copy came from that neighbour and is held.
    pub(super) fn came(&mut self, peer: Peer) {
        if let Some(neighbour) = self.known.get_mut(&peer) {
            neighbour.held = neighbour.held.saturating_add(1);
        }
    }

    /// What one neighbour gave is another's now: both are the same node.
    pub(super) fn moved(&mut self, old: Peer, new: Peer) {
        if let Some(neighbour) = self.known.get_mut(&old) {
            neighbour.held = neighbour.held.saturating_sub(1);
        }
        self.came(new);
    }

    /// A claim went to that neighbour.
    pub(super) fn went(&mut self, peer: Peer) {
        if let Some(neighbour) = self.known.get_mut(&peer) {
            neighbour.sent = neighbour.sent.saturating_add(1);
            neighbour.passed = neighbour.passed.saturating_add(1);
        }
    }

    /// A quote came back from that neighbour.
    pub(super) fn quoted(&mut self, peer: Peer) {
        if let Some(neighbour) = self.known.get_mut(&peer) {
            neighbour.quotes = neighbour.quotes.saturating_add(1);
        }
    }

    /// The claim is no longer held.
    pub(super) fn release(&mut self, claim: &Held) {
        for copy in &claim.copies {
            if let Some(neighbour) = self.known.get_mut(&copy.from) {
                neighbour.held = neighbour.held.saturating_sub(1);
            }
        }
        for route in &claim.routes {
            if let Some(neighbour) = self.known.get_mut(&route.to) {
                neighbour.sent = neighbour.sent.saturating_sub(1);
            }
        }
    }

    pub(super) fn gone(&self) -> usize {
        self.known.values().filter(|n| n.link.is_none()).count()
    }

    pub(super) fn statistics(&self) -> Vec<LinkStatistics> {
        let one = |(link, peer): (&Link, &Peer)| {
            let n = self.known.get(peer)?;
            Some(LinkStatistics {
                link: *link,
                role: n.role,
                weight: n.weight,
                held: n.held,
                passed: n.passed,
                quotes: n.quotes,
            })
        };
        self.links.iter().filter_map(one).collect()
    }
}

impl Neighbour {
    fn takes(&self, config: &RelayConfig) -> bool {
        let room = self.sent < config.max_claims_per_link.div_ceil(2);
        self.link.is_some() && self.role != LinkRole::Wallet && room
    }

    fn target(&self, peer: Peer, claim: &ClaimId) -> Option<Target> {
        let next = self.theirs.pseudonym(claim)?;
        let link = self.link?;
        Some(Target { peer, link, next })
    }
}

/// What decides for one claim among the neighbours: nobody can foresee it who does not know the secret.
struct Dice {
    equals: u64,
    luck: u64,
}

impl Dice {
    fn throw(config: &RelayConfig, claim: &ClaimId) -> Self {
        let drawn = tagged_hash("kofo/relay-dice/v1", &[&config.dice, claim.as_bytes()]);
        let (equals, luck) = drawn.split_at(16);
        let number = |bytes: &[u8]| bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
        Self {
            equals: number(equals),
            luck: number(luck),
        }
    }

    const fn among_equals(&self, peer: Peer) -> u64 {
        mix(self.equals, peer.0)
    }

    const fn luck(&self, peer: Peer) -> u64 {
        mix(self.luck, peer.0)
    }
}

/// The finaliser of SplitMix64: each number once, in an order that depends on the seed.
const fn mix(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
