//! What the owners of accounts may do with their money.

use crate::book::TooLittle;
use crate::ledger::Step;
use crate::op::AccountAct;
use kofo_primitives::{Amount, AssetId, NodeId};

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
    TooLittle(#[from] TooLittle),
}

pub(crate) fn act(step: &mut Step<'_>, act: &AccountAct) -> Result<(), ActRefused> {
    let (have, want) = (act.sequence, step.height);
    Err(ActRefused::Sequence { have, want })
}

pub(crate) fn unbonded(_: &mut Step<'_>, _: NodeId, _: &AssetId, _: Amount) {}
