//! What this adapter promises beyond the port.
