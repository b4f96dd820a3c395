//! Text that others write and we read again and again: a file that is watched, or an HTTP server that is asked.

use crate::clock::now_ms;
use crate::config::Source;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// No answer of a server takes longer.
const HTTP_TIMEOUT: Duration = Duration::from_secs(2);
/// A file that changed so shortly ago may change again without a new stamp (ms).
const COARSE_MS: u64 = 100;

/// Why there is nothing to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The file.
    #[error("cannot read {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The server cannot be reached, or is too slow.
    #[error("the server does not answer within {HTTP_TIMEOUT:?}: {0}")]
    Http(String),
    /// The server answers something else.
    #[error("expected HTTP status 200, got {0}")]
    Status(u16),
    /// Too long.
    #[error("expected at most {most} bytes")]
    TooLong {
        /// The bound.
        most: usize,
    },
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// What was read the last time is still all there is.
    Same,
    /// Bytes, which were right at that time (unix ms).
    New { bytes: Vec<u8>, as_of_ms: u64 },
}

/// By what a file that changed is told from one that did not.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

/// One source, with what is needed to read it again.
pub(super) struct Reader {
    place: Place,
    most: usize,
}

enum Place {
    File { path: PathBuf, read: Option<Stamp> },
    Url { url: String, client: reqwest::Client },
}

impl Reader {
    /// Of a source; a file is relative to `data`. Never reads more than `most` bytes.
    pub(super) fn new(source: &Source, data: &Path, most: usize) -> Result<Self, SourceError> {
        let place = match source {
            Source::File(file) => Place::File {
                path: data.join(file),
                read: None,
            },
            Source::Url(url) => Place::Url {
                url: url.as_str().to_owned(),
                client: client().map_err(|e| http(&e))?,
            },
        };
        Ok(Self { place, most })
    }

    /// How long to wait between two reads, so that a change is seen within a second.
    pub(super) const fn pause(&self) -> Duration {
        match self.place {
            Place::File { .. } => Duration::from_millis(200),
            Place::Url { .. } => Duration::from_millis(500),
        }
    }

    /// Reads. After an error a file is read again even if it did not change.
    pub(super) async fn read(&mut self) -> Result<Text, SourceError> {
        let most = self.most;
        match &mut self.place {
            Place::File { path, read } => {
                let (path, former) = (path.clone(), read.take());
                let job = tokio::task::spawn_blocking(move || file(&path, former, most));
                let stopped = |e: tokio::task::JoinError| SourceError::Http(e.to_string());
                let (stamp, text) = job.await.map_err(stopped)??;
                *read = stamp;
                Ok(text)
            }
            Place::Url { url, client } => get(client, url, most).await,
        }
    }
}

/// What the file has, and its stamp if that will tell the next change.
fn file(path: &Path, former: Option<Stamp>, most: usize) -> Result<(Option<Stamp>, Text), SourceError> {
    use std::os::unix::fs::MetadataExt;
    let failed = |e: std::io::Error| SourceError::File {
        path: path.to_owned(),
        why: e.to_string(),
    };
    let meta = std::fs::metadata(path).map_err(failed)?;
    let stamp = Stamp {
        modified: meta.modified().ok(),
        len: meta.len(),
        inode: meta.ino(),
    };
    if former == Some(stamp) {
        return Ok((former, Text::Same));
    }
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    let bytes = crate::files::read_bounded(path, bound).map_err(|e| match e.kind() {
        std::io::ErrorKind::FileTooLarge => SourceError::TooLong { most },
        _ => failed(e),
    })?;
    let since = stamp.modified.and_then(|m| m.duration_since(UNIX_EPOCH).ok());
    let as_of_ms = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    // Clocks of file systems tick coarsely: two changes at once look like one.
    let settled = now_ms().saturating_sub(as_of_ms) > COARSE_MS;
    Ok((settled.then_some(stamp), Text::New { bytes, as_of_ms }))
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(HTTP_TIMEOUT)
        .build()
}

/// The error without the URL, which may hold a key.
fn http(error: &reqwest::Error) -> SourceError {
    let what = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the answer is broken"
    };
    SourceError::Http(what.to_owned())
}

async fn get(client: &reqwest::Client, url: &str, most: usize) -> Result<Text, SourceError> {
    // What the server tells was right when it was asked, at the latest.
    let as_of_ms = now_ms();
    let mut answer = client.get(url).send().await.map_err(|e| http(&e))?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(SourceError::Status(answer.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| http(&e))? {
        if bytes.len().saturating_add(chunk.len()) > most {
            return Err(SourceError::TooLong { most });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Text::New { bytes, as_of_ms })
}
