//! Files of the data folder: private from the first byte, whole or not there at all, and never read without a bound.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A password is never longer (bytes).
const MAX_SECRET: u64 = 1024;

/// Writes a file that only its owner can read (mode 0600) and replaces what was there. After a crash there is the old
/// file or the new one.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = write_draft(path, bytes)?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

/// As [`replace`], but refuses with [`ErrorKind::AlreadyExists`] if there is a file already.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = write_draft(path, bytes)?;
    // A hard link is the one way to name a finished file that never overwrites another.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    sync_folder(path)
}

/// Reads a file of at most `most` bytes; a longer one gives [`ErrorKind::FileTooLarge`].
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    // One more byte than allowed tells a file that is too long from one that just fits.
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        let why = format!("expected at most {most} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Reads a password, or what is as short: a line of text, without its end.
pub fn read_secret(path: &Path) -> Result<String, Error> {
    let mut text = String::from_utf8(read_bounded(path, MAX_SECRET)?)
        .map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Creates a folder, and its parents, that only its owner can enter.
pub fn create_folder(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn write_draft(path: &Path, bytes: &[u8]) -> Result<PathBuf, Error> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut draft_name = std::ffi::OsString::from(".");
    draft_name.push(name);
    draft_name.push(".draft");
    let draft = path.with_file_name(draft_name);
    // A draft that an earlier crash left behind is of no use to anybody.
    match fs::remove_file(&draft) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(draft)
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_private_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn create_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, b"one").unwrap();
        assert_eq!(
            create(&path, b"two").unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_file_beyond_the_bound_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        fs::write(&path, [0; 11]).unwrap();
        assert_eq!(
            read_bounded(&path, 10).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
        assert_eq!(read_bounded(&path, 11).unwrap().len(), 11);
    }
}
