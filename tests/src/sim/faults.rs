//! Swaps under faults that a seed chooses: nodes that die or go away for a while, reorgs shallower than the agreed depth,
//! lost mempools, nodes of chains that refuse or lie about what they took, fees that jump. Whatever happens, the assets
//! change hands or they do not; nobody loses both.

use super::node::{Death, Who};
use super::world::{ASSETS, World};
use kofo_primitives::Amount;
use kofo_settlement::Outcome;
use kofo_sim::Dropped;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A story that ended as none may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed that repeats it.
    pub seed: u64,
    /// What happened, line by line, and what is wrong.
    pub story: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.story)
    }
}

impl std::error::Error for Violation {}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let n = self.roll(u64::try_from(from.len()).unwrap());
        from[usize::try_from(n).unwrap()]
    }
}

/// For how many more steps a node stays away.
type Absence = (Who, u64);

fn one_fault(world: &mut World, dice: &mut Dice, away: &mut Vec<Absence>) -> String {
    let chain = world
        .chains
        .values()
        .nth(usize::try_from(dice.roll(3)).unwrap())
        .unwrap()
        .clone();
    match dice.roll(8) {
        0 | 1 => {
            let who = dice.pick(&Who::BOTH);
            if away.is_empty() {
                // In time: far less than any window.
                let steps = 1 + dice.roll(6);
                world.away(who);
                away.push((who, steps));
            }
            format!("{who:?} goes away")
        }
        2 => {
            let how = dice.pick(&[Dropped::Return, Dropped::Vanish]);
            chain.drop_blocks(1, how);
            chain.mine(2);
            format!("a reorg of one block on {}: {how:?}", chain.id())
        }
        3 => {
            chain.evict_mempool();
            format!("the mempool of {} is lost", chain.id())
        }
        4 => {
            chain.refuse_broadcasts(1 + u32::try_from(dice.roll(5)).unwrap());
            format!("{} refuses", chain.id())
        }
        5 => {
            chain.fail_after_accepting(1 + u32::try_from(dice.roll(3)).unwrap());
            format!("{} takes and says that it did not", chain.id())
        }
        6 => {
            let floor = dice.pick(&[10, 40, 100]);
            chain.set_fee_floor(Amount::new(floor));
            format!("fees on {} are {floor}", chain.id())
        }
        _ => "nothing".into(),
    }
}

/// One swap: what is swapped, who dies where, what happens meanwhile. The story is told as it goes, so that a panic
/// does not swallow it.
fn play(seed: u64, story: &mut Vec<String>) -> Result<(), String> {
    let mut dice = Dice(seed);
    let give = dice.pick(&ASSETS);
    let others: Vec<&str> = ASSETS.into_iter().filter(|asset| *asset != give).collect();
    let want = dice.pick(&others);
    let death = |dice: &mut Dice| {
        if dice.roll(3) == 0 {
            Death::AtEffect(1 + dice.roll(12))
        } else {
            Death::Never
        }
    };
    let deaths = [death(&mut dice), death(&mut dice)];
    story.push(format!("seed {seed}: {give} for {want}, {deaths:?}"));
    let mut world = World::agreed(&[give], &[want], deaths);
    disturb(&mut world, &mut dice, story);
    let outcomes = Who::BOTH.map(|who| world.outcome(who));
    let kept = |o: &Option<Outcome>| matches!(o, Some(Outcome::Refunded | Outcome::Aborted));
    let swapped = outcomes == [Some(Outcome::Redeemed); 2];
    if !swapped && !outcomes.iter().all(kept) {
        let states = Who::BOTH.map(|who| world.state(who));
        return Err(format!("{outcomes:?}\n{states:#?}"));
    }
    let books = world.books(&[give], &[want], swapped);
    books.map_err(|wrong| format!("the books do not balance ({outcomes:?}): {wrong}"))
}

/// Lets time pass, with faults in the first ten minutes, until the swap is over.
fn disturb(world: &mut World, dice: &mut Dice, story: &mut Vec<String>) {
    let mut away: Vec<Absence> = Vec::new();
    for step in 0..600 {
        if dice.roll(4) == 0 && step < 60 {
            let fault = one_fault(world, dice, &mut away);
            story.push(format!("step {step}: {fault}"));
        }
        world.step();
        for (who, left) in &mut away {
            *left -= 1;
            if *left == 0 {
                world.back(*who);
            }
        }
        away.retain(|(_, left)| *left > 0);
        if away.is_empty() && world.over() {
            break;
        }
    }
}

/// Plays the swap of a seed: the same story for the same seed, everywhere.
///
/// # Errors
/// It ended as no swap may, or the program panicked on the way.
pub fn run_seed(seed: u64) -> Result<(), Violation> {
    let mut story = Vec::new();
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, &mut story)));
    let wrong = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("the program panicked: {}", said.unwrap_or("without a word"))
        }
    };
    story.push(wrong);
    Err(Violation {
        seed,
        story: story.join("\n"),
    })
}
