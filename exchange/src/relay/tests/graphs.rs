//! Random graphs of honest nodes, with messages in any order and links that break: nobody is ever blamed, and every
//! quote comes home.

use super::world::*;
use crate::wire::LinkRole;
use kofo_primitives::Claim;
use proptest::prelude::*;

/// A connected graph: wallets at 0 and 1, providers at the end, relays between.
fn graph(seed: u64, size: usize, extra: usize) -> World {
    let role = |at| match at {
        0 | 1 => LinkRole::Wallet,
        _ if at + 2 >= size => LinkRole::Provider,
        _ => LinkRole::Relay,
    };
    let roles: Vec<_> = (0..size).map(role).collect();
    let mut world = World::new(&roles, seed);
    let mut edges = std::collections::BTreeSet::new();
    // Wallets do not relay, so everybody hangs on a node that does.
    for at in 3..size {
        let other = 2 + world.draw(at - 2);
        edges.insert((other, at));
    }
    for wallet in [0, 1] {
        for _ in 0..2 {
            let other = 2 + world.draw(size - 2);
            edges.insert((wallet, other));
        }
    }
    for _ in 0..extra {
        let (a, b) = (2 + world.draw(size - 2), 2 + world.draw(size - 2));
        if a != b {
            edges.insert((a.min(b), a.max(b)));
        }
    }
    for (a, b) in edges {
        world.connect(a, b);
    }
    world
}

fn check_homes(world: &World, issued: &[(usize, u64)]) {
    assert_eq!(world.blamed(), Vec::<&Refusal>::new());
    for (wallet, n) in issued {
        let id = claim(*n).id();
        let home = world.nodes[*wallet]
            .quotes
            .iter()
            .filter(|q| q.fulfil.body.claim == id);
        let home: Vec<_> = home.collect();
        assert!(home.iter().all(|quote| World::is_whole(&claim(*n), quote)));
        // Every copy that a provider took was quoted, and every quote is home.
        let providers = world.nodes.iter().filter(|node| node.role == LinkRole::Provider);
        let copies: usize = providers
            .map(|p| p.taken.iter().filter(|r| r.id == id).count())
            .sum();
        assert_eq!(home.len(), copies, "quotes at home");
        assert!(copies > 0, "no provider heard of claim {n}");
    }
}

/// Claim number `n` by the clock of its claimant.
fn timed(world: &World, wallet: usize, n: u64) -> Claim {
    let now_ms = world.clock(wallet);
    Claim {
        created_ms: now_ms,
        expires_ms: now_ms + LIFE,
        ..claim(n)
    }
}

/// Something happens: a link breaks or comes back, an epoch begins, a node is started again, time passes, a quote is
/// selected, a claim is sent again; or, most often, a message arrives.
fn disturb(world: &mut World, cut: &mut Vec<(usize, usize)>, issued: &[(usize, u64, Claim)]) {
    let node = world.draw(world.nodes.len());
    match world.draw(24) {
        0 | 1 if world.links.len() > 3 => {
            let at = world.draw(world.links.len());
            let (link, ends) = world.links.iter().nth(at).map(|(l, e)| (*l, *e)).unwrap();
            world.disconnect(link);
            cut.push(ends);
        }
        2 | 3 => {
            if let Some((a, b)) = cut.pop() {
                world.connect(a, b);
            }
        }
        4 => {
            world.nodes[node].epoch = 2;
            let open: Vec<_> = world.links.iter().map(|(l, e)| (*l, *e)).collect();
            for (link, (a, b)) in open.into_iter().filter(|(_, (a, b))| *a == node || *b == node) {
                world.hello(link, a, b);
            }
        }
        5 => world.restart(node),
        6 if world.draw(3) == 0 => {
            // The skew is for clocks and transit together: with clocks that are as wrong as can be, messages are quick.
            world.run();
            let ms = world.draw(20_000) as u64;
            world.wait(ms);
        }
        7 | 8 => {
            let (wallet, n, claim) = &issued[world.draw(issued.len())];
            let quotes = world.nodes[*wallet].quotes.iter().map(|q| q.fulfil.body.clone());
            let live: Vec<_> = quotes
                .filter(|f| f.claim == claim.id() && f.expires_ms > world.clock(*wallet))
                .collect();
            if let Some(fulfil) = live.get(world.draw(live.len().max(1))) {
                world.select(*wallet, *n, (fulfil.claim, fulfil.id()));
            }
        }
        9 => {
            let (wallet, n, claim) = &issued[world.draw(issued.len())];
            if claim.expires_ms > world.clock(*wallet) {
                world.issue_claim(*wallet, *n, claim.clone());
            }
        }
        _ if !world.under_way.is_empty() => world.step(),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn among_honest_nodes_nobody_is_blamed_and_every_quote_selection_and_answer_arrives(
        seed in any::<u64>(),
        size in 6usize..11,
        extra in 0usize..12,
    ) {
        let mut world = graph(seed, size, extra);
        let issued = [(0, 1), (1, 2), (0, 3)];
        for (wallet, n) in issued {
            world.issue(wallet, n);
        }
        world.run();
        check_homes(&world, &issued);
        for (wallet, n) in issued {
            let id = claim(n).id();
            let quotes = world.nodes[wallet].quotes.iter().filter(|q| q.fulfil.body.claim == id);
            let fulfils: Vec<_> = quotes.map(|q| q.fulfil.body.id()).collect();
            for fulfil in fulfils {
                world.select(wallet, n, (id, fulfil));
            }
        }
        world.run();
        prop_assert_eq!(world.blamed(), Vec::<&Refusal>::new());
        let quotes: usize = world.nodes.iter().map(|node| node.quotes.len()).sum();
        let answers: usize = world.nodes.iter().map(|node| node.answers.len()).sum();
        prop_assert_eq!(answers, quotes);
    }

    #[test]
    fn whatever_breaks_and_comes_back_at_any_moment_no_honest_node_is_blamed(
        seed in any::<u64>(),
        size in 6usize..10,
        extra in 0usize..10,
    ) {
        let mut world = graph(seed, size, extra);
        for at in 0..size {
            // As far as honest clocks may differ.
            world.nodes[at].ahead_ms = world.draw(30_001) as u64;
        }
        let issued = [(0, 1), (1, 2), (0, 3)].map(|(wallet, n)| (wallet, n, timed(&world, wallet, n)));
        for (wallet, n, claim) in &issued {
            world.issue_claim(*wallet, *n, claim.clone());
        }
        let mut cut = Vec::new();
        for _ in 0..400 {
            disturb(&mut world, &mut cut, &issued);
        }
        world.run();
        prop_assert_eq!(world.blamed(), Vec::<&Refusal>::new());
    }

    #[test]
    fn a_claim_never_goes_further_than_it_allows_and_never_round(
        seed in any::<u64>(),
        size in 6usize..11,
        hops in 1u8..8,
    ) {
        let mut world = graph(seed, size, 14);
        let short = Claim { max_hops: hops, ..claim(1) };
        world.issue_claim(0, 1, short);
        world.run();
        prop_assert_eq!(world.blamed(), Vec::<&Refusal>::new());
        for node in &world.nodes {
            prop_assert!(node.taken.len() <= 3);
            for received in &node.taken {
                prop_assert!(received.path.len() <= usize::from(hops));
                let keys = received.path.entries().iter().map(|entry| entry.hop_key);
                let distinct: std::collections::BTreeSet<_> = keys.collect();
                prop_assert_eq!(distinct.len(), received.path.len());
            }
        }
    }
}

/// Fifty nodes, each of which opened links to four others; five quote, fifteen drop whatever they get.
fn with_droppers(seed: u64) -> World {
    let role = |at| match at {
        0 => LinkRole::Wallet,
        1..=5 => LinkRole::Provider,
        _ => LinkRole::Relay,
    };
    let roles: Vec<_> = (0..50).map(role).collect();
    let mut world = World::new(&roles, seed);
    for at in 0..50 {
        let mut opened = std::collections::BTreeSet::new();
        while opened.len() < 4 {
            let other = 1 + world.draw(49);
            if other != at && opened.insert(other) && !world.is_linked(at, other) {
                world.connect(at, other);
            }
        }
    }
    let mut droppers = 0;
    while droppers < 15 {
        let at = 6 + world.draw(44);
        droppers += usize::from(!std::mem::replace(&mut world.nodes[at].drops, true));
    }
    world
}

#[test]
fn three_of_ten_nodes_that_drop_everything_stop_no_more_than_one_claim_in_twenty() {
    let mut quoted = 0;
    for seed in 0..4 {
        let mut world = with_droppers(seed);
        for n in 0..10 {
            world.issue(0, n);
            world.run();
            let claim = claim(n).id();
            quoted += usize::from(world.nodes[0].quotes.iter().any(|q| q.fulfil.body.claim == claim));
        }
        assert_eq!(world.blamed(), Vec::<&Refusal>::new());
    }
    assert!(quoted >= 38, "{quoted} of 40 claims were quoted");
}
