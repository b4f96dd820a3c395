//! Passphrases and words, from files, standard input or the person at the terminal.

use crate::failure::Usage;
use anyhow::Context;
use kofo_node::keystore::{Passphrase, Words};
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Names the file with the passphrase.
const PASSPHRASE_FILE: &str = "KOFO_PASSPHRASE_FILE";
/// 24 words are far shorter.
const MAX_WORDS_BYTES: u64 = 4096;

/// The passphrase of a keystore that is there.
pub(crate) fn passphrase() -> anyhow::Result<Passphrase> {
    match from_file()? {
        Some(passphrase) => Ok(passphrase),
        None => Ok(Passphrase::new(ask("Passphrase: ")?)?),
    }
}

/// The passphrase for a new keystore: asked for twice, because a slip would lock its owner out.
pub(crate) fn new_passphrase() -> anyhow::Result<Passphrase> {
    let passphrase = match from_file()? {
        Some(passphrase) => passphrase,
        None => {
            let first = ask("New passphrase for the keystore: ")?;
            if *first != *ask("The same again: ")? {
                return Err(Usage("the two passphrases differ: try again".into()).into());
            }
            Passphrase::new(first)?
        }
    };
    passphrase.check_strength()?;
    Ok(passphrase)
}

/// The passphrase of the file that the environment names; `None` if it names none.
pub(crate) fn from_file() -> anyhow::Result<Option<Passphrase>> {
    match std::env::var_os(PASSPHRASE_FILE).filter(|path| !path.is_empty()) {
        Some(path) => Ok(Some(Passphrase::from_file(&PathBuf::from(path))?)),
        None => Ok(None),
    }
}

fn ask(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    let typed = rpassword::prompt_password(prompt);
    let no_terminal =
        || format!("there is no terminal to ask at: set {PASSPHRASE_FILE} to a file with the passphrase");
    Ok(Zeroizing::new(typed.with_context(no_terminal)?))
}

/// The words of a node that is restored.
pub(crate) fn words() -> anyhow::Result<Words> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("The 24 words (they are not shown): ");
        let typed = Zeroizing::new(typed.context("cannot read the words from the terminal")?);
        return Ok(Words::parse(&typed)?);
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(MAX_WORDS_BYTES)
        .read_to_string(&mut text)
        .context("cannot read the words from standard input")?;
    Ok(Words::parse(&text)?)
}
