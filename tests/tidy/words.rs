//! What must not stand in any file: work left undone, and traces of one machine.

use crate::tree::{File, files, none};

/// Written in two halves, or this file would find itself.
fn unfinished() -> [String; 5] {
    [
        ("TO", "DO"),
        ("FIX", "ME"),
        ("X", "XX"),
        ("unimple", "mented!"),
        ("to", "do!"),
    ]
    .map(|(a, b)| format!("{a}{b}"))
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part_of_a_name);
        let after = line[at + word.len()..].chars().next().is_some_and(part_of_a_name);
        !before && (!after || word.ends_with('!'))
    })
}

fn undone(line: &str) -> Option<String> {
    let word = unfinished().into_iter().find(|word| has_word(line, word))?;
    Some(format!("`{word}`: finish it, or write an issue"))
}

/// Folders that exist on one machine only.
fn machine_path(line: &str) -> Option<String> {
    let homes = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/")].map(|(a, b)| format!("{a}{b}"));
    let found = homes.iter().find(|home| {
        line.match_indices(home.as_str())
            .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~".contains(c)))
    })?;
    Some(format!(
        "`{found}…` is a folder of one machine: a relative path, or a variable"
    ))
}

/// Hosts that a file may name. Package clients know their registries from the machine's own settings; a mirror in a
/// file would work on one machine and leak its network.
const KNOWN_HOSTS: [&str; 24] = [
    "127.0.0.1",
    "api.github.com",
    "bips.dev",
    "bips.xyz",
    "book.getfoundry.sh",
    "chainagnostic.org",
    "crates.io",
    "datatracker.ietf.org",
    "doc.rust-lang.org",
    "docs.rs",
    "eips.ethereum.org",
    "example.com",
    "example.org",
    "github.com",
    "host",
    "json-schema.org",
    "keepachangelog.com",
    "localhost",
    "rustsec.org",
    "semver.org",
    "spdx.org",
    "www.apache.org",
    "www.rfc-editor.org",
    "www.rust-lang.org",
];

fn unknown_host(line: &str) -> Option<String> {
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (scheme, behind) = (&rest[..at], &rest[at + 3..]);
        let end = behind
            .find(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c))
            .unwrap_or(behind.len());
        let host = behind[..end].trim_end_matches('.');
        let made_up = !host.contains('.') || host.ends_with(".example") || host.ends_with(".test");
        if scheme.ends_with("http") || scheme.ends_with("https") || scheme.ends_with("ws") {
            let known = made_up || KNOWN_HOSTS.contains(&host);
            if !known {
                return Some(format!(
                    "host `{host}` is not one that files may name: leave it out, or add it to the rule"
                ));
            }
        }
        rest = &behind[end..];
    }
    None
}

#[test]
fn nothing_is_left_undone_in_a_comment() {
    let [todo, .., call] = unfinished();
    assert!(undone(&format!("// {todo}: later")).is_some() && undone(&format!("    {call}();")).is_some());
    assert!(undone("the todo list, mastodon, TODOS").is_none());
    let files = files();
    none(
        files
            .iter()
            .filter(|file| !file.is_generated())
            .flat_map(|file| file.lines(undone)),
    );
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    assert!(machine_path(&["cd /wo", "rk/main"].concat()).is_some());
    assert!(machine_path(&["see ", "/ho", "me/someone"].concat()).is_some());
    assert!(machine_path("$here/root/usr/bin").is_none());
    let files = files();
    none(files.iter().flat_map(|file| file.lines(machine_path)));
}

#[test]
fn no_file_names_an_unknown_host() {
    let (plain, in_text) = (
        ["https", "://mirror.corp.net/x"].concat(),
        ["a (http", "://cache.local.lan)"].concat(),
    );
    assert!(unknown_host(&plain).is_some() && unknown_host(&in_text).is_some());
    assert!(unknown_host("https://docs.rs/x and http://127.0.0.1:8545 and {scheme}://{host}").is_none());
    let files = files();
    none(files.iter().flat_map(|file| file.lines(unknown_host)));
}

#[test]
fn every_file_ends_its_last_line() {
    let open = |file: &File| {
        let lines = file.text.lines().count();
        (!file.text.is_empty() && !file.text.ends_with('\n'))
            .then(|| file.at(lines, "the last line has no end"))
    };
    assert!(open(&File::new("a.rs", "x")).is_some() && open(&File::new("a.rs", "x\n")).is_none());
    none(
        files()
            .iter()
            .filter(|file| !file.is_generated())
            .filter_map(open),
    );
}
