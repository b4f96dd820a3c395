use super::*;
use crate::Identity;

fn address() -> PeerAddress {
    let peer = Identity::generate().peer_id();
    PeerAddress::new(peer, &["/ip4/203.0.113.5/tcp/9000"]).expect("an address")
}

/// Seconds after which errands to one peer start, all of them failing at once, within `seconds`.
fn attempts(wanted: &mut Wanted, seconds: u64) -> Vec<u64> {
    let start = Instant::now();
    (0..seconds)
        .filter(|second| {
            let errands = wanted.errands(start + Duration::from_secs(*second), |_| false);
            // Dropped here: failed.
            !errands.is_empty()
        })
        .collect()
}

#[test]
fn a_wanted_peer_is_dialed_less_and_less_often_and_never_given_up() {
    let mut wanted = Wanted::default();
    wanted.want(address(), false);
    assert_eq!(
        attempts(&mut wanted, 260),
        [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    );
}

#[test]
fn an_attempt_under_way_is_not_made_twice_and_a_neighbour_is_left_alone() {
    let mut wanted = Wanted::default();
    wanted.want(address(), false);
    let now = Instant::now();
    let under_way = wanted.errands(now, |_| false);
    assert_eq!(under_way.len(), 1);
    let later = now + LAST_PAUSE;
    assert!(wanted.errands(later, |_| false).is_empty());
    drop(under_way);
    assert!(wanted.errands(later, |_| true).is_empty(), "it is there");
    assert_eq!(wanted.errands(later, |_| false).len(), 1, "it was lost");
}

#[test]
fn a_circuit_is_asked_for_once_of_each_relay_and_anew_when_it_is_lost() {
    let mut wanted = Wanted::default();
    let (relay, other) = (address(), address());
    wanted.want(relay.clone(), true);
    wanted.want(other, false);
    let now = Instant::now();
    assert!(wanted.circuits(now, |_| false).is_empty(), "it is no relay yet");
    let [(peer, circuit)] = &wanted.circuits(now, |_| true)[..] else {
        panic!("one circuit")
    };
    assert_eq!(*peer, relay.peer());
    assert_eq!(
        circuit.to_string(),
        format!("/ip4/203.0.113.5/tcp/9000/p2p/{peer}/p2p-circuit")
    );
    let listener = ListenerId::next();
    wanted.listening(*peer, listener);
    let later = now + LAST_PAUSE;
    assert!(wanted.circuits(later, |_| true).is_empty());
    wanted.listener_closed(listener);
    assert_eq!(wanted.circuits(later, |_| true).len(), 1);
}

#[test]
fn the_number_of_wanted_peers_is_bounded() {
    let mut wanted = Wanted::default();
    let all: Vec<_> = (0..MAX_WANTED + 1).map(|_| address()).collect();
    for address in &all {
        wanted.want(address.clone(), false);
    }
    let kept = all
        .iter()
        .filter(|address| wanted.contains(address.peer()))
        .count();
    assert_eq!(kept, MAX_WANTED);
}
