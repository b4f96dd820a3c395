//! What must be so in every state, and what must be possible.

use crate::chain::{REDEEMS, REFUNDS};
use crate::machine::of;
use crate::world::{Breach, ROLES, SIDES, State, World, who};
use kofo_primitives::ActKind::{Cancel, Lock};
use kofo_primitives::{Role, Side};
use kofo_settlement::{Outcome, Phase};
use stateright::Property;

/// All rules. The ends that must be possible are those of two honest nodes.
pub(crate) fn all(honest: bool) -> Vec<Property<World>> {
    let mut rules = always();
    rules.extend(honest.then(possible).into_iter().flatten());
    rules
}

fn always() -> Vec<Property<World>> {
    vec![
        Property::always(
            "the preimage is not shown with too little time left",
            |_, state: &State| state.breach != Some(Breach::RevealedLate),
        ),
        Property::always(
            "the preimage is not shown before beta is final",
            |_, state: &State| state.breach != Some(Breach::RevealedBeforeBetaWasFinal),
        ),
        Property::always(
            "no refund is sent or mined before its timelock",
            |_, state: &State| state.breach != Some(Breach::RefundedEarly),
        ),
        Property::always("a lock is built once", |_, state: &State| {
            state.breach != Some(Breach::LockedTwice)
        }),
        Property::always("beta is locked only against a final alpha", |_, state: &State| {
            state.breach != Some(Breach::LockedBeforeAlphaWasFinal)
        }),
        Property::always("the machine's own assertions hold", |_, state: &State| {
            state.breach != Some(Breach::MachineFailed)
        }),
        Property::always(
            "nobody who is back in time pays without being paid",
            |_, state: &State| ROLES.into_iter().all(|role| !pays_for_nothing(state, role)),
        ),
        Property::always("who is done is right", |world: &World, state: &State| {
            ROLES.into_iter().all(|role| is_right(world, state, role))
        }),
        Property::always(
            "when nothing more happens both are done and nothing is left locked",
            |world: &World, state: &State| {
                state.breach.is_some() || settled(world, state) || !world.is_over(state)
            },
        ),
    ]
}

fn possible() -> Vec<Property<World>> {
    vec![
        Property::sometimes("both redeem", |world: &World, state: &State| {
            both(world, state, Outcome::Redeemed)
        }),
        Property::sometimes("both refund", |world: &World, state: &State| {
            both(world, state, Outcome::Refunded)
        }),
        Property::sometimes("both abort", |world: &World, state: &State| {
            both(world, state, Outcome::Aborted)
        }),
    ]
}

fn outcome(world: &World, state: &State, role: Role) -> Option<Outcome> {
    match world.machine(role).view(state.nodes[who(role)].swap).phase {
        Phase::Done(outcome) => Some(outcome),
        _ => None,
    }
}

fn both(world: &World, state: &State, wanted: Outcome) -> bool {
    ROLES
        .into_iter()
        .all(|role| outcome(world, state, role) == Some(wanted))
}

const fn sides(role: Role) -> (Side, Side) {
    match role {
        Role::Initiator => (Side::Alpha, Side::Beta),
        Role::Participant => (Side::Beta, Side::Alpha),
    }
}

fn pays_for_nothing(state: &State, role: Role) -> bool {
    let node = &state.nodes[who(role)];
    let (outgoing, incoming) = sides(role);
    let excused = node.late || node.gone;
    !excused && state.is_in_block(outgoing, REDEEMS) && state.is_in_block(incoming, REFUNDS)
}

fn is_right(world: &World, state: &State, role: Role) -> bool {
    let (outgoing, incoming) = sides(role);
    let (ours, theirs) = (&state.chains[of(outgoing)], &state.chains[of(incoming)]);
    let node = &state.nodes[who(role)];
    match outcome(world, state, role) {
        None => true,
        Some(Outcome::Redeemed) => theirs.any_final(REDEEMS, world.depth),
        Some(Outcome::Refunded) => ours.any_final(REFUNDS, world.depth),
        Some(Outcome::Aborted) => {
            let never_sent = !ours.waits(Lock) && !ours.mined(Lock);
            never_sent || ours.is_final(Cancel, world.depth)
        }
        Some(Outcome::Lost) => node.late || node.gone,
    }
}

/// Everybody who is there is done, each lock that is in a block was spent for good, and either the assets changed hands
/// or nobody paid.
fn settled(world: &World, state: &State) -> bool {
    let done = |role: Role| state.nodes[who(role)].gone || world.is_done(state, role);
    // What is left to a node that is gone for good is left to it.
    let gone = state.nodes.iter().any(|node| node.gone);
    let free = |side: Side| {
        let chain = &state.chains[of(side)];
        !chain.mined(Lock) || chain.any_final(REDEEMS, world.depth) || chain.any_final(REFUNDS, world.depth)
    };
    let excused = gone || state.nodes.iter().any(|node| node.late);
    let swapped = SIDES.map(|side| state.is_in_block(side, REDEEMS));
    ROLES.into_iter().all(done)
        && (gone || SIDES.into_iter().all(free))
        && (excused || swapped[0] == swapped[1])
}
