//! How far claims spread, and how much a relay holds.

use super::desk::*;
use super::world::*;
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;

fn links(forward: &[(Link, ClaimEnvelope)]) -> Vec<u64> {
    let mut links: Vec<_> = forward.iter().map(|(link, _)| link.0).collect();
    links.sort_unstable();
    links
}

#[test]
fn a_copy_goes_to_four_neighbours_and_never_back_or_twice_to_one() {
    let mut desk = Desk::new(12);
    let mut told = Vec::new();
    for from in 1..=3 {
        let taken = desk.claim(from, envelope(1, 1, from)).unwrap();
        assert_eq!(taken.first, from == 1);
        let to = links(&taken.forward);
        assert!(to.len() <= 4 && !to.contains(&from));
        told.extend(to);
    }
    let mut once = told.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), told.len(), "one neighbour was told twice");
    assert!(told.len() >= 9, "{told:?}");
}

#[test]
fn three_copies_are_passed_on_and_the_fourth_is_refused_without_blame() {
    let mut desk = Desk::new(12);
    for from in 1..=3 {
        desk.claim(from, envelope(1, 1, from)).unwrap();
    }
    assert_eq!(
        desk.refused(4, envelope(1, 1, 4)),
        (ClaimRefused::Copies(3), None)
    );
}

#[test]
fn wallets_are_sent_no_claims() {
    let mut desk = Desk::new(1);
    for n in 2..=6 {
        desk.link(n, n, LinkRole::Wallet);
    }
    desk.link(7, 7, LinkRole::Provider);
    let taken = desk.claim(1, envelope(1, 0, 1)).unwrap();
    assert_eq!(links(&taken.forward), [7]);
    assert!(desk.relay.greet(Link(2), NOW).is_empty());
}

#[test]
fn three_of_four_go_by_weight_and_one_by_chance() {
    let mut by_chance = std::collections::BTreeSet::new();
    for n in 0..40 {
        let mut desk = Desk::new(12);
        for best in [4, 7, 9] {
            desk.relay.rate(Link(best), 100);
        }
        let to = links(&desk.claim(1, envelope(n, 0, 1)).unwrap().forward);
        assert!([4, 7, 9].iter().all(|best| to.contains(best)), "{to:?}");
        assert_eq!(to.len(), 4);
        by_chance.extend(to.into_iter().filter(|link| ![4, 7, 9].contains(link)));
    }
    assert!(by_chance.len() >= 6, "{by_chance:?}");
}

#[test]
fn who_does_not_know_the_dice_cannot_foresee_the_choice() {
    let to = |dice| {
        let mut desk = Desk::with(config(dice), 12);
        let chosen = (0..8).map(|n| links(&desk.claim(1, envelope(n, 0, 1)).unwrap().forward));
        chosen.collect::<Vec<_>>()
    };
    assert_eq!(to(1), to(1));
    assert_ne!(to(1), to(2));
}

#[test]
fn what_is_passed_on_is_a_path_that_names_each_successor() {
    let mut desk = Desk::new(5);
    let taken = desk.claim(1, envelope(1, 2, 1)).unwrap();
    let id = taken.received.id;
    assert_eq!(taken.forward.len(), 4);
    for (link, envelope) in taken.forward {
        let successor = link_key(link.0, 0, 1).base().pseudonym(&id).unwrap();
        let path = Path::received(&envelope.claim, &id, envelope.path, &successor).unwrap();
        assert_eq!(path.len(), 5);
        let ours = &path.entries()[4];
        assert_eq!((ours.hop_key, &ours.bid, ours.payee), (us(1, &id), &None, None));
    }
}

#[test]
fn the_last_hop_that_a_claim_allows_takes_it_and_passes_it_to_nobody() {
    let mut desk = Desk::new(3);
    let short = Claim {
        max_hops: 4,
        ..claim(1)
    };
    let taken = desk.claim(1, envelope_of(short.clone(), 1, 1)).unwrap();
    assert_eq!(taken.forward.len(), 2);
    let mut desk = Desk::new(3);
    let taken = desk.claim(1, envelope_of(short.clone(), 2, 1)).unwrap();
    assert!(taken.forward.is_empty());
    assert!(desk.relay.greet(Link(3), NOW).is_empty());
    let (why, blame) = Desk::new(3).refused(1, envelope_of(short, 3, 1));
    let length = PathError::Length { got: 5, most: 4 };
    assert_eq!((why, blame), (length.into(), Some(Blame::Path)));
}

fn small() -> RelayConfig {
    RelayConfig {
        max_claims: 6,
        max_claims_per_link: 4,
        ..config(1)
    }
}

#[test]
fn a_neighbour_has_a_bounded_share_and_the_others_theirs() {
    let mut desk = Desk::with(small(), 2);
    for n in 0..4 {
        desk.claim(1, envelope(n, 0, 1)).unwrap();
    }
    assert_eq!(
        desk.refused(1, envelope(4, 0, 1)),
        (ClaimRefused::LinkFull(4), Some(Blame::Flood))
    );
    assert!(desk.claim(2, envelope(4, 0, 2)).is_ok());
}

#[test]
fn who_keeps_to_the_bounds_sends_a_neighbour_half_of_what_it_may() {
    let mut desk = Desk::with(small(), 2);
    let sent = |n| desk.claim(1, envelope(n, 0, 1)).unwrap().forward.len();
    assert_eq!((0..4).map(sent).collect::<Vec<_>>(), [1, 1, 0, 0]);
}

#[test]
fn a_full_relay_refuses_what_is_new_and_keeps_what_lives() {
    let mut desk = Desk::with(small(), 3);
    for n in 0..6 {
        let from = n % 3 + 1;
        desk.claim(from, envelope(n, 0, from)).unwrap();
    }
    assert_eq!(desk.refused(1, envelope(6, 0, 1)), (ClaimRefused::Full(6), None));
    assert!(desk.relay.dump().contains(&claim(0).id().to_string()));
    // A further copy of what is held takes no new place.
    assert!(desk.claim(2, envelope(0, 0, 2)).is_ok());
}

#[test]
fn cancels_of_claims_that_nobody_saw_leave_room_for_those_that_matter() {
    let mut desk = Desk::with(small(), 3);
    let cancel = |n: u64| {
        let cancel = Cancel {
            version: 1,
            network: claim(n).network,
            claim: claim(n).id(),
            key: claim_key(n).id(),
            expires_ms: NOW + LIFE,
        };
        cancel.sign(&claim_key(n))
    };
    desk.claim(1, envelope(1, 0, 1)).unwrap();
    for n in 10..13 {
        assert_eq!(desk.relay.cancel(&cancel(n), NOW), Ok(true));
    }
    assert_eq!(desk.relay.cancel(&cancel(13), NOW), Err(CancelRefused::Full(3)));
    assert_eq!(desk.relay.cancel(&cancel(1), NOW), Ok(true));
    assert_eq!(desk.relay.statistics().cancelled, 4);
}

#[test]
fn what_expires_makes_room_and_nothing_is_left_of_it() {
    let mut desk = Desk::with(small(), 3);
    for round in 0..10 {
        let now = NOW + round * 1_000_000;
        for n in 0..6 {
            let (number, from) = (round * 6 + n, n % 3 + 1);
            let later = Claim {
                created_ms: now,
                expires_ms: now + LIFE,
                ..claim(number)
            };
            let envelope = envelope_of(later, 0, from);
            desk.relay.claim(Link(from), envelope, now).unwrap();
        }
        desk.relay.expire(now + LIFE + SKEW);
        assert_eq!(desk.relay.statistics().claims, 6);
        desk.relay.expire(now + LIFE + SKEW + 1);
        let held: Vec<_> = desk.relay.statistics().links.iter().map(|l| l.held).collect();
        assert_eq!((desk.relay.statistics().claims, held), (0, vec![0, 0, 0]));
        desk.relay.expire(now + 999_999);
        assert_eq!(desk.relay.statistics().seen, 0);
    }
}

#[test]
fn a_flood_of_valid_claims_leaves_memory_bounded_and_others_room() {
    let config = RelayConfig {
        max_claims: 100,
        max_claims_per_link: 20,
        ..config(1)
    };
    let mut desk = Desk::with(config, 3);
    let flood = (0..200).map(|n| desk.claim(1, envelope(n, 0, 1)));
    assert_eq!(flood.filter(Result::is_ok).count(), 20);
    for n in 200..210 {
        desk.claim(2, envelope(n, 0, 2)).unwrap();
    }
    assert_eq!(desk.relay.statistics().claims, 30);
}

/// What the claim with the longest parts takes up, counted from above: every vector full, every text as long as it may
/// be, and as much again for the maps that point to it.
#[test]
fn no_claim_takes_up_more_memory_than_is_stated() {
    use crate::relay::held::{Copied, Held, MAX_ROUTES, Route};
    let entry = size_of::<HopEntry>() + 33 + 128;
    let copy = size_of::<Copied>() + usize::from(MAX_HOPS) * entry;
    let longest = "a".repeat(300);
    let texts = 6 * longest.len();
    // A vector of four grows to no more than it needs, one of 32 neither.
    let routes = MAX_ROUTES * size_of::<Route>();
    let copies = 4 * size_of::<Copied>() + 3 * (copy - size_of::<Copied>());
    let held = size_of::<Held>() + size_of::<ClaimId>() + texts + copies + routes;
    assert!(held <= MAX_CLAIM_BYTES, "{held} bytes");
    assert!(AssetId::new(&longest).is_err() && NetworkId::new(&longest).is_err());
}

#[test]
fn quotes_of_one_claim_are_bounded_and_one_neighbour_cannot_have_them_all() {
    let config = RelayConfig {
        max_quotes_per_claim: 4,
        ..config(1)
    };
    let mut desk = Desk::with(config, 4);
    let forward = desk.claim(1, envelope(1, 0, 1)).unwrap().forward;
    let mut quote = |from: usize, n: u64| {
        let (link, envelope) = &forward[from];
        let path = envelope.path.clone();
        let fulfil = fulfil(
            claim(1).id(),
            path.last().unwrap().digest(),
            &key("q", &[from as u64, n]),
        );
        let returns = Vec::new();
        let envelope = FulfilEnvelope {
            fulfil,
            path,
            returns,
        };
        desk.relay
            .fulfil(*link, envelope, NOW)
            .map_err(|e| (e.blame(), e))
    };
    assert!(quote(0, 0).is_ok() && quote(0, 1).is_ok());
    assert_eq!(quote(0, 2), Err((None, FulfilRefused::Enough(2))));
    assert!(quote(1, 0).is_ok() && quote(2, 0).is_ok());
    assert_eq!(quote(2, 1), Err((None, FulfilRefused::Enough(4))));
}
