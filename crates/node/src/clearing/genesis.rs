//! The genesis of a network as a file: TOML that people write, compare and hand on. Amounts stand in whole units of
//! their asset, times in days, hours or minutes, keys in hexadecimal digits. Read strictly: an unknown key or a value
//! of another form is an error that names it.

mod read;
mod span;
mod write;

use crate::config::ValueError;
use kofo_clearance::Genesis;
use std::path::{Path, PathBuf};

/// The file's usual name.
pub const GENESIS_FILE: &str = "genesis.toml";
/// A genesis has at most so many bytes as a file.
pub const MAX_GENESIS_BYTES: u64 = 8 * 1024 * 1024;

/// A genesis that was read from a file, or is to be written to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisFile {
    /// What the network begins with.
    pub genesis: Genesis,
}

/// Why there is no genesis.
#[derive(Debug, thiserror::Error)]
pub enum GenesisFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; get the network's genesis from whoever founded it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not UTF-8.
    #[error("{path} is no text in UTF-8: get it again from whoever founded the network")]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{path}, line {line}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What was met and what was expected.
        message: String,
    },
    /// A value is not what its key needs.
    #[error("{path}, {key}: {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key, with the tables it is in.
        key: String,
        /// What was expected and what came.
        why: ValueError,
    },
    /// The text would be read as another genesis.
    #[error("{path}: the genesis cannot be written as text that is read back as the same one")]
    NotTheSame {
        /// The file.
        path: PathBuf,
    },
}

impl GenesisFile {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, GenesisFileError> {
        let read = |source| GenesisFileError::Read {
            path: path.to_owned(),
            source,
        };
        let bytes = crate::files::read_bounded(path, MAX_GENESIS_BYTES).map_err(read)?;
        let text = String::from_utf8(bytes).map_err(|_| GenesisFileError::NotText {
            path: path.to_owned(),
        })?;
        Self::parse(&text, path)
    }

    /// Reads a text; `path` is what errors name.
    pub fn parse(text: &str, path: &Path) -> Result<Self, GenesisFileError> {
        let genesis = read::parse(text, path)?;
        Ok(Self { genesis })
    }

    /// The commented text that [`GenesisFile::parse`] reads back as this very genesis.
    #[must_use]
    pub fn to_toml(&self) -> String {
        write::text(&self.genesis)
    }

    /// Writes it to a file that must not be there yet, once it is sure that the text is read back as this genesis.
    pub fn save_new(&self, path: &Path) -> Result<(), GenesisFileError> {
        let text = self.to_toml();
        if Self::parse(&text, path)? != *self {
            return Err(GenesisFileError::NotTheSame {
                path: path.to_owned(),
            });
        }
        crate::files::create(path, text.as_bytes()).map_err(|source| GenesisFileError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
