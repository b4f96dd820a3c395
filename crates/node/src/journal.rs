//! One journal for the driver and the wallets: one file, one lock, one sync.

use crate::metrics::{SyncTimes, Timed};
use kofo_bitcoin::{WalletStore, WalletStoreError};
use kofo_journal::{Head, Journal, Record, Replay, Result, Seq, Space, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A journal that several own. A sync by one makes durable what all have appended; that is early for the others and
/// harms nothing.
#[derive(Clone)]
pub struct SharedJournal {
    shared: Arc<Owned>,
    syncs: SyncTimes,
}

struct Owned {
    journal: Mutex<Box<dyn Journal>>,
    /// Gone after the journal is.
    open: watch::Sender<()>,
}

impl SharedJournal {
    /// Shares a journal.
    pub fn new(journal: impl Journal + 'static) -> Self {
        let syncs = SyncTimes::default();
        let shared = Owned {
            journal: Mutex::new(Box::new(Timed::new(journal, syncs.clone()))),
            open: watch::Sender::new(()),
        };
        Self {
            shared: Arc::new(shared),
            syncs,
        }
    }

    /// How long its syncs took, whoever asked for them.
    #[must_use]
    pub const fn syncs(&self) -> &SyncTimes {
        &self.syncs
    }

    /// Until nobody owns the journal any more, and its file is free. Owns nothing itself.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let mut open = self.shared.open.subscribe();
        async move {
            // Nobody sends: an error, which comes when the sender is gone, ends it.
            while open.changed().await.is_ok() {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Journal>> {
        // Whoever panicked held no half-done commit: the journal poisons itself where that matters.
        self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in it for a wallet's state.
    #[must_use]
    pub fn wallet(&self, name: &str) -> WalletPlace {
        WalletPlace {
            journal: self.clone(),
            name: format!("wallet/{name}"),
        }
    }
}

impl Journal for SharedJournal {
    fn append(&mut self, record: Record) -> Result<Seq> {
        self.lock().append(record)
    }
    fn put(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.lock().put(name, value)
    }
    fn remove(&mut self, name: &str) -> Result<()> {
        self.lock().remove(name)
    }
    fn sync(&mut self) -> Result<()> {
        self.lock().sync()
    }
    fn replay(&self) -> Result<Replay<'_>> {
        let entries: Vec<_> = self.lock().replay()?.collect();
        Ok(Box::new(entries.into_iter()))
    }
    fn get(&self, name: &str) -> Result<Option<Value>> {
        self.lock().get(name)
    }
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
        self.lock().scan(prefix)
    }
    fn head(&self) -> Result<Head> {
        self.lock().head()
    }
    fn space(&self) -> Result<Space> {
        self.lock().space()
    }
}

/// Where one wallet keeps its state.
pub struct WalletPlace {
    journal: SharedJournal,
    name: String,
}

impl WalletStore for WalletPlace {
    fn load(&self) -> std::result::Result<Option<Vec<u8>>, WalletStoreError> {
        let value = self
            .journal
            .lock()
            .get(&self.name)
            .map_err(|e| WalletStoreError(e.to_string()))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn save(&self, state: &[u8]) -> std::result::Result<(), WalletStoreError> {
        let mut journal = self.journal.lock();
        let saved = journal.put(&self.name, state).and_then(|()| journal.sync());
        saved.map_err(|e| WalletStoreError(e.to_string()))
    }
}
