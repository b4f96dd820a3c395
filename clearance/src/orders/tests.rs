//! Orders as a ledger that goes on has them.

mod amendments;
mod checks;
mod double_quotes;
mod endings;
mod fees;
mod observers;
mod property;
mod random;
mod uses;
