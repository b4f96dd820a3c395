//! Relays that want to be paid: their accounts are for the validators alone, and bound to their entries.

use super::world::*;
use crate::relay::*;
use crate::wire::FulfilEnvelope;
use kofo_primitives::*;

const RELAYS: usize = 3;

fn validators() -> NodeKey {
    key("validators", &[])
}

fn account(at: usize) -> NodeId {
    key("account", &[at as u64]).id()
}

fn payee(at: usize) -> Payee {
    Payee {
        account: account(at),
        validators: validators().id(),
        secret: [u8::try_from(at).unwrap(); 32],
    }
}

fn cleared(n: u64) -> Claim {
    Claim {
        mode: Mode::Cleared,
        fee: FeeTerms::Pool {
            asset: AssetId::new("kofo:test/fee:kofo").unwrap(),
            amount: Amount::new(300_000),
            payer: FeePayer::Claimant,
        },
        ..claim(n)
    }
}

/// A wallet, three relays and a provider in a row; those of `paid` want to be paid.
fn quoted(paid: &[usize], claims: &[Claim]) -> Vec<FulfilEnvelope> {
    let mut world = World::line(RELAYS);
    for at in paid {
        let config = RelayConfig {
            paid: Some(payee(*at)),
            ..config(u8::try_from(*at).unwrap())
        };
        world.nodes[*at].relay = Relay::new(config);
    }
    let links: Vec<_> = world.links.iter().map(|(link, ends)| (*link, *ends)).collect();
    for (link, (a, b)) in links {
        world.hello(link, a, b);
    }
    for (n, claim) in (1..).zip(claims) {
        world.issue_claim(0, n, claim.clone());
    }
    world.run();
    assert_eq!(world.refusals, []);
    let mut quotes = std::mem::take(&mut world.nodes[0].quotes);
    quotes.sort_by_key(|quote| {
        let of = |claim: &Claim| claim.id() == quote.fulfil.body.claim;
        claims.iter().position(of)
    });
    quotes
}

fn opened(quote: &FulfilEnvelope, at: usize) -> Option<HopOpening> {
    let entry = quote
        .returns
        .iter()
        .find(|entry| usize::from(entry.index) == at)?;
    HopOpening::unseal(&quote.fulfil.body.claim, &validators(), entry.opening.as_ref()?).ok()
}

#[test]
fn each_hop_of_a_cleared_claim_opens_to_the_validators_what_its_entry_committed_to() {
    let claim = cleared(1);
    let quotes = quoted(&[1, 2, 3], std::slice::from_ref(&claim));
    assert_eq!(quotes.len(), 1);
    let quote = &quotes[0];
    assert!(World::is_whole(&claim, quote));
    assert_eq!(quote.path[0].payee, None, "nobody is paid for its own claim");
    for at in 1..=RELAYS {
        let opening = opened(quote, at).unwrap();
        assert_eq!(opening.payee, account(at));
        assert_eq!(quote.path[at].payee, Some(opening.commit()));
        let bytes = encode(&(&quote.path, &quote.returns));
        let shown = bytes.windows(32).any(|window| window == account(at).as_bytes());
        assert!(!shown, "the account of hop {at} is seen by all");
    }
}

#[test]
fn two_entries_of_one_relay_share_neither_commitment_nor_sealed_bytes() {
    let quotes = quoted(&[1, 2, 3], &[cleared(1), cleared(2)]);
    for at in 1..=RELAYS {
        assert_ne!(quotes[0].path[at].payee, quotes[1].path[at].payee);
        let sealed = |quote: &FulfilEnvelope| quote.returns[RELAYS - at].opening.clone().unwrap();
        let (one, two) = (sealed(&quotes[0]), sealed(&quotes[1]));
        assert_ne!(one.as_slice()[..32], two.as_slice()[..32]);
    }
}

#[test]
fn a_relay_that_is_not_paid_signs_as_the_others_and_names_nobody() {
    let claim = cleared(1);
    let quotes = quoted(&[1, 3], std::slice::from_ref(&claim));
    let quote = &quotes[0];
    assert!(World::is_whole(&claim, quote));
    assert_eq!((quote.path[2].payee, opened(quote, 2)), (None, None));
    assert!(opened(quote, 1).is_some() && opened(quote, 3).is_some());
}

#[test]
fn a_claim_between_two_alone_is_carried_as_ever_whatever_relays_want() {
    let plain = quoted(&[], &[claim(1)]);
    assert_eq!(quoted(&[1, 2, 3], &[claim(1)]), plain);
    let names = |quote: &FulfilEnvelope| {
        quote.path.iter().any(|entry| entry.payee.is_some())
            || quote.returns.iter().any(|entry| entry.opening.is_some())
    };
    assert!(!names(&plain[0]));
}

#[test]
fn after_a_restart_with_another_secret_an_old_entry_is_left_unopened_and_not_opened_wrongly() {
    let claim = cleared(1);
    let quote = &quoted(&[1, 2, 3], std::slice::from_ref(&claim))[0];
    let id = claim.id();
    let fulfil = quote.fulfil.body.id();
    assert!(payee(2).open(&id, &fulfil, &quote.path[2]).is_some());
    let other = Payee {
        secret: [9; 32],
        ..payee(2)
    };
    assert_eq!(other.open(&id, &fulfil, &quote.path[2]), None);
    assert_eq!(format!("{other:?}"), "Payee(redacted)");
}
