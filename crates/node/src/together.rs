//! Asks other parties for their signatures, in rounds: one request, one answer, and no way to go on but alone when it
//! does not come in time.
//!
//! The secret nonce of a round lives in this task and dies with it.

use crate::agree::{AgreeError, Agreement, address};
use crate::direct::{LegAsked, Request, Response, SignRequest};
use crate::driver::Ask;
use crate::engine::{Asks, Stopped};
use futures::future::join_all;
use kofo_adapter_api::MOST_TOGETHER;
use kofo_network::{AddressError, RequestError};
use kofo_primitives::{
    ChainId, Contact, DirectOrder, HtlcSpec, LegRef, NodeId, Prepared, Role, SettlementOrder, Together,
};
use kofo_settlement::ROUND_WAIT;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// So many asks are looked at together, in case some can share a transaction.
const AT_ONCE: usize = 256;

/// Why a round gave nothing. All of them mean: alone.
#[derive(Debug, thiserror::Error)]
enum NoRound {
    #[error("the other party did not answer within {ROUND_WAIT}")]
    TooLate,
    #[error("the other party gave no address, or none that can be used: {0}")]
    NoAddress(#[from] AddressError),
    #[error("the other party cannot be reached: {0}")]
    Unreachable(#[from] RequestError),
    #[error(transparent)]
    Refused(#[from] AgreeError),
}

/// What can be asked for by one request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Whom {
    party: NodeId,
    /// By which key we are known in these swaps.
    us: NodeId,
    chain: ChainId,
    what: Together,
}

/// One leg of a round.
#[derive(Clone, Debug)]
struct Leg {
    ask: Ask,
    at: LegRef,
    spec: HtlcSpec,
    contacts: Vec<Contact>,
    order: SettlementOrder,
    role: Role,
}

impl Agreement {
    /// Asks for signatures until the engine ends.
    pub async fn cooperate(self: Arc<Self>, mut asks: Asks) {
        let mut rounds = JoinSet::new();
        let us = Arc::clone(&self);
        rounds.spawn(async move { us.say_where_we_are().await });
        rounds.spawn(Arc::clone(&self).hand_records());
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                got = asks.recv_many(&mut batch, AT_ONCE) => if got == 0 { return },
                Some(_ended) = rounds.join_next() => continue,
            }
            let Ok(groups) = self.grouped(batch).await else {
                return;
            };
            for (whom, legs) in groups {
                let us = Arc::clone(&self);
                rounds.spawn(async move { us.ask(&whom, legs).await });
            }
        }
    }

    /// Makers know us by the addresses that we had when we accepted. Repeats the acceptances of swaps that go on: after a
    /// restart our addresses may be others.
    async fn say_where_we_are(&self) {
        let accepted = |core: &mut crate::engine::Core| {
            let live = core.driver.swaps().values();
            let ours = live.filter(|live| live.goes_on() && live.terms().role() == Role::Participant);
            ours.filter_map(|live| live.order().as_direct().cloned())
                .collect::<Vec<_>>()
        };
        // The engine is gone only when the node stops.
        let orders = self.engine.call(accepted).await.unwrap_or_default();
        for order in orders {
            let swap = order.id();
            if let Err(why) = self.repeat(order).await {
                tracing::debug!(%swap, %why, "the other party does not hear where we are");
            }
        }
    }

    async fn repeat(&self, order: DirectOrder) -> Result<(), NoRound> {
        let to = address(&order.offer().body.contacts)?;
        let contacts = self.contacts()?;
        let request = Request::accept(order, contacts, &self.key);
        self.transport.request(&to, request.write()).await?;
        Ok(())
    }

    /// Legs that one request can ask for. Only redeems share one: a refund that has to wait must not keep another.
    async fn grouped(&self, asks: Vec<Ask>) -> Result<Vec<(Whom, Vec<Leg>)>, Stopped> {
        let look = move |core: &mut crate::engine::Core| {
            let leg = |ask: Ask| {
                let (at, spec) = core.driver.leg_of(&ask).ok()?;
                let live = core.driver.swaps().get(&ask.swap)?;
                let (role, order) = (live.terms().role(), live.order().clone());
                let (party, us) = (live.other_party(), order.party(role));
                let (chain, what) = (spec.chain(), ask.what);
                let leg = Leg {
                    ask,
                    at,
                    spec,
                    contacts: live.contacts().to_vec(),
                    order,
                    role,
                };
                let whom = Whom {
                    party,
                    us,
                    chain,
                    what,
                };
                Some((whom, leg))
            };
            asks.into_iter().filter_map(leg).collect::<Vec<_>>()
        };
        let mut groups: BTreeMap<Whom, Vec<Leg>> = BTreeMap::new();
        for (whom, leg) in self.engine.call(look).await? {
            groups.entry(whom).or_default().push(leg);
        }
        let split = |(whom, legs): (Whom, Vec<Leg>)| {
            let most = match whom.what {
                Together::Redeem => MOST_TOGETHER,
                Together::Refund => 1,
            };
            let chunks: Vec<_> = legs.chunks(most).map(<[Leg]>::to_vec).collect();
            chunks.into_iter().map(move |legs| (whom.clone(), legs))
        };
        Ok(groups.into_iter().flat_map(split).collect())
    }

    /// All legs by one request; if that fails, each by one of its own. Whatever comes of it, the driver hears of it.
    async fn ask(&self, whom: &Whom, legs: Vec<Leg>) {
        let half = Duration::from_secs(ROUND_WAIT.0) / 2;
        let rounds = match self.within(half, whom, &legs).await {
            Ok(signed) => legs.into_iter().zip(signed.into_iter().map(Some)).collect(),
            Err(_) if legs.len() > 1 => {
                let single = |leg: Leg| async move {
                    let signed = self.within(half, whom, std::slice::from_ref(&leg)).await;
                    let signed = signed.ok().and_then(|signed| signed.into_iter().next());
                    (leg, signed)
                };
                join_all(legs.into_iter().map(single)).await
            }
            Err(_) => legs.into_iter().map(|leg| (leg, None)).collect(),
        };
        let over = move |core: &mut crate::engine::Core| {
            for (leg, signed) in rounds {
                if let Err(error) = core.driver.round_over(&leg.ask, signed) {
                    tracing::debug!(swap = %leg.ask.swap, leg = %leg.ask.leg, %error, "a signature came too late");
                }
            }
        };
        // The engine is gone only when the node stops.
        let _stopping = self.engine.call(over).await;
    }

    async fn within(&self, time: Duration, whom: &Whom, legs: &[Leg]) -> Result<Vec<Prepared>, NoRound> {
        let round = tokio::time::timeout(time, self.round(whom, legs)).await;
        let result = round.unwrap_or(Err(NoRound::TooLate));
        if let Err(why) = &result {
            let swap = legs.first().map(|leg| leg.ask.swap.to_string());
            tracing::debug!(chain = %whom.chain, what = ?whom.what, legs = legs.len(), swap, %why, "no signature");
        }
        result
    }

    async fn round(&self, whom: &Whom, legs: &[Leg]) -> Result<Vec<Prepared>, NoRound> {
        let Some(first) = legs.first() else {
            return Ok(Vec::new());
        };
        let to = address(&first.contacts)?;
        let key = self.signing_key(&first.order, first.role);
        let adapter = self.adapters.get(&whom.chain);
        let adapter = adapter.ok_or_else(|| NoRound::Refused(AgreeError::Fault(whom.chain.clone())))?;
        let specs: Vec<_> = legs.iter().map(|leg| (leg.at, leg.spec.clone())).collect();
        let round = adapter
            .open_round(whom.what, &specs)
            .await
            .map_err(AgreeError::from)?;
        // From here the other party may know the preimage: that is durable before the request leaves.
        let asks: Vec<Ask> = legs.iter().map(|leg| leg.ask).collect();
        let tell = move |core: &mut crate::engine::Core| {
            let told = asks.iter().map(|ask| {
                let preimage = core.driver.tell(ask)?;
                let (swap, leg) = (ask.swap, ask.leg);
                Ok(LegAsked { swap, leg, preimage })
            });
            told.collect::<Result<Vec<_>, crate::driver::DriverError>>()
        };
        let asked = self
            .engine
            .call(tell)
            .await
            .map_err(AgreeError::from)?
            .map_err(AgreeError::from)?;
        let request = SignRequest::new(whom.what, asked, round.request.clone(), &key);
        let answer = self
            .transport
            .request(&to, Request::Sign(Box::new(request)).write())
            .await?;
        let reply = Response::read_signed(&answer).map_err(AgreeError::from)?;
        Ok(round.finish(&reply).await.map_err(AgreeError::from)?)
    }
}
