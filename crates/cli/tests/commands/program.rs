//! How the tests call the binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder for one test: data, home, passphrase.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// How a call of the binary ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase"), "correct horse\n").unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A call of the binary that knows nothing of who runs the test.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kofo"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("KOFO_DATA", self.data())
            .env("KOFO_PASSPHRASE_FILE", self.folder.path().join("passphrase"))
            // Whatever it says: no backtrace is for people.
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.command(args).output().expect("kofo starts").into()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("kofo prints UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ended {
    /// It did what it was asked; its standard output.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// It ended with that code, printed nothing as a result, and said this of the reason.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, said: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.contains(said), "{said:?}: {self:?}");
        for trace in ["stack backtrace", "panicked", "Error {", "RUST_BACKTRACE"] {
            assert!(!self.stderr.contains(trace), "{self:?}");
        }
    }
}
