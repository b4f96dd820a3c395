//! Append, sync and replay of opaque records, encrypted and hash-chained.
