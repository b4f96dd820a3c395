//! A crash at every journal sync and at every effect, of either node, on the way to the redeem and on the way to the
//! refund: the swap ends as if it had not been.

use crate::world::{Death, Who, World};
use kofo_journal::faulty::{Fault, When};
use kofo_settlement::{Outcome, Phase};

const GIVE: [&str; 1] = ["bitcoin.btc"];
const WANT: [&str; 1] = ["ethereum.eth"];

/// Runs a story once without a crash and then with each possible one of this node.
fn with_every_crash(who: Who, story: fn(&mut World)) {
    let mut undisturbed = World::agreed(&GIVE, &WANT, [Death::Never; 2]);
    story(&mut undisturbed);
    let node = &undisturbed.nodes[&who];
    let (syncs, effects) = (node.syncs(), node.effects);
    assert!(syncs > 3 && effects > 5, "a story without steps");
    let at_sync =
        (1..=syncs).flat_map(|at_sync| [When::Before, When::After].map(|when| Fault { at_sync, when }));
    let at_effect = (1..=effects).map(Death::AtEffect);
    let mut died = 0;
    for death in at_sync.map(Death::AtSync).chain(at_effect) {
        let deaths = match who {
            Who::Initiator => [death, Death::Never],
            Who::Participant => [Death::Never, death],
        };
        println!("{who:?} dies: {death:?}");
        let mut world = World::agreed(&GIVE, &WANT, deaths);
        story(&mut world);
        died += world.nodes[&who].deaths;
    }
    assert!(
        died >= effects,
        "{died} deaths of {effects} effects and {syncs} syncs"
    );
}

fn both_redeem(world: &mut World) {
    assert!(world.until(World::over));
    for who in [Who::Initiator, Who::Participant] {
        assert_eq!(world.outcome(who), Some(Outcome::Redeemed), "{who:?}");
    }
    world.check(&GIVE, &WANT, true);
}

fn the_participant_never_comes(world: &mut World) {
    world.away(Who::Participant);
    assert!(world.until(World::over));
    assert_eq!(world.outcome(Who::Initiator), Some(Outcome::Refunded));
    world.check(&GIVE, &WANT, false);
}

fn the_initiator_goes_after_its_lock(world: &mut World) {
    assert!(world.until(|w| w.phase(Who::Participant) >= Some(Phase::LockBuilt)));
    world.away(Who::Initiator);
    assert!(world.until(World::over));
    assert_eq!(world.outcome(Who::Participant), Some(Outcome::Refunded));
    world.back(Who::Initiator);
    assert!(world.until(World::over));
    assert_eq!(world.outcome(Who::Initiator), Some(Outcome::Refunded));
    world.check(&GIVE, &WANT, false);
}

#[test]
fn the_initiator_crashes_anywhere_and_both_redeem() {
    with_every_crash(Who::Initiator, both_redeem);
}

#[test]
fn the_participant_crashes_anywhere_and_both_redeem() {
    with_every_crash(Who::Participant, both_redeem);
}

#[test]
fn the_initiator_crashes_anywhere_on_its_way_to_the_refund() {
    with_every_crash(Who::Initiator, the_participant_never_comes);
}

#[test]
fn the_participant_crashes_anywhere_on_its_way_to_the_refund() {
    with_every_crash(Who::Participant, the_initiator_goes_after_its_lock);
}
