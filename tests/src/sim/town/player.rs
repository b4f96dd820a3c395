//! One node of the town: its disk, its driver, its adapters, its rounds with others, and the moments at which it dies.
//! What the shell does between them is done here in the same order: take in, sync, act.

use super::deal::{Deal, account, key};
use super::scene::Scene;
use super::wire::{Kind, Letter};
use crate::sim::byzantine::Liar;
use crate::sim::node::{Adapters, Death, adapters};
use futures::FutureExt;
use kofo_adapter_api::Round;
use kofo_journal::Error;
use kofo_journal::faulty::{Faulty, Syncs};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::direct::{Accept, Request, Response};
use kofo_node::driver::{Ask, Begin, Driver, DriverError, Effect, Flushed};
use kofo_primitives::*;
use kofo_sim::AccountId;
use std::collections::BTreeMap;

/// An acceptance is repeated for so many steps: longer than any offer is open.
const TRIES: u64 = 12;

pub(super) type Core = Driver<Faulty<Memory>>;

/// Why a node stops.
pub(crate) enum Stop {
    /// It was to.
    Planned,
    /// Nothing was to stop it.
    Failed(String),
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Journal(Error::Injected { .. }) => Self::Planned,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A round that waits for the other party.
pub(super) struct Waiting {
    pub(super) asks: Vec<Ask>,
    pub(super) round: Round,
    pub(super) since: u64,
}

/// One node.
pub(crate) struct Player {
    pub(crate) index: usize,
    pub(crate) account: AccountId,
    disk: Disk,
    pub(crate) driver: Option<Core>,
    pub(crate) adapters: Adapters,
    /// Where it dies, one life after the other; the last is popped first.
    pub(crate) deaths: Vec<Death>,
    death: Death,
    /// Of each life: its syncs, and how many things left the process.
    pub(crate) lives: Vec<(Syncs, u64)>,
    /// How often it died as it was to.
    pub(crate) died: u32,
    /// By how much its clock is wrong, in seconds.
    pub(crate) skew: i64,
    /// Cooperates with its partners.
    pub(crate) cooperates: bool,
    pub(super) rounds: BTreeMap<u64, Waiting>,
    /// Acceptances that nobody answered.
    unanswered: BTreeMap<SwapId, u64>,
    pub(crate) liar: Option<Liar>,
    /// It is off.
    pub(crate) away: bool,
}

impl Player {
    pub(crate) fn new(index: usize) -> Self {
        Self {
            index,
            account: account(index),
            disk: Disk::new(),
            driver: None,
            adapters: Adapters::new(),
            deaths: Vec::new(),
            death: Death::Never,
            lives: Vec::new(),
            died: 0,
            skew: 0,
            cooperates: true,
            rounds: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            liar: None,
            away: false,
        }
    }

    pub(crate) fn is_honest(&self) -> bool {
        self.liar.is_none()
    }

    /// Opens its journal and begins another life.
    pub(crate) fn start(&mut self, scene: &Scene) {
        self.away = false;
        self.death = self.deaths.pop().unwrap_or(Death::Never);
        let memory = Memory::open(&self.disk).unwrap();
        let journal = match self.death {
            Death::AtSync(fault) => Faulty::new(memory, fault),
            Death::AtEffect(_) | Death::Never => Faulty::sound(memory),
        };
        self.lives.push((journal.syncs(), 0));
        let mut driver = Driver::open(journal).unwrap();
        if self.cooperates {
            driver.cooperate();
        }
        self.driver = Some(driver);
        self.adapters = adapters(&scene.chains, self.account);
    }

    /// What it had in memory is gone.
    pub(crate) fn stop(&mut self) {
        self.driver = None;
        self.adapters.clear();
        self.rounds.clear();
        self.away = true;
    }

    pub(super) fn driver(&mut self) -> &mut Core {
        self.driver.as_mut().expect("the node runs")
    }

    /// What its own clock says; wrong by hours if it must be.
    fn clock(&self, scene: &Scene) -> UnixTime {
        UnixTime(scene.now().0.saturating_add_signed(self.skew))
    }

    fn at_ms(&self, scene: &Scene) -> u64 {
        self.clock(scene).0.saturating_mul(1_000)
    }

    /// The later of its clock and all chains' times, as agreements are judged.
    fn latest(&self, scene: &Scene) -> UnixTime {
        self.clock(scene).max(scene.now())
    }

    /// One more thing leaves the process: perhaps this is where it dies.
    fn act(&mut self) -> Result<(), Stop> {
        let (_, acts) = self.lives.last_mut().expect("it was started");
        *acts += 1;
        let acts = *acts;
        let gone = self.liar.as_mut().is_some_and(Liar::vanishes);
        let dies = matches!(self.death, Death::AtEffect(n) if n == acts);
        if gone || dies {
            return Err(Stop::Planned);
        }
        Ok(())
    }

    /// Everything that its chains tell, one sync, and what follows of it. Whether anything happened.
    pub(crate) fn turn(&mut self, scene: &mut Scene) -> Result<bool, Stop> {
        let mut events = Vec::new();
        for (chain, adapter) in &self.adapters {
            events.extend(std::iter::from_fn(|| adapter.poll()).map(|event| (chain.clone(), event)));
        }
        let busy = !events.is_empty();
        for (chain, event) in events {
            self.driver().chain_event(&chain, event)?;
        }
        Ok(self.flush(scene)? || busy)
    }

    /// Makes durable what was taken in, and does what is owed. Whether that was anything.
    pub(super) fn flush(&mut self, scene: &mut Scene) -> Result<bool, Stop> {
        let flushed = self.driver().flush()?;
        self.carry_out(scene, flushed)
    }

    fn carry_out(&mut self, scene: &mut Scene, flushed: Flushed) -> Result<bool, Stop> {
        let busy = !flushed.effects.is_empty() || !flushed.asks.is_empty();
        if self.is_honest() {
            for swap in &flushed.touched {
                if let Some(live) = self.driver().swaps().get(swap) {
                    let state = (live.swap().phase(), live.swap().preimage_was_told());
                    scene.sees_state(self.index, *swap, state);
                }
            }
        }
        for effect in flushed.effects {
            self.act()?;
            self.ask_chain(scene, effect);
        }
        for asks in self.grouped(scene, flushed.asks) {
            self.ask_partner(scene, asks)?;
        }
        Ok(busy)
    }

    fn ask_chain(&mut self, scene: &mut Scene, effect: Effect) {
        let effect = match &mut self.liar {
            None => {
                scene.sees_effect(self.index, &effect);
                Some(effect)
            }
            Some(liar) => liar.bend(scene, self.account, effect),
        };
        if let Some(Effect { chain, leg, action }) = effect {
            self.adapters[&chain].act_now(leg, action);
        }
    }

    /// Redeems of one chain and partner share a round.
    fn grouped(&mut self, scene: &Scene, asks: Vec<Ask>) -> Vec<Vec<Ask>> {
        let mut groups: BTreeMap<_, Vec<Ask>> = BTreeMap::new();
        for (nth, ask) in asks.into_iter().enumerate() {
            let Ok((_, spec)) = self.driver().leg_of(&ask) else {
                continue;
            };
            let partner = partner(scene, self.index, ask.swap);
            let alone = if ask.what == Together::Refund {
                nth
            } else {
                usize::MAX
            };
            groups
                .entry((partner, spec.chain(), ask.what, alone))
                .or_default()
                .push(ask);
        }
        groups.into_values().collect()
    }

    /// Opens a round and sends its request, after what goes with it is durable.
    fn ask_partner(&mut self, scene: &mut Scene, asks: Vec<Ask>) -> Result<(), Stop> {
        let Some(Ask { swap, what, .. }) = asks.first().copied() else {
            return Ok(());
        };
        let legs: Result<Vec<_>, _> = asks.iter().map(|ask| self.driver().leg_of(ask)).collect();
        let legs = legs?;
        let round = self.adapters[&legs[0].1.chain()].open_round_now(what, &legs);
        let Ok(round) = round else {
            return self.over(scene, &asks, None);
        };
        let mut told = Vec::new();
        for ask in &asks {
            match self.driver().tell(ask) {
                Ok(preimage) => told.push(kofo_node::direct::LegAsked {
                    swap: ask.swap,
                    leg: ask.leg,
                    preimage,
                }),
                Err(fatal @ DriverError::Journal(_)) => return Err(fatal.into()),
                Err(_) => return self.over(scene, &asks, None),
            }
        }
        let shows: Vec<SwapId> = told
            .iter()
            .filter(|leg| leg.preimage.is_some())
            .map(|leg| leg.swap)
            .collect();
        let flushed = self.driver().flush()?;
        self.sees_reveals(scene, &shows);
        let request = kofo_node::direct::SignRequest::new(what, told, round.request.clone(), key(self.index));
        let number = scene.number();
        let since = scene.step;
        self.rounds.insert(number, Waiting { asks, round, since });
        let to = partner(scene, self.index, swap);
        self.say(
            scene,
            (to, Kind::Asks, number),
            Request::Sign(Box::new(request)).write(),
        )?;
        self.carry_out(scene, flushed).map(|_| ())
    }

    fn sees_reveals(&self, scene: &mut Scene, shows: &[SwapId]) {
        for swap in shows {
            let deal = scene.deals.iter().find(|deal| deal.swap == *swap).cloned();
            let Some(deal) = deal.filter(|deal| deal.role(self.index) == Some(Role::Initiator)) else {
                continue;
            };
            if self.is_honest() {
                scene.sees_reveal(self.index, &deal, None);
            }
        }
    }

    /// The round of these asks gave this.
    fn over(&mut self, scene: &mut Scene, asks: &[Ask], signed: Option<Vec<Prepared>>) -> Result<(), Stop> {
        let mut signed = signed.map(Vec::into_iter);
        for ask in asks {
            let prepared = signed.as_mut().and_then(Iterator::next);
            // Another error says that it came too late: the act alone was quicker.
            if let Err(fatal @ DriverError::Journal(_)) = self.driver().round_over(ask, prepared) {
                return Err(fatal.into());
            }
        }
        self.flush(scene).map(|_| ())
    }

    /// Rounds that nobody answered within a block's time are over.
    pub(crate) fn expire_rounds(&mut self, scene: &mut Scene) -> Result<(), Stop> {
        let late = |waiting: &Waiting| waiting.since < scene.step;
        let numbers: Vec<u64> = self
            .rounds
            .iter()
            .filter(|(_, waiting)| late(waiting))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            if let Some(waiting) = self.rounds.remove(&number) {
                self.over(scene, &waiting.asks, None)?;
            }
        }
        Ok(())
    }

    /// Sends a message, or what a liar makes of it.
    fn say(
        &mut self,
        scene: &mut Scene,
        (to, kind, number): (usize, Kind, u64),
        body: Vec<u8>,
    ) -> Result<(), Stop> {
        self.act()?;
        let letter = Letter {
            from: self.index,
            to,
            kind,
            number,
            body,
        };
        let letters = match &mut self.liar {
            None => vec![letter],
            Some(liar) => liar.speak(scene, letter),
        };
        letters.into_iter().for_each(|letter| scene.send(letter));
        Ok(())
    }

    /// Publishes its offers.
    pub(crate) fn offer(&mut self, scene: &mut Scene, deal: &Deal) -> Result<(), Stop> {
        let at_ms = self.at_ms(scene);
        if !self.driver().offers().contains_key(&deal.order.origin()) {
            self.driver().offer(deal.direct().offer().clone(), at_ms)?;
        }
        self.flush(scene).map(|_| ())
    }

    /// Takes an offer: begins the swap. Its maker is told by [`Player::tell_makers`].
    pub(crate) fn take(&mut self, scene: &mut Scene, deal: &Deal) -> Result<(), Stop> {
        if !self.driver().swaps().contains_key(&deal.swap) {
            let Some(terms) = deal.terms(Role::Participant, self.latest(scene)) else {
                return Ok(());
            };
            let begin = Begin::new((*deal.order).clone(), terms, None, self.at_ms(scene));
            self.driver().begin(begin)?;
            self.unanswered.insert(deal.swap, 0);
            self.flush(scene)?;
        }
        Ok(())
    }

    /// Says to each maker, again and again for a while, what it has not answered.
    pub(crate) fn tell_makers(&mut self, scene: &mut Scene) -> Result<(), Stop> {
        if scene.step > TRIES {
            return Ok(());
        }
        let goes_on = |live: Option<&kofo_node::driver::Live>| live.is_some_and(|live| live.goes_on());
        for swap in self.unanswered.keys().copied().collect::<Vec<_>>() {
            let Some(deal) = scene.deals.iter().find(|deal| deal.swap == swap).cloned() else {
                continue;
            };
            if !goes_on(self.driver().swaps().get(&swap)) {
                self.unanswered.remove(&swap);
                continue;
            }
            let number = scene.number();
            self.unanswered.insert(swap, number);
            let body = deal.acceptance.to_vec();
            self.say(scene, (deal.bargain.initiator, Kind::Asks, number), body)?;
        }
        Ok(())
    }

    /// What a liar does of its own accord.
    pub(crate) fn mischief(&mut self, scene: &mut Scene) -> Result<(), Stop> {
        let Some(liar) = &mut self.liar else {
            return Ok(());
        };
        for Effect { chain, leg, action } in liar.lets_go(scene) {
            self.adapters[&chain].act_now(leg, action);
        }
        liar.ask_for_all(scene, self.index, &self.adapters);
        Ok(())
    }

    /// A letter arrives.
    pub(crate) fn receive(&mut self, scene: &mut Scene, letter: Letter) -> Result<(), Stop> {
        if let Some(liar) = &mut self.liar
            && liar.hear(scene, &letter)
        {
            return Ok(());
        }
        match letter.kind {
            Kind::Asks => {
                let answer = self.answer(scene, &letter.body)?;
                let to = (letter.from, Kind::Answers, letter.number);
                self.say(scene, to, answer.write())
            }
            Kind::Answers => self.answered(scene, &letter),
        }
    }

    fn answered(&mut self, scene: &mut Scene, letter: &Letter) -> Result<(), Stop> {
        if let Some(Waiting { asks, round, .. }) = self.rounds.remove(&letter.number) {
            let reply = Response::read_signed(&letter.body).ok();
            let signed = reply.and_then(|reply| round.finish(&reply).now_or_never()?.ok());
            return self.over(scene, &asks, signed);
        }
        let of_number = |(_, number): &(&SwapId, &u64)| **number == letter.number;
        let swap = self.unanswered.iter().find(of_number).map(|(swap, _)| *swap);
        if let Some(swap) = swap {
            let maker = key(letter.from).id();
            if Response::read(&letter.body, swap, &maker).is_ok() {
                self.unanswered.remove(&swap);
            }
        }
        Ok(())
    }

    fn answer(&mut self, scene: &mut Scene, body: &[u8]) -> Result<Response, Stop> {
        // What this process has read and checked reads the same again, and signatures are most of what a seed costs.
        let known = scene.deals.iter().find(|deal| *deal.acceptance == *body);
        if let Some(accept) = known.map(|deal| (*deal.accept).clone()) {
            return self.accepted(scene, accept);
        }
        match Request::read(body) {
            Err(error) => Ok(Response::refused(&error)),
            Ok(Request::Accept(accept)) => match accept.check() {
                Ok(()) => self.accepted(scene, *accept),
                Err(error) => Ok(Response::refused(&error)),
            },
            Ok(Request::Sign(request)) => self.sign(scene, &request),
            // Nobody of a town loses a disk and keeps its seed: records are not in the simulation.
            Ok(Request::Keep(_) | Request::Return(_)) => Ok(Response::refused(&"records are not kept here")),
        }
    }

    fn accepted(&mut self, scene: &mut Scene, accept: Accept) -> Result<Response, Stop> {
        let (swap, offer) = (accept.order.id(), accept.order.offer().body.id());
        let known = self.driver().offers().get(&offer).map(|entry| entry.accepted);
        let latest = self.latest(scene);
        let deal = scene.deals.iter().find(|deal| deal.swap == swap).cloned();
        match (known, deal) {
            (Some(Some(known)), _) if known == swap => {}
            (Some(None), Some(deal)) => {
                let late = latest > accept.order.offer().body.expires;
                let Some(terms) = deal.terms(Role::Initiator, latest).filter(|_| !late) else {
                    return Ok(Response::refused(&"too late"));
                };
                let preimage = Some(deal.bargain.preimage());
                let order = SettlementOrder::Direct(Box::new(accept.order));
                let begin = Begin::new(order, terms, preimage, self.at_ms(scene));
                self.driver().begin(begin)?;
            }
            _ => return Ok(Response::refused(&"not our offer, or taken")),
        }
        self.driver().contacts(swap, accept.contacts)?;
        self.flush(scene)?;
        Ok(Response::accepted(swap, key(self.index)))
    }

    fn sign(
        &mut self,
        scene: &mut Scene,
        request: &kofo_node::direct::SignRequest,
    ) -> Result<Response, Stop> {
        if let Err(error) = request.check() {
            return Ok(Response::refused(&error));
        }
        let mut legs = Vec::new();
        let mut refused = None;
        for (ask, preimage) in request.asks() {
            match self.driver().asked(&request.by, &ask, preimage) {
                Ok(leg) => legs.push(leg),
                Err(fatal @ DriverError::Journal(_)) => return Err(fatal.into()),
                Err(error) => refused = Some(Response::refused(&error)),
            }
        }
        // What it told us is durable before we say anything.
        self.flush(scene)?;
        if let Some(refused) = refused {
            return Ok(refused);
        }
        let chain = legs.first().map(|(_, spec)| spec.chain());
        let Some(adapter) = chain.and_then(|chain| self.adapters.get(&chain)) else {
            return Ok(Response::refused(&"no legs"));
        };
        match adapter.cosign_now(request.what, &legs, &request.round) {
            Ok(reply) => {
                for (leg, _) in &legs {
                    let knows = |live: &kofo_node::driver::Live| live.swap().preimage().is_some();
                    let knows = self.driver().swaps().get(&leg.swap).is_some_and(knows);
                    if self.is_honest() {
                        scene.sees_signature(self.index, request.what, *leg, knows);
                    }
                }
                Ok(Response::Signed(reply))
            }
            Err(error) => Ok(Response::refused(&error)),
        }
    }
}

fn partner(scene: &Scene, player: usize, swap: SwapId) -> usize {
    let deal = scene.deals.iter().find(|deal| deal.swap == swap);
    deal.map_or(player, |deal| deal.partner(player))
}
