//! Stories, one file each: `cargo run -p kofo-examples --example NAME`. Each is run by `cargo test` too.
//!
//! * `otc`: two people who know each other swap without any network.
