//! A claim as a relay holds it: the copies that came, and where each went on to.

use crate::relay::Link;
use crate::relay::neighbours::Peer;
use kofo_primitives::{Claim, Digest, NodeId, NodeKey, Path, Signed};

/// No claim takes up more memory (bytes): three copies over seven hops with the longest bids, 32 ways on.
pub const MAX_CLAIM_BYTES: usize = 16 * 1024;

/// A claim goes to no more neighbours, those that joined later included.
pub(super) const MAX_ROUTES: usize = 32;

/// A claim that lives, or did a moment ago.
pub(super) struct Held {
    pub(super) claim: Signed<Claim>,
    /// Whether we issued it.
    pub(super) own: bool,
    /// Whether we issued it before a restart: then quotes came by that we do not know.
    pub(super) reissued: bool,
    /// One for each neighbour that it came from; none of our own claim.
    pub(super) copies: Vec<Copied>,
    pub(super) routes: Vec<Route>,
    /// How many quotes came by.
    pub(super) quotes: usize,
}

/// One copy of a claim.
pub(super) struct Copied {
    pub(super) from: Peer,
    /// Its number of the meeting with that neighbour: see [`super::neighbours::Neighbours::meeting`].
    pub(super) meeting: u32,
    pub(super) path: Path,
    pub(super) digest: Digest,
    /// Our pseudonym, by which the last entry names us.
    pub(super) us: NodeId,
    /// The key behind it, once it was needed.
    pub(super) key: Option<NodeKey>,
}

/// One way on: an entry that we signed.
pub(super) struct Route {
    /// The entry's digest.
    pub(super) entry: Digest,
    pub(super) to: Peer,
    /// The link on which it was last sent.
    pub(super) link: Link,
    /// Which copy it continues; none of our own claim.
    pub(super) copy: Option<usize>,
    /// How many quotes came back over it.
    pub(super) quotes: usize,
}

impl Held {
    pub(super) const fn new(claim: Signed<Claim>, own: bool) -> Self {
        Self {
            claim,
            own,
            reissued: false,
            copies: Vec::new(),
            routes: Vec::new(),
            quotes: 0,
        }
    }

    /// Whether that neighbour gave it to us.
    pub(super) fn came_from(&self, peer: Peer) -> bool {
        self.copies.iter().any(|copy| copy.from == peer)
    }

    /// Whether it went to that neighbour.
    pub(super) fn went_to(&self, peer: Peer) -> bool {
        self.routes.iter().any(|route| route.to == peer)
    }

    /// Whether the path has been here: it holds a pseudonym of ours.
    pub(super) fn been_here(&self, path: &Path) -> bool {
        let ours = |key: &NodeId| self.copies.iter().any(|copy| copy.us == *key);
        self.own || path.entries().iter().any(|entry| ours(&entry.hop_key))
    }

    /// How many of the path's first entries were verified before, in another copy.
    pub(super) fn verified(&self, path: &Path) -> usize {
        let common = |copy: &Copied| {
            let pairs = copy.path.entries().iter().zip(path.entries());
            pairs.take_while(|(known, entry)| known == entry).count()
        };
        self.copies.iter().map(common).max().unwrap_or(0)
    }

    /// Our own entry on that path: its place, and which of the ways on it is. Each entry repeats the digest of the one
    /// before it, so nothing has to be hashed; `digest` is the path's.
    pub(super) fn ours_on(&self, path: &Path, digest: &Digest) -> Option<(usize, usize)> {
        let before_next = path.entries().iter().skip(1).map(|entry| &entry.previous);
        let places = before_next.chain([digest]).enumerate();
        let ours = |digest: &Digest| self.routes.iter().position(|route| route.entry == *digest);
        places.filter_map(|(at, digest)| Some((at, ours(digest)?))).last()
    }
}
