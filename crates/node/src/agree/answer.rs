//! The maker's second step: somebody accepts.

use super::{AgreeError, Agreement};
use crate::clock::now_ms;
use crate::direct::{Request, Response};
use crate::driver::Begin;
use kofo_network::Inbound;
use kofo_primitives::{Role, SettlementOrder};
use kofo_settlement::Terms;

impl Agreement {
    /// Answers peers until the network stops.
    pub async fn serve(&self, mut inbound: Inbound) {
        while let Some(request) = inbound.next().await {
            let answer = self.answer(&request.body).await;
            if let Err(error) = request.responder.respond(answer.write()) {
                tracing::warn!(%error, "an answer is too large");
            }
        }
    }

    async fn answer(&self, body: &[u8]) -> Response {
        let accepted = async {
            let Request::Accept(order) = Request::read(body)?;
            let swap = order.id();
            self.accepted(*order).await?;
            Ok::<_, AgreeError>(swap)
        };
        match accepted.await {
            Ok(swap) => Response::accepted(swap, &self.key),
            Err(error) => {
                tracing::info!(%error, "refused an acceptance");
                Response::refused(&error)
            }
        }
    }

    async fn accepted(&self, order: SettlementOrder) -> Result<(), AgreeError> {
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
        let chains = order.chains().into_iter().collect();
        let moment = self.moment(order.chains().into_iter().collect()).await?;
        if moment.trading > order.offer().body.expires {
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
        let preimage = self.seed.preimage(&self.network, &order.offer().body.nonce);
        self.begin(Begin::new(order, terms, Some(preimage), now_ms()))
            .await
    }
}
