//! What a relay, its neighbours, and who takes its disk can tell.

use super::desk::*;
use super::world::*;
use kofo_primitives::*;
use std::collections::BTreeSet;

/// Two claims went over a line of four relays, were quoted, selected and answered.
fn traded() -> World {
    let mut world = World::line(4);
    for n in [1, 2] {
        let id = world.issue(0, n);
        world.run();
        let quotes = &world.nodes[0].quotes;
        let fulfil = quotes.last().unwrap().fulfil.body.id();
        world.select(0, n, (id, fulfil));
        world.run();
    }
    assert_eq!(world.nodes[0].answers.len(), 2);
    world
}

/// Everything in a text that is 64 hexadecimal digits: keys, ids, digests, halves of signatures.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    words.filter(|word| word.len() >= 64).map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn two_claims_through_one_relay_share_no_key() {
    let world = traded();
    let of = |n: usize| {
        let quote = &world.nodes[0].quotes[n];
        let keys = quote
            .path
            .iter()
            .flat_map(|entry| [entry.hop_key, entry.next_key]);
        keys.chain([quote.fulfil.body.key]).collect::<BTreeSet<_>>()
    };
    assert!(of(0).is_disjoint(&of(1)));
}

#[test]
fn the_dump_of_a_relay_ties_no_two_claims_together() {
    let world = traded();
    let ids = [claim(1).id().to_string(), claim(2).id().to_string()];
    for node in &world.nodes[1..5] {
        let dump = node.relay.dump();
        // By claim: a line that begins with a blank belongs to the one above.
        let mut parts: Vec<String> = Vec::new();
        for line in dump.lines() {
            match parts.last_mut() {
                Some(part) if line.starts_with(' ') => part.push_str(line),
                _ => parts.push(line.to_owned()),
            }
        }
        let of = |id: &String| {
            let text: String = parts.iter().filter(|part| part.contains(id)).cloned().collect();
            names(&text)
        };
        let (one, two) = (of(&ids[0]), of(&ids[1]));
        assert!(one.len() > 10 && two.len() > 10, "the dump holds the claims");
        assert_eq!(one.intersection(&two).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}

#[test]
fn the_dump_of_a_relay_holds_no_base_no_secret_and_no_address() {
    let world = traded();
    for (at, node) in world.nodes.iter().enumerate() {
        for text in [node.relay.dump(), format!("{:?}", node.relay)] {
            for other in 0..world.nodes.len() as u64 {
                for (a, b) in [(at as u64, other), (other, at as u64)] {
                    let base = link_key(a, b, 1).base().to_bytes();
                    assert!(!text.contains(&hex(&base[1..])), "a base of {a} for {b}");
                }
            }
            assert!(!text.contains("Link(") && !text.contains("/ip4") && !text.contains(&hex(&[8; 50])));
            assert!(
                !text.contains(&hex(&[u8::try_from(at).unwrap(); 32])) || at == 0,
                "the dice"
            );
        }
    }
}

#[test]
fn a_dump_knows_pseudonyms_of_this_claim_only() {
    let world = traded();
    let paths = world.nodes[0].quotes.iter().flat_map(|quote| quote.path.clone());
    let public: BTreeSet<_> = paths
        .flat_map(|e| [e.hop_key, e.next_key])
        .map(|k| k.to_string())
        .collect();
    let dump = world.nodes[2].relay.dump();
    let keys = dump.split("NodeId(").skip(1).map(|rest| rest[..64].to_owned());
    let own = [1, 2].map(|n| (claim(n).key, claim(n).seal_key));
    let known: BTreeSet<_> = own
        .iter()
        .flat_map(|(a, b)| [a.to_string(), b.to_string()])
        .collect();
    let quotes = world.nodes[0]
        .quotes
        .iter()
        .map(|q| q.fulfil.body.key.to_string());
    let known: BTreeSet<_> = known.into_iter().chain(quotes).collect();
    for key in keys {
        assert!(public.contains(&key) || known.contains(&key), "{key}");
    }
}

#[test]
fn two_colluding_neighbours_of_a_relay_cannot_match_its_keys() {
    let mut desk = Desk::new(2);
    let claims: Vec<_> = (0..20).map(|n| claim(n).id()).collect();
    // What neighbours 1 and 2 hold: the relay's base for each, hence its pseudonyms on each link.
    let bases = [1, 2].map(|n| link_key(0, n, 1).base());
    let keys =
        |base: &LinkBase| -> BTreeSet<_> { claims.iter().map(|id| base.pseudonym(id).unwrap()).collect() };
    let (by_one, by_two) = (keys(&bases[0]), keys(&bases[1]));
    assert!(by_one.is_disjoint(&by_two));
    // A claim that 1 sends and 2 gets is signed by the key for link 1: 2 sees it, and its base does not give it.
    for n in 0..20 {
        let taken = desk.claim(1, envelope(n, 0, 1)).unwrap();
        let signed_by = taken.forward[0].1.path.last().unwrap().hop_key;
        assert!(by_one.contains(&signed_by));
        let of_two = claims.iter().map(|id| bases[1].pseudonym(id).unwrap());
        assert!(of_two.into_iter().all(|key| key != signed_by));
    }
}

#[test]
fn the_configuration_is_printed_without_its_dice() {
    let text = format!("{:?}", config(0xab));
    assert!(text.contains("fan_out") && !text.contains("171") && !text.contains("dice"));
}
