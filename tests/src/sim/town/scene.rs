//! All that the nodes of a town share: the chains, the wire, what was agreed, the dice, and the one who watches.

use super::deal::{Deal, MOST_PLAYERS, chain_ids};
use super::model::Model;
use super::wire::{Letter, Wire};
use crate::sim::dice::Dice;
use crate::sim::node::Chains;
use crate::sim::world::{ASSETS, START, asset};
use kofo_primitives::{Amount, UnixTime};
use kofo_sim::{Kind, SimChain};

/// What one note holds in the beginning.
const NOTE: u128 = 3_000_000;

/// What everybody can see or do.
pub(crate) struct Scene {
    pub(crate) chains: Chains,
    pub(crate) deals: Vec<Deal>,
    pub(crate) wire: Wire,
    pub(crate) dice: Dice,
    pub(crate) model: Model,
    /// Blocks' worth of time that have passed.
    pub(crate) step: u64,
    numbers: u64,
}

impl Scene {
    /// Chains with so many nodes' money on them: one like Bitcoin, two like an EVM chain.
    pub(crate) fn new(players: usize, dice: Dice, deals: Vec<Deal>) -> Self {
        assert!(players <= MOST_PLAYERS, "at most {MOST_PLAYERS} have a key");
        let mut chains = Chains::new();
        for id in chain_ids() {
            let coins: Vec<_> = ASSETS
                .iter()
                .map(|name| asset(name))
                .filter(|a| a.chain() == id)
                .collect();
            let kind = match chains.len() {
                0 => Kind::Outputs,
                _ => Kind::Accounts,
            };
            chains.insert(id.clone(), SimChain::of_kind(kind, id, coins, START));
        }
        let mut scene = Self {
            chains,
            deals,
            wire: Wire::default(),
            dice,
            model: Model::default(),
            step: 0,
            numbers: 0,
        };
        scene.fund(players);
        scene
    }

    fn fund(&mut self, players: usize) {
        for name in ASSETS {
            let coin = asset(name);
            let chain = &self.chains[&coin.chain()];
            for player in 0..players {
                let mine = self.deals.iter().filter(|deal| deal.role(player).is_some());
                // Two locks at once need two notes, and a liar may lock twice.
                (0..2 + mine.count() * 2)
                    .for_each(|_| chain.fund(super::deal::account(player), &coin, Amount::new(NOTE)));
            }
        }
        self.chains.values().for_each(|chain| chain.mine(3));
    }

    /// What each node was given of an asset in the beginning.
    pub(crate) fn funded(&self, player: usize) -> Amount {
        let mine = self.deals.iter().filter(|deal| deal.role(player).is_some());
        let notes = u128::try_from(2 + mine.count() * 2).unwrap();
        Amount::new(NOTE * notes)
    }

    /// The latest time of all chains.
    pub(crate) fn now(&self) -> UnixTime {
        self.chains.values().map(|chain| chain.tip().time).max().unwrap()
    }

    /// A number that no letter had.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn send(&mut self, letter: Letter) {
        self.wire.send(self.step, &mut self.dice, letter);
    }
}
