//! How far apart the timelocks of two chains must be: what a node's own policy demands, for every pair of its chains.

use anyhow::{Result, bail};
use kofo_clearance::PairRule;
use kofo_node::config::Config;
use kofo_node::wiring;
use kofo_primitives::{ChainId, Seconds, UnixTime};
use kofo_settlement::{Policy, TimelockError};

/// Any moment: the policy knows distances only.
const NOW: UnixTime = UnixTime(1_700_000_000);

pub(super) fn rules(config: &Config) -> Result<Vec<PairRule>> {
    let policy = wiring::policy(config);
    let chains: Vec<_> = config.chains.iter().map(|chain| &chain.id).collect();
    if chains.is_empty() {
        bail!("the configuration names no chains: a genesis says how far apart their timelocks are");
    }
    let mut rules = Vec::new();
    for alpha in &chains {
        for beta in &chains {
            rules.push(rule(&policy, alpha, beta)?);
        }
    }
    Ok(rules)
}

/// The policy says itself what it would refuse.
fn rule(policy: &Policy, alpha: &ChainId, beta: &ChainId) -> Result<PairRule> {
    let (first, second) = (std::slice::from_ref(alpha), std::slice::from_ref(beta));
    let refusal = |timelock| policy.safe((first, second), timelock, timelock, NOW);
    let Err(TimelockError::BetaTooSoon { need: min_beta, .. }) = refusal(NOW) else {
        bail!("the timelock policy of {alpha} and {beta} takes a timelock that is now");
    };
    let timelock = NOW.plus(min_beta);
    let Err(TimelockError::GapTooShort { need: min_gap, .. }) = refusal(timelock) else {
        bail!("the timelock policy of {alpha} and {beta} takes two timelocks at the same time");
    };
    let redeem_by = policy.deadlines(first, second, timelock)?.redeem_by;
    let reveal = Seconds(timelock.0.saturating_sub(redeem_by.0));
    let (alpha, beta) = (alpha.clone(), beta.clone());
    Ok(PairRule {
        alpha,
        beta,
        min_gap,
        min_beta,
        reveal,
    })
}
