//! The one place where the node reads the clock.

use kofo_primitives::UnixTime;
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by our clock.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970 by our clock.
#[must_use]
pub fn now() -> UnixTime {
    UnixTime(now_ms() / 1000)
}
