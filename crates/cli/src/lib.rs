//! What the `kofo` binary and its end-to-end tests share.

#[cfg(feature = "regtest")]
pub mod demo;
