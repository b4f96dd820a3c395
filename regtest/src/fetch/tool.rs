//! Runs a package client with a time limit and keeps what it prints for the error.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::FetchError;

/// A fetch that hangs must not hang the test run.
const LIMIT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(20);
/// How much of its output an error shows, in characters from the beginning and from the end.
const SHOWN: usize = 600;

/// Runs `program` in `dir` to its end; what it printed on stdout.
pub(super) fn run(program: &str, args: &[&str], dir: &Path) -> Result<String, FetchError> {
    let command = || format!("{program} {}", args.join(" "));
    let failed = |ended: String, output: String| FetchError::Tool {
        command: command(),
        ended,
        output,
    };
    let file = || tempfile::tempfile().map_err(|error| failed("was not run".to_owned(), error.to_string()));
    let (mut out, mut err) = (file()?, file()?);
    let clone = |f: &fs::File| {
        f.try_clone()
            .map_err(|error| failed("was not run".to_owned(), error.to_string()))
    };
    let mut child = Command::new(program)
        .args(args)
        .current_dir(dir)
        // Their messages are parsed here and shown to people: one language.
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(clone(&out)?)
        .stderr(clone(&err)?)
        .spawn()
        .map_err(|error| failed("could not be started".to_owned(), error.to_string()))?;
    let deadline = Instant::now() + LIMIT;
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => {
                return read(&mut out).map_err(|e| failed(e.to_string(), String::new()));
            }
            Ok(Some(status)) => break format!("failed ({status})"),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            Ok(None) => {
                // It may have ended this very moment, which is as good.
                let _ = child.kill();
                let _ = child.wait();
                break format!("was stopped after {} s", LIMIT.as_secs());
            }
            Err(error) => break format!("was lost ({error})"),
        }
    };
    let said = format!(
        "{}{}",
        read(&mut out).unwrap_or_default(),
        read(&mut err).unwrap_or_default()
    );
    Err(failed(ended, shorten(said.trim())))
}

/// The beginning and the end: npm names the reason first, apt last.
fn shorten(said: &str) -> String {
    let chars: Vec<char> = said.chars().collect();
    if chars.len() <= 2 * SHOWN {
        return said.to_owned();
    }
    let (head, tail) = (&chars[..SHOWN], &chars[chars.len() - SHOWN..]);
    format!(
        "{}\n[…]\n{}",
        head.iter().collect::<String>(),
        tail.iter().collect::<String>()
    )
}

fn read(file: &mut fs::File) -> io::Result<String> {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
