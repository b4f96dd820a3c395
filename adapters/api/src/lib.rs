//! The chain port as a trait, and the conformance suite of every adapter.
