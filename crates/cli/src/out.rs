//! Standard output: the result, as text or JSON.

use crate::failure::ReaderGone;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Where results go.
pub(crate) struct Out {
    json: bool,
}

impl Out {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the result is to be JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: as one line of JSON, or as the text that is made of it.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json {
            serde_json::to_string(value)?
        } else {
            text(value)
        };
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Prints what a person wants to know beside the result, to standard error.
    pub(crate) fn note(&self, text: &str) {
        // Nobody reads: the command goes on all the same.
        let _unread = writeln!(std::io::stderr().lock(), "{text}");
    }
}
