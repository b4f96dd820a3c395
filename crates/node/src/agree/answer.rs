//! What peers ask of us: to accept an acceptance of our offer, and to sign what we want no more.

use super::{AgreeError, Agreement};
use crate::clock::now_ms;
use crate::direct::{Accept, Request, Response, SignRequest, SignRequestError};
use crate::driver::Begin;
use crate::engine::Core;
use futures::{StreamExt, stream};
use kofo_adapter_api::RoundReply;
use kofo_network::{Inbound, PeerId};
use kofo_primitives::{DirectOrder, Role, SettlementOrder};
use kofo_settlement::Terms;
use std::collections::BTreeSet;

/// So many peers are answered at the same time.
const ANSWERS_AT_ONCE: usize = 16;

impl Agreement {
    /// Answers peers until the network stops.
    pub async fn serve(&self, inbound: Inbound) {
        let requests = stream::unfold(inbound, async |mut inbound| {
            inbound.next().await.map(|request| (request, inbound))
        });
        requests
            .for_each_concurrent(ANSWERS_AT_ONCE, async |request| {
                let answer = self.answer(request.from, &request.body).await;
                if let Err(error) = request.responder.respond(answer.write()) {
                    tracing::warn!(%error, "an answer is too large");
                }
            })
            .await;
    }

    async fn answer(&self, from: PeerId, body: &[u8]) -> Response {
        let answered = async {
            match Request::read(body)? {
                Request::Accept(accept) => self.accepted(*accept).await,
                Request::Sign(request) => self.sign(&request).await.map(Response::Signed),
                Request::Keep(keep) => self.keep(from, *keep).await,
                Request::Return(after) => self.give_back(from, after).await,
            }
        };
        answered.await.unwrap_or_else(|error: AgreeError| {
            tracing::info!(%error, "refused what a peer asked for");
            Response::refused(&error)
        })
    }

    /// Signs what takes legs for the other party, if we want nothing of them any more.
    async fn sign(&self, request: &SignRequest) -> Result<RoundReply, AgreeError> {
        request.check()?;
        let (by, asks) = (request.by, request.asks().collect::<Vec<_>>());
        let may = move |core: &mut Core| {
            let legs = asks
                .into_iter()
                .map(|(ask, preimage)| core.driver.asked(&by, &ask, preimage));
            legs.collect::<Result<Vec<_>, _>>()
        };
        // What the request told us is durable when this returns.
        let legs = self.engine.call(may).await??;
        let [(_, first), rest @ ..] = legs.as_slice() else {
            return Err(SignRequestError::Legs(0).into());
        };
        if rest.iter().any(|(_, spec)| spec.chain() != first.chain()) {
            return Err(AgreeError::ManyChains);
        }
        let adapter = self.adapter(&first.asset)?;
        Ok(adapter.cosign(request.what, &legs, &request.round).await?)
    }

    async fn accepted(&self, accept: Accept) -> Result<Response, AgreeError> {
        accept.check()?;
        let (swap, contacts) = (accept.order.id(), accept.contacts.clone());
        self.take_acceptance(accept.order).await?;
        if !contacts.is_empty() {
            self.engine
                .call(move |core| core.driver.contacts(swap, contacts))
                .await??;
        }
        Ok(Response::accepted(swap, &self.key))
    }

    async fn take_acceptance(&self, order: DirectOrder) -> Result<(), AgreeError> {
        let _alone = self.one_at_a_time.lock().await;
        let (id, swap) = (order.offer().body.id(), order.id());
        let entry = self
            .engine
            .call(move |core| core.driver.offers().get(&id).cloned())
            .await?;
        let entry = entry
            .filter(|e| !e.withdrawn && e.offer == *order.offer())
            .ok_or(AgreeError::NotOurs)?;
        match entry.accepted {
            Some(known) if known == swap => return Ok(()),
            Some(other) => return Err(AgreeError::Taken(other)),
            None => {}
        }
        let expires = order.offer().body.expires;
        let order = SettlementOrder::Direct(Box::new(order));
        let chains: BTreeSet<_> = order.chains().into_iter().collect();
        let moment = self.moment(chains.clone()).await?;
        if moment.trading > expires {
            return Err(AgreeError::Expired);
        }
        self.healthy(chains).await?;
        let terms = Terms::new(
            &order,
            Role::Initiator,
            &self.policy,
            moment.latest,
            &moment.heights(),
        )?;
        self.check(&terms).await?;
        let preimage = self
            .signer
            .preimage(&self.network, &order.nonce(Role::Initiator))
            .await?;
        self.begin(Begin::new(order, terms, Some(preimage), now_ms()))
            .await?;
        Ok(())
    }
}
