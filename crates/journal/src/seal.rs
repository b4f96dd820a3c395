//! Encryption of what is stored: XChaCha20-Poly1305 with a random 24-byte nonce before each ciphertext.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::chain::{Hash, Head};
use crate::record::{self, Record};
use crate::{Error, JournalKey, Reason, Result, Seq};

const NONCE: usize = 24;

/// A journal's key and id, ready for use.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    names: Zeroizing<[u8; 32]>,
    id: [u8; 32],
}

impl Sealer {
    pub(crate) fn new(key: &JournalKey, id: [u8; 32]) -> Self {
        let names = Sha256::new()
            .chain_update(b"kofo/journal/names/v1")
            .chain_update(key.as_bytes())
            .finalize();
        Self {
            cipher: XChaCha20Poly1305::new(Key::from_slice(key.as_bytes())),
            names: Zeroizing::new(names.into()),
            id,
        }
    }

    /// The head of this journal when it was empty.
    pub(crate) fn genesis(&self) -> Head {
        Head::genesis(&self.id)
    }

    /// `version ‖ nonce ‖ ciphertext`, bound to the version, the record's place and the chain before it.
    pub(crate) fn seal_record(&self, before: Head, record: &Record) -> Result<Vec<u8>> {
        let aad = record_aad(record::VERSION, before);
        let mut stored = vec![record::VERSION];
        self.seal(&aad, &record::encode(record), &mut stored)?;
        Ok(stored)
    }

    pub(crate) fn open_record(&self, before: Head, stored: &[u8]) -> std::result::Result<Record, Reason> {
        let (&version, sealed) = stored.split_first().ok_or(Reason::Altered)?;
        if !record::is_known(version) {
            return Err(Reason::UnknownVersion { version });
        }
        let plain = self
            .open(&record_aad(version, before), sealed)
            .ok_or(Reason::Altered)?;
        record::decode(version, &plain).ok_or(Reason::Altered)
    }

    /// A single value that is not a record: its label and place say what it is, so that no two can be exchanged.
    pub(crate) fn seal_value(&self, label: &str, place: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = Vec::new();
        self.seal(&self.value_aad(label, place), plain, &mut sealed)?;
        Ok(sealed)
    }

    pub(crate) fn open_value(&self, label: &str, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.open(&self.value_aad(label, place), sealed)
    }

    /// What stands in the side table instead of a name, so that the file does not tell the names.
    /// The inner hash makes the outer input a fixed 64 bytes, which leaves nothing to extend.
    pub(crate) fn tag(&self, name: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(*self.names)
            .chain_update(Sha256::digest(name))
            .finalize()
            .into()
    }

    fn value_aad(&self, label: &str, place: &[u8]) -> Vec<u8> {
        [b"kofo/journal/", label.as_bytes(), b"/v1", &self.id, place].concat()
    }

    fn seal(&self, aad: &[u8], plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(Error::Random)?;
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad })
            .expect("the cipher refuses only messages beyond 256 GiB and ours are bounded");
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(())
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let plain = self
            .cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad })
            .ok()?;
        Some(Zeroizing::new(plain))
    }
}

fn record_aad(version: u8, before: Head) -> [u8; 41] {
    let Head {
        seq,
        hash: Hash(hash),
    } = before;
    let Seq(place) = seq.next();
    let mut aad = [version; 41];
    aad[1..9].copy_from_slice(&place.to_be_bytes());
    aad[9..].copy_from_slice(&hash);
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(key: u8, id: u8) -> Sealer {
        Sealer::new(&JournalKey::from_bytes([key; 32]), [id; 32])
    }

    #[test]
    fn a_record_opens_only_at_its_own_place() {
        let sealer = sealer(1, 1);
        let (here, record) = (Head::genesis(&[1; 32]), Record::new([5; 32], 1, vec![1, 2, 3]));
        let stored = sealer.seal_record(here, &record).unwrap();
        assert_eq!(sealer.open_record(here, &stored), Ok(record));
        assert_eq!(
            sealer.open_record(here.extend(b"x"), &stored),
            Err(Reason::Altered)
        );
        assert_eq!(
            sealer.open_record(Head::genesis(&[2; 32]), &stored),
            Err(Reason::Altered)
        );
    }

    #[test]
    fn every_altered_or_lacking_byte_of_a_stored_record_is_refused() {
        let sealer = sealer(1, 1);
        let here = Head::genesis(&[1; 32]);
        let stored = sealer
            .seal_record(here, &Record::new([5; 32], 1, vec![9]))
            .unwrap();
        for at in 0..stored.len() {
            let mut altered = stored.clone();
            altered[at] ^= 1;
            assert!(sealer.open_record(here, &altered).is_err(), "byte {at}");
            assert!(sealer.open_record(here, &stored[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_value_opens_only_under_its_label_its_place_its_journal_and_its_key() {
        let sealed = sealer(1, 1).seal_value("side", b"a", b"42").unwrap();
        let open = |key, id, label, place| sealer(key, id).open_value(label, place, &sealed);
        assert_eq!(open(1, 1, "side", b"a").unwrap().as_slice(), b"42");
        assert!(open(1, 1, "head", b"a").is_none());
        assert!(open(1, 1, "side", b"b").is_none());
        assert!(open(1, 2, "side", b"a").is_none());
        assert!(open(2, 1, "side", b"a").is_none());
    }

    #[test]
    fn names_are_hidden_under_the_key() {
        assert_eq!(sealer(1, 1).tag("a"), sealer(1, 2).tag("a"));
        assert_ne!(sealer(1, 1).tag("a"), sealer(2, 1).tag("a"));
        assert_ne!(sealer(1, 1).tag("a"), sealer(1, 1).tag("b"));
    }
}
