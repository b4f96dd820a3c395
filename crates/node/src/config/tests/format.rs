//! Old and newer data folders.

use crate::config::format::{FORMAT, FORMAT_FILE, FormatError, Step, read, upgrade, upgrade_by};
use std::io::Write;
use std::path::Path;

fn folder(format: Option<&str>) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    if let Some(format) = format {
        std::fs::write(data.path().join(FORMAT_FILE), format).unwrap();
    }
    data
}

/// Writes down that it was done.
fn done(data: &Path, what: &[u8]) -> std::io::Result<()> {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(data.join("done"));
    file?.write_all(what)
}

const STEPS: [Step; 3] = [
    |data| done(data, b"1"),
    |data| done(data, b"2"),
    |data| done(data, b"3"),
];
const FAILS: [Step; 2] = [|data| done(data, b"1"), |_| Err(std::io::Error::other("no room"))];

fn steps_done(data: &Path) -> String {
    std::fs::read_to_string(data.join("done")).unwrap_or_default()
}

#[test]
fn a_folder_from_before_there_were_formats_is_of_the_first_and_is_told_so() {
    let data = folder(None);
    assert_eq!(read(data.path()).unwrap(), 1);
    upgrade(data.path()).unwrap();
    let written = std::fs::read_to_string(data.path().join(FORMAT_FILE)).unwrap();
    assert_eq!(written, format!("{FORMAT}\n"));
    upgrade(data.path()).unwrap();
}

#[test]
fn an_old_folder_is_brought_on_step_by_step_and_only_by_the_steps_that_it_lacks() {
    for (format, steps) in [
        (None, "123"),
        (Some("1\n"), "123"),
        (Some("3\n"), "3"),
        (Some("4\n"), ""),
    ] {
        let data = folder(format);
        upgrade_by(data.path(), 4, &STEPS).unwrap();
        assert_eq!(steps_done(data.path()), steps, "{format:?}");
        assert_eq!(read(data.path()).unwrap(), 4);
    }
}

#[test]
fn an_upgrade_that_fails_goes_on_where_it_stopped() {
    let data = folder(None);
    let error = upgrade_by(data.path(), 3, &FAILS).unwrap_err();
    assert!(matches!(error, FormatError::Upgrade { from: 2, .. }), "{error}");
    assert!(error.to_string().contains("no room"), "{error}");
    assert_eq!(read(data.path()).unwrap(), 2);
    upgrade_by(data.path(), 4, &STEPS).unwrap();
    assert_eq!(steps_done(data.path()), "123", "each step once");
}

#[test]
fn a_newer_or_garbled_folder_is_refused_and_not_touched() {
    for (format, said) in [
        ("2\n", "is of format 2, this program knows 1"),
        ("soon\n", "expected a number"),
        ("0\n", "expected a number"),
        ("", "expected a number"),
        ("11111111111111111111", "at most 16 bytes"),
    ] {
        let data = folder(Some(format));
        let error = upgrade(data.path()).unwrap_err();
        let error = format!("{error}");
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(
            std::fs::read_to_string(data.path().join(FORMAT_FILE)).unwrap(),
            format
        );
    }
}
