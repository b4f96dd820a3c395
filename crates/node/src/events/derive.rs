//! From what is so to what is to be told of it. Pure.

use crate::driver::Live;
use crate::rpc::types::EventName;
use kofo_primitives::{LegId, Role, Side};
use kofo_settlement::{Ended, LegState, Outcome, Phase};

/// What was told of one claim or swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told(u16);

impl Told {
    /// Adds one.
    pub const fn add(&mut self, event: EventName) {
        self.0 |= Self::bit(event);
    }

    /// Whether this was told.
    #[must_use]
    pub const fn has(self, event: EventName) -> bool {
        self.0 & Self::bit(event) != 0
    }

    /// Whether nothing is left to be told.
    #[must_use]
    pub fn is_over(self) -> bool {
        EventName::ALL
            .iter()
            .any(|event| event.is_last() && self.has(*event))
    }

    /// As it is kept: one bit for each event, in the order of [`EventName::ALL`].
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// What was kept.
    #[must_use]
    pub const fn of_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// What either says.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The numbers are kept in journals: never change them.
    const fn bit(event: EventName) -> u16 {
        match event {
            EventName::Claimed => 1,
            EventName::Quoted => 1 << 1,
            EventName::Selected => 1 << 2,
            EventName::Committed => 1 << 3,
            EventName::AlphaLocked => 1 << 4,
            EventName::BetaLocked => 1 << 5,
            EventName::Redeemed => 1 << 6,
            EventName::Complete => 1 << 7,
            EventName::Refunding => 1 << 8,
            EventName::Refunded => 1 << 9,
            EventName::Aborted => 1 << 10,
            EventName::Lost => 1 << 11,
        }
    }
}

/// What a claim of ours has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimFacts {
    /// A quote came.
    pub quoted: bool,
    /// A quote was selected.
    pub selected: bool,
    /// It is over and no swap came of it.
    pub came_to_nothing: bool,
}

/// What is to be told of a claim now, in order.
#[must_use]
pub fn claim_events(told: Told, facts: ClaimFacts) -> Vec<EventName> {
    let mut news = News::after(told);
    news.tell(EventName::Claimed, true);
    news.tell(EventName::Quoted, facts.quoted || facts.selected);
    news.tell(EventName::Selected, facts.selected);
    news.tell(EventName::Aborted, facts.came_to_nothing);
    news.events
}

/// What a swap has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwapFacts {
    /// All alpha legs are locked and final.
    pub alpha_locked: bool,
    /// All beta legs are locked and final.
    pub beta_locked: bool,
    /// All our redeems are in blocks.
    pub redeemed: bool,
    /// We wait for our timelock and take our lock back.
    pub refunding: bool,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl SwapFacts {
    /// Of a swap as it is.
    #[must_use]
    pub fn of(live: &Live) -> Self {
        let (role, phase, legs) = (live.terms().role(), live.swap().phase(), live.swap().legs());
        let locked = |side: Side| {
            let mut there = legs.iter().filter(|(id, _)| id.side == side);
            there.all(|(_, leg)| locked_finally(leg))
        };
        let theirs = |id: &LegId| id.side != role.locks();
        let mut incoming = legs.iter().filter(|(id, _)| theirs(id));
        Self {
            alpha_locked: locked(Role::Initiator.locks()),
            beta_locked: locked(Role::Participant.locks()),
            redeemed: incoming.all(|(_, leg)| redeemed(leg)),
            refunding: phase == Phase::Refunding,
            outcome: match phase {
                Phase::Done(outcome) => Some(outcome),
                _ => None,
            },
        }
    }
}

fn locked_finally(leg: &LegState) -> bool {
    leg.wrong.is_none() && leg.locked.is_some_and(|sighting| sighting.is_final)
}

fn redeemed(leg: &LegState) -> bool {
    leg.ended
        .is_some_and(|ended| matches!(ended, Ended::Redeemed(_)) && ended.in_block())
}

/// What is to be told of a swap now, in order. A reorg takes back nothing that was told: what was final is rarely undone,
/// and what comes after says how it went on.
#[must_use]
pub fn swap_events(told: Told, facts: SwapFacts) -> Vec<EventName> {
    let mut news = News::after(told);
    news.tell(EventName::Committed, true);
    let won = facts.outcome == Some(Outcome::Redeemed);
    let redeemed = won || (facts.redeemed && facts.outcome.is_none());
    // Nobody redeems before both sides are locked; and whoever takes its lock back cares no more whose other lock came.
    let locks = redeemed || !told.has(EventName::Refunding);
    let alpha = facts.alpha_locked || redeemed;
    news.tell(EventName::AlphaLocked, locks && alpha);
    let alpha_told = news.told.has(EventName::AlphaLocked);
    news.tell(
        EventName::BetaLocked,
        locks && alpha_told && (facts.beta_locked || redeemed),
    );
    let back = facts.outcome == Some(Outcome::Refunded);
    news.tell(EventName::Refunding, back || (facts.refunding && !redeemed));
    news.tell(EventName::Redeemed, redeemed);
    match facts.outcome {
        Some(Outcome::Redeemed) => news.tell(EventName::Complete, true),
        Some(Outcome::Refunded) => news.tell(EventName::Refunded, true),
        Some(Outcome::Aborted) => news.tell(EventName::Aborted, true),
        Some(Outcome::Lost) => news.tell(EventName::Lost, true),
        None => {}
    }
    news.events
}

struct News {
    told: Told,
    over: bool,
    events: Vec<EventName>,
}

impl News {
    fn after(told: Told) -> Self {
        Self {
            told,
            over: told.is_over(),
            events: Vec::new(),
        }
    }

    fn tell(&mut self, event: EventName, is_so: bool) {
        if is_so && !self.over && !self.told.has(event) {
            self.told.add(event);
            self.events.push(event);
        }
    }
}

#[cfg(test)]
mod tests;
