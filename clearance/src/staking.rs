//! Validators: who may be one, what they earn, and what they forfeit.

mod observing;

use crate::ledger::Step;
use crate::op::SignedComplaint;
use kofo_primitives::{Certificate, DoubleVote, ValidatorKey, ValidatorSet};

pub(crate) use observing::{observer_power, observing};

/// Why something said of a validator is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StakingRefused {
    /// Not one that the ledger knows.
    #[error("{0} is no validator of this network")]
    Unknown(ValidatorKey),
}

pub(crate) fn missed(_: &mut Step<'_>, _: &ValidatorSet, _: &Certificate) {}

pub(crate) fn double_vote(_: &mut Step<'_>, double: &DoubleVote) -> Result<(), StakingRefused> {
    Err(StakingRefused::Unknown(double.first.key))
}

pub(crate) fn complaint(_: &mut Step<'_>, complaint: &SignedComplaint) -> Result<(), StakingRefused> {
    Err(StakingRefused::Unknown(complaint.key))
}

/// An observer said what is proven wrong, or two things that contradict each other.
pub(crate) fn slash_observer(_: &mut Step<'_>, _: &ValidatorKey) {}
