//! Towers: an owner goes off for good and ends with its own asset or the other one all the same, and nobody gains by
//! what a tower knows.

use kofo_journal::faulty::{Fault, When};
use kofo_node::towers::Due;
use kofo_primitives::{LegId, Side, encode};
use kofo_settlement::{Outcome, Phase};
use kofo_sim::{Dropped, SimChain};
use kofo_tests::sim::{Death, Guarded, Habit, Who, World, asset};

const GIVE: [&str; 1] = ["bitcoin.btc"];
const WANT: [&str; 1] = ["ethereum.eth"];
const HONEST: (Habit, Option<Fault>) = (Habit::Honest, None);
const REFUND: Due = Due {
    refund: true,
    redeem: false,
};
const BOTH: Due = Due {
    refund: true,
    redeem: true,
};

const fn beta() -> LegId {
    LegId::first(Side::Beta)
}

fn guarded(towers: &[(Habit, Option<Fault>)]) -> Guarded {
    Guarded::new(World::agreed(&GIVE, &WANT, [Death::Never; 2]), towers)
}

/// What was agreed changed hands, or nothing did.
fn balances(guarded: &Guarded) -> Result<bool, String> {
    let books = |swapped| guarded.world.books(&GIVE, &WANT, swapped).map(|()| swapped);
    books(true).or_else(|_| books(false))
}

/// Everything is over for those who are there, and nothing is locked.
fn ends(guarded: &mut Guarded) -> Result<bool, String> {
    if !guarded.until(|g| g.world.over() && g.nothing_is_locked()) {
        return Err("something stays locked".to_owned());
    }
    balances(guarded)
}

/// The owner goes off for good so many steps after its towers have what it can give at first. `None` when the swap was
/// over before.
fn leaves(who: Who, steps: u64, towers: &[(Habit, Option<Fault>)]) -> Option<Guarded> {
    let mut guarded = guarded(towers);
    assert!(guarded.until(|g| !g.given(who).is_nothing() || g.world.over()));
    (0..steps).for_each(|_| guarded.step());
    if guarded.world.outcome(who).is_some() {
        return None;
    }
    guarded.world.away(who);
    Some(guarded)
}

#[test]
fn a_participant_that_goes_for_good_after_any_of_its_steps_loses_nothing() {
    let mut tried = 0;
    while let Some(mut guarded) = leaves(Who::Participant, tried, &[HONEST]) {
        let swapped = ends(&mut guarded);
        assert_eq!(swapped, Ok(true), "gone after {tried} steps: the tower redeems");
        tried += 1;
    }
    assert!(tried >= 2, "only {tried} steps");
}

#[test]
fn an_initiator_that_goes_for_good_after_any_of_its_steps_loses_nothing() {
    let (mut tried, mut refunded) = (0, 0);
    while let Some(mut guarded) = leaves(Who::Initiator, tried, &[HONEST]) {
        let swapped = ends(&mut guarded);
        refunded += u64::from(swapped == Ok(false));
        assert!(swapped.is_ok(), "gone after {tried} steps: {swapped:?}");
        tried += 1;
    }
    assert!(tried >= 3, "only {tried} steps");
    assert!(refunded > 0, "before the reveal the tower takes the lock back");
}

#[test]
fn when_both_go_for_good_after_their_locks_their_towers_refund_both() {
    let mut guarded = guarded(&[HONEST]);
    // No node of beta's chain takes the redeem: the preimage stays unknown.
    assert!(guarded.until(|g| g.given(Who::Participant) == BOTH || g.given(Who::Participant) == REFUND));
    let reveals = guarded.world.phase(Who::Initiator) >= Some(Phase::Redeeming);
    guarded.world.away(Who::Initiator);
    guarded.world.away(Who::Participant);
    assert!(guarded.until(Guarded::nothing_is_locked));
    assert_eq!(balances(&guarded), Ok(reveals));
}

#[test]
fn a_tower_that_dies_at_any_sync_of_its_journal_redeems_all_the_same() {
    let mut undisturbed = leaves(Who::Participant, 0, &[HONEST]).unwrap();
    assert_eq!(ends(&mut undisturbed), Ok(true));
    assert!(
        undisturbed.until(|g| g.towers[0].watches() == 0),
        "all is forgotten in the end"
    );
    let syncs = undisturbed.towers[0].syncs();
    assert!(syncs >= 4, "packages, preimage, redeem, end: {syncs}");
    let mut left = 0;
    for at_sync in 1..=syncs {
        for when in [When::Before, When::After] {
            let fault = Fault { at_sync, when };
            // What a dying tower has not acknowledged is no reason to leave.
            let Some(mut guarded) = leaves(Who::Participant, 0, &[(Habit::Honest, Some(fault))]) else {
                continue;
            };
            left += 1;
            assert_eq!(ends(&mut guarded), Ok(true), "{fault:?}");
            assert!(guarded.until(|g| g.towers[0].watches() == 0), "{fault:?}");
            assert_eq!(guarded.towers[0].deaths, 1, "{fault:?} was never reached");
        }
    }
    assert!(left > syncs, "{left} of {} crashes", 2 * syncs);
}

#[test]
fn two_towers_and_the_owner_all_act_and_one_of_them_wins() {
    for who in Who::BOTH {
        // The owner's own acts are stuck for some blocks, so that its towers lose patience.
        let mut guarded = guarded(&[HONEST, HONEST]);
        assert!(guarded.until(|g| !g.given(who).is_nothing()));
        let chain = other_chain(&guarded, who);
        for _ in 0..12 {
            chain.evict_mempool();
            guarded.step();
        }
        assert_eq!(ends(&mut guarded), Ok(true), "{who:?}");
        assert_eq!(guarded.world.outcome(who), Some(Outcome::Redeemed));
    }
}

/// The chain of what this node redeems.
fn other_chain(guarded: &Guarded, who: Who) -> SimChain {
    let name = match who {
        Who::Initiator => WANT[0],
        Who::Participant => GIVE[0],
    };
    guarded.world.chains[&asset(name).chain()].clone()
}

#[test]
fn a_tower_that_only_says_that_it_keeps_a_swap_harms_nobody_who_is_there() {
    let idle = [(Habit::Idle, None)];
    let mut both_stay = guarded(&idle);
    assert_eq!(ends(&mut both_stay), Ok(true));
    // The participant's own refund works.
    let mut alone = leaves(Who::Initiator, 0, &idle).unwrap();
    assert!(alone.until(|g| g.world.over()));
    assert!(alone.world.outcome(Who::Participant) != Some(Outcome::Lost));
    alone.world.back(Who::Initiator);
    assert!(ends(&mut alone).is_ok());
}

#[test]
fn a_redeem_that_a_reorg_takes_away_is_brought_again_by_the_tower() {
    let mut guarded = leaves(Who::Participant, 0, &[HONEST]).unwrap();
    let chain = other_chain(&guarded, Who::Participant);
    let alpha = asset(GIVE[0]);
    let locked = |g: &Guarded| g.world.chains[&alpha.chain()].locked(&alpha).units() > 0;
    assert!(guarded.until(|g| !locked(g)), "the tower redeems");
    chain.reorg(1, Dropped::Vanish);
    assert!(locked(&guarded));
    assert_eq!(ends(&mut guarded), Ok(true));
}

#[test]
fn no_package_has_a_preimage_in_it_and_an_initiators_redeem_is_given_only_after_the_reveal() {
    let mut guarded = guarded(&[HONEST]);
    let revealed = |g: &Guarded| g.world.phase(Who::Initiator) >= Some(Phase::Redeeming);
    let given_too_early = |g: &Guarded| g.given(Who::Initiator).redeem && !revealed(g);
    for _ in 0..60 {
        guarded.step();
        assert!(!given_too_early(&guarded));
    }
    assert!(guarded.world.over());
    let secret = guarded.world.first_preimage();
    assert!(!guarded.packages.is_empty());
    for package in &guarded.packages {
        let bytes = encode(package);
        assert!(!bytes.windows(32).any(|window| window == secret.expose()));
    }
}

/// Both would redeem together, with no preimage on any chain: the initiator told it, and both are gone.
#[test]
fn a_participant_that_was_told_the_preimage_and_goes_for_good_has_alpha_by_its_tower() {
    let mut silent = guarded(&[HONEST]);
    // The initiator goes before it shows the preimage on a chain.
    assert!(silent.until(|g| g.world.sighting(Who::Participant, beta()).is_some()));
    silent.world.away(Who::Initiator);
    assert!(silent.until(|g| g.given(Who::Participant) == BOTH));
    silent.tell_the_participant();
    silent.world.away(Who::Participant);
    let alpha = asset(GIVE[0]);
    let locked = |g: &Guarded| g.world.chains[&alpha.chain()].locked(&alpha).units() > 0;
    let before = silent.world.chains[&alpha.chain()].balance(silent.account(Who::Participant), &alpha);
    assert!(locked(&silent), "the participant itself did nothing any more");
    assert!(silent.until(|g| !locked(g)), "the tower redeems alpha");
    let has = silent.world.chains[&alpha.chain()].balance(silent.account(Who::Participant), &alpha);
    assert!(has > before, "to its owner: {before:?}, {has:?}");
}

#[test]
fn a_tower_redeems_every_leg_of_a_swap_of_many() {
    let (give, want) = (["bitcoin.btc", "ethereum.usdx"], ["echoin.ec", "ethereum.eth"]);
    let world = World::agreed(&give, &want, [Death::Never; 2]);
    let mut guarded = Guarded::new(world, &[HONEST]);
    assert!(guarded.until(|g| g.given(Who::Participant) == BOTH));
    assert_eq!(
        guarded.packages.last().map(|package| package.body.legs.len()),
        Some(4)
    );
    guarded.world.away(Who::Participant);
    assert!(guarded.until(|g| g.world.over() && g.nothing_is_locked()));
    assert_eq!(guarded.world.books(&give, &want, true), Ok(()));
}
