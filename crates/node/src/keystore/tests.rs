use super::*;
use serde_json::Value;
use std::fs;

fn network(name: &str) -> NetworkId {
    NetworkId::new(name).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

struct Folder {
    data: tempfile::TempDir,
    path: PathBuf,
}

fn folder() -> Folder {
    let data = tempfile::tempdir().unwrap();
    let path = create(
        data.path(),
        &network("kofo-test"),
        &Seed::new([7; 64]),
        &passphrase("correct horse"),
        KdfCost::WEAK,
    )
    .unwrap();
    Folder { data, path }
}

impl Folder {
    fn open(&self, pass: &str) -> Result<Seed, KeystoreError> {
        open(self.data.path(), &network("kofo-test"), &passphrase(pass))
    }

    /// Opens the file after a change of its JSON; the file must stay as the change left it.
    fn open_changed(&self, change: impl FnOnce(&mut Value)) -> KeystoreError {
        let mut json: Value = serde_json::from_slice(&fs::read(&self.path).unwrap()).unwrap();
        change(&mut json);
        self.open_bytes(json.to_string().as_bytes())
    }

    fn open_bytes(&self, bytes: &[u8]) -> KeystoreError {
        fs::write(&self.path, bytes).unwrap();
        let error = self.open("correct horse").expect_err("a refusal");
        assert_eq!(fs::read(&self.path).unwrap(), bytes, "opening changes nothing");
        error
    }
}

#[test]
fn the_passphrase_and_nothing_else_opens_the_keystore() {
    let folder = folder();
    assert_eq!(folder.open("correct horse").unwrap().expose(), &[7; 64]);
    assert!(matches!(
        folder.open("correct horse "),
        Err(KeystoreError::WrongPassphrase { .. })
    ));
}

#[test]
fn neither_seed_nor_passphrase_are_in_the_file_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let text = fs::read_to_string(&folder.path).unwrap();
    assert!(!text.contains(&hex::encode([7; 32])) && !text.contains("correct"));
    let mode = fs::metadata(&folder.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_keystore_is_never_overwritten() {
    let folder = folder();
    let again = create(
        folder.data.path(),
        &network("kofo-test"),
        &Seed::new([8; 64]),
        &passphrase("another one"),
        KdfCost::WEAK,
    );
    assert!(matches!(again, Err(KeystoreError::Exists { .. })));
    assert_eq!(folder.open("correct horse").unwrap().expose(), &[7; 64]);
}

#[test]
fn an_altered_keystore_is_told_from_a_wrong_passphrase() {
    let fields = [
        "network",
        "kdf",
        "memory_kib",
        "passes",
        "lanes",
        "salt",
        "cipher",
        "nonce",
        "sealed",
        "checksum",
    ];
    for field in fields {
        let error = folder().open_changed(|json| {
            let value = json.get_mut(field).unwrap();
            *value = match &*value {
                Value::Number(n) => Value::from(n.as_u64().unwrap() + 1),
                other => {
                    let text = other.as_str().unwrap();
                    let last = if text.ends_with('0') { "1" } else { "0" };
                    Value::from(format!("{}{last}", &text[..text.len() - 1]))
                }
            };
        });
        assert!(matches!(error, KeystoreError::Altered { .. }), "{field}: {error}");
    }
}

#[test]
fn a_keystore_altered_on_purpose_does_not_open() {
    // The checksum is adapted, as an attacker would; what remains is what the seal itself refuses.
    let folder = folder();
    let other = network("kofo-evil");
    let text = file::seal(
        &other,
        &Seed::new([9; 64]),
        &passphrase("attacker's"),
        KdfCost::WEAK,
    )
    .unwrap();
    fs::write(&folder.path, text.replace("kofo-evil", "kofo-test")).unwrap();
    assert!(matches!(
        folder.open("correct horse"),
        Err(KeystoreError::Altered { .. })
    ));

    let text = file::seal(
        &network("kofo-test"),
        &Seed::new([9; 64]),
        &passphrase("attacker's"),
        KdfCost::WEAK,
    );
    fs::write(&folder.path, text.unwrap()).unwrap();
    assert!(matches!(
        folder.open("correct horse"),
        Err(KeystoreError::WrongPassphrase { .. })
    ));
}

#[test]
fn a_malformed_keystore_is_refused() {
    for bytes in [
        &b""[..],
        b"{}",
        b"\xff\xfe",
        b"[1]",
        b"{\"kofo_keystore\":1}",
        b"{\"kofo_keystore\":-1}",
    ] {
        let error = folder().open_bytes(bytes);
        assert!(
            matches!(error, KeystoreError::Malformed { .. }),
            "{bytes:?}: {error}"
        );
    }
    let error = folder().open_changed(|json| {
        json.as_object_mut().unwrap().insert("extra".into(), Value::Null);
    });
    assert!(matches!(error, KeystoreError::Malformed { .. }), "{error}");
}

#[test]
fn a_keystore_of_another_version_is_refused() {
    let error = folder().open_changed(|json| json["kofo_keystore"] = Value::from(2));
    assert!(matches!(error, KeystoreError::Version { got: 2, .. }), "{error}");
}

#[test]
fn an_oversized_keystore_is_refused() {
    let most = usize::try_from(MAX_KEYSTORE_BYTES).unwrap();
    let error = folder().open_bytes(&vec![b' '; most + 1]);
    assert!(matches!(error, KeystoreError::Oversized { .. }), "{error}");
}

#[test]
fn a_keystore_of_another_network_is_refused() {
    let folder = folder();
    let error = open(
        folder.data.path(),
        &network("kofo-main"),
        &passphrase("correct horse"),
    )
    .unwrap_err();
    assert!(matches!(error, KeystoreError::OtherNetwork { .. }), "{error}");
}

#[test]
fn a_missing_keystore_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let error = open(data.path(), &network("kofo-test"), &passphrase("correct horse")).unwrap_err();
    assert!(error.to_string().contains("kofo init"), "{error}");
}

#[test]
fn a_passphrase_is_one_line_and_not_too_short() {
    let new = |text: &str| Passphrase::new(Zeroizing::new(text.to_owned()));
    assert_eq!(new("abc\r\n").unwrap().0.as_str(), "abc");
    for text in ["", "\n", "a\nb", &"x".repeat(1025)] {
        assert!(matches!(new(text), Err(PassphraseError::Form)));
    }
    let data = tempfile::tempdir().unwrap();
    let seed = Seed::new([7; 64]);
    let weak = create(
        data.path(),
        &network("x"),
        &seed,
        &passphrase("hunter2"),
        KdfCost::WEAK,
    );
    let short = KeystoreError::Passphrase(PassphraseError::TooShort { got: 7 });
    assert_eq!(weak.unwrap_err().to_string(), short.to_string());
    assert!(!data.path().join(KEYSTORE_FILE).exists());
}

#[test]
fn a_passphrase_comes_from_a_file() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("pass");
    fs::write(&file, "correct horse\n").unwrap();
    assert_eq!(Passphrase::from_file(&file).unwrap().0.as_str(), "correct horse");
    fs::write(&file, "x".repeat(5000)).unwrap();
    assert!(matches!(Passphrase::from_file(&file), Err(PassphraseError::Form)));
    let missing = Passphrase::from_file(&data.path().join("none")).unwrap_err();
    assert!(missing.to_string().contains("KOFO_PASSPHRASE_FILE"), "{missing}");
    assert_eq!(
        format!("{:?}", passphrase("correct horse")),
        "Passphrase(redacted)"
    );
}
