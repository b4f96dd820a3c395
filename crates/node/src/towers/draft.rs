//! What a tower is given for one swap.

use super::Due;
use crate::driver::Live;
use kofo_adapter_api::{AdapterError, ChainAdapter, Entrusted};
use kofo_primitives::{ActKind, ChainId, HtlcSpec, LegId, LegRef, NetworkId, NodeKey, Role, Signed, SwapId};
use kofo_tower::{Entry, Package};
use std::collections::BTreeMap;

/// A package in the making: the legs of a swap, and what its chains' adapters sign in advance for them.
#[derive(Clone, Debug)]
pub struct Draft {
    swap: SwapId,
    role: Role,
    legs: BTreeMap<LegId, (HtlcSpec, Option<ActKind>)>,
    levels: BTreeMap<LegId, Vec<Entrusted>>,
}

impl Draft {
    /// Of a swap, what is due of it.
    #[must_use]
    pub fn of(live: &Live, due: Due) -> Self {
        let (terms, swap) = (live.terms(), live.swap());
        let leg = |(id, leg): (&LegId, &kofo_settlement::Leg)| {
            let act = swap
                .legs()
                .get(id)
                .and_then(|state| due.act(*id, terms.role(), state));
            (*id, (leg.spec.clone(), act))
        };
        Self {
            swap: terms.swap(),
            role: terms.role(),
            legs: terms.legs().iter().map(leg).collect(),
            levels: BTreeMap::new(),
        }
    }

    /// Asks the adapters. A chain that cannot be done for by others is left out; what failed is told, and the rest is
    /// there all the same.
    pub async fn fill<'a>(
        &mut self,
        adapter: impl Fn(&ChainId) -> Option<&'a dyn ChainAdapter>,
    ) -> Result<(), AdapterError> {
        let mut trouble = Ok(());
        for (id, (spec, act)) in &self.legs {
            let (Some(act), Some(adapter)) = (act, adapter(&spec.chain())) else {
                continue;
            };
            let leg = LegRef {
                swap: self.swap,
                leg: *id,
            };
            match adapter.entrust(leg, spec, *act).await {
                Ok(levels) => drop(self.levels.insert(*id, levels)),
                Err(AdapterError::Alone(_)) => {}
                Err(error) => trouble = Err(error),
            }
        }
        trouble
    }

    /// Signs it; `None` while there is nothing to give.
    #[must_use]
    pub fn sign(self, network: &NetworkId, sequence: u64, key: &NodeKey) -> Option<Signed<Package>> {
        let Self {
            swap,
            role,
            legs,
            mut levels,
        } = self;
        if levels.values().all(Vec::is_empty) {
            return None;
        }
        let entry = |(id, (spec, _)): (LegId, (HtlcSpec, Option<ActKind>))| {
            let levels = levels.remove(&id).unwrap_or_default();
            (id, Entry { spec, levels })
        };
        let package = Package {
            version: 1,
            network: network.clone(),
            owner: key.id(),
            swap,
            sequence,
            role,
            legs: legs.into_iter().map(entry).collect(),
        };
        Some(package.sign(key))
    }
}
