//! Append, sync and replay of opaque records, encrypted and hash-chained.
//!
//! The node writes here what it is about to do before it does it (journal, then act). This crate knows
//! nothing of swaps: a [`Record`] is a machine's id, a kind and bytes.
//!
//! What it promises:
//! * [`Journal::sync`] makes everything appended and put since the last one durable in **one** commit, or
//!   nothing of it. What was not synced is never seen after a reopen.
//! * An error of `append`, `put`, `remove` or `sync` is **fatal**: memory and disk may differ from here on. The
//!   handle answers [`Error::Poisoned`] to everything afterwards and the process must stop; a restart
//!   opens, replays and knows the truth.
//! * Records are encrypted with XChaCha20-Poly1305 and bound to their place by a hash chain, so an altered,
//!   missing or moved record is found and named, by [`Journal::replay`] as well as by [`audit`].
//! * A record written by any earlier version replays for ever: each carries a version byte.
//!
//! What it cannot promise: a file that is put back *whole* as it was at an earlier sync is a valid journal.
//! Only a [`Head`] that was kept elsewhere (a certificate, another machine) shows that; compare it with
//! [`Entry::hash`] of the same [`Seq`].
//!
//! Three journals live under the one trait: [`Store`] on disk (redb, two-phase commit), [`memory::Memory`]
//! and [`faulty::Faulty`], which wraps another one and fails at a chosen sync.
//!
//! Beside the records there is a small side table of named values ([`Journal::put`], [`Journal::get`],
//! [`Journal::scan`]) that is committed by the same sync: wallet change sets and counters.
//!
//! ```
//! use kofo_journal::{Journal, JournalKey, Record, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let key = JournalKey::from_bytes([7; 32]); // from the passphrase, in life
//! let mut journal = Store::create(folder.path(), &key)?;
//! let seq = journal.append(Record::new([1; 32], 0, b"lock built".to_vec()))?;
//! journal.put("evm/nonce", &42u64.to_be_bytes())?;
//! journal.sync()?; // from here on, and not before, the node may act
//! drop(journal);
//!
//! let journal = Store::open(folder.path(), &key)?;
//! for entry in journal.replay()? {
//!     let entry = entry?;
//!     assert_eq!((entry.seq, entry.record.body.as_slice()), (seq, &b"lock built"[..]));
//! }
//! assert_eq!(journal.get("evm/nonce")?.as_deref(), Some(&42u64.to_be_bytes().to_vec()));
//! # Ok(())
//! # }
//! ```

mod audit;
mod chain;
mod error;
pub mod faulty;
mod journal;
mod key;
mod limits;
pub mod memory;
mod poison;
mod record;
mod seal;
mod store;

pub use audit::{AuditReport, audit};
pub use chain::{Hash, Head};
pub use error::{Error, Finding, Reason, Result};
pub use journal::{Entry, Journal, Replay, Space, Value};
pub use key::JournalKey;
pub use limits::{MAX_BODY, MAX_NAME, MAX_PENDING, MAX_VALUE};
pub use record::{MachineId, Record, Seq};
pub use store::Store;
