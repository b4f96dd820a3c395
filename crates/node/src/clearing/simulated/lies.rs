//! What a lying validator says. It has its own keys and all it ever saw, and not those of the others.

use super::Town;
use kofo_clearance::{OrderAnswer, Request, Response};
use kofo_primitives::{Certificate, SwapId, tagged_hash};

/// The answer to a request; `honest` gives what an honest one would say.
pub(super) fn answer(
    town: &mut Town,
    request: Request,
    honest: impl Fn(&mut Town, Request) -> Response,
) -> Response {
    match request {
        // Taken, and passed on to nobody.
        Request::Submit(_) => Response::Taken([0; 32]),
        Request::Order(order) => Response::Order(Box::new(forged(town, order))),
        Request::Parts(ask) => {
            // The parts of another order, if there is one.
            let mut other = town.chain.orders().into_iter().map(|known| known.order.id());
            let other = other.find(|id| Some(*id) != ask.body.of);
            let mut ask = ask;
            ask.body.of = other.or(ask.body.of);
            honest(town, Request::Parts(ask))
        }
        Request::Mine(_) => {
            let made_up = |n: u8| (SwapId::new([n; 32]), u64::from(n));
            Response::Mine((1..=4).map(made_up).collect())
        }
        Request::Account(account) => {
            let mut view = town.chain.ledger.account(account);
            view.sequence = view.sequence.saturating_add(7);
            view.settled = 1_000_000;
            view.failed = 0;
            Response::Account(Box::new(view))
        }
        request => honest(town, request),
    }
}

/// A proof of an order that looks like one: of another order, or signed by one validator alone.
fn forged(town: &Town, order: SwapId) -> OrderAnswer {
    let Some(some) = town.chain.orders().first().map(|known| known.order.id()) else {
        return OrderAnswer::Unknown;
    };
    let Some(known) = town.chain.known(some) else {
        return OrderAnswer::Unknown;
    };
    let mut proof = known.proof.clone();
    if some == order {
        proof.header.state = tagged_hash("kofo/simulated/lie/v1", &[order.as_bytes()]);
        let first = proof.certificate.signatures.first().copied();
        proof.certificate = Certificate {
            header: proof.header.id(),
            signers: 1,
            signatures: first.into_iter().collect(),
            ..proof.certificate
        };
    }
    OrderAnswer::Committed(Box::new(proof))
}
