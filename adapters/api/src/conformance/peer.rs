//! One node of a case: its adapter, and what that told.

use super::harness::{Harness, Who};
use super::stage::Leg;
use crate::ChainAdapter;
use kofo_primitives::{
    Act, ActKind, At, ChainAction, ChainEvent, FailClass, LegEvent, LegRef, Preimage, Prepared, Tip, UnixTime,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long anything may take before a case fails. Generous: it is a verdict, not a pace.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// What an adapter told of one leg and what of it still holds.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Where the lock is.
    pub lock: Option<At>,
    /// The preimage that the redeem shows, and where.
    pub redeem: Option<(Preimage, At)>,
    /// Where the refund is.
    pub refund: Option<At>,
    /// Where what cancelled our lock is.
    pub cancel: Option<At>,
    /// All failures, in order.
    pub failed: Vec<(ActKind, FailClass)>,
    /// Where a redeem by both signatures was seen.
    pub redeemed_together: Option<At>,
    /// The tip of the last answer to a `Watch`.
    pub watched: Option<Tip>,
    /// All that was built, in order.
    pub built: Vec<(ActKind, Prepared)>,
}

impl Told {
    /// Takes in one event of the leg.
    pub fn hear(&mut self, event: &LegEvent) {
        match event {
            LegEvent::Built(kind, prepared) => self.built.push((*kind, prepared.clone())),
            LegEvent::Seen { act, at, .. } => match act {
                Act::Lock => self.lock = Some(*at),
                Act::Redeem(preimage) => self.redeem = Some((preimage.clone(), *at)),
                Act::Refund => self.refund = Some(*at),
                Act::Cancel => self.cancel = Some(*at),
            },
            LegEvent::Unseen(ActKind::Lock) => self.lock = None,
            LegEvent::RedeemedTogether { at, .. } => self.redeemed_together = Some(*at),
            LegEvent::Unseen(ActKind::Redeem | ActKind::RedeemTogether) => {
                self.redeem = None;
                self.redeemed_together = None;
            }
            LegEvent::Unseen(ActKind::Refund | ActKind::RefundTogether) => self.refund = None,
            LegEvent::Unseen(ActKind::Cancel) => self.cancel = None,
            LegEvent::Failed(kind, class) => self.failed.push((*kind, class.clone())),
            LegEvent::Watched(tip) => self.watched = Some(*tip),
        }
    }

    /// Whether this act was said to be dead.
    #[must_use]
    pub fn dead(&self, kind: ActKind) -> bool {
        self.failed.contains(&(kind, FailClass::Dead))
    }

    /// Whether a lock of a wrong amount was told.
    #[must_use]
    pub fn wrong_amount(&self) -> bool {
        let wrong = |(kind, class): &(ActKind, FailClass)| {
            *kind == ActKind::Lock && matches!(class, FailClass::WrongAmount { .. })
        };
        self.failed.iter().any(wrong)
    }
}

#[derive(Default)]
struct Log {
    events: Mutex<Vec<ChainEvent>>,
    grew: Notify,
}

impl Log {
    fn read<T>(&self, look: impl FnOnce(&[ChainEvent]) -> T) -> T {
        look(&self.events.lock().expect("nobody panics while reading the log"))
    }
}

/// One node: an adapter, and all that it told since it was started.
pub struct Peer {
    who: Who,
    /// Its adapter.
    pub adapter: Arc<dyn ChainAdapter>,
    log: Arc<Log>,
    listener: JoinHandle<()>,
}

impl Peer {
    pub(super) async fn start<H: Harness>(chain: &H, who: Who) -> Self {
        Self::standing_in(chain.start(who).await, who)
    }

    /// A node that looks at each leg as this owner does, with whosever adapter.
    pub(super) fn standing_in(adapter: Arc<dyn ChainAdapter>, who: Who) -> Self {
        let log = Arc::new(Log::default());
        let (heard, told) = (Arc::clone(&adapter), Arc::clone(&log));
        let listener = tokio::spawn(async move {
            while let Some(event) = heard.next().await {
                told.events
                    .lock()
                    .expect("nobody panics while reading the log")
                    .push(event);
                told.grew.notify_waiters();
            }
        });
        Self {
            who,
            adapter,
            log,
            listener,
        }
    }

    /// Ends the node as a crash does, but surely.
    pub(super) async fn stop(mut self) {
        self.listener.abort();
        let _cancelled = (&mut self.listener).await;
    }

    /// How many events were told so far.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.log.read(<[_]>::len)
    }

    /// The tips that were told after the mark, in order.
    #[must_use]
    pub fn tips(&self, mark: usize) -> Vec<Tip> {
        self.log.read(|events| {
            let tip = |event: &ChainEvent| match event {
                ChainEvent::Tip(tip) => Some(*tip),
                ChainEvent::Health(_) | ChainEvent::Leg(..) => None,
            };
            events.iter().skip(mark).filter_map(tip).collect()
        })
    }

    /// What was told of the leg after the mark and still holds.
    #[must_use]
    pub fn told_since(&self, mark: usize, of: LegRef) -> Told {
        self.log
            .read(|events| told(&events[mark.min(events.len())..], of))
    }

    /// Which acts were said to be nowhere.
    #[must_use]
    pub fn unseen(&self, of: LegRef) -> Vec<ActKind> {
        self.log.read(|events| {
            let unseen = |event: &ChainEvent| match event {
                ChainEvent::Leg(leg, LegEvent::Unseen(kind)) if *leg == of => Some(*kind),
                ChainEvent::Leg(..) | ChainEvent::Tip(_) | ChainEvent::Health(_) => None,
            };
            events.iter().filter_map(unseen).collect()
        })
    }

    /// What was told of the leg and still holds.
    #[must_use]
    pub fn told(&self, leg: &Leg) -> Told {
        self.told_since(0, leg.of)
    }

    /// Waits until `pick` finds what it wants in the events after the mark.
    pub async fn until<T>(&self, mark: usize, what: &str, pick: impl Fn(&[ChainEvent]) -> Option<T>) -> T {
        let search = async {
            loop {
                let grew = self.log.grew.notified();
                tokio::pin!(grew);
                grew.as_mut().enable();
                if let Some(found) = self.log.read(|events| pick(&events[mark.min(events.len())..])) {
                    return found;
                }
                grew.await;
            }
        };
        let Ok(found) = tokio::time::timeout(DEADLINE, search).await else {
            let told = self.log.read(<[_]>::to_vec);
            panic!(
                "{:?}: expected {what} within {DEADLINE:?}; told since the start: {told:#?}",
                self.who
            );
        };
        found
    }

    /// Waits until what was told of the leg fits.
    pub async fn until_told(&self, leg: &Leg, what: &str, fits: impl Fn(&Told) -> bool) -> Told {
        let of = leg.of;
        self.until(0, what, |events| Some(told(events, of)).filter(|told| fits(told)))
            .await
    }

    /// Asks to watch the leg; does not wait.
    pub async fn ask_to_watch(&self, leg: &Leg, held: &[Prepared]) {
        let spec = leg.spec(self.who).clone();
        let held = held.to_vec();
        self.adapter.act(leg.of, ChainAction::Watch { spec, held }).await;
    }

    /// Watches the leg and waits for the answer; what was told in it.
    pub async fn watch(&self, leg: &Leg, held: &[Prepared]) -> Told {
        let mark = self.mark();
        self.ask_to_watch(leg, held).await;
        let answered = |event: &ChainEvent| match event {
            ChainEvent::Leg(of, LegEvent::Watched(_)) => *of == leg.of,
            ChainEvent::Leg(..) | ChainEvent::Tip(_) | ChainEvent::Health(_) => false,
        };
        let answer =
            |events: &[ChainEvent]| Some(told(&events[..=events.iter().position(answered)?], leg.of));
        self.until(mark, "Watched after Watch", answer).await
    }

    /// Builds and waits for the answer.
    pub async fn try_build(&self, leg: &Leg, act: Act) -> Result<Prepared, FailClass> {
        let (mark, kind) = (self.mark(), act.kind());
        self.adapter.act(leg.of, ChainAction::Build(act)).await;
        let answer = |events: &[ChainEvent]| {
            events.iter().find_map(|event| match event {
                ChainEvent::Leg(of, LegEvent::Built(built, prepared)) if *of == leg.of && *built == kind => {
                    Some(Ok(prepared.clone()))
                }
                ChainEvent::Leg(of, LegEvent::Failed(failed, class)) if *of == leg.of && *failed == kind => {
                    Some(Err(class.clone()))
                }
                ChainEvent::Leg(..) | ChainEvent::Tip(_) | ChainEvent::Health(_) => None,
            })
        };
        self.until(mark, "Built or Failed after Build", answer).await
    }

    /// Builds what must be possible.
    pub async fn build(&self, leg: &Leg, act: Act) -> Prepared {
        let kind = act.kind();
        match self.try_build(leg, act).await {
            Ok(prepared) => prepared,
            Err(class) => panic!("{:?}: expected {kind:?} to be built, got {class}", self.who),
        }
    }

    /// Asks for a broadcast; does not wait.
    pub async fn broadcast(&self, leg: &Leg, kind: ActKind, prepared: &Prepared) {
        self.broadcast_until(leg, kind, prepared, None).await;
    }

    /// Asks for a broadcast that is owed no longer than until this time of the chain; does not wait.
    pub async fn broadcast_until(
        &self,
        leg: &Leg,
        act: ActKind,
        prepared: &Prepared,
        not_after: Option<UnixTime>,
    ) {
        let tx = prepared.clone();
        let action = ChainAction::Broadcast { act, tx, not_after };
        self.adapter.act(leg.of, action).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn told(events: &[ChainEvent], of: LegRef) -> Told {
    let mut told = Told::default();
    for event in events {
        match event {
            ChainEvent::Leg(leg, event) if *leg == of => told.hear(event),
            ChainEvent::Leg(..) | ChainEvent::Tip(_) | ChainEvent::Health(_) => (),
        }
    }
    told
}
