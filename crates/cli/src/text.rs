//! What commands and demos say to people, in the same words.

pub mod claim;
mod payouts;
mod table;
mod when;

pub use payouts::{payee, payouts, reason, sums};
pub use table::table;
pub use when::when_ms;
