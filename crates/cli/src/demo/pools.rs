//! When a transaction waited for a block. A node learns of its own only with the block on some chains, and by polling on
//! all, so the demo looks into the mempools itself.

use super::ground::Ground;
use kofo_node::clock::now_ms;
use kofo_regtest::Chain;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

const LOOK: Duration = Duration::from_millis(40);

/// Spans of our clock in which a mempool was not empty, in milliseconds.
pub(super) type Spans = Vec<(u64, u64)>;

/// Looks into the mempools until it is dropped. Nobody else uses the chains of a demo: what waits there is a swap's.
pub(super) struct Pools {
    spans: Arc<Mutex<Spans>>,
    _looking: JoinSet<()>,
}

impl Pools {
    pub(super) fn watch(ground: &Ground) -> Self {
        let spans = Arc::<Mutex<Spans>>::default();
        let mut looking = JoinSet::new();
        for chain in Chain::ALL {
            looking.spawn(look(ground.clone(), chain, Arc::clone(&spans)));
        }
        Self {
            spans,
            _looking: looking,
        }
    }

    /// All spans so far.
    pub(super) fn spans(&self) -> Spans {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn look(ground: Ground, chain: Chain, spans: Arc<Mutex<Spans>>) {
    let mut began = None;
    loop {
        // A daemon that does not answer tells of no transaction.
        let waits = ground.waiting(chain).await.is_ok_and(|waiting| waiting > 0);
        let now = now_ms();
        began = waits.then(|| began.unwrap_or(now));
        if let Some(began) = began {
            let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
            match spans.iter_mut().find(|span| span.0 == began) {
                Some(span) => span.1 = span.1.max(now),
                None => spans.push((began, now)),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
