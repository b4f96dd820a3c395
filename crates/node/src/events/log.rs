//! The node's events, bounded, in the journal's side table and in memory.
//!
//! One value for each event, so that each is there whole or not at all, whoever syncs the journal when; what was told of
//! whom is what the events that are kept say of it, and, before an event is dropped, what is written beside them.

use super::Told;
use crate::journal::SharedJournal;
use crate::rpc::types::{AssetAmount, DeadlineStatus, Event, EventName, EventPage, Id};
use kofo_journal::Journal;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// So many events are kept; the oldest are dropped first.
pub const MAX_EVENTS: usize = 4_096;

const LOG: &str = "events/log/";
const TOLD: &str = "events/told/";
/// The cursor before the first event. Written when the log is new, and at last: then all that was over before is marked.
const BASE: &str = "events/base";

/// Whom an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A claim of ours.
    Claim(Id),
    /// A swap, and the claim it began with.
    Swap(Id),
}

impl Subject {
    fn of(event: &Event) -> Option<Self> {
        event.swap.map(Self::Swap).or(event.claim.map(Self::Claim))
    }

    fn place(&self) -> String {
        match self {
            Self::Claim(id) => format!("{TOLD}claim/{id}"),
            Self::Swap(id) => format!("{TOLD}swap/{id}"),
        }
    }

    fn at(place: &str) -> Option<Self> {
        let (kind, id) = place.strip_prefix(TOLD)?.split_once('/')?;
        let id = id.parse().ok()?;
        match kind {
            "claim" => Some(Self::Claim(id)),
            "swap" => Some(Self::Swap(id)),
            _ => None,
        }
    }
}

/// Why there is no log of events.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The journal failed.
    #[error("the journal failed: {0}")]
    Journal(#[from] kofo_journal::Error),
    /// What is kept is not what a node writes.
    #[error("what the journal keeps as {0:?} is no event: use the version that wrote it, or report this")]
    Stored(String),
}

/// A cursor from which the log does not reach on: what lies between is gone, or the cursor is another node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The oldest event that is kept.
    pub oldest: u64,
    /// The newest.
    pub newest: u64,
}

/// An event before it has its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) swap: Option<Id>,
    pub(crate) claim: Option<Id>,
    pub(crate) event: EventName,
    pub(crate) at_risk: Vec<AssetAmount>,
    pub(crate) until: Option<DeadlineStatus>,
}

/// All events that are kept. Only [`super::follow`] adds to it.
pub struct EventLog {
    journal: SharedJournal,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

struct Kept {
    events: VecDeque<Event>,
    /// What was told of whom.
    told: BTreeMap<Subject, Told>,
    /// The cursor of the newest event.
    newest: u64,
    at_ms: u64,
    /// Nothing was ever told: what is over already is not told now.
    is_new: bool,
}

impl EventLog {
    /// Reads what the journal has. A new log's cursors begin at the present, so that no cursor of an earlier log, such as
    /// that of a node that was restored, is one of this.
    pub fn open(journal: SharedJournal, now_ms: u64) -> Result<Self, EventError> {
        let mut told: BTreeMap<Subject, Told> = BTreeMap::new();
        for (name, value) in journal.scan(TOLD)? {
            let bits = value.as_slice().try_into().ok().map(u16::from_be_bytes);
            let (Some(subject), Some(bits)) = (Subject::at(&name), bits) else {
                return Err(EventError::Stored(name));
            };
            told.insert(subject, Told::of_bits(bits));
        }
        let mut events = VecDeque::new();
        for (name, value) in journal.scan(LOG)? {
            let event: Event =
                serde_json::from_slice(&value).map_err(|_| EventError::Stored(name.clone()))?;
            let Some(subject) = Subject::of(&event) else {
                return Err(EventError::Stored(name));
            };
            told.entry(subject).or_default().add(event.event);
            events.push_back(event);
        }
        let base = match journal.get(BASE)? {
            Some(value) => {
                let bytes = value.as_slice().try_into();
                Some(u64::from_be_bytes(
                    bytes.map_err(|_| EventError::Stored(BASE.to_owned()))?,
                ))
            }
            None => None,
        };
        let newest = events.back().map(|event| event.cursor);
        let newest = newest.or(base).unwrap_or(now_ms);
        let kept = Kept {
            at_ms: events.back().map_or(0, |event| event.at_ms),
            events,
            told,
            newest,
            is_new: base.is_none(),
        };
        Ok(Self {
            journal,
            kept: Mutex::new(kept),
            newest: watch::Sender::new(newest),
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing under the lock panics half-way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to `limit` events after a cursor; `None`: from the oldest that is kept.
    pub fn after(&self, cursor: Option<u64>, limit: usize) -> Result<EventPage, Gap> {
        let kept = self.kept();
        let newest = kept.newest;
        let oldest = kept.oldest();
        let cursor = cursor.unwrap_or_else(|| oldest.saturating_sub(1));
        if cursor.saturating_add(1) < oldest || cursor > newest {
            return Err(Gap { oldest, newest });
        }
        let known = cursor.saturating_add(1).saturating_sub(oldest);
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let events = kept.events.iter().skip(known).take(limit).cloned().collect();
        Ok(EventPage {
            events,
            oldest,
            newest,
        })
    }

    /// The newest event's cursor, as it changes.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// What was told of somebody.
    pub(super) fn told(&self, subject: &Subject) -> Told {
        self.kept().told.get(subject).copied().unwrap_or_default()
    }

    /// Whether nothing was ever told.
    pub(super) fn is_new(&self) -> bool {
        self.kept().is_new
    }

    /// A new log is begun: of these nothing is told any more. Blocking.
    pub(super) fn begin(&self, over: &[(Subject, Told)]) -> Result<(), EventError> {
        let mut journal = self.journal.clone();
        for (subject, told) in over {
            journal.put(&subject.place(), &told.bits().to_be_bytes())?;
        }
        let newest = self.kept().newest;
        journal.put(BASE, &newest.to_be_bytes())?;
        journal.sync()?;
        let mut kept = self.kept();
        kept.told.extend(over.iter().copied());
        kept.is_new = false;
        Ok(())
    }

    /// Writes events, and tells of them when they are durable. One writer at a time. Blocking.
    pub(crate) fn append(&self, news: Vec<News>, now_ms: u64) -> Result<(), EventError> {
        let (events, dropped) = self.kept().next(news, now_ms);
        let mut journal = self.journal.clone();
        for event in &events {
            let bytes = serde_json::to_vec(event).map_err(|_| EventError::Stored(name(event.cursor)))?;
            journal.put(&name(event.cursor), &bytes)?;
        }
        for (cursor, subject) in &dropped {
            let told = self.told(subject);
            journal.put(&subject.place(), &told.bits().to_be_bytes())?;
            journal.remove(&name(*cursor))?;
        }
        journal.sync()?;
        let mut kept = self.kept();
        for event in events {
            kept.add(event);
        }
        let newest = kept.newest;
        drop(kept);
        self.newest.send_replace(newest);
        Ok(())
    }

    /// Claims that nobody remembers any more are not remembered here either. Blocking; durable with the next event.
    pub(super) fn forget(&self, gone: &[Subject]) -> Result<(), EventError> {
        let mut journal = self.journal.clone();
        for subject in gone {
            journal.remove(&subject.place())?;
            self.kept().told.remove(subject);
        }
        Ok(())
    }

    /// The claims of which something was told.
    pub(super) fn claims(&self) -> Vec<Subject> {
        let kept = self.kept();
        let claims = kept.told.keys().filter(|s| matches!(s, Subject::Claim(_)));
        claims.copied().collect()
    }
}

impl Kept {
    fn oldest(&self) -> u64 {
        let oldest = self.events.front().map(|event| event.cursor);
        oldest.unwrap_or_else(|| self.newest.saturating_add(1))
    }

    /// The events as they will be kept, and those that make room for them, with whom they were about.
    fn next(&self, news: Vec<News>, now_ms: u64) -> (Vec<Event>, Vec<(u64, Subject)>) {
        let at_ms = now_ms.max(self.at_ms);
        let place = |(cursor, news): (u64, News)| Event {
            cursor,
            at_ms,
            swap: news.swap,
            claim: news.claim,
            event: news.event,
            at_risk: news.at_risk,
            until: news.until,
        };
        let cursors = self.newest.saturating_add(1)..;
        let events: Vec<_> = cursors.zip(news).map(place).collect();
        let too_many = (self.events.len().saturating_add(events.len())).saturating_sub(MAX_EVENTS);
        let oldest = self.events.iter().take(too_many);
        let dropped = oldest.filter_map(|event| Some((event.cursor, Subject::of(event)?)));
        let dropped = dropped.collect();
        (events, dropped)
    }

    fn add(&mut self, event: Event) {
        if let Some(subject) = Subject::of(&event) {
            self.told.entry(subject).or_default().add(event.event);
        }
        (self.newest, self.at_ms) = (event.cursor, event.at_ms);
        self.events.push_back(event);
        if self.events.len() > MAX_EVENTS {
            self.events.pop_front();
        }
    }
}

/// So many digits that names are in the order of cursors.
fn name(cursor: u64) -> String {
    format!("{LOG}{cursor:020}")
}

#[cfg(test)]
mod tests;
