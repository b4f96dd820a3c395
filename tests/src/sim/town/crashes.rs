//! A death at every journal sync, and at everything that leaves the process: what is asked of a chain and what is said
//! to the other node. In a swap in which both help each other, and in one that both give up.

use super::{Bargain, Town};
use crate::sim::dice::Dice;
use crate::sim::node::Death;
use kofo_journal::faulty::{Fault, When};
use kofo_settlement::{Outcome, Phase};

const INITIATOR: usize = 0;
const PARTICIPANT: usize = 1;
/// Everything is over within so many blocks.
const LONGEST: u64 = 1_500;

/// A way through a swap of two nodes that help each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tale {
    /// Both redeem, with each other's signatures.
    BothHelp,
    /// The initiator goes off with both assets locked and comes back too late: both take back, with each other's
    /// signatures.
    BothGiveUp,
}

impl Tale {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BothHelp, Self::BothGiveUp];

    fn play(self, town: &mut Town) -> Result<(), String> {
        town.begin();
        if self == Self::BothGiveUp {
            town.until(LONGEST, |town| {
                town.phase(PARTICIPANT, 0) >= Some(Phase::LockSent)
            });
            town.away(INITIATOR, None);
            town.until(LONGEST, |town| {
                town.phase(PARTICIPANT, 0) >= Some(Phase::Refunding)
            });
            town.back(INITIATOR);
        }
        if !town.until(LONGEST, Town::over) {
            return Err("it is not over".into());
        }
        town.books()
    }
}

/// One death in one tale.
#[derive(Clone, Debug)]
pub struct TownCrash {
    tale: Tale,
    bargain: Bargain,
    player: usize,
    /// In which of its lives: it is off once in some tales.
    life: usize,
    death: Death,
}

impl TownCrash {
    /// Every one of them, for a swap of these assets.
    ///
    /// # Errors
    /// A tale that does not end as it must even without a death.
    pub fn all(give: &'static str, want: &'static str) -> Result<Vec<Self>, String> {
        let bargain = Bargain {
            initiator: INITIATOR,
            participant: PARTICIPANT,
            give: vec![give],
            want: vec![want],
            nth: 0,
            depth: 2,
        };
        let mut all = Vec::new();
        for tale in Tale::ALL {
            let mut town = Town::new(2, std::slice::from_ref(&bargain), Dice::new(0));
            tale.play(&mut town)?;
            let end = match tale {
                Tale::BothHelp => Outcome::Redeemed,
                Tale::BothGiveUp => Outcome::Refunded,
            };
            for player in [INITIATOR, PARTICIPANT] {
                if town.outcome(player, 0) != Some(end) {
                    return Err(format!("{tale:?}: {player} ended {:?}", town.outcome(player, 0)));
                }
                for (life, (syncs, acts)) in town.lives(player).into_iter().enumerate() {
                    let at_sync = (1..=syncs)
                        .flat_map(|at_sync| [When::Before, When::After].map(|when| Fault { at_sync, when }));
                    let deaths = at_sync.map(Death::AtSync).chain((1..=acts).map(Death::AtEffect));
                    all.extend(deaths.map(|death| Self {
                        tale,
                        bargain: bargain.clone(),
                        player,
                        life,
                        death,
                    }));
                }
            }
        }
        Ok(all)
    }

    /// Plays its tale with its death. Whether the node did die there.
    ///
    /// # Errors
    /// What did not end as it must, in words.
    pub fn survive(&self) -> Result<bool, String> {
        let mut town = Town::new(2, std::slice::from_ref(&self.bargain), Dice::new(0));
        let mut deaths = vec![Death::Never; self.life];
        deaths.push(self.death);
        town.doom(self.player, &deaths);
        let played = self.tale.play(&mut town);
        played.map_err(|wrong| format!("{self:?}: {wrong}"))?;
        Ok(town.deaths(self.player) > 0)
    }
}
