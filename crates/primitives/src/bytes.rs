//! Byte strings and texts with a bound, so that no decoder ever allocates what a peer asks for.

use borsh::{BorshDeserialize, BorshSerialize};
use std::io::{Error, ErrorKind, Read, Write};

/// A value was longer than its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {most} bytes, got {have}")]
pub struct TooLong {
    /// Its length.
    pub have: usize,
    /// The bound.
    pub most: usize,
}

/// At most `MOST` bytes, whose meaning only their owner knows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes<const MOST: usize>(Vec<u8>);

impl<const MOST: usize> Bytes<MOST> {
    /// Takes the bytes if they are few enough.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, TooLong> {
        let bytes = bytes.into();
        if bytes.len() > MOST {
            return Err(TooLong {
                have: bytes.len(),
                most: MOST,
            });
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl<const MOST: usize> std::fmt::Debug for Bytes<MOST> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
    }
}

impl<const MOST: usize> BorshSerialize for Bytes<MOST> {
    fn serialize<W: Write>(&self, writer: &mut W) -> std::io::Result<()> {
        BorshSerialize::serialize(&self.0, writer)
    }
}

impl<const MOST: usize> BorshDeserialize for Bytes<MOST> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let length = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
        if length > MOST {
            return Err(Error::new(
                ErrorKind::InvalidData,
                TooLong {
                    have: length,
                    most: MOST,
                },
            ));
        }
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes)?;
        Ok(Self(bytes))
    }
}

/// At most `MOST` bytes of printable ASCII, so that one text has one encoding and none can forge a log line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text<const MOST: usize>(Bytes<MOST>);

impl<const MOST: usize> Text<MOST> {
    /// Takes the text if it is short enough and printable ASCII; shortens and replaces nothing.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        printable.then(|| Bytes::new(text)).and_then(Result::ok).map(Self)
    }

    /// Keeps what fits of a message of our own: cuts it at the bound, replaces what is not printable.
    #[must_use]
    pub fn lossy(text: &str) -> Self {
        let kept = text
            .chars()
            .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
            .take(MOST);
        Self(Bytes(kept.collect::<String>().into_bytes()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.0.as_slice()).expect("only printable ASCII constructs")
    }
}

impl<const MOST: usize> std::fmt::Debug for Text<MOST> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

impl<const MOST: usize> std::fmt::Display for Text<MOST> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const MOST: usize> BorshSerialize for Text<MOST> {
    fn serialize<W: Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.0.serialize(writer)
    }
}

impl<const MOST: usize> BorshDeserialize for Text<MOST> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let bytes = Bytes::<MOST>::deserialize_reader(reader)?;
        let text = std::str::from_utf8(bytes.as_slice()).ok().and_then(Self::new);
        text.ok_or_else(|| Error::new(ErrorKind::InvalidData, "expected printable ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_anything_is_allocated() {
        let claims_4_gib = u32::MAX.to_le_bytes();
        assert!(borsh::from_slice::<Bytes<8>>(&claims_4_gib).is_err());
        assert_eq!(Bytes::<2>::new([1, 2, 3]), Err(TooLong { have: 3, most: 2 }));
    }

    #[test]
    fn a_text_with_control_characters_does_not_decode() {
        let forged = borsh::to_vec(&b"ok\n2026 all well".to_vec()).unwrap();
        assert!(borsh::from_slice::<Text<64>>(&forged).is_err());
        assert!(Text::<64>::new("tab\t").is_none());
        assert_eq!(Text::<4>::lossy("ab\ncdef").as_str(), "ab?c");
    }
}
