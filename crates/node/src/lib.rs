//! The peer node: configuration, driver, wiring, RPC server, timeout monitor.
