//! Whether an order is right now: the checks that its own signatures cannot answer.
//!
//! V1 (canonical), V5 (price), V6 (path), V12's openings and V15 (selection) hold by construction: a `MatchedOrder` with
//! any of them wrong does not exist. V2 (network, version) was checked with the signatures. The rest is here and in
//! [`super::escrow`], the cheapest first.

use super::live::{Deadlines, Leg, Live, Share, ms};
use super::refused::OrderRefused;
use super::uses::Uses;
use super::{escrow, wake};
use crate::genesis::PairRule;
use crate::ledger::Step;
use crate::op::ClearedOrder;
use crate::staking::{observers, total_power};
use kofo_primitives::{FulfilTerms, MAX_QUOTE_LIFE_MS, MatchedParts, OrderLeg, Seconds, SwapId, UnixTime};

/// No order holds anybody's money longer than this after its commit, but for the time to find out how it ended.
const LONGEST: Seconds = Seconds(60 * 86_400);

/// Makes an order final: from here on its money is held for it.
pub(crate) fn commit(step: &mut Step<'_>, id: SwapId, cleared: &ClearedOrder) -> Result<(), OrderRefused> {
    let parts = cleared.order.parts();
    let uses = Uses::of(id, parts);
    if Live::get(step.state, &id).is_some() {
        return Err(OrderRefused::AlreadyCommitted(id));
    }
    uses.check_hashlock(step.state)?;
    claim_lives(step, parts)?;
    quote_lives(step, parts)?;
    uses.check_reservation(step.state)?;
    let filled = uses.filled(step.state)?;
    let [alpha, beta] = cleared.order.legs();
    let pair = tradable(step, &alpha, &beta)?;
    let reveal = pair.reveal;
    timelocks_fit(pair, &alpha, &beta, step.time_ms)?;
    parties_differ(&alpha)?;
    parties_differ(&beta)?;
    let by = deadlines(&parts.terms);
    deadlines_fit(&by, beta.timelock, step.time_ms)?;
    let money = escrow::take(step, id, cleared)?;
    uses.mark(step, filled);
    let mut live = Live {
        height: step.height,
        committed_ms: step.time_ms,
        claimant: parts.claim.body.key,
        provider: parts.fulfil.body.key,
        hashlock: parts.select.body.hashlock,
        alpha: Leg::new(&alpha),
        beta: Leg::new(&beta),
        by,
        reveal,
        money,
        amended: 0,
        wake_ms: 0,
    };
    wake::schedule(step, id, &mut live);
    live.put(step.state, &id);
    Ok(())
}

/// V3. The header's time may be ahead of everybody's clock by as much as validators allow it to be.
fn claim_lives(step: &Step<'_>, parts: &MatchedParts) -> Result<(), OrderRefused> {
    let (claim, now_ms) = (&parts.claim.body, step.time_ms);
    let (created_ms, expires_ms) = (claim.created_ms, claim.expires_ms);
    let slack = step.params().clock_ms;
    if now_ms > expires_ms.saturating_add(slack) {
        return Err(OrderRefused::ClaimExpired { expires_ms, now_ms });
    }
    if now_ms.saturating_add(slack) < created_ms {
        return Err(OrderRefused::ClaimTooEarly { created_ms, now_ms });
    }
    Ok(())
}

/// V8.
fn quote_lives(step: &Step<'_>, parts: &MatchedParts) -> Result<(), OrderRefused> {
    let (expires_ms, now_ms) = (parts.fulfil.body.expires_ms, step.time_ms);
    let slack = step.params().clock_ms;
    if now_ms > expires_ms.saturating_add(slack) {
        return Err(OrderRefused::QuoteExpired { expires_ms, now_ms });
    }
    let answered = parts.claim.body.expires_ms.saturating_add(slack);
    let most_ms = answered.saturating_add(MAX_QUOTE_LIFE_MS);
    if expires_ms > most_ms {
        return Err(OrderRefused::QuoteTooLong { expires_ms, most_ms });
    }
    Ok(())
}

/// V16: the pair is one of the network's, and both chains are observed by more than half of all power.
fn tradable<'a>(
    step: &'a Step<'_>,
    alpha: &OrderLeg<'_>,
    beta: &OrderLeg<'_>,
) -> Result<&'a PairRule, OrderRefused> {
    let (alpha, beta) = (alpha.asset.chain(), beta.asset.chain());
    let Some(pair) = step.params().pair(&alpha, &beta) else {
        return Err(OrderRefused::UnknownPair { alpha, beta });
    };
    let total = total_power(step.state);
    for chain in [alpha, beta] {
        let declared = observers(step.state, &chain).declared;
        if u128::from(declared).saturating_mul(2) <= u128::from(total) {
            return Err(OrderRefused::PairSuspended {
                chain,
                declared,
                total,
            });
        }
    }
    Ok(pair)
}

/// V12.
fn parties_differ(leg: &OrderLeg<'_>) -> Result<(), OrderRefused> {
    if leg.redeemer.as_slice().is_empty() || leg.refunder.as_slice().is_empty() {
        return Err(OrderRefused::NoParty(leg.id));
    }
    if leg.redeemer == leg.refunder {
        return Err(OrderRefused::SameParty(leg.id));
    }
    Ok(())
}

/// V11: timelocks, counted from the header's time.
fn timelocks_fit(
    pair: &PairRule,
    alpha: &OrderLeg<'_>,
    beta: &OrderLeg<'_>,
    now_ms: u64,
) -> Result<(), OrderRefused> {
    let now = UnixTime(now_ms.div_ceil(1_000));
    let (have, need) = (now.until(beta.timelock), pair.min_beta);
    if have < need {
        return Err(OrderRefused::BetaTooSoon { have, need });
    }
    let (have, need) = (beta.timelock.until(alpha.timelock), pair.min_gap);
    if have < need {
        return Err(OrderRefused::GapTooShort { have, need });
    }
    let (have, most) = (now.until(alpha.timelock), LONGEST);
    if have > most {
        return Err(OrderRefused::TooLong { have, most });
    }
    Ok(())
}

fn deadlines(terms: &FulfilTerms) -> Deadlines {
    Deadlines {
        alpha_lock_by: terms.alpha_lock_by,
        beta_lock_by: terms.beta_lock_by,
        redeem_by: terms.redeem_by,
    }
}

/// V11: deadlines in their order, between the commit and beta's timelock.
pub(super) fn deadlines_fit(
    by: &Deadlines,
    beta_timelock: UnixTime,
    now_ms: u64,
) -> Result<(), OrderRefused> {
    let Deadlines {
        alpha_lock_by,
        beta_lock_by,
        redeem_by,
    } = *by;
    let ordered = ms(alpha_lock_by) > now_ms && alpha_lock_by < beta_lock_by && beta_lock_by < redeem_by;
    if !ordered || redeem_by > beta_timelock {
        return Err(OrderRefused::Deadlines {
            alpha_lock_by,
            beta_lock_by,
            redeem_by,
            beta_timelock,
            now_ms,
        });
    }
    Ok(())
}

/// V7: what each hop weighs that said whom it is paid through. Taken at the commit and kept: whoever carried the order
/// loses nothing by taking its bond back later, and gains nothing by adding to it.
pub(super) fn shares(step: &Step<'_>, cleared: &ClearedOrder, asset: &crate::LedgerAsset) -> Vec<Share> {
    let hops = cleared.order.parts().path.iter().skip(1);
    let openings = hops.zip(&cleared.hops);
    let opened = openings.filter_map(|(entry, opening)| Some((entry.index, opening.as_ref()?.payee)));
    opened
        .map(|(entry, payee)| Share::new(entry, payee, escrow::weight(step, payee, asset)))
        .collect()
}
