//! The secret that all validators share: by it they read what parties and relays sealed to them.
//!
//! It is in a file of the validator's folder that only its owner reads. The first validators find it sealed to their
//! accounts in the genesis; a later one asks another validator.

use kofo_clearance::{Genesis, SHARE_CONTEXT};
use kofo_node::files;
use kofo_primitives::{Bytes, NodeId, NodeKey, open, seal, tagged_hash};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// The file's name in the validator's folder.
pub const COMMITTEE_FILE: &str = "committee.key";

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum CommitteeError {
    /// The file cannot be read or written.
    #[error("the file of the validators' secret {file}: {source}", file = .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another secret.
    #[error("{from} is not the secret behind the seal key {want} of this network's genesis")]
    Another {
        /// Where it came from.
        from: String,
        /// The seal key.
        want: NodeId,
    },
    /// The system gave no randomness.
    #[error("the system gave no randomness: {0}")]
    Randomness(String),
}

struct Secret {
    bytes: Zeroizing<[u8; 32]>,
    key: NodeKey,
}

/// The secret, as soon as it is known.
pub struct Committee {
    want: NodeId,
    file: PathBuf,
    secret: OnceLock<Secret>,
}

impl Committee {
    /// Reads the secret from its file, or out of the genesis if a share there is sealed to this account, and keeps it in
    /// the file then. Without either it is not known yet.
    pub fn open(folder: &Path, genesis: &Genesis, account: &NodeKey) -> Result<Self, CommitteeError> {
        let committee = Self::unknown(folder, genesis);
        let file = committee.file.clone();
        match files::read_bounded(&file, 32) {
            Ok(bytes) => {
                committee.know(&Zeroizing::new(bytes), &file.display().to_string())?;
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let ours = genesis.shares.iter().find(|(to, _)| *to == account.id());
                let plain = ours.and_then(|(_, sealed)| open(account, SHARE_CONTEXT, sealed).ok());
                if let Some(plain) = plain {
                    committee.keep(&plain, "our share in the genesis")?;
                }
            }
            Err(source) => return Err(CommitteeError::File { file, source }),
        }
        Ok(committee)
    }

    /// Of a follower, who never knows it.
    #[must_use]
    pub fn unknown(folder: &Path, genesis: &Genesis) -> Self {
        Self {
            want: genesis.seal_key,
            file: folder.join(COMMITTEE_FILE),
            secret: OnceLock::new(),
        }
    }

    fn know(&self, bytes: &[u8], from: &str) -> Result<(), CommitteeError> {
        let another = || CommitteeError::Another {
            from: from.to_owned(),
            want: self.want,
        };
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(bytes).map_err(|_| another())?);
        let key = NodeKey::new(&bytes).ok_or_else(another)?;
        if key.id() != self.want {
            return Err(another());
        }
        // The same secret again changes nothing.
        let _known = self.secret.set(Secret { bytes, key });
        Ok(())
    }

    fn keep(&self, bytes: &[u8], from: &str) -> Result<(), CommitteeError> {
        self.know(bytes, from)?;
        files::replace(&self.file, bytes).map_err(|source| CommitteeError::File {
            file: self.file.clone(),
            source,
        })
    }

    /// Takes what another validator sealed to our account, if it is the secret.
    pub fn take(&self, account: &NodeKey, sealed: &Bytes<128>) -> Result<(), CommitteeError> {
        let plain = open(account, SHARE_CONTEXT, sealed).map_err(|e| CommitteeError::Another {
            from: format!("a share ({e})"),
            want: self.want,
        })?;
        self.keep(&plain, "another validator's answer")
    }

    /// The key that opens what is sealed to the validators; none if it is not known here.
    #[must_use]
    pub fn key(&self) -> Option<&NodeKey> {
        self.secret.get().map(|secret| &secret.key)
    }

    /// The key under which validators send each other what they propose: whoever has it does not have the secret.
    pub fn veil(&self) -> Option<Zeroizing<[u8; 32]>> {
        let secret = self.secret.get()?;
        Some(Zeroizing::new(tagged_hash("kofo/veil/v1", &[&*secret.bytes])))
    }

    /// The secret, sealed to another validator's account; none if it is not known here.
    pub fn share(&self, to: NodeId) -> Result<Option<Bytes<128>>, CommitteeError> {
        let Some(secret) = self.secret.get() else {
            return Ok(None);
        };
        share_of(&secret.bytes, to).map(Some)
    }
}

/// The secret of a new network, sealed to the account of one of its first validators: a row of `Genesis::shares`.
pub fn share_of(secret: &[u8; 32], to: NodeId) -> Result<Bytes<128>, CommitteeError> {
    let sealed = seal(&to, &*fresh()?, SHARE_CONTEXT, secret);
    sealed.map_err(|e| CommitteeError::Randomness(e.to_string()))
}

/// 32 random bytes.
pub(crate) fn fresh() -> Result<Zeroizing<[u8; 32]>, CommitteeError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut bytes[..]).map_err(|e| CommitteeError::Randomness(e.to_string()))?;
    Ok(bytes)
}

impl std::fmt::Debug for Committee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.secret.get().is_some();
        write!(f, "Committee({}, known: {known}, redacted)", self.want)
    }
}
