//! What a peer has done wrong: one number for each, and who is shut out for it.
//!
//! A score is 0 or below. Each [`Fault`] lowers it by its weight, each second lifts it by one point, and
//! a peer that reaches [`LIMIT`] is banned for [`BAN`]. Pure: time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::identity::PeerId;

/// The score at which a peer is disconnected and refused.
pub(crate) const LIMIT: i32 = -100;
/// For how long it is refused. Longer than its score needs to come back to 0, so it comes back clean.
pub(crate) const BAN: Duration = Duration::from_secs(600);
/// Time that makes good one point.
const POINT: Duration = Duration::from_secs(1);
/// Peers whose faults are remembered. Above it, the one closest to 0 is forgotten first.
const MAX_SCORED: usize = 4096;
/// Peers that are shut out at the same time. Above it, the ban that ends first ends now.
const MAX_BANNED: usize = 1024;

/// What a peer did wrong, as [`Mesh::judge`](crate::Mesh::judge) is told.
///
/// | Fault | Weight | So a ban after |
/// |---|---|---|
/// | `Signature` | 50 | 2 at once, or more than one in 50 s |
/// | `Malformed` | 40 | 3 |
/// | `Path` | 40 | 3 |
/// | `Replay` | 10 | 10 |
/// | `Unsolicited` | 10 | 10 |
/// | `Flood` | 2 | 50 refused messages |
///
/// A second makes one point good again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Bytes that no honest node sends: undecodable, not canonical, oversized.
    Malformed,
    /// A signature that does not verify. An honest node checks before it passes anything on.
    Signature,
    /// A path that was stripped, swapped, grafted or cut short.
    Path,
    /// Something that it has sent before, or that is over.
    Replay,
    /// An answer to what nobody asked.
    Unsolicited,
    /// More messages than it may send; noted by the network itself for each one refused.
    Flood,
}

impl Fault {
    /// Points that this fault costs.
    pub fn weight(self) -> i32 {
        match self {
            Self::Signature => 50,
            Self::Malformed | Self::Path => 40,
            Self::Replay | Self::Unsolicited => 10,
            Self::Flood => 2,
        }
    }
}

/// The scores of all peers that have faults, and the bans.
#[derive(Default)]
pub(crate) struct Scores {
    /// When a peer's score is 0 again: moving one instant is a score that decays without rounding.
    clean_at: HashMap<PeerId, Instant>,
    banned_until: BTreeMap<PeerId, Instant>,
    /// Bans that are new or over, until [`Scores::changes`] tells them.
    changed: BTreeMap<PeerId, bool>,
}

impl Scores {
    /// Notes a fault. Returns whether the peer is banned by it.
    pub(crate) fn judge(&mut self, peer: PeerId, fault: Fault, now: Instant) -> bool {
        if self.is_banned(peer, now) {
            return false;
        }
        self.make_room(peer, now);
        let clean_at = self.clean_at.entry(peer).or_insert(now);
        *clean_at = (*clean_at).max(now) + POINT.saturating_mul(fault.weight().unsigned_abs());
        if self.score(peer, now) > LIMIT {
            return false;
        }
        self.ban(peer, now);
        true
    }

    /// 0 for a peer without faults, less for others.
    pub(crate) fn score(&self, peer: PeerId, now: Instant) -> i32 {
        let left = self
            .clean_at
            .get(&peer)
            .map_or(Duration::ZERO, |clean_at| clean_at.saturating_duration_since(now));
        let points = left.as_millis().div_ceil(POINT.as_millis());
        i32::try_from(points).map_or(i32::MIN, |points| -points)
    }

    pub(crate) fn is_banned(&self, peer: PeerId, now: Instant) -> bool {
        self.banned_until.get(&peer).is_some_and(|until| *until > now)
    }

    /// Bans since the last call that began (`true`) or ended.
    pub(crate) fn changes(&mut self, now: Instant) -> BTreeMap<PeerId, bool> {
        let over = self.banned_until.iter().filter(|(_, until)| **until <= now);
        let over: Vec<_> = over.map(|(peer, _)| *peer).collect();
        for peer in over {
            self.banned_until.remove(&peer);
            self.changed.insert(peer, false);
        }
        std::mem::take(&mut self.changed)
    }

    fn make_room(&mut self, peer: PeerId, now: Instant) {
        if self.clean_at.len() < MAX_SCORED || self.clean_at.contains_key(&peer) {
            return;
        }
        self.clean_at.retain(|_, clean_at| *clean_at > now);
        if self.clean_at.len() >= MAX_SCORED {
            let mildest = self.clean_at.iter().min_by_key(|(_, clean_at)| **clean_at);
            if let Some(mildest) = mildest.map(|(peer, _)| *peer) {
                self.clean_at.remove(&mildest);
            }
        }
    }

    fn ban(&mut self, peer: PeerId, now: Instant) {
        if self.banned_until.len() >= MAX_BANNED {
            let first = self.banned_until.iter().min_by_key(|(_, until)| **until);
            if let Some(first) = first.map(|(peer, _)| *peer) {
                self.banned_until.remove(&first);
                self.changed.insert(first, false);
            }
        }
        self.banned_until.insert(peer, now + BAN);
        self.changed.insert(peer, true);
    }
}

#[cfg(test)]
mod tests;
