//! Layer 3, pure: terms, timelock policy, the swap machine, deadlines.
