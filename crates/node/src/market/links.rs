//! The neighbours, by their names among peers and by the links under which the relay knows them; and the hello by which
//! each end tells the other its base.

use super::forward::Outbox;
use super::{Market, State, Work};
use crate::clock::now_ms;
use crate::config::NodeRole;
use kofo_exchange::{ClaimEnvelope, ClaimMessage, ClaimReply, LINK_VERSION, Link, LinkHello, LinkRole};
use kofo_network::{Fault, PeerId, Plane};
use kofo_primitives::{LinkBase, LinkKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long an epoch of links lasts (ms): a day, so that pseudonyms of two days have nothing in common.
const EPOCH_MS: u64 = 86_400_000;
/// A hello that was not answered is said again after so long (ms).
const HELLO_AGAIN_MS: u64 = 3_000;

/// One neighbour.
pub(super) struct Known {
    pub(super) link: Link,
    /// As it says; `None` until it has.
    pub(super) role: Option<LinkRole>,
    /// Its base of this epoch.
    pub(super) theirs: Option<LinkBase>,
    pub(super) outbox: Outbox,
    /// The epoch whose base of ours it has taken.
    told: Option<u64>,
    /// When it was last told.
    tried_ms: u64,
}

/// All of them.
#[derive(Default)]
pub(super) struct Links {
    next: u64,
    peers: BTreeMap<PeerId, Known>,
    by_link: BTreeMap<Link, PeerId>,
}

impl Links {
    pub(super) fn peer(&self, link: Link) -> Option<PeerId> {
        self.by_link.get(&link).copied()
    }

    pub(super) fn known(&self, peer: PeerId) -> Option<&Known> {
        self.peers.get(&peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Known)> {
        self.peers.iter()
    }

    /// Queues a message for whoever is at the other end; whether it found room.
    pub(super) fn send(&self, peer: PeerId, plane: Plane, body: Vec<u8>) -> bool {
        let known = self.peers.get(&peer);
        known.is_some_and(|known| known.outbox.send(plane, body))
    }

    /// Whether there is no neighbour.
    pub(super) fn is_alone(&self) -> bool {
        self.peers.is_empty()
    }

    /// Whether a claim could go anywhere.
    pub(super) fn anybody(&self) -> bool {
        let takes = |known: &Known| matches!(known.role, Some(LinkRole::Relay | LinkRole::Provider));
        self.peers.values().any(takes)
    }
}

/// The epoch at that time.
const fn epoch(now_ms: u64) -> u64 {
    now_ms / EPOCH_MS
}

pub(super) const fn link_role(role: NodeRole) -> LinkRole {
    match role {
        NodeRole::Wallet => LinkRole::Wallet,
        NodeRole::Relay => LinkRole::Relay,
        NodeRole::Provider => LinkRole::Provider,
    }
}

impl Market {
    fn link_key(&self, epoch: u64, peer: PeerId) -> LinkKey {
        let name = peer.to_string();
        self.parts
            .seed
            .link_key(&self.parts.network, epoch, name.as_bytes())
    }

    fn hello(&self, epoch: u64, peer: PeerId) -> LinkHello {
        LinkHello {
            version: LINK_VERSION,
            network: self.parts.network.clone(),
            epoch,
            base: self.link_key(epoch, peer).base(),
            role: link_role(self.parts.role),
        }
    }

    /// A peer is a neighbour from now on.
    pub(super) fn joined(&self, peer: PeerId) {
        let mut state = self.state();
        let links = &mut state.links;
        let link = Link(links.next);
        links.next = links.next.saturating_add(1);
        let known = Known {
            link,
            role: None,
            theirs: None,
            outbox: Outbox::open(&self.parts.mesh, peer),
            told: None,
            tried_ms: now_ms(),
        };
        if let Some(former) = links.peers.insert(peer, known) {
            links.by_link.remove(&former.link);
            state.relay.unlink(former.link);
        }
        state.links.by_link.insert(link, peer);
        drop(state);
        self.queue(Work::Hello(peer));
    }

    /// It is one no longer.
    pub(super) fn left(&self, peer: PeerId) {
        let mut state = self.state();
        let Some(known) = state.links.peers.remove(&peer) else {
            return;
        };
        state.links.by_link.remove(&known.link);
        state.relay.unlink(known.link);
    }

    /// Says hello, and takes the answer.
    pub(super) async fn say_hello(self: Arc<Self>, peer: PeerId) {
        let epoch = epoch(now_ms());
        let message = ClaimMessage::Link(self.hello(epoch, peer)).write();
        let answer = match self.parts.mesh.ask(peer, Plane::Claim, message).await {
            Ok(answer) => answer,
            Err(error) => return tracing::debug!(%peer, %error, "a hello was not answered"),
        };
        match ClaimReply::read(&answer) {
            Ok(ClaimReply::Linked(theirs)) => {
                if let Err(fault) = self.heard_hello(peer, &theirs) {
                    return self.parts.mesh.judge(peer, fault);
                }
                self.greet(peer, epoch);
            }
            Ok(ClaimReply::Refused(why)) => tracing::debug!(%peer, %why, "a hello was refused"),
            Ok(ClaimReply::Taken) | Err(_) => self.parts.mesh.judge(peer, Fault::Malformed),
        }
    }

    /// The other end's base. Claims may come from it now.
    pub(super) fn heard_hello(&self, peer: PeerId, theirs: &LinkHello) -> Result<(), Fault> {
        if theirs.version != LINK_VERSION || theirs.network != self.parts.network {
            return Err(Fault::Malformed);
        }
        let ours = self.link_key(epoch(now_ms()), peer);
        let mut state = self.state();
        let Some(known) = state.links.peers.get_mut(&peer) else {
            return Ok(());
        };
        (known.role, known.theirs) = (Some(theirs.role), Some(theirs.base));
        let link = known.link;
        state.relay.link(link, theirs.role, ours, theirs.base);
        Ok(())
    }

    /// What we answer a hello.
    pub(super) fn answer_hello(&self, peer: PeerId) -> ClaimReply {
        ClaimReply::Linked(self.hello(epoch(now_ms()), peer))
    }

    /// The other end has our base: it takes claims from us. It is told all that live.
    fn greet(&self, peer: PeerId, epoch: u64) {
        let now_ms = now_ms();
        let mut state = self.state();
        let Some(known) = state.links.peers.get_mut(&peer) else {
            return;
        };
        let first = known.told.replace(epoch).is_none();
        let link = known.link;
        if !first {
            return;
        }
        if self.parts.role != NodeRole::Wallet {
            let live = state.relay.greet(link, now_ms);
            state.pass_on(live);
        }
        self.originate_all(&mut state, now_ms);
        drop(state);
        self.show_book();
    }

    /// Says hello anew to whom that failed, and to all when an epoch begins.
    pub(super) fn hello_again(&self, state: &mut State, now_ms: u64) {
        let today = epoch(now_ms);
        let mut due = Vec::new();
        for (peer, known) in &mut state.links.peers {
            let waited = now_ms.saturating_sub(known.tried_ms) > HELLO_AGAIN_MS;
            if known.told != Some(today) && waited {
                known.tried_ms = now_ms;
                due.push(*peer);
            }
        }
        due.into_iter().for_each(|peer| self.queue(Work::Hello(peer)));
    }

    /// Tells the relay how well each neighbour does: quotes that came back for claims that went out, and what did not
    /// arrive at all.
    pub(super) fn rate(state: &mut State) {
        for link in state.relay.statistics().links {
            let known = state
                .links
                .peer(link.link)
                .and_then(|peer| state.links.known(peer));
            let failed = known.map_or(0, |known| known.outbox.failed());
            state
                .relay
                .rate(link.link, weight(link.passed, link.quotes, failed));
        }
    }
}

/// 1 for who never brought a quote, up to 101; whoever loses messages is worth less. New neighbours stand in the middle
/// of those who bring some, so that they are tried.
fn weight(passed: u64, quotes: u64, failed: u32) -> u32 {
    let tried = passed
        .saturating_add(10)
        .saturating_add(u64::from(failed).saturating_mul(10));
    let came = quotes.saturating_add(2).saturating_mul(100);
    let share = came.checked_div(tried).unwrap_or(0).min(100);
    u32::try_from(share).unwrap_or(100).saturating_add(1)
}

impl State {
    /// Sends claims on.
    pub(super) fn pass_on(&self, claims: Vec<(Link, ClaimEnvelope)>) {
        for (link, envelope) in claims {
            let Some(peer) = self.links.peer(link) else {
                continue;
            };
            let body = ClaimMessage::Claim(Box::new(envelope)).write();
            if !self.links.send(peer, Plane::Claim, body) {
                tracing::debug!(%peer, "too many claims wait for a neighbour: one is not passed on");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_that_brings_quotes_is_worth_more_than_a_new_one_and_that_more_than_a_silent_one() {
        let new = weight(0, 0, 0);
        assert!(weight(100, 90, 0) > new && new > weight(100, 0, 0));
        assert!(weight(100, 90, 20) < weight(100, 90, 0));
        assert!(weight(u64::MAX, u64::MAX, u32::MAX) <= 101 && weight(u64::MAX, 0, 0) >= 1);
    }
}
