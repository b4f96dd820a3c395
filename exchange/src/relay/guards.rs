//! What a relay remembers beyond the claims it holds, and over a restart: which claims it saw, and which were
//! cancelled, each until nothing can come of it any more.

use crate::relay::quoted::LINGER_MS;
use crate::relay::{CancelRefused, Relay};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Cancel, Claim, ClaimId, MAX_CLAIM_LIFE_MS, MAX_QUOTE_LIFE_MS, NodeId, Signed};
use std::collections::BTreeMap;

/// So many claims are remembered by id for each that may be held: they are remembered for some minutes longer.
const SEEN_PER_CLAIM: usize = 3;

/// The guards as they are written down. At most 40 bytes a claim seen and 72 a cancel: 4 MB with the default bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Guards {
    /// Claims seen, and until when each is remembered (unix ms), by id.
    pub seen: Vec<(ClaimId, u64)>,
    /// Cancels, by claim and the key that signed: until when each is remembered.
    pub cancelled: Vec<(ClaimId, NodeId, u64)>,
}

/// The guards in use.
pub(super) struct Memory {
    most_seen: usize,
    most_cancelled: usize,
    seen: BTreeMap<ClaimId, u64>,
    cancelled: BTreeMap<(ClaimId, NodeId), u64>,
}

impl Memory {
    pub(super) const fn new(max_claims: usize) -> Self {
        Self {
            most_seen: max_claims.saturating_mul(SEEN_PER_CLAIM),
            most_cancelled: max_claims,
            seen: BTreeMap::new(),
            cancelled: BTreeMap::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.seen.len() < self.most_seen
    }

    /// Remembers the claim until the last quote for it, and the answer to that, is over.
    pub(super) fn see(&mut self, id: ClaimId, claim: &Claim, clock_skew_ms: u64) {
        let after = clock_skew_ms
            .saturating_add(MAX_QUOTE_LIFE_MS)
            .saturating_add(LINGER_MS);
        self.seen.insert(id, claim.expires_ms.saturating_add(after));
    }

    pub(super) fn saw(&self, id: &ClaimId) -> bool {
        self.seen.contains_key(id)
    }

    pub(super) fn is_cancelled(&self, id: &ClaimId, key: &NodeId) -> bool {
        self.cancelled.contains_key(&(*id, *key))
    }

    pub(super) fn expire(&mut self, now_ms: u64) {
        self.seen.retain(|_, until| *until >= now_ms);
        self.cancelled.retain(|_, until| *until >= now_ms);
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.seen.len(), self.cancelled.len())
    }

    pub(super) fn write(&self) -> Guards {
        Guards {
            seen: self.seen.iter().map(|(id, until)| (*id, *until)).collect(),
            cancelled: self
                .cancelled
                .iter()
                .map(|((id, key), until)| (*id, *key, *until))
                .collect(),
        }
    }

    fn read(&mut self, guards: Guards) {
        let seen = self.most_seen.saturating_sub(self.seen.len());
        self.seen.extend(guards.seen.into_iter().take(seen));
        let cancelled = self.most_cancelled.saturating_sub(self.cancelled.len());
        let cancels = guards.cancelled.into_iter().take(cancelled);
        self.cancelled
            .extend(cancels.map(|(id, key, until)| ((id, key), until)));
    }
}

impl Relay {
    /// What has to be written down, so that a restart forgets no claim that it saw: at most once a second will do.
    #[must_use]
    pub fn guards(&self) -> Guards {
        self.memory.write()
    }

    /// Takes up what was written down before a restart, as far as there is room. Claims in it are refused from now on,
    /// since their ways back are forgotten; nobody is blamed for sending them.
    pub fn restore(&mut self, guards: Guards) {
        self.memory.read(guards);
    }

    /// A claimant takes its claim back: it goes nowhere any more, and no quote for it is taken. Quotes that came by
    /// before can still be selected. `true`: it is news, to be passed on.
    pub fn cancel(&mut self, cancel: &Signed<Cancel>, now_ms: u64) -> Result<bool, CancelRefused> {
        let body = &cancel.body;
        if body.network != self.config.network {
            return Err(CancelRefused::Network);
        }
        if self.memory.is_cancelled(&body.claim, &body.key) {
            return Ok(false);
        }
        if body.expires_ms <= now_ms {
            let late_ms = now_ms.saturating_sub(body.expires_ms);
            return Err(CancelRefused::Expired { late_ms });
        }
        let skew = self.config.clock_skew_ms;
        let latest = now_ms.saturating_add(MAX_CLAIM_LIFE_MS).saturating_add(skew);
        if body.expires_ms > latest {
            let ahead_ms = body.expires_ms.saturating_sub(latest);
            let gross = ahead_ms > skew;
            return Err(CancelRefused::TooLong { ahead_ms, gross });
        }
        let held = self.claims.get(&body.claim);
        if held.is_some_and(|held| held.claim.body.key != body.key) {
            return Err(CancelRefused::Key);
        }
        // Cancels of claims that nobody has seen cannot take the place of those that matter.
        let all = self.memory.most_cancelled;
        let most = if held.is_some() { all } else { all.div_ceil(2) };
        if self.memory.cancelled.len() >= most {
            return Err(CancelRefused::Full(most));
        }
        // The claim itself may say that it lives longer than its cancel does.
        let until = held.map_or(body.expires_ms, |held| {
            held.claim.body.expires_ms.max(body.expires_ms)
        });
        cancel.check()?;
        let key = (body.claim, body.key);
        self.memory.cancelled.insert(key, until.saturating_add(skew));
        if let Some(held) = self.claims.remove(&body.claim) {
            self.neighbours.release(&held);
        }
        Ok(true)
    }
}
