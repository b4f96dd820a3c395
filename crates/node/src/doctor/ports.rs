//! The ports that the node listens at: free while it does not run, answering while it does.

use super::{Checked, Patient};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;
use tokio::net::TcpStream;

const ANSWER: Duration = Duration::from_secs(3);

/// A port that the configuration names.
struct Port {
    key: &'static str,
    at: SocketAddr,
    udp: bool,
}

pub(super) async fn checks(patient: &Patient<'_>) -> Vec<Checked> {
    if patient.running.is_none() && !crate::run::Folder::is_free(patient.data) {
        let found = "not tried: the node, which does not answer, has them";
        return vec![Checked::ok("ports", found)];
    }
    let mut found = Vec::new();
    for port in named(patient) {
        found.push(if patient.running.is_some() {
            answers(&port).await
        } else {
            is_free(&port)
        });
    }
    if found.is_empty() {
        found.push(Checked::ok("ports", "none is fixed: the node takes free ones"));
    }
    found
}

fn named(patient: &Patient<'_>) -> Vec<Port> {
    let config = patient.config;
    let own = [("rpc_port", config.rpc_port), ("health_port", config.health_port)];
    let own = own.into_iter().map(|(key, port)| Port {
        key,
        at: (Ipv4Addr::LOCALHOST, port).into(),
        udp: false,
    });
    let listen = config.listen.iter().filter_map(|address| {
        let (at, udp) = socket(address)?;
        Some(Port {
            key: "listen",
            at,
            udp,
        })
    });
    own.chain(listen).filter(|port| port.at.port() != 0).collect()
}

/// The socket of `/ip4/1.2.3.4/tcp/9000/…`, and whether it is one of UDP; `None` for what names no socket by numbers.
pub(super) fn socket(multiaddr: &str) -> Option<(SocketAddr, bool)> {
    let mut parts = multiaddr.strip_prefix('/')?.split('/');
    let (family, ip) = (parts.next()?, parts.next()?);
    let (protocol, port) = (parts.next()?, parts.next()?);
    let ip: IpAddr = ip.parse().ok()?;
    let fits = match family {
        "ip4" => ip.is_ipv4(),
        "ip6" => ip.is_ipv6(),
        _ => false,
    };
    let udp = match protocol {
        "tcp" => false,
        "udp" => true,
        _ => return None,
    };
    fits.then_some((SocketAddr::new(ip, port.parse().ok()?), udp))
}

fn is_free(port: &Port) -> Checked {
    let taken = if port.udp {
        UdpSocket::bind(port.at).err()
    } else {
        TcpListener::bind(port.at).err()
    };
    let name = format!("{} {}{}", port.key, port.at, if port.udp { " (udp)" } else { "" });
    match taken {
        None => Checked::ok("ports", format!("{name} is free")),
        Some(error) => {
            let todo = format!("choose another {} in kofo.toml, or stop what uses it", port.key);
            Checked::fail("ports", format!("{name}: {error}"), todo)
        }
    }
}

async fn answers(port: &Port) -> Checked {
    let name = format!("{} {}", port.key, port.at);
    if port.udp {
        return Checked::ok("ports", format!("{name} (udp) is the node's"));
    }
    let mut at = port.at;
    if at.ip().is_unspecified() {
        at.set_ip(if at.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    match reach(at).await {
        Ok(()) => Checked::ok("ports", format!("{name} answers")),
        Err(why) => {
            let todo = "restart the node: it was started with another configuration, or its listener is gone";
            Checked::warn("ports", format!("{name}: {why}"), todo)
        }
    }
}

/// Whether somebody listens there.
pub(super) async fn reach(at: SocketAddr) -> Result<(), String> {
    match tokio::time::timeout(ANSWER, TcpStream::connect(at)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_late) => Err(format!("no answer within {} s", ANSWER.as_secs())),
    }
}
