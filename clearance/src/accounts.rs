//! What the owners of accounts may do with their money.

use crate::book::{BondKind, Book, Purse, TooLittle};
use crate::genesis::{LedgerAsset, Params};
use crate::ledger::Step;
use crate::op::{AccountAct, Act, MAX_LISTED};
use crate::state::{State, Table};
use crate::timers::{BONDS, Timer, remind};
use crate::{points, staking};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, NodeId, ValidatorKey};

/// The sequence of an account's next act.
const SEQUENCES: Table<NodeId, u64> = Table::new(30);
const LISTINGS: Table<NodeId, Listing> = Table::new(33);

/// The pairs that an account says it trades.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Listing {
    /// When it said so (unix ms).
    at_ms: u64,
    pairs: Vec<(AssetId, AssetId)>,
}

/// Why an act is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActRefused {
    /// Out of order, or done already.
    #[error("the act has sequence {have}, expected {want}")]
    Sequence {
        /// What came.
        have: u64,
        /// The account's next.
        want: u64,
    },
    /// There is not so much.
    #[error(transparent)]
    TooLittle(Box<TooLittle>),
    /// An amount of nothing.
    #[error("the amount is 0, expected more")]
    Nothing,
    /// Not an asset of the ledger.
    #[error("{0} is not an asset of this ledger")]
    Asset(AssetId),
    /// Less than the least would be left or put up.
    #[error(
        "{have} of {asset} would be there, expected nothing or at least {least}: put up more, or take all"
    )]
    Least {
        /// Of which asset.
        asset: AssetId,
        /// How much there would be.
        have: Amount,
        /// The least.
        least: Amount,
    },
    /// Too small a part is asked back.
    #[error("{have} of {asset} is too little to ask back: expected at least {least}, or all that is there")]
    Part {
        /// Of which asset.
        asset: AssetId,
        /// What was asked back.
        have: Amount,
        /// The least.
        least: Amount,
    },
    /// Who never staked is none.
    #[error("{0} is no candidate: it has to stake first")]
    NoCandidate(NodeId),
    /// More than all.
    #[error("the commission is {have} basis points, expected at most 10000")]
    Commission {
        /// What came.
        have: u16,
    },
    /// Not a vote key.
    #[error("{0} is no point of the curve, so it cannot be a validator's key")]
    NotAKey(ValidatorKey),
    /// Somebody's already, or was until lately.
    #[error("the vote key {0} is taken: make a fresh one")]
    KeyTaken(ValidatorKey),
    /// The last change is too fresh.
    #[error("the vote key was changed lately, expected the next change after {until_ms} (unix ms)")]
    KeySoon {
        /// Until when (unix ms).
        until_ms: u64,
    },
    /// Nothing to undo.
    #[error("the validator is not jailed")]
    NotJailed,
    /// Not yet.
    #[error("the validator is jailed until {until_ms}, and now it is {now_ms} (unix ms): ask again then")]
    Jailed {
        /// Until when (unix ms).
        until_ms: u64,
        /// The batch's time (unix ms).
        now_ms: u64,
    },
    /// Too much of something.
    #[error("expected at most {most} {what}, got {have}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        have: usize,
        /// At most.
        most: usize,
    },
    /// Something that there is once stands there twice.
    #[error("{0} is there twice")]
    Repeated(&'static str),
    /// Whoever lists must have something at stake.
    #[error("{0} has neither a provider's bond nor a validator's stake: put up one of them before you list")]
    NoBond(NodeId),
    /// Somebody else's right.
    #[error("only the foundation, {0}, gives points")]
    NotFoundation(NodeId),
    /// There is nothing.
    #[error("nothing was earned since the last time")]
    NothingEarned,
}

impl From<TooLittle> for ActRefused {
    fn from(e: TooLittle) -> Self {
        Self::TooLittle(Box::new(e))
    }
}

/// The sequence of an account's next act.
pub(crate) fn sequence(state: &State, account: NodeId) -> u64 {
    state.get(&SEQUENCES, &account).unwrap_or(0)
}

/// Does an act, once.
pub(crate) fn act(step: &mut Step<'_>, act: &AccountAct) -> Result<(), ActRefused> {
    let (have, want) = (act.sequence, sequence(step.state, act.account));
    let next = have.checked_add(1).filter(|_| have == want);
    let next = next.ok_or(ActRefused::Sequence { have, want })?;
    one(step, act.account, &act.act)?;
    step.state.put(&SEQUENCES, &act.account, &next);
    Ok(())
}

fn one(step: &mut Step<'_>, account: NodeId, act: &Act) -> Result<(), ActRefused> {
    match act {
        Act::Transfer { to, asset, amount } => {
            known(step.params(), asset)?;
            let (from, to) = (Purse::Free(account), Purse::Free(*to));
            Ok(step.state.pay(from, to, asset, some(*amount)?)?)
        }
        Act::Bond { kind, asset, amount } => bond(step, account, (*kind, asset), some(*amount)?),
        Act::Unbond { kind, asset, amount } => unbond(step, account, (*kind, asset), some(*amount)?),
        Act::Stake {
            key,
            commission_bps,
            amount,
        } => staking::stake(step, account, (*key, *commission_bps), *amount),
        Act::Unstake { amount } => staking::unstake(step, account, some(*amount)?),
        Act::Delegate { to, amount } => staking::delegate(step, account, *to, some(*amount)?),
        Act::Undelegate { from, amount } => staking::undelegate(step, account, *from, some(*amount)?),
        Act::Collect => collect(step, account),
        Act::Observe { chains } => staking::observe(step, account, chains),
        Act::List { pairs } => list(step, account, pairs),
        Act::Unjail => staking::unjail(step, account),
        Act::Grant { to, points } => grant(step, account, *to, *points),
    }
}

fn some(amount: Amount) -> Result<Amount, ActRefused> {
    match amount {
        Amount::ZERO => Err(ActRefused::Nothing),
        amount => Ok(amount),
    }
}

fn known<'a>(params: &'a Params, asset: &AssetId) -> Result<&'a LedgerAsset, ActRefused> {
    let unknown = || ActRefused::Asset(asset.clone());
    params.asset(asset).ok_or_else(unknown)
}

fn bond(
    step: &mut Step<'_>,
    account: NodeId,
    (kind, asset): (BondKind, &AssetId),
    amount: Amount,
) -> Result<(), ActRefused> {
    let least = known(step.params(), asset)?.min_bond;
    let purse = Purse::Bond(account, kind);
    step.state.pay(Purse::Free(account), purse, asset, amount)?;
    at_least(step.state, (purse, asset), least)
}

/// What is reserved for orders is not in the bond's purse, and cannot be asked back before they end.
fn unbond(
    step: &mut Step<'_>,
    account: NodeId,
    (kind, asset): (BondKind, &AssetId),
    amount: Amount,
) -> Result<(), ActRefused> {
    let least = known(step.params(), asset)?.min_bond;
    let purse = Purse::Bond(account, kind);
    let delay_ms = step.params().unbond_ms;
    ask_back(step, (account, asset), purse, (amount, delay_ms))?;
    at_least(step.state, (purse, asset), least)
}

/// Money begins its way back to its owner. When it will be there, and the number of that timer.
///
/// It is all of the purse, or at least as much as a bond: what is on its way is remembered piece by piece, and each piece
/// binds that much for long.
pub(crate) fn ask_back(
    step: &mut Step<'_>,
    (owner, asset): (NodeId, &AssetId),
    from: Purse,
    (amount, delay_ms): (Amount, u64),
) -> Result<(u64, u64), ActRefused> {
    let least = known(step.params(), asset)?.min_bond;
    if amount < least && amount != step.state.balance(from, asset) {
        let (asset, have) = (asset.clone(), amount);
        return Err(ActRefused::Part { asset, have, least });
    }
    step.state.pay(from, Purse::Unbonding(owner), asset, amount)?;
    let until = step.time_ms.saturating_add(delay_ms);
    let timer = Timer::Unbonded {
        account: owner,
        asset: asset.clone(),
        amount,
    };
    Ok((until, remind(step.state, until, &timer)))
}

/// Whether a purse has at least so much, or nothing at all.
pub(crate) fn at_least(
    state: &State,
    (purse, asset): (Purse, &AssetId),
    least: Amount,
) -> Result<(), ActRefused> {
    let have = state.balance(purse, asset);
    if have == Amount::ZERO || have >= least {
        return Ok(());
    }
    let asset = asset.clone();
    Err(ActRefused::Least { asset, have, least })
}

fn collect(step: &mut Step<'_>, account: NodeId) -> Result<(), ActRefused> {
    let mut all = Amount::ZERO;
    for asset in &step.genesis.params.assets {
        let (from, to) = (Purse::Reward(account), Purse::Free(account));
        all = all.max(step.state.pay_all(from, to, &asset.asset));
    }
    some(all).map(|_| ()).map_err(|_| ActRefused::NothingEarned)
}

fn list(step: &mut Step<'_>, account: NodeId, pairs: &[(AssetId, AssetId)]) -> Result<(), ActRefused> {
    let (have, most) = (pairs.len(), MAX_LISTED);
    if have > most {
        let what = "pairs";
        return Err(ActRefused::TooMany { what, have, most });
    }
    let mut pairs = pairs.to_vec();
    pairs.sort();
    pairs.dedup();
    if pairs.len() != have {
        return Err(ActRefused::Repeated("a pair"));
    }
    if !stands_for(step, account) {
        return Err(ActRefused::NoBond(account));
    }
    if pairs.is_empty() {
        step.state.remove(&LISTINGS, &account);
    } else {
        let at_ms = step.time_ms;
        step.state.put(&LISTINGS, &account, &Listing { at_ms, pairs });
    }
    Ok(())
}

/// Whether an account has something at stake for what it lists.
fn stands_for(step: &Step<'_>, account: NodeId) -> bool {
    let provider = Purse::Bond(account, BondKind::Provider);
    let mut assets = step.params().assets.iter();
    let bonded = |asset: &LedgerAsset| step.state.balance(provider, &asset.asset) >= asset.min_bond;
    assets.any(bonded) || staking::is_candidate(step.state, step.params(), account)
}

/// An epoch ends: what is listed by whoever has nothing at stake any more is forgotten.
pub(crate) fn turn(step: &mut Step<'_>) {
    let all: Vec<_> = step.state.scan(&LISTINGS, &()).map(|(who, _)| who).collect();
    for who in all {
        if !stands_for(step, who) {
            step.state.remove(&LISTINGS, &who);
        }
    }
}

/// Whether an account listed a pair lately, as far as that counts.
pub(crate) fn lists(state: &State, params: &Params, account: NodeId, now_ms: u64) -> bool {
    let listing = || state.get(&LISTINGS, &account);
    let lately = |listing: Listing| now_ms.saturating_sub(listing.at_ms) < params.listing_ms;
    params.listing_ms == 0 || listing().is_some_and(lately)
}

/// A validator of the genesis had no time to list yet: being there counts as having done so.
pub(crate) fn found(state: &mut State, params: &Params, account: NodeId, at_ms: u64) {
    if params.listing_ms > 0 {
        let pairs = Vec::new();
        state.put(&LISTINGS, &account, &Listing { at_ms, pairs });
    }
}

fn grant(step: &mut Step<'_>, account: NodeId, to: NodeId, amount: u64) -> Result<(), ActRefused> {
    let foundation = step.params().foundation;
    if account != foundation {
        return Err(ActRefused::NotFoundation(foundation));
    }
    if amount == 0 {
        return Err(ActRefused::Nothing);
    }
    points::add(step.state, to, amount.into());
    Ok(())
}

/// What an account asked back is at its disposal.
pub(crate) fn unbonded(step: &mut Step<'_>, account: NodeId, asset: &AssetId, amount: Amount) {
    let (from, to) = (Purse::Unbonding(account), Purse::Free(account));
    let paid = step.state.pay(from, to, asset, amount);
    paid.expect("what is in unbonding is what its timers add up to");
}

/// What an account has in bonds of an asset, in the order of [`BONDS`].
pub(crate) fn bonds(state: &State, account: NodeId, asset: &AssetId) -> [Amount; 2] {
    BONDS.map(|kind| state.balance(Purse::Bond(account, kind), asset))
}

#[cfg(test)]
mod tests;
