//! The rules of `docs/protocol/tower.md`, one file a group, a test a sentence.
#![allow(clippy::unwrap_used)] // of helpers too: a test that cannot go on fails

mod acts;
mod ends;
mod packages;
mod records;
mod stage;
