//! The 24 words of BIP-39 from which everything that a node owns is derived.

use bip39::{Language, Mnemonic};
use kofo_primitives::Seed;
use zeroize::{Zeroize, Zeroizing};

/// So many words: 256 bits.
pub const WORDS: usize = 24;
/// The longest text of words that is looked at: 24 words of at most 8 letters, and ample space between them.
const MAX_TEXT: usize = 1024;

/// The words. Whoever has them has the money: erased when dropped, never printed by accident.
pub struct Words(Zeroizing<String>);

/// Why a text is no words of BIP-39.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Not so many words.
    #[error("expected {WORDS} words, got {got}")]
    Count {
        /// How many came.
        got: usize,
    },
    /// A word that is not in the English list. The word itself is a secret and not shown.
    #[error("word {number} is not in the English BIP-39 list: check its spelling")]
    Unknown {
        /// Which word, from 1.
        number: usize,
    },
    /// All words exist, but do not belong together.
    #[error("the words do not belong together: check each of them and their order")]
    Checksum,
    /// The system gave no randomness.
    #[error("the system gave no randomness: {0}")]
    Randomness(String),
}

impl Words {
    /// Draws new words from the operating system's randomness.
    pub fn draw() -> Result<Self, WordsError> {
        let mut entropy = Zeroizing::new([0; 32]);
        getrandom::fill(&mut entropy[..]).map_err(|e| WordsError::Randomness(e.to_string()))?;
        let mnemonic = Mnemonic::from_entropy_in(Language::English, &entropy[..]);
        let mnemonic = mnemonic.expect("32 bytes are the entropy of 24 words");
        Ok(Self(Zeroizing::new(mnemonic.to_string())))
    }

    /// Reads words as a person types them: in capitals or not, with any white space between.
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let got = text.split_whitespace().count();
        if got != WORDS || text.len() > MAX_TEXT {
            return Err(WordsError::Count { got });
        }
        let mut plain = Zeroizing::new(String::with_capacity(text.len()));
        for word in text.split_whitespace() {
            if !plain.is_empty() {
                plain.push(' ');
            }
            plain.push_str(word);
        }
        plain.make_ascii_lowercase();
        match Mnemonic::parse_in_normalized(Language::English, &plain) {
            Ok(_) => Ok(Self(plain)),
            Err(bip39::Error::UnknownWord(at)) => Err(WordsError::Unknown {
                number: at.saturating_add(1),
            }),
            Err(_) => Err(WordsError::Checksum),
        }
    }

    /// The words, to be written on paper.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The seed of these words, with BIP-39's empty passphrase.
    #[must_use]
    pub fn seed(&self) -> Seed {
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &self.0);
        let mnemonic = mnemonic.expect("checked when the words were made");
        let mut bytes = mnemonic.to_seed_normalized("");
        let seed = Seed::new(bytes);
        bytes.zeroize();
        seed
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The last vector of BIP-39's own list with 256 bits; its published seed uses the passphrase "TREZOR", this one none.
    const ZOO: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                       abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn words_give_the_seed_of_bip39() {
        let seed = Words::parse(ZOO).unwrap().seed();
        let expected = "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf705489c6fc77dbd4e3dc1dd8cc6bc9f043\
                        db8ada1e243c4a0eafb290d399480840";
        assert_eq!(hex::encode(seed.expose()), expected);
    }

    #[test]
    fn capitals_and_white_space_do_not_matter() {
        let shouted = format!("  {}\n", ZOO.to_uppercase().replace(' ', "\n  "));
        assert_eq!(
            Words::parse(&shouted).unwrap().seed().expose(),
            Words::parse(ZOO).unwrap().seed().expose()
        );
    }

    #[test]
    fn no_two_draws_are_alike_and_each_is_read_back() {
        let (one, two) = (Words::draw().unwrap(), Words::draw().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_eq!(
            Words::parse(one.expose()).unwrap().seed().expose(),
            one.seed().expose()
        );
    }

    #[test]
    fn wrong_words_are_refused_without_being_repeated() {
        assert_eq!(
            Words::parse("abandon art").unwrap_err(),
            WordsError::Count { got: 2 }
        );
        assert_eq!(
            Words::parse(&ZOO.replace("abandon art", "abandon hunter2")).unwrap_err(),
            WordsError::Unknown { number: 24 }
        );
        assert_eq!(
            Words::parse(&ZOO.replace("art", "zoo")).unwrap_err(),
            WordsError::Checksum
        );
        let padded = ZOO.replace(' ', &" ".repeat(100));
        assert!(matches!(Words::parse(&padded), Err(WordsError::Count { .. })));
    }

    #[test]
    fn words_are_never_printed_by_accident() {
        assert_eq!(format!("{:?}", Words::parse(ZOO).unwrap()), "Words(redacted)");
    }
}
