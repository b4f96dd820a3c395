//! At the end the money is where it belongs: an honest node has its asset or theirs, and paid nothing but fees.

use super::Town;
use super::deal::AMOUNT;
use crate::sim::world::{ASSETS, asset};
use kofo_primitives::Role;
use kofo_settlement::Outcome;

/// More than any swap pays in network fees, of one asset, however often fees jump.
const MOST_FEES: i128 = 5_000;

fn signed(number: impl TryInto<i128>) -> Result<i128, String> {
    number
        .try_into()
        .map_err(|_| "a number beyond 127 bits".to_owned())
}

impl Town {
    /// What must be so when everybody is done.
    ///
    /// # Errors
    /// The first thing that is not so, in words.
    pub fn books(&self) -> Result<(), String> {
        if let Some(wrong) = self.wrong() {
            return Err(wrong.to_owned());
        }
        for nth in 0..self.scene.deals.len() {
            self.agree_on_the_end(nth)?;
        }
        for player in &self.players {
            if player.is_honest() {
                for name in ASSETS {
                    self.books_of(player.index, name)?;
                }
            }
        }
        self.nothing_is_left()
    }

    /// Two honest nodes end a swap alike: both have the other's asset, or both their own.
    fn agree_on_the_end(&self, nth: usize) -> Result<(), String> {
        let mut swapped = Vec::new();
        for (player, role) in self.roles(nth) {
            if !self.players[player].is_honest() {
                continue;
            }
            match self.outcome(player, nth) {
                Some(Outcome::Redeemed) => swapped.push(true),
                Some(Outcome::Refunded | Outcome::Aborted) => swapped.push(false),
                None if self.phase(player, nth).is_none() => swapped.push(false),
                other => {
                    let state = self.state(player, nth);
                    return Err(format!(
                        "swap {nth} ended {other:?} for {player}, {role:?}: {state:?}"
                    ));
                }
            }
        }
        match swapped[..] {
            [one, other] if one != other => Err(format!("only one of two honest nodes has swapped in {nth}")),
            _ => Ok(()),
        }
    }

    /// What the swaps of this node should have changed of an asset.
    fn due(&self, player: usize, name: &str) -> Result<i128, String> {
        let mut due = 0;
        for (nth, deal) in self.scene.deals.iter().enumerate() {
            let (given, got) = match deal.role(player) {
                None => continue,
                Some(Role::Initiator) => (&deal.bargain.give, &deal.bargain.want),
                Some(Role::Participant) => (&deal.bargain.want, &deal.bargain.give),
            };
            if self.outcome(player, nth) == Some(Outcome::Redeemed) {
                let count = |names: &[&str]| signed(names.iter().filter(|n| **n == name).count());
                due += (count(got)? - count(given)?) * signed(AMOUNT.units())?;
            }
        }
        Ok(due)
    }

    fn books_of(&self, player: usize, name: &str) -> Result<(), String> {
        let coin = asset(name);
        let now = self.scene.chains[&coin.chain()].balance(self.players[player].account, &coin);
        let gain = signed(now.units())? - signed(self.scene.funded(player).units())?;
        let mine = || self.scene.deals.iter().filter(|deal| deal.role(player).is_some());
        let paid = self.due(player, name)? - gain;
        let most = MOST_FEES * signed(mine().count().max(1))?;
        let among_honest = mine().all(|deal| self.players[deal.partner(player)].is_honest());
        // A liar may leave more than it owed.
        if paid >= most || (among_honest && paid < 0) {
            return Err(format!("{player} has {paid} {name} less than it should"));
        }
        Ok(())
    }

    /// Among honest nodes nothing stays locked.
    fn nothing_is_left(&self) -> Result<(), String> {
        if !self
            .players
            .iter()
            .all(|player| player.is_honest() && !player.away)
        {
            return Ok(());
        }
        for coin in ASSETS.map(asset) {
            let left = self.scene.chains[&coin.chain()].locked(&coin);
            if left.units() > 0 {
                return Err(format!("{left:?} of {coin} is left in a contract"));
            }
        }
        Ok(())
    }
}
