//! Swaps under faults that a seed chooses: nodes that die or go away for a while, journals that fail, a network that
//! loses letters, liars, reorgs shallower than the agreed depth, lost mempools, chains that refuse or lie about what they
//! took, that stall or lag, fees that jump, clocks that are wrong. Whatever happens, an honest node ends with its asset
//! or with theirs.

use super::byzantine::some_vice;
use super::dice::Dice;
use super::node::Death;
use super::town::{Bargain, Town, Weather};
use super::world::ASSETS;
use kofo_journal::faulty::{Fault, When};
use kofo_primitives::{Amount, Seconds};
use kofo_sim::Dropped;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Faults come in so many steps from the beginning: as long as a swap is in a hurry.
const HARD_TIMES: u64 = 60;
/// Everything is over by then.
const LONGEST: u64 = 1_500;

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

/// What a seed chose before the first step.
struct Plan {
    players: usize,
    /// All keep to the rules.
    honest: bool,
    depth: u32,
    bargains: Vec<Bargain>,
}

impl Plan {
    fn draw(dice: &mut Dice) -> Self {
        let crowd = dice.one_in(12);
        let players = if crowd { 3 + dice.below(3) } else { 2 };
        let deals = if crowd { 2 + dice.below(3) } else { 1 };
        let depth = dice.pick(&[2, 2, 4]);
        let bargains = (0..deals).map(|nth| bargain(dice, players, nth, depth)).collect();
        Self {
            players,
            honest: !dice.one_in(3),
            depth,
            bargains,
        }
    }
}

fn bargain(dice: &mut Dice, players: usize, nth: usize, depth: u32) -> Bargain {
    let initiator = dice.below(players);
    let participant = (initiator + 1 + dice.below(players - 1)) % players;
    let mut names = ASSETS.to_vec();
    let mut some = |dice: &mut Dice| {
        let count = if dice.one_in(6) { 2 } else { 1 };
        (0..count)
            .map(|_| names.remove(dice.below(names.len())))
            .collect::<Vec<_>>()
    };
    let (give, want) = (some(dice), some(dice));
    Bargain {
        initiator,
        participant,
        give,
        want,
        nth: u8::try_from(nth).unwrap(),
        depth,
    }
}

/// Where a node dies in its next lives.
fn deaths(dice: &mut Dice) -> Vec<Death> {
    let lives = dice.pick(&[0, 0, 0, 1, 1, 2]);
    let death = |dice: &mut Dice| {
        if dice.one_in(2) {
            return Death::AtEffect(1 + dice.roll(14));
        }
        let when = dice.pick(&[When::Before, When::After]);
        let at_sync = 2 + dice.roll(16);
        Death::AtSync(Fault { at_sync, when })
    };
    (0..lives).map(|_| death(dice)).collect()
}

fn weather(dice: &mut Dice) -> Weather {
    let one_in = [0, 0, 2, 6];
    Weather {
        lost: dice.pick(&one_in),
        doubled: dice.pick(&one_in),
        late: dice.pick(&one_in),
    }
}

/// The town of a plan, before anybody starts.
fn set(plan: &Plan, dice: &mut Dice, story: &mut Vec<String>) -> Town {
    let mut town = Town::new(plan.players, &plan.bargains, dice.clone());
    for bargain in &plan.bargains {
        story.push(format!("{bargain:?}"));
    }
    let weather = weather(dice);
    town.weather(weather);
    story.push(format!("{weather:?}"));
    for player in 0..plan.players {
        let doom = deaths(dice);
        town.doom(player, &doom);
        let skew = match dice.roll(12) {
            // By hours. Ahead, it takes offers for expired and swaps nothing.
            0 => -7_200,
            1 if dice.one_in(4) => 10_800,
            _ => 0,
        };
        town.set_clock(player, skew);
        if dice.one_in(8) {
            town.alone(player);
        }
        story.push(format!("{player}: dies {doom:?}, clock wrong by {skew} s"));
    }
    if !plan.honest {
        let (player, vice) = (dice.below(plan.players), some_vice(dice));
        town.corrupt(player, vice);
        story.push(format!("{player} {vice:?}"));
    }
    if dice.one_in(8) {
        let lag = 10 + dice.roll(50);
        town.chain(0).set_lag(Seconds(lag));
        story.push(format!("blocks of {} lag by {lag} s", town.chain(0).id()));
    }
    town
}

fn one_fault(town: &mut Town, plan: &Plan, dice: &mut Dice) -> String {
    let nth = dice.below(3);
    let player = dice.below(plan.players);
    let chain = town.chain(nth).clone();
    let kind = dice.roll(11);
    // Past its timelock, a redeem that a mempool lost or that became too cheap while no block came has no privilege.
    if town.is_stalled(nth) && matches!(kind, 2..=6) {
        return "nothing: it stands still".into();
    }
    match kind {
        0 | 1 => {
            // In time: far less than any window.
            let steps = 1 + dice.roll(6);
            if town.everybody_is_there() {
                town.away(player, Some(steps));
            }
            format!("{player} goes away for {steps}")
        }
        2 => {
            let how = dice.pick(&[Dropped::Return, Dropped::Vanish]);
            let deep = if plan.depth > 2 {
                1 + 2 * u32::from(dice.one_in(2))
            } else {
                1
            };
            chain.drop_blocks(deep, how);
            chain.mine(deep + 1);
            format!("a reorg of {deep} blocks on {}: {how:?}", chain.id())
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
        7 => {
            town.part(player);
            format!("nobody hears {player}")
        }
        8 => {
            town.mend();
            "everybody hears everybody".into()
        }
        9 if plan.honest && dice.one_in(16) => {
            let steps = 60 + dice.roll(600);
            town.stall(nth, steps);
            // What is sent would be taken by the next block.
            chain.set_fee_floor(Amount::new(10));
            format!("{} stalls for {steps}", chain.id())
        }
        _ => "nothing".into(),
    }
}

/// What is swapped, who dies where, what happens meanwhile. The story is told as it goes, so that a panic does not
/// swallow it.
fn play(seed: u64, story: &mut Vec<String>) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    story.push(format!("seed {seed}"));
    let plan = Plan::draw(&mut dice);
    let mut town = set(&plan, &mut dice, story);
    town.begin();
    for step in 0..HARD_TIMES {
        if dice.one_in(4) {
            let fault = one_fault(&mut town, &plan, &mut dice);
            story.push(format!("step {step}: {fault}"));
        }
        town.step();
        if town.wrong().is_some() || town.over() {
            break;
        }
    }
    town.mend();
    if !town.over() && !town.until(LONGEST, Town::over) {
        return Err("it is not over".into());
    }
    town.books()
}

/// Plays the swaps of a seed: the same story for the same seed, everywhere.
///
/// # Errors
/// It ended as none may, or the program panicked on the way.
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
