//! The cache: a folder per package, made aside and renamed into place under a file lock.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use super::{FetchError, Program, Progress, executable};

/// The cached `program` of `package`, if it is there.
pub(super) fn look_up(package: &str, program: Program, cache: &Path) -> Option<PathBuf> {
    let path = place(package, cache).join(program.name());
    executable(&path).then_some(path)
}

/// Lets `fetch` fill a folder and puts it into the cache; waits for another process that does the same and then
/// takes what that one has fetched.
pub(super) fn install(
    package: &str,
    program: Program,
    cache: &Path,
    progress: &Progress,
    fetch: impl FnOnce(&Path) -> Result<(), FetchError>,
) -> Result<PathBuf, FetchError> {
    fs::create_dir_all(cache).map_err(FetchError::io("create", cache))?;
    let lock_path = cache.join(format!("{package}.lock"));
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(FetchError::io("open", &lock_path))?;
    if lock.try_lock().is_err() {
        progress(&format!(
            "waiting for another process that fetches {}",
            program.name()
        ));
        lock.lock().map_err(FetchError::io("lock", &lock_path))?;
    }
    if let Some(there) = look_up(package, program, cache) {
        return Ok(there);
    }
    let prefix = format!(".{package}-");
    remove_leftovers(cache, &prefix);
    let partial = tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(cache)
        .map_err(FetchError::io("create a folder in", cache))?;
    fetch(partial.path())?;
    let target = place(package, cache);
    if target.exists() {
        fs::remove_dir_all(&target).map_err(FetchError::io("remove the broken", &target))?;
    }
    let made = partial.keep();
    fs::rename(&made, &target).map_err(FetchError::io("rename into place", &target))?;
    look_up(package, program, cache).ok_or_else(|| FetchError::Wrong {
        what: program.name(),
        expected: format!("an executable {}", program.name()),
        got: "none".to_owned(),
        cache: cache.to_owned(),
    })
}

/// Of fetches that were killed; we hold the lock, so nobody is at work in them.
fn remove_leftovers(cache: &Path, prefix: &str) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(prefix))
        {
            // What cannot be removed costs disk space and nothing else.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A home may be shared by machines of several kinds.
fn place(package: &str, cache: &Path) -> PathBuf {
    cache.join(format!("{package}-{}", std::env::consts::ARCH))
}
