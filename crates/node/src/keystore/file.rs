//! The form of the keystore file.

use super::{KeystoreError, Passphrase};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kofo_primitives::{NetworkId, Seed, tagged_hash};
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// The version of this form.
pub(super) const VERSION: u64 = 1;
const CIPHER: &str = "xchacha20poly1305";
const KDF: &str = "argon2id";
/// A file may not make us use more memory than this to open it.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 8;

/// What it costs to try one passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl KdfCost {
    /// For keystores that hold money: 128 MiB and 3 passes, about half a second.
    pub const STRONG: Self = Self {
        memory_kib: 128 * 1024,
        passes: 3,
    };
    /// For tests and demonstrations: next to nothing.
    pub const WEAK: Self = Self {
        memory_kib: 64,
        passes: 1,
    };
}

/// The file. Field order is the order in the file; unknown fields are refused.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    kofo_keystore: u64,
    network: String,
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    cipher: String,
    nonce: String,
    sealed: String,
    checksum: String,
}

/// A keystore of the right form that was not altered by chance.
pub(super) struct Sealed {
    raw: Raw,
    network: NetworkId,
    salt: [u8; 32],
    nonce: [u8; 24],
}

/// As [`KeystoreError`], before the file's name is known.
pub(super) enum FileError {
    Malformed(String),
    Version(u64),
    Altered,
    WrongPassphrase,
    System(String),
}

impl FileError {
    pub(super) fn at(self, path: &Path) -> KeystoreError {
        let path = path.to_owned();
        match self {
            Self::Malformed(why) => KeystoreError::Malformed { path, why },
            Self::Version(got) => KeystoreError::Version { path, got },
            Self::Altered => KeystoreError::Altered { path },
            Self::WrongPassphrase => KeystoreError::WrongPassphrase { path },
            Self::System(why) => KeystoreError::System(why),
        }
    }
}

/// The text of a new keystore file.
pub(super) fn seal(
    network: &NetworkId,
    seed: &Seed,
    passphrase: &Passphrase,
    cost: KdfCost,
) -> Result<String, String> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    getrandom::fill(&mut salt).map_err(|e| e.to_string())?;
    getrandom::fill(&mut nonce).map_err(|e| e.to_string())?;
    let mut raw = Raw {
        kofo_keystore: VERSION,
        network: network.to_string(),
        kdf: KDF.into(),
        memory_kib: cost.memory_kib,
        passes: cost.passes,
        lanes: 1,
        salt: hex::encode(salt),
        cipher: CIPHER.into(),
        nonce: hex::encode(nonce),
        sealed: String::new(),
        checksum: String::new(),
    };
    let key = stretch(passphrase, &salt, &raw)?;
    let header = header(&raw);
    let payload = Payload {
        msg: seed.expose(),
        aad: &header,
    };
    let sealed = XChaCha20Poly1305::new((&*key).into()).encrypt(XNonce::from_slice(&nonce), payload);
    raw.sealed = hex::encode(sealed.map_err(|_| "sealing 64 bytes failed".to_owned())?);
    raw.checksum = checksum(&raw);
    let mut text = serde_json::to_string_pretty(&raw).map_err(|e| e.to_string())?;
    text.push('\n');
    Ok(text)
}

impl Sealed {
    /// Reads the file's content.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        let malformed = |why: &str| FileError::Malformed(why.to_owned());
        // The version first: a later one may have other fields.
        #[derive(Deserialize)]
        struct Head {
            kofo_keystore: u64,
        }
        let not_json = |e: serde_json::Error| FileError::Malformed(e.to_string());
        match serde_json::from_slice::<Head>(bytes)
            .map_err(not_json)?
            .kofo_keystore
        {
            VERSION => {}
            other => return Err(FileError::Version(other)),
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(not_json)?;
        if checksum(&raw) != raw.checksum {
            return Err(FileError::Altered);
        }
        let network = NetworkId::new(&raw.network).map_err(|e| FileError::Malformed(e.to_string()))?;
        if raw.kdf != KDF || raw.cipher != CIPHER {
            return Err(malformed("expected argon2id and xchacha20poly1305"));
        }
        let bounded = raw.memory_kib <= MAX_MEMORY_KIB && raw.passes <= MAX_PASSES && raw.lanes <= MAX_LANES;
        if !bounded {
            return Err(malformed(
                "it asks for more memory or passes than any keystore needs",
            ));
        }
        let (mut salt, mut nonce) = ([0; 32], [0; 24]);
        hex::decode_to_slice(&raw.salt, &mut salt).map_err(|_| malformed("salt: expected 32 bytes"))?;
        hex::decode_to_slice(&raw.nonce, &mut nonce).map_err(|_| malformed("nonce: expected 24 bytes"))?;
        Ok(Self {
            raw,
            network,
            salt,
            nonce,
        })
    }

    /// The network that the keystore belongs to.
    pub(super) fn network(&self) -> &NetworkId {
        &self.network
    }

    /// Opens it.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Result<Seed, FileError> {
        let sealed = hex::decode(&self.raw.sealed)
            .map_err(|_| FileError::Malformed("sealed: expected hexadecimal digits".into()))?;
        let key = stretch(passphrase, &self.salt, &self.raw).map_err(FileError::System)?;
        let header = header(&self.raw);
        let payload = Payload {
            msg: &sealed,
            aad: &header,
        };
        let cipher = XChaCha20Poly1305::new((&*key).into());
        let opened = cipher.decrypt(XNonce::from_slice(&self.nonce), payload);
        let opened = Zeroizing::new(opened.map_err(|_| FileError::WrongPassphrase)?);
        let mut bytes: [u8; 64] = opened
            .as_slice()
            .try_into()
            .map_err(|_| FileError::Malformed("expected a seed of 64 bytes".into()))?;
        let seed = Seed::new(bytes);
        bytes.zeroize();
        Ok(seed)
    }
}

fn stretch(passphrase: &Passphrase, salt: &[u8], raw: &Raw) -> Result<Zeroizing<[u8; 32]>, String> {
    let params = Params::new(raw.memory_kib, raw.passes, raw.lanes, Some(32)).map_err(|e| e.to_string())?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.0.as_bytes(), salt, &mut key[..])
        .map_err(|e| e.to_string())?;
    Ok(key)
}

/// Every field but the sealed bytes and the checksum: bound to the sealed bytes, so that none can be exchanged.
fn header(raw: &Raw) -> [u8; 32] {
    let numbers = [raw.memory_kib, raw.passes, raw.lanes]
        .map(u32::to_le_bytes)
        .concat();
    let texts = [&raw.network, &raw.kdf, &raw.salt, &raw.cipher, &raw.nonce].map(|t| t.as_bytes());
    let [network, kdf, salt, cipher, nonce] = texts;
    let version = raw.kofo_keystore.to_le_bytes();
    tagged_hash(
        "kofo/keystore/v1",
        &[&version, &numbers, network, kdf, salt, cipher, nonce],
    )
}

/// Tells damage from a wrong passphrase. No secret is in it; who alters a file on purpose can adapt it, and is then
/// told that the passphrase is wrong.
fn checksum(raw: &Raw) -> String {
    let sum = tagged_hash(
        "kofo/keystore/v1/checksum",
        &[&header(raw), raw.sealed.as_bytes()],
    );
    hex::encode(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_make_us_use_more_memory_than_any_keystore_needs() {
        let network = NetworkId::new("kofo-test").unwrap();
        let passphrase = Passphrase::new(Zeroizing::new("correct horse".into())).unwrap();
        let text = seal(&network, &Seed::new([7; 64]), &passphrase, KdfCost::WEAK).unwrap();
        let greedy = |change: fn(&mut Raw)| {
            let mut raw: Raw = serde_json::from_str(&text).unwrap();
            change(&mut raw);
            raw.checksum = checksum(&raw);
            Sealed::parse(&serde_json::to_vec(&raw).unwrap()).map(|sealed| sealed.raw.passes)
        };
        assert!(matches!(greedy(|_| {}), Ok(1)));
        let changes: [fn(&mut Raw); 4] = [
            |raw| raw.memory_kib = u32::MAX,
            |raw| raw.passes = u32::MAX,
            |raw| raw.lanes = u32::MAX,
            |raw| raw.cipher = "none".into(),
        ];
        for change in changes {
            assert!(matches!(greedy(change), Err(FileError::Malformed(_))));
        }
    }
}
