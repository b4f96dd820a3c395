//! Reads the machine's own apt sources, in both formats, to learn its Debian mirror.

use std::fs;
use std::path::{Path, PathBuf};

/// One place that apt fetches from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Option<PathBuf>,
}

/// A place that serves Debian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mirror {
    pub(super) uri: String,
    /// The keyring that the machine itself checks it with.
    pub(super) keyring: Option<PathBuf>,
}

/// Suites by which a place is recognised as Debian's archive; Debian's kin list one of them.
const DEBIAN_SUITES: [&str; 11] = [
    "stretch",
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "stable",
    "testing",
    "unstable",
    "oldstable",
];

/// The Debian mirrors that the sources under `etc` (`/etc/apt`) name, the likeliest first.
pub(super) fn mirrors(etc: &Path) -> Vec<Mirror> {
    let mut files = vec![etc.join("sources.list")];
    let mut parts: Vec<PathBuf> = fs::read_dir(etc.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    parts.sort();
    files.extend(parts);
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(one_line(&text)),
            Some("sources") => sources.extend(deb822(&text)),
            _ => {}
        }
    }
    debian(&sources)
}

fn debian(sources: &[Source]) -> Vec<Mirror> {
    let mut mirrors: Vec<Mirror> = Vec::new();
    for source in sources {
        let suite = |suite: &String| DEBIAN_SUITES.contains(&suite.as_str());
        if !source.suites.iter().any(suite)
            || !source.components.iter().any(|component| component == "main")
            || source.uri.starts_with("cdrom:")
            || mirrors.iter().any(|mirror| mirror.uri == source.uri)
        {
            continue;
        }
        mirrors.push(Mirror {
            uri: source.uri.clone(),
            keyring: source.signed_by.clone(),
        });
    }
    // Others use Debian's names for their suites; Debian's own archive is at `…/debian`. The sort is stable.
    mirrors.sort_by_key(|mirror| !mirror.uri.trim_end_matches('/').ends_with("/debian"));
    mirrors
}

/// `deb [option=value …] uri suite component…`, a line each.
fn one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_line_source).collect()
}

fn one_line_source(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t', '[']) {
        return None;
    }
    rest = rest.trim_start();
    let mut signed_by = None;
    if let Some(inner) = rest.strip_prefix('[') {
        let (options, after) = inner.split_once(']')?;
        signed_by = options.split_whitespace().find_map(|option| {
            let (name, value) = option.split_once('=')?;
            name.eq_ignore_ascii_case("signed-by")
                .then(|| keyring(value))
                .flatten()
        });
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let uri = words.next()?;
    let suites = vec![words.next()?];
    Some(Source {
        uri,
        suites,
        components: words.collect(),
        signed_by,
    })
}

/// Paragraphs of `Field: value`, where a line that begins with a space continues the field before it.
fn deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for paragraph in paragraphs(text) {
        let words = |name: &str| -> Vec<String> {
            let field = paragraph
                .iter()
                .find(|(field, _)| field.eq_ignore_ascii_case(name));
            field
                .map(|(_, value)| value.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default()
        };
        let disabled = ["no", "false", "0", "off", "without", "disable"];
        if words("Enabled")
            .first()
            .is_some_and(|word| disabled.contains(&word.to_lowercase().as_str()))
            || !words("Types").iter().any(|kind| kind == "deb")
        {
            continue;
        }
        let signed_by = words("Signed-By").first().and_then(|value| keyring(value));
        for uri in words("URIs") {
            sources.push(Source {
                uri,
                suites: words("Suites"),
                components: words("Components"),
                signed_by: signed_by.clone(),
            });
        }
    }
    sources
}

fn paragraphs(text: &str) -> Vec<Vec<(String, String)>> {
    let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.trim().is_empty() {
            all.push(Vec::new());
            continue;
        }
        let Some(fields) = all.last_mut() else { continue };
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    all.retain(|fields| !fields.is_empty());
    all
}

/// Only a path names a keyring; a fingerprint or a key in place is left aside.
fn keyring(value: &str) -> Option<PathBuf> {
    value
        .split(',')
        .find(|part| part.starts_with('/'))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests;
