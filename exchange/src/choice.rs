//! The choice among quotes: what one gets, weighed by how reliable its provider has been. Exact integers, and one answer
//! for one set of quotes, in whatever order they came.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, FulfilId, NodeId, Ratio, Seconds};
use std::cmp::Reverse;

/// How often a provider's swaps with us ended as they should, by its bond. Until there is clearance this is our own
/// history only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reliability {
    /// Swaps in which it did its part.
    pub settled: u32,
    /// Swaps that failed by its fault.
    pub failed: u32,
}

/// One quote, as far as the choice goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub fulfil: FulfilId,
    /// So much of the claim it fills.
    pub give: Amount,
    /// For so much, net of what the claimant pays beside it.
    pub want: Amount,
    /// Its provider's.
    pub reliability: Reliability,
    /// How long the claimant can redeem, from now on.
    pub beta_window: Seconds,
    /// Bond and number. Of several quotes on one reservation (the claim came to its provider over several paths) only one
    /// can be begun, so at most one is chosen.
    pub reservation: (NodeId, u64),
}

impl Reliability {
    /// `settled / (settled + failed)` in thousandths, rounded down, at least 500. Who was never met has 500 too: without
    /// clearance a name costs nothing, and whoever failed would come back under a new one if that stood higher.
    #[must_use]
    pub fn per_mille(self) -> u16 {
        let (settled, all) = (
            u64::from(self.settled),
            u64::from(self.settled).saturating_add(self.failed.into()),
        );
        let share = settled.saturating_mul(1_000).checked_div(all).unwrap_or(0);
        u16::try_from(share).unwrap_or(1_000).clamp(500, 1_000)
    }

    /// One more swap with it is over.
    pub fn count(&mut self, settled: bool) {
        let count = if settled {
            &mut self.settled
        } else {
            &mut self.failed
        };
        *count = count.saturating_add(1);
    }
}

/// What decides, the best first: see [`choose`].
struct Scored<'a> {
    candidate: &'a Candidate,
    /// What it gets times reliability.
    net: u128,
    /// The same for one unit that is given.
    rate: Ratio,
}

impl<'a> Scored<'a> {
    /// `None` for a quote of nothing, and for one of more than fits an exact comparison.
    fn new(candidate: &'a Candidate) -> Option<Self> {
        let weight = u128::from(candidate.reliability.per_mille());
        let net = candidate.want.units().checked_mul(weight)?;
        let rate = Ratio::new(net, candidate.give.units())?;
        Some(Self { candidate, net, rate })
    }

    fn tie(&self) -> (Reverse<Seconds>, FulfilId) {
        (Reverse(self.candidate.beta_window), self.candidate.fulfil)
    }
}

/// The most that can be compared exactly, in smallest units: a quote for more is never chosen.
pub const MAX_COMPARED: Amount = Amount::new(u128::MAX / 1_000);

/// Chooses quotes for `amount`, of which each has to fill `least` or more (`None`: all of it).
///
/// The score of a quote is what it gets × reliability, compared exactly per unit that is given; on equal scores the
/// longer beta window, then the lower fulfil id. One after another is taken from the best score on, if it still fits
/// into what is left. The same is done from the largest total on, and if that gets more in all (one quote over the whole
/// may beat a better rate over half of it), that is taken.
#[must_use]
pub fn choose(amount: Amount, least: Option<Amount>, candidates: &[Candidate]) -> Vec<FulfilId> {
    let fits = |c: &&Candidate| c.give >= least.unwrap_or(amount) && c.give <= amount;
    let mut scored: Vec<_> = candidates.iter().filter(fits).filter_map(Scored::new).collect();
    scored.sort_by_key(|s| (Reverse(s.rate), s.tie()));
    let (best_rate, rate_total) = greedy(amount, &scored);
    scored.sort_by_key(|s| (Reverse(s.net), Reverse(s.rate), s.tie()));
    let (largest, largest_total) = greedy(amount, &scored);
    if largest_total > rate_total {
        largest
    } else {
        best_rate
    }
}

/// Takes what fits, in this order; with the sum of the scores.
fn greedy(amount: Amount, scored: &[Scored<'_>]) -> (Vec<FulfilId>, u128) {
    let (mut left, mut total, mut taken) = (amount, 0u128, Vec::<&Candidate>::new());
    for Scored { candidate, net, .. } in scored {
        let again = |c: &&Candidate| c.reservation == candidate.reservation || c.fulfil == candidate.fulfil;
        let (Some(rest), Some(sum)) = (left.checked_sub(candidate.give), total.checked_add(*net)) else {
            continue;
        };
        if !taken.iter().any(again) {
            (left, total) = (rest, sum);
            taken.push(candidate);
        }
    }
    (taken.into_iter().map(|c| c.fulfil).collect(), total)
}

#[cfg(test)]
mod tests;
