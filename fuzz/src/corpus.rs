//! The kept inputs of a target: real encodings, and whatever once broke it.

use crate::targets::Target;
use std::path::{Path, PathBuf};

/// The inputs of one target by the names of their files.
pub type Corpus = Vec<(String, Vec<u8>)>;

/// Why there is no corpus.
#[derive(Debug)]
pub struct CorpusError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

impl std::fmt::Display for CorpusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}; KOFO_FUZZ_WRITE=1 writes it",
            self.path.display(),
            self.source
        )
    }
}

impl std::error::Error for CorpusError {}

/// Where the corpora of all targets are kept, a folder each.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

impl Target {
    /// The folder of its kept inputs.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        folder().join(self.name)
    }

    /// Its kept inputs, in the order of their names.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub fn corpus(&self) -> Result<Corpus, CorpusError> {
        let folder = self.folder();
        let mut found = Vec::new();
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| CorpusError { path, source }
        };
        for entry in std::fs::read_dir(&folder).map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            found.push((name, std::fs::read(&path).map_err(at(&path))?));
        }
        found.sort();
        Ok(found)
    }

    /// Real encodings, made now by the code, with the names of their files.
    #[must_use]
    pub fn real(&self) -> Corpus {
        let numbered = (self.seeds)().into_iter().enumerate();
        numbered.map(|(i, bytes)| (format!("real-{i}"), bytes)).collect()
    }

    /// Writes the real encodings into the folder of the kept inputs; what is there under other names stays.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub fn write_real(&self) -> Result<(), CorpusError> {
        let folder = self.folder();
        let write = || {
            std::fs::create_dir_all(&folder)?;
            for (name, bytes) in self.real() {
                std::fs::write(folder.join(name), bytes)?;
            }
            Ok(())
        };
        write().map_err(|source| CorpusError {
            path: folder.clone(),
            source,
        })
    }
}
