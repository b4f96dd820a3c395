//! Who may ask how often: a bound on requests in flight and a token bucket for each peer.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::identity::PeerId;

/// Peers that are remembered. Above it, new peers wait until others' buckets are full again.
const MAX_REMEMBERED: usize = 4096;

/// What one kind of request is allowed.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    /// Requests of one peer that wait at the same time.
    pub(crate) per_peer: u32,
    /// Requests of all peers that wait at the same time.
    pub(crate) total: usize,
    /// Tokens that grow back in a second.
    pub(crate) per_second: u32,
    /// Tokens of a full bucket.
    pub(crate) burst: u32,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admit {
    /// It has a place, which is owed one [`release`](Admission::release).
    Yes,
    /// No place is free: those before it wait for us.
    Full,
    /// The peer's bucket is empty: it asks faster than it may.
    TooFast,
}

/// Counts what each peer has taken. A peer's account outlives its connection until the bucket is
/// full again, so that connecting anew gains nothing.
pub(crate) struct Admission {
    per_peer: u32,
    total: usize,
    /// Time in which one token grows back.
    interval: Duration,
    /// How far ahead of the clock a bucket may be drawn: a burst's worth of tokens.
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
    pub(crate) fn new(allowance: &Allowance) -> Self {
        let interval = Duration::from_secs(1) / allowance.per_second.max(1);
        Self {
            per_peer: allowance.per_peer,
            total: allowance.total,
            interval,
            reserve: interval.saturating_mul(allowance.burst.max(1)),
            in_flight: 0,
            accounts: HashMap::new(),
        }
    }

    /// Takes a token and a place in flight. A request that finds no place has cost its token: whoever
    /// goes on asking a peer that is full comes to be [`TooFast`](Admit::TooFast).
    pub(crate) fn admit(&mut self, peer: PeerId, now: Instant) -> Admit {
        let spent = self.spend(peer, now);
        if spent != Admit::Yes {
            return spent;
        }
        let account = self.accounts.get_mut(&peer).expect("a token was taken from it");
        if account.in_flight >= self.per_peer || self.in_flight >= self.total {
            return Admit::Full;
        }
        account.in_flight += 1;
        self.in_flight += 1;
        Admit::Yes
    }

    /// Takes a token and no place: nothing is owed.
    pub(crate) fn spend(&mut self, peer: PeerId, now: Instant) -> Admit {
        if self.accounts.len() >= MAX_REMEMBERED && !self.accounts.contains_key(&peer) {
            self.accounts
                .retain(|_, account| account.in_flight > 0 || account.full_at > now);
            if self.accounts.len() >= MAX_REMEMBERED {
                return Admit::Full;
            }
        }
        let account = self.accounts.entry(peer).or_insert(Account {
            in_flight: 0,
            full_at: now,
        });
        let full_at = account.full_at.max(now) + self.interval;
        if full_at > now + self.reserve {
            return Admit::TooFast;
        }
        account.full_at = full_at;
        Admit::Yes
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
        Admission::new(&Allowance {
            per_peer,
            total,
            per_second,
            burst: per_second,
        })
    }

    fn peer() -> PeerId {
        Identity::generate().peer_id()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (mut desk, peer, start) = (admission(1000, 50, 1000), peer(), Instant::now());
        assert_eq!(
            (0..200).filter(|_| desk.admit(peer, start) == Admit::Yes).count(),
            50
        );
        assert_eq!(
            (0..200)
                .filter(|_| desk.admit(peer, start + Duration::from_millis(100)) == Admit::Yes)
                .count(),
            5
        );
        // A long pause fills the bucket and no more than the bucket.
        assert_eq!(
            (0..200)
                .filter(|_| desk.admit(peer, start + Duration::from_secs(3600)) == Admit::Yes)
                .count(),
            50
        );
    }

    #[test]
    fn requests_in_flight_are_bounded_and_places_come_back() {
        let (mut desk, peer, now) = (admission(8, 1000, 1000), peer(), Instant::now());
        assert_eq!((0..20).filter(|_| desk.admit(peer, now) == Admit::Yes).count(), 8);
        desk.release(peer);
        assert_eq!((0..20).filter(|_| desk.admit(peer, now) == Admit::Yes).count(), 1);
    }

    #[test]
    fn one_peer_cannot_take_the_share_of_another() {
        let (mut desk, now) = (admission(8, 50, 1000), Instant::now());
        let (greedy, modest) = (peer(), peer());
        assert_eq!(
            (0..1000)
                .filter(|_| desk.admit(greedy, now) == Admit::Yes)
                .count(),
            8
        );
        assert_eq!(desk.admit(modest, now), Admit::Yes);
    }

    #[test]
    fn all_peers_together_are_bounded() {
        let (mut desk, now) = (admission(8, 50, 20), Instant::now());
        let peers: Vec<_> = (0..10).map(|_| peer()).collect();
        let admitted = peers
            .iter()
            .flat_map(|peer| [peer; 8])
            .filter(|peer| desk.admit(**peer, now) == Admit::Yes)
            .count();
        assert_eq!(admitted, 20);
    }

    #[test]
    fn forgotten_are_only_peers_that_owe_nothing() {
        let (mut desk, now) = (admission(8, 50, usize::MAX), Instant::now());
        let busy = peer();
        assert_eq!(desk.admit(busy, now), Admit::Yes);
        while desk.accounts.len() < MAX_REMEMBERED {
            let passing = peer();
            assert_eq!(desk.admit(passing, now), Admit::Yes);
            desk.release(passing);
        }
        assert_eq!(
            desk.admit(peer(), now),
            Admit::Full,
            "the table is full of peers whose buckets are not"
        );
        assert_eq!(desk.admit(peer(), now + Duration::from_secs(1)), Admit::Yes);
        assert_eq!(desk.accounts.len(), 2, "the busy one and the new one");
    }

    #[test]
    fn a_bucket_may_hold_more_or_less_than_a_second_of_tokens() {
        for burst in [1, 5, 40] {
            let mut desk = Admission::new(&Allowance {
                per_peer: 1000,
                total: 1000,
                per_second: 10,
                burst,
            });
            let (peer, now) = (peer(), Instant::now());
            let admitted = (0..100).filter(|_| desk.admit(peer, now) == Admit::Yes).count();
            assert_eq!(admitted, burst as usize);
            assert_eq!(desk.admit(peer, now), Admit::TooFast);
        }
    }

    #[test]
    fn who_keeps_asking_a_full_desk_comes_to_be_too_fast() {
        let (mut desk, peer, now) = (admission(1, 10, 1000), peer(), Instant::now());
        assert_eq!(desk.admit(peer, now), Admit::Yes);
        let refused: Vec<_> = (0..12).map(|_| desk.admit(peer, now)).collect();
        assert_eq!(refused[..9], [Admit::Full; 9]);
        assert_eq!(refused[9..], [Admit::TooFast; 3]);
    }
}
