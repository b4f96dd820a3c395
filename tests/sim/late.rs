//! What must not happen late, or on the strength of what is no longer true.

use kofo_primitives::{At, LegId, Side, UnixTime};
use kofo_settlement::{Outcome, Phase};
use kofo_sim::Dropped;
use kofo_tests::sim::{Death, START, Who, World, asset};

const GIVE: [&str; 1] = ["bitcoin.btc"];
const WANT: [&str; 1] = ["ethereum.eth"];

#[test]
fn a_redeem_that_no_node_took_in_time_is_never_sent_and_both_refund() {
    let mut world = World::agreed(&GIVE, &WANT, [Death::Never; 2]);
    let beta = LegId::first(Side::Beta);
    let in_block = |w: &World| {
        w.sighting(Who::Participant, beta)
            .is_some_and(|s| matches!(s.at, At::Block(_)))
    };
    assert!(world.until(in_block));
    // The node of beta's chain is out of order while the initiator wants to reveal, until beta's timelock is over.
    let chain = world.chains[&asset(WANT[0]).chain()].clone();
    chain.refuse_broadcasts(u32::MAX);
    let timelock = world.timelock(beta);
    assert!(timelock > START);
    assert!(
        world.until(|w| w.phase(Who::Initiator) == Some(Phase::Redeeming)),
        "it wanted to"
    );
    assert!(world.until(|_| chain.tip().time >= timelock));
    chain.refuse_broadcasts(0);
    assert!(world.until(World::over));
    for who in [Who::Initiator, Who::Participant] {
        assert_eq!(world.outcome(who), Some(Outcome::Refunded), "{who:?}");
    }
    world.check(&GIVE, &WANT, false);
}

/// Wherever the participant dies before its lock is sent, a reorg takes alpha away while it is down and the initiator
/// is gone: it comes back, believes nothing that it has not been told again, and does not lock.
#[test]
fn the_participant_never_locks_against_an_alpha_that_a_reorg_took_away_while_it_was_down() {
    let mut undisturbed = World::agreed(&GIVE, &WANT, [Death::Never; 2]);
    let first = undisturbed.nodes[&Who::Participant].effects;
    assert!(undisturbed.until(|w| w.phase(Who::Participant) >= Some(Phase::BothLocked)));
    let effects = undisturbed.nodes[&Who::Participant].effects;
    let mut before_its_lock = 0;
    for n in first + 1..=effects {
        let mut world = World::agreed(&GIVE, &WANT, [Death::Never, Death::AtEffect(n)]);
        world.stay_away_after_death();
        let died = world.until(|w| w.nodes[&Who::Participant].away);
        assert!(died, "effect {n}");
        let locked = world.chains[&asset(WANT[0]).chain()].waiting();
        world.away(Who::Initiator);
        let alpha = &world.chains[&asset(GIVE[0]).chain()];
        alpha.drop_blocks(6, Dropped::Vanish);
        alpha.evict_mempool();
        alpha.mine(10);
        world.back(Who::Participant);
        // After its lock, only the agreed depth protects it from a reorg.
        if world.phase(Who::Participant) >= Some(Phase::LockSent) {
            continue;
        }
        before_its_lock += 1;
        assert!(locked.is_empty());
        assert!(world.until(World::over), "effect {n}");
        assert_eq!(
            world.outcome(Who::Participant),
            Some(Outcome::Aborted),
            "effect {n}"
        );
        assert_eq!(world.locks(), 0, "effect {n}: it locked against nothing");
    }
    assert!(before_its_lock > 2, "{before_its_lock} of {effects}");
}

#[test]
fn no_refund_is_in_a_block_before_its_timelock() {
    let mut world = World::agreed(&GIVE, &WANT, [Death::Never; 2]);
    let alpha = LegId::first(Side::Alpha);
    let timelock: UnixTime = world.timelock(alpha);
    world.away(Who::Participant);
    assert!(world.until(World::over));
    let chain = &world.chains[&asset(GIVE[0]).chain()];
    let refund = world.ended_at(Who::Initiator, alpha).expect("refunded");
    assert!(chain.block(refund).unwrap().time >= timelock);
}
