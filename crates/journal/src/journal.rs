//! The port: what every journal does.

use zeroize::Zeroizing;

use crate::{Hash, Head, Record, Result, Seq};

/// A value of the side table; wiped when dropped.
pub type Value = Zeroizing<Vec<u8>>;

/// All durable records in order. After the first `Err` it ends.
pub type Replay<'a> = Box<dyn Iterator<Item = Result<Entry>> + 'a>;

/// One durable record and its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place: the first record of a journal has 1, and there are no gaps.
    pub seq: Seq,
    /// The chain hash up to and including this record; what an anchor kept elsewhere is compared with.
    pub hash: Hash,
    /// What was appended.
    pub record: Record,
}

/// Bytes a journal takes and bytes that are left to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Bytes the journal takes now.
    pub used: u64,
    /// Bytes free for this user on the disk below it (`u64::MAX` where nothing limits it).
    pub free: u64,
}

/// Append, sync, replay, and a side table of named values in the same commit. Blocking.
///
/// **Errors of the methods that take `&mut self` are fatal**: the handle is poisoned, every later call gives
/// [`crate::Error::Poisoned`], and the process must stop. That holds for a record that is too large as well: its
/// sender has a state in memory that can no longer be replayed. So check [`crate::MAX_BODY`] and its kin before a
/// stranger's bytes get this far.
pub trait Journal: Send {
    /// Buffers a record and gives its place. It is not durable before [`Journal::sync`].
    ///
    /// # Errors
    /// [`crate::Error::BodyTooLarge`], [`crate::Error::TooMuchPending`], [`crate::Error::Random`], [`crate::Error::Poisoned`].
    fn append(&mut self, record: Record) -> Result<Seq>;

    /// Buffers a named value, replacing an earlier one. `name` is 1 to [`crate::MAX_NAME`] bytes.
    ///
    /// # Errors
    /// [`crate::Error::BadName`], [`crate::Error::ValueTooLarge`], [`crate::Error::TooMuchPending`], [`crate::Error::Random`],
    /// [`crate::Error::Poisoned`].
    fn put(&mut self, name: &str, value: &[u8]) -> Result<()>;

    /// Buffers the removal of a named value; nothing happens if there is none.
    ///
    /// # Errors
    /// [`crate::Error::BadName`], [`crate::Error::TooMuchPending`], [`crate::Error::Poisoned`].
    fn remove(&mut self, name: &str) -> Result<()>;

    /// Makes everything appended, put and removed so far durable, in one commit. With nothing buffered it
    /// does nothing.
    ///
    /// # Errors
    /// [`crate::Error::Storage`] or [`crate::Error::Injected`]; whether the commit reached the disk is then unknown until the
    /// journal is opened again. [`crate::Error::Poisoned`].
    fn sync(&mut self) -> Result<()>;

    /// All durable records in order, verified against the chain and the head; one record in memory at a time.
    ///
    /// # Errors
    /// [`crate::Error::Poisoned`], [`crate::Error::Storage`]; each item: [`crate::Error::Broken`], [`crate::Error::Storage`].
    fn replay(&self) -> Result<Replay<'_>>;

    /// The value of this name as this handle last put it, synced or not.
    ///
    /// # Errors
    /// [`crate::Error::Poisoned`], [`crate::Error::Broken`], [`crate::Error::Storage`].
    fn get(&self, name: &str) -> Result<Option<Value>>;

    /// All names that begin with `prefix` and their values, in the order of the names' bytes, synced or not.
    ///
    /// # Errors
    /// [`crate::Error::Poisoned`], [`crate::Error::Broken`], [`crate::Error::Storage`].
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>>;

    /// The last durable record's place and the chain hash there: what to anchor elsewhere.
    ///
    /// # Errors
    /// [`crate::Error::Poisoned`].
    fn head(&self) -> Result<Head>;

    /// Bytes taken and bytes left, so that a node can refuse a new swap before the disk is full.
    ///
    /// # Errors
    /// [`crate::Error::Poisoned`], [`crate::Error::Io`].
    fn space(&self) -> Result<Space>;
}

impl<J: Journal + ?Sized> Journal for Box<J> {
    fn append(&mut self, record: Record) -> Result<Seq> {
        (**self).append(record)
    }
    fn put(&mut self, name: &str, value: &[u8]) -> Result<()> {
        (**self).put(name, value)
    }
    fn remove(&mut self, name: &str) -> Result<()> {
        (**self).remove(name)
    }
    fn sync(&mut self) -> Result<()> {
        (**self).sync()
    }
    fn replay(&self) -> Result<Replay<'_>> {
        (**self).replay()
    }
    fn get(&self, name: &str) -> Result<Option<Value>> {
        (**self).get(name)
    }
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Value)>> {
        (**self).scan(prefix)
    }
    fn head(&self) -> Result<Head> {
        (**self).head()
    }
    fn space(&self) -> Result<Space> {
        (**self).space()
    }
}
