//! Starts and drives real bitcoind and anvil for tests and for people.
