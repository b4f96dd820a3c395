//! Which format a data folder has, so that a program never works on one that it does not understand.
//!
//! The number is of the folder as a whole: which files there are and what they are for. What is in the journal and the
//! keystore says its own version besides. A folder without the number is of format 1, which was there before the number.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The file that says it: a number and a line's end.
pub const FORMAT_FILE: &str = "format";
/// The format that this program writes.
pub const FORMAT: u32 = 1;
/// A number is never longer (bytes).
const MAX_BYTES: u64 = 16;

/// One step of an upgrade: from a format to the next. It may be cut short by a crash, and is done again then.
pub type Step = fn(&Path) -> Result<(), Error>;
/// The steps from format 1 on, one for each format that there was. None is ever taken out.
const STEPS: [Step; FORMAT as usize - 1] = [];

/// Why a data folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A later program wrote it.
    #[error(
        "{data} is of format {got}, this program knows {FORMAT}: use the kofo that wrote it or a later one; nothing was changed",
        data = data.display()
    )]
    Newer {
        /// The data folder.
        data: PathBuf,
        /// Its format.
        got: u32,
    },
    /// Not a number.
    #[error("{path}: expected a number such as {FORMAT}, got {got:?}: restore the file", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it says.
        got: String,
    },
    /// It cannot be read, written or upgraded.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Error,
    },
    /// A step of an upgrade failed.
    #[error(
        "cannot upgrade {data} from format {from}: {source}; what it holds is whole: make room, or put right what is \
         named, and start again",
        data = data.display()
    )]
    Upgrade {
        /// The data folder.
        data: PathBuf,
        /// The format that it still has.
        from: u32,
        /// What the system said.
        source: Error,
    },
}

/// The format of a data folder.
pub fn read(data: &Path) -> Result<u32, FormatError> {
    let path = data.join(FORMAT_FILE);
    let bytes = match crate::files::read_bounded(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(1),
        Err(source) => return Err(FormatError::File { path, source }),
    };
    let got = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    match got.parse() {
        Ok(format) if format > 0 => Ok(format),
        _ => Err(FormatError::Malformed { path, got }),
    }
}

/// Brings a data folder, which no other process uses, to this program's format; or says clearly why not.
pub fn upgrade(data: &Path) -> Result<(), FormatError> {
    upgrade_by(data, FORMAT, &STEPS)
}

/// As [`upgrade`], to this format by these steps.
pub(super) fn upgrade_by(data: &Path, format: u32, steps: &[Step]) -> Result<(), FormatError> {
    let found = read(data)?;
    if found > format {
        let data = data.to_owned();
        return Err(FormatError::Newer { data, got: found });
    }
    for (from, step) in (1..).zip(steps).skip_while(|(from, _)| *from < found) {
        tracing::info!(from, "upgrading the data folder");
        step(data).map_err(|source| FormatError::Upgrade {
            data: data.to_owned(),
            from,
            source,
        })?;
        write(data, from.saturating_add(1))?;
    }
    if data.join(FORMAT_FILE).exists() {
        return Ok(());
    }
    write(data, format)
}

/// What the file says of a format.
pub(super) fn text(format: u32) -> String {
    format!("{format}\n")
}

fn write(data: &Path, format: u32) -> Result<(), FormatError> {
    let path = data.join(FORMAT_FILE);
    crate::files::replace(&path, text(format).as_bytes()).map_err(|source| FormatError::File { path, source })
}
