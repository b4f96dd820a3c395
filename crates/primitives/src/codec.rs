//! The one encoding of everything that is signed, sent or journaled: borsh, strict.

use borsh::{BorshDeserialize, BorshSerialize};

/// No message and no record is longer than this (bytes).
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Why bytes are no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// More than [`MAX_MESSAGE`] bytes.
    #[error("expected at most {MAX_MESSAGE} bytes, got {have}")]
    TooLong {
        /// How many came.
        have: usize,
    },
    /// Not the canonical encoding of a value of this type.
    #[error("not a {what}: {why}")]
    Malformed {
        /// The type that was expected.
        what: &'static str,
        /// What the decoder met.
        why: String,
    },
}

/// The canonical bytes of a value.
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail and every length here fits 32 bits")
}

/// Reads a value that takes up all of the bytes. Anything but the canonical encoding is refused.
pub fn decode<T: BorshDeserialize + BorshSerialize>(bytes: &[u8]) -> Result<T, CodecError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(CodecError::TooLong { have: bytes.len() });
    }
    let malformed = |why: String| CodecError::Malformed {
        what: short_name::<T>(),
        why,
    };
    let value = T::try_from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    if encode(&value) != bytes {
        return Err(malformed("not its canonical encoding".into()));
    }
    Ok(value)
}

fn short_name<T>() -> &'static str {
    let full = std::any::type_name::<T>();
    full.rsplit("::").next().unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_bytes_and_oversized_messages_are_refused() {
        assert_eq!(decode::<u16>(&[1, 0]), Ok(1));
        assert!(matches!(
            decode::<u16>(&[1, 0, 0]),
            Err(CodecError::Malformed { .. })
        ));
        assert!(matches!(
            decode::<u16>(&vec![0; MAX_MESSAGE + 1]),
            Err(CodecError::TooLong { .. })
        ));
        assert!(matches!(decode::<bool>(&[2]), Err(CodecError::Malformed { .. })));
    }
}
