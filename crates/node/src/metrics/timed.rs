//! How long the journal's syncs take: what every act of the node waits for.

use kofo_journal::{Head, Journal, Record, Replay, Result, Seq, Space, Value};
use prometheus_client::metrics::histogram::Histogram;
use std::time::Instant;

/// From a tenth of a millisecond to three seconds.
const BUCKETS: [f64; 10] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];

/// The times of all syncs of one journal, in seconds. A clone counts with it.
#[derive(Clone, Debug)]
pub struct SyncTimes(pub(super) Histogram);

impl Default for SyncTimes {
    fn default() -> Self {
        Self(Histogram::new(BUCKETS))
    }
}

/// A journal whose syncs are timed.
pub struct Timed<J> {
    inner: J,
    times: SyncTimes,
}

impl<J: Journal> Timed<J> {
    /// Times the syncs of `inner` into `times`.
    pub const fn new(inner: J, times: SyncTimes) -> Self {
        Self { inner, times }
    }
}

impl<J: Journal> Journal for Timed<J> {
    fn append(&mut self, record: Record) -> Result<Seq> {
        self.inner.append(record)
    }
    fn put(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.inner.put(name, value)
    }
    fn remove(&mut self, name: &str) -> Result<()> {
        self.inner.remove(name)
    }
    fn sync(&mut self) -> Result<()> {
        let begun = Instant::now();
        let synced = self.inner.sync();
        self.times.0.observe(begun.elapsed().as_secs_f64());
        synced
    }
    fn replay(&self) -> Result<Replay<'_>> {
        self.inner.replay()
    }
    fn get(&self, name: &str) -> Result<Option<Value>> {
        self.inner.get(name)
    }
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
        self.inner.scan(prefix)
    }
    fn head(&self) -> Result<Head> {
        self.inner.head()
    }
    fn space(&self) -> Result<Space> {
        self.inner.space()
    }
}
