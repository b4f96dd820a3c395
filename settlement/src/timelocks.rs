//! How long everything may take, and the timelocks that follow from it.
//!
//! Seconds from the agreement, for the slowest chain of each side (A locks alpha, B locks beta; `c` is the depth at
//! which a fact is final; Q(k) is the time in which k confirmations come in 999 of 1,000 cases):
//!
//! ```text
//! L1 = Q_A(c) + δ                    alpha is final
//! L2 = L1 + Q_B(c) + δ               beta is final
//! R  = L2 + reveal_B                 the initiator's redeem of beta is final
//! T2 = R + slack                     beta's timelock
//! T1 = T2 + ref_B + Q_A(c) + δ_mon + Q_A(1) + slack      alpha's timelock
//! ```
//!
//! `reveal_B = max(Q_B(c) + δ, floor_B)`: nobody reveals with less left, and on a chain whose block builders can be
//! bribed to leave one transaction out the floor is half an hour. `ref_B` is the time from T2 until beta can no longer
//! be redeemed, which is until the refund is *final*: redeem stays open until then on every chain. Both timelocks are
//! rounded up, T2 to [`Margins::round`] and T1 to the same.

use kofo_primitives::{ChainId, Seconds, UnixTime};
use std::collections::BTreeMap;

/// How fast one chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Q(1): the first confirmation.
    pub first: Seconds,
    /// Q(c): final.
    pub last: Seconds,
    /// From the timelock until a refund is final.
    pub refund: Seconds,
    /// The least time before the timelock at which a preimage may be shown on this chain.
    pub reveal_floor: Seconds,
}

/// Bitcoin at depth 3: 99.9 % quantiles of 1 and 3 blocks at 10 minutes. A refund waits for the median time past (six
/// blocks: 165 min) and is final after three more (112 min).
pub const BITCOIN: Pace = Pace {
    first: Seconds::minutes(69),
    last: Seconds::minutes(112),
    refund: Seconds::minutes(165 + 112),
    reveal_floor: Seconds::minutes(0),
};

/// Ethereum at depth 12: five minutes also for a first confirmation, because a transaction may be priced out for a
/// while; a refund is one confirmation to depth and one fee bump.
pub const ETHEREUM: Pace = Pace {
    first: Seconds::minutes(5),
    last: Seconds::minutes(5),
    refund: Seconds::minutes(10),
    reveal_floor: Seconds::minutes(30),
};

/// Echoin: ten-second blocks that are final at depth 1.
pub const ECHOIN: Pace = Pace {
    first: Seconds::minutes(1),
    last: Seconds::minutes(1),
    refund: Seconds::minutes(2),
    reveal_floor: Seconds::minutes(30),
};

impl Pace {
    /// A chain of tests that mines every second or two: generous against a busy machine, because a missed window
    /// turns a test of a redeem into one of a refund.
    pub const REGTEST: Self = Self {
        first: Seconds(60),
        last: Seconds(60),
        refund: Seconds(120),
        reveal_floor: Seconds(60),
    };
}

/// What is added for delays that no chain causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// δ: a node needs this long to notice and to act.
    pub delta: Seconds,
    /// δ_mon: the timeout monitor's period, and a restart.
    pub monitor: Seconds,
    /// So much later than planned may a swap begin.
    pub slack: Seconds,
    /// Timelocks are rounded up to a multiple of this from the agreement.
    pub round: Seconds,
}

impl Margins {
    /// For real networks.
    pub const STANDARD: Self = Self {
        delta: Seconds::minutes(10),
        monitor: Seconds::minutes(10),
        slack: Seconds::minutes(30),
        round: Seconds::minutes(60),
    };

    /// For chains of tests.
    pub const REGTEST: Self = Self {
        delta: Seconds(30),
        monitor: Seconds(30),
        slack: Seconds(120),
        round: Seconds(60),
    };
}

/// A timelock so many times longer than ours would be is refused: our asset would be locked for nothing.
const LONGEST: u64 = 3;

/// The timelocks of both sides, as spans from the agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timelocks {
    /// T1.
    pub alpha: Seconds,
    /// T2.
    pub beta: Seconds,
}

/// The windows of one pair of sides, all derived from the paces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Least time left on beta when alpha's lock is sent.
    pub(crate) lock_alpha: Seconds,
    /// Least time left on beta when beta's lock is sent: final, then the reveal.
    pub(crate) lock_beta: Seconds,
    /// Least time left on beta when the preimage is shown.
    pub(crate) reveal: Seconds,
    /// Least distance of the timelocks: ref_B + Q_A(c) + δ_mon + Q_A(1).
    pub(crate) gap: Seconds,
}

/// Why no timelocks, or why these are not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimelockError {
    /// Nothing is known of the chain's speed.
    #[error("no timelock policy for chain {0}: add the chain to the configuration")]
    UnknownChain(ChainId),
    /// A side without legs.
    #[error("a side has no legs")]
    NoLegs,
    /// Beta's timelock comes too soon to lock, wait and redeem before it.
    #[error("beta's timelock is {have} away, expected at least {need}: ask for a new acceptance")]
    BetaTooSoon {
        /// Time until it.
        have: Seconds,
        /// The least.
        need: Seconds,
    },
    /// Alpha's timelock comes too soon after beta's.
    #[error("alpha's timelock is {have} after beta's, expected at least {need}")]
    GapTooShort {
        /// The distance.
        have: Seconds,
        /// The least.
        need: Seconds,
    },
    /// A timelock is so far away that an asset would be locked for nothing.
    #[error("a timelock is {have} away, expected at most {most}")]
    TooLong {
        /// Time until it.
        have: Seconds,
        /// The most.
        most: Seconds,
    },
}

/// The policy of one network: how fast its chains are, and the margins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The chains that we know.
    pub paces: BTreeMap<ChainId, Pace>,
    /// The margins.
    pub margins: Margins,
}

/// By when the steps of a swap have to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// The initiator sends its locks by then, or not at all.
    pub alpha_lock_by: UnixTime,
    /// The participant sends its locks by then, or not at all.
    pub beta_lock_by: UnixTime,
    /// The initiator shows the preimage by then, or not at all.
    pub redeem_by: UnixTime,
}

impl Policy {
    /// The timelocks for a swap of these chains that is agreed now.
    pub fn timelocks(&self, alpha: &[ChainId], beta: &[ChainId]) -> Result<Timelocks, TimelockError> {
        Ok(timelocks(
            self.slowest(alpha)?,
            self.slowest(beta)?,
            &self.margins,
        ))
    }

    /// By when each step of a swap has to be done if beta ends then: later the machines do not do it.
    pub fn deadlines(
        &self,
        alpha: &[ChainId],
        beta: &[ChainId],
        beta_timelock: UnixTime,
    ) -> Result<Deadlines, TimelockError> {
        let windows = self.windows(alpha, beta)?;
        Ok(Deadlines {
            alpha_lock_by: beta_timelock.before(windows.lock_alpha),
            beta_lock_by: beta_timelock.before(windows.lock_beta),
            redeem_by: beta_timelock.before(windows.reveal),
        })
    }

    /// Whether timelocks that somebody proposes are safe now, for either party.
    pub fn safe(
        &self,
        chains: (&[ChainId], &[ChainId]),
        alpha: UnixTime,
        beta: UnixTime,
        now: UnixTime,
    ) -> Result<(), TimelockError> {
        self.check(chains, (alpha, alpha), (beta, beta), now).map(|_| ())
    }

    pub(crate) fn windows(&self, alpha: &[ChainId], beta: &[ChainId]) -> Result<Windows, TimelockError> {
        Ok(windows(self.slowest(alpha)?, self.slowest(beta)?, &self.margins))
    }

    /// Whether these timelocks are safe now, whichever party we are. `now` is the latest of all clocks we have: the
    /// pessimistic one.
    pub(crate) fn check(
        &self,
        chains: (&[ChainId], &[ChainId]),
        alpha: (UnixTime, UnixTime),
        beta: (UnixTime, UnixTime),
        now: UnixTime,
    ) -> Result<Windows, TimelockError> {
        let (ours, windows) = (
            self.timelocks(chains.0, chains.1)?,
            self.windows(chains.0, chains.1)?,
        );
        let (first_alpha, last_alpha) = alpha;
        let (first_beta, last_beta) = beta;
        let (have, need) = (now.until(first_beta), windows.lock_alpha);
        if have < need {
            return Err(TimelockError::BetaTooSoon { have, need });
        }
        let (have, need) = (last_beta.until(first_alpha), windows.gap);
        if have < need {
            return Err(TimelockError::GapTooShort { have, need });
        }
        let (have, most) = (now.until(last_alpha), ours.alpha.times(LONGEST));
        if have > most {
            return Err(TimelockError::TooLong { have, most });
        }
        Ok(windows)
    }

    /// The slowest chain of a side in every respect: a side is final when all its legs are.
    fn slowest(&self, chains: &[ChainId]) -> Result<Pace, TimelockError> {
        let mut slowest: Option<Pace> = None;
        for chain in chains {
            let pace = *self
                .paces
                .get(chain)
                .ok_or_else(|| TimelockError::UnknownChain(chain.clone()))?;
            let so_far = slowest.unwrap_or(pace);
            slowest = Some(Pace {
                first: so_far.first.max(pace.first),
                last: so_far.last.max(pace.last),
                refund: so_far.refund.max(pace.refund),
                reveal_floor: so_far.reveal_floor.max(pace.reveal_floor),
            });
        }
        slowest.ok_or(TimelockError::NoLegs)
    }
}

const fn longer(a: Seconds, b: Seconds) -> Seconds {
    if a.0 > b.0 { a } else { b }
}

const fn round_up(span: Seconds, to: Seconds) -> Seconds {
    match span.0.checked_next_multiple_of(to.0) {
        Some(rounded) => Seconds(rounded),
        None => Seconds(u64::MAX),
    }
}

const fn windows(a: Pace, b: Pace, margins: &Margins) -> Windows {
    let reveal = longer(b.last.plus(margins.delta), b.reveal_floor);
    let lock_beta = b.last.plus(margins.delta).plus(reveal);
    let lock_alpha = a.last.plus(margins.delta).plus(lock_beta);
    let gap = b.refund.plus(a.last).plus(margins.monitor).plus(a.first);
    Windows {
        lock_alpha,
        lock_beta,
        reveal,
        gap,
    }
}

const fn timelocks(a: Pace, b: Pace, margins: &Margins) -> Timelocks {
    let windows = windows(a, b, margins);
    let beta = round_up(windows.lock_alpha.plus(margins.slack), margins.round);
    let alpha = round_up(beta.plus(windows.gap).plus(margins.slack), margins.round);
    Timelocks { alpha, beta }
}

// The table of docs/protocol/settlement.md, and what the review of the design demands of it.
const _: () = {
    const fn is(a: Pace, b: Pace, alpha_h: u64, beta_h: u64) -> bool {
        let t = timelocks(a, b, &Margins::STANDARD);
        t.alpha.0 == alpha_h * 3600 && t.beta.0 == beta_h * 3600
    }
    assert!(is(BITCOIN, ETHEREUM, 8, 4));
    assert!(is(BITCOIN, ECHOIN, 8, 4));
    assert!(is(ETHEREUM, BITCOIN, 11, 5));
    assert!(is(ECHOIN, BITCOIN, 11, 5));
    assert!(is(ETHEREUM, ECHOIN, 3, 2));
    assert!(is(ECHOIN, ETHEREUM, 3, 2));
    // Whoever bribes block builders must keep a transaction out for half an hour.
    assert!(ETHEREUM.reveal_floor.0 >= 30 * 60 && ECHOIN.reveal_floor.0 >= 30 * 60);
    // The reveal counts full depth, not one confirmation.
    assert!(windows(ETHEREUM, BITCOIN, &Margins::STANDARD).reveal.0 >= BITCOIN.last.0);
    // A refund on Bitcoin waits for the median time and for its own depth.
    assert!(BITCOIN.refund.0 >= BITCOIN.last.0 + 165 * 60);
    assert!(BITCOIN.first.0 <= BITCOIN.last.0 && ETHEREUM.first.0 <= ETHEREUM.last.0);
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pace() -> impl Strategy<Value = Pace> {
        (1u64..10_000, 0u64..10_000, 0u64..50_000, 0u64..5_000).prop_map(|(first, more, refund, floor)| {
            Pace {
                first: Seconds(first),
                last: Seconds(first + more),
                refund: Seconds(first + more + refund),
                reveal_floor: Seconds(floor),
            }
        })
    }

    proptest! {
        #[test]
        fn the_participant_always_has_time_to_redeem_alpha_after_beta_is_over(a in pace(), b in pace()) {
            for margins in [Margins::STANDARD, Margins::REGTEST] {
                let t = timelocks(a, b, &margins);
                prop_assert!(t.alpha.0 >= t.beta.0 + b.refund.0 + a.last.0 + a.first.0);
            }
        }

        #[test]
        fn the_initiator_always_has_time_to_reveal_after_both_locks(a in pace(), b in pace()) {
            let t = timelocks(a, b, &Margins::STANDARD);
            prop_assert!(t.beta.0 >= a.last.0 + b.last.0 + b.last.0.max(b.reveal_floor.0));
        }
    }

    #[test]
    fn what_we_propose_we_also_accept_and_not_much_else() {
        let (btc, eth) = (
            ChainId::new("bip122:a").unwrap(),
            ChainId::new("eip155:1").unwrap(),
        );
        let paces = BTreeMap::from([(btc.clone(), BITCOIN), (eth.clone(), ETHEREUM)]);
        let policy = Policy {
            paces,
            margins: Margins::STANDARD,
        };
        let chains: (&[ChainId], &[ChainId]) = (&[btc], &[eth]);
        let ours = policy.timelocks(chains.0, chains.1).unwrap();
        let now = UnixTime(1_000_000);
        let check = |alpha: UnixTime, beta: UnixTime, now| {
            policy
                .check(chains, (alpha, alpha), (beta, beta), now)
                .map(|_| ())
        };
        let (t1, t2) = (now.plus(ours.alpha), now.plus(ours.beta));
        assert_eq!(check(t1, t2, now), Ok(()));
        assert_eq!(
            check(t1, t2, now.plus(Seconds::minutes(30))),
            Ok(()),
            "half an hour of slack"
        );
        let late = check(t1, t2, now.plus(Seconds::minutes(90)));
        assert!(matches!(late, Err(TimelockError::BetaTooSoon { .. })), "{late:?}");
        let close = check(t2.plus(Seconds::minutes(60)), t2, now);
        assert!(
            matches!(close, Err(TimelockError::GapTooShort { .. })),
            "{close:?}"
        );
        let years = check(t1.plus(Seconds::minutes(60 * 24 * 365)), t2, now);
        assert!(matches!(years, Err(TimelockError::TooLong { .. })), "{years:?}");
    }

    #[test]
    fn a_side_is_as_slow_as_its_slowest_chain() {
        let (btc, eth) = (
            ChainId::new("bip122:a").unwrap(),
            ChainId::new("eip155:1").unwrap(),
        );
        let paces = BTreeMap::from([(btc.clone(), BITCOIN), (eth.clone(), ETHEREUM)]);
        let policy = Policy {
            paces,
            margins: Margins::STANDARD,
        };
        let both = policy
            .timelocks(&[btc.clone(), eth.clone()], std::slice::from_ref(&eth))
            .unwrap();
        assert_eq!(both, policy.timelocks(&[btc], &[eth]).unwrap());
        let unknown = ChainId::new("eip155:2").unwrap();
        assert_eq!(
            policy.timelocks(std::slice::from_ref(&unknown), &[]),
            Err(TimelockError::UnknownChain(unknown))
        );
    }
}
