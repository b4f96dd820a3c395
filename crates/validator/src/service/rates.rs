//! How often strangers may ask: each so often a second, whatever the others do.

use kofo_network::PeerId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So many requests a second of one stranger, and at once after a pause.
const PER_SECOND: u64 = 100;
/// So many strangers are remembered.
const MOST: usize = 4_096;

/// What each may still ask, in thousandths, and since when (ms).
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<BTreeMap<PeerId, (u64, u64)>>);

impl Rates {
    /// Takes one from what a stranger may ask.
    pub(super) fn allow(&self, peer: PeerId, now_ms: u64) -> bool {
        let full = PER_SECOND * 1000;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&peer) {
            // Whoever paused for a second is as good as new.
            all.retain(|_, (_, since)| now_ms.saturating_sub(*since) < 1000);
            if all.len() >= MOST {
                return false;
            }
        }
        let (left, since) = all.entry(peer).or_insert((full, now_ms));
        let earned = now_ms.saturating_sub(*since).saturating_mul(PER_SECOND);
        *left = left.saturating_add(earned).min(full);
        *since = now_ms;
        let allowed = *left >= 1000;
        if allowed {
            *left -= 1000;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_network::Identity;

    #[test]
    fn a_stranger_asks_so_often_a_second_whatever_others_do() {
        let (rates, peer) = (Rates::default(), Identity::generate().peer_id());
        let allowed = |now| (0..1000).filter(|_| rates.allow(peer, now)).count();
        assert_eq!(allowed(5_000), 100);
        assert_eq!(allowed(5_100), 10);
        assert_eq!(allowed(60_000), 100);
        assert!(rates.allow(Identity::generate().peer_id(), 60_000));
    }
}
