//! What the `kofo` binary, its demos and its end-to-end tests share.

#[cfg(feature = "regtest")]
pub mod demo;
pub mod founding;
pub mod text;
