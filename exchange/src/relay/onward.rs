//! A claim goes one hop on: our entry, and the envelope that it makes.

use crate::relay::held::{Held, Route};
use crate::relay::neighbours::{Neighbours, Target};
use crate::relay::{Link, Payee};
use crate::wire::ClaimEnvelope;
use kofo_primitives::{ClaimId, HopEntry, MAX_HOPS, NodeKey};

/// Whether that copy may have one hop more.
pub(super) fn may_go_on(held: &Held, copy: usize) -> bool {
    let most = usize::from(held.claim.body.max_hops.min(MAX_HOPS));
    held.copies.get(copy).is_some_and(|copy| copy.path.len() < most)
}

/// Sends a copy of somebody else's claim on, by our key of that copy.
pub(super) fn continue_copy(
    held: &mut Held,
    neighbours: &mut Neighbours,
    id: &ClaimId,
    (at, targets, paid): (usize, Vec<Target>, Option<&Payee>),
) -> Vec<(Link, ClaimEnvelope)> {
    let Some(copy) = held.copies.get_mut(at) else {
        return Vec::new();
    };
    // Taken out while it signs, and put back.
    let key = copy
        .key
        .take()
        .or_else(|| neighbours.key(copy.from, id, &copy.us));
    let Some(key) = key else {
        return Vec::new();
    };
    let way = Way {
        copy: Some(at),
        key: &key,
        targets,
        paid,
    };
    let sent = send(held, neighbours, id, way);
    if let Some(copy) = held.copies.get_mut(at) {
        copy.key = Some(key);
    }
    sent
}

/// What is continued, by which key, to whom.
pub(super) struct Way<'a> {
    /// Which copy; none for our own claim.
    pub(super) copy: Option<usize>,
    pub(super) key: &'a NodeKey,
    pub(super) targets: Vec<Target>,
    /// How we are paid for it, if we are.
    pub(super) paid: Option<&'a Payee>,
}

/// Signs an entry for each target, and remembers where it leads to.
pub(super) fn send(
    held: &mut Held,
    neighbours: &mut Neighbours,
    id: &ClaimId,
    way: Way<'_>,
) -> Vec<(Link, ClaimEnvelope)> {
    let copy = way.copy.and_then(|at| held.copies.get(at));
    let (index, previous, before) = copy.map_or((0, *id.as_bytes(), [].as_slice()), |copy| {
        (copy.path.len(), copy.digest, copy.path.entries())
    });
    let Ok(index) = u8::try_from(index) else {
        return Vec::new();
    };
    let mut sent = Vec::with_capacity(way.targets.len());
    for target in way.targets {
        let asks = |payee: &Payee| payee.commit(&held.claim.body, id, (&previous, &target.next));
        let payee = way.paid.and_then(asks);
        let entry = HopEntry::sign(id, (index, previous), way.key, target.next, (None, payee));
        let digest = entry.digest();
        match held.routes.iter_mut().find(|route| route.entry == digest) {
            // The same words to one that came back: signing is deterministic.
            Some(route) => (route.to, route.link) = (target.peer, target.link),
            None => {
                held.routes.push(Route {
                    entry: digest,
                    to: target.peer,
                    link: target.link,
                    copy: way.copy,
                    quotes: 0,
                });
                neighbours.went(target.peer);
            }
        }
        let mut path = Vec::with_capacity(before.len().saturating_add(1));
        path.extend_from_slice(before);
        path.push(entry);
        let claim = held.claim.clone();
        sent.push((target.link, ClaimEnvelope { claim, path }));
    }
    sent
}
