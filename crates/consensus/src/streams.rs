//! Payloads that arrive in parts, in any order, from peers that may be anybody: everything here has a bound.

use crate::parts::{CHUNK, Head, Part, payload_hash};
use arc_malachitebft_app_channel::app::types::PeerId;
use std::collections::BTreeMap;

/// Payloads that one peer may be sending at a time.
const STREAMS_PER_PEER: usize = 4;
/// So many of the longest payloads may be on their way in all.
const PAYLOADS_IN_ALL: usize = 16;
/// What a stream costs us without a byte in it.
const STREAM_BYTES: usize = 1024;
/// Parts that came before their head are forgotten after so many heights.
const HEADLESS_HEIGHTS: u64 = 2;

#[derive(Debug)]
struct Stream {
    head: Option<Head>,
    chunks: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    since: u64,
    at_height: u64,
}

/// A stream is its sender's: two senders may use one name.
type Name = (PeerId, Vec<u8>);

/// All that are on their way.
#[derive(Debug)]
pub(crate) struct Streams {
    /// The longest payload.
    most: usize,
    streams: BTreeMap<Name, Stream>,
    arrivals: u64,
    height: u64,
}

impl Streams {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            most,
            streams: BTreeMap::new(),
            arrivals: 0,
            height: 0,
        }
    }

    /// A new height begins: what is of earlier ones goes.
    pub(crate) fn at_height(&mut self, height: u64) {
        self.height = height;
        self.streams.retain(|_, stream| match &stream.head {
            Some(head) => head.height >= height,
            None => stream.at_height.saturating_add(HEADLESS_HEIGHTS) > height,
        });
    }

    /// Takes a part; gives the payload if it was the last one. `admits` says whether we want what this head announces, and
    /// checks its signature.
    pub(crate) fn add(
        &mut self,
        name: Name,
        place: u64,
        part: Part,
        admits: impl FnOnce(&Head) -> bool,
    ) -> Option<(Head, Vec<u8>)> {
        let (head, chunk) = match part {
            Part::First(head, chunk) => (Some(head), chunk),
            Part::Next(chunk) => (None, chunk),
        };
        if head.is_some() != (place == 0) || !self.fits(head.as_ref(), place, &chunk) {
            self.streams.remove(&name);
            return None;
        }
        if head.as_ref().is_some_and(|head| !admits(head)) {
            self.streams.remove(&name);
            return None;
        }
        self.put(&name, place, head, chunk);
        let whole = self.take_whole(&name);
        if whole.is_none() {
            self.make_room(&name);
        }
        whole
    }

    fn fits(&self, head: Option<&Head>, place: u64, chunk: &[u8]) -> bool {
        let Some(head) = head else {
            // Cannot be checked yet, but not be too much either.
            let end = place.saturating_mul(CHUNK as u64);
            return chunk.len() <= CHUNK && end <= self.most as u64;
        };
        let long = usize::try_from(head.size).is_ok_and(|size| size <= self.most);
        long && head.length_of(0) == Some(chunk.len())
    }

    fn put(&mut self, name: &Name, place: u64, head: Option<Head>, chunk: Vec<u8>) {
        self.arrivals = self.arrivals.saturating_add(1);
        let (since, at_height) = (self.arrivals, self.height);
        let stream = self.streams.entry(name.clone()).or_insert_with(|| Stream {
            head: None,
            chunks: BTreeMap::new(),
            bytes: STREAM_BYTES,
            since,
            at_height,
        });
        stream.head = stream.head.take().or(head);
        let length = chunk.len();
        if let std::collections::btree_map::Entry::Vacant(free) = stream.chunks.entry(place) {
            free.insert(chunk);
            stream.bytes = stream.bytes.saturating_add(length);
        }
    }

    fn take_whole(&mut self, name: &Name) -> Option<(Head, Vec<u8>)> {
        let stream = self.streams.get(name)?;
        let head = stream.head.as_ref()?;
        if (stream.chunks.len() as u64) < head.parts() {
            return None;
        }
        let stream = self.streams.remove(name)?;
        let head = stream.head?;
        let right = |(place, chunk): (&u64, &Vec<u8>)| head.length_of(*place) == Some(chunk.len());
        if !stream.chunks.iter().all(right) {
            return None;
        }
        let chunks: Vec<_> = stream.chunks.into_values().collect();
        let payload = chunks.concat();
        (payload_hash(&payload) == head.hash).then_some((head, payload))
    }

    /// Whoever takes too much loses its own oldest streams, never another's.
    fn make_room(&mut self, newest: &Name) {
        while self.of(newest.0).count() > STREAMS_PER_PEER {
            self.drop_oldest_of(newest.0);
        }
        let most = self
            .most
            .saturating_add(STREAM_BYTES)
            .saturating_mul(PAYLOADS_IN_ALL);
        while self.bytes() > most {
            let mut by_peer: BTreeMap<PeerId, usize> = BTreeMap::new();
            for ((peer, _), stream) in &self.streams {
                let bytes = by_peer.entry(*peer).or_default();
                *bytes = bytes.saturating_add(stream.bytes);
            }
            let Some((greediest, _)) = by_peer.into_iter().max_by_key(|(_, bytes)| *bytes) else {
                return;
            };
            self.drop_oldest_of(greediest);
        }
    }

    fn of(&self, peer: PeerId) -> impl Iterator<Item = (&Name, &Stream)> {
        self.streams.iter().filter(move |((of, _), _)| *of == peer)
    }

    fn drop_oldest_of(&mut self, peer: PeerId) {
        let oldest = self.of(peer).min_by_key(|(_, stream)| stream.since);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.streams.remove(&name);
        }
    }

    fn bytes(&self) -> usize {
        let bytes = self.streams.values().map(|stream| stream.bytes);
        bytes.fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests;
