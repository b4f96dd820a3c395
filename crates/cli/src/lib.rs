//! What the `kofo` binary and its end-to-end tests share.

pub mod demo;
