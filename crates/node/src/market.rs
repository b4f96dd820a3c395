//! The exchange layer at work: claims, quotes and selections between this node and its neighbours.

mod settles;

pub use settles::{Drafted, Opened, Settles};
