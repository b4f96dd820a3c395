//! Times: unix seconds, as chains tell them.

use borsh::{BorshDeserialize, BorshSerialize};

/// A span of time in seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Seconds(pub u64);

impl Seconds {
    /// So many minutes.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self(minutes.saturating_mul(60))
    }

    /// The sum; saturates, so that a deadline can only become later and never wrap.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times the span.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

/// Seconds since 1970-01-01 UTC, by the clock that is named beside it (a chain's median time or block time, or ours).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The time so much later.
    #[must_use]
    pub const fn plus(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The time so much earlier; 1970 at the earliest.
    #[must_use]
    pub const fn before(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long from `self` until `later`; nothing if that is over.
    #[must_use]
    pub const fn until(self, later: Self) -> Seconds {
        Seconds(later.0.saturating_sub(self.0))
    }
}

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(s) = *self;
        let (hours, minutes, seconds) = (s / 3600, s / 60 % 60, s % 60);
        match (hours, minutes) {
            (0, 0) => write!(f, "{seconds} s"),
            (0, _) => write!(f, "{minutes} min {seconds} s"),
            (_, _) => write!(f, "{hours} h {minutes} min"),
        }
    }
}

impl std::fmt::Display for UnixTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
