//! When an order is looked at though nobody said anything: after each time that can change what is due.
//!
//! An order has one timer at a time, for the next such time; one of an order that is over does nothing. So the timers do
//! not grow with what was settled.

use super::contested;
use super::facts::{Tally, final_by};
use super::faults::{closing, due, ending, late_after};
use super::live::{Live, ms};
use crate::ledger::Step;
use crate::timers::{Timer, remind};
use kofo_primitives::{LegId, Side, SwapId};

/// The next time after now at which something can be due (unix ms).
fn next(live: &Live, now_ms: u64, step: &Step<'_>) -> Option<u64> {
    let [unclear, unobserved] = closing(live, step.params());
    let past = |time_ms: u64| time_ms.saturating_add(1);
    let times = [
        Some(past(ms(live.by.alpha_lock_by))),
        due(live).map(past),
        Some(past(final_by(live))),
        late_after(live).map(past),
        Some(past(ms(live.by.redeem_by))),
        Some(past(ms(live.alpha.timelock))),
        Some(unclear),
        Some(unobserved),
    ];
    times.into_iter().flatten().filter(|time| *time > now_ms).min()
}

/// Sees to it that the order is looked at in time.
pub(super) fn schedule(step: &mut Step<'_>, id: SwapId, live: &mut Live) {
    let now_ms = step.time_ms;
    let Some(next) = next(live, now_ms, step) else {
        return;
    };
    if live.wake_ms <= now_ms || next < live.wake_ms {
        live.wake_ms = next;
        remind(step.state, next, &Timer::Order(id));
    }
}

/// Looks whether an order is over; keeps it if not.
pub(super) fn look(step: &mut Step<'_>, id: SwapId, mut live: Live) {
    let of = |side, leg| Tally::of(step.state, id, LegId::first(side), leg);
    let (alpha, beta) = (of(Side::Alpha, &live.alpha), of(Side::Beta, &live.beta));
    match ending(&live, &alpha, &beta, (step.time_ms, step.params())) {
        Some(ending) => super::endings::end(step, id, &live, ending),
        None => {
            schedule(step, id, &mut live);
            live.put(step.state, &id);
        }
    }
}

/// A time that was written down for an order is reached.
pub(crate) fn due_now(step: &mut Step<'_>, id: SwapId) {
    match Live::get(step.state, &id) {
        Some(live) => look(step, id, live),
        None => contested::forget_if_old(step, id),
    }
}
