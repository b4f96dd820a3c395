//! How a fee climbs while its transaction waits: from what was first paid to the most, in even steps, so that the most
//! is paid before the deadline. Pure.
//!
//! A rung is an eighth more (nodes want a tenth to replace a transaction). The rungs between the present fee and the
//! cap are spread evenly over the time that is left, so a fee that starts low or late climbs faster, and one that was
//! started over after a crash still arrives. Both parts of a fee climb at once, because nodes want both to rise; the
//! smaller one takes more rungs in a step, so that both arrive together.

use super::Fee;

/// Between when the present fee was first sent and when the most must be paid. All by one clock: seconds of the chain's
/// time, or heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The present fee was sent.
    pub(crate) since: u64,
    pub(crate) now: u64,
    /// From here on the most is paid.
    pub(crate) deadline: u64,
}

impl Span {
    /// How many of so many rungs are due.
    fn due(self, rungs: u64) -> u64 {
        if self.now >= self.deadline {
            return rungs;
        }
        let (gone, all) = (
            self.now.saturating_sub(self.since),
            self.deadline.saturating_sub(self.since),
        );
        // One more part than rungs: the last rung is reached one part before the deadline.
        let parts = u128::from(gone).saturating_mul(u128::from(rungs).saturating_add(1));
        let due = parts.checked_div(u128::from(all)).unwrap_or(u128::from(rungs));
        u64::try_from(due).unwrap_or(rungs).min(rungs)
    }
}

/// The least that replaces this.
pub(super) fn eighth_more(part: u128) -> u128 {
    part.saturating_add(part.div_ceil(8).max(1))
}

/// What the schedule has in place of `old` by now; `None`: `old` is still enough, or nothing above it is within the cap.
pub(crate) fn due(old: Fee, cap: u128, span: Span) -> Option<Fee> {
    let rungs = rungs_within(old.max, cap);
    let steps = span.due(rungs);
    if steps == 0 {
        return None;
    }
    if steps == rungs {
        return Some(Fee { max: cap, tip: cap });
    }
    let max = climbed(old.max, steps, cap);
    let for_tip = rungs_to(old.tip, cap).saturating_mul(steps).div_ceil(rungs);
    let tip = climbed(old.tip, for_tip, cap).min(max);
    Some(Fee { max, tip })
}

/// So often an eighth can be added without passing the cap.
fn rungs_within(from: u128, cap: u128) -> u64 {
    let mut rungs = 0u64;
    let mut part = eighth_more(from);
    while part <= cap && part < u128::MAX {
        rungs = rungs.saturating_add(1);
        part = eighth_more(part);
    }
    rungs
}

/// So often an eighth must be added until the cap is reached.
fn rungs_to(from: u128, cap: u128) -> u64 {
    let mut rungs = 0u64;
    let mut part = from;
    while part < cap {
        rungs = rungs.saturating_add(1);
        part = eighth_more(part);
    }
    rungs
}

fn climbed(from: u128, rungs: u64, cap: u128) -> u128 {
    let mut part = from;
    for _ in 0..rungs {
        if part >= cap {
            break;
        }
        part = eighth_more(part);
    }
    part.min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A fee, and a cap that is not below it.
    fn fees() -> impl Strategy<Value = (Fee, u128)> {
        let below = |most: u128| 0..=most;
        let max = (1u128..1 << 60).prop_flat_map(move |cap| (Just(cap), below(cap)));
        max.prop_flat_map(move |(cap, max)| (Just(cap), Just(max), below(max)))
            .prop_map(|(cap, max, tip)| (Fee { max, tip }, cap))
    }

    prop_compose! {
        fn spans()(since in 0u64..1 << 40, until in 1u64..1 << 20, gone in 0u64..1 << 20) -> Span {
            Span { since, now: since + gone, deadline: since + until }
        }
    }

    fn replaces(new: Fee, old: Fee) -> bool {
        let enough = |new: u128, old: u128| new * 8 >= old * 9 && new > old;
        enough(new.max, old.max) && enough(new.tip, old.tip)
    }

    proptest! {
        #[test]
        fn a_fee_on_the_schedule_replaces_the_one_before_and_is_never_above_the_cap((old, cap) in fees(), span in spans()) {
            if let Some(new) = due(old, cap, span) {
                prop_assert!(replaces(new, old), "{new:?} after {old:?}");
                prop_assert!(new.max <= cap && new.tip <= new.max, "{new:?} under {cap}");
            }
        }

        #[test]
        fn the_less_time_is_left_the_more_is_paid((old, cap) in fees(), span in spans(), later in 0u64..1 << 20, sooner in 0u64..1 << 20) {
            let fee = |span| due(old, cap, span).unwrap_or(old);
            let now = fee(span);
            for urgent in [
                fee(Span { now: span.now + later, ..span }),
                fee(Span { deadline: span.deadline.saturating_sub(sooner).max(span.since), ..span }),
            ] {
                prop_assert!(urgent.max >= now.max && urgent.tip >= now.tip, "{urgent:?} after {now:?}");
            }
        }

        /// As it goes in life: a look at each block, and the schedule starts over with each new fee.
        #[test]
        fn the_most_is_paid_before_the_deadline((old, cap) in fees(), blocks in 2u64..400, block in 1u64..60) {
            let deadline = blocks * block;
            let (mut fee, mut since) = (old, 0);
            let mut bumps = 0;
            for now in (0..deadline).step_by(usize::try_from(block).unwrap()) {
                if let Some(new) = due(fee, cap, Span { since, now, deadline }) {
                    prop_assert!(replaces(new, fee));
                    (fee, since, bumps) = (new, now, bumps + 1);
                }
            }
            let last = due(fee, cap, Span { since, now: deadline, deadline }).unwrap_or(fee);
            let no_more = eighth_more(last.max) > cap;
            prop_assert!(no_more, "{last:?} of {cap} at the deadline");
            // A block before it already, unless there were fewer blocks than rungs.
            if blocks > rungs_within(old.max, cap) + 2 {
                prop_assert!(eighth_more(fee.max) > cap, "{fee:?} of {cap} before the deadline");
            }
            prop_assert!(bumps <= rungs_within(old.max, cap));
        }
    }

    #[test]
    fn both_parts_arrive_together_however_small_the_tip_was() {
        let (old, cap) = (Fee { max: 21, tip: 1 }, 200);
        let span = |now| Span {
            since: 0,
            now,
            deadline: 100,
        };
        assert_eq!(due(old, cap, span(0)), None);
        let half = due(old, cap, span(50)).unwrap();
        assert!(
            half.max > 42 && half.max < 120 && half.tip > 5 && half.tip < 40,
            "{half:?}"
        );
        assert_eq!(due(old, cap, span(99)), Some(Fee { max: 200, tip: 200 }));
    }

    #[test]
    fn past_the_deadline_and_without_any_time_the_most_is_due_at_once() {
        let old = Fee { max: 10, tip: 2 };
        let most = Some(Fee { max: 100, tip: 100 });
        for (now, deadline) in [(5, 5), (7, 5), (9, 0)] {
            assert_eq!(
                due(
                    old,
                    100,
                    Span {
                        since: 5,
                        now,
                        deadline
                    }
                ),
                most
            );
        }
    }
}
