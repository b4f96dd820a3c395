//! W10: the recovery records that towers keep for us.

use super::deliver::{Delivered, Dues};
use super::{Known, TowerTrouble, Towers};
use crate::backup::SwapCopy;
use crate::driver::RECORD_KEPT;
use crate::engine::{Core, Stopped};
use kofo_network::{PeerAddress, PeerId};
use kofo_primitives::{Signed, SwapId, UnixTime};
use kofo_tower::{Keep, Request, Response};
use std::collections::{BTreeMap, BTreeSet};

/// So many records are made before they are sent.
const AT_ONCE: usize = 64;

impl Towers {
    /// The records that some tower lacks which is to be asked now, sealed and signed, and whether there may be more.
    pub(super) async fn keeps(
        &self,
        due: &Dues,
        ready: impl Fn(&PeerId) -> bool,
    ) -> Result<(BTreeMap<SwapId, Signed<Keep>>, bool), Stopped> {
        let lacking: BTreeSet<SwapId> = {
            let known = self.known();
            let asked = known.iter().filter(|(peer, _)| ready(peer));
            let lacking = asked.flat_map(|(_, known)| known.lacks(due).take(AT_ONCE));
            let lacking: BTreeSet<SwapId> = lacking.copied().collect();
            lacking.into_iter().take(AT_ONCE).collect()
        };
        let more = lacking.len() == AT_ONCE;
        if lacking.is_empty() {
            return Ok((BTreeMap::new(), false));
        }
        let copies = self.agreement.engine.call(move |core: &mut Core| {
            let live = lacking.iter().filter_map(|swap| core.driver.swaps().get(swap));
            live.map(SwapCopy::of).collect::<Vec<_>>()
        });
        let mut keeps = BTreeMap::new();
        for copy in copies.await? {
            let swap = copy.terms.swap();
            match self.keep_of(&copy) {
                Some(keep) => drop(keeps.insert(swap, keep)),
                // Too long for anybody: it is not tried again.
                None => self.known().values_mut().for_each(|known| {
                    known.recorded.insert(swap);
                }),
            }
        }
        Ok((keeps, more))
    }

    fn keep_of(&self, copy: &SwapCopy) -> Option<Signed<Keep>> {
        let legs = copy.terms.legs().values();
        let last = legs.map(|leg| leg.spec.timelock).max().unwrap_or(UnixTime(0));
        let keep = Keep {
            version: 1,
            network: self.agreement.network.clone(),
            owner: self.agreement.key.id(),
            swap: copy.terms.swap(),
            until: last.plus(RECORD_KEPT),
            record: self.agreement.sealed(copy)?,
        };
        Some(keep.sign(&self.agreement.key))
    }

    /// Gives one tower its records, one after the other, until one fails.
    pub(super) async fn send_records(
        &self,
        at: &PeerAddress,
        keeps: &[Signed<Keep>],
        delivered: &mut Delivered,
    ) {
        for keep in keeps {
            if delivered.trouble.is_some() {
                return;
            }
            match self.ask(at, &Request::Keep(Box::new(keep.clone()))).await {
                Ok(Response::RecordKept) => delivered.recorded.push(keep.body.swap),
                Ok(Response::Refused(why)) => {
                    delivered.trouble = Some(TowerTrouble::Refused(why.as_str().to_owned()));
                }
                Ok(Response::Kept(_) | Response::Older(_) | Response::Status(_) | Response::Records(_)) => {
                    delivered.trouble = Some(TowerTrouble::OtherAnswer)
                }
                Err(trouble) => delivered.trouble = Some(trouble),
            }
        }
    }
}

impl Known {
    /// The swaps of which it has no record.
    pub(super) fn lacks<'a>(&'a self, due: &'a Dues) -> impl Iterator<Item = &'a SwapId> {
        due.keys().filter(|swap| !self.recorded.contains(*swap))
    }

    /// The records that it does not have.
    pub(super) fn unrecorded(&self, keeps: &BTreeMap<SwapId, Signed<Keep>>) -> Vec<Signed<Keep>> {
        let lacking = keeps.iter().filter(|(swap, _)| !self.recorded.contains(*swap));
        lacking.map(|(_, keep)| keep.clone()).collect()
    }
}
