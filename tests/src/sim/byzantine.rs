//! Counterparties that do not keep to the rules. Each is an honest node with one vice: what it asks of its chains is
//! bent ([`locks`], [`reveals`]) or what it says and hears is ([`words`]). There are no txids on the wire to lie about:
//! whatever a node believes of a chain, its own adapter told it.

mod locks;
mod reveals;
mod words;

use super::dice::Dice;
use super::town::scene::Scene;
use super::town::wire::Letter;
use kofo_node::driver::Effect;
use kofo_sim::{AccountId, SimChain, SimTx};

pub use locks::WrongLock;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vice {
    /// It goes for good when it has done so many things: asked a chain or sent a message.
    Vanishes(u64),
    /// It locks something else than was agreed.
    LocksWrong(WrongLock),
    /// It locks so many blocks later than it should.
    LocksLate(u64),
    /// It shows the preimage, or takes what it is owed, only when the timelock of that leg is so near, in seconds.
    RedeemsLate(u64),
    /// It shows the preimage with a fee that no block takes.
    RedeemsCheaply,
    /// It never answers, and never asks.
    Mute,
    /// It sends garbage.
    Babbles,
    /// It says everything again and again, old things too.
    Repeats,
    /// From this step on it asks for signatures that it must not get, and sends what it gets to the chain at once.
    AsksForAll(u64),
    /// It answers rounds with signatures over something else.
    SignsOther,
}

/// Every vice, with what the dice say.
pub(crate) fn some_vice(dice: &mut Dice) -> Vice {
    match dice.roll(10) {
        0 => Vice::Vanishes(1 + dice.roll(16)),
        1 | 2 => Vice::LocksWrong(dice.pick(&WrongLock::ALL)),
        3 => Vice::LocksLate(1 + dice.roll(60)),
        4 => Vice::RedeemsLate(dice.roll(120)),
        5 => Vice::RedeemsCheaply,
        6 => dice.pick(&[Vice::Mute, Vice::Babbles, Vice::Repeats]),
        7 | 8 => Vice::AsksForAll(dice.roll(20)),
        _ => Vice::SignsOther,
    }
}

/// A node's vice, and what it remembers for it.
#[derive(Debug)]
pub(crate) struct Liar {
    pub(crate) vice: Vice,
    acts: u64,
    /// Effects that wait for their moment: for this step of time.
    held: Vec<(u64, Effect)>,
    bent: u32,
    /// What was said before.
    said: Vec<Letter>,
    pub(crate) rounds: words::Rounds,
}

impl Liar {
    pub(crate) fn new(vice: Vice) -> Self {
        Self {
            vice,
            acts: 0,
            held: Vec::new(),
            bent: 0,
            said: Vec::new(),
            rounds: words::Rounds::default(),
        }
    }

    /// One more thing is done; whether it goes for good now.
    pub(crate) fn vanishes(&mut self) -> bool {
        self.acts += 1;
        self.is_gone()
    }

    /// It will not come back.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.vice, Vice::Vanishes(after) if self.acts >= after)
    }

    /// What becomes of something that its driver asks of a chain.
    pub(crate) fn bend(&mut self, scene: &mut Scene, account: AccountId, effect: Effect) -> Option<Effect> {
        match self.vice {
            Vice::LocksWrong(wrong) => self.lock_wrongly(scene, account, effect, wrong),
            Vice::LocksLate(by) => self.lock_later(scene.step + by, effect),
            Vice::RedeemsLate(left) => self.redeem_late(scene, effect, left),
            Vice::RedeemsCheaply => redeem_cheaply(scene, effect),
            Vice::Vanishes(_)
            | Vice::Mute
            | Vice::Babbles
            | Vice::Repeats
            | Vice::AsksForAll(_)
            | Vice::SignsOther => Some(effect),
        }
    }

    /// What it held back and lets go now.
    pub(crate) fn lets_go(&mut self, scene: &Scene) -> Vec<Effect> {
        let due = |(step, _): &(u64, Effect)| *step <= scene.step;
        let (now, later) = std::mem::take(&mut self.held).into_iter().partition(due);
        self.held = later;
        let effects: Vec<(u64, Effect)> = now;
        effects.into_iter().map(|(_, effect)| effect).collect()
    }
}

use reveals::redeem_cheaply;

/// Offers it to the chain: whether the chain takes it is the chain's business.
fn submit(chain: &SimChain, tx: SimTx) {
    let _taken_or_not = chain.submit(tx);
}
