//! What can be used once.
