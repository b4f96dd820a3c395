//! Claims on their way out: taken from neighbours, passed on, issued.
//!
//! What costs nothing is checked first, and nothing is computed on the curve twice: a first copy costs one tweak (our
//! own pseudonym), the claim's signature and one for each entry; what a further copy has in common with a known one is
//! not verified again. Passing it on costs our key for it once, and one tweak and one signature for each neighbour.

use crate::relay::held::{Copied, Held, MAX_ROUTES, Route};
use crate::relay::neighbours::Peer;
use crate::relay::onward::{Way, continue_copy, may_go_on, send};
use crate::relay::{ClaimRefused, Link, Received, Relay, Taken};
use crate::wire::ClaimEnvelope;
use kofo_primitives::{Claim, ClaimId, Digest, NodeKey, Path, PathError, Signed};

impl Relay {
    /// A claim came from a neighbour. What it gives says where to send it and what there is to quote for.
    ///
    /// A neighbour that joined again may send the very same copy again: it is taken again, with nothing to pass on.
    pub fn claim(&mut self, from: Link, envelope: ClaimEnvelope, now_ms: u64) -> Result<Taken, ClaimRefused> {
        let peer = self.neighbours.peer(from).ok_or(ClaimRefused::UnknownLink)?;
        let ClaimEnvelope { claim, mut path } = envelope;
        self.in_time(&claim.body, now_ms)?;
        let id = claim.body.id();
        if self.memory.is_cancelled(&id, &claim.body.key) {
            return Err(ClaimRefused::Cancelled);
        }
        self.not_twice(peer, &id)?;
        path.shrink_to_fit();
        let path = Path::new(&claim.body, &id, path)?;
        let digest = path.digest();
        if let Some(copy) = self.known_copy(&id, &digest) {
            return self.again((peer, from), &id, copy);
        }
        self.has_room(peer, &id, &path)?;
        if !self.neighbours.names_us(peer, &id, &path.receiver()) {
            return Err(PathError::Receiver.into());
        }
        self.verify(&claim, &id, &path)?;
        let first = self.book(peer, &claim, (id, &path, digest));
        Ok(Taken {
            forward: self.pass_on(&id),
            received: Received {
                claim,
                id,
                path,
                from,
            },
            first,
        })
    }

    /// Our own claim, to up to [`super::RelayConfig::fan_out`] neighbours. It may be called again while the claim
    /// lives, with the same claim: then for the neighbours that joined or came back since, as long as fewer than that
    /// have it.
    pub fn originate(
        &mut self,
        claim: &Signed<Claim>,
        key: &NodeKey,
        now_ms: u64,
    ) -> Result<Vec<(Link, ClaimEnvelope)>, ClaimRefused> {
        self.in_time(&claim.body, now_ms)?;
        if key.id() != claim.body.key {
            return Err(ClaimRefused::Key);
        }
        let id = claim.body.id();
        if self.memory.is_cancelled(&id, &claim.body.key) {
            return Err(ClaimRefused::Cancelled);
        }
        match self.claims.get(&id) {
            Some(held) if !held.own => return Err(ClaimRefused::NotOurs),
            Some(_) => {}
            None => {
                self.has_room_for_new()?;
                claim.check()?;
                let reissued = self.memory.saw(&id);
                self.memory.see(id, &claim.body, self.config.clock_skew_ms);
                let held = Held::new(claim.clone(), true);
                self.claims.insert(id, Held { reissued, ..held });
            }
        }
        let Some(held) = self.claims.get_mut(&id) else {
            return Ok(Vec::new());
        };
        let there = |route: &&Route| self.neighbours.to(route.to) == Some(route.link);
        let have = held.routes.iter().filter(there).count();
        let open = self.config.fan_out.saturating_sub(have);
        let has = |peer| held.routes.iter().any(|r| r.to == peer && there(&r));
        let targets = self.neighbours.pick(&self.config, &id, open, has);
        Ok(send(
            held,
            &mut self.neighbours,
            &id,
            Way {
                copy: None,
                key,
                targets,
                // Nobody is paid for its own claim.
                paid: None,
            },
        ))
    }

    fn in_time(&self, claim: &Claim, now_ms: u64) -> Result<(), ClaimRefused> {
        let skew = self.config.clock_skew_ms;
        if claim.network != self.config.network {
            return Err(ClaimRefused::Network);
        }
        let ahead_ms = claim.created_ms.saturating_sub(now_ms);
        if ahead_ms > skew {
            return Err(ClaimRefused::NotYet { ahead_ms });
        }
        if claim.expires_ms <= now_ms {
            let late_ms = now_ms.saturating_sub(claim.expires_ms);
            let gross = late_ms > skew;
            return Err(ClaimRefused::Expired { late_ms, gross });
        }
        Ok(())
    }

    /// What can be said of a repeat before anything is hashed or computed.
    fn not_twice(&self, peer: Peer, id: &ClaimId) -> Result<(), ClaimRefused> {
        let Some(held) = self.claims.get(id) else {
            // Seen, but not held: and it has not expired.
            return if self.memory.saw(id) {
                Err(ClaimRefused::BeforeRestart)
            } else {
                Ok(())
            };
        };
        if held.own {
            return Err(ClaimRefused::Loop);
        }
        let now = self.neighbours.meeting(peer);
        let same_meeting = |copy: &Copied| copy.from == peer && copy.meeting == now;
        if held.copies.iter().any(same_meeting) {
            return Err(ClaimRefused::Replayed);
        }
        Ok(())
    }

    fn known_copy(&mut self, id: &ClaimId, digest: &Digest) -> Option<usize> {
        let held = self.claims.get(id)?;
        held.copies.iter().position(|copy| copy.digest == *digest)
    }

    /// The very copy that is known: its neighbour joined again.
    fn again(&mut self, (peer, from): (Peer, Link), id: &ClaimId, at: usize) -> Result<Taken, ClaimRefused> {
        let meeting = self.neighbours.meeting(peer);
        let held = self.claims.get_mut(id).ok_or(ClaimRefused::BeforeRestart)?;
        let came = held.came_from(peer);
        let copy = held.copies.get_mut(at).ok_or(ClaimRefused::BeforeRestart)?;
        if copy.from != peer {
            // The same entry cannot name us on two links, unless both are links to one neighbour.
            if came || self.neighbours.to(copy.from).is_some() {
                return Err(ClaimRefused::AnotherPath);
            }
            if !self.neighbours.names_us(peer, id, &copy.us) {
                return Err(PathError::Receiver.into());
            }
            self.neighbours.moved(copy.from, peer);
            copy.from = peer;
        }
        copy.meeting = meeting;
        Ok(Taken {
            forward: Vec::new(),
            received: Received {
                claim: held.claim.clone(),
                id: *id,
                path: copy.path.clone(),
                from,
            },
            first: false,
        })
    }

    fn has_room(&self, peer: Peer, id: &ClaimId, path: &Path) -> Result<(), ClaimRefused> {
        if let Some(held) = self.claims.get(id) {
            if held.been_here(path) {
                return Err(ClaimRefused::Loop);
            }
            if held.came_from(peer) {
                return Err(ClaimRefused::AnotherPath);
            }
            if held.copies.len() >= self.config.copies {
                return Err(ClaimRefused::Copies(held.copies.len()));
            }
        } else {
            self.has_room_for_new()?;
        }
        let most = self.config.max_claims_per_link;
        if self.neighbours.held(peer) >= most {
            return Err(ClaimRefused::LinkFull(most));
        }
        Ok(())
    }

    fn has_room_for_new(&self) -> Result<(), ClaimRefused> {
        if self.claims.len() >= self.config.max_claims || !self.memory.has_room() {
            return Err(ClaimRefused::Full(self.claims.len()));
        }
        Ok(())
    }

    /// The signatures that were not verified in another copy.
    fn verify(&self, claim: &Signed<Claim>, id: &ClaimId, path: &Path) -> Result<(), ClaimRefused> {
        let held = self.claims.get(id);
        if held.is_none_or(|held| held.claim.signature != claim.signature) {
            claim.check()?;
        }
        let verified = held.map_or(0, |held| held.verified(path));
        Ok(path.verify(id, verified)?)
    }

    /// Books the copy. Whether it is the first one.
    fn book(&mut self, from: Peer, claim: &Signed<Claim>, copy: (ClaimId, &Path, Digest)) -> bool {
        let (id, path, digest) = copy;
        let first = !self.claims.contains_key(&id);
        if first {
            self.memory.see(id, &claim.body, self.config.clock_skew_ms);
        }
        let held = self
            .claims
            .entry(id)
            .or_insert_with(|| Held::new(claim.clone(), false));
        held.copies.push(Copied {
            from,
            meeting: self.neighbours.meeting(from),
            path: path.clone(),
            digest,
            us: path.receiver(),
            key: None,
        });
        self.neighbours.came(from);
        first
    }

    /// The copy that was booked last, to the neighbours that do not have the claim.
    fn pass_on(&mut self, id: &ClaimId) -> Vec<(Link, ClaimEnvelope)> {
        let Some(held) = self.claims.get_mut(id) else {
            return Vec::new();
        };
        let Some(at) = held.copies.len().checked_sub(1).filter(|at| may_go_on(held, *at)) else {
            return Vec::new();
        };
        let room = MAX_ROUTES.saturating_sub(held.routes.len());
        let count = self.config.fan_out.min(room);
        let knows = |peer| held.came_from(peer) || held.went_to(peer);
        let targets = self.neighbours.pick(&self.config, id, count, knows);
        if targets.is_empty() {
            return Vec::new();
        }
        let paid = self.config.paid.as_ref();
        continue_copy(held, &mut self.neighbours, id, (at, targets, paid))
    }
}
