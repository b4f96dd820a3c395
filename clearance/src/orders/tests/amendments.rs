//! Changes that both parties want.
