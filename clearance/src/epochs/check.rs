//! Whether a genesis is one. Each of its fields is looked at: what is wrong in it is wrong for ever.

use crate::book::TooLittle;
use crate::fee_split::RuleError;
use crate::genesis::{Genesis, GenesisBalance, GenesisValidator, LedgerAsset, MAX_GENESIS_ROWS, Params};
use crate::op::MAX_LISTED;
use crate::proportion::{ALL_BPS, bps_of};
use kofo_primitives::{Amount, AssetId, ChainId, MAX_VALIDATORS, NodeId, ValidatorKey};
use std::collections::BTreeSet;

/// Why a genesis is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Of a version that is not known.
    #[error("expected a genesis of version 1, got {0}: one of the two needs an update")]
    Version(u8),
    /// Too many of something, or none where one is needed.
    #[error("expected {least} to {most} {what}, got {have}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        have: usize,
        /// At least.
        least: usize,
        /// At most.
        most: usize,
    },
    /// A part of more than all, or none where there must be one.
    #[error("{what} is {have} basis points, expected {least} to 10000")]
    Bps {
        /// Which part.
        what: &'static str,
        /// What it is.
        have: u16,
        /// At least.
        least: u16,
    },
    /// Foundation and validators together have more than all.
    #[error(transparent)]
    Split(#[from] RuleError),
    /// Nothing where there must be something.
    #[error("{0} is 0, expected more")]
    Zero(&'static str),
    /// Something that there is once stands there twice.
    #[error("{what} {which} is there twice")]
    Twice {
        /// Of what kind.
        what: &'static str,
        /// Which.
        which: String,
    },
    /// Not an asset of the ledger.
    #[error("{0} is not among the assets of the ledger: add it there, or name another")]
    Asset(AssetId),
    /// Of the least fee the foundation would get nothing.
    #[error("the least fee of {asset} is {have}, of which the foundation gets nothing: expected more")]
    LeastFee {
        /// Of which asset.
        asset: AssetId,
        /// The least fee.
        have: Amount,
    },
    /// Less than anybody else must put up.
    #[error("{account} has {have} as {what}, expected nothing or at least {least}")]
    Least {
        /// Whose.
        account: NodeId,
        /// As what.
        what: &'static str,
        /// How much.
        have: Amount,
        /// The least.
        least: Amount,
    },
    /// Whoever has power must have something to lose as long as it has it.
    #[error(
        "{what} is {have_ms} ms, expected at least the length of an epoch, {epoch_ms} ms: validators would have power without stake"
    )]
    LeavesEarly {
        /// Which time.
        what: &'static str,
        /// How long it is.
        have_ms: u64,
        /// How long an epoch is.
        epoch_ms: u64,
    },
    /// Not a vote key.
    #[error("{0} is no point of the curve, so it cannot be a validator's key")]
    NotAKey(ValidatorKey),
    /// A share for somebody who is no validator.
    #[error("there is a share of the seal key for {0}, which is no validator of the genesis")]
    Share(NodeId),
    /// The sums cannot be represented.
    #[error("the balances of one asset add up to more than can be represented: {0}")]
    TooMuch(#[from] Box<TooLittle>),
    /// Nobody would be elected.
    #[error("none of the validators can be elected by the genesis' own rules")]
    NoValidators,
}

impl From<TooLittle> for GenesisError {
    fn from(e: TooLittle) -> Self {
        Self::TooMuch(Box::new(e))
    }
}

type Checked = Result<(), GenesisError>;

pub(super) fn check(genesis: &Genesis) -> Checked {
    if genesis.version != 1 {
        return Err(GenesisError::Version(genesis.version));
    }
    let params = &genesis.params;
    let most = MAX_GENESIS_ROWS;
    count("assets", params.assets.len(), (1, most))?;
    count("pairs", params.pairs.len(), (0, most))?;
    count("proof rules", params.proofs.len(), (0, most))?;
    count("validators", genesis.validators.len(), (1, most))?;
    count("balances", genesis.balances.len(), (0, most))?;
    count("shares", genesis.shares.len(), (0, genesis.validators.len()))?;
    rules(params)?;
    assets(params)?;
    chains(params)?;
    let mut keys = BTreeSet::new();
    let mut accounts = BTreeSet::new();
    for one in &genesis.validators {
        once("validator", one.account, accounts.insert(one.account))?;
        once("vote key", one.key, keys.insert(one.key))?;
        validator(one, params)?;
    }
    let mut rows = BTreeSet::new();
    for row in &genesis.balances {
        let which = format!("{} in {}", row.account, row.asset);
        once("balance", which, rows.insert((row.account, row.asset.clone())))?;
        balance(row, params)?;
    }
    let mut shares = BTreeSet::new();
    for (to, _) in &genesis.shares {
        once("share", to, shares.insert(*to))?;
        if !accounts.contains(to) {
            return Err(GenesisError::Share(*to));
        }
    }
    Ok(())
}

fn count(what: &'static str, have: usize, (least, most): (usize, usize)) -> Checked {
    if (least..=most).contains(&have) {
        return Ok(());
    }
    Err(GenesisError::Count {
        what,
        have,
        least,
        most,
    })
}

fn once(what: &'static str, which: impl ToString, new: bool) -> Checked {
    if new {
        return Ok(());
    }
    let which = which.to_string();
    Err(GenesisError::Twice { what, which })
}

fn bps(what: &'static str, have: u16, least: u16) -> Checked {
    if (least..=ALL_BPS).contains(&have) {
        return Ok(());
    }
    Err(GenesisError::Bps { what, have, least })
}

fn some(what: &'static str, value: impl Into<u128>) -> Checked {
    if value.into() == 0 {
        return Err(GenesisError::Zero(what));
    }
    Ok(())
}

/// Power is of the stake at the epoch's beginning: it can be slashed until the end at least.
fn leaves(what: &'static str, have_ms: u64, epoch_ms: u64) -> Checked {
    if have_ms >= epoch_ms {
        return Ok(());
    }
    Err(GenesisError::LeavesEarly {
        what,
        have_ms,
        epoch_ms,
    })
}

fn rules(params: &Params) -> Checked {
    count("seats", params.seats.into(), (1, MAX_VALIDATORS))?;
    bps("the power cap", params.power_cap_bps, 1)?;
    bps("the foundation's part", params.foundation_bps, 0)?;
    bps("the validators' part", params.validators_bps, 0)?;
    bps("the margin", params.margin_bps, 1)?;
    bps("what is paid to the harmed", params.harmed_bps, 0)?;
    bps("what a cancelled path gets", params.cancel_bps, 0)?;
    bps("the forfeit of a double vote", params.double_vote_bps, 0)?;
    bps("the forfeit of missed heights", params.missed_bps, 0)?;
    params.split()?;
    some("the length of an epoch", params.epoch_ms)?;
    leaves("the time of unbonding", params.unbond_ms, params.epoch_ms)?;
    leaves("the time of unstaking", params.unstake_ms, params.epoch_ms)?;
    some("the least stake", params.min_stake.units())?;
    some("the number of missed heights", params.missed_heights)?;
    some("the time without facts", params.unobserved_ms)?;
    some("the time of unclear ends", params.unclear_ms)?;
    some("the tolerance of clocks", params.clock_ms)?;
    some("the size of a batch", params.max_batch_bytes)?;
    match params.asset(&params.stake) {
        Some(_) => Ok(()),
        None => Err(GenesisError::Asset(params.stake.clone())),
    }
}

fn assets(params: &Params) -> Checked {
    let mut seen = BTreeSet::<&AssetId>::new();
    for one in &params.assets {
        once("asset", &one.asset, seen.insert(&one.asset))?;
        let LedgerAsset {
            min_fee,
            min_bond,
            weight_cap,
            double_quote,
            ..
        } = one;
        some("the least fee", min_fee.units())?;
        some("the least bond", min_bond.units())?;
        some("the most that a bond weighs", weight_cap.units())?;
        some("the forfeit of a double quote", double_quote.units())?;
        if params.foundation_bps > 0 && bps_of(*min_fee, params.foundation_bps) == Amount::ZERO {
            let (asset, have) = (one.asset.clone(), *min_fee);
            return Err(GenesisError::LeastFee { asset, have });
        }
    }
    Ok(())
}

fn chains(params: &Params) -> Checked {
    let mut pairs = BTreeSet::<(&ChainId, &ChainId)>::new();
    for pair in &params.pairs {
        let which = format!("{} to {}", pair.alpha, pair.beta);
        once("pair", which, pairs.insert((&pair.alpha, &pair.beta)))?;
        some("the gap of a pair's timelocks", pair.min_gap.0)?;
        some("the least timelock of a pair", pair.min_beta.0)?;
        some("the time to reveal of a pair", pair.reveal.0)?;
    }
    let mut proofs = BTreeSet::<&ChainId>::new();
    for rule in &params.proofs {
        once("proof rule of", &rule.chain, proofs.insert(&rule.chain))?;
        some("the depth of a proof", rule.depth)?;
    }
    Ok(())
}

fn validator(one: &GenesisValidator, params: &Params) -> Checked {
    if !one.key.is_point() {
        return Err(GenesisError::NotAKey(one.key));
    }
    bps("a validator's commission", one.commission_bps, 0)?;
    count("chains of a validator", one.observes.len(), (0, MAX_LISTED))?;
    let mut observes = BTreeSet::new();
    for chain in &one.observes {
        once("a validator's chain", chain, observes.insert(chain))?;
    }
    if one.stake < params.min_stake {
        return Err(GenesisError::Least {
            account: one.account,
            what: "stake",
            have: one.stake,
            least: params.min_stake,
        });
    }
    Ok(())
}

fn balance(row: &GenesisBalance, params: &Params) -> Checked {
    let none = || GenesisError::Asset(row.asset.clone());
    let least = params.asset(&row.asset).ok_or_else(none)?.min_bond;
    for (what, have) in [("a provider's bond", row.provider), ("a relay's bond", row.relay)] {
        if have > Amount::ZERO && have < least {
            return Err(GenesisError::Least {
                account: row.account,
                what,
                have,
                least,
            });
        }
    }
    let all = [row.free, row.provider, row.relay];
    some("a balance", all.iter().map(|one| one.units()).max().unwrap_or(0))
}
