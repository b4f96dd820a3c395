//! The answers.

use super::{No, Service};
use crate::store::{Placed, StoreError};
use kofo_clearance::{
    Ask, ClearedOrder, MAX_ANSWERED, Op, OrderAnswer, Response, ValidatorStatus, parts_context,
    payouts_context,
};
use kofo_primitives::{Bytes, NodeId, SwapId, Text, decode, encode, seal};

/// Changes of validators in one answer have at most so many bytes, so that it fits a message.
const MOST_BYTES: usize = 48 * 1024;

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the ledger's file cannot be read");
        Self::busy("our disk failed: ask another validator")
    }
}

impl Service {
    pub(super) fn status(&self) -> Response {
        let ledger = &self.parts.replica.now().ledger;
        let tip = ledger.tip();
        Response::Status(Box::new(ValidatorStatus {
            network: self.network.clone(),
            genesis: self.genesis,
            height: tip.height,
            time_ms: tip.time_ms,
            header: tip.id,
            validators: ledger.validators(),
        }))
    }

    pub(super) fn changes(&self, after_epoch: u64) -> Result<Response, No> {
        let store = self.parts.replica.store();
        let (mut changes, mut bytes) = (Vec::new(), 0usize);
        for at in store.handovers(after_epoch, MAX_ANSWERED)? {
            let change = store.change(at)?;
            bytes = bytes.saturating_add(encode(&change).len());
            if bytes > MOST_BYTES && !changes.is_empty() {
                break;
            }
            changes.push(change);
        }
        Ok(Response::Changes(changes))
    }

    pub(super) fn order(&self, order: SwapId) -> Result<Response, No> {
        let store = self.parts.replica.store();
        let pool = self.parts.intake.pool();
        let answer = match store.order(order)? {
            Some(placed) => {
                let proof = store.order_proof(&placed)?;
                match store.receipt_proof(order)? {
                    Some(receipt) => OrderAnswer::Ended(Box::new(proof), Box::new(receipt)),
                    None => OrderAnswer::Committed(Box::new(proof)),
                }
            }
            None if pool.waits(order) => OrderAnswer::Waiting,
            None => match pool.refusal(order.as_bytes()) {
                Some(why) => OrderAnswer::Refused(Text::lossy(&why)),
                None => OrderAnswer::Unknown,
            },
        };
        Ok(Response::Order(Box::new(answer)))
    }

    /// To a party of the order alone. Whoever is none learns not even whether there is such an order.
    pub(super) fn order_parts(&self, ask: &Ask) -> Result<Response, No> {
        let stranger = || No::unknown("no order of that key is known here");
        let order = ask.of.ok_or_else(stranger)?;
        let placed = self.parts.replica.store().order(order)?;
        let cleared = self.cleared(&placed.ok_or_else(stranger)?)?;
        let parts = cleared.order.parts();
        let parties = [
            parts.claim.body.key,
            parts.fulfil.body.key,
            parts.terms.reservation.bond,
        ];
        if !parties.contains(&ask.key) {
            return Err(stranger());
        }
        let ephemeral = crate::committee::fresh().map_err(No::busy)?;
        let sealed = seal(&ask.key, &ephemeral, &parts_context(order), &encode(parts));
        sealed.map(Response::Parts).map_err(No::busy)
    }

    /// To a party of the order, and to whoever was paid what it was paid. Whoever is neither learns not even whether the
    /// order has ended: it may ask for the receipt.
    pub(super) fn payouts(&self, ask: &Ask) -> Result<Response, No> {
        let stranger = || No::unknown("no order that paid that key is over here");
        let order = ask.of.ok_or_else(stranger)?;
        let store = self.parts.replica.store();
        let (_, _, settlement) = store.settlement(order)?.ok_or_else(stranger)?;
        let cleared = self.cleared(&store.order(order)?.ok_or_else(stranger)?)?;
        let told = settlement.told_to(&cleared, &ask.key).ok_or_else(stranger)?;
        let ephemeral = crate::committee::fresh().map_err(No::busy)?;
        let sealed = seal(&ask.key, &ephemeral, &payouts_context(order), &encode(&told));
        sealed.map(Response::Payouts).map_err(No::busy)
    }

    /// An order as it was committed.
    fn cleared(&self, placed: &Placed) -> Result<Box<ClearedOrder>, StoreError> {
        let store = self.parts.replica.store();
        match decode(&store.op(placed.height, placed.place)?) {
            Ok(Op::Order(cleared)) => Ok(cleared),
            Ok(_) | Err(_) => Err(store.lost(format_args!("order {}", placed.order))),
        }
    }

    pub(super) fn mine(&self, ask: &Ask) -> Result<Response, No> {
        let store = self.parts.replica.store();
        let last = ask.of.map(|last| store.order(last)).transpose()?.flatten();
        let named = last.filter(|last| last.height == ask.after);
        let place = named.map_or(0, |last| last.place.saturating_add(1));
        let from = (ask.after, place);
        Ok(Response::Mine(store.mine(ask.key, from, MAX_ANSWERED)?))
    }

    pub(super) fn account(&self, account: NodeId) -> Response {
        let head = self.parts.replica.now();
        let mut view = head.ledger.account(account);
        for holding in &mut view.holdings {
            // The soonest: the answer is one message, however often an account asks for something back.
            holding.unbonding.truncate(MAX_ANSWERED);
        }
        Response::Account(Box::new(view))
    }

    /// To validators of the present set alone.
    pub(super) fn share(&self, ask: &Ask) -> Result<Response, No> {
        let set = self.parts.replica.now().ledger.validators();
        if !set.members().iter().any(|member| member.account == ask.key) {
            return Err(No::unknown("the secret is the validators' alone"));
        }
        let share: Option<Bytes<128>> = self.parts.committee.share(ask.key).map_err(No::busy)?;
        let share =
            share.ok_or_else(|| No::busy("this node does not know the secret: ask another validator"))?;
        Ok(Response::Share(share))
    }
}
