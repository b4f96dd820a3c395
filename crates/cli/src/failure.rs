//! How the program ends when it could not do what was asked.

use jsonrpsee::core::ClientError;
use kofo_node::rpc::{ApiErrorData, ConnectError};
use kofo_node::watchtower::WatchtowerError;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

/// A wrong command line that only we could see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Whoever read our output has gone: there is nothing to add.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output has gone")]
pub(crate) struct ReaderGone;

/// The node is there by its files, but does not answer.
#[derive(Debug, thiserror::Error)]
#[error(
    "the node in {data} does not answer: {why}; see whether it runs, and start it with `kofo node --data {data}`"
)]
pub(crate) struct NoAnswer {
    /// The data folder.
    pub(crate) data: String,
    /// What happened.
    pub(crate) why: String,
}

/// No validator runs in the folder.
#[derive(Debug, thiserror::Error)]
#[error("no validator runs in {data}: start it with `kofo validator run --data {data}`", data = data.display())]
pub(crate) struct NoValidator {
    /// The data folder.
    pub(crate) data: std::path::PathBuf,
}

/// The node said no, or could not.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    /// The node's sentence.
    pub(crate) message: String,
    /// What was expected, what came and what to do.
    pub(crate) data: Option<ApiErrorData>,
}

/// Why the program ends, as its exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody reads any more: 0.
    ReaderGone,
    /// Refused or failed: 1.
    Failed,
    /// A wrong command line: 2.
    Usage,
    /// No node: 3.
    NoNode,
}

impl Failure {
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let mut causes = error.chain();
        let found = causes.find_map(|cause| {
            if cause.is::<ReaderGone>() {
                Some(Self::ReaderGone)
            } else if cause.is::<Usage>() {
                Some(Self::Usage)
            } else if cause.is::<NoAnswer>()
                || cause.is::<NoValidator>()
                || cause.is::<ConnectError>()
                || is_no_tower(cause)
            {
                Some(Self::NoNode)
            } else {
                None
            }
        });
        found.unwrap_or(Self::Failed)
    }

    /// Tells a person, or with `json` a program, and gives the exit code.
    pub(crate) fn report(self, error: &anyhow::Error, json: bool) -> ExitCode {
        if self != Self::ReaderGone {
            let told = if json { self.object(error) } else { text(error) };
            let _unread = writeln!(std::io::stderr().lock(), "{told}");
        }
        ExitCode::from(self.code())
    }

    const fn code(self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoNode => 3,
        }
    }

    /// The error in JSON, in one line: the exit code, the message and, if the node refused, its kind and what to do.
    fn object(self, error: &anyhow::Error) -> String {
        let refused = error.chain().find_map(|cause| cause.downcast_ref::<Refused>());
        let data = refused.and_then(|refused| refused.data.as_ref());
        json_error(self.code(), &causes(error), data)
    }
}

fn is_no_tower(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(WatchtowerError::NotRunning { .. }))
}

/// One line of JSON about an error.
fn json_error(code: u8, message: &str, data: Option<&ApiErrorData>) -> String {
    let error = json!({ "code": code, "message": message, "data": data });
    json!({ "error": error }).to_string()
}

/// What went wrong, with all its causes.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for cause in error.chain() {
        let cause_text = cause.to_string();
        // Many errors repeat their cause in their own sentence.
        if !last.contains(&cause_text) {
            if !last.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause_text);
            last = cause_text;
        }
    }
    text
}

/// What went wrong, with all its causes, and what the node adds.
fn text(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}", causes(error));
    let refused = error.chain().find_map(|cause| cause.downcast_ref::<Refused>());
    if let Some(data) = refused.and_then(|refused| refused.data.as_ref()) {
        let parts = [
            ("expected", &data.expected),
            ("got", &data.got),
            ("to do", &data.hint),
        ];
        for (name, part) in parts {
            if let Some(part) = part.as_ref().filter(|part| !text.contains(part.as_str())) {
                text.push_str(&format!("\n  {name}: {part}"));
            }
        }
    }
    text
}

/// What a call of the node that failed means.
pub(crate) fn of_call(data: &std::path::Path, error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Call(error) => Refused {
            message: error.message().to_owned(),
            data: error
                .data()
                .and_then(|data| serde_json::from_str(data.get()).ok()),
        }
        .into(),
        other => NoAnswer {
            data: data.display().to_string(),
            why: reason(&other),
        }
        .into(),
    }
}

/// The innermost cause: the outer ones speak of transports.
fn reason(error: &ClientError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Prints help, or what is wrong with the command line: in JSON if that asks for it.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let message = error.to_string();
        let message = message.trim_end().trim_start_matches("error: ");
        let told = json_error(Failure::Usage.code(), message, None);
        let _unread = writeln!(std::io::stderr().lock(), "{told}");
        return ExitCode::from(Failure::Usage.code());
    }
    // A reader that has gone needs no help.
    let _unread = error.print();
    if error.use_stderr() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use kofo_node::rpc::ApiErrorKind;

    #[test]
    fn a_cause_is_told_once_and_without_a_backtrace() {
        let inner: anyhow::Result<()> = Err(anyhow::anyhow!("the disk is full"));
        let error = inner
            .context("cannot write: the disk is full")
            .context("no node")
            .unwrap_err();
        assert_eq!(text(&error), "error: no node: cannot write: the disk is full");
    }

    #[test]
    fn what_the_node_refused_is_told_with_what_to_do() {
        let error = anyhow::Error::from(Refused {
            message: "too little".into(),
            data: Some(ApiErrorData {
                kind: ApiErrorKind::Dust,
                expected: Some("546 satoshi".into()),
                got: None,
                hint: Some("swap more".into()),
            }),
        });
        assert_eq!(
            text(&error),
            "error: too little\n  expected: 546 satoshi\n  to do: swap more"
        );
        assert_eq!(Failure::of(&error), Failure::Failed);
    }

    #[test]
    fn the_cause_decides_the_exit_code_however_deep_it_is() {
        let wrapped = |error: anyhow::Error| Failure::of(&error.context("outer"));
        assert_eq!(wrapped(Usage("x".into()).into()), Failure::Usage);
        assert_eq!(wrapped(ReaderGone.into()), Failure::ReaderGone);
        let gone = ConnectError::NotRunning { data: "x".into() };
        assert_eq!(wrapped(gone.into()), Failure::NoNode);
        assert_eq!(wrapped(anyhow::anyhow!("x")), Failure::Failed);
    }
}
