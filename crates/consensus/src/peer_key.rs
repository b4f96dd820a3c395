//! The key of our connections: drawn once, kept in the data folder, unrelated to the key by which we vote.

use arc_malachitebft_app_channel::app::types::Keypair;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

fn invalid(why: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

/// Reads the key, or draws one that only we can read.
pub(crate) fn load(folder: &Path) -> io::Result<Keypair> {
    let file = folder.join("peer.key");
    let mut seed = Zeroizing::new([0u8; 32]);
    if !file.exists() {
        getrandom::fill(seed.as_mut()).map_err(|e| io::Error::other(e.to_string()))?;
        let draft = folder.join("peer.key.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut written = options.open(&draft)?;
        written.write_all(seed.as_ref())?;
        written.sync_all()?;
        fs::rename(&draft, &file)?;
    }
    let mut read = fs::File::open(&file)?;
    if read.metadata()?.len() != 32 {
        return Err(invalid("peer.key: expected 32 bytes; delete it to get another"));
    }
    read.read_exact(seed.as_mut())?;
    Keypair::ed25519_from_bytes(seed.as_mut()).map_err(invalid)
}

/// A peer's name, for tests.
#[cfg(test)]
pub(crate) fn some_peer(n: u8) -> arc_malachitebft_app_channel::app::types::PeerId {
    let keys = Keypair::ed25519_from_bytes([n; 32]).expect("32 bytes are a seed");
    let name = keys.public().to_peer_id().to_bytes();
    arc_malachitebft_app_channel::app::types::PeerId::from_bytes(&name).expect("it was one just now")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_drawn_once_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = load(folder.path()).unwrap().public().to_peer_id();
        assert_eq!(load(folder.path()).unwrap().public().to_peer_id(), first);
        let file = folder.path().join("peer.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, [1; 31]).unwrap();
        assert!(load(folder.path()).is_err());
        let other = tempfile::tempdir().unwrap();
        assert_ne!(load(other.path()).unwrap().public().to_peer_id(), first);
    }
}
