//! The smallest town: an initiator, a participant and one bargain.

use kofo_settlement::Outcome;
use kofo_tests::sim::{ASSETS, Bargain, Dice, Town, Vice};

pub(crate) const INITIATOR: usize = 0;
pub(crate) const PARTICIPANT: usize = 1;
/// Everything is over within so many blocks.
pub(crate) const LONGEST: u64 = 3_000;

pub(crate) fn bargain(give: &'static str, want: &'static str) -> Bargain {
    Bargain {
        initiator: INITIATOR,
        participant: PARTICIPANT,
        give: vec![give],
        want: vec![want],
        nth: 0,
        depth: 4,
    }
}

/// Two nodes that have not begun.
pub(crate) fn two(give: &'static str, want: &'static str) -> Town {
    Town::new(2, &[bargain(give, want)], Dice::new(1))
}

/// Bitcoin for ether: the two kinds of chains.
pub(crate) fn usual() -> Town {
    two(ASSETS[0], ASSETS[1])
}

/// Both ways round, so that each kind of chain is alpha once.
pub(crate) fn both_ways(job: impl Fn(&mut Town)) {
    for (give, want) in [(ASSETS[0], ASSETS[1]), (ASSETS[1], ASSETS[0])] {
        job(&mut two(give, want));
    }
}

/// Plays to the end and checks the books.
pub(crate) fn ends_well(town: &mut Town, what: &str) {
    assert!(town.until(LONGEST, Town::over), "{what}: it is over");
    town.books().unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
}

/// Plays with one liar, in either role and both ways round; how the honest one ended.
pub(crate) fn with_liar(vice: Vice) -> Vec<Option<Outcome>> {
    let ends = std::cell::RefCell::new(Vec::new());
    for liar in [INITIATOR, PARTICIPANT] {
        both_ways(|town| {
            town.corrupt(liar, vice);
            town.begin();
            ends_well(town, &format!("{liar} {vice:?}"));
            ends.borrow_mut().push(town.outcome(1 - liar, 0));
        });
    }
    ends.into_inner()
}
