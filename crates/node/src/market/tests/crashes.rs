//! A node is stopped by every failure of its journal, before and after the disk had it, and goes on from what it has.

use super::fixture::*;
use crate::rpc::types::ClaimState;
use kofo_journal::faulty::{Fault, When};
use kofo_primitives::{Amount, Role, SwapId};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// More syncs than one claim needs on either side.
const SYNCS: u64 = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Wallet,
    Provider,
}

/// One trade in which that sync of that node fails; the node then starts again.
async fn trade(victim: Victim, fault: Fault) {
    let mut street = Street::with(1, vec![provider(20, "16")], |plan| {
        let hit = match victim {
            Victim::Wallet => plan.number == 1,
            Victim::Provider => plan.number == 20,
        };
        if hit {
            plan.fault = Some(fault);
        }
    });
    until("a neighbour", || street.wallet.market.state().links.anybody()).await;
    let made = street.wallet.market.claim(terms()).await;
    let struck = |street: &Street| {
        let node = match victim {
            Victim::Wallet => &street.wallet,
            Victim::Provider => &street.providers[0],
        };
        node.syncs.count() >= fault.at_sync
    };
    let filled = |street: &Street| {
        street
            .wallet
            .claims()
            .iter()
            .any(|c| c.state == ClaimState::Filled)
    };
    let patience = Instant::now() + Duration::from_secs(20);
    while !struck(&street) && !filled(&street) && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The claim or quote, the selection or reservation, the answer: later ones may fall together.
    assert!(struck(&street) || fault.at_sync > 3, "{victim:?} {fault:?}");
    street = restarted(street, victim, fault).await;
    // What was promised before is kept, or was given up; either way the next claim is served.
    let second = street.wallet.claim(terms()).await;
    street.wallet.ends(&second, ClaimState::Filled).await;
    let what = format!("{victim:?} {fault:?} {made:?}");
    let ours = street.wallet.orders(Role::Initiator);
    let theirs = street.providers[0].orders(Role::Participant);
    let unknown = |order: &&SwapId| !theirs.contains(*order);
    assert_eq!(ours.iter().find(unknown), None, "{what}: begun alone");
    let mut given: BTreeMap<_, Amount> = BTreeMap::new();
    for (order, _) in street.wallet.settles.begun() {
        let order = order.as_matched().unwrap();
        let sum = given.entry(order.claim_id()).or_default();
        *sum = sum.checked_add(order.parts().terms.give).unwrap();
    }
    assert!(
        given.values().all(|sum| *sum <= units("1btc")),
        "{what}: {given:?}"
    );
    assert!(given.contains_key(&second), "{what}");
}

/// The street after the victim has started again, with a sound journal: it knows all that it told.
async fn restarted(mut street: Street, victim: Victim, fault: Fault) -> Street {
    match victim {
        Victim::Wallet => {
            let (net, mut plan, settles) = street.wallet.stop().await;
            plan.fault = None;
            let before = settles.drawn();
            street.wallet = Node::start_with(&net, plan, settles);
            // What its provider began by was in the journal before it was sent.
            for (order, _) in street.providers[0].settles.begun() {
                let (hashlock, known) = (order.hashlock(), &street.wallet.selected);
                let told = !before.contains(&hashlock) || known.contains(&hashlock);
                assert!(told, "{fault:?}: a selection left that is not in the journal");
            }
        }
        Victim::Provider => {
            let (net, mut plan, settles) = street.providers.remove(0).stop().await;
            plan.fault = None;
            let came: Vec<_> = street
                .wallet
                .claims()
                .into_iter()
                .flat_map(|c| c.quotes)
                .collect();
            let provider = Node::start_with(&net, plan, settles);
            for quote in came {
                let kept = provider
                    .stands_by
                    .iter()
                    .any(|id| *id.as_bytes() == quote.fulfil.0);
                assert!(kept, "{fault:?}: a quote left that is not in the journal");
            }
            street.providers.push(provider);
        }
    }
    street
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_of_a_journal_begins_a_swap_twice_or_on_one_side_alone() {
    let mut trades = tokio::task::JoinSet::new();
    for victim in [Victim::Wallet, Victim::Provider] {
        for at_sync in 1..=SYNCS {
            for when in [When::Before, When::After] {
                trades.spawn(trade(victim, Fault { at_sync, when }));
            }
        }
    }
    while let Some(traded) = trades.join_next().await {
        traded.unwrap();
    }
}
