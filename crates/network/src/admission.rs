//! Who may ask how often: a bound on requests in flight and a token bucket for each peer.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::identity::PeerId;
use crate::limits::Limits;

/// Peers that are remembered. Above it, new peers wait until others' buckets are full again.
const MAX_REMEMBERED: usize = 4096;

/// Counts what each peer has taken. A peer's account outlives its connection until the bucket is
/// full again, so that connecting anew gains nothing.
pub(crate) struct Admission {
    per_peer: u32,
    total: usize,
    /// Time in which one token grows back.
    interval: Duration,
    /// How far ahead of the clock a bucket may be drawn: one second's worth of tokens.
    reserve: Duration,
    in_flight: usize,
    accounts: HashMap<PeerId, Account>,
}

struct Account {
    in_flight: u32,
    /// When the bucket is full again. Moving one instant is a token bucket without fractions.
    full_at: Instant,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let interval = Duration::from_secs(1) / limits.inbound_per_second.max(1);
        Self {
            per_peer: limits.inbound_per_peer,
            total: limits.inbound_total,
            interval,
            reserve: Duration::from_secs(1),
            in_flight: 0,
            accounts: HashMap::new(),
        }
    }

    /// Takes a token and a place in flight, or neither. Each `true` is owed one [`release`](Self::release).
    pub(crate) fn admit(&mut self, peer: PeerId, now: Instant) -> bool {
        if self.accounts.len() >= MAX_REMEMBERED && !self.accounts.contains_key(&peer) {
            self.accounts
                .retain(|_, account| account.in_flight > 0 || account.full_at > now);
            if self.accounts.len() >= MAX_REMEMBERED {
                return false;
            }
        }
        let account = self.accounts.entry(peer).or_insert(Account {
            in_flight: 0,
            full_at: now,
        });
        let full_at = account.full_at.max(now) + self.interval;
        let room = account.in_flight < self.per_peer && self.in_flight < self.total;
        if !room || full_at > now + self.reserve {
            return false;
        }
        account.full_at = full_at;
        account.in_flight += 1;
        self.in_flight += 1;
        true
    }

    /// Gives the place in flight back; the token grows back by itself.
    pub(crate) fn release(&mut self, peer: PeerId) {
        let account = self
            .accounts
            .get_mut(&peer)
            .expect("an account with a place in flight is kept");
        account.in_flight -= 1;
        self.in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn admission(per_peer: u32, per_second: u32, total: usize) -> Admission {
        Admission::new(&Limits {
            inbound_per_peer: per_peer,
            inbound_per_second: per_second,
            inbound_total: total,
            ..Limits::default()
        })
    }

    fn peer() -> PeerId {
        Identity::generate().peer_id()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (mut desk, peer, start) = (admission(1000, 50, 1000), peer(), Instant::now());
        assert_eq!((0..200).filter(|_| desk.admit(peer, start)).count(), 50);
        assert_eq!(
            (0..200)
                .filter(|_| desk.admit(peer, start + Duration::from_millis(100)))
                .count(),
            5
        );
        // A long pause fills the bucket and no more than the bucket.
        assert_eq!(
            (0..200)
                .filter(|_| desk.admit(peer, start + Duration::from_secs(3600)))
                .count(),
            50
        );
    }

    #[test]
    fn requests_in_flight_are_bounded_and_places_come_back() {
        let (mut desk, peer, now) = (admission(8, 1000, 1000), peer(), Instant::now());
        assert_eq!((0..20).filter(|_| desk.admit(peer, now)).count(), 8);
        desk.release(peer);
        assert_eq!((0..20).filter(|_| desk.admit(peer, now)).count(), 1);
    }

    #[test]
    fn one_peer_cannot_take_the_share_of_another() {
        let (mut desk, now) = (admission(8, 50, 1000), Instant::now());
        let (greedy, modest) = (peer(), peer());
        assert_eq!((0..1000).filter(|_| desk.admit(greedy, now)).count(), 8);
        assert!(desk.admit(modest, now));
    }

    #[test]
    fn all_peers_together_are_bounded() {
        let (mut desk, now) = (admission(8, 50, 20), Instant::now());
        let peers: Vec<_> = (0..10).map(|_| peer()).collect();
        let admitted = peers
            .iter()
            .flat_map(|peer| [peer; 8])
            .filter(|peer| desk.admit(**peer, now))
            .count();
        assert_eq!(admitted, 20);
    }

    #[test]
    fn forgotten_are_only_peers_that_owe_nothing() {
        let (mut desk, now) = (admission(8, 50, usize::MAX), Instant::now());
        let busy = peer();
        assert!(desk.admit(busy, now));
        while desk.accounts.len() < MAX_REMEMBERED {
            let passing = peer();
            assert!(desk.admit(passing, now));
            desk.release(passing);
        }
        assert!(
            !desk.admit(peer(), now),
            "the table is full of peers whose buckets are not"
        );
        assert!(desk.admit(peer(), now + Duration::from_secs(1)));
        assert_eq!(desk.accounts.len(), 2, "the busy one and the new one");
    }
}
