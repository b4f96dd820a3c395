//! The compact filters (BIP-158) that are kept: a bounded window of heights around the one that was asked for last.

use std::collections::BTreeMap;

use bitcoin::bip158::BlockFilter;
use bitcoin::{BlockHash, ScriptBuf};

/// All filters together are no larger, in bytes: about a thousand blocks of the main chain.
const KEPT: usize = 16 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Filters {
    by_height: BTreeMap<u64, (BlockHash, BlockFilter)>,
    bytes: usize,
    /// The height that was asked for last.
    asked: u64,
}

impl Filters {
    /// Keeps a filter. Where there are too many, those below the height asked for go first, then the highest: they are
    /// asked of the peer again when it is their turn.
    pub(super) fn insert(&mut self, height: u64, hash: BlockHash, filter: BlockFilter) {
        self.bytes = self.bytes.saturating_add(filter.content.len());
        if let Some((_, old)) = self.by_height.insert(height, (hash, filter)) {
            self.bytes = self.bytes.saturating_sub(old.content.len());
        }
        while self.bytes > KEPT {
            let below = self
                .by_height
                .first_key_value()
                .is_some_and(|(h, _)| *h < self.asked);
            let gone = match below {
                true => self.by_height.pop_first(),
                false => self.by_height.pop_last(),
            };
            let Some((_, (_, filter))) = gone else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(filter.content.len());
        }
    }

    /// Whether the block may touch one of the scripts; nothing where its filter is not here.
    pub(super) fn may_touch(&mut self, height: u64, hash: BlockHash, scripts: &[ScriptBuf]) -> Option<bool> {
        self.asked = height;
        let (_, filter) = self.by_height.get(&height).filter(|(of, _)| *of == hash)?;
        // The library says that nothing is found everywhere.
        if scripts.is_empty() {
            return Some(false);
        }
        // A filter that cannot be read excludes nothing.
        Some(
            filter
                .match_any(&hash, scripts.iter().map(|script| script.as_bytes()))
                .unwrap_or(true),
        )
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::genesis_block;
    use bitcoin::hashes::Hash;
    use bitcoin::{Network, ScriptBuf};

    use super::*;

    fn filler(bytes: usize) -> BlockFilter {
        BlockFilter::new(&vec![0; bytes])
    }

    fn hash(byte: u8) -> BlockHash {
        BlockHash::from_byte_array([byte; 32])
    }

    #[test]
    fn a_filter_tells_what_its_block_may_touch() {
        let block = genesis_block(Network::Regtest);
        let missing =
            |_: &bitcoin::OutPoint| Err(bitcoin::bip158::Error::UtxoMissing(bitcoin::OutPoint::null()));
        let filter =
            BlockFilter::new_script_filter(&block, missing as fn(&_) -> Result<ScriptBuf, _>).unwrap();
        let paid = block.txdata[0].output[0].script_pubkey.clone();
        let other = ScriptBuf::from_bytes(vec![0x51]);
        let at = block.block_hash();
        let mut filters = Filters::default();
        filters.insert(0, at, filter);
        assert_eq!(filters.may_touch(0, at, &[other.clone(), paid]), Some(true));
        assert_eq!(filters.may_touch(0, at, &[other]), Some(false));
        assert_eq!(filters.may_touch(0, at, &[]), Some(false));
        // Of another branch, or not here.
        assert_eq!(filters.may_touch(0, hash(1), &[]), None);
        assert_eq!(filters.may_touch(1, at, &[]), None);
    }

    #[test]
    fn what_was_asked_for_stays_and_the_rest_goes() {
        let mut filters = Filters::default();
        let large = KEPT / 4;
        filters.insert(1, hash(1), filler(large));
        assert!(filters.may_touch(5, hash(5), &[]).is_none());
        for height in 4..9 {
            filters.insert(height, hash(5), filler(large));
        }
        let kept: Vec<u64> = filters.by_height.keys().copied().collect();
        assert_eq!(kept, [5, 6, 7, 8]);
        filters.insert(9, hash(9), filler(large));
        let kept: Vec<u64> = filters.by_height.keys().copied().collect();
        assert_eq!(kept, [5, 6, 7, 8]);
        assert_eq!(filters.bytes, 4 * large);
    }
}
