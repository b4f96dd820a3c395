//! What adapters tell.

use super::{Driver, DriverError, Live};
use kofo_journal::Journal;
use kofo_primitives::{ActKind, ChainEvent, ChainId, FailClass, Health, LegEvent, LegRef, SwapId, Text, Tip};
use kofo_settlement::{Input, Rejected};

impl<J: Journal> Driver<J> {
    /// Takes what an adapter tells. What the machine rejects is returned for the log and changes nothing.
    pub fn chain_event(
        &mut self,
        chain: &ChainId,
        event: ChainEvent,
    ) -> Result<Option<Rejected>, DriverError> {
        let result = match event {
            ChainEvent::Tip(tip) => return self.tip(chain, tip).map(|()| None),
            ChainEvent::Health(health) => {
                self.hear_health(chain, health);
                return Ok(None);
            }
            ChainEvent::Leg(at, event) => self.leg_event(chain, at, event),
        };
        match result {
            Ok(()) => Ok(None),
            Err(DriverError::Rejected(rejected)) => Ok(Some(rejected)),
            Err(fatal) => Err(fatal),
        }
    }

    fn hear_health(&mut self, chain: &ChainId, health: Health) {
        self.health.insert(chain.clone(), health);
        if health == Health::Healthy {
            return;
        }
        for (id, live) in &mut self.swaps {
            if live.goes_on() && live.is_on(chain) {
                live.distrust(chain);
                self.touched.insert(*id);
            }
        }
    }

    fn leg_event(&mut self, chain: &ChainId, at: LegRef, event: LegEvent) -> Result<(), DriverError> {
        let on_chain = |live: &&mut Live| {
            live.terms()
                .legs()
                .get(&at.leg)
                .is_some_and(|l| l.spec.chain() == *chain)
        };
        let Some(live) = self.swaps.get_mut(&at.swap).filter(on_chain) else {
            return Err(Rejected::NoSuchLeg(at.leg).into());
        };
        let LegEvent::Watched(tip) = event else {
            return self.input(at.swap, Input::Leg(at.leg, event));
        };
        live.answered(at.leg);
        match live.hear(chain, tip).filter(|_| live.goes_on()) {
            Some(input) => self.input(at.swap, input),
            None => Ok(()),
        }
    }

    fn tip(&mut self, chain: &ChainId, tip: Tip) -> Result<(), DriverError> {
        let on_chain = |(id, live): (&SwapId, &Live)| (live.goes_on() && live.is_on(chain)).then_some(*id);
        let swaps: Vec<SwapId> = self.swaps.iter().filter_map(on_chain).collect();
        for id in swaps {
            let Some(live) = self.swaps.get_mut(&id) else {
                continue;
            };
            match live.hear(chain, tip) {
                Some(input) => self.input(id, input)?,
                // An adapter owes us an answer: perhaps it is to be asked again.
                None => {
                    self.touched.insert(id);
                }
            }
            self.give_up_waiting(id, chain)?;
        }
        Ok(())
    }

    /// What both signed and no block takes gives way to the act alone.
    fn give_up_waiting(&mut self, id: SwapId, chain: &ChainId) -> Result<(), DriverError> {
        let live = self.swaps.get_mut(&id).filter(|live| live.goes_on());
        for leg in live.map(|live| live.overdue(chain)).unwrap_or_default() {
            let why = FailClass::Refused(Text::lossy("no block takes what both signed"));
            let failed = LegEvent::Failed(ActKind::RedeemTogether, why);
            self.input(id, Input::Leg(leg, failed))?;
        }
        Ok(())
    }
}
