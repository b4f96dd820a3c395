//! The newest blocks of the branch that is followed: their headers, and the time that follows from them.

use std::collections::BTreeMap;

use bitcoin::block::Header;
use bitcoin::{BlockHash, Network};

use crate::proof::{Forged, check_link};

/// Blocks kept to find where a reorg began. A deeper one makes every leg be scanned anew.
const KEPT: usize = 1_000;
/// The median time is over so many blocks.
pub(super) const MEDIAN_SPAN: u64 = 11;

/// A block of the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) hash: BlockHash,
    pub(super) header: Header,
}

impl Link {
    pub(super) fn of(header: Header) -> Self {
        let hash = header.block_hash();
        Self { hash, header }
    }
}

/// Links of consecutive heights, each above the one it builds on.
#[derive(Debug, Default)]
pub(super) struct Branch(BTreeMap<u64, Link>);

impl Branch {
    pub(super) fn at(&self, height: u64) -> Option<&Link> {
        self.0.get(&height)
    }

    pub(super) fn hash_at(&self, height: u64) -> Option<BlockHash> {
        self.at(height).map(|link| link.hash)
    }

    pub(super) fn top(&self) -> Option<(u64, BlockHash)> {
        self.0.last_key_value().map(|(height, link)| (*height, link.hash))
    }

    pub(super) fn bottom(&self) -> Option<(u64, Link)> {
        self.0.first_key_value().map(|(height, link)| (*height, *link))
    }

    pub(super) fn height_of(&self, hash: BlockHash) -> Option<u64> {
        let mut newest_first = self.0.iter().rev();
        newest_first
            .find(|(_, link)| link.hash == hash)
            .map(|(height, _)| *height)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pop(&mut self) {
        self.0.pop_last();
    }

    /// Puts a block on top; one that is not the next is none of the branch.
    pub(super) fn push(&mut self, height: u64, link: Link) {
        let next = self.0.last_key_value().map(|(top, _)| top.saturating_add(1));
        if next.is_none_or(|next| next == height) {
            self.0.insert(height, link);
        }
        while self.0.len() > KEPT {
            self.0.pop_first();
        }
    }

    /// Puts below the lowest block the one that it builds on.
    pub(super) fn push_below(&mut self, link: Link, network: Network) -> Result<(), Forged> {
        if let Some((height, lowest)) = self.bottom() {
            check_link(&link.header, &lowest.header, height, network)?;
            self.0.insert(height.saturating_sub(1), link);
        }
        Ok(())
    }

    /// The time of the chain when this block is its best: the median of the times of eleven blocks, or of all below
    /// genesis; nothing where they are not all known.
    pub(super) fn median_time(&self, height: u64) -> Option<u64> {
        let first = height.saturating_sub(MEDIAN_SPAN.saturating_sub(1));
        let times: Option<Vec<u32>> = (first..=height)
            .map(|height| self.at(height).map(|link| link.header.time))
            .collect();
        let mut times = times?;
        times.sort_unstable();
        times.get(times.len() / 2).copied().map(u64::from)
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::genesis_block;

    use super::*;

    /// Blocks of these times, each on the one before; the first has height 100.
    fn branch(times: &[u32]) -> Branch {
        let mut header = genesis_block(Network::Regtest).header;
        let mut branch = Branch::default();
        for (time, height) in times.iter().zip(100..) {
            header.time = *time;
            branch.push(height, Link::of(header));
            header.prev_blockhash = header.block_hash();
        }
        branch
    }

    #[test]
    fn the_time_is_the_median_of_eleven_headers_whatever_their_order() {
        let times = [5, 90, 1, 2, 3, 100, 6, 7, 8, 9, 4, 80];
        let branch = branch(&times);
        assert_eq!(branch.median_time(110), Some(6));
        assert_eq!(branch.median_time(111), Some(7));
        assert_eq!(branch.median_time(109), None);
    }

    #[test]
    fn near_genesis_the_median_is_of_what_there_is() {
        let mut below = Branch::default();
        let mut header = genesis_block(Network::Regtest).header;
        for (height, time) in [(0, 10), (1, 30), (2, 20)] {
            header.time = time;
            below.push(height, Link::of(header));
        }
        assert_eq!(below.median_time(2), Some(20));
        assert_eq!(below.median_time(1), Some(30));
    }

    #[test]
    fn only_what_the_lowest_block_builds_on_goes_below_it() {
        let whole = branch(&[1, 2, 3]);
        let (first, second) = (*whole.at(100).unwrap(), *whole.at(101).unwrap());
        let mut grown = Branch::default();
        grown.push(102, *whole.at(102).unwrap());
        let refused = grown.push_below(first, Network::Regtest);
        assert!(matches!(refused, Err(Forged::Link(_))));
        assert_eq!(grown.push_below(second, Network::Regtest), Ok(()));
        assert_eq!(grown.bottom(), Some((101, second)));
    }
}
