//! The checker: at the end of a story the money is where it belongs.

use super::node::Who;
use super::world::{ASSETS, World, asset};
use kofo_primitives::{Amount, AssetId};
use kofo_sim::Owner;

/// What each swap moves of each asset.
const AMOUNT: i128 = 1_000_000;

/// More than any swap pays in network fees, of one asset, however often fees jump.
const MOST_FEES: i128 = 5_000;

fn signed(number: impl TryInto<i128>) -> Result<i128, String> {
    number
        .try_into()
        .map_err(|_| "a number beyond 127 bits".to_owned())
}

impl World {
    /// What a node has more or less of an asset than at the beginning.
    fn gain(&self, who: Who, asset: &AssetId) -> Result<i128, String> {
        let account = self.nodes[&who].account;
        let now = self.chains[&asset.chain()].balance(account, asset);
        Ok(signed(now.units())? - signed(self.funded(asset).units())?)
    }

    /// Money is neither made nor lost nor left behind, nobody paid more than network fees, each leg was locked at
    /// most once, and nothing stopped a node but what was to stop it. `swapped` says whether the assets changed hands.
    ///
    /// # Errors
    /// The first thing that is not so, in words.
    pub fn books(&self, give: &[&str], want: &[&str], swapped: bool) -> Result<(), String> {
        for name in ASSETS {
            let moved = |names: &[&str]| signed(names.iter().filter(|n| **n == name).count());
            let to_participant = if swapped {
                (moved(give)? - moved(want)?) * AMOUNT * signed(self.swaps.len())?
            } else {
                0
            };
            self.books_of(&asset(name), to_participant)?;
        }
        let most = (give.len() + want.len()) * self.swaps.len();
        if self.locks() > most {
            return Err(format!(
                "a second lock: {} outputs lock, expected at most {most}",
                self.locks()
            ));
        }
        match self.nodes.iter().find(|(_, node)| node.died_unplanned()) {
            Some((who, node)) => Err(format!(
                "{who:?} died {} times, which nothing planned",
                node.deaths
            )),
            None => Ok(()),
        }
    }

    fn books_of(&self, asset: &AssetId, to_participant: i128) -> Result<(), String> {
        let chain = &self.chains[&asset.chain()];
        let (total, minted) = (chain.total(asset), chain.minted(asset));
        if total != minted {
            return Err(format!(
                "{asset} is not conserved: {minted:?} made, {total:?} there"
            ));
        }
        if chain.locked(asset) != Amount::ZERO {
            return Err(format!(
                "{:?} of {asset} is left in a contract",
                chain.locked(asset)
            ));
        }
        let most = MOST_FEES * signed(self.swaps.len())?;
        let mut fees = 0;
        for (who, due) in [
            (Who::Initiator, -to_participant),
            (Who::Participant, to_participant),
        ] {
            let paid = due - self.gain(who, asset)?;
            if !(0..most).contains(&paid) {
                return Err(format!("{who:?} has {paid} {asset} less than it should"));
            }
            fees += paid;
        }
        if fees != signed(chain.fees(asset).units())? {
            return Err(format!(
                "{fees} {asset} are missing, which is not what the blocks took as fees"
            ));
        }
        Ok(())
    }

    /// What [`World::books`] says, as an assertion.
    pub fn check(&self, give: &[&str], want: &[&str], swapped: bool) {
        if let Err(wrong) = self.books(give, want, swapped) {
            panic!("the books do not balance: {wrong}");
        }
    }

    /// How many outputs of all blocks lock something.
    pub fn locks(&self) -> usize {
        let blocks = self
            .chains
            .values()
            .flat_map(|c| (0..=c.tip().height).filter_map(|h| c.block(h)));
        let pays = blocks.flat_map(|block| block.txs).flat_map(|tx| tx.pays);
        pays.filter(|pay| matches!(pay.owner, Owner::Contract(_))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Death, Story};

    const GIVE: [&str; 1] = ["bitcoin.btc"];
    const WANT: [&str; 1] = ["ethereum.eth"];

    fn redeemed() -> World {
        let mut world = World::agreed(&GIVE, &WANT, [Death::Never; 2]);
        Story::BothRedeem.play(&mut world, &GIVE, &WANT).unwrap();
        world
    }

    #[test]
    fn books_that_say_the_wrong_end_do_not_balance() {
        let world = redeemed();
        assert_eq!(world.books(&GIVE, &WANT, true), Ok(()));
        let wrong = world.books(&GIVE, &WANT, false).unwrap_err();
        assert!(wrong.contains("less than it should"), "{wrong}");
    }

    #[test]
    fn money_that_stays_in_a_contract_is_missed() {
        let mut world = World::agreed(&GIVE, &WANT, [Death::Never; 2]);
        assert!(world.until(|w| w.locks() == 1));
        let wrong = world.books(&GIVE, &WANT, false).unwrap_err();
        assert!(wrong.contains("is left in a contract"), "{wrong}");
    }

    #[test]
    fn a_node_that_stops_without_a_planned_death_is_told() {
        let mut world = redeemed();
        world.nodes.get_mut(&Who::Participant).unwrap().deaths = 1;
        let wrong = world.books(&GIVE, &WANT, true).unwrap_err();
        assert!(wrong.contains("which nothing planned"), "{wrong}");
    }
}
