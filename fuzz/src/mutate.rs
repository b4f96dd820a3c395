//! Mutated inputs from a seed: the same seed and the same corpus give the same inputs on every machine.

/// No input is longer, in bytes: longer ones are refused by length alone.
const LONGEST: usize = 8 * 1024;
/// So many mutated inputs are kept as the ground of further ones, so that changes add up.
const WALKS: usize = 64;
/// What decoders stumble over.
const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 48,
    i64::MAX as u64,
    u64::MAX,
];
/// So many kinds of change there are, and so many of them, the first ones, keep the length.
const CHANGES: usize = 12;
const IN_PLACE: usize = 6;
const LETTERS: &[u8] = b"0123456789abcdefxABCDEF.:/-_+ \n\t\"\\=[]{},#'eE";

/// A source of mutated inputs.
pub struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
    walks: Vec<Vec<u8>>,
}

impl Mutator {
    /// Mutates these inputs; what it inserts is taken from them too.
    #[must_use]
    pub fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        Self {
            state: seed,
            corpus,
            walks: Vec::new(),
        }
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 … `limit` − 1; 0 for a limit of 0.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).expect("a length fits 64 bits");
        usize::try_from(self.draw() % limit).expect("less than a length")
    }

    /// The next input.
    pub fn input(&mut self) -> Vec<u8> {
        let mut input = self.ground();
        // Half of them keep their length: in a binary form nothing behind an insertion is where it should be.
        let kinds = if self.below(2) == 0 { CHANGES } else { IN_PLACE };
        for _ in 0..=self.below(5) {
            self.change(&mut input, kinds);
        }
        input.truncate(LONGEST);
        if self.below(8) == 0 {
            if self.walks.len() < WALKS {
                self.walks.push(input.clone());
            } else {
                let at = self.below(WALKS);
                self.walks[at] = input.clone();
            }
        }
        input
    }

    fn ground(&mut self) -> Vec<u8> {
        match self.below(16) {
            0 => {
                let length = self.below(200);
                self.junk(length)
            }
            1..=4 if !self.walks.is_empty() => {
                let at = self.below(self.walks.len());
                self.walks[at].clone()
            }
            _ => self.other(),
        }
    }

    fn other(&mut self) -> Vec<u8> {
        let at = self.below(self.corpus.len());
        self.corpus.get(at).cloned().unwrap_or_default()
    }

    fn junk(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.draw().to_le_bytes()[0]).collect()
    }

    /// A piece of the corpus.
    fn word(&mut self) -> Vec<u8> {
        let other = self.other();
        let start = self.below(other.len());
        let length = self.below(32) + 1;
        other[start..].iter().take(length).copied().collect()
    }

    fn number(&mut self) -> Vec<u8> {
        let number = NUMBERS[self.below(NUMBERS.len())];
        let width = [1, 2, 4, 8, 16][self.below(5)];
        let fill = if number == u64::MAX { 0xff } else { 0 };
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(width, fill);
        if self.below(4) == 0 {
            bytes.reverse();
        }
        bytes
    }

    fn change(&mut self, input: &mut Vec<u8>, kinds: usize) {
        // Often at an end: that is where parsers forget to look.
        let at = match self.below(8) {
            0 => input.len(),
            1 => 0,
            _ => self.below(input.len()),
        };
        let most = input.len() - at;
        let length = (self.below(16) + 1).min(most);
        let kind = self.below(kinds);
        match kind {
            0 | 1 => {
                let bit = self.below(8);
                input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
            }
            2..IN_PLACE => {
                let new = match kind {
                    2 => self.junk(1),
                    3 => self.number(),
                    4 => self.word(),
                    _ => vec![LETTERS[self.below(LETTERS.len())]],
                };
                overwrite(input, at, &new);
            }
            6 => input.truncate(at),
            7 => drop(input.drain(at..at + length)),
            8 => {
                let junk = self.junk(length);
                insert(input, at, &junk);
            }
            9 => {
                let again = input[at..at + length].to_vec();
                insert(input, at, &again);
            }
            10 => {
                let word = self.word();
                insert(input, at, &word);
            }
            _ => {
                // The head of this one and the tail of another.
                let other = self.other();
                input.truncate(at);
                input.extend_from_slice(&other[at.min(other.len())..]);
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn overwrite(input: &mut [u8], at: usize, bytes: &[u8]) {
    for (old, new) in input[at..].iter_mut().zip(bytes) {
        *old = *new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_another_seed_others() {
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed, vec![b"one".to_vec(), b"another".to_vec()]);
            (0..200).map(|_| mutator.input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(1).iter().any(Vec::is_empty), "nothing is an input too");
        assert!(
            inputs(1)
                .iter()
                .any(|input| input.windows(3).any(|w| w == b"one"))
        );
    }

    #[test]
    fn an_empty_corpus_and_an_endless_walk_stay_within_bounds() {
        let mut empty = Mutator::new(7, Vec::new());
        assert!((0..2_000).all(|_| empty.input().len() <= LONGEST));
        let mut long = Mutator::new(7, vec![vec![1; 3 * LONGEST]]);
        assert!((0..100).all(|_| long.input().len() <= LONGEST));
    }
}
