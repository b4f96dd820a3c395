//! The record as others keep it: version ‖ nonce ‖ sealed copy of the swap.

use crate::backup::SwapCopy;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kofo_primitives::{LegSecret, NetworkId, Seed, TooLong, tagged_hash};
use kofo_tower::SealedRecord;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 24;
const PURPOSE: &str = "kofo/record/v1";

/// Why bytes are no record of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A version that this program does not know.
    #[error(
        "expected a recovery record of version {VERSION}, got {0:?}: it is no record, or of a newer program"
    )]
    Version(Option<u8>),
    /// It was altered, or is sealed by another seed.
    #[error("the recovery record is not sealed by this node's seed, or was altered")]
    Closed,
    /// We sealed something else.
    #[error("the recovery record has no copy of a swap in it: {0}")]
    Malformed(String),
}

/// Seals a copy of a swap. The same copy is sealed to the same bytes: given twice, it is one record.
pub fn seal(copy: &SwapCopy, seed: &Seed, network: &NetworkId) -> Result<SealedRecord, TooLong> {
    let plain = Zeroizing::new(borsh::to_vec(copy).expect("writing to memory does not fail"));
    let key = seed.node_secret(PURPOSE, network);
    // Another copy has another nonce, which nobody can foretell who has no key.
    let digest = tagged_hash("kofo/record-nonce/v1", &[key.expose(), &plain]);
    let nonce = XNonce::from_slice(digest.get(..NONCE).expect("a digest has 32 bytes"));
    let payload = Payload {
        msg: &plain,
        aad: &[VERSION],
    };
    let sealed = cipher(&key)
        .encrypt(nonce, payload)
        .expect("the cipher refuses only messages beyond 256 GiB, and an order is bounded");
    SealedRecord::new([&[VERSION], nonce.as_slice(), &sealed].concat())
}

/// Opens a record that this seed sealed.
pub fn open(record: &SealedRecord, seed: &Seed, network: &NetworkId) -> Result<SwapCopy, RecordError> {
    let (version, rest) = record
        .as_slice()
        .split_first()
        .ok_or(RecordError::Version(None))?;
    if *version != VERSION {
        return Err(RecordError::Version(Some(*version)));
    }
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(RecordError::Closed)?;
    let payload = Payload {
        msg: sealed,
        aad: &[VERSION],
    };
    let key = seed.node_secret(PURPOSE, network);
    let opened = cipher(&key).decrypt(XNonce::from_slice(nonce), payload);
    let plain = Zeroizing::new(opened.map_err(|_| RecordError::Closed)?);
    borsh::from_slice(&plain).map_err(|e| RecordError::Malformed(e.to_string()))
}

fn cipher(key: &LegSecret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}
