//! The file of a backup: `kofo-backup` ‖ version ‖ network ‖ nonce ‖ sealed. The key follows from the seed, so that the
//! words open it and nothing else does.

use super::Backup;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kofo_primitives::{NetworkId, Seed, tagged_hash};
use zeroize::Zeroizing;

/// A backup has at most so many bytes.
pub const MAX_BACKUP_BYTES: u64 = 64 * 1024 * 1024;

const MAGIC: &[u8; 11] = b"kofo-backup";
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Why bytes are no backup of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// Not the form of one.
    #[error("that is no backup of a kofo node: expected a file that `kofo wallet backup` wrote")]
    Malformed,
    /// A version that this program does not know.
    #[error("that is a backup of version {got}, expected {VERSION}: use the program that wrote it")]
    Version {
        /// Its version.
        got: u8,
    },
    /// It was altered, or is sealed for another seed.
    #[error(
        "these words do not open the backup: check them; if they are right, the file was altered: use another copy"
    )]
    Closed,
    /// More than a backup may have.
    #[error(
        "the backup would have {got} bytes, more than {MAX_BACKUP_BYTES}: wait until some swaps are over"
    )]
    TooLarge {
        /// How many it would have.
        got: u64,
    },
    /// The system gave no randomness.
    #[error("the system gave no randomness: {0}")]
    Randomness(String),
}

/// Seals a backup under a key that follows from the seed.
pub fn seal(backup: &Backup, seed: &Seed, network: &NetworkId) -> Result<Vec<u8>, BackupError> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|e| BackupError::Randomness(e.to_string()))?;
    seal_with(backup, seed, network, nonce)
}

pub(super) fn seal_with(
    backup: &Backup,
    seed: &Seed,
    network: &NetworkId,
    nonce: [u8; NONCE],
) -> Result<Vec<u8>, BackupError> {
    let plain = Zeroizing::new(borsh::to_vec(backup).expect("writing to memory does not fail"));
    let bytes = u64::try_from(plain.len()).unwrap_or(u64::MAX);
    // What is around it is far below this.
    if bytes.saturating_add(1024) > MAX_BACKUP_BYTES {
        return Err(BackupError::TooLarge { got: bytes });
    }
    let header = header(network);
    let aad = bound(&header, &nonce);
    let payload = Payload {
        msg: &plain,
        aad: &aad,
    };
    let sealed = cipher(seed, network)
        .encrypt(XNonce::from_slice(&nonce), payload)
        .expect("the cipher refuses only messages beyond 256 GiB and ours are bounded");
    Ok([&header[..], &nonce, &sealed].concat())
}

/// Opens a backup with the seed that it was sealed for, also where a signer had that seed and the node its household only;
/// says of which network it is.
pub fn open(bytes: &[u8], seed: &Seed) -> Result<(NetworkId, Backup), BackupError> {
    let malformed = || BackupError::Malformed;
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(malformed)?;
    let (&version, rest) = rest.split_first().ok_or_else(malformed)?;
    if version != VERSION {
        return Err(BackupError::Version { got: version });
    }
    let (&length, rest) = rest.split_first().ok_or_else(malformed)?;
    let (name, rest) = rest.split_at_checked(usize::from(length)).ok_or_else(malformed)?;
    let name = std::str::from_utf8(name).map_err(|_| malformed())?;
    let network = NetworkId::new(name).map_err(|_| malformed())?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(malformed)?;
    let aad = bound(&header(&network), nonce);
    let payload = Payload {
        msg: sealed,
        aad: &aad,
    };
    let nonce = XNonce::from_slice(nonce);
    let opened = cipher(seed, &network).decrypt(nonce, payload);
    let payload = Payload {
        msg: sealed,
        aad: &aad,
    };
    let opened = opened.or_else(|_| cipher(&seed.household(&network), &network).decrypt(nonce, payload));
    let plain = Zeroizing::new(opened.map_err(|_| BackupError::Closed)?);
    let backup = borsh::from_slice(&plain).map_err(|_| malformed())?;
    Ok((network, backup))
}

fn header(network: &NetworkId) -> Vec<u8> {
    let name = network.as_str().as_bytes();
    let length = u8::try_from(name.len()).expect("a network's id has at most 32 bytes");
    [&MAGIC[..], &[VERSION, length], name].concat()
}

fn bound(header: &[u8], nonce: &[u8; NONCE]) -> [u8; 32] {
    tagged_hash("kofo/backup/v1", &[header, nonce])
}

fn cipher(seed: &Seed, network: &NetworkId) -> XChaCha20Poly1305 {
    let key = seed.node_secret("kofo/backup/v1", network);
    XChaCha20Poly1305::new(key.expose().into())
}
