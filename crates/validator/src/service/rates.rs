//! How often strangers may ask: each so often a second, whatever the others do.

use kofo_network::PeerId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So many strangers are remembered.
const MOST: usize = 4_096;

/// What each may still ask.
#[derive(Debug)]
pub(super) struct Rates {
    per_second: u64,
    /// In thousandths, and since when (ms).
    left: Mutex<BTreeMap<PeerId, (u64, u64)>>,
}

impl Rates {
    /// So many a second, and at once after a pause.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: per_second.into(),
            left: Mutex::default(),
        }
    }

    /// Takes one from what a stranger may ask.
    pub(super) fn allow(&self, peer: PeerId, now_ms: u64) -> bool {
        let full = self.per_second * 1000;
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&peer) {
            // Whoever paused for a second is as good as new.
            all.retain(|_, (_, since)| now_ms.saturating_sub(*since) < 1000);
            if all.len() >= MOST {
                return false;
            }
        }
        let (left, since) = all.entry(peer).or_insert((full, now_ms));
        let earned = now_ms.saturating_sub(*since).saturating_mul(self.per_second);
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
        let (rates, peer) = (Rates::new(100), Identity::generate().peer_id());
        let allowed = |now| (0..1000).filter(|_| rates.allow(peer, now)).count();
        assert_eq!(allowed(5_000), 100);
        assert_eq!(allowed(5_100), 10);
        assert_eq!(allowed(60_000), 100);
        assert!(rates.allow(Identity::generate().peer_id(), 60_000));
    }
}
