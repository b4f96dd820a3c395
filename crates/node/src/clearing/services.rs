//! The validators that can be asked: one after the other, or all at once. Who fails is asked last for a while.

use super::ClearingError;
use super::error::Trouble;
use crate::clock::now_ms;
use futures::future::join_all;
use kofo_clearance::{Genesis, Request, Response};
use kofo_network::{PeerAddress, Transport};
use kofo_primitives::{NodeId, SwapId};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A validator has so long to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// One that did not is asked last for so long (ms).
const SULK_MS: u64 = 10_000;

/// One validator's service.
pub(super) struct Service {
    /// Its account, if the genesis names it.
    pub(super) account: Option<NodeId>,
    pub(super) address: PeerAddress,
    pub(super) text: String,
    /// From where on it is asked for orders on our quotes.
    place: Mutex<Place>,
    failed_ms: AtomicU64,
}

/// How far one validator has named orders on our quotes: this height, and the last order that it named there if it had
/// more than it names at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) height: u64,
    pub(super) last: Option<SwapId>,
}

/// All of them.
pub(super) struct Services {
    all: Vec<Service>,
    /// Whose turn it is if there is no chance to be had.
    turn: AtomicUsize,
    transport: Arc<dyn Transport>,
}

impl Services {
    /// Those of the genesis, and further addresses.
    pub(super) fn new(
        genesis: &Genesis,
        more: &[String],
        (transport, place): (Arc<dyn Transport>, u64),
    ) -> Result<Self, ClearingError> {
        let named = genesis
            .validators
            .iter()
            .map(|one| (Some(one.account), one.service.as_str()));
        let more = more.iter().map(|text| named_service(text));
        let mut all: Vec<Service> = Vec::new();
        for (account, text) in named.chain(more) {
            let address = PeerAddress::from_multiaddrs(&[text]).map_err(|why| ClearingError::Address {
                address: text.to_owned(),
                why: why.to_string(),
            })?;
            if all.iter().any(|known| known.address.peer() == address.peer()) {
                continue;
            }
            all.push(Service {
                account,
                address,
                text: text.to_owned(),
                place: Mutex::new(Place {
                    height: place,
                    last: None,
                }),
                failed_ms: AtomicU64::new(0),
            });
        }
        let turn = AtomicUsize::new(0);
        Ok(Self { all, turn, transport })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.all.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, beginning with one that chance chooses, so that no rhythm of ours meets the same one again and again;
    /// those that failed lately at the end.
    pub(super) fn in_turn(&self) -> Vec<&Service> {
        let mut drawn = [0; size_of::<usize>()];
        let first = match getrandom::fill(&mut drawn) {
            Ok(()) => usize::from_le_bytes(drawn),
            Err(_) => self.turn.fetch_add(1, Ordering::Relaxed),
        };
        let first = first.checked_rem(self.all.len()).unwrap_or(0);
        let (before, from) = self.all.split_at(first);
        let mut order: Vec<_> = from.iter().chain(before).collect();
        let now_ms = now_ms();
        order.sort_by_key(|service| service.sulks(now_ms));
        order
    }

    /// Asks one.
    pub(super) async fn ask(&self, service: &Service, request: &Request) -> Result<Response, Trouble> {
        let asked = self.transport.request(&service.address, request.write());
        let answer = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => Response::read(&answer).map_err(Trouble::from),
            Ok(Err(error)) => Err(Trouble::Unreachable(error.to_string())),
            Err(_) => Err(Trouble::Unreachable(format!("no answer within {PATIENCE:?}"))),
        };
        match answer {
            Ok(Response::Refused { class, why }) => Err(Trouble::Refused(class, why.as_str().to_owned())),
            Ok(response) => {
                service.failed_ms.store(0, Ordering::Relaxed);
                Ok(response)
            }
            Err(trouble) => {
                service.failed();
                Err(trouble)
            }
        }
    }

    /// Those that did not fail lately, or all if every one did: one that hangs holds nobody up again and again.
    pub(super) fn awake(&self) -> Vec<&Service> {
        let now_ms = now_ms();
        let awake: Vec<_> = self.all.iter().filter(|service| !service.sulks(now_ms)).collect();
        match awake.is_empty() {
            true => self.all.iter().collect(),
            false => awake,
        }
    }

    /// Asks these at once.
    pub(super) async fn ask_all<'a>(
        &self,
        services: impl IntoIterator<Item = &'a Service>,
        request: &Request,
    ) -> Vec<(&'a Service, Result<Response, Trouble>)> {
        let asked = services.into_iter().map(|service| async move {
            let answer = self.ask(service, request).await;
            (service, answer)
        });
        join_all(asked).await
    }
}

/// `<account>@<address>`, or the address alone: then what it says counts only as far as it proves it.
pub(crate) fn named_service(text: &str) -> (Option<NodeId>, &str) {
    let named = text.split_once('@').and_then(|(account, address)| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(account, &mut bytes).ok()?;
        Some((Some(NodeId::new(bytes)), address))
    });
    named.unwrap_or((None, text))
}

impl Service {
    pub(super) fn place(&self) -> Place {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn move_to(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// It did not answer, or said what is not so.
    pub(super) fn failed(&self) {
        self.failed_ms.store(now_ms(), Ordering::Relaxed);
    }

    fn sulks(&self, now_ms: u64) -> bool {
        let failed_ms = self.failed_ms.load(Ordering::Relaxed);
        failed_ms > 0 && now_ms.saturating_sub(failed_ms) < SULK_MS
    }
}
