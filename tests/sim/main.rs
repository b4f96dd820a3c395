//! Two nodes, their journals and two to three chains in one process, driven step by step: the same driver, the same
//! machine and the same port as in life. Nothing here knows a clock or a thread, so that a failure repeats itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod byzantine;
mod crashes;
mod late;
mod network;
mod pairs;
mod seeds;
mod towers;
mod trouble;
mod village;
