//! The keystore: the node's BIP-39 seed in one file, sealed under a passphrase.
//!
//! The words are shown once, when they are drawn, and are not in the file; the seed that they give is. The passphrase
//! is stretched with argon2id; the seed is sealed with XChaCha20-Poly1305, and every field of the file is bound to it.

mod file;
mod words;

pub use file::KdfCost;
pub use words::{WORDS, Words, WordsError};

use kofo_primitives::{NetworkId, Seed};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file's name in the data folder.
pub const KEYSTORE_FILE: &str = "keystore.json";
/// A keystore has at most so many bytes.
pub const MAX_KEYSTORE_BYTES: u64 = 4096;
/// A passphrase has at most so many bytes.
pub const MAX_PASSPHRASE_BYTES: u64 = 1024;
/// A new passphrase has at least so many characters.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// What opens a keystore. Erased when dropped, never printed.
pub struct Passphrase(Zeroizing<String>);

/// Why there is no seed.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be read.
    #[error("cannot read the keystore {path}: {source}; make one with `kofo init`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the keystore {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is a keystore already, and with it perhaps money.
    #[error("there is a keystore already at {path}: choose another --data folder, or move it away")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Longer than a keystore is.
    #[error("{path} is no keystore: expected at most {MAX_KEYSTORE_BYTES} bytes; restore it from your words")]
    Oversized {
        /// The file.
        path: PathBuf,
    },
    /// Not the form of a keystore.
    #[error("{path} is no keystore: {why}; restore it from your words with `kofo init --restore`")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A version that this program does not know.
    #[error("{path} is a keystore of version {got}, expected {expected}: use the program that wrote it", expected = file::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u64,
    },
    /// Its checksum is not that of its content.
    #[error(
        "{path} was altered or damaged: restore it from a copy, or from your words with `kofo init --restore`"
    )]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// The keystore of another network.
    #[error(
        "{path} is a keystore of network {got}, expected {expected}: check --data and `network` in the configuration"
    )]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// The node's network.
        expected: NetworkId,
        /// The keystore's.
        got: NetworkId,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open {path}: try again; without it only your words restore the node")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// No usable passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The system gave no randomness, or too little memory to stretch the passphrase.
    #[error("the system cannot make a key: {0}")]
    System(String),
}

/// Why a text is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The file cannot be read.
    #[error("cannot read the passphrase file {path}: {source}; KOFO_PASSPHRASE_FILE names it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing, not UTF-8, or too long.
    #[error("expected a passphrase of 1 to {MAX_PASSPHRASE_BYTES} bytes of text on one line")]
    Form,
    /// Too easily guessed for a new keystore.
    #[error(
        "expected a passphrase of at least {MIN_PASSPHRASE_CHARS} characters, got {got}: it guards all your money"
    )]
    TooShort {
        /// How many came.
        got: usize,
    },
}

impl Passphrase {
    /// Takes a passphrase; a line end behind it is not part of it.
    pub fn new(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if line.is_empty() || bytes > MAX_PASSPHRASE_BYTES || line.contains(['\n', '\r']) {
            return Err(PassphraseError::Form);
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }

    /// Reads the passphrase from a file that holds nothing else.
    pub fn from_file(path: &Path) -> Result<Self, PassphraseError> {
        let read = |source: std::io::Error| match source.kind() {
            ErrorKind::FileTooLarge => PassphraseError::Form,
            _ => PassphraseError::Read {
                path: path.to_owned(),
                source,
            },
        };
        let bytes = Zeroizing::new(crate::files::read_bounded(path, MAX_PASSPHRASE_BYTES + 2).map_err(read)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| PassphraseError::Form)?;
        Self::new(Zeroizing::new(text.to_owned()))
    }

    /// Refuses what is too short to guard a new keystore.
    pub fn check_strength(&self) -> Result<(), PassphraseError> {
        match self.0.chars().count() {
            got if got < MIN_PASSPHRASE_CHARS => Err(PassphraseError::TooShort { got }),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// Seals a seed into the keystore of a data folder, which must have none. Takes a second or so: that is its purpose.
pub fn create(
    data: &Path,
    network: &NetworkId,
    seed: &Seed,
    passphrase: &Passphrase,
    cost: KdfCost,
) -> Result<PathBuf, KeystoreError> {
    passphrase.check_strength()?;
    let path = data.join(KEYSTORE_FILE);
    let text = file::seal(network, seed, passphrase, cost).map_err(KeystoreError::System)?;
    match crate::files::create(&path, text.as_bytes()) {
        Ok(()) => Ok(path),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(KeystoreError::Exists { path }),
        Err(source) => Err(KeystoreError::Write { path, source }),
    }
}

/// Opens the keystore of a data folder. Changes nothing. Takes as long as [`create`] did.
pub fn open(data: &Path, network: &NetworkId, passphrase: &Passphrase) -> Result<Seed, KeystoreError> {
    let (path, sealed) = read(data)?;
    if sealed.network() != network {
        return Err(KeystoreError::OtherNetwork {
            path,
            expected: network.clone(),
            got: sealed.network().clone(),
        });
    }
    sealed.open(passphrase).map_err(|e| e.at(&path))
}

/// As [`open`], of whatever network the keystore is; says which.
pub fn open_any(data: &Path, passphrase: &Passphrase) -> Result<(NetworkId, Seed), KeystoreError> {
    let (path, sealed) = read(data)?;
    let seed = sealed.open(passphrase).map_err(|e| e.at(&path))?;
    Ok((sealed.network().clone(), seed))
}

fn read(data: &Path) -> Result<(PathBuf, file::Sealed), KeystoreError> {
    let path = data.join(KEYSTORE_FILE);
    let bytes = match crate::files::read_bounded(&path, MAX_KEYSTORE_BYTES) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::FileTooLarge => return Err(KeystoreError::Oversized { path }),
        Err(source) => return Err(KeystoreError::Read { path, source }),
    };
    let sealed = file::Sealed::parse(&bytes).map_err(|e| e.at(&path))?;
    Ok((path, sealed))
}

#[cfg(test)]
mod tests;
