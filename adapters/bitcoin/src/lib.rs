//! Bitcoin: taproot HTLC, wallet, chain watching.
