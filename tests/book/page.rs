//! A page of the guide and its shell blocks.

use std::path::Path;

/// One shell block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of its first command, from 1.
    pub(crate) line: usize,
    pub(crate) commands: String,
    /// What it prints when whoever reads goes on beside it.
    pub(crate) until: Option<String>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            blocks: blocks(&text),
        }
    }
}

/// The shell blocks of a text; panics at a fence that is none of `sh`, `sh,until=…` and those that are not for a shell.
fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Option<Block>>) = (Vec::new(), None);
    for (line, content) in (1..).zip(text.lines()) {
        match (&mut open, content.strip_prefix("```")) {
            (None, None) => {}
            (None, Some(fence)) => open = Some(begin(fence, line + 1)),
            (Some(block), Some(_)) => {
                blocks.extend(block.take());
                open = None;
            }
            (Some(block), None) => {
                if let Some(block) = block {
                    block.commands.push_str(content);
                    block.commands.push('\n');
                }
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn begin(fence: &str, line: usize) -> Option<Block> {
    let (language, until) = match fence.split_once(",until=") {
        Some((language, until)) => (language, Some(until.replace('.', " "))),
        None => (fence, None),
    };
    assert!(
        ["sh", "rust", "toml", "json", "text"].contains(&language),
        "line {line}: a block begins with ```{fence}, expected sh, sh,until=WORDS, rust, toml, json or text"
    );
    (language == "sh").then(|| Block {
        line,
        commands: String::new(),
        until,
    })
}

#[test]
fn shell_blocks_are_found_with_their_lines_and_what_they_wait_for() {
    let text = "a\n```sh\none\ntwo\n```\n```text\nnone\n```\n```sh,until=runs.until\nthree\n```\n";
    let block = |line, commands: &str, until: Option<&str>| Block {
        line,
        commands: commands.into(),
        until: until.map(Into::into),
    };
    let expected = [
        block(3, "one\ntwo\n", None),
        block(10, "three\n", Some("runs until")),
    ];
    assert_eq!(blocks(text), expected);
}
