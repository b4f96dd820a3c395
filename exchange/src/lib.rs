//! Layer 1, pure: prices and the direct offer.
