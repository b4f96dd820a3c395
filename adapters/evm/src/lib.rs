//! EVM chains: HTLC contract, bindings, watching; profiles ethereum and echoin.
