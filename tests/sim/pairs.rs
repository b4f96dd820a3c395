//! Every ordered pair of assets: both redeem, or both get back their own.

use kofo_settlement::{Outcome, Phase};
use kofo_tests::sim::{ASSETS, Death, Who, World};

fn each_pair(job: impl Fn(&str, &str)) {
    for give in ASSETS {
        for want in ASSETS {
            if give != want {
                job(give, want);
            }
        }
    }
}

fn agreed(give: &str, want: &str) -> World {
    World::agreed(&[give], &[want], [Death::Never; 2])
}

#[test]
fn both_redeem_for_every_ordered_pair() {
    each_pair(|give, want| {
        let mut world = agreed(give, want);
        assert!(world.until(World::over), "{give} for {want}");
        for who in [Who::Initiator, Who::Participant] {
            assert_eq!(
                world.outcome(who),
                Some(Outcome::Redeemed),
                "{who:?}, {give} for {want}: {:?}",
                world.failure(who)
            );
        }
        world.check(&[give], &[want], true);
    });
}

#[test]
fn the_participant_vanishes_and_the_initiator_refunds_for_every_ordered_pair() {
    each_pair(|give, want| {
        let mut world = agreed(give, want);
        world.away(Who::Participant);
        assert!(world.until(World::over), "{give} for {want}");
        assert_eq!(
            world.outcome(Who::Initiator),
            Some(Outcome::Refunded),
            "{give} for {want}"
        );
        world.check(&[give], &[want], false);
    });
}

#[test]
fn the_initiator_vanishes_after_both_locks_and_both_refund_for_every_ordered_pair() {
    each_pair(|give, want| {
        let mut world = agreed(give, want);
        // The initiator's last word: its lock. It never sees the participant's.
        assert!(world.until(|w| w.phase(Who::Participant) >= Some(Phase::LockBuilt)));
        world.away(Who::Initiator);
        assert!(world.until(World::over), "{give} for {want}");
        assert_eq!(
            world.outcome(Who::Participant),
            Some(Outcome::Refunded),
            "{give} for {want}"
        );
        world.back(Who::Initiator);
        assert!(world.until(World::over), "{give} for {want}");
        assert_eq!(
            world.outcome(Who::Initiator),
            Some(Outcome::Refunded),
            "{give} for {want}"
        );
        world.check(&[give], &[want], false);
    });
}

#[test]
fn the_participant_vanishes_after_both_locks_and_comes_back_in_time_to_redeem() {
    each_pair(|give, want| {
        let mut world = agreed(give, want);
        assert!(world.until(|w| w.phase(Who::Participant) >= Some(Phase::LockSent)));
        world.away(Who::Participant);
        assert!(world.until(World::over), "{give} for {want}");
        assert_eq!(world.outcome(Who::Initiator), Some(Outcome::Redeemed));
        world.back(Who::Participant);
        assert!(world.until(World::over), "{give} for {want}");
        assert_eq!(
            world.outcome(Who::Participant),
            Some(Outcome::Redeemed),
            "{give} for {want}"
        );
        world.check(&[give], &[want], true);
    });
}

#[test]
fn two_legs_are_swapped_for_one() {
    let (give, want) = (["bitcoin.btc", "echoin.ec"], ["ethereum.eth"]);
    let mut world = World::agreed(&give, &want, [Death::Never; 2]);
    assert!(world.until(World::over));
    for who in [Who::Initiator, Who::Participant] {
        assert_eq!(world.outcome(who), Some(Outcome::Redeemed), "{who:?}");
    }
    world.check(&give, &want, true);
}

#[test]
fn two_legs_for_one_are_both_taken_back_when_the_participant_vanishes() {
    let (give, want) = (["bitcoin.btc", "echoin.ec"], ["ethereum.eth"]);
    let mut world = World::agreed(&give, &want, [Death::Never; 2]);
    world.away(Who::Participant);
    assert!(world.until(World::over));
    assert_eq!(world.outcome(Who::Initiator), Some(Outcome::Refunded));
    world.check(&give, &want, false);
}
