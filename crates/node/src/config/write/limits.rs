//! The limits, as text.

use super::super::LimitConfig;
use super::super::page::{Page, quoted};

pub(super) fn part(out: &mut Page, limits: &[LimitConfig]) {
    out.gap();
    out.note("How much this node gives away without a second word of yours, in whole units of each asset: in one swap, in");
    out.note("the swaps of an hour, and in all that go on. A swap above a limit waits, with nothing locked, until you say");
    out.note("`kofo swap approve ID` or `kofo swap decline ID`, or until it is too late for it; a claim above one is not");
    out.note("quoted for. \"0\" asks for your word each time; what is not named has no limit.");
    if limits.is_empty() {
        for line in [
            "[limits.BTC]",
            "per_swap = \"1\"",
            "per_hour = \"5\"",
            "in_flight = \"5\"",
        ] {
            out.note(line);
        }
    }
    for limit in limits {
        out.table(&["limits", &limit.symbol]);
        let keys = [
            ("per_swap", &limit.per_swap),
            ("per_hour", &limit.per_hour),
            ("in_flight", &limit.in_flight),
        ];
        for (key, most) in keys {
            match most {
                Some(most) => out.key(key, quoted(most)),
                None => out.note(&format!("{key} = \"1\"")),
            }
        }
    }
}
