//! One node: what it journaled, what it knows since it started, and what its adapters were asked to do.

use crate::chain::{ACTS, Chain, Place};
use crate::machine::{Known, LegView, Machine, Owed, Said, View, of};
use kofo_primitives::ActKind::{self, Cancel, Lock, Redeem, Refund};
use kofo_primitives::{Role, Side, Together};
use kofo_settlement::Phase;

/// What an adapter was asked to do with one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Orders {
    build: [bool; 6],
    /// The last moment of the chain's clock at which it is to be sent.
    send: [Option<u8>; 6],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) role: Role,
    /// The number of the state that is in the journal.
    pub(crate) swap: u32,
    pub(crate) up: bool,
    /// Down for good.
    pub(crate) gone: bool,
    /// It was down while a time passed by which it had to act: nothing is promised to it.
    pub(crate) late: bool,
    pub(crate) crashes_left: u8,
    pub(crate) may_give_up: bool,
    /// How many locks the machine was handed.
    pub(crate) locks_built: u8,
    /// Its signer answers at once.
    pub(crate) quick: bool,
    tips: Known,
    orders: [Orders; 2],
}

impl Node {
    pub(crate) fn new(role: Role, crashes_left: u8, may_give_up: bool, quick: bool) -> Self {
        Self {
            role,
            swap: 0,
            up: true,
            gone: false,
            late: false,
            crashes_left,
            may_give_up,
            locks_built: 0,
            quick,
            tips: [None; 2],
            orders: [Orders::default(); 2],
        }
    }

    pub(crate) fn is_done(&self, machine: &Machine) -> bool {
        matches!(machine.view(self.swap).phase, Phase::Done(_))
    }

    /// Takes one input, journals what comes of it, and asks the adapters for what is owed then.
    fn turn(&mut self, machine: &Machine, said: &[Said]) -> Result<(), String> {
        for said in said {
            let next = machine.apply(self.swap, *said)?;
            if let Said::Built(_, act) = said
                && next != self.swap
            {
                self.tips = [None; 2];
                self.locks_built += u8::from(*act == Lock);
            }
            self.swap = next;
        }
        self.order(machine);
        // Whoever has a quick signer has its answer at once.
        while let Some((side, act)) = self.quick.then(|| self.asked()).flatten() {
            self.orders[of(side)].build[act as usize] = false;
            self.turn(machine, &[Said::Built(side, act)])?;
        }
        Ok(())
    }

    fn asked(&self) -> Option<(Side, ActKind)> {
        let all = [Side::Alpha, Side::Beta]
            .into_iter()
            .flat_map(|side| ACTS.map(|act| (side, act)));
        all.into_iter()
            .find(|(side, act)| self.orders[of(*side)].build[*act as usize])
    }

    fn order(&mut self, machine: &Machine) {
        if self.is_done(machine) {
            self.tips = [None; 2];
        }
        for owed in machine.owed(self.swap, self.tips) {
            match owed {
                Owed::Build(side, act) => self.orders[of(side)].build[act as usize] = true,
                Owed::Send(side, act, last) => self.orders[of(side)].add(act, last),
                Owed::Unwatch(side) => self.orders[of(side)] = Orders::default(),
            }
        }
    }

    /// All that is news to it of one chain, as its adapter tells it; `None` if there is none.
    pub(crate) fn hear(&self, machine: &Machine, side: Side, chain: &Chain) -> Result<Option<Self>, String> {
        let mut next = *self;
        if !self.up || self.is_done(machine) {
            return Ok(None);
        }
        // Bounded: what the machine keeps of two waiting spends need not settle.
        for _ in 0..4 {
            let news = news(&machine.view(next.swap), side, chain, self.role);
            if news.is_empty() {
                break;
            }
            next.turn(machine, &news)?;
        }
        Ok((next.swap != self.swap).then_some(next))
    }

    /// The tip of one chain, after all news of it.
    pub(crate) fn tip(&self, machine: &Machine, side: Side, chain: &Chain) -> Result<Option<Self>, String> {
        if !self.up || self.is_done(machine) || self.hear(machine, side, chain)?.is_some() {
            return Ok(None);
        }
        let mut next = *self;
        next.tips[of(side)] = Some((chain.height, chain.time));
        next.turn(machine, &[Said::Tips(next.tips)])?;
        Ok((next != *self).then_some(next))
    }

    /// Its adapter answers with a transaction.
    pub(crate) fn built(&self, machine: &Machine, side: Side, act: ActKind) -> Result<Option<Self>, String> {
        let mut next = *self;
        let asked = std::mem::take(&mut next.orders[of(side)].build[act as usize]);
        if !self.up || !asked {
            return Ok(None);
        }
        next.turn(machine, &[Said::Built(side, act)])?;
        Ok(Some(next))
    }

    /// Whether its adapter sends this act now.
    pub(crate) fn sends(&self, side: Side, act: ActKind, chain: &Chain) -> bool {
        let last = self.orders[of(side)].send[act as usize];
        self.up && last.is_some_and(|last| chain.time <= last) && chain.accepts(act)
    }

    pub(crate) fn give_up(&self, machine: &Machine) -> Result<Option<Self>, String> {
        let mut next = *self;
        next.may_give_up = false;
        if !self.up || !self.may_give_up {
            return Ok(None);
        }
        next.turn(machine, &[Said::GiveUp])?;
        Ok((next.swap != self.swap).then_some(next))
    }

    /// The signatures that it would ask for.
    pub(crate) fn asks(&self, machine: &Machine) -> Vec<(Side, Together)> {
        match self.up {
            true => machine.asks(self.swap, self.tips),
            false => Vec::new(),
        }
    }

    /// Takes what the other party says, or what came of asking it.
    pub(crate) fn told(&self, machine: &Machine, said: &[Said]) -> Result<Self, String> {
        let mut next = *self;
        next.turn(machine, said)?;
        Ok(next)
    }

    pub(crate) fn signs(&self, machine: &Machine, side: Side, what: Together) -> bool {
        self.up && machine.signs(self.swap, self.tips, side, what)
    }

    /// Loses all that is not in the journal.
    pub(crate) fn crash(&self, machine: &Machine, for_good: bool) -> Option<Self> {
        let mut next = *self;
        if !self.up || self.is_done(machine) {
            return None;
        }
        next.crashes_left = next.crashes_left.checked_sub(1)?;
        next.up = false;
        next.gone = for_good;
        next.tips = [None; 2];
        next.orders = [Orders::default(); 2];
        Some(next)
    }

    pub(crate) fn back(&self, machine: &Machine) -> Result<Option<Self>, String> {
        let mut next = *self;
        next.up = true;
        if self.up || self.gone {
            return Ok(None);
        }
        next.turn(machine, &[])?;
        Ok(Some(next))
    }
}

impl Orders {
    fn add(&mut self, act: ActKind, last: u8) {
        // What is to be cancelled is never sent again.
        if act == Lock && self.send[Cancel as usize].is_some() {
            return;
        }
        if act == Cancel {
            self.send[Lock as usize] = None;
        }
        self.send[act as usize] = Some(last);
    }
}

/// What must be told so that the node knows what is true. A cancel is only told to whose it is.
fn news(view: &View, side: Side, chain: &Chain, role: Role) -> Vec<Said> {
    let LegView { locked, ended } = view.legs[of(side)];
    let mut news = Vec::new();
    let mut known = ended;
    if let Some((act, at)) = ended {
        let (way, now) = best(chain, act);
        if now == Place::Nowhere {
            news.push(Said::Unseen(side, act));
            known = None;
        } else if now != at {
            news.push(Said::Seen(side, way, now));
            known = Some((act, now));
        }
    }
    let lock = chain.place(Lock);
    if lock == Place::Nowhere && locked != Place::Nowhere {
        news.push(Said::Unseen(side, Lock));
    } else if lock != locked && (lock, locked) != (Place::Mempool, Place::Nowhere) {
        news.push(Said::Seen(side, Lock, lock));
    }
    let ours = role.locks() == side;
    // Of what waits only a redeem is worth a word: it shows the preimage.
    let waiting = || chain.waits(Redeem).then_some(Redeem);
    let end = chain
        .ended()
        .or_else(waiting)
        .filter(|act| *act != Cancel || ours);
    let end = end.map(|way| (way, (kind(way), chain.place(way))));
    if let Some((way, (_, place))) = end.filter(|(_, end)| Some(*end) != known) {
        news.push(Said::Seen(side, way, place));
    }
    news
}

/// What a way to end a leg comes to.
const fn kind(way: ActKind) -> ActKind {
    match way {
        ActKind::RedeemTogether => Redeem,
        ActKind::RefundTogether => Refund,
        alone => alone,
    }
}

/// The way in which a leg ended like this, if it did: what is in a block, before what waits.
fn best(chain: &Chain, end: ActKind) -> (ActKind, Place) {
    let ways = ACTS.into_iter().filter(|way| kind(*way) == end);
    let places = ways.map(|way| (way, chain.place(way)));
    let there = places.filter(|(_, place)| *place != Place::Nowhere);
    there
        .max_by_key(|(_, place)| place.in_block())
        .unwrap_or((end, Place::Nowhere))
}
