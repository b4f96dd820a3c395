//! What nodes, wallets and other validators are answered: one request, one answer.
//!
//! Everybody may ask for headers, certificates, proofs, receipts and what an account has. The parts of an order and what
//! was paid at its end go to its parties alone (to others who were paid, their own payments), the validators' secret to
//! validators alone, all sealed to who asks; operations are passed on by validators alone. A stranger gets so many
//! answers a second and no more.

mod answers;
mod rates;

use crate::committee::Committee;
use crate::head::Clock;
use crate::intake::{Intake, IntakeError};
use crate::replica::Replica;
use kofo_clearance::{Ask, RefusedClass, Request, Response, Submission, Wanted};
use kofo_network::{Inbound, InboundRequest, PeerId};
use kofo_primitives::{Digest, NetworkId, Signed};
use rates::Rates;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::num::NonZero;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// As many requests are answered at the same time as there are cores, and so many at least. Most cost nothing but
/// signatures: more at once would only take the cores from the engine, whose rounds do not wait for ever, and what waits
/// longer waits in the network's bounded queue.
const AT_LEAST: usize = 2;
/// A signed question is answered for so long (ms).
const FRESH_MS: u64 = 60_000;

/// What a [`Service`] answers from.
#[derive(Debug)]
pub struct ServiceParts {
    /// The ledger.
    pub replica: Arc<Replica>,
    /// Where operations come in.
    pub intake: Arc<Intake>,
    /// The secret that validators share.
    pub committee: Arc<Committee>,
    /// What time it is.
    pub clock: Clock,
    /// The services of the other validators, by their names among peers.
    pub validators: BTreeSet<PeerId>,
    /// So many requests a second of one stranger are answered.
    pub per_second: u32,
}

/// Answers requests.
#[derive(Debug)]
pub struct Service {
    network: NetworkId,
    genesis: Digest,
    parts: ServiceParts,
    rates: Rates,
}

/// Why a request is not answered as it asks.
struct No {
    class: RefusedClass,
    why: String,
}

impl No {
    fn new(class: RefusedClass, why: impl Display) -> Self {
        let why = why.to_string();
        Self { class, why }
    }

    fn unknown(why: impl Display) -> Self {
        Self::new(RefusedClass::Unknown, why)
    }

    fn busy(why: impl Display) -> Self {
        Self::new(RefusedClass::Busy, why)
    }
}

impl Service {
    /// A service over these.
    #[must_use]
    pub fn new(network: NetworkId, genesis: Digest, parts: ServiceParts) -> Self {
        Self {
            network,
            genesis,
            rates: Rates::new(parts.per_second),
            parts,
        }
    }

    /// Answers until the network ends.
    pub async fn serve(self: Arc<Self>, mut inbound: Inbound) {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let places = Arc::new(Semaphore::new(cores.max(AT_LEAST)));
        while let Some(request) = inbound.next().await {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let this = Arc::clone(&self);
            tokio::task::spawn_blocking(move || {
                this.respond(request);
                drop(place);
            });
        }
    }

    fn respond(&self, request: InboundRequest) {
        let answer = self.answer(request.from, &request.body);
        if let Err(error) = request.responder.respond(answer.write()) {
            tracing::error!(%error, "an answer is too long to be sent");
        }
    }

    /// The answer to a request of that peer. May block for some milliseconds.
    #[must_use]
    pub fn answer(&self, from: PeerId, body: &[u8]) -> Response {
        let validator = self.parts.validators.contains(&from);
        if !validator && !self.rates.allow(from, self.parts.clock.now_ms()) {
            return Response::refused(RefusedClass::Busy, &"too many requests: ask again in a second");
        }
        let answered = match Request::read(body) {
            Ok(request) => self.request(validator, request),
            Err(error) => Err(No::new(RefusedClass::Invalid, error)),
        };
        answered.unwrap_or_else(|no| Response::refused(no.class, &no.why))
    }

    fn request(&self, validator: bool, request: Request) -> Result<Response, No> {
        match request {
            Request::Status => Ok(self.status()),
            Request::Changes { after_epoch } => self.changes(after_epoch),
            Request::Submit(submission) => self.submit(*submission),
            Request::Order(order) => self.order(order),
            Request::Parts(ask) => self.order_parts(self.fresh(&ask)?),
            Request::Mine(ask) => self.mine(self.fresh(&ask)?),
            Request::Payouts(ask) => self.payouts(self.fresh(&ask)?),
            Request::Account(account) => Ok(self.account(account)),
            Request::Share(ask) => self.share(self.fresh(&ask)?),
            Request::Op(_) | Request::Ops(_) if !validator => Err(No::unknown(
                "operations are passed on by validators: submit it instead",
            )),
            Request::Op(op) => self.passed(&[op]),
            Request::Ops(ops) => self.passed(&ops),
        }
    }

    /// Takes what is submitted; what the ledger does not allow is told in words of whoever wanted it.
    fn submit(&self, submission: Submission) -> Result<Response, No> {
        let wanted = Wanted::of(&submission);
        let taken = self.parts.intake.submit(submission);
        taken.map(Response::Taken).map_err(|refused| match &refused {
            IntakeError::Ledger(why) => {
                let head = self.parts.replica.now();
                let why = why.in_words(&wanted, &head.ledger.genesis().params);
                No::new(refused.class(), why)
            }
            _ => No::new(refused.class(), &refused),
        })
    }

    /// Takes what another validator passes on: one that is refused holds up no other.
    fn passed(&self, ops: &[Vec<u8>]) -> Result<Response, No> {
        let taken = ops.iter().map(|op| self.parts.intake.receive(op));
        let last = taken.last().unwrap_or_else(|| Ok(Digest::default()));
        last.map(Response::Taken).map_err(|e| No::new(e.class(), e))
    }

    /// The question, if whoever it names signed it for this network a moment ago.
    fn fresh<'a>(&self, ask: &'a Signed<Ask>) -> Result<&'a Ask, No> {
        let body = &ask.body;
        let invalid = |why: &str| Err(No::new(RefusedClass::Invalid, why));
        if body.version != 1 || body.network != self.network {
            return invalid("expected a question of version 1 and of this network");
        }
        if body.time_ms.abs_diff(self.parts.clock.now_ms()) > FRESH_MS {
            return invalid("the question is more than a minute off our clock: ask again, see to the clock");
        }
        if body.key.verify(&body.id(), &ask.signature).is_err() {
            return invalid("the question is not signed by the key that it names");
        }
        Ok(body)
    }
}
