//! The task that gives towers what is due to them, again and again until they have said that they keep it.

use super::{Draft, Due, Known, TowerTrouble, Towers};
use crate::clock::now_ms;
use crate::engine::{Core, Stopped};
use futures::future::join_all;
use kofo_network::{PeerAddress, PeerId};
use kofo_primitives::{ChainId, Preimage, Signed, SwapId};
use kofo_tower::{Package, Request, Response, Told};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Changes that come together are looked at together.
const GATHER: Duration = Duration::from_millis(200);
/// A tower that does not answer is asked again after this, then after twice as long, and so on.
const FIRST_REST: Duration = Duration::from_secs(1);
/// At most after so long.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// So many packages are made before they are sent.
const AT_ONCE: usize = 64;

/// What was made of a swap for its towers.
struct Given {
    due: Due,
    package: Option<Signed<Package>>,
    sequence: u64,
    told: Option<Signed<Told>>,
    /// There is nothing that another could do for us.
    nothing: bool,
    /// An adapter could not sign all of it: not before this moment again.
    again: Option<Instant>,
}

/// What may be given of each swap, and the preimage that may be passed on.
pub(super) type Dues = BTreeMap<SwapId, (Due, Option<Preimage>)>;

/// When a tower that did not answer is asked again.
struct Rest {
    until: Instant,
    next: Duration,
}

/// What a tower said to its packages.
pub(super) struct Delivered {
    kept: Vec<(SwapId, u64)>,
    told: Vec<SwapId>,
    pub(super) recorded: Vec<SwapId>,
    /// It has a package of this sequence already, which is no older than ours.
    older: Vec<(SwapId, u64)>,
    pub(super) trouble: Option<TowerTrouble>,
}

impl Towers {
    /// Gives towers what is due to them until the engine ends.
    pub async fn deliver(&self) {
        let mut changes = self.agreement.engine.changes();
        let mut given = BTreeMap::new();
        let mut rests = BTreeMap::new();
        loop {
            changes.borrow_and_update();
            let Ok(next) = self.turn(&mut given, &mut rests).await else {
                return;
            };
            let wake = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = self.changed.notified() => rests.clear(),
                () = wake => {}
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// One look at all swaps and all towers. When to look again at the latest.
    async fn turn(
        &self,
        given: &mut BTreeMap<SwapId, Given>,
        rests: &mut BTreeMap<PeerId, Rest>,
    ) -> Result<Option<Instant>, Stopped> {
        if self.known().is_empty() {
            given.clear();
            return Ok(None);
        }
        let due = self.due().await?;
        given.retain(|swap, _| due.contains_key(swap));
        for (swap, given) in given.iter_mut() {
            let preimage = due.get(swap).and_then(|(_, preimage)| preimage.clone());
            let tell = |preimage| self.tell(*swap, preimage);
            given.told = given.told.take().or_else(|| preimage.map(tell));
        }
        for known in self.known().values_mut() {
            known.kept.retain(|swap, _| due.contains_key(swap));
            known.told.retain(|swap| due.contains_key(swap));
            known.recorded.retain(|swap| due.contains_key(swap));
        }
        let more = self.make(&due, given).await?;
        let now = Instant::now();
        rests.retain(|peer, _| self.known().contains_key(peer));
        let ready = |peer: &PeerId| rests.get(peer).is_none_or(|rest| rest.until <= now);
        let (keeps, more_keeps) = self.keeps(&due, ready).await?;
        let towers: Vec<_> = self
            .known()
            .iter()
            .filter(|(peer, _)| ready(peer))
            .map(|(peer, known)| {
                (
                    *peer,
                    known.address.clone(),
                    known.missing(given),
                    known.untold(given),
                    known.unrecorded(&keeps),
                )
            })
            .collect();
        let sends = towers.iter().filter(|(_, _, missing, untold, unrecorded)| {
            !missing.is_empty() || !untold.is_empty() || !unrecorded.is_empty()
        });
        let sends = sends.map(|(peer, at, missing, untold, unrecorded)| async move {
            let mut delivered = self.send(at, missing).await;
            self.send_told(at, untold, &mut delivered).await;
            self.send_records(at, unrecorded, &mut delivered).await;
            (*peer, delivered)
        });
        for (peer, delivered) in join_all(sends).await {
            note_rest(rests, peer, delivered.trouble.is_some());
            self.note(peer, delivered, given);
        }
        for known in self.known().values_mut() {
            let lacking = [
                known.missing(given).len(),
                known.untold(given).len(),
                known.lacks(&due).count(),
            ];
            known.behind = lacking.into_iter().max().unwrap_or(0);
        }
        self.slim(given);
        let rest = rests.values().map(|rest| rest.until);
        let again = given.values().filter_map(|given| given.again);
        Ok(rest.chain(again).chain((more || more_keeps).then_some(now)).min())
    }

    fn tell(&self, swap: SwapId, preimage: Preimage) -> Signed<Told> {
        let told = Told {
            version: 1,
            network: self.agreement.network.clone(),
            owner: self.agreement.key.id(),
            swap,
            preimage,
        };
        told.sign(&self.agreement.key)
    }

    /// What may be given of each swap that goes on.
    async fn due(&self) -> Result<Dues, Stopped> {
        let look = |core: &mut Core| {
            let live = core.driver.swaps().iter().filter(|(_, live)| live.goes_on());
            live.map(|(id, live)| (*id, (Due::of(live), Due::told(live).cloned())))
                .collect()
        };
        self.agreement.engine.call(look).await
    }

    /// Makes packages that are not there yet. Whether there may be more.
    async fn make(&self, due: &Dues, given: &mut BTreeMap<SwapId, Given>) -> Result<bool, Stopped> {
        let now = Instant::now();
        let lacking: BTreeSet<SwapId> = {
            let known = self.known();
            let lacks = |swap: &SwapId, given: &Given| {
                given.package.is_none()
                    && !given.nothing
                    && known.values().any(|known| !known.has(swap, given.sequence))
            };
            let wanted = |(swap, (due, _)): &(&SwapId, &(Due, Option<Preimage>))| match given.get(swap) {
                None => !due.is_nothing(),
                Some(given) => {
                    !due.is_part_of(given.due)
                        || given.again.is_some_and(|again| again <= now)
                        || lacks(swap, given) && given.again.is_none()
                }
            };
            due.iter()
                .filter(wanted)
                .map(|(swap, _)| *swap)
                .take(AT_ONCE)
                .collect()
        };
        let more = lacking.len() == AT_ONCE;
        if lacking.is_empty() {
            return Ok(false);
        }
        let drafts = self.agreement.engine.call(move |core: &mut Core| {
            let draft = |swap: &SwapId| {
                let live = core.driver.swaps().get(swap)?;
                let due = Due::of(live);
                Some((*swap, due, Draft::of(live, due)))
            };
            lacking.iter().filter_map(draft).collect::<Vec<_>>()
        });
        for (swap, due, mut draft) in drafts.await? {
            let adapter = |chain: &ChainId| self.agreement.adapters.get(chain).map(AsRef::as_ref);
            let filled = draft.fill(adapter).await;
            if let Err(error) = &filled {
                tracing::warn!(%swap, %error, "not all of a swap can be entrusted yet");
            }
            let before = given.get(&swap);
            let sequence = now_ms().max(before.map_or(0, |before| before.sequence.saturating_add(1)));
            let package = draft.sign(&self.agreement.network, sequence, &self.agreement.key);
            let made = Given {
                due: before.map_or(due, |before| before.due.and(due)),
                nothing: package.is_none(),
                package,
                sequence,
                told: before.and_then(|before| before.told.clone()),
                again: filled.is_err().then(|| now + LONGEST_REST),
            };
            given.insert(swap, made);
        }
        Ok(more)
    }

    /// Gives one tower its packages, one after the other, until one fails.
    async fn send(&self, at: &PeerAddress, missing: &[Signed<Package>]) -> Delivered {
        let mut delivered = Delivered {
            kept: Vec::new(),
            told: Vec::new(),
            recorded: Vec::new(),
            older: Vec::new(),
            trouble: None,
        };
        for package in missing {
            let (swap, sequence) = (package.body.swap, package.body.sequence);
            match self.ask(at, &Request::Entrust(Box::new(package.clone()))).await {
                Ok(Response::Kept(kept)) if kept == sequence => delivered.kept.push((swap, sequence)),
                Ok(Response::Older(have)) => delivered.older.push((swap, have)),
                Ok(Response::Refused(why)) => {
                    delivered.trouble = Some(TowerTrouble::Refused(why.as_str().to_owned()));
                }
                Ok(Response::Kept(_) | Response::Status(_) | Response::RecordKept | Response::Records(_)) => {
                    delivered.trouble = Some(TowerTrouble::OtherAnswer)
                }
                // The next one would fail the same way.
                Err(trouble) => {
                    delivered.trouble = Some(trouble);
                    break;
                }
            }
        }
        delivered
    }

    /// Tells one tower the preimages of what it keeps.
    async fn send_told(&self, at: &PeerAddress, untold: &[Signed<Told>], delivered: &mut Delivered) {
        for told in untold {
            if delivered.trouble.is_some() {
                return;
            }
            match self.ask(at, &Request::Told(told.clone())).await {
                Ok(Response::Kept(_)) => delivered.told.push(told.body.swap),
                Ok(Response::Refused(why)) => {
                    delivered.trouble = Some(TowerTrouble::Refused(why.as_str().to_owned()));
                }
                Ok(
                    Response::Older(_) | Response::Status(_) | Response::RecordKept | Response::Records(_),
                ) => delivered.trouble = Some(TowerTrouble::OtherAnswer),
                Err(trouble) => delivered.trouble = Some(trouble),
            }
        }
    }

    fn note(&self, peer: PeerId, delivered: Delivered, given: &mut BTreeMap<SwapId, Given>) {
        for (swap, have) in delivered.older {
            // Our clock went back: the next package is made to be later.
            if let Some(given) = given.get_mut(&swap) {
                given.sequence = given.sequence.max(have);
                given.package = None;
            }
        }
        if let Some(known) = self.known().get_mut(&peer) {
            for (swap, sequence) in delivered.kept {
                tracing::info!(%swap, tower = %peer, "entrusted");
                known.kept.insert(swap, sequence);
            }
            known.told.extend(delivered.told);
            known.recorded.extend(delivered.recorded);
            let trouble = delivered.trouble.map(|trouble| trouble.to_string());
            if known.trouble != trouble
                && let Some(trouble) = &trouble
            {
                tracing::warn!(tower = %peer, %trouble, "a tower does not take what it is given: it is given again");
            }
            known.trouble = trouble;
        }
    }

    /// What all towers have is not kept.
    fn slim(&self, given: &mut BTreeMap<SwapId, Given>) {
        let known = self.known();
        for (swap, given) in given {
            if known.values().all(|known| known.has(swap, given.sequence)) {
                given.package = None;
            }
        }
    }
}

impl Known {
    fn has(&self, swap: &SwapId, sequence: u64) -> bool {
        self.kept.get(swap).is_some_and(|kept| *kept >= sequence)
    }

    /// Preimages that it is to be told: of what it keeps, or is given in the same turn.
    fn untold(&self, given: &BTreeMap<SwapId, Given>) -> Vec<Signed<Told>> {
        let untold = given.iter().filter(|(swap, _)| !self.told.contains(*swap));
        let kept = untold.filter(|(swap, given)| given.package.is_some() || self.kept.contains_key(*swap));
        kept.filter_map(|(_, given)| given.told.clone()).collect()
    }

    fn missing(&self, given: &BTreeMap<SwapId, Given>) -> Vec<Signed<Package>> {
        let missing = given
            .iter()
            .filter(|(swap, given)| !self.has(swap, given.sequence));
        missing.filter_map(|(_, given)| given.package.clone()).collect()
    }
}

fn note_rest(rests: &mut BTreeMap<PeerId, Rest>, peer: PeerId, failed: bool) {
    if !failed {
        rests.remove(&peer);
        return;
    }
    let now = Instant::now();
    let next = rests.get(&peer).map_or(FIRST_REST, |rest| rest.next);
    let rest = Rest {
        until: now + next,
        next: (next * 2).min(LONGEST_REST),
    };
    rests.insert(peer, rest);
}
