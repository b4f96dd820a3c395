//! The division of one fee among foundation, validators and the hops of the path.
//!
//! With a fee of F:
//!
//! 1. the foundation gets ⌊F · foundation / 10⁴⌋ and the validators ⌊F · validators / 10⁴⌋ (in basis points);
//! 2. the path gets the rest, so that no rounding is for the benefit of those who judge;
//! 3. the path's part is divided in proportion to weight among the distinct payees, each ⌊part · weight / Σ weights⌋,
//!    and the units that are left go one each to the largest remainders, ties to the earlier hop;
//! 4. if no hop has a weight, the path's part is burnt.

use crate::proportion::{ALL_BPS, proportion, shares};
use crate::weight::Weight;
use kofo_primitives::{Amount, NodeId};

/// A path has at most so many hops.
pub const MAX_HOPS: usize = 8;

/// The parts of foundation and validators, in basis points; the path gets the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitRule {
    foundation_bps: u16,
    validators_bps: u16,
}

/// More than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected at most 10000 basis points in all, got {foundation_bps} for the foundation and {validators_bps} for validators"
)]
pub struct RuleError {
    /// The foundation's part.
    pub foundation_bps: u16,
    /// The validators' part.
    pub validators_bps: u16,
}

/// One entry of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Who is paid.
    pub payee: NodeId,
    /// What it weighs; 0 without a bond.
    pub weight: Weight,
}

/// Why a fee cannot be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A path longer than any that is forwarded.
    #[error("expected at most {MAX_HOPS} hops, got {0}")]
    TooManyHops(usize),
    /// The weights do not add up in 128 bits: no bonds of one asset can be that large.
    #[error("the weights of the path add up to more than can be represented")]
    WeightOverflow,
}

/// A fee, divided. The parts add up to the fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeSplit {
    /// The foundation's part.
    pub foundation: Amount,
    /// The validators' part, which is divided by voting power elsewhere.
    pub validators: Amount,
    /// Each hop's share, in the order of the path.
    pub hops: Vec<Amount>,
    /// What nobody qualified for. It is burnt: it must not enrich those who say who qualifies.
    pub burnt: Amount,
}

impl Default for SplitRule {
    /// 10 % to the foundation, 20 % to the validators, 70 % to the path.
    fn default() -> Self {
        Self {
            foundation_bps: 1_000,
            validators_bps: 2_000,
        }
    }
}

impl SplitRule {
    /// The path gets what foundation and validators leave of 10,000.
    pub fn new(foundation_bps: u16, validators_bps: u16) -> Result<Self, RuleError> {
        match foundation_bps.checked_add(validators_bps) {
            Some(..=ALL_BPS) => Ok(Self {
                foundation_bps,
                validators_bps,
            }),
            Some(_) | None => Err(RuleError {
                foundation_bps,
                validators_bps,
            }),
        }
    }

    /// Divides the fee. `parties` are the identities of payer and provider: they have no share in a fee of their own
    /// order. A payee that is on the path twice is paid at its first place, once.
    pub fn split(self, fee: Amount, path: &[Hop], parties: &[NodeId]) -> Result<FeeSplit, SplitError> {
        if path.len() > MAX_HOPS {
            return Err(SplitError::TooManyHops(path.len()));
        }
        let of_fee = |bps: u16| proportion(fee.units(), bps.into(), ALL_BPS.into()).0;
        let (foundation, validators) = (of_fee(self.foundation_bps), of_fee(self.validators_bps));
        let part = fee
            .units()
            .checked_sub(foundation)
            .and_then(|rest| rest.checked_sub(validators))
            .expect("two parts rounded down of at most 10,000 in all are at most the whole");
        let weights = counted(path, parties);
        let total = weights
            .iter()
            .try_fold(0u128, |sum, weight| sum.checked_add(*weight))
            .ok_or(SplitError::WeightOverflow)?;
        let (hops, burnt) = if total == 0 {
            (vec![0; path.len()], part)
        } else {
            (shares(part, &weights, total), 0)
        };
        Ok(FeeSplit {
            foundation: Amount::new(foundation),
            validators: Amount::new(validators),
            hops: hops.into_iter().map(Amount::new).collect(),
            burnt: Amount::new(burnt),
        })
    }
}

/// The weights that count: none for the parties of the order, and each payee's once.
fn counted(path: &[Hop], parties: &[NodeId]) -> Vec<u128> {
    let mut paid = Vec::with_capacity(path.len());
    let weight = |hop: &Hop| {
        if parties.contains(&hop.payee) || paid.contains(&hop.payee) {
            return 0;
        }
        paid.push(hop.payee);
        hop.weight.quarters()
    };
    path.iter().map(weight).collect()
}

#[cfg(test)]
mod tests;
