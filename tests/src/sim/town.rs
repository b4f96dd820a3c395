//! A town: two to five nodes that swap with each other, several pairs at once, over a network that loses letters and
//! on chains that misbehave. The same driver, machine, messages and port as in life; one seed decides all.

mod books;
mod crashes;
pub(crate) mod deal;
mod model;
mod player;
pub(crate) mod scene;
pub(crate) mod wire;

pub use crashes::{Tale, TownCrash};
pub use deal::Bargain;
pub use wire::Weather;

use super::byzantine::{Liar, Vice};
use super::dice::Dice;
use super::node::Death;
use kofo_primitives::{ChainId, Role, Seconds, SwapId};
use kofo_settlement::{Outcome, Phase};
use kofo_sim::SimChain;
use player::{Player, Stop};
use scene::Scene;
use std::collections::BTreeMap;

/// Each step of time: one block on every chain.
const STEP: Seconds = Seconds(10);
/// After a stall a chain mines so many blocks at once …
const FAST: u32 = 6;
/// … for so many steps.
const FAST_FOR: u64 = 5;
/// An offer is open for so many steps.
const OPEN_FOR: u64 = 6;

/// Nodes, and all that is between them.
pub struct Town {
    pub(crate) scene: Scene,
    pub(crate) players: Vec<Player>,
    /// Who comes back at which step.
    returns: BTreeMap<usize, u64>,
    /// Which chain mines again at which step.
    stalls: BTreeMap<ChainId, u64>,
}

impl Town {
    /// So many nodes that have agreed on these bargains. Nothing has happened yet.
    #[must_use]
    pub fn new(players: usize, bargains: &[Bargain], dice: Dice) -> Self {
        let deals = bargains.iter().map(Bargain::signed).collect();
        Self {
            scene: Scene::new(players, dice, deals),
            players: (0..players).map(Player::new).collect(),
            returns: BTreeMap::new(),
            stalls: BTreeMap::new(),
        }
    }

    /// How bad the network is.
    pub fn weather(&mut self, weather: Weather) {
        self.scene.wire.weather = weather;
    }

    /// From the beginning this node has a vice.
    pub fn corrupt(&mut self, player: usize, vice: Vice) {
        self.players[player].liar = Some(Liar::new(vice));
    }

    /// Where a node dies, one life after the other.
    pub fn doom(&mut self, player: usize, deaths: &[Death]) {
        self.players[player].deaths = deaths.iter().rev().copied().collect();
    }

    /// The node's clock is wrong by so many seconds.
    pub fn set_clock(&mut self, player: usize, skew: i64) {
        self.players[player].skew = skew;
    }

    /// The node asks nobody for signatures. It still gives them.
    pub fn alone(&mut self, player: usize) {
        self.players[player].cooperates = false;
    }

    /// A chain, by its place: 0 is like Bitcoin.
    #[must_use]
    pub fn chain(&self, nth: usize) -> &SimChain {
        self.scene.chains.values().nth(nth).expect("there are three")
    }

    /// Everybody starts, offers and accepts.
    pub fn begin(&mut self) {
        for player in 0..self.players.len() {
            self.players[player].start(&self.scene);
        }
        self.agree();
        for player in 0..self.players.len() {
            self.guarded(player, Player::tell_makers);
        }
        self.settle();
    }

    /// What is not agreed yet is offered or accepted again: a death may have been in the way.
    fn agree(&mut self) {
        for deal in self.scene.deals.clone() {
            let (maker, taker) = (deal.bargain.initiator, deal.bargain.participant);
            self.guarded(maker, |player, scene| player.offer(scene, &deal));
            self.guarded(taker, |player, scene| player.take(scene, &deal));
        }
    }

    /// Lets a node do something, if it is there; and lets it die if it must. Whether it did it.
    fn guarded<T>(
        &mut self,
        player: usize,
        job: impl FnOnce(&mut Player, &mut Scene) -> Result<T, Stop>,
    ) -> Option<T> {
        let node = &mut self.players[player];
        if node.away {
            return None;
        }
        match job(node, &mut self.scene) {
            Ok(done) => Some(done),
            Err(stop) => {
                node.stop();
                node.died += u32::from(matches!(stop, Stop::Planned));
                let gone = node.liar.as_ref().is_some_and(Liar::is_gone);
                match stop {
                    Stop::Failed(why) if node.is_honest() => {
                        let wrong = format!("{player} stopped, which nothing planned: {why}");
                        self.scene.model.wrong.get_or_insert(wrong);
                    }
                    Stop::Failed(_) => {}
                    Stop::Planned if gone => {}
                    Stop::Planned => self.players[player].start(&self.scene),
                }
                None
            }
        }
    }

    /// Everybody does what is to be done now, and hears what arrives now.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut busy = false;
            for player in 0..self.players.len() {
                let died_or_did = !self.players[player].away;
                let did = self.guarded(player, Player::turn);
                busy |= did.unwrap_or(died_or_did && !self.players[player].away);
            }
            for letter in self.scene.wire.arrivals(self.scene.step) {
                busy = true;
                self.guarded(letter.to, |player, scene| player.receive(scene, letter));
            }
            if !busy {
                return;
            }
        }
        let wrong = "nodes that talk for ever".to_owned();
        self.scene.model.wrong.get_or_insert(wrong);
    }

    /// Ten seconds and one block on every chain that mines pass.
    pub fn step(&mut self) {
        if self.scene.step < OPEN_FOR {
            self.agree();
        }
        for player in 0..self.players.len() {
            self.guarded(player, Player::tell_makers);
            self.guarded(player, Player::mischief);
        }
        self.settle();
        self.scene.step += 1;
        let step = self.scene.step;
        self.stalls.retain(|_, until| *until + FAST_FOR > step);
        for (id, chain) in &self.scene.chains {
            chain.advance(STEP);
            match self.stalls.get(id) {
                None => chain.mine(1),
                Some(until) if *until <= step => chain.mine(FAST),
                Some(_) => {}
            }
        }
        self.scene.sees_blocks();
        let back: Vec<usize> = self
            .returns
            .extract_if(.., |_, at| *at <= step)
            .map(|(player, _)| player)
            .collect();
        back.into_iter().for_each(|player| self.back(player));
        for player in 0..self.players.len() {
            self.guarded(player, Player::expire_rounds);
        }
        self.settle();
    }

    /// A node goes off, and comes back after so many steps; never, if none.
    pub fn away(&mut self, player: usize, steps: Option<u64>) {
        self.players[player].stop();
        match steps {
            Some(steps) => self.returns.insert(player, self.scene.step + steps),
            None => self.returns.remove(&player),
        };
    }

    /// A node comes back, unless it went for good.
    pub fn back(&mut self, player: usize) {
        let gone = self.players[player].liar.as_ref().is_some_and(Liar::is_gone);
        if !gone {
            self.players[player].start(&self.scene);
        }
    }

    /// A chain mines nothing for so many steps, and then faster than ever.
    pub fn stall(&mut self, nth: usize, steps: u64) {
        let id = self.chain(nth).id().clone();
        self.stalls.insert(id, self.scene.step + steps);
    }

    /// Whether a chain mines nothing, or has just begun again.
    #[must_use]
    pub fn is_stalled(&self, nth: usize) -> bool {
        self.stalls.contains_key(self.chain(nth).id())
    }

    /// Nobody hears this node, and it hears nobody.
    pub fn part(&mut self, player: usize) {
        self.scene.wire.part(player);
    }

    /// The network is whole again.
    pub fn mend(&mut self) {
        self.scene.wire.mend();
    }

    /// Lets time pass until it is so; `false` if it is not within so many steps.
    pub fn until(&mut self, steps: u64, what: impl Fn(&Self) -> bool) -> bool {
        (0..steps).any(|_| {
            self.step();
            self.wrong().is_some() || what(self)
        })
    }

    /// Every honest node is there, and all its swaps are over.
    #[must_use]
    pub fn over(&self) -> bool {
        self.returns.is_empty()
            && self.stalls.is_empty()
            && self.scene.step >= OPEN_FOR
            && self
                .players
                .iter()
                .filter(|player| player.is_honest())
                .all(|player| {
                    let driver = player.driver.as_ref();
                    player.away || driver.is_some_and(|driver| driver.live_count() == 0)
                })
    }

    /// No node is off.
    #[must_use]
    pub fn everybody_is_there(&self) -> bool {
        self.players.iter().all(|player| !player.away)
    }

    /// The first thing that was wrong, if anything was.
    #[must_use]
    pub fn wrong(&self) -> Option<&str> {
        self.scene.model.wrong.as_deref()
    }

    /// How many events were compared with the model.
    #[must_use]
    pub fn looked(&self) -> u64 {
        self.scene.model.looked
    }

    /// How many letters were sent.
    #[must_use]
    pub fn letters(&self) -> u64 {
        self.scene.wire.sent
    }

    /// How many syncs a node asked for in each of its lives, and how many things left it.
    #[must_use]
    pub fn lives(&self, player: usize) -> Vec<(u64, u64)> {
        let lives = self.players[player].lives.iter();
        lives.map(|(syncs, acts)| (syncs.count(), *acts)).collect()
    }

    /// How often a node died as it was to.
    #[must_use]
    pub fn deaths(&self, player: usize) -> u32 {
        self.players[player].died
    }

    /// How far a node is in the n-th swap.
    #[must_use]
    pub fn phase(&self, player: usize, nth: usize) -> Option<Phase> {
        let swap: SwapId = self.scene.deals[nth].swap;
        let live = self.players[player].driver.as_ref()?.swaps().get(&swap)?;
        Some(live.swap().phase())
    }

    /// How the n-th swap ended for a node; nothing if it did not, or never began there.
    #[must_use]
    pub fn outcome(&self, player: usize, nth: usize) -> Option<Outcome> {
        match self.phase(player, nth)? {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// All that a node knows of the n-th swap, for a failure's report.
    #[must_use]
    pub fn state(&self, player: usize, nth: usize) -> Option<String> {
        let swap: SwapId = self.scene.deals[nth].swap;
        let live = self.players[player].driver.as_ref()?.swaps().get(&swap)?;
        Some(format!("{:#?}", live.swap()))
    }

    fn roles(&self, nth: usize) -> [(usize, Role); 2] {
        let bargain = &self.scene.deals[nth].bargain;
        [
            (bargain.initiator, Role::Initiator),
            (bargain.participant, Role::Participant),
        ]
    }
}
