//! Layer 2, pure: the fee split.
