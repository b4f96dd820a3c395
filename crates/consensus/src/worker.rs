//! Answers the engine: the one task between it and the application.

mod ask;
mod messages;
mod proposals;
mod sync;

pub(crate) use ask::{Ask, Fatal};

use crate::application::{Origin, Tip};
use crate::context::{Ctx, Members};
use crate::gate::Admitted;
use crate::parts::Head;
use crate::settings::{Limits, Pace};
use crate::sign::Pen;
use crate::store::Store;
use crate::streams::Streams;
use crate::veil::{SEAL_BYTES, Veil};
use arc_malachitebft_app_channel::app::types::PeerId;
use arc_malachitebft_app_channel::{AppMsg, NetworkMsg};
use arc_malachitebft_core_types::HeightParams;
use kofo_primitives::{Digest, NetworkId, ValidatorSet};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Where the engine is, as the worker knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) height: u64,
    pub(crate) round: u32,
}

/// What the worker is made of.
pub(crate) struct Parts {
    pub(crate) network: NetworkId,
    pub(crate) pen: Option<Pen>,
    pub(crate) pace: Pace,
    pub(crate) limits: Limits,
    pub(crate) veil: Veil,
    pub(crate) admitted: Arc<Admitted>,
    pub(crate) store: Store,
    pub(crate) tip: Tip,
    pub(crate) publish: mpsc::Sender<NetworkMsg<Ctx>>,
}

/// The task.
pub(crate) struct Worker {
    network: NetworkId,
    pen: Option<Pen>,
    pace: Pace,
    limits: Limits,
    veil: Veil,
    admitted: Arc<Admitted>,
    store: Store,
    streams: Streams,
    publish: mpsc::Sender<NetworkMsg<Ctx>>,
    ask: Ask,
    progress: watch::Sender<Progress>,
    ready: Option<oneshot::Sender<()>>,
    /// What is being decided.
    height: u64,
    round: u32,
    /// Who decides it.
    validators: ValidatorSet,
    /// The application has committed this.
    committed: u64,
    /// Who decides the height after that.
    next: ValidatorSet,
    /// Whole payloads of the next height, which cannot be judged before this one is committed.
    early: Vec<(Head, Vec<u8>)>,
    /// Payloads of this height that were judged invalid, by their hash, and how strictly.
    invalid: BTreeMap<Digest, Origin>,
    /// Payloads that were judged in this round, by the peer that sent them.
    judged: BTreeMap<PeerId, u32>,
    /// Names of our streams: a random beginning, then a number.
    stream_prefix: [u8; 8],
    stream_count: u64,
}

impl Worker {
    pub(crate) fn new(
        parts: Parts,
        ask: Ask,
        progress: watch::Sender<Progress>,
        ready: oneshot::Sender<()>,
    ) -> Self {
        let mut stream_prefix = [0; 8];
        // If there is no randomness the names repeat those before a restart: a peer drops a payload then, no more.
        let _ = getrandom::fill(&mut stream_prefix);
        parts
            .admitted
            .decide([&parts.tip.validators, &parts.tip.validators]);
        Self {
            network: parts.network,
            pen: parts.pen,
            pace: parts.pace,
            limits: parts.limits,
            veil: parts.veil,
            admitted: parts.admitted,
            store: parts.store,
            streams: Streams::new(parts.limits.payload.saturating_add(SEAL_BYTES)),
            publish: parts.publish,
            ask,
            progress,
            ready: Some(ready),
            height: parts.tip.height.saturating_add(1),
            round: 0,
            validators: parts.tip.validators.clone(),
            committed: parts.tip.height,
            next: parts.tip.validators,
            early: Vec::new(),
            invalid: BTreeMap::new(),
            judged: BTreeMap::new(),
            stream_prefix,
            stream_count: 0,
        }
    }

    /// Answers until the engine is gone.
    pub(crate) async fn run(mut self, mut messages: mpsc::Receiver<AppMsg<Ctx>>) -> Result<(), Fatal> {
        while let Some(message) = messages.recv().await {
            self.answer(message).await?;
        }
        Ok(())
    }

    /// Whether we vote at this height: then what we judge must outlive a crash.
    fn votes(&self) -> bool {
        let key = self.pen.as_ref().map(Pen::key);
        key.is_some_and(|key| self.validators.find(&key).is_some())
    }

    fn params(&self, validators: &ValidatorSet) -> HeightParams<Ctx> {
        let timeouts = crate::config::timeouts(&self.pace);
        HeightParams::new(Members::from(validators), timeouts, Some(self.pace.target))
    }
}

#[cfg(test)]
mod tests;
