//! What makes two pieces of gossip the same.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How long gossip is known again.
pub(crate) const SEEN_FOR: Duration = Duration::from_secs(120);
/// Pieces that are known again at most; the oldest are forgotten first.
const MAX_SEEN: usize = 65_536;

/// The name of a piece of gossip: a hash of its topic and its bytes, so that nobody can send the same
/// thing under two names, and no name says who spoke first.
pub(crate) fn gossip_id(topic: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((topic.len() as u64).to_be_bytes());
    hash.update(topic);
    hash.update(body);
    hash.finalize().into()
}

/// The gossip that was heard or said of late.
#[derive(Default)]
pub(crate) struct Seen {
    ids: HashSet<[u8; 32]>,
    order: VecDeque<(Instant, [u8; 32])>,
}

impl Seen {
    /// Whether this is the first time.
    pub(crate) fn first(&mut self, id: [u8; 32], now: Instant) -> bool {
        while let Some((at, oldest)) = self.order.front().copied() {
            if now.saturating_duration_since(at) < SEEN_FOR && self.order.len() < MAX_SEEN {
                break;
            }
            self.order.pop_front();
            self.ids.remove(&oldest);
        }
        let first = self.ids.insert(id);
        if first {
            self.order.push_back((now, id));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> [u8; 32] {
        gossip_id("book", &n.to_be_bytes())
    }

    #[test]
    fn topic_and_body_both_count_and_cannot_be_shifted() {
        assert_ne!(gossip_id("book", b"a"), gossip_id("cancel", b"a"));
        assert_ne!(gossip_id("book", b"a"), gossip_id("book", b"b"));
        assert_ne!(gossip_id("boo", b"ka"), gossip_id("book", b"a"));
    }

    #[test]
    fn gossip_is_new_once_until_it_is_forgotten() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        assert!(seen.first(id(1), now));
        assert!(!seen.first(id(1), now + SEEN_FOR - Duration::from_secs(1)));
        assert!(seen.first(id(1), now + SEEN_FOR));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        for n in 0..MAX_SEEN as u64 + 10 {
            assert!(seen.first(id(n), now));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (MAX_SEEN, MAX_SEEN));
        assert!(!seen.first(id(MAX_SEEN as u64), now), "the newest are known");
    }
}
