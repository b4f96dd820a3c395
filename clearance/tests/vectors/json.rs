//! Two levels of JSON.

use std::fmt::Write as _;

/// Sections, and in them names with texts. None of the texts has to be escaped.
#[derive(Default)]
pub(crate) struct Vectors(Vec<(&'static str, Vec<(String, String)>)>);

impl Vectors {
    pub(crate) fn section(&mut self, name: &'static str) {
        self.0.push((name, vec![]));
    }

    pub(crate) fn text(&mut self, name: &str, text: impl ToString) {
        self.0.last_mut().unwrap().1.push((name.into(), text.to_string()));
    }

    pub(crate) fn bytes(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        let hex: String = bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        self.text(name, hex);
    }

    pub(crate) fn json(&self) -> String {
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
}
