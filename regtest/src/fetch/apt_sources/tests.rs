use super::*;

const BOOKWORM: &str = "\
Types: deb
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
";

fn uris(sources: &[Source]) -> Vec<String> {
    debian(sources).into_iter().map(|mirror| mirror.uri).collect()
}

#[test]
fn the_image_of_debian_names_its_archive_and_not_the_security_one() {
    let mirrors = debian(&deb822(BOOKWORM));
    assert_eq!(
        mirrors,
        [Mirror {
            uri: "http://mirror.example/debian".to_owned(),
            keyring: Some("/usr/share/keyrings/debian-archive-keyring.gpg".into()),
        }]
    );
}

#[test]
fn a_one_line_source_is_read_with_its_options() {
    let text = "
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/debian.gpg] http://one.example/debian trixie main contrib # why
deb http://two.example/debian/ sid main";
    let sources = one_line(text);
    assert_eq!(
        uris(&sources),
        ["http://one.example/debian", "http://two.example/debian/"]
    );
    assert_eq!(sources[0].signed_by, Some("/keys/debian.gpg".into()));
    assert_eq!(sources[0].components, ["main", "contrib"]);
}

#[test]
fn strangers_with_debian_suites_come_last_and_strangers_without_never() {
    let text = "
deb https://vendor.example/apt bookworm main
deb https://docker.example/linux/debian bookworm stable
deb https://cloud.example/apt cloud-sdk-bookworm main
deb http://mirror.example/debian bookworm main
deb http://ubuntu.example/ubuntu noble main
deb cdrom:[Debian 12]/ bookworm main";
    assert_eq!(
        uris(&one_line(text)),
        ["http://mirror.example/debian", "https://vendor.example/apt"]
    );
}

#[test]
fn a_paragraph_may_be_disabled_list_several_and_continue_on_the_next_line() {
    let text = "\
Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main

Types: deb deb-src
URIs: http://a.example/debian
 http://b.example/debian
Suites: sid
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----

types: deb-src
uris: http://source.example/debian
suites: sid
components: main";
    let sources = deb822(text);
    assert_eq!(
        uris(&sources),
        ["http://a.example/debian", "http://b.example/debian"]
    );
    assert_eq!(sources[0].signed_by, None);
}

#[test]
fn files_of_both_formats_are_read_and_others_left_alone() {
    let etc = tempfile::tempdir().unwrap();
    let parts = etc.path().join("sources.list.d");
    std::fs::create_dir(&parts).unwrap();
    std::fs::write(
        etc.path().join("sources.list"),
        "deb http://list.example/debian sid main\n",
    )
    .unwrap();
    std::fs::write(parts.join("debian.sources"), BOOKWORM).unwrap();
    std::fs::write(
        parts.join("old.list.save"),
        "deb http://save.example/debian sid main\n",
    )
    .unwrap();
    let found: Vec<String> = mirrors(etc.path()).into_iter().map(|mirror| mirror.uri).collect();
    assert_eq!(
        found,
        ["http://list.example/debian", "http://mirror.example/debian"]
    );
    assert!(mirrors(Path::new("/nowhere/at/all")).is_empty());
}
