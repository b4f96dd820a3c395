//! What commands and demos say to people, in the same words.

pub mod claim;
mod table;

pub use table::table;
