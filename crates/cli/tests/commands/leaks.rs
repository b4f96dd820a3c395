//! Looks for secrets where none may be: in bytes that were written, printed, or shown to other processes.

use std::fs;
use std::path::{Path, PathBuf};

/// A secret and what it is called.
pub(crate) struct Secret {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Secret {
    /// Bytes, as they are, in hexadecimal digits, and in base64 wherever they begin in it.
    pub(crate) fn bytes(name: &'static str, bytes: &[u8]) -> Self {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
        for shift in 0..3 {
            let shifted: Vec<u8> = vec![0; shift].into_iter().chain(bytes.iter().copied()).collect();
            for letters in [b"+/", b"-_"] {
                let text = base64(&shifted, letters);
                // The first and the last letters are of other bytes too.
                let (from, to) = (shift * 2, text.len().saturating_sub(4));
                forms.push(text.get(from..to).unwrap_or_default().to_vec());
            }
        }
        forms.retain(|form| form.len() >= 16);
        Self { name, forms }
    }

    /// A text.
    pub(crate) fn text(name: &'static str, text: &str) -> Self {
        let forms = vec![text.as_bytes().to_vec()];
        Self { name, forms }
    }

    /// Words: any four in a row.
    pub(crate) fn words(name: &'static str, words: &str) -> Self {
        let words: Vec<_> = words.split_whitespace().collect();
        let forms = words.windows(4).map(|four| four.join(" ").into_bytes());
        Self {
            name,
            forms: forms.collect(),
        }
    }
}

fn base64(bytes: &[u8], last: &[u8; 2]) -> Vec<u8> {
    let mut letters: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').collect();
    letters.extend(last);
    let mut text = Vec::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letter = |shift: u32| letters[(bits >> shift & 63) as usize];
        text.extend([letter(18), letter(12), letter(6), letter(0)]);
    }
    text
}

/// What was found: where, and which secret.
pub(crate) type Found = Vec<(String, &'static str)>;

/// The secrets in these bytes.
pub(crate) fn in_bytes(place: &str, bytes: &[u8], secrets: &[Secret]) -> Found {
    let has = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
    let found = secrets.iter().filter(|secret| secret.forms.iter().any(has));
    found.map(|secret| (place.to_owned(), secret.name)).collect()
}

/// All files below a folder but those of these names, with what is in them.
pub(crate) fn files(folder: &Path, but: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for path in entries.map(|entry| entry.path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            found.extend(files(&path, but));
        } else if !but.contains(&name.as_str()) {
            // One that is gone by now holds nothing.
            found.extend(fs::read(&path).map(|bytes| (path, bytes)));
        }
    }
    found
}

/// The secrets in the files below a folder.
pub(crate) fn in_files(folder: &Path, but: &[&str], secrets: &[Secret]) -> Found {
    let files = files(folder, but);
    let found = files
        .iter()
        .flat_map(|(path, bytes)| in_bytes(&path.display().to_string(), bytes, secrets));
    found.collect()
}

/// What every other process of this user sees of a process: its command line; and what its owner does: its environment.
pub(crate) fn of_process(pid: u32) -> Vec<(String, Vec<u8>)> {
    let shown = ["cmdline", "environ"].map(|name| format!("/proc/{pid}/{name}"));
    shown
        .into_iter()
        .filter_map(|path| {
            Some((
                path.clone(),
                fs::read(&path).ok().filter(|bytes| !bytes.is_empty())?,
            ))
        })
        .collect()
}

/// The secrets in what a process shows.
pub(crate) fn in_process(pid: u32, secrets: &[Secret]) -> Found {
    let shown = of_process(pid);
    assert!(!shown.is_empty(), "process {pid} runs");
    let found = shown
        .iter()
        .flat_map(|(place, bytes)| in_bytes(place, bytes, secrets));
    found.collect()
}

#[test]
fn a_secret_that_is_planted_is_found_in_whatever_form() {
    let key: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(37).wrapping_add(11)).collect();
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let secrets = [
        Secret::bytes("seed", &key),
        Secret::words("words", words),
        Secret::text("passphrase", "correct horse"),
    ];
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64_at = |before: &[u8]| {
        let text: Vec<u8> = before
            .iter()
            .copied()
            .chain(key.iter().copied())
            .chain([7])
            .collect();
        String::from_utf8(base64(&text, b"+/")).unwrap()
    };
    let planted = [
        ("seed", key.clone()),
        ("seed", format!("seed: {hex}").into_bytes()),
        ("seed", hex.to_uppercase().into_bytes()),
        ("seed", base64_at(&[]).into_bytes()),
        ("seed", base64_at(&[1]).into_bytes()),
        ("seed", base64_at(&[1, 2]).into_bytes()),
        ("words", b"said: thank year wave sausage, and no more".to_vec()),
        ("passphrase", b"--passphrase=correct horse".to_vec()),
    ];
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deep")).unwrap();
    for (name, bytes) in planted {
        let text: Vec<u8> = b"2026 INFO "
            .iter()
            .copied()
            .chain(bytes)
            .chain(*b" end")
            .collect();
        fs::write(folder.path().join("deep/node.log"), &text).unwrap();
        let found = in_files(folder.path(), &["keystore.json"], &secrets);
        assert_eq!(found.len(), 1, "{name} in {}", String::from_utf8_lossy(&text));
        assert_eq!(found[0].1, name);
        assert_eq!(in_files(folder.path(), &["node.log"], &secrets), []);
    }
    fs::write(folder.path().join("deep/node.log"), "thank year wave, correct").unwrap();
    assert_eq!(in_files(folder.path(), &[], &secrets), []);
}
