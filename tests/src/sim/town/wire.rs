//! The network between the nodes: it loses, delays, doubles and reorders what it carries, and falls apart for a while.

use crate::sim::dice::Dice;
use std::collections::BTreeSet;

/// What a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request.
    Asks,
    /// The answer to the request of this number.
    Answers,
}

/// One message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: Kind,
    /// By which its sender knows a request, and with it the answer.
    pub(crate) number: u64,
    pub(crate) body: Vec<u8>,
}

/// How bad it is: one in so many letters suffers each of these; zero is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// It is lost.
    pub lost: u64,
    /// It comes twice.
    pub doubled: u64,
    /// It comes one to three blocks later.
    pub late: u64,
}

/// All that is on its way.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) weather: Weather,
    /// Who hears nobody.
    cut: BTreeSet<usize>,
    on_the_way: Vec<(u64, Letter)>,
    /// How many letters were given to it.
    pub(crate) sent: u64,
}

impl Wire {
    fn suffers(dice: &mut Dice, one_in: u64) -> bool {
        one_in > 0 && dice.one_in(one_in)
    }

    /// Takes a letter at this step of time.
    pub(crate) fn send(&mut self, step: u64, dice: &mut Dice, letter: Letter) {
        self.sent += 1;
        if self.cut.contains(&letter.from) || self.cut.contains(&letter.to) {
            return;
        }
        let copies = 1 + u64::from(Self::suffers(dice, self.weather.doubled));
        for _ in 0..copies {
            if Self::suffers(dice, self.weather.lost) {
                continue;
            }
            let late = if Self::suffers(dice, self.weather.late) {
                1 + dice.roll(3)
            } else {
                0
            };
            // Whoever was sent later may come first.
            let at = dice.below(self.on_the_way.len() + 1);
            self.on_the_way.insert(at, (step + late, letter.clone()));
        }
    }

    /// What arrives now.
    pub(crate) fn arrivals(&mut self, step: u64) -> Vec<Letter> {
        if self.on_the_way.is_empty() {
            return Vec::new();
        }
        let (now, later) = std::mem::take(&mut self.on_the_way)
            .into_iter()
            .partition(|(due, _)| *due <= step);
        self.on_the_way = later;
        now.into_iter()
            .map(|(_, letter)| letter)
            .filter(|letter| !self.cut.contains(&letter.to))
            .collect()
    }

    /// From now on this node hears nobody and nobody hears it.
    pub(crate) fn part(&mut self, player: usize) {
        self.cut.insert(player);
    }

    /// Everybody hears everybody again.
    pub(crate) fn mend(&mut self) {
        self.cut.clear();
    }
}
