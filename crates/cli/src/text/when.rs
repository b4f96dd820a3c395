//! Moments as people read them.

use kofo_node::clock;
use kofo_primitives::Seconds;

/// A moment (unix ms) from here: `in 90 s`, `now`, `2 h ago`.
#[must_use]
pub fn when_ms(at_ms: u64) -> String {
    from(clock::now_ms(), at_ms)
}

fn from(now_ms: u64, at_ms: u64) -> String {
    let whole = |ms: u64| Seconds(ms.div_ceil(1_000));
    match (at_ms.checked_sub(now_ms), now_ms.checked_sub(at_ms)) {
        (Some(ahead), _) if ahead > 0 => format!("in {}", whole(ahead)),
        (_, Some(past)) if past >= 1_000 => format!("{} ago", whole(past)),
        _ => "now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_from_now() {
        assert_eq!(from(1_000, 91_000), "in 1 min 30 s");
        assert_eq!(from(91_000, 1_000), "1 min 30 s ago");
        assert_eq!(from(1_500, 1_000), "now");
    }
}
