//! The swap machine, driven by hand: rules one by one, and all of them under random inputs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod fixture;
mod initiator;
mod many_legs;
mod participant;
mod properties;
mod restored;
mod terms;
mod together;
