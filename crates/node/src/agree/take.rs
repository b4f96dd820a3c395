//! The taker: from the text of an offer to a swap that both know.

use super::{AgreeError, Agreement, Drawn, Moment, address};
use crate::clock::now_ms;
use crate::direct::{AnswerError, Request, Response};
use crate::driver::Begin;
use kofo_exchange::{Now, acceptable, from_text};
use kofo_network::{PeerAddress, RequestError};
use kofo_primitives::{
    Acceptance, AcceptedLeg, ChainId, DirectOrder, End, LegId, Offer, OfferedLeg, Role, SettlementOrder,
    Side, Signed, SwapId,
};
use kofo_settlement::{Input, Terms, Timelocks};
use std::collections::BTreeSet;

impl Agreement {
    /// Accepts an offer: checks it, records the swap, tells its maker.
    pub async fn take(&self, text: &str) -> Result<SwapId, AgreeError> {
        let _alone = self.one_at_a_time.lock().await;
        let offer = from_text(text)?;
        let chains: BTreeSet<ChainId> = offer
            .body
            .give
            .iter()
            .chain(&offer.body.want)
            .map(|l| l.asset.chain())
            .collect();
        let moment = self.moment(chains.clone()).await?;
        let offer = self.acceptable(offer, &moment)?;
        self.healthy(chains).await?;
        let to = address(&offer.body.contacts)?;
        let agreed = self.accept(offer, &moment).await?;
        let order = SettlementOrder::Direct(Box::new(agreed.clone()));
        let terms = Terms::new(
            &order,
            Role::Participant,
            &self.policy,
            moment.latest,
            &moment.heights(),
        )?;
        self.check(&terms).await?;
        let swap = order.id();
        if self.begin(Begin::new(order, terms, None, now_ms())).await? {
            // Nobody is made to lock for what our owner may decline: the maker is told when it is approved.
            return Ok(swap);
        }
        self.tell(&to, agreed).await.map(|()| swap)
    }

    fn acceptable(&self, offer: Signed<Offer>, moment: &Moment) -> Result<Signed<Offer>, AgreeError> {
        let place = |asset: &_| {
            self.adapter(asset)
                .ok()
                .and_then(|adapter| adapter.place(asset).ok())
        };
        let now = Now {
            network: &self.network,
            time: moment.trading,
            us: self.key.id(),
            place: &place,
        };
        let offer = acceptable(offer, &now)?.into_signed();
        self.depths_agree(&offer.body)?;
        Ok(offer)
    }

    async fn accept(&self, offer: Signed<Offer>, moment: &Moment) -> Result<DirectOrder, AgreeError> {
        let unused = offer.body.clone();
        self.engine
            .call(move |core| core.driver.unused(&unused))
            .await?
            .map_err(crate::driver::DriverError::from)?;
        let side = |legs: &[OfferedLeg]| legs.iter().map(|leg| leg.asset.chain()).collect::<Vec<_>>();
        let Timelocks { alpha, beta } = self
            .policy
            .timelocks(&side(&offer.body.give), &side(&offer.body.want))?;
        let mut drawn = Drawn::new()?;
        let mut sides = [Vec::new(), Vec::new()];
        let both = [
            (
                Side::Alpha,
                End::Redeemer,
                &offer.body.give,
                moment.latest.plus(alpha),
            ),
            (
                Side::Beta,
                End::Refunder,
                &offer.body.want,
                moment.latest.plus(beta),
            ),
        ];
        for ((side, end, legs, timelock), out) in both.into_iter().zip(&mut sides) {
            for (index, leg) in (0..).zip(legs) {
                let party = self
                    .party((LegId { side, index }, end), &leg.asset, None, &mut drawn)
                    .await?;
                out.push(AcceptedLeg { party, timelock });
            }
        }
        let [alpha, beta] = sides;
        let (id, taker) = (offer.body.id(), self.key.id());
        let acceptance = Acceptance {
            version: 1,
            offer: id,
            taker,
            nonce: drawn.nonce,
            alpha,
            beta,
        };
        let acceptance = acceptance.sign(&offer.body, &self.key);
        Ok(DirectOrder::new(offer, acceptance)?)
    }

    fn depths_agree(&self, offer: &Offer) -> Result<(), AgreeError> {
        for (side, legs) in [(Side::Alpha, &offer.give), (Side::Beta, &offer.want)] {
            for (index, leg) in (0..).zip(legs) {
                let (ours, theirs) = (self.depth(&leg.asset), leg.depth);
                if ours != theirs {
                    return Err(AgreeError::Depth {
                        leg: LegId { side, index },
                        ours,
                        theirs,
                    });
                }
            }
        }
        Ok(())
    }

    /// Tells the maker. A clear no, or nobody there, ends the swap; an answer that got lost does not, because the maker
    /// may have recorded the swap: it ends by itself when nothing is locked in time.
    pub(super) async fn tell(&self, to: &PeerAddress, order: DirectOrder) -> Result<(), AgreeError> {
        let (swap, maker) = (order.id(), order.offer().body.maker);
        // Who listens nowhere gives no address, and gets no signature of whoever cannot reach it.
        let contacts = self.contacts().unwrap_or_default();
        let request = Request::accept(order, contacts, &self.key).write();
        let mut lost = None;
        for _ in 0..3 {
            match self.transport.request(to, request.clone()).await {
                Ok(answer) => {
                    let read = Response::read(&answer, swap, &maker);
                    if let Err(AnswerError::Refused(_)) = &read {
                        self.abort(swap).await?;
                    }
                    return Ok(read?);
                }
                Err(gone @ (RequestError::Unreachable { .. } | RequestError::WrongNetwork { .. }))
                    if lost.is_none() =>
                {
                    self.abort(swap).await?;
                    return Err(AgreeError::Unreachable(gone));
                }
                Err(error) => lost = Some(error),
            }
        }
        let why = lost.map(|error| {
            format!(
                "the other party has not confirmed yet ({error}); if it does not lock, this ends by itself"
            )
        });
        self.engine
            .call(move |core| core.book.trouble(swap, why, now_ms()))
            .await?;
        Ok(())
    }

    async fn abort(&self, swap: SwapId) -> Result<(), AgreeError> {
        self.engine
            .call(move |core| core.driver.input(swap, Input::Abort))
            .await??;
        Ok(())
    }
}
