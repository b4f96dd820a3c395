//! S1: the task that gives the other party of each swap our record of it, until it has said that it keeps it.

use super::seal;
use crate::agree::{AgreeError, Agreement, address};
use crate::backup::SwapCopy;
use crate::clock::now;
use crate::direct::{AnswerError, Keep, Request, Response};
use crate::engine::{Core, Stopped};
use futures::{StreamExt, stream};
use kofo_network::{AddressError, RequestError};
use kofo_primitives::{Contact, NodeId, SwapId};
use kofo_tower::SealedRecord;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Changes that come together are looked at together.
const GATHER: Duration = Duration::from_millis(50);
/// Who does not keep it is asked again after this, then after twice as long, and so on.
const FIRST_REST: Duration = Duration::from_secs(1);
/// At most after so long.
const LONGEST_REST: Duration = Duration::from_secs(600);
/// So many are given before all swaps are looked at again.
const AT_ONCE: usize = 64;
/// So many at the same time.
const TOGETHER: usize = 8;

/// Why the other party does not have our record yet.
#[derive(Debug, thiserror::Error)]
enum NotHanded {
    #[error("the other party gave no address that can be used: {0}")]
    Address(#[from] AddressError),
    #[error("the other party cannot be reached: {0}")]
    Unreachable(#[from] RequestError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error("the record of this swap is too long for anybody to keep")]
    TooLong,
    #[error(transparent)]
    Theirs(#[from] AgreeError),
}

/// How far we are with one record.
#[derive(Clone, Copy, Debug)]
enum Handed {
    Kept,
    Rests { until: Instant, next: Duration },
}

/// One record to give.
struct Due {
    copy: SwapCopy,
    to: Vec<Contact>,
    party: NodeId,
}

impl Agreement {
    /// Gives our records to the other parties of swaps that go on, until the engine ends.
    pub(crate) async fn hand_records(self: Arc<Self>) {
        let mut changes = self.engine.changes();
        let mut handed = BTreeMap::new();
        loop {
            changes.borrow_and_update();
            let Ok(next) = self.hand_some(&mut handed).await else {
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
                () = wake => {}
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Gives some of what is due. When to look again at the latest.
    async fn hand_some(&self, handed: &mut BTreeMap<SwapId, Handed>) -> Result<Option<Instant>, Stopped> {
        let reachable = |core: &mut Core| {
            let live = core.driver.swaps().iter();
            let live = live.filter(|(_, live)| live.goes_on() && !live.contacts().is_empty());
            live.map(|(id, _)| *id).collect::<std::collections::BTreeSet<_>>()
        };
        let live = self.engine.call(reachable).await?;
        handed.retain(|swap, _| live.contains(swap));
        let now = Instant::now();
        let due = live.into_iter().filter(|swap| match handed.get(swap) {
            None => true,
            Some(Handed::Kept) => false,
            Some(Handed::Rests { until, .. }) => *until <= now,
        });
        let due: Vec<SwapId> = due.take(AT_ONCE).collect();
        let more = due.len() == AT_ONCE;
        let copies = self.engine.call(move |core| {
            let one = |swap: &SwapId| {
                let live = core.driver.swaps().get(swap)?;
                Some(Due {
                    copy: SwapCopy::of(live),
                    to: live.contacts().to_vec(),
                    party: live.other_party(),
                })
            };
            due.iter().filter_map(one).collect::<Vec<_>>()
        });
        let given =
            stream::iter(copies.await?).map(async |due| (due.copy.terms.swap(), self.hand(due).await));
        let given: Vec<_> = given.buffer_unordered(TOGETHER).collect().await;
        for (swap, outcome) in given {
            let now = match outcome {
                Ok(()) => Handed::Kept,
                Err(why) => {
                    tracing::debug!(%swap, %why, "the other party does not keep our recovery record yet");
                    rest(handed.get(&swap))
                }
            };
            handed.insert(swap, now);
        }
        let rests = handed.values().filter_map(|handed| match handed {
            Handed::Rests { until, .. } => Some(*until),
            Handed::Kept => None,
        });
        Ok(rests.chain(more.then(Instant::now)).min())
    }

    /// Gives the other party of one swap our record, and keeps the one that it gives.
    async fn hand(&self, Due { copy, to, party }: Due) -> Result<(), NotHanded> {
        let (swap, role) = (copy.terms.swap(), copy.terms.role());
        let at = address(&to)?;
        let record = self.sealed(&copy).ok_or(NotHanded::TooLong)?;
        let key = self.signing_key(&copy.order, role);
        let request = Request::Keep(Box::new(Keep::new(swap, record, &key)));
        let answer = self.transport.request(&at, request.write()).await?;
        if let Some(theirs) = Response::read_kept(&answer)? {
            let peer = at.peer().to_string();
            let keep = move |core: &mut Core| core.driver.keep_record((swap, &party), &peer, theirs, now());
            let kept = self.engine.call(keep).await.map_err(AgreeError::from)?;
            kept.map_err(AgreeError::from)?;
        }
        Ok(())
    }

    /// Our record of a swap; none if it would be too long, which no swap of one leg on each side is.
    pub(crate) fn sealed(&self, copy: &SwapCopy) -> Option<SealedRecord> {
        let sealed = seal(copy, &self.seed, &self.network);
        let swap = copy.terms.swap();
        sealed
            .inspect_err(|why| tracing::warn!(%swap, %why, "nobody can keep a recovery record of this swap"))
            .ok()
    }
}

fn rest(before: Option<&Handed>) -> Handed {
    let next = match before {
        Some(Handed::Rests { next, .. }) => *next,
        Some(Handed::Kept) | None => FIRST_REST,
    };
    Handed::Rests {
        until: Instant::now() + next,
        next: (next * 2).min(LONGEST_REST),
    }
}
