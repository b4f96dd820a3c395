//! The client of `bip157` for one peer at a time, and what it has told so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bip157::chain::ChainState;
use bip157::{Builder, Client, Event, HashCheckpoint, Node, Requester};
use bitcoin::{Network, Transaction};
use tokio::sync::Notify;

use super::filters::Filters;
use super::sent::Sent;
use super::{Checkpoint, LightPeer};
use crate::source::Asked;

/// Between the loss of a peer and the next one.
const PAUSE: Duration = Duration::from_millis(500);
/// After so many peers in a row that gave nothing, the pause no longer grows.
const LONGEST_PAUSE: u32 = 20;
/// A peer has so long to answer a question of the protocol.
const RESPONSE: Duration = Duration::from_secs(10);
/// While filters come in, or were asked for so lately, they are not asked for again.
const FILTER_PAUSE: Duration = Duration::from_secs(2);
/// A peer that has not asked for a transaction by then has it, or does not want it.
const OFFER: Duration = Duration::from_secs(60);

/// What the client has told.
#[derive(Default)]
pub(super) struct Shared {
    requester: Mutex<Option<Requester>>,
    /// The best block, once all up to it is known.
    tip: Mutex<Option<HashCheckpoint>>,
    filters: Mutex<Filters>,
    /// A filter came in, or the best block is known.
    news: Notify,
    /// When filters came in, or were asked for, last.
    moved: Mutex<Option<Instant>>,
    sent: Mutex<Sent>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn requester(&self) -> Option<Requester> {
        held(&self.requester).clone()
    }

    pub(super) fn tip(&self) -> Option<HashCheckpoint> {
        *held(&self.tip)
    }

    /// The best block, for which is waited while a peer is being met.
    pub(super) async fn synced(&self) -> HashCheckpoint {
        loop {
            let news = self.news.notified();
            if let Some(tip) = self.tip() {
                return tip;
            }
            let _ = tokio::time::timeout(FILTER_PAUSE, news).await;
        }
    }

    pub(super) fn sent(&self) -> MutexGuard<'_, Sent> {
        held(&self.sent)
    }

    /// Waits for the block's filter, and asks for it where it does not come by itself.
    pub(super) async fn may_touch(&self, asked: &Asked<'_>, requester: &Requester) -> bool {
        loop {
            let news = self.news.notified();
            if let Some(found) = held(&self.filters).may_touch(asked.height, asked.hash, asked.scripts) {
                return found;
            }
            self.ask_from(asked.height, requester);
            let _ = tokio::time::timeout(FILTER_PAUSE, news).await;
        }
    }

    /// Asks for all filters from this height on, unless some are on their way.
    fn ask_from(&self, height: u64, requester: &Requester) {
        let mut moved = held(&self.moved);
        let below = u32::try_from(height.saturating_sub(1));
        if moved.is_none_or(|moved| moved.elapsed() >= FILTER_PAUSE)
            && let Ok(below) = below
            && requester.rescan_from(below).is_ok()
        {
            *moved = Some(Instant::now());
        }
    }

    fn take(&self, event: Event) {
        match event {
            Event::FiltersSynced(update) => {
                *held(&self.tip) = Some(update.tip());
                self.news.notify_waiters();
            }
            Event::IndexedFilter(filter) => {
                let (height, hash) = (u64::from(filter.height()), filter.block_hash());
                held(&self.filters).insert(height, hash, filter.block_filter());
                *held(&self.moved) = Some(Instant::now());
                self.news.notify_waiters();
            }
            // The tip follows when its filter is here.
            Event::ChainUpdate(_) => (),
        }
    }

    fn meet(&self, requester: Requester) {
        *held(&self.requester) = Some(requester);
    }

    fn part(&self) {
        *held(&self.requester) = None;
        *held(&self.tip) = None;
        *held(&self.moved) = None;
    }
}

/// Follows the chain by these peers in turn, until the task is aborted.
pub(super) async fn follow(
    shared: Arc<Shared>,
    network: Network,
    peers: Vec<LightPeer>,
    checkpoint: Checkpoint,
) {
    let mut in_vain = 0u32;
    for (index, peer) in peers.iter().enumerate().cycle() {
        let (node, client) = Builder::new(network)
            .add_peer(peer.trusted())
            .whitelist_only()
            .required_peers(1)
            .chain_state(ChainState::Checkpoint(HashCheckpoint::new(
                checkpoint.height,
                checkpoint.hash,
            )))
            .headers_only_sync()
            .fetch_witness_data()
            .response_timeout(RESPONSE)
            .maximum_connection_time(Duration::MAX)
            .build();
        shared.meet(client.requester.clone());
        run(node, client, &shared).await;
        let gave = shared.tip().is_some();
        shared.part();
        in_vain = if gave { 0 } else { in_vain.saturating_add(1) };
        // By its place in the configuration: an address may tell whose wallet this is.
        tracing::debug!(
            index,
            gave,
            "a light client's peer is gone: the next one is tried"
        );
        tokio::time::sleep(PAUSE.saturating_mul(in_vain.clamp(1, LONGEST_PAUSE))).await;
    }
}

/// Until the peer is lost.
async fn run(node: Node, client: Client, shared: &Shared) {
    let Client {
        requester: _requester,
        mut info_rx,
        mut warn_rx,
        mut event_rx,
    } = client;
    let node = node.run();
    tokio::pin!(node);
    loop {
        tokio::select! {
            ended = &mut node => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "the light client stopped");
                }
                return;
            }
            Some(event) = event_rx.recv() => shared.take(event),
            Some(info) = info_rx.recv() => tracing::trace!(%info, "light client"),
            Some(warning) = warn_rx.recv() => tracing::debug!(%warning, "light client"),
        }
    }
}

/// Tells the peer that there is this transaction, and notes when the peer asks for it.
pub(super) fn offer(shared: &Arc<Shared>, requester: Requester, tx: Transaction) {
    shared.sent().offer(tx.compute_txid());
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let offered = tokio::time::timeout(OFFER, requester.submit_package(tx.clone())).await;
        if let Ok(Ok(_)) = offered {
            shared.sent().insert(tx);
        }
    });
}
