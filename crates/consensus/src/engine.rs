//! The engine as its owner sees it: started, watched, stopped.

mod launch;
mod shutdown;
mod watching;

#[cfg(feature = "byzantine")]
pub(crate) use launch::{Launched, Plan, REQUESTS, refused, start};

use crate::application::Application;
use crate::settings::{Settings, StartError};
use arc_malachitebft_app_channel::app::engine::node::NodeRef;
use kofo_primitives::ValidatorKey;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long our own tasks may take to end when the engine has stopped.
const STOP: Duration = Duration::from_secs(10);

/// Why an engine stopped by itself. It never goes on: start the process again when the cause is gone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The application cannot go on, or did what it must not.
    #[error("consensus stopped: {0}")]
    Application(String),
    /// The engine's own folder cannot be written, or lost what it had.
    #[error("consensus stopped: {0}")]
    Folder(String),
    /// The write-ahead log is damaged or cannot be written: voting without it could be voting twice. The node must sync
    /// under another key, or wait until the height at which it failed is decided, before its log is removed.
    #[error(
        "the write-ahead log failed: {0}; do not delete it while the height it stands at is undecided, or this validator may vote twice"
    )]
    Log(String),
    /// It went down by itself, or broke a promise to us; its own messages may tell more.
    #[error("the consensus engine stopped by itself: {0}")]
    Engine(String),
}

/// The name of the connections' key of a folder, which may be new: what others list to admit it as a follower.
pub fn peer_id(data: &Path) -> Result<String, StartError> {
    launch::peer_id(data)
}

/// Where the engine is.
#[derive(Debug, Clone, Default)]
pub struct EngineStatus {
    /// The height that is being decided; 0 before the first.
    pub height: u64,
    /// The attempt at it. Above 0 for long: too few validators, or a proposal that they do not accept.
    pub round: u32,
    /// Connected peers, of whatever kind.
    pub peers: usize,
    /// Set once, when the engine has stopped by itself.
    pub failure: Option<Failure>,
}

/// A running engine. Stops when dropped; [`Engine::stop`] also waits for it.
#[derive(Debug)]
pub struct Engine {
    status: watch::Receiver<EngineStatus>,
    listen: String,
    peer: String,
    key: Option<ValidatorKey>,
    votes: bool,
    node: NodeRef,
    stopping: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Starts it: opens its folder, asks the application for the tip, listens, and connects to its peers.
    pub async fn start(settings: Settings, application: Arc<dyn Application>) -> Result<Self, StartError> {
        launch::start(settings, application, launch::honest).await
    }

    /// Where it is now.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        self.status.borrow().clone()
    }

    /// To wait for changes of it.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<EngineStatus> {
        self.status.clone()
    }

    /// Where it listens, with the port that was chosen if it was to be a free one.
    #[must_use]
    pub fn listen_address(&self) -> &str {
        &self.listen
    }

    /// The name of its connections' key, to be put behind `/p2p/` of its address.
    #[must_use]
    pub fn peer_id(&self) -> &str {
        &self.peer
    }

    /// By which others know it as a validator, if it is one.
    #[must_use]
    pub const fn key(&self) -> Option<ValidatorKey> {
        self.key
    }

    /// Whether it votes when it is in the set: not if it follows, or has no record of what it signed.
    #[must_use]
    pub const fn votes(&self) -> bool {
        self.votes
    }

    /// Whether the folder of an engine that does not run has a record of what was signed. An empty folder has none.
    pub fn has_record(data: &Path) -> Result<bool, StartError> {
        launch::has_record(data)
    }

    /// Waits until the engine has stopped by itself: the process must not go on as if it ran.
    pub async fn failed(&self) -> Failure {
        let mut status = self.watch();
        let failed = status.wait_for(|status| status.failure.is_some()).await;
        let failure = failed.ok().and_then(|status| status.failure.clone());
        failure.unwrap_or_else(|| Failure::Engine("it was stopped".into()))
    }

    /// Stops it and waits until its folder and its port are free again.
    pub async fn stop(mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        shutdown::shut_down(&self.node).await;
        for mut task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout(STOP, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        let end = shutdown::shut_down(&self.node);
        // Without a runtime nothing of it runs any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(end);
        }
    }
}
