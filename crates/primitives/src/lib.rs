//! Nouns that cross a boundary: ids, amounts, hashlocks, orders, the data of the chain port, the canonical codec.
