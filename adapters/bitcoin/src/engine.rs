//! The one task of the adapter: takes actions, looks at the chain, tells what changed, sends what is owed.
//!
//! A look is always the same: catch up with the best block, look at the mempool, compare each leg's picture with
//! what was told of it, then answer builds, send, and tell the tip. What a look cannot do because the node does
//! not answer is done by a later one.

mod build;
mod chain;
mod mempool;
mod send;
mod sync;
mod urgency;
mod witness;

pub(crate) use send::is_known;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bitcoin::Network;
use kofo_adapter_api::SignerError;
use kofo_primitives::{
    ActKind, AssetId, ChainAction, ChainEvent, FailClass, Health, HtlcSpec, LegEvent, LegRef, Prepared, Text,
    Tip, UnixTime,
};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use self::chain::{Branch, Link};
use self::witness::{Accord, Testimony};
use crate::fee::SatPerVb;
use crate::leg::{Leg, Sending};
use crate::nodes::{APART_FOR, Nodes};
use crate::ours::OurKeys;
use crate::picture::Picture;
use crate::prepared::Signed;
use crate::proof::Forged;
use crate::rpc::{Best, RpcError};
use crate::source::Source;
use crate::spend::Coin;
use crate::terms::Terms;
use crate::wallet::{OwnWallet, WalletError};

/// So many actions are taken before the next look.
const ACTIONS_PER_LOOK: usize = 256;
/// While so many events wait to be read, no action is taken.
const MAX_UNREAD: usize = 4_096;
/// When no look has succeeded for so long, the chain is called faulty.
const FAULT_AFTER: Duration = Duration::from_secs(5);
/// A reorg between the questions of one look: it is made again, at most so often.
const LOOKS_PER_TURN: usize = 4;

/// Why a look was not finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Forged(#[from] Forged),
    #[error("the chain changed while it was read")]
    Raced,
    /// No failure: there are more blocks than one look reads.
    #[error("there are more blocks to read")]
    Behind,
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// What the task needs from its owner.
pub(crate) struct Parts {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) chain: Network,
    pub(crate) wallet: Arc<Mutex<OwnWallet>>,
    pub(crate) keys: OurKeys,
    pub(crate) asset: AssetId,
    pub(crate) most: SatPerVb,
    pub(crate) poll: Duration,
    /// How long a block takes on average.
    pub(crate) block_time: Duration,
    /// The height up to which the wallet knows the chain.
    pub(crate) caught_up: watch::Sender<u64>,
    /// The best block that counts; nothing while the nodes are apart.
    pub(crate) view: watch::Sender<Option<Tip>>,
    /// The locks of all watched legs that nothing in a block has spent.
    pub(crate) locks: watch::Sender<BTreeMap<LegRef, Locked>>,
}

/// The lock of one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) coin: Coin,
    /// As deep as the leg wants it.
    pub(crate) is_final: bool,
}

/// What woke the task.
enum Step {
    Told,
    Act(Box<(LegRef, ChainAction)>),
    Look,
    Stop,
}

/// The task and all it knows.
pub(crate) struct Engine {
    parts: Parts,
    actions: mpsc::Receiver<(LegRef, ChainAction)>,
    events: mpsc::Sender<ChainEvent>,
    legs: BTreeMap<LegRef, Leg>,
    /// The newest blocks that were applied.
    branch: Branch,
    /// The block that was read last, at its height: an older one while a new leg is scanned for.
    scanned: Option<(u64, Link)>,
    mempool: mempool::Mempool,
    testimonies: Vec<Testimony>,
    accord: Accord,
    /// Legs whose `Watch` waits for the nodes to agree.
    unanswered: BTreeSet<LegRef>,
    best: Option<Best>,
    told_tip: Option<Best>,
    /// The block at which everything owed was tried.
    sent_at: Option<bitcoin::BlockHash>,
    rate: SatPerVb,
    outbox: VecDeque<ChainEvent>,
    /// Since when no look has succeeded.
    failing_since: Option<Instant>,
    /// Since when not all nodes have named the same best block.
    apart_since: Option<Instant>,
    healthy: bool,
}

impl Engine {
    pub(crate) fn new(
        parts: Parts,
        actions: mpsc::Receiver<(LegRef, ChainAction)>,
        events: mpsc::Sender<ChainEvent>,
    ) -> Self {
        let testimonies = parts.nodes.witnesses.iter().map(|_| Testimony::default());
        Self {
            testimonies: testimonies.collect(),
            parts,
            actions,
            events,
            legs: BTreeMap::new(),
            branch: Branch::default(),
            scanned: None,
            mempool: mempool::Mempool::default(),
            accord: Accord::default(),
            unanswered: BTreeSet::new(),
            best: None,
            told_tip: None,
            sent_at: None,
            rate: crate::fee::rate(None, None),
            outbox: VecDeque::new(),
            failing_since: None,
            apart_since: None,
            healthy: true,
        }
    }

    /// Runs until the adapter is dropped.
    pub(crate) async fn run(mut self) {
        let mut tick = tokio::time::interval(self.parts.poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                room = self.events.reserve(), if !self.outbox.is_empty() => match (room, self.outbox.pop_front()) {
                    (Ok(room), Some(event)) => {
                        room.send(event);
                        Step::Told
                    }
                    (Ok(_), None) => Step::Told,
                    (Err(_), _) => Step::Stop,
                },
                action = self.actions.recv(), if self.outbox.len() < MAX_UNREAD => {
                    action.map_or(Step::Stop, |action| Step::Act(Box::new(action)))
                }
                _ = tick.tick() => Step::Look,
            };
            match step {
                Step::Stop => return,
                Step::Told => continue,
                Step::Look => (),
                Step::Act(action) => {
                    let (leg, action) = *action;
                    self.take(leg, action);
                    for _ in 1..ACTIONS_PER_LOOK {
                        let Ok((leg, action)) = self.actions.try_recv() else {
                            break;
                        };
                        self.take(leg, action);
                    }
                }
            }
            self.turn().await;
        }
    }

    /// Looks until nothing moved during the look, and notes since when that fails.
    async fn turn(&mut self) {
        for _ in 0..LOOKS_PER_TURN {
            match self.look().await {
                Err(LookError::Raced) => (),
                Ok(()) | Err(LookError::Behind) => return self.note_health(None),
                Err(error) => {
                    if matches!(error, LookError::Rpc(_)) {
                        self.send_around().await;
                    }
                    return self.note_health(Some(&error));
                }
            }
        }
        self.note_health(Some(&LookError::Raced));
    }

    fn note_health(&mut self, failure: Option<&LookError>) {
        // Once called faulty, only success and full agreement make it healthy again.
        let agreed = self
            .apart_since
            .is_none_or(|since| self.healthy && since.elapsed() < APART_FOR);
        let healthy = match failure {
            None => {
                self.failing_since = None;
                agreed
            }
            Some(error) => {
                if self.failing_since.is_none() {
                    tracing::warn!(%error, "a look at the chain failed: it is repeated");
                }
                let since = *self.failing_since.get_or_insert_with(Instant::now);
                self.healthy && agreed && since.elapsed() < FAULT_AFTER
            }
        };
        if healthy != self.healthy {
            self.healthy = healthy;
            let health = if healthy { Health::Healthy } else { Health::Fault };
            tracing::warn!(?health, "the trust in the nodes changed");
            if !healthy {
                self.log_witnesses();
            }
            self.outbox.push_back(ChainEvent::Health(health));
        }
    }

    async fn look(&mut self) -> Result<(), LookError> {
        let best = self.catch_up().await?;
        self.accord = self.hear_witnesses(&best).await?;
        self.look_at_mempool().await?;
        self.overhear().await;
        // What was mined since is in no mempool and not yet in our chain: it would look as if it were gone.
        if self.ours().best_hash().await? != best.hash {
            return Err(LookError::Raced);
        }
        let seen = self.pictures(u64::MAX);
        // Nearly always all blocks count.
        let fewer = self.accord.counts.filter(|counts| counts.height < best.height);
        let counted = fewer.map(|counts| self.pictures(counts.height));
        let counted = counted.as_ref().unwrap_or(&seen);
        match self.accord.counts {
            Some(counts) => self.tell(counted, &counts),
            None => {
                for (leg, picture) in &seen {
                    if let Some(watched) = self.legs.get_mut(leg) {
                        watched.tell_preimage(*leg, picture, &mut self.outbox);
                    }
                }
            }
        }
        self.recognise().await;
        self.answer_builds(&seen).await;
        let trusted = self.accord.counts.filter(|_| self.accord.together);
        if let Some(counts) = trusted {
            self.tell_tip(&counts);
        }
        self.parts.view.send_replace(trusted.map(|counts| tip(&counts)));
        self.parts.caught_up.send_replace(best.height);
        self.send_all(&seen, counted, &best).await
    }

    /// Every leg as the blocks up to this height show it.
    fn pictures(&self, height: u64) -> Vec<(LegRef, Picture)> {
        let legs = self.legs.iter();
        legs.map(|(leg, watched)| (*leg, watched.picture_up_to(height)))
            .collect()
    }

    /// Tells the facts of the blocks that count.
    fn tell(&mut self, pictures: &[(LegRef, Picture)], counts: &Best) {
        self.note_locks(pictures, counts);
        for (leg, picture) in pictures {
            if let Some(watched) = self.legs.get_mut(leg)
                && watched.tell(*leg, picture, &mut self.outbox)
            {
                self.unanswered.insert(*leg);
            }
        }
        self.bury_dead(pictures, counts);
    }

    /// Answers every `Watch`, and tells the tip if it is new.
    fn tell_tip(&mut self, counts: &Best) {
        for leg in std::mem::take(&mut self.unanswered) {
            self.outbox
                .push_back(ChainEvent::Leg(leg, LegEvent::Watched(tip(counts))));
        }
        if self.told_tip != Some(*counts) {
            self.told_tip = Some(*counts);
            self.outbox.push_back(ChainEvent::Tip(tip(counts)));
        }
    }

    /// Makes known what rounds and entrusted spends may take.
    fn note_locks(&self, pictures: &[(LegRef, Picture)], best: &Best) {
        let locks = pictures.iter().filter_map(|(leg, picture)| {
            let (coin, height) = picture.locked()?;
            let depth = self.legs.get(leg)?.spec.depth;
            let is_final = depth_of(height, best) >= u64::from(depth);
            Some((*leg, Locked { coin, is_final }))
        });
        self.parts.locks.send_replace(locks.collect());
    }

    fn take(&mut self, leg: LegRef, action: ChainAction) {
        match action {
            ChainAction::Watch { spec, held } => self.watch(leg, spec, &held),
            ChainAction::Build(act) => match self.legs.get_mut(&leg) {
                Some(watched) => {
                    watched.asked.retain(|asked| asked.kind() != act.kind());
                    watched.asked.push(act);
                }
                None => self.fail(leg, act.kind(), "the leg is not watched"),
            },
            ChainAction::Broadcast { act, tx, not_after } => {
                if let Some(watched) = self.legs.get_mut(&leg) {
                    watched.not_after.insert(act, not_after);
                }
                self.broadcast(leg, act, &tx);
            }
            ChainAction::Unwatch => {
                self.legs.remove(&leg);
                self.unanswered.remove(&leg);
                self.wallet().release(leg);
            }
        }
    }

    fn watch(&mut self, leg: LegRef, spec: HtlcSpec, held: &[Prepared]) {
        if !self.legs.contains_key(&leg) {
            match Terms::read(&spec, &self.parts.asset) {
                Ok(terms) => {
                    self.mempool.forget();
                    self.listen_anew();
                    self.legs.insert(leg, Leg::new(spec, terms));
                }
                Err(error) => return self.fail(leg, ActKind::Lock, &error.to_string()),
            }
        }
        for prepared in held {
            match Signed::decode(prepared) {
                Ok(signed) => self.keep(leg, signed),
                Err(error) => self.fail(leg, ActKind::Lock, &error.to_string()),
            }
        }
        if let Some(watched) = self.legs.get_mut(&leg) {
            watched.asked_again = true;
        }
    }

    /// Finds out of each new leg whether its key is ours. A tower also watches legs of others, for which it can sign
    /// nothing. While the signer is away nobody knows, and nothing is built.
    async fn recognise(&mut self) {
        let unknown = self.legs.iter().filter(|(_, watched)| watched.ours.is_none());
        let unknown: Vec<_> = unknown
            .map(|(leg, watched)| (*leg, watched.spec.clone()))
            .collect();
        for (leg, spec) in unknown {
            let ours = match self.parts.keys.whose(self.parts.keys.leg(leg, &spec, None)).await {
                Ok(payee) => payee.is_some(),
                Err(SignerError::Refused(why)) => {
                    tracing::warn!(swap = %leg.swap, leg = %leg.leg, %why, "the signer does not know the leg");
                    false
                }
                Err(error @ SignerError::Unreachable(_)) => {
                    tracing::warn!(swap = %leg.swap, leg = %leg.leg, %error, "asked again at the next look");
                    return;
                }
            };
            if let Some(watched) = self.legs.get_mut(&leg) {
                watched.ours = Some(ours);
            }
        }
    }

    fn keep(&mut self, leg: LegRef, signed: Signed) {
        self.wallet().reserve(leg, &signed);
        if let Some(watched) = self.legs.get_mut(&leg) {
            watched.keep(signed);
        }
    }

    fn broadcast(&mut self, leg: LegRef, kind: ActKind, prepared: &Prepared) {
        let signed = match Signed::decode(prepared) {
            Ok(signed) if signed.kind == kind => signed,
            Ok(_) => return self.fail(leg, kind, "the transaction is of another act"),
            Err(error) => return self.fail(leg, kind, &error.to_string()),
        };
        if !self.legs.contains_key(&leg) {
            return self.fail(leg, kind, "the leg is not watched");
        }
        self.keep(leg, signed.clone());
        let height = self.best.map_or(0, |best| best.height);
        let Some(watched) = self.legs.get_mut(&leg) else {
            return;
        };
        match watched.sending.get_mut(&kind) {
            // A version that was replaced already: what replaced it is sent on.
            Some(old) if old.signed.same_inputs(&signed) && old.signed.fee >= signed.fee => old.tried = None,
            old => {
                // A better version has waited as long as the first one has.
                let (since, start) =
                    old.map_or_else(|| (height, signed.paid().rate()), |old| (old.since, old.start));
                let sending = Sending {
                    signed,
                    since,
                    start,
                    offered_at: None,
                    tried: None,
                    too_cheap: false,
                };
                watched.sending.insert(kind, sending);
            }
        }
    }

    fn fail(&mut self, leg: LegRef, kind: ActKind, why: &str) {
        self.failed(leg, kind, FailClass::Refused(Text::lossy(why)));
    }

    fn failed(&mut self, leg: LegRef, kind: ActKind, class: FailClass) {
        self.outbox
            .push_back(ChainEvent::Leg(leg, LegEvent::Failed(kind, class)));
    }

    fn ours(&self) -> &dyn Source {
        self.parts.nodes.ours.as_ref()
    }

    fn wallet(&self) -> MutexGuard<'_, OwnWallet> {
        self.parts.wallet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn tip(best: &Best) -> Tip {
    Tip {
        height: best.height,
        time: UnixTime(best.median_time),
    }
}

/// A block in the tip has depth 1.
fn depth_of(height: u64, best: &Best) -> u64 {
    best.height.saturating_add(1).saturating_sub(height)
}

/// Whether the time since then is over; nothing means never.
fn is_over(since: Option<Instant>, span: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= span)
}
