//! A crash at every journal sync and at every effect, of either node, on the way to the redeem and on the way to the
//! refund: the swap ends as if it had not been.

use kofo_tests::sim::{Story, TownCrash, Who, crash_points};

const GIVE: [&str; 1] = ["bitcoin.btc"];
const WANT: [&str; 1] = ["ethereum.eth"];

/// Runs a story once without a crash and then with each possible one of this node.
fn with_every_crash(who: Who, story: Story) {
    let points = crash_points(who, story, &GIVE, &WANT).unwrap();
    for point in &points {
        let died = point.survive(&GIVE, &WANT).unwrap();
        assert!(died, "{point:?} was never reached");
    }
}

#[test]
fn the_initiator_crashes_anywhere_and_both_redeem() {
    with_every_crash(Who::Initiator, Story::BothRedeem);
}

#[test]
fn the_participant_crashes_anywhere_and_both_redeem() {
    with_every_crash(Who::Participant, Story::BothRedeem);
}

#[test]
fn the_initiator_crashes_anywhere_on_its_way_to_the_refund() {
    with_every_crash(Who::Initiator, Story::TheParticipantNeverComes);
}

#[test]
fn the_participant_crashes_anywhere_on_its_way_to_the_refund() {
    with_every_crash(Who::Participant, Story::TheInitiatorGoesAfterItsLock);
}

/// Everything that leaves the process counts: what is asked of a chain, and what is said to the other node.
#[test]
fn either_node_dies_at_every_sync_and_at_everything_that_leaves_it_while_both_help_each_other() {
    for (give, want) in [(GIVE[0], WANT[0]), (WANT[0], GIVE[0])] {
        let all = TownCrash::all(give, want).unwrap();
        assert!(all.len() > 100, "{} moments", all.len());
        for crash in all {
            let died = crash.survive().unwrap();
            assert!(died, "{crash:?} was never reached");
        }
    }
}
