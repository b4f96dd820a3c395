//! The seat at which a validator votes, and its engine.
//!
//! A validator whose folder has no record of what it signed is new, or lost its folder; it cannot tell which itself, and
//! if it signed a second time at a height where it signed before it would be punished, and two of its kind could fork the
//! ledger. So its engine follows without the key until nothing that it may have signed is left to be decided
//! ([`super::probation`]); then it is started again with the key, and a record is begun. Who has a record votes at once.

use super::probation::Probation;
use kofo_consensus::{Application, Engine, EngineStatus, Failure, Settings, StartError, Unrecorded};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What an engine is started with, each time it is.
pub(super) struct Plan {
    /// The settings, with this for a folder that has no record.
    pub(super) settings: Box<dyn Fn(Unrecorded) -> Settings + Send + Sync>,
    /// The ledger.
    pub(super) application: Arc<dyn Application>,
}

impl Plan {
    async fn start(&self, unrecorded: Unrecorded) -> Result<Engine, StartError> {
        Engine::start((self.settings)(unrecorded), Arc::clone(&self.application)).await
    }
}

/// What others see of the seat.
#[derive(Clone)]
pub(super) struct Seen {
    /// Where the engine is.
    pub(super) engine: watch::Receiver<EngineStatus>,
    /// Whether it follows for want of a record.
    pub(super) follows: watch::Receiver<bool>,
}

/// A running seat. Its engine stops when this is dropped; [`Seat::stop`] also waits for it.
pub(super) struct Seat {
    seen: Seen,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Seat {
    /// Takes it: at once, or after this probation.
    pub(super) async fn take(plan: Plan, probation: Option<Probation>) -> Result<Self, StartError> {
        let probation = probation.and_then(|mut probation| (!probation.over()).then_some(probation));
        let (status, engine) = watch::channel(EngineStatus::default());
        let (waits, follows) = watch::channel(probation.is_some());
        let (stop, stopping) = watch::channel(false);
        let mut keeper = Keeper {
            plan,
            running: None,
            status,
            waits,
            stop: stopping,
        };
        if probation.is_none() {
            keeper.start(Unrecorded::Votes).await?;
        }
        Ok(Self {
            seen: Seen { engine, follows },
            stop,
            task: tokio::spawn(keeper.keep(probation)),
        })
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// Waits until the engine has stopped by itself.
    pub(super) async fn failed(&self) -> Failure {
        let mut status = self.seen.engine.clone();
        let failed = status.wait_for(|status| status.failure.is_some()).await;
        let failure = failed.ok().and_then(|status| status.failure.clone());
        failure.unwrap_or_else(|| Failure::Engine("it was stopped".into()))
    }

    /// Stops the engine and waits until its folder and its port are free.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        // The task only fails by a fault, and then nothing is left to be waited for.
        let _ended = self.task.await;
    }
}

/// The task that owns the engine.
struct Keeper {
    plan: Plan,
    running: Option<(Engine, JoinHandle<()>)>,
    status: watch::Sender<EngineStatus>,
    waits: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
}

impl Keeper {
    async fn start(&mut self, unrecorded: Unrecorded) -> Result<(), StartError> {
        let engine = self.plan.start(unrecorded).await?;
        let tell = tell(engine.watch(), self.status.clone());
        self.running = Some((engine, tokio::spawn(tell)));
        Ok(())
    }

    async fn end(&mut self) {
        if let Some((engine, tell)) = self.running.take() {
            tell.abort();
            engine.stop().await;
        }
    }

    async fn keep(mut self, probation: Option<Probation>) {
        if let Some(probation) = probation
            && let Err(error) = self.follow(probation).await
        {
            let failure = Some(Failure::Engine(error.to_string()));
            self.status.send_modify(|status| status.failure = failure);
        }
        // An error says that nobody can tell us to stop any more: then we do.
        let _told = self.stop.wait_for(|stop| *stop).await.is_ok();
        self.end().await;
    }

    /// Follows until the probation is over, then votes.
    async fn follow(&mut self, mut probation: Probation) -> Result<(), StartError> {
        loop {
            if probation.over() {
                break;
            }
            if probation.follows() && self.running.is_none() {
                self.start(Unrecorded::Follows).await?;
            }
            tokio::select! {
                () = probation.news() => {}
                _ = self.stop.wait_for(|stop| *stop) => return Ok(()),
            }
        }
        self.end().await;
        tracing::info!("nothing is left to be decided that this validator may have signed: it votes");
        self.start(Unrecorded::Votes).await?;
        self.waits.send_replace(false);
        Ok(())
    }
}

/// Passes on where an engine is.
async fn tell(mut from: watch::Receiver<EngineStatus>, to: watch::Sender<EngineStatus>) {
    loop {
        to.send_replace(from.borrow_and_update().clone());
        if from.changed().await.is_err() {
            return;
        }
    }
}
