//! Every interleaving of a small world, by the model checker stateright: two nodes, one swap of one leg against one leg,
//! two chains. What decides is the real machine of `kofo-settlement` (`Swap::apply`, `Swap::pending`, `Terms`); what
//! surrounds it (driver, adapters, chains) is a model that follows `docs/protocol/settlement.md`.
//!
//! # What is modelled
//!
//! * **Chains**: each leg's lock, redeem, refund and cancel is nowhere, in the mempool or in a block of some height. A
//!   block takes any choice of what waits that is right; conflicting transactions may wait together. Depth is 1 or 2, and a
//!   reorg of one block puts what it held back into the mempool or makes it vanish (at depth 2 only: a reorg as deep as
//!   the agreed depth is outside of what is promised). A mempool may forget. The chain itself enforces no timelock, so that
//!   an early refund would show.
//! * **Time**: each chain has a clock of its own with few moments: the beginning, the last second of each window, the
//!   first after the last, and the timelock. It moves only with a block.
//! * **Nodes**: what the machine takes is in the journal at once, and only then are its adapters asked for what it owes;
//!   between order and sending anything may happen. Tips count only after all news of their chain, and are forgotten when
//!   a transaction was built. A crash loses tips and orders at any point; the node comes back at any later time, or never.
//! * **Users** may give up at any time.
//! * **Signatures**: a node may ask the other one for what it would like to be signed, whenever it would, any number of times;
//!   the request or the answer may be lost. That nobody answers must not keep anybody from its end.
//! * **Liars**: one party may be no node of ours: it sends whatever its chains take from somebody with its keys, its preimage
//!   and the signatures that it was given, and asks for all of them at any time.
//!
//! # What is assumed
//!
//! Timelocks protect who acts in time; "in time" is what the windows of T1, T5 and T6 give time for:
//!
//! * alpha's timelock comes after beta's;
//! * while the initiator is up, its redeem of beta that was shown in the reveal window is final before beta's timelock;
//! * while the participant is up, its refund of beta or its redeem of alpha is final before alpha's timelock;
//! * an initiator that is up, or back, while the reveal window is open sends what it showed and what was forgotten again
//!   before the window is over;
//! * whoever is down at those moments, and has to do such a thing, is *late*: nothing is promised to it, but
//!   everything still is to the other. So is an initiator that dies between showing the preimage and hearing of it, and comes
//!   back with its window over and the redeem forgotten by all mempools: it cannot know that it was shown;
//! * an adapter tells its own node, if that is up, of a redeem that was taken, whatever mempools forget (promise 4 of the
//!   port; the conformance case `a_redeem_that_our_node_took_…`). Without this the checker finds an initiator that is up all the time and loses: sent in the last moment of the window, seen by the participant,
//!   forgotten, and not sent again because by then the window is over.
//!
//! # What is not
//!
//! Fees and replacements, wrong amounts, several legs, `Failed` events, waiting transactions other than redeems being told, tips that are older
//! than the chain when they are handed over, a clock that goes back. The simulator next door has many of them, by chance
//! instead of exhaustively.
//!
//! `cargo test --release -p kofo-tests --test model -- --include-ignored` explores larger worlds, for minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod chain;
mod machine;
mod node;
mod rules;
mod talk;
mod terms;
mod world;

use kofo_primitives::Role;
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::HashMap;
use terms::Clock::{self, Coarse, Fine};
use world::{Faults, ROLES, State, World, who};

const NONE: Faults = Faults {
    crashes: [0, 0],
    vanish: false,
    reorgs: [0, 0],
    drops: 0,
    give_up: [false, false],
    lag: false,
    slow_signer: false,
    talks: false,
    liar: None,
};

const TALK: Faults = Faults { talks: true, ..NONE };

/// Visits every state of a world: each rule holds in each of them, and each wanted end is reached.
fn explore(depth: u8, clock: Clock, faults: Faults) {
    let checker = World::new(depth, clock, faults)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let world = checker.model();
    let found = checker.discoveries();
    for property in world.properties() {
        let path = found.get(property.name);
        if !property.expectation.discovery_is_failure() {
            assert!(path.is_some(), "never: {}", property.name);
        } else if let Some(path) = path {
            let last = path.last_state();
            let swaps = ROLES.map(|role| world.machine(role).swap(last.nodes[who(role)].swap));
            let steps = path.clone().into_actions();
            let story: String = steps.iter().map(|step| format!("  {step:?}\n")).collect();
            panic!("not so: {}\n{story}{last:?}\n{swaps:#?}", property.name);
        }
    }
    eprintln!(
        "{} states, {} steps, at most {} in a row: depth {depth}, {clock:?}, {faults:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
    );
}

#[test]
fn without_faults_both_redeem_or_both_refund_whatever_the_order_of_things() {
    explore(2, Fine, NONE);
}

#[test]
fn wherever_the_initiator_crashes_nobody_who_is_back_in_time_loses() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [1, 0],
            ..NONE
        },
    );
}

#[test]
fn wherever_the_participant_crashes_nobody_who_is_back_in_time_loses() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [0, 1],
            ..NONE
        },
    );
}

#[test]
fn wherever_the_initiator_vanishes_the_participant_ends_well() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [1, 0],
            vanish: true,
            ..NONE
        },
    );
}

#[test]
fn wherever_the_participant_vanishes_the_initiator_ends_well() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [0, 1],
            vanish: true,
            ..NONE
        },
    );
}

#[test]
fn a_reorg_of_alpha_at_any_moment_harms_nobody() {
    explore(
        2,
        Coarse,
        Faults {
            reorgs: [1, 0],
            ..NONE
        },
    );
}

#[test]
fn a_reorg_of_beta_at_any_moment_harms_nobody() {
    explore(
        2,
        Coarse,
        Faults {
            reorgs: [0, 1],
            ..NONE
        },
    );
}

#[test]
fn a_transaction_that_mempools_forget_at_any_moment_harms_nobody() {
    explore(1, Coarse, Faults { drops: 1, ..NONE });
}

#[test]
fn users_that_give_up_at_any_moment_harm_nobody() {
    explore(
        1,
        Coarse,
        Faults {
            give_up: [true, true],
            ..NONE
        },
    );
}

#[test]
fn nodes_that_sign_for_each_other_end_well_whatever_messages_are_lost() {
    explore(1, Coarse, TALK);
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_whoever_gives_up_and_is_returned_its_lock_loses_nothing() {
    for give_up in [[true, false], [false, true]] {
        explore(1, Coarse, Faults { give_up, ..TALK });
    }
}

#[test]
fn a_participant_that_lies_and_asks_for_everything_takes_nothing_for_nothing() {
    let liar = Some(Role::Participant);
    let give_up = [true, false];
    explore(
        1,
        Coarse,
        Faults {
            liar,
            give_up,
            ..TALK
        },
    );
}

#[test]
fn an_initiator_that_lies_and_asks_for_everything_takes_nothing_for_nothing() {
    let liar = Some(Role::Initiator);
    let give_up = [false, true];
    explore(
        1,
        Coarse,
        Faults {
            liar,
            give_up,
            ..TALK
        },
    );
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_nodes_that_sign_for_each_other_and_crash() {
    for crashes in [[1, 0], [0, 1]] {
        explore(1, Coarse, Faults { crashes, ..TALK });
        explore(
            1,
            Coarse,
            Faults {
                crashes,
                give_up: [true, true],
                ..TALK
            },
        );
    }
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_nodes_that_sign_for_each_other_through_a_reorg() {
    for reorgs in [[1, 0], [0, 1]] {
        explore(
            2,
            Coarse,
            Faults {
                reorgs,
                give_up: [true, true],
                ..TALK
            },
        );
    }
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_a_liar_and_a_node_that_crashes() {
    for (liar, crashes) in [(Role::Participant, [1, 0]), (Role::Initiator, [0, 1])] {
        let give_up = [true, true];
        explore(
            1,
            Coarse,
            Faults {
                liar: Some(liar),
                crashes,
                give_up,
                ..TALK
            },
        );
    }
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_nodes_that_are_any_number_of_blocks_behind() {
    explore(1, Coarse, Faults { lag: true, ..NONE });
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_both_crash() {
    explore(
        1,
        Fine,
        Faults {
            crashes: [1, 1],
            ..NONE
        },
    );
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_the_initiator_crashes_and_mempools_forget() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [1, 0],
            drops: 1,
            ..NONE
        },
    );
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_the_participant_crashes_and_mempools_forget() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [0, 1],
            drops: 1,
            ..NONE
        },
    );
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_a_crash_and_a_reorg_of_each_chain() {
    explore(
        2,
        Coarse,
        Faults {
            crashes: [1, 0],
            reorgs: [1, 1],
            ..NONE
        },
    );
    explore(
        2,
        Coarse,
        Faults {
            crashes: [0, 1],
            reorgs: [1, 1],
            ..NONE
        },
    );
}

#[test]
#[ignore = "takes minutes: just soak"]
fn large_signers_that_take_their_time() {
    explore(
        1,
        Coarse,
        Faults {
            crashes: [1, 0],
            slow_signer: true,
            give_up: [true, false],
            ..NONE
        },
    );
}

/// So every path ends, and that both are done at each end says that both are always done at last.
#[test]
fn no_path_comes_back_to_where_it_was() {
    let world = World::new(
        1,
        Coarse,
        Faults {
            crashes: [1, 0],
            ..NONE
        },
    );
    let mut on_path: HashMap<State, bool> = HashMap::new();
    let mut path: Vec<(State, Vec<State>)> = Vec::new();
    for state in world.init_states() {
        on_path.insert(state.clone(), true);
        path.push((state.clone(), world.next_states(&state)));
    }
    while let Some((state, next)) = path.last_mut() {
        match next.pop() {
            None => {
                on_path.insert(state.clone(), false);
                path.pop();
            }
            Some(next) => match on_path.get(&next) {
                Some(again) => assert!(!again, "for ever: {next:?}"),
                None => {
                    on_path.insert(next.clone(), true);
                    let after = world.next_states(&next);
                    path.push((next, after));
                }
            },
        }
    }
    assert!(on_path.len() > 10_000, "{} states only", on_path.len());
}
