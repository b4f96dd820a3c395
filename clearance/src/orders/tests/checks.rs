//! What an order must be to be committed.
