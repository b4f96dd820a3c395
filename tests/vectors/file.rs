//! A file of vectors: two levels of JSON, sections and in them names with texts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Default)]
pub(crate) struct Vectors(Vec<(&'static str, Vec<(String, String)>)>);

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

impl Vectors {
    pub(crate) fn section(&mut self, name: &'static str) {
        self.0.push((name, vec![]));
    }

    /// None of the texts has to be escaped.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        assert!(!text.contains(['"', '\\', '\n']), "{name}: {text}");
        self.0.last_mut().unwrap().1.push((name.into(), text.into()));
    }

    pub(crate) fn bytes(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.text(name, &hex(bytes));
    }

    pub(crate) fn number(&mut self, name: &str, number: u128) {
        self.text(name, &number.to_string());
    }

    fn json(&self) -> String {
        let mut out = String::from("{\n");
        for (n, (section, entries)) in self.0.iter().enumerate() {
            writeln!(out, "  \"{section}\": {{").unwrap();
            for (m, (name, text)) in entries.iter().enumerate() {
                let comma = if m + 1 < entries.len() { "," } else { "" };
                writeln!(out, "    \"{name}\": \"{text}\"{comma}").unwrap();
            }
            writeln!(out, "  }}{}", if n + 1 < self.0.len() { "," } else { "" }).unwrap();
        }
        out + "}\n"
    }

    /// What is made now is what is kept. `KOFO_WRITE=1` keeps it.
    pub(crate) fn check(&self, file: &str) {
        let (made, path) = (self.json(), folder().join(file));
        if std::env::var_os("KOFO_WRITE").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let advice = "another implementation relies on it; if it must change: KOFO_WRITE=1 cargo test -p kofo-tests --test vectors";
        for (made, kept) in made.lines().zip(kept.lines()) {
            assert_eq!(made, kept, "{file}: {advice}");
        }
        assert_eq!(made.len(), kept.len(), "{file}: {advice}");
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol/vectors")
}
