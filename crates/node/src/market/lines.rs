//! Text in lines, each of which stands for itself: a bad one does not stop the good ones.

use super::prices::LineError;
use serde::de::DeserializeOwned;

/// No line has more bytes.
pub const MAX_LINE: usize = 1_024;
/// So many bad lines are shown.
const MAX_SHOWN: usize = 20;

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadLine {
    /// Which, from 1.
    pub line: usize,
    /// What was expected and what came.
    pub why: LineError,
}

/// What was read of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines<T> {
    /// What was understood, in order.
    pub good: Vec<T>,
    /// The first lines that were not.
    pub bad: Vec<BadLine>,
    /// How many there were.
    pub bad_count: usize,
}

/// Reads each line that is not blank as one JSON object. `example` is what errors show; after `most` good lines every
/// further one is bad.
pub(super) fn read_lines<R: DeserializeOwned, T>(
    bytes: &[u8],
    (example, most): (&'static str, usize),
    mut read: impl FnMut(R) -> Result<T, LineError>,
) -> Lines<T> {
    let mut lines = Lines {
        good: Vec::new(),
        bad: Vec::new(),
        bad_count: 0,
    };
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let full = || LineError::Range {
            field: "line",
            expected: format!("at most {most} lines"),
            got: "one more".to_owned(),
        };
        let one = if lines.good.len() < most {
            parse(text, example).and_then(&mut read)
        } else {
            Err(full())
        };
        match one {
            Ok(good) => lines.good.push(good),
            Err(why) => {
                lines.bad_count = lines.bad_count.saturating_add(1);
                if lines.bad.len() < MAX_SHOWN {
                    lines.bad.push(BadLine { line, why });
                }
            }
        }
    }
    lines
}

fn parse<R: DeserializeOwned>(text: &[u8], example: &'static str) -> Result<R, LineError> {
    if text.len() > MAX_LINE {
        let (most, got) = (MAX_LINE, text.len());
        return Err(LineError::TooLong { most, got });
    }
    serde_json::from_slice(text).map_err(|e| {
        // Where in the line, without the line number, which is always 1 here.
        let why = e.to_string().replace(" at line 1 column ", ", at character ");
        LineError::Json { example, why }
    })
}
