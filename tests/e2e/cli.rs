//! The program as a person runs it.

use crate::shared::kofo;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// What a command answered.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `kofo ARGS --data FOLDER` to its end.
pub(crate) async fn run(data: &Path, args: &[&str]) -> Answer {
    let output = Command::new(kofo())
        .args(args)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
    Answer {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

impl Answer {
    /// It was refused, and the person was told this.
    #[track_caller]
    pub(crate) fn refused_with(&self, parts: &[&str]) {
        assert_eq!(
            self.code,
            Some(1),
            "expected a refusal, got {:?}\n{}",
            self.out,
            self.err
        );
        assert!(self.out.is_empty(), "a refusal has no result: {:?}", self.out);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in\n{}", self.err);
        }
    }

    /// It was done.
    #[track_caller]
    pub(crate) fn done(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out.trim()
    }
}
