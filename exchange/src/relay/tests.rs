//! What relays do with what honest and dishonest neighbours send.

mod line;
#[allow(dead_code, reason = "tests of attacks follow")]
mod world;
