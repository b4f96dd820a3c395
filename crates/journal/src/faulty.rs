//! A journal that fails at a chosen sync, for simulations of a crash at every one of them.
//!
//! To try every sync of a scenario: run it once with [`Faulty::sound`] and read [`Syncs::count`], then once for
//! each number up to that and each [`When`]. At the injected error the process would stop: drop everything that
//! holds the journal, open it again and replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::journal::{Journal, Replay, Space, Value};
use crate::poison::Poison;
use crate::{Error, Head, Record, Result, Seq};

/// On which side of the durable write the fault strikes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Nothing of this sync is durable.
    Before,
    /// All of it is durable, and the caller never hears of it.
    After,
}

/// A fault that is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The sync that fails, counted from 1 over the life of this wrapper.
    pub at_sync: u64,
    /// Before or after the write.
    pub when: When,
}

/// How many syncs were asked for; readable while a driver owns the journal. Clones count the same journal.
#[derive(Clone, Default, Debug)]
pub struct Syncs(Arc<AtomicU64>);

impl Syncs {
    /// Syncs so far, the failed one included and those after it not.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Wraps another journal.
pub struct Faulty<J> {
    inner: J,
    fault: Option<Fault>,
    syncs: Syncs,
    poison: Poison,
}

impl<J: Journal> Faulty<J> {
    /// Fails as told.
    pub fn new(inner: J, fault: Fault) -> Self {
        Self {
            inner,
            fault: Some(fault),
            syncs: Syncs::default(),
            poison: Poison::default(),
        }
    }

    /// Never fails of its own and only counts.
    pub fn sound(inner: J) -> Self {
        Self {
            inner,
            fault: None,
            syncs: Syncs::default(),
            poison: Poison::default(),
        }
    }

    /// The counter, to be kept outside.
    #[must_use]
    pub fn syncs(&self) -> Syncs {
        self.syncs.clone()
    }

    fn try_sync(&mut self) -> Result<()> {
        let sync = self.syncs.0.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault {
            Some(Fault { at_sync, when }) if at_sync == sync => {
                if when == When::After {
                    self.inner.sync()?;
                }
                Err(Error::Injected { sync })
            }
            _ => self.inner.sync(),
        }
    }
}

impl<J: Journal> Journal for Faulty<J> {
    fn append(&mut self, record: Record) -> Result<Seq> {
        self.poison.check()?;
        self.inner.append(record)
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.poison.check()?;
        self.inner.put(name, value)
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        self.poison.check()?;
        self.inner.remove(name)
    }

    fn sync(&mut self) -> Result<()> {
        self.poison.enter()?;
        let done = self.try_sync();
        self.poison.leave(done)
    }

    fn replay(&self) -> Result<Replay<'_>> {
        self.poison.check()?;
        self.inner.replay()
    }

    fn get(&self, name: &str) -> Result<Option<Value>> {
        self.poison.check()?;
        self.inner.get(name)
    }

    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
        self.poison.check()?;
        self.inner.scan(prefix)
    }

    fn head(&self) -> Result<Head> {
        self.poison.check()?;
        self.inner.head()
    }

    fn space(&self) -> Result<Space> {
        self.poison.check()?;
        self.inner.space()
    }
}
