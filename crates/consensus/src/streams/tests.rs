use super::*;
use crate::parts::cut;
use crate::peer_key::some_peer;
use kofo_primitives::{ValidatorKey, VoteSignature};

const MOST: usize = 3 * CHUNK;

fn head(payload: &[u8]) -> Head {
    Head {
        height: 7,
        round: 0,
        proposer: ValidatorKey::new([1; 33]),
        id: [3; 32],
        size: u32::try_from(payload.len()).unwrap(),
        hash: payload_hash(payload),
        signature: VoteSignature::new([0; 64]),
    }
}

fn streams() -> Streams {
    let mut streams = Streams::new(MOST);
    streams.at_height(7);
    streams
}

fn send(
    streams: &mut Streams,
    peer: PeerId,
    parts: impl IntoIterator<Item = (u64, Part)>,
) -> Vec<(Head, Vec<u8>)> {
    let name = || (peer, vec![1]);
    let got = parts
        .into_iter()
        .map(|(place, part)| streams.add(name(), place, part, |_| true));
    got.flatten().collect()
}

fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[test]
fn a_payload_of_any_length_arrives_in_whatever_order_its_parts_come() {
    for length in [0, 1, CHUNK, CHUNK + 1, MOST] {
        let payload = payload(length);
        let parts: Vec<_> = (0..).zip(cut(&head(&payload), &payload)).collect();
        let whole = vec![(head(&payload), payload.clone())];
        assert!(
            send(&mut streams(), some_peer(1), parts.clone()) == whole,
            "{length}"
        );
        let backwards = parts.into_iter().rev();
        assert!(send(&mut streams(), some_peer(1), backwards) == whole, "{length}");
    }
}

#[test]
fn a_payload_with_a_changed_byte_or_a_part_of_another_never_arrives() {
    let whole = payload(CHUNK + 5);
    let parts = cut(&head(&whole), &whole);
    let mut changed = parts.clone();
    let Part::Next(chunk) = &mut changed[1] else {
        panic!("the second part is a chunk");
    };
    chunk[0] ^= 1;
    assert!(send(&mut streams(), some_peer(1), (0..).zip(changed)).is_empty());
    let longer = [(0, parts[0].clone()), (1, Part::Next(vec![0; 6]))];
    assert!(send(&mut streams(), some_peer(1), longer).is_empty());
    let mut two = streams();
    assert!(send(&mut two, some_peer(1), [(0, parts[0].clone())]).is_empty());
    assert!(send(&mut two, some_peer(2), [(1, parts[1].clone())]).is_empty());
}

#[test]
fn what_is_not_admitted_or_too_long_is_dropped_with_all_that_came_of_it() {
    let whole = payload(CHUNK + 5);
    let parts = cut(&head(&whole), &whole);
    let (mut streams, peer) = (streams(), some_peer(1));
    let name = || (peer, vec![1]);
    assert!(streams.add(name(), 1, parts[1].clone(), |_| true).is_none());
    assert!(streams.add(name(), 0, parts[0].clone(), |_| false).is_none());
    assert!(streams.streams.is_empty());
    let mut long = head(&whole);
    long.size = u32::try_from(MOST + 1).unwrap();
    let chunk = vec![0; CHUNK];
    let asked = |_: &Head| panic!("nobody asks for what is too long");
    assert!(streams.add(name(), 0, Part::First(long, chunk), asked).is_none());
    for place in [4, u64::MAX] {
        assert!(
            streams
                .add(name(), place, Part::Next(vec![1]), |_| true)
                .is_none()
        );
    }
    assert!(streams.streams.is_empty());
}

#[test]
fn a_peer_that_sends_without_end_loses_its_own_and_takes_no_more_than_its_share() {
    let mut streams = streams();
    let whole = payload(CHUNK + 5);
    let parts = cut(&head(&whole), &whole);
    let (honest, greedy) = (some_peer(1), some_peer(2));
    assert!(send(&mut streams, honest, [(0, parts[0].clone())]).is_empty());
    for n in 0..200u8 {
        for place in 1..3 {
            let name = (greedy, vec![n]);
            assert_eq!(
                streams.add(name, place, Part::Next(vec![1; CHUNK]), |_| true),
                None
            );
        }
        assert!(streams.of(greedy).count() <= STREAMS_PER_PEER);
    }
    assert_eq!(send(&mut streams, honest, [(1, parts[1].clone())]).len(), 1);
}

#[test]
fn many_peers_together_are_bounded_too_and_the_honest_one_is_not_the_first_to_lose() {
    let mut streams = streams();
    let whole = payload(CHUNK + 5);
    let parts = cut(&head(&whole), &whole);
    let honest = some_peer(1);
    assert!(send(&mut streams, honest, [(0, parts[0].clone())]).is_empty());
    let most = (MOST + STREAM_BYTES) * PAYLOADS_IN_ALL;
    for n in 3..63 {
        let greedy = some_peer(n);
        for place in 1..3 {
            let name = (greedy, vec![1]);
            assert_eq!(
                streams.add(name, place, Part::Next(vec![1; CHUNK]), |_| true),
                None
            );
        }
        assert!(streams.bytes() <= most);
    }
    assert_eq!(send(&mut streams, honest, [(1, parts[1].clone())]).len(), 1);
}

#[test]
fn what_is_of_a_height_that_is_over_goes() {
    let whole = payload(CHUNK + 5);
    let parts = cut(&head(&whole), &whole);
    let mut streams = streams();
    let (with_head, without) = (some_peer(1), some_peer(2));
    send(&mut streams, with_head, [(0, parts[0].clone())]);
    send(&mut streams, without, [(1, parts[1].clone())]);
    streams.at_height(8);
    assert_eq!(
        streams.streams.keys().map(|(peer, _)| *peer).collect::<Vec<_>>(),
        [without]
    );
    streams.at_height(9);
    assert!(streams.streams.is_empty());
}
