//! The shell around the driver: tasks, mailboxes and the clock.
//!
//! Chain events have a mailbox of their own, which is served first. A journal error ends the engine, and with it the
//! process, before anything else is sent.

use crate::book::Book;
use crate::clock::now_ms;
use crate::driver::{Ask, Driver, DriverError, Effect, Flushed, MAX_BATCH};
use crate::journal::SharedJournal;
use crate::metrics::Stopwatch;
use crate::monitor::{Alarm, Monitor};
use crate::status::then;
use kofo_adapter_api::ChainAdapter;
use kofo_primitives::{ChainAction, ChainEvent, ChainId, LegRef, SwapId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// The adapters of a node, by chain.
pub type Adapters = BTreeMap<ChainId, Arc<dyn ChainAdapter>>;

/// Events that wait for the driver, over all chains.
const EVENTS: usize = 4_096;
/// Commands that wait for the driver.
const COMMANDS: usize = 256;
/// Actions that wait for one adapter; what finds no room is owed and asked for again.
const OUTBOX: usize = 4_096;
/// Signatures that wait to be asked for; what finds no room is done alone.
const ASKS: usize = 1_024;

/// The signatures to ask other parties for.
pub type Asks = mpsc::Receiver<Ask>;

/// What a command may look at and change; what it changed is durable before its caller hears of it.
pub struct Core {
    /// Swaps and offers.
    pub driver: Driver<SharedJournal>,
    /// What was seen when.
    pub book: Book,
    /// How long swaps are in which state.
    pub stopwatch: Stopwatch,
    /// The swaps that were told something, durably, since whoever tells of events took this.
    pub touched: BTreeSet<SwapId>,
}

type Reply = Box<dyn FnOnce() + Send>;
type Command = Box<dyn FnOnce(&mut Core) -> Reply + Send>;

/// A handle on the running engine.
#[derive(Clone)]
pub struct Engine {
    commands: mpsc::Sender<Command>,
    changed: watch::Receiver<u64>,
}

/// The engine has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub struct Stopped;

impl Engine {
    /// Starts the engine. The returned future runs it; it ends when every handle is gone or the journal fails. Whoever
    /// drops the asks acts alone.
    pub fn start(
        mut driver: Driver<SharedJournal>,
        adapters: &Adapters,
    ) -> (
        Self,
        Asks,
        impl Future<Output = Result<(), DriverError>> + Send + use<>,
    ) {
        driver.cooperate();
        let (asks, wanted) = mpsc::channel(ASKS);
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (change, changed) = watch::channel(0);
        let (events_in, events) = mpsc::channel(EVENTS);
        let mut tasks = JoinSet::new();
        let mut outboxes = BTreeMap::new();
        for (chain, adapter) in adapters {
            let (outbox, actions) = mpsc::channel(OUTBOX);
            outboxes.insert(chain.clone(), outbox);
            tasks.spawn(listen(chain.clone(), Arc::clone(adapter), events_in.clone()));
            tasks.spawn(deliver(Arc::clone(adapter), actions));
        }
        let core = Core {
            stopwatch: Stopwatch::start(&driver),
            driver,
            book: Book::default(),
            touched: BTreeSet::new(),
        };
        let shell = Shell {
            core,
            events,
            inbox,
            outboxes,
            asks,
            change,
            monitor: Monitor::default(),
            unnoted: false,
            _tasks: tasks,
        };
        (Self { commands, changed }, wanted, shell.run())
    }

    /// Runs `job` on the driver, and returns its result when all it changed is durable.
    pub async fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Core) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (answer, result) = oneshot::channel();
        let command: Command = Box::new(move |core| {
            let value = job(core);
            Box::new(move || {
                // The caller may have gone; what it asked for is done all the same.
                let _gone = answer.send(value);
            })
        });
        self.commands.send(command).await.map_err(|_| Stopped)?;
        result.await.map_err(|_| Stopped)
    }

    /// Changes whenever a swap or offer may have changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }
}

/// Passes on what an adapter tells; `None` when it has stopped.
async fn listen(chain: ChainId, adapter: Arc<dyn ChainAdapter>, events: mpsc::Sender<Told>) {
    loop {
        let event = adapter.next().await;
        let last = event.is_none();
        if events.send((chain.clone(), event)).await.is_err() || last {
            return;
        }
    }
}

async fn deliver(adapter: Arc<dyn ChainAdapter>, mut actions: mpsc::Receiver<(LegRef, ChainAction)>) {
    while let Some((leg, action)) = actions.recv().await {
        adapter.act(leg, action).await;
    }
}

/// What an adapter tells; `None` is its last word.
type Told = (ChainId, Option<ChainEvent>);

struct Shell {
    core: Core,
    events: mpsc::Receiver<Told>,
    inbox: mpsc::Receiver<Command>,
    outboxes: BTreeMap<ChainId, mpsc::Sender<(LegRef, ChainAction)>>,
    asks: mpsc::Sender<Ask>,
    change: watch::Sender<u64>,
    monitor: Monitor,
    /// Events were taken that the book does not have yet.
    unnoted: bool,
    // Aborted with the shell.
    _tasks: JoinSet<()>,
}

impl Shell {
    async fn run(mut self) -> Result<(), DriverError> {
        let mut replies = Vec::new();
        self.settle(&mut replies)?;
        loop {
            tokio::select! {
                biased;
                Some(told) = self.events.recv() => self.take(told)?,
                command = self.inbox.recv() => match command {
                    Some(command) => replies.push(self.command(command)),
                    None => return Ok(()),
                },
            }
            for _ in 1..MAX_BATCH {
                if let Ok(told) = self.events.try_recv() {
                    self.take(told)?;
                } else if let Ok(command) = self.inbox.try_recv() {
                    replies.push(self.command(command));
                } else {
                    break;
                }
            }
            self.settle(&mut replies)?;
        }
    }

    fn take(&mut self, (chain, event): Told) -> Result<(), DriverError> {
        let Some(event) = event else {
            return Err(DriverError::AdapterStopped(chain));
        };
        let swap = match &event {
            ChainEvent::Leg(leg, _) => Some(leg.swap),
            ChainEvent::Tip(_) | ChainEvent::Health(_) => None,
        };
        if let Some(rejected) = self.core.driver.chain_event(&chain, event)? {
            let swap = swap.map(tracing::field::display);
            tracing::debug!(%chain, swap, %rejected, "an event changed nothing");
        }
        self.unnoted = true;
        Ok(())
    }

    /// A command finds the book as far as the swaps are: else a swap that just ended would be shown without its end.
    fn command(&mut self, command: Command) -> Reply {
        if std::mem::take(&mut self.unnoted) {
            let Core { driver, book, .. } = &mut self.core;
            book.note(driver, driver.touched(), now_ms());
        }
        command(&mut self.core)
    }

    /// Sync once, then act, then answer.
    fn settle(&mut self, replies: &mut Vec<Reply>) -> Result<(), DriverError> {
        let flushed = tokio::task::block_in_place(|| self.core.driver.flush())?;
        let Flushed {
            effects,
            touched,
            asks,
        } = flushed;
        let Core {
            driver,
            book,
            stopwatch,
            ..
        } = &mut self.core;
        book.note(driver, &touched, now_ms());
        stopwatch.look(driver, &touched, now_ms());
        for Alarm { swap, deadline, left } in self.monitor.look(&self.core.driver, &touched) {
            tracing::warn!(%swap, leg = %deadline.leg, chain = %deadline.chain, at = %deadline.at, %left, then = then(deadline.due), "a deadline comes near");
        }
        self.core.touched.extend(touched);
        for effect in effects {
            self.send(effect);
        }
        for ask in asks {
            if self.asks.try_send(ask).is_err() {
                self.core.driver.round_over(&ask, None)?;
            }
        }
        for reply in replies.drain(..) {
            reply();
        }
        self.change
            .send_modify(|revision| *revision = revision.wrapping_add(1));
        Ok(())
    }

    fn send(&mut self, Effect { chain, leg, action }: Effect) {
        let delivered = self
            .outboxes
            .get(&chain)
            .is_some_and(|outbox| outbox.try_send((leg, action)).is_ok());
        if !delivered {
            tracing::warn!(%chain, swap = %leg.swap, leg = %leg.leg, "no room for an action: it is asked for again");
            self.core.driver.undelivered(leg.swap);
        }
    }
}
