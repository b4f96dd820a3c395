//! An in-memory chain: blocks, mempool, reorgs, faults.
