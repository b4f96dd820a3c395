//! Tells the owner where the engine is, and that it failed.

use super::shutdown::shut_down;
use super::{EngineStatus, Failure};
use crate::context::Ctx;
use crate::worker::{Fatal, Progress, Worker};
use arc_malachitebft_app_channel::app::engine::node::NodeRef;
use arc_malachitebft_app_channel::app::engine::util::events::Event;
use arc_malachitebft_app_channel::app::events::RxEvent;
use arc_malachitebft_app_channel::{AppMsg, NetworkRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::error;

/// How often the connections are counted.
const COUNT: Duration = Duration::from_secs(1);

/// What the watching tasks share.
#[derive(Clone)]
pub(super) struct Watching {
    pub(super) status: watch::Sender<EngineStatus>,
    pub(super) node: NodeRef,
    pub(super) stopping: Arc<AtomicBool>,
}

impl From<Fatal> for Failure {
    fn from(fatal: Fatal) -> Self {
        let why = fatal.to_string();
        match fatal {
            Fatal::Application(_) | Fatal::Panic(_) | Fatal::TooLong { .. } => Self::Application(why),
            Fatal::Store(_) | Fatal::Lost { .. } => Self::Folder(why),
            Fatal::Certificate { .. } | Fatal::Follower | Fatal::NoRound(_) => Self::Engine(why),
        }
    }
}

impl Watching {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The first failure is the cause of the others.
    fn fail(&self, failure: Failure) {
        if self.stopping() {
            return;
        }
        error!(%failure, "consensus failed");
        let first = self.status.send_if_modified(|status| {
            let first = status.failure.is_none();
            if first {
                status.failure = Some(failure);
            }
            first
        });
        if first {
            tokio::spawn(shut_down(&self.node));
        }
    }

    /// The tasks that end with the engine.
    pub(super) fn spawn(
        &self,
        events: RxEvent<Ctx>,
        requests: mpsc::Sender<NetworkRequest>,
        progress: watch::Receiver<Progress>,
    ) -> Vec<JoinHandle<()>> {
        vec![
            tokio::spawn(follow_events(self.clone(), events)),
            tokio::spawn(follow_progress(self.clone(), progress, requests)),
        ]
    }

    /// The worker, and what it means if it ends.
    pub(super) fn run(
        &self,
        worker: Worker,
        messages: mpsc::Receiver<AppMsg<Ctx>>,
        engine: JoinHandle<()>,
    ) -> JoinHandle<()> {
        let watching = self.clone();
        tokio::spawn(async move {
            match worker.run(messages).await {
                Ok(()) => watching.fail(Failure::Engine("see its messages".into())),
                Err(fatal) => watching.fail(fatal.into()),
            }
            // Ends when all of the engine has.
            let _ = engine.await;
        })
    }
}

async fn follow_events(watching: Watching, mut events: RxEvent<Ctx>) {
    loop {
        match events.recv().await {
            Ok(Event::WalCorrupted(why)) => watching.fail(Failure::Log(why.to_string())),
            Ok(Event::WalReplayError(why)) => watching.fail(Failure::Log(why.to_string())),
            Ok(Event::WalResetError(why)) => watching.fail(Failure::Log(format!("{why:#}"))),
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Until the worker, which sends the progress, is gone.
async fn follow_progress(
    watching: Watching,
    mut progress: watch::Receiver<Progress>,
    requests: mpsc::Sender<NetworkRequest>,
) {
    let mut count = tokio::time::interval(COUNT);
    loop {
        tokio::select! {
            changed = progress.changed() => {
                if changed.is_err() {
                    return;
                }
                let Progress { height, round } = *progress.borrow_and_update();
                watching.status.send_modify(|status| (status.height, status.round) = (height, round));
            }
            _ = count.tick(), if !watching.stopping() => {
                if let Ok(Some(state)) = NetworkRequest::dump_state(&requests).await {
                    let peers = state.peers.len();
                    watching.status.send_if_modified(|status| {
                        std::mem::replace(&mut status.peers, peers) != peers
                    });
                }
            }
        }
    }
}
