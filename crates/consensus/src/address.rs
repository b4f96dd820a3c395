//! Addresses as text: an IP and a TCP port, no names.

use crate::settings::StartError;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// An engine of ours that has just stopped may hold its port for a moment.
const PORT_WAIT: Duration = Duration::from_secs(5);

/// The address in `/ip4/<address>/tcp/<port>` or `/ip6/…`, and what stands behind it.
fn split(text: &str) -> Option<(SocketAddr, &str)> {
    let mut parts = text.strip_prefix('/')?.splitn(5, '/');
    let family = parts.next()?;
    let ip: IpAddr = parts.next()?.parse().ok()?;
    if parts.next()? != "tcp" || family != if ip.is_ipv4() { "ip4" } else { "ip6" } {
        return None;
    }
    let port: u16 = parts.next()?.parse().ok()?;
    Some((SocketAddr::new(ip, port), parts.next().unwrap_or_default()))
}

/// How we write one.
pub(crate) fn text(of: SocketAddr) -> String {
    let family = if of.is_ipv4() { "ip4" } else { "ip6" };
    format!("/{family}/{}/tcp/{}", of.ip(), of.port())
}

/// A peer's address: it may name the key of its connections behind `/p2p/`.
pub(crate) fn peer(text: &str) -> Result<&str, StartError> {
    let known = split(text).filter(|(at, rest)| {
        at.port() != 0 && (rest.is_empty() || rest.strip_prefix("p2p/").is_some_and(|id| !id.is_empty()))
    });
    known
        .map(|_| text)
        .ok_or_else(|| StartError::Address(text.into()))
}

/// Where we will listen: a free port in the place of port 0. Somebody else may take it before the engine does.
pub(crate) async fn listen(wanted: &str) -> Result<SocketAddr, StartError> {
    let (at, _) = split(wanted)
        .filter(|(_, rest)| rest.is_empty())
        .ok_or_else(|| StartError::Address(wanted.into()))?;
    let deadline = Instant::now() + PORT_WAIT;
    loop {
        match TcpListener::bind(at).and_then(|bound| bound.local_addr()) {
            Ok(free) => return Ok(free),
            Err(source) if at.port() == 0 || Instant::now() >= deadline => {
                let address = text(at);
                return Err(StartError::Listen { address, source });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_without_names_are_taken() {
        for good in [
            "/ip4/127.0.0.1/tcp/1",
            "/ip6/::1/tcp/65535",
            "/ip4/1.2.3.4/tcp/9/p2p/12D3KooW",
        ] {
            assert_eq!(peer(good).unwrap(), good);
        }
        for bad in [
            "",
            "127.0.0.1:1",
            "/dns4/kofo.example/tcp/1",
            "/ip4/::1/tcp/1",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/1.2.3.4/tcp/0",
            "/ip4/1.2.3.4/tcp/65536",
            "/ip4/1.2.3.4/tcp/9/ws",
            "/ip4/1.2.3.4/tcp/9/p2p/",
        ] {
            assert!(matches!(peer(bad), Err(StartError::Address(_))), "{bad}");
        }
    }

    #[tokio::test]
    async fn port_zero_takes_a_free_one_and_a_taken_one_is_an_error() {
        let free = listen("/ip4/127.0.0.1/tcp/0").await.unwrap();
        assert_ne!(free.port(), 0);
        assert_eq!(text(free), format!("/ip4/127.0.0.1/tcp/{}", free.port()));
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = text(taken.local_addr().unwrap());
        assert!(matches!(listen(&wanted).await, Err(StartError::Listen { .. })));
        assert!(matches!(
            listen("/ip4/127.0.0.1/tcp/1/p2p/x").await,
            Err(StartError::Address(_))
        ));
    }
}
