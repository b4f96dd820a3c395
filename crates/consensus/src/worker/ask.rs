//! Asking the application, which may block.

use crate::application::{AppError, Application, Tip};
use crate::settings::StartError;
use crate::store::StoreError;
use kofo_primitives::{CertificateError, Digest};
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Why the engine cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fatal {
    #[error(transparent)]
    Application(AppError),
    #[error("the application panicked: {0}")]
    Panic(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the application built {have} bytes, expected at most {most}")]
    TooLong { have: usize, most: usize },
    #[error("height {height} is decided, but its payload {} is lost", hex(.id))]
    Lost { height: u64, id: Digest },
    #[error("the engine's certificate of height {height} is none: {why}")]
    Certificate { height: u64, why: CertificateError },
    #[error("the engine asks a follower for a proposal")]
    Follower,
    #[error("the engine asks for {0} without a round")]
    NoRound(&'static str),
}

fn hex(id: &Digest) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The way to the application.
#[derive(Clone)]
pub(crate) struct Ask(Arc<dyn Application>);

impl Ask {
    pub(crate) fn new(application: Arc<dyn Application>) -> Self {
        Self(application)
    }

    /// The question before all others.
    pub(crate) async fn tip(&self) -> Result<Tip, StartError> {
        match self.run(|app| async move { app.tip().await }).await {
            Ok(tip) => Ok(tip),
            Err(Fatal::Application(error)) => Err(StartError::Application(error)),
            Err(other) => Err(StartError::Engine(other.to_string())),
        }
    }

    /// On a thread that may block.
    pub(super) async fn run<T, Q, A>(&self, question: Q) -> Result<T, Fatal>
    where
        T: Send + 'static,
        Q: FnOnce(Arc<dyn Application>) -> A + Send + 'static,
        A: Future<Output = Result<T, AppError>>,
    {
        let (application, runtime) = (Arc::clone(&self.0), Handle::current());
        let answer = tokio::task::spawn_blocking(move || runtime.block_on(question(application))).await;
        match answer {
            Ok(answer) => answer.map_err(Fatal::Application),
            Err(e) => Err(Fatal::Panic(e.to_string())),
        }
    }
}
