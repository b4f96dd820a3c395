//! TOML text as it is written for people: every key with what it means.

use std::fmt::Display;

/// A text as it grows.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn note(&mut self, comment: &str) {
        self.0.push_str("# ");
        self.0.push_str(comment);
        self.gap();
    }

    pub(crate) fn key(&mut self, name: &str, value: impl Display) {
        self.0.push_str(&format!("{name} = {value}\n"));
    }

    pub(crate) fn table(&mut self, path: &[&str]) {
        let path: Vec<_> = path.iter().map(|part| bare_or_quoted(part)).collect();
        self.0.push_str(&format!("\n[{}]\n", path.join(".")));
    }

    pub(crate) fn tables(&mut self, path: &[&str]) {
        self.0.push_str(&format!("\n[[{}]]\n", path.join(".")));
    }

    pub(crate) fn gap(&mut self) {
        self.0.push('\n');
    }

    /// The whole text.
    pub(crate) fn done(self) -> String {
        self.0
    }
}

/// A text as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A part of a table's name, quoted if it has to be.
fn bare_or_quoted(text: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !text.is_empty() && text.bytes().all(bare) {
        text.to_owned()
    } else {
        // TOML's basic strings and JSON's strings are the same for what a name may hold.
        serde_json::Value::String(text.to_owned()).to_string()
    }
}
