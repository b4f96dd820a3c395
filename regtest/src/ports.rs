//! Ports for what must know its own before it listens.

use std::net::TcpListener;
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::error::{Error, Result};

/// Below those that systems give to whoever asks for any: nobody is given one of ours between here and its use.
const PORTS: Range<u16> = 20_000..32_000;
/// How many of them this process has looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// So many ports of the loopback that nobody listens on now, and that no other call of this process gives.
pub fn free_ports(count: usize) -> Result<Vec<u16>> {
    (0..count).map(|_| free_port()).collect()
}

/// One of them.
pub fn free_port() -> Result<u16> {
    let most = PORTS.end - PORTS.start;
    // Processes beside this one begin elsewhere.
    let first = std::process::id().wrapping_mul(97) % u32::from(most);
    let mut candidates = (0..most).map(|_| {
        let next = first + u32::from(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
        PORTS.start + u16::try_from(next % u32::from(most)).unwrap_or_default()
    });
    let free = candidates.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or(Error::NoPort(PORTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_and_none_that_is_in_use() {
        let mut ports = free_ports(40).unwrap();
        let held = TcpListener::bind(("127.0.0.1", ports[39])).unwrap();
        ports.extend(free_ports(40).unwrap());
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 80);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
        drop(held);
    }
}
