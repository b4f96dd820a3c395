//! The shell around a [`Watch`]: its tasks, adapters, the ledger's head, and the way in for what is said.

use super::eyes::Eyes;
use super::trail::Trail;
use super::watch::{Errand, Watch};
use crate::head::{Clock, Head};
use kofo_adapter_api::ChainAdapter;
use kofo_clearance::Op;
use kofo_journal::Journal;
use kofo_node::journal::SharedJournal;
use kofo_primitives::{ChainAction, ChainEvent, ChainId, LegRef, NetworkId, ValidatorSecret, decode, encode};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Events that wait, over all chains.
const EVENTS: usize = 4_096;
/// Actions that wait for one adapter; what finds no room is asked for again.
const OUTBOX: usize = 4_096;
/// At most so many events are taken before something is said.
const MAX_BATCH: usize = 1_024;
/// What is not answered or not committed is looked at so often.
const TICK: Duration = Duration::from_secs(1);
/// A chain's tip is waited for so long at the start.
const FIRST_TIP: Duration = Duration::from_secs(10);
/// Names in the journal's side table begin so.
const PLACE: &str = "observer/";

/// Why a validator stops observing.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    /// The journal.
    #[error("the journal failed: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// What the journal has is no trail of heights.
    #[error(
        "{0} in the journal is not what an observer keeps: use the version that wrote it, or report this"
    )]
    Stored(String),
}

/// Where what is said goes. May block for milliseconds. What is refused is submitted again later, if it is still so.
pub type Submit = Arc<dyn Fn(Op) -> Result<(), String> + Send + Sync>;

/// What an observer is made of.
pub struct ObserverParts {
    /// The network.
    pub network: NetworkId,
    /// Signs what is said.
    pub vote: ValidatorSecret,
    /// The chains that can be seen.
    pub eyes: Eyes,
    /// The ledger.
    pub head: watch::Receiver<Arc<Head>>,
    /// Where what is said goes.
    pub submit: Submit,
    /// What time it is.
    pub clock: Clock,
}

impl std::fmt::Debug for ObserverParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let chains: Vec<_> = self.eyes.adapters.keys().collect();
        write!(
            f,
            "ObserverParts({}, {chains:?}, secrets redacted)",
            self.vote.key()
        )
    }
}

type Told = (ChainId, Option<ChainEvent>);

struct Shell {
    parts: ObserverParts,
    watch: Watch,
    outboxes: BTreeMap<ChainId, mpsc::Sender<(LegRef, ChainAction)>>,
    // Aborted with the shell.
    _tasks: JoinSet<()>,
}

/// Watches the legs of all orders that go on, on the chains that there are adapters for, and says what it sees: until
/// the ledger's head is gone. Builds nothing and signs no transaction.
pub async fn observe(parts: ObserverParts) -> Result<(), ObserverError> {
    let mut chains = BTreeMap::new();
    for chain in parts.eyes.adapters.keys() {
        chains.insert(chain.clone(), stored(&parts.eyes.journal, chain)?);
    }
    let watch = Watch::new(parts.network.clone(), parts.vote.key(), chains);
    let (told, mut inbox) = mpsc::channel(EVENTS);
    let mut tasks = JoinSet::new();
    let mut outboxes = BTreeMap::new();
    for (chain, adapter) in &parts.eyes.adapters {
        let (outbox, actions) = mpsc::channel(OUTBOX);
        outboxes.insert(chain.clone(), outbox);
        tasks.spawn(listen(chain.clone(), Arc::clone(adapter), told.clone()));
        tasks.spawn(deliver(Arc::clone(adapter), actions));
    }
    drop(told);
    let mut shell = Shell {
        parts,
        watch,
        outboxes,
        _tasks: tasks,
    };
    let mut head = shell.parts.head.clone();
    head.mark_changed();
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            Some(told) = inbox.recv() => {
                shell.take(told)?;
                for _ in 1..MAX_BATCH {
                    let Ok(told) = inbox.try_recv() else { break };
                    shell.take(told)?;
                }
            }
            changed = head.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let now = head.borrow_and_update().clone();
                let over = shell.watch.orders(now.ledger.live_orders());
                shell.send(over);
            }
            _ = tick.tick() => {}
        }
        shell.settle().await;
    }
}

impl Shell {
    fn take(&mut self, (chain, event): Told) -> Result<(), ObserverError> {
        let Some(event) = event else {
            tracing::error!(%chain, "the adapter has stopped: nothing is said of this chain any more; start again");
            self.watch.lost(&chain);
            self.outboxes.remove(&chain);
            return Ok(());
        };
        let kept = self.watch.hear(&chain, event, self.parts.clock.now_ms());
        if let Some(trail) = self.watch.trail(&chain).filter(|_| kept) {
            let bytes = encode(trail);
            let journal = &mut self.parts.eyes.journal;
            journal.put(&place(&chain), &bytes)?;
            tokio::task::block_in_place(|| journal.sync())?;
        }
        Ok(())
    }

    /// Asks adapters what is to be asked, and says what is to be said.
    async fn settle(&mut self) {
        let now_ms = self.parts.clock.now_ms();
        let errands = self.watch.errands(now_ms);
        self.send(errands);
        let words = self.watch.words(now_ms);
        if words.is_empty() {
            return;
        }
        let ops: Vec<_> = words
            .into_iter()
            .map(|word| Op::Observed(Box::new(word.sign(&self.parts.vote))))
            .collect();
        let submit = Arc::clone(&self.parts.submit);
        let said = tokio::task::spawn_blocking(move || {
            for op in ops {
                say(&submit, op);
            }
        });
        if let Err(error) = said.await {
            tracing::error!(%error, "what was seen is not said: it is said again");
        }
    }

    fn send(&self, errands: Vec<Errand>) {
        for (chain, leg, action) in errands {
            let outbox = self.outboxes.get(&chain);
            if outbox.is_none_or(|outbox| outbox.try_send((leg, action)).is_err()) {
                tracing::warn!(%chain, swap = %leg.swap, leg = %leg.leg, "an action is not delivered: it is asked for again");
            }
        }
    }
}

fn say(submit: &Submit, op: Op) {
    if let Op::Observed(seen) = &op {
        let (order, leg, fact) = (
            seen.observation.order,
            seen.observation.leg,
            seen.observation.fact,
        );
        tracing::info!(%order, %leg, ?fact, count = seen.observation.count, "observed");
    }
    if let Err(why) = submit(op) {
        tracing::debug!(%why, "an observation is not taken now");
    }
}

fn place(chain: &ChainId) -> String {
    format!("{PLACE}{chain}")
}

fn stored(journal: &SharedJournal, chain: &ChainId) -> Result<Trail, ObserverError> {
    let place = place(chain);
    match journal.get(&place)? {
        None => Ok(Trail::default()),
        Some(bytes) => decode(&bytes).map_err(|_| ObserverError::Stored(place)),
    }
}

/// Passes on what an adapter tells, the tip of now first; `None` when it has stopped.
async fn listen(chain: ChainId, adapter: Arc<dyn ChainAdapter>, told: mpsc::Sender<Told>) {
    // No leg is watched yet, so that nothing can be missing below it.
    if let Ok(Ok(tip)) = tokio::time::timeout(FIRST_TIP, adapter.tip()).await {
        let first = Some(ChainEvent::Tip(tip));
        if told.send((chain.clone(), first)).await.is_err() {
            return;
        }
    }
    loop {
        let event = adapter.next().await;
        let last = event.is_none();
        if told.send((chain.clone(), event)).await.is_err() || last {
            return;
        }
    }
}

async fn deliver(adapter: Arc<dyn ChainAdapter>, mut actions: mpsc::Receiver<(LegRef, ChainAction)>) {
    while let Some((leg, action)) = actions.recv().await {
        adapter.act(leg, action).await;
    }
}

#[cfg(test)]
mod tests;
