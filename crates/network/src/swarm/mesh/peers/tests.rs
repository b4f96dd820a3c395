use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;

use super::*;
use crate::Identity;

fn peer() -> PeerId {
    Identity::generate().peer_id()
}

fn dialed(address: &str) -> ConnectedPoint {
    ConnectedPoint::Dialer {
        address: address.parse().expect("an address"),
        role_override: Endpoint::Dialer,
        port_use: PortUse::New,
    }
}

fn accepted(from: &str) -> ConnectedPoint {
    ConnectedPoint::Listener {
        local_addr: "/ip4/127.0.0.1/tcp/1".parse().expect("an address"),
        send_back_addr: from.parse().expect("an address"),
    }
}

fn connection(n: usize) -> ConnectionId {
    ConnectionId::new_unchecked(n)
}

fn introduction(agent: &str, speaks: bool) -> Introduction<'_> {
    Introduction {
        agent,
        speaks,
        ours: speaks,
        relays: false,
    }
}

/// A peer that is a neighbour.
fn neighbour(peers: &mut Peers, n: usize, endpoint: &ConnectedPoint) -> PeerId {
    let peer = peer();
    peers.connected(peer, connection(n), endpoint);
    peers.introduced(peer, &introduction("kofo/1", true));
    peers.listens(peer);
    peer
}

#[test]
fn a_neighbour_speaks_and_listens_and_is_told_about_once() {
    let (mut peers, peer) = (Peers::default(), peer());
    assert_eq!(peers.listens(peer), None, "nobody is there");
    peers.connected(peer, connection(1), &accepted("/ip4/203.0.113.5/tcp/1"));
    assert_eq!(peers.introduced(peer, &introduction("kofo/1", true)), None);
    assert!(!peers.is_neighbour(peer));
    assert_eq!(peers.listens(peer), Some(Change::Joined));
    assert_eq!(peers.listens(peer), None);
    peers.connected(peer, connection(2), &dialed("/ip4/203.0.113.5/tcp/9000"));
    assert_eq!(peers.disconnected(peer, connection(1)), None, "one is left");
    assert_eq!(peers.disconnected(peer, connection(2)), Some(Change::Left));
    assert!(!peers.is_connected(peer));
}

#[test]
fn strangers_and_those_who_never_listen_are_useless() {
    let mut peers = Peers::default();
    let (stranger, deaf, unknown) = (peer(), peer(), peer());
    for (n, peer) in [stranger, deaf, unknown].into_iter().enumerate() {
        peers.connected(peer, connection(n), &accepted("/ip4/203.0.113.5/tcp/1"));
    }
    let good = neighbour(&mut peers, 9, &accepted("/ip4/203.0.113.5/tcp/1"));
    peers.introduced(stranger, &introduction("other/1", false));
    peers.introduced(deaf, &introduction("kofo/1", true));
    let now = Instant::now();
    assert_eq!(peers.useless(now), [stranger]);
    let mut later = peers.useless(now + DEAF);
    later.sort();
    let mut expected = [stranger, deaf];
    expected.sort();
    assert_eq!(later, expected, "and neither {unknown} nor {good}");
}

#[test]
fn idle_connections_are_kept_up_to_a_number_of_each_kind_and_those_of_wanted_peers() {
    let mut peers = Peers::default();
    for n in 0..10 {
        neighbour(&mut peers, n, &accepted("/ip4/203.0.113.5/tcp/1"));
        neighbour(&mut peers, 100 + n, &dialed("/ip4/203.0.113.5/tcp/1"));
    }
    let kept = peers.keep(|_| false, 2, 3);
    let outgoing = kept.iter().filter(|(_, id)| *id >= connection(100)).count();
    assert_eq!((kept.len(), outgoing), (5, 2));
    assert!(peers.keep(|_| false, 2, 3).is_empty(), "no more, and none twice");
    let (gone, id) = kept[0];
    peers.disconnected(gone, id);
    assert_eq!(peers.keep(|_| false, 2, 3).len(), 1, "its place is free again");
    assert_eq!(
        peers.keep(|_| true, 2, 3).len(),
        20 - 6,
        "wanted ones need no place"
    );
}

/// All connections that are to be closed some time from now, if there may be `most` of each kind.
fn surplus(peers: &Peers, after: Duration, most: usize) -> Vec<ConnectionId> {
    peers.surplus(|_| false, Instant::now() + after, most, most)
}

#[test]
fn connections_that_are_neither_kept_nor_used_are_closed_after_a_minute() {
    let mut peers = Peers::default();
    let all: Vec<_> = (0..6)
        .map(|n| neighbour(&mut peers, n, &dialed("/ip4/203.0.113.5/tcp/1")))
        .collect();
    let stranger = peer();
    peers.connected(stranger, connection(9), &dialed("/ip4/203.0.113.5/tcp/1"));
    let (early, late) = (Duration::from_secs(30), Duration::from_secs(61));
    assert!(surplus(&peers, early, 100).is_empty());
    assert_eq!(surplus(&peers, late, 100).len(), 6, "none but of neighbours");
    let kept = peers.keep(|_| false, 2, 0);
    peers.reserved(all[0], true);
    let wanted = |id| id == all[1];
    let now = Instant::now() + late;
    let closed = peers.surplus(wanted, now, 100, 100);
    let stays = |n: usize| n < 2 || kept.contains(&(all[n], connection(n)));
    for n in 0..6 {
        assert_eq!(closed.contains(&connection(n)), !stays(n), "{n}");
    }
    let just_now = Instant::now() + Duration::from_secs(59);
    all.iter().for_each(|peer| peers.used(*peer));
    assert!(peers.surplus(|_| false, just_now, 2, 2).is_empty(), "in use");
}

#[test]
fn the_mesh_leaves_half_of_the_connections_to_others() {
    let mut peers = Peers::default();
    for n in 0..10 {
        neighbour(&mut peers, n, &dialed("/ip4/203.0.113.5/tcp/1"));
        neighbour(&mut peers, 100 + n, &accepted("/ip4/203.0.113.5/tcp/1"));
    }
    assert!(surplus(&peers, Duration::ZERO, 20).is_empty());
    let closed = surplus(&peers, Duration::ZERO, 14);
    let outgoing = closed.iter().filter(|id| **id < connection(100)).count();
    assert_eq!((closed.len(), outgoing), (6, 3), "seven of each kind stay");
    assert_eq!(closed[0], connection(0), "the oldest go first");
}

#[test]
fn what_a_peer_says_of_its_program_is_bounded_and_printable() {
    let (mut peers, peer) = (Peers::default(), peer());
    peers.connected(peer, connection(1), &dialed("/ip4/203.0.113.5/tcp/9000"));
    let long = format!("evil\u{1b}[31m\n{}", "x".repeat(1000));
    peers.introduced(peer, &introduction(&long, true));
    peers.listens(peer);
    let [neighbour] = &peers.neighbours(|_| -3)[..] else {
        panic!("one neighbour")
    };
    let agent = neighbour.agent.as_deref().expect("some");
    assert!(agent.len() == 64 && agent.starts_with("evil[31mxx"), "{agent:?}");
    assert_eq!(neighbour.score, -3);
    assert!(neighbour.outgoing && !neighbour.relayed);
    assert_eq!(neighbour.address, format!("/ip4/203.0.113.5/tcp/9000/p2p/{peer}"));
}

#[test]
fn a_direct_connection_is_shown_before_one_through_a_relay() {
    let (mut peers, relay) = (Peers::default(), peer());
    let circuit = format!("/ip4/203.0.113.5/tcp/1/p2p/{relay}/p2p-circuit");
    let peer = neighbour(&mut peers, 1, &dialed(&circuit));
    assert!(peers.neighbours(|_| 0)[0].relayed);
    peers.connected(peer, connection(2), &accepted("/ip4/203.0.113.7/tcp/2"));
    assert!(!peers.neighbours(|_| 0)[0].relayed);
}

#[test]
fn only_public_addresses_are_worth_telling_to_those_who_are_not_nearby() {
    let address = |text: &str| text.parse::<Multiaddr>().expect("an address");
    for private in [
        "/ip4/127.0.0.1/tcp/1",
        "/ip4/192.168.1.1/tcp/1",
        "/ip4/0.0.0.0/tcp/1",
        "/ip6/::1/tcp/1",
        "/ip6/fe80::1/tcp/1",
        "/dns4/example.org/tcp/1",
    ] {
        assert!(is_private(&address(private)), "{private}");
    }
    for public in ["/ip4/203.0.113.5/udp/1/quic-v1", "/ip6/2001:db8::1/tcp/1"] {
        assert!(!is_private(&address(public)), "{public}");
    }
}
