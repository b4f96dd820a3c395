//! The shell around a tower: its tasks, adapters and peers.

use crate::message::{Request, Response};
use crate::status::Watching;
use crate::tower::{Effect, Refusal, Tower, TowerError};
use kofo_adapter_api::{ChainAdapter, Entrusted};
use kofo_journal::Journal;
use kofo_network::{Inbound, InboundRequest, Responder};
use kofo_primitives::{Act, ActKind, ChainAction, ChainEvent, ChainId, HtlcSpec, LegRef, Prepared};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The adapters of a tower, by chain.
pub type Adapters = BTreeMap<ChainId, Arc<dyn ChainAdapter>>;

/// Events that wait for the tower, over all chains.
const EVENTS: usize = 4_096;
/// Actions that wait for one adapter; what finds no room is owed and asked for again.
const OUTBOX: usize = 4_096;
/// At most so many inputs are taken between two syncs.
const MAX_BATCH: usize = 256;
/// An adapter has so long to prepare an act.
const PREPARE: Duration = Duration::from_secs(60);

/// What is watched is shown at most so often: it is looked at as a whole.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// Why a tower ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The tower itself.
    #[error(transparent)]
    Tower(#[from] TowerError),
    /// An adapter has stopped: its chain would go silent while timelocks run.
    #[error(
        "the adapter of {0} has stopped, the tower stops: start it again, and report this if it happens again"
    )]
    AdapterStopped(ChainId),
}

/// What comes to the tower.
enum Told {
    Chain(ChainId, Option<ChainEvent>),
    Prepared {
        leg: LegRef,
        act: ActKind,
        level: u8,
        tx: Result<Prepared, String>,
    },
}

struct Shell<J> {
    tower: Tower<J>,
    adapters: Adapters,
    outboxes: BTreeMap<ChainId, mpsc::Sender<(LegRef, ChainAction)>>,
    told: mpsc::Sender<Told>,
    seen: watch::Sender<Vec<Watching>>,
    /// What is watched is shown again no sooner.
    shows_at: Instant,
    /// Something may have changed that is not shown yet.
    unshown: bool,
    answers: Vec<(Responder, Response)>,
    // Aborted with the shell.
    tasks: JoinSet<()>,
}

/// Runs a tower until its network is gone or its journal fails. `seen` has what it watches.
pub async fn serve<J: Journal>(
    tower: Tower<J>,
    adapters: Adapters,
    mut inbound: Inbound,
    seen: watch::Sender<Vec<Watching>>,
) -> Result<(), ServeError> {
    let (told, mut inbox) = mpsc::channel(EVENTS);
    let mut tasks = JoinSet::new();
    let mut outboxes = BTreeMap::new();
    for (chain, adapter) in &adapters {
        let (outbox, actions) = mpsc::channel(OUTBOX);
        outboxes.insert(chain.clone(), outbox);
        tasks.spawn(listen(chain.clone(), Arc::clone(adapter), told.clone()));
        tasks.spawn(deliver(Arc::clone(adapter), actions));
    }
    let mut shell = Shell {
        tower,
        adapters,
        outboxes,
        told,
        seen,
        shows_at: Instant::now(),
        unshown: true,
        answers: Vec::new(),
        tasks,
    };
    shell.settle()?;
    loop {
        tokio::select! {
            biased;
            Some(told) = inbox.recv() => shell.take(told)?,
            request = inbound.next() => match request {
                Some(request) => shell.request(request),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(shell.shows_at), if shell.unshown => {
                shell.show();
                continue;
            }
        }
        for _ in 1..MAX_BATCH {
            let Ok(told) = inbox.try_recv() else { break };
            shell.take(told)?;
        }
        shell.settle()?;
    }
}

impl<J: Journal> Shell<J> {
    fn take(&mut self, told: Told) -> Result<(), ServeError> {
        match told {
            Told::Chain(chain, Some(event)) => self.tower.chain_event(&chain, &event),
            Told::Chain(chain, None) => return Err(ServeError::AdapterStopped(chain)),
            Told::Prepared { leg, act, level, tx } => {
                if let Err(why) = &tx {
                    tracing::warn!(swap = %leg.swap, leg = %leg.leg, ?act, level, %why, "an act is not prepared");
                }
                self.tower.took_over(leg, act, level, tx);
            }
        }
        Ok(())
    }

    fn request(&mut self, request: InboundRequest) {
        let answer = match Request::read(&request.body) {
            Ok(Request::Entrust(signed)) => {
                let (owner, swap, sequence) = (signed.body.owner, signed.body.swap, signed.body.sequence);
                match self.tower.entrust(*signed) {
                    Ok(accepted) => {
                        tracing::info!(%owner, %swap, sequence, ?accepted, "a swap is entrusted");
                        Response::Kept(sequence)
                    }
                    Err(Refusal::Older { have, .. }) => Response::Older(have),
                    Err(why) => {
                        tracing::info!(%owner, %swap, %why, "a package is refused");
                        Response::refused(&why)
                    }
                }
            }
            Ok(Request::Status(ask)) => match self.tower.standing(&ask) {
                Ok(standing) => Response::Status(standing),
                Err(why) => Response::refused(&why),
            },
            Ok(Request::Told(told)) => {
                let (owner, swap) = (told.body.owner, told.body.swap);
                match self.tower.told(told) {
                    Ok(sequence) => {
                        tracing::info!(%owner, %swap, "its owner was told the preimage");
                        Response::Kept(sequence)
                    }
                    Err(why) => Response::refused(&why),
                }
            }
            Ok(Request::Keep(keep)) => match self.tower.keep(*keep) {
                Ok(()) => Response::RecordKept,
                Err(why) => Response::refused(&why),
            },
            Ok(Request::Return(ask, after)) => match self.tower.records(&ask, after) {
                Ok(page) => Response::Records(page),
                Err(why) => Response::refused(&why),
            },
            Err(why) => Response::refused(&why),
        };
        self.answers.push((request.responder, answer));
    }

    /// Sync once, then act, then answer.
    fn settle(&mut self) -> Result<(), ServeError> {
        for effect in self.tower.flush()? {
            match effect {
                Effect::Act { chain, leg, action } => self.send(&chain, leg, action),
                Effect::TakeOver {
                    chain,
                    leg,
                    spec,
                    act,
                    level,
                    entrusted,
                } => self.take_over(&chain, leg, (*spec, act), (level, entrusted)),
            }
        }
        for (responder, answer) in self.answers.drain(..) {
            if let Err(error) = responder.respond(answer.write()) {
                tracing::warn!(%error, "an answer was not sent");
            }
        }
        while self.tasks.try_join_next().is_some() {}
        self.unshown = true;
        Ok(())
    }

    fn show(&mut self) {
        let now: Vec<_> = self.tower.watching().collect();
        self.seen.send_if_modified(|seen| {
            let changed = *seen != now;
            *seen = now;
            changed
        });
        (self.shows_at, self.unshown) = (Instant::now() + SHOW_EVERY, false);
    }

    fn send(&mut self, chain: &ChainId, leg: LegRef, action: ChainAction) {
        let outbox = self.outboxes.get(chain);
        if outbox.is_none_or(|outbox| outbox.try_send((leg, action)).is_err()) {
            tracing::warn!(%chain, swap = %leg.swap, leg = %leg.leg, "an action is not delivered: it is asked for again");
            self.tower.undelivered(leg.swap);
        }
    }

    fn take_over(
        &mut self,
        chain: &ChainId,
        leg: LegRef,
        (spec, act): (HtlcSpec, Act),
        (level, entrusted): (u8, Entrusted),
    ) {
        let (kind, told) = (act.kind(), self.told.clone());
        let adapter = self.adapters.get(chain).cloned();
        tracing::info!(%chain, swap = %leg.swap, leg = %leg.leg, act = ?kind, level, "acting for an owner");
        self.tasks.spawn(async move {
            let prepared = async {
                let adapter = adapter.ok_or("no adapter for the chain")?;
                let taken = adapter.take_over(leg, &spec, &act, &entrusted).await;
                taken.map_err(|error| error.to_string())
            };
            let tx = match tokio::time::timeout(PREPARE, prepared).await {
                Ok(tx) => tx,
                Err(_late) => Err(format!("the adapter did not answer within {PREPARE:?}")),
            };
            let answer = Told::Prepared {
                leg,
                act: kind,
                level,
                tx,
            };
            // Nobody listens any more: the tower has ended.
            let _ended = told.send(answer).await;
        });
    }
}

/// Passes on what an adapter tells; `None` when it has stopped.
async fn listen(chain: ChainId, adapter: Arc<dyn ChainAdapter>, told: mpsc::Sender<Told>) {
    loop {
        let event = adapter.next().await;
        let last = event.is_none();
        if told.send(Told::Chain(chain.clone(), event)).await.is_err() || last {
            return;
        }
    }
}

async fn deliver(adapter: Arc<dyn ChainAdapter>, mut actions: mpsc::Receiver<(LegRef, ChainAction)>) {
    while let Some((leg, action)) = actions.recv().await {
        adapter.act(leg, action).await;
    }
}
