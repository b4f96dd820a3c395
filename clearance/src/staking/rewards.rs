//! The validators' part of fees, divided when the epoch ends.

use super::{CANDIDATES, delegations};
use crate::book::{Book, Purse};
use crate::ledger::Step;
use crate::proportion::{bps_of, shares};
use kofo_primitives::{Amount, AssetId, NodeId, ValidatorSet};

/// Divides what is in the pool, each asset for itself: among the validators that served by power, and within each by stake.
/// A jailed validator's part is burnt, with that of its delegators: nobody gains by others being jailed.
///
/// Within a validator the stake counts as it is when the epoch ends. Who delegates late is bound for long, and who left
/// early earns nothing any more.
pub(crate) fn pay(step: &mut Step<'_>, served: &ValidatorSet) {
    for asset in &step.genesis.params.assets {
        let asset = &asset.asset;
        let pool = step.state.balance(Purse::Pool, asset);
        if pool == Amount::ZERO {
            continue;
        }
        let powers: Vec<_> = served
            .members()
            .iter()
            .map(|member| u128::from(member.power))
            .collect();
        let parts = shares(pool.units(), &powers, served.total().into());
        for (member, part) in served.members().iter().zip(parts) {
            for (to, amount) in within(step, member.account, Amount::new(part)) {
                pay_one(step, to, asset, amount);
            }
        }
    }
}

fn pay_one(step: &mut Step<'_>, to: Purse, asset: &AssetId, amount: Amount) {
    let paid = step.state.pay(Purse::Pool, to, asset, amount);
    paid.expect("the parts add up to what is in the pool");
}

/// Divides one validator's part: its commission, and the rest by stake, its own first.
fn within(step: &Step<'_>, account: NodeId, part: Amount) -> Vec<(Purse, Amount)> {
    let candidate = step.state.get(&CANDIDATES, &account);
    let Some(candidate) = candidate.filter(|one| one.jailed_until_ms.is_none()) else {
        return vec![(Purse::Burnt, part)];
    };
    let stake = &step.params().stake;
    let own = step.state.balance(Purse::Stake(account), stake);
    let backers = delegations(step.state, account, stake);
    let weights: Vec<_> = [own.units()]
        .into_iter()
        .chain(backers.iter().map(|(_, amount)| amount.units()))
        .collect();
    let total = weights
        .iter()
        .fold(0u128, |sum, weight| sum.saturating_add(*weight));
    let commission = bps_of(part, candidate.commission_bps);
    let rest = part.checked_sub(commission).expect("a commission is at most all");
    let mut paid = vec![(Purse::Reward(account), commission)];
    if total == 0 {
        paid.push((Purse::Reward(account), rest));
        return paid;
    }
    let who = [account].into_iter().chain(backers.iter().map(|(who, _)| *who));
    let parts = shares(rest.units(), &weights, total);
    paid.extend(
        who.zip(parts)
            .map(|(who, part)| (Purse::Reward(who), Amount::new(part))),
    );
    paid
}
