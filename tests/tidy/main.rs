//! The style of this workspace as tests: dependency rules, sizes, names, and what must not stand in a file.
//!
//! Each rule is a function from a file to its findings, tried on a made-up file first, so that a rule that finds
//! nothing anywhere is known to be able to.

mod docs;
mod layering;
mod manifests;
mod names;
mod sizes;
mod tree;
mod words;
