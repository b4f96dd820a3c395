//! One reservation sold twice.
