//! Importance scores.

use crate::earnings::Fading;
use crate::ledger::Step;
use crate::state::Table;
use kofo_primitives::{Amount, AssetId, NodeId};

/// From whom to whom.
const FLOWS: Table<(NodeId, NodeId), Fading> = Table::new(44);

/// Part of a settled order's fee went to `to`; `from` is the bonded hop before it on the order's path.
pub(crate) fn flow(step: &mut Step<'_>, from: NodeId, to: NodeId, asset: &AssetId, amount: Amount) {
    if *asset != step.params().stake || from == to {
        return;
    }
    let now = step.time_ms;
    let before = step.state.get(&FLOWS, &(from, to));
    let fading = before.map_or(Fading::new(amount, now), |fading| fading.plus(amount, now));
    step.state.put(&FLOWS, &(from, to), &fading);
}
