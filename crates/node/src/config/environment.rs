//! Environment variables that stand above the file: `KOFO_<TABLE>__<KEY>`, such as `KOFO_PROVIDER__QUOTE_LIFE=20` or
//! `KOFO_CHAIN__BITCOIN__ENDPOINT=http://bitcoind:8332`; of a key before all tables, `KOFO__<KEY>`, such as
//! `KOFO__HEALTH_PORT=9120`. A variable without two underscores in a row is none of these.

use super::ConfigError;
use toml::{Table, Value};

const PREFIX: &str = "KOFO_";
/// More than so many are refused.
pub const MAX_OVERRIDES: usize = 64;
/// A value has at most so many bytes.
const MAX_VALUE: usize = 16 * 1024;

/// One variable that is meant for the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its whole name.
    pub name: String,
    /// The tables and the key, as the variable writes them.
    path: Vec<String>,
    value: String,
}

impl Override {
    /// The variables that are meant for the configuration, in the order of their names.
    pub fn pick(
        variables: impl IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    ) -> Result<Vec<Self>, ConfigError> {
        let mut picked = Vec::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if let Some(path) = path(name) {
                let wrong = |message: &str| ConfigError::Override {
                    name: name.to_owned(),
                    message: message.to_owned(),
                };
                let value = value.into_string().map_err(|_| wrong("expected text in UTF-8"))?;
                if value.len() > MAX_VALUE || path.iter().any(String::is_empty) {
                    return Err(wrong(
                        "expected KOFO_TABLE__KEY or KOFO__KEY, and a value of at most 16 KiB",
                    ));
                }
                let name = name.to_owned();
                picked.push(Self { name, path, value });
            }
        }
        if picked.len() > MAX_OVERRIDES {
            return Err(ConfigError::Override {
                name: format!("{PREFIX}…"),
                message: format!("expected at most {MAX_OVERRIDES} such variables: write the file instead"),
            });
        }
        picked.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(picked)
    }

    /// Puts the value into its place.
    pub(super) fn put(&self, file: &mut Table) -> Result<(), ConfigError> {
        let wrong = |message: String| ConfigError::Override {
            name: self.name.clone(),
            message,
        };
        let Some((last, tables)) = self.path.split_last() else {
            return Err(wrong("expected a key".to_owned()));
        };
        let mut table = file;
        for part in tables {
            let key = named(table, part);
            let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
            table = inner
                .as_table_mut()
                .ok_or_else(|| wrong(format!("{} is a key and not a table", part.to_ascii_lowercase())))?;
        }
        let key = named(table, last);
        table.insert(key, read(&self.value));
        Ok(())
    }
}

/// The path of `KOFO_A__B`; `None` if it has no two underscores in a row.
fn path(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?;
    let parts = match rest.strip_prefix('_') {
        Some(key) => key,
        None => rest.contains("__").then_some(rest)?,
    };
    Some(parts.split("__").map(str::to_owned).collect())
}

/// The key of the table that the variable means, however it is written there; in small letters if there is none yet.
fn named(table: &Table, part: &str) -> String {
    let same = |key: &&String| key.replace('-', "_").eq_ignore_ascii_case(part);
    table
        .keys()
        .find(same)
        .cloned()
        .unwrap_or_else(|| part.to_ascii_lowercase())
}

/// A value as the file would write it; else the text as it is, so that most need no quotes.
fn read(text: &str) -> Value {
    let written = toml::from_str::<Table>(&format!("value = {text}"));
    let value = written
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"));
    match value {
        None | Some(Value::Datetime(_)) => Value::String(text.to_owned()),
        Some(value) => value,
    }
}
