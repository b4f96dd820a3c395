//! What a neighbour is told that has just joined: so claims cross to the other side when a network that fell apart
//! grows together, and who comes late learns what is asked for.

use crate::relay::held::{Held, MAX_ROUTES};
use crate::relay::neighbours::Peer;
use crate::relay::onward::{continue_copy, may_go_on};
use crate::relay::{Link, Relay};
use crate::wire::ClaimEnvelope;
use kofo_primitives::ClaimId;

/// A neighbour is greeted with no more claims: those that live longest.
pub const MAX_GREETING: usize = 500;

impl Relay {
    /// The claims that a neighbour which has just joined or come back does not have, as far as we can tell: those that
    /// live longest first, at most [`MAX_GREETING`]. Our own claims are not among them, since only [`Relay::originate`]
    /// has their keys.
    pub fn greet(&mut self, link: Link, now_ms: u64) -> Vec<(Link, ClaimEnvelope)> {
        let Some(peer) = self.neighbours.peer(link) else {
            return Vec::new();
        };
        self.neighbours.greeted(peer);
        let lives = |(id, held): (&ClaimId, &Held)| {
            let lives = !held.own && held.claim.body.expires_ms > now_ms;
            lives.then_some((std::cmp::Reverse(held.claim.body.expires_ms), *id))
        };
        let mut live: Vec<_> = self.claims.iter().filter_map(lives).collect();
        live.sort_unstable();
        let mut greeting = Vec::new();
        for (_, id) in live {
            if greeting.len() >= MAX_GREETING {
                break;
            }
            greeting.extend(self.tell(peer, link, &id));
        }
        greeting
    }

    fn tell(&mut self, peer: Peer, link: Link, id: &ClaimId) -> Vec<(Link, ClaimEnvelope)> {
        let Some(held) = self.claims.get_mut(id) else {
            return Vec::new();
        };
        let mut routes = held.routes.iter().filter(|route| route.to == peer);
        let told = match routes.next_back() {
            Some(route) if route.link == link => None,
            Some(route) => route.copy,
            None if held.came_from(peer) || held.routes.len() >= MAX_ROUTES => None,
            None => shortest(held),
        };
        let Some(copy) = told else {
            return Vec::new();
        };
        let Some(target) = self.neighbours.only(&self.config, id, peer) else {
            return Vec::new();
        };
        let paid = self.config.paid.as_ref();
        continue_copy(held, &mut self.neighbours, id, (copy, vec![target], paid))
    }
}

/// The copy with the shortest path that may go on.
fn shortest(held: &Held) -> Option<usize> {
    let copies = held.copies.iter().enumerate();
    let open = copies.filter(|(at, _)| may_go_on(held, *at));
    open.min_by_key(|(_, copy)| copy.path.len()).map(|(at, _)| at)
}
