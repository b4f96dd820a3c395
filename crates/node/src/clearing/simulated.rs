//! Validators without an engine: one ledger in memory, whose every operation is a batch of its own, certified by all of
//! them. Each answers as itself, and can be made to be silent or to lie: for simulations of the market, and its tests.

mod intake;
mod lies;

use async_trait::async_trait;
use intake::{Chain, Known};
use kofo_clearance::{
    Ask, Genesis, GenesisError, Op, OrderAnswer, RefusedClass, Request, Response, Submission,
    ValidatorStatus, Wanted, parts_context, payouts_context,
};
use kofo_network::{PeerAddress, PeerId, RequestError, Transport};
use kofo_primitives::{Bytes, NodeKey, Signed, SwapId, ValidatorSecret, encode, seal};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How one of them behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    #[default]
    Honest,
    /// It answers nothing.
    Silent,
    /// It takes everything and passes nothing on, knows nothing, and shows proofs that are none.
    Lying,
}

/// All of them, as one transport by which nodes ask them.
#[derive(Clone)]
pub struct SimulatedValidators(Arc<Mutex<Town>>);

struct Town {
    chain: Chain,
    /// By the names of their services among peers.
    moods: BTreeMap<PeerId, Mood>,
    /// Nothing is committed while this is set.
    halted: bool,
    /// How many requests came.
    asked: u64,
}

impl SimulatedValidators {
    /// The validators of a genesis, whose vote keys and seal key these are.
    pub fn new(genesis: Genesis, votes: Vec<ValidatorSecret>, seal: NodeKey) -> Result<Self, GenesisError> {
        let named = genesis.validators.iter().filter_map(|one| {
            let address = PeerAddress::from_multiaddrs(&[one.service.as_str()]).ok()?;
            Some((address.peer(), Mood::Honest))
        });
        let town = Town {
            moods: named.collect(),
            chain: Chain::new(genesis, votes, seal)?,
            halted: false,
            asked: 0,
        };
        Ok(Self(Arc::new(Mutex::new(town))))
    }

    fn town(&self) -> MutexGuard<'_, Town> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the first so many behave so, in the order of their names among peers, and the others honestly.
    pub fn behave(&self, first: usize, mood: Mood) {
        for (at, one) in self.town().moods.values_mut().enumerate() {
            *one = if at < first { mood } else { Mood::Honest };
        }
    }

    /// Nothing becomes final while they are halted.
    pub fn halt(&self, halted: bool) {
        self.town().halted = halted;
    }

    /// Hands an order in, as a claimant would.
    pub fn submit(&self, order: kofo_clearance::SubmittedOrder) -> Result<(), String> {
        match self.town().submit(Submission::Order(Box::new(order))) {
            Response::Refused { why, .. } => Err(why.as_str().to_owned()),
            _ => Ok(()),
        }
    }

    /// Has an operation happen, as if a validator had seen it.
    pub fn take(&self, op: Op) -> Result<(), String> {
        self.town().chain.take(op)
    }

    /// Lets time pass in the ledger, to that moment (unix ms).
    pub fn pass(&self, time_ms: u64) {
        self.town().chain.pass(time_ms);
    }

    /// The ledger as it is.
    #[must_use]
    pub fn ledger(&self) -> kofo_clearance::Ledger {
        self.town().chain.ledger.clone()
    }

    /// The orders that are final, with all of their parts.
    #[must_use]
    pub fn orders(&self) -> Vec<kofo_clearance::ClearedOrder> {
        self.town().chain.orders()
    }

    /// Payments of an order that is over.
    #[must_use]
    pub fn settlement(&self, order: SwapId) -> Option<kofo_clearance::Settlement> {
        self.town().chain.known(order)?.settlement.clone()
    }

    /// How many requests came in all.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.town().asked
    }
}

impl Town {
    fn answer(&mut self, request: Request) -> Response {
        match request {
            Request::Status => Response::Status(Box::new(self.status())),
            Request::Changes { .. } => Response::Changes(Vec::new()),
            Request::Submit(submission) => self.submit(*submission),
            Request::Order(order) => Response::Order(Box::new(self.order(order))),
            Request::Parts(ask) => self.parts(&ask),
            Request::Mine(ask) => Response::Mine(self.chain.on(&ask.body)),
            Request::Account(account) => Response::Account(Box::new(self.chain.ledger.account(account))),
            Request::Payouts(ask) => self.payouts(&ask),
            Request::Share(_) | Request::Op(_) | Request::Ops(_) => {
                Response::refused(RefusedClass::Unknown, &"not here")
            }
        }
    }

    fn status(&self) -> ValidatorStatus {
        let (genesis, tip) = (self.chain.ledger.genesis(), self.chain.ledger.tip());
        ValidatorStatus {
            network: genesis.network.clone(),
            genesis: genesis.digest(),
            height: tip.height,
            time_ms: tip.time_ms,
            header: tip.id,
            validators: self.chain.ledger.validators(),
        }
    }

    fn submit(&mut self, submission: Submission) -> Response {
        if self.halted {
            return Response::refused(RefusedClass::Busy, &"halted");
        }
        let wanted = Wanted::of(&submission);
        let op = match submission {
            Submission::Order(order) => match self.chain.open(*order) {
                Ok(cleared) => Op::Order(Box::new(cleared)),
                Err(why) => return Response::refused(RefusedClass::Invalid, &why),
            },
            Submission::Act(act) => Op::Act(act),
            Submission::Amend(amendment) => Op::Amend(amendment),
            Submission::DoubleQuote(double) => Op::DoubleQuote(double),
            Submission::Proven(proven) => Op::Proven(proven),
        };
        let leaf = op.leaf();
        match self.chain.take_for(op, &wanted) {
            Ok(()) => Response::Taken(leaf),
            Err(why) => Response::refused(RefusedClass::Ledger, &why),
        }
    }

    fn order(&self, order: SwapId) -> OrderAnswer {
        match self.chain.known(order) {
            None => OrderAnswer::Unknown,
            Some(Known { proof, receipt, .. }) => match receipt {
                None => OrderAnswer::Committed(Box::new(proof.clone())),
                Some(receipt) => OrderAnswer::Ended(Box::new(proof.clone()), Box::new(receipt.clone())),
            },
        }
    }

    fn payouts(&self, ask: &Signed<Ask>) -> Response {
        let (key, no) = (ask.body.key, |why: &str| {
            Response::refused(RefusedClass::Unknown, &why)
        });
        if key.verify(&ask.body.id(), &ask.signature).is_err() {
            return no("not signed");
        }
        let known = ask.body.of.and_then(|order| self.chain.known(order));
        let told = known.and_then(|known| known.settlement.as_ref()?.told_to(&known.cleared, &key));
        let Some(told) = told else {
            return no("not yours");
        };
        let ephemeral = kofo_primitives::tagged_hash("kofo/simulated/v1", &[&encode(ask)]);
        let sealed = seal(&key, &ephemeral, &payouts_context(told.order), &encode(&told));
        sealed.map_or_else(|e| no(&e.to_string()), Response::Payouts)
    }

    fn parts(&self, ask: &Signed<Ask>) -> Response {
        let no = |why: &str| Response::refused(RefusedClass::Unknown, &why);
        let known = ask.body.of.and_then(|order| self.chain.known(order));
        let Some(known) = known else {
            return no("no such order");
        };
        let parts = known.cleared.order.parts();
        let parties = [
            parts.claim.body.key,
            parts.fulfil.body.key,
            parts.terms.reservation.bond,
        ];
        let key = ask.body.key;
        if !parties.contains(&key) || key.verify(&ask.body.id(), &ask.signature).is_err() {
            return no("not yours");
        }
        let context = parts_context(known.cleared.order.id());
        let ephemeral = kofo_primitives::tagged_hash("kofo/simulated/v1", &[&encode(ask)]);
        let sealed: Result<Bytes<{ kofo_clearance::MAX_PARTS }>, _> =
            seal(&key, &ephemeral, &context, &encode(parts));
        sealed.map_or_else(|e| no(&e.to_string()), Response::Parts)
    }
}

#[async_trait]
impl Transport for SimulatedValidators {
    fn peer_id(&self) -> PeerId {
        kofo_network::Identity::from_secret(zeroize::Zeroizing::new([0xfe; 32])).peer_id()
    }

    fn listen_addresses(&self) -> Vec<String> {
        Vec::new()
    }

    async fn request(&self, to: &PeerAddress, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let peer = to.peer();
        let unreachable = || RequestError::Unreachable {
            peer,
            tried: Vec::new(),
        };
        let mut town = self.town();
        town.asked = town.asked.saturating_add(1);
        let mood = town.moods.get(&peer).copied().unwrap_or(Mood::Silent);
        let request = Request::read(&body).map_err(|_| unreachable())?;
        let answer = match mood {
            Mood::Silent => return Err(unreachable()),
            Mood::Honest => town.answer(request),
            Mood::Lying => {
                let honest = |town: &mut Town, request| town.answer(request);
                lies::answer(&mut town, request, honest)
            }
        };
        Ok(answer.write())
    }
}
