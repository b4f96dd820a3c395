//! How an order ends, and whose fault that is: a pure function of the order, of what is certain of its legs and of the
//! time of the batch. Who gets what then is [`super::endings`]'.
//!
//! Every fault needs certainty, so that it waits while a third of the observers are silent. Who is late for a reason that
//! is not its own owes nothing: then everything goes back.

use super::facts::{Tally, final_by};
use super::live::{Live, ms};
use crate::genesis::Params;
use crate::op::Fact;
use crate::receipt::Ending;

/// By when beta was to be seen (unix ms), if the provider had to lock at all: alpha was never taken back, and left
/// enough time to lock and to reveal. The clock runs from the batch that made alpha certainly final.
///
/// `alpha_lock_by` is when alpha is to be seen. On a slow chain it is final only later: then the provider has until
/// `beta_lock_by`, and owes nothing if that is too near to notice, to lock and to be seen.
pub(crate) fn due(live: &Live) -> Option<u64> {
    let since = live.alpha.final_ms?;
    let [first, last] = [live.by.alpha_lock_by, live.by.beta_lock_by].map(ms);
    let in_time = since <= first || since.saturating_add(reveal_ms(live)) <= last;
    let left = ms(live.beta.timelock).saturating_sub(since);
    let enough = left >= reveal_ms(live).saturating_mul(2);
    let owed = in_time && enough && !live.alpha.unsaid;
    let span = last.saturating_sub(first);
    owed.then_some(since.saturating_add(span).min(last))
}

/// A provider that had to lock is late if beta is not final by then (unix ms). Not sooner than it can be for whoever
/// locks when it must: nobody is late by construction.
pub(crate) fn late_after(live: &Live) -> Option<u64> {
    let in_time = |due: u64| due.saturating_add(reveal_ms(live)).max(final_by(live));
    due(live).map(in_time)
}

const fn reveal_ms(live: &Live) -> u64 {
    live.reveal.0.saturating_mul(1_000)
}

/// How it ended, if it did.
pub(crate) fn ending(
    live: &Live,
    alpha: &Tally,
    beta: &Tally,
    (now_ms, params): (u64, &Params),
) -> Option<Ending> {
    let ended = (alpha.ended(), beta.ended());
    if ended.1 == Some(Fact::Redeemed) {
        return Some(Ending::Settled);
    }
    never_locked(live, alpha, beta, now_ms)
        .or_else(|| walked(live, beta, now_ms))
        .or_else(|| match ended {
            // The preimage was shown, and beta not taken in time: the trade was done all the same.
            (Some(Fact::Redeemed), Some(Fact::Refunded)) => Some(Ending::Settled),
            (Some(Fact::Refunded), Some(Fact::Refunded)) => Some(both_refunded(live)),
            (Some(Fact::Refunded), None) if beta.absent() => Some(Ending::Refunded),
            (Some(_) | None, Some(_) | None) => None,
        })
        .or_else(|| time_is_over(live, ended, now_ms, params))
}

/// Alpha is not there, by tips past its time.
fn never_locked(live: &Live, alpha: &Tally, beta: &Tally, now_ms: u64) -> Option<Ending> {
    let by = ms(live.by.alpha_lock_by);
    if now_ms <= by || !alpha.absent_past(by) {
        return None;
    }
    if live.alpha.seen_ms.is_none() && !live.alpha.unsaid {
        return Some(Ending::NeverLocked);
    }
    // It was there, and its chain took it back: nobody's fault once the provider has its own.
    let provider_has_its_own = beta.absent() || beta.ended() == Some(Fact::Refunded);
    provider_has_its_own.then_some(Ending::Refunded)
}

/// The provider had to lock, and beta was never there, by tips past its time.
fn walked(live: &Live, beta: &Tally, now_ms: u64) -> Option<Ending> {
    let due = due(live)?;
    let never = live.beta.seen_ms.is_none() && !live.beta.unsaid;
    (never && now_ms > due && beta.absent_past(due)).then_some(Ending::ProviderWalked)
}

/// Both have their own back: who was it that did not go on?
fn both_refunded(live: &Live) -> Ending {
    let in_time = |since: u64| since <= final_by(live);
    if live.alpha.unsaid || live.beta.unsaid {
        Ending::Refunded
    } else if live.beta.final_ms.is_some_and(in_time) && live.alpha.final_ms.is_some() {
        Ending::InitiatorWalked
    } else if live.beta.late {
        Ending::ProviderLate
    } else {
        Ending::Refunded
    }
}

/// What ends an order that nothing else ended.
fn time_is_over(
    live: &Live,
    ended: (Option<Fact>, Option<Fact>),
    now_ms: u64,
    params: &Params,
) -> Option<Ending> {
    let [unclear_ms, unobserved_ms] = closing(live, params);
    if now_ms >= unclear_ms {
        let shown = ended.0 == Some(Fact::Redeemed);
        if shown || ended.0 == Some(Fact::Unclear) || ended.1 == Some(Fact::Unclear) {
            return Some(Ending::Unclear);
        }
        // Who leaves its own locked, so that this never ends, gains nothing by it.
        if ended.1 == Some(Fact::Refunded) && both_refunded(live) == Ending::InitiatorWalked {
            return Some(Ending::InitiatorWalked);
        }
    }
    (now_ms >= unobserved_ms).then_some(Ending::Unobserved)
}

/// When an order whose legs ended unclear ends, and when any does (unix ms).
pub(crate) fn closing(live: &Live, params: &Params) -> [u64; 2] {
    [params.unclear_ms, params.unobserved_ms].map(|span| ms(live.alpha.timelock).saturating_add(span))
}
