//! A node's way to the clearance layer. It asks validators, and believes certificates: one that lies, or is silent, is
//! passed over for the next. What validators say without a certificate (accounts, refusals) counts once those that say it
//! have more than a third of the power, for then one of them is honest.

mod account;
mod order;
mod show;

pub use order::{Committed, OrderFate};
pub use show::{ending, ledger_assets};

use super::ClearingError;
use super::error::Trouble;
use super::kept::Kept;
use super::services::{Place, Service, Services};
use crate::clock::now_ms;
use crate::journal::SharedJournal;
use futures::future::join_all;
use kofo_clearance::{
    Ask, Genesis, Ledger, Light, MAX_ANSWERED, NoProofs, RefusedClass, Request, Response, Submission,
};
use kofo_network::Transport;
use kofo_primitives::{Digest, NodeId, NodeKey, SwapId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Validators are asked who they are so often (ms).
const FOLLOW_MS: u64 = 60_000;
/// Changes of validators are fetched in at most so many requests at a time.
const MAX_ROUNDS: usize = 16;
/// What is known of validators is written again after so long (ms), so that a restart knows how old it is.
const KEEP_MS: u64 = 3_600_000;

/// What a client of the clearance layer is made of.
pub struct ClearingParts {
    /// The network's genesis.
    pub genesis: Genesis,
    /// Validators that the genesis does not name: addresses of their services.
    pub services: Vec<String>,
    /// Our account.
    pub key: NodeKey,
    /// By which validators are asked.
    pub transport: Arc<dyn Transport>,
    /// Where what is known outlives a restart.
    pub journal: SharedJournal,
}

/// A node's way to the clearance layer.
pub struct Clearing {
    genesis: Genesis,
    key: NodeKey,
    services: Services,
    light: Mutex<Light>,
    kept: Kept,
    kept_ms: AtomicU64,
    /// When validators were last asked who they are (unix ms).
    followed_ms: AtomicU64,
    /// Acts of our account are one after the other.
    acting: tokio::sync::Mutex<()>,
}

impl Clearing {
    /// Goes on where the journal stands, or with the genesis.
    pub fn open(parts: ClearingParts) -> Result<Self, ClearingError> {
        let ClearingParts {
            genesis,
            services,
            key,
            transport,
            journal,
        } = parts;
        let kept = Kept::new(journal);
        let services = Services::new(&genesis, &services, (transport, kept.cursor()?))?;
        let first = Ledger::new(genesis.clone(), Arc::new(NoProofs))?.validators();
        let light = match kept.light()? {
            Some(light) => light,
            None => Light::new(genesis.network.clone(), first, genesis.time_ms),
        };
        Ok(Self {
            genesis,
            key,
            services,
            light: Mutex::new(light),
            kept,
            kept_ms: AtomicU64::new(0),
            followed_ms: AtomicU64::new(0),
            acting: tokio::sync::Mutex::new(()),
        })
    }

    /// The network's genesis.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Our account.
    #[must_use]
    pub fn account_id(&self) -> NodeId {
        self.key.id()
    }

    /// The key of our account.
    #[must_use]
    pub const fn key(&self) -> &NodeKey {
        &self.key
    }

    fn light(&self) -> MutexGuard<'_, Light> {
        // A light node changes in one step.
        self.light.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power of a validator that is asked, among those that are known.
    fn power(&self, service: &Service) -> u64 {
        let light = self.light();
        let member = |member: &&kofo_primitives::Validator| Some(member.account) == service.account;
        light
            .validators()
            .members()
            .iter()
            .find(member)
            .map_or(0, |member| member.power)
    }

    /// Whether so much power has an honest validator in it.
    fn has_honest(&self, power: u64) -> bool {
        power > self.light().validators().total() / 3
    }

    fn ask_of(&self, key: &NodeKey, of: Option<SwapId>, after: u64) -> kofo_primitives::Signed<Ask> {
        let ask = Ask {
            version: 1,
            network: self.genesis.network.clone(),
            key: key.id(),
            of,
            after,
            time_ms: now_ms(),
        };
        ask.sign(key)
    }

    /// Has a validator take something and pass it on; its leaf in the batch. Called again, it begins with the next one:
    /// who takes and passes nothing on is passed over by whoever asks again.
    pub async fn submit(&self, submission: Submission) -> Result<Digest, ClearingError> {
        let request = Request::Submit(Box::new(submission));
        let (mut refused, mut power) = (None, 0u64);
        let mut last = "there is none".to_owned();
        for service in self.services.in_turn() {
            match self.services.ask(service, &request).await {
                Ok(Response::Taken(leaf)) => return Ok(leaf),
                Ok(_) => service.failed(),
                Err(Trouble::Refused(class, why)) => {
                    if class != RefusedClass::Busy {
                        power = power.saturating_add(self.power(service));
                    }
                    refused = Some((class, why));
                }
                Err(trouble) => last = trouble.to_string(),
            }
        }
        match refused {
            Some((class, why)) if class == RefusedClass::Busy || self.has_honest(power) => {
                Err(ClearingError::Refused { class, why })
            }
            Some((_, why)) => Err(self.nobody(why)),
            None => Err(self.nobody(last)),
        }
    }

    /// Orders on our reservations that one validator has committed since it was last asked, and the last of
    /// those that it named then. Each has a place of its own: one that leaves some out is made up for by the others, and
    /// moves nobody's place but its own. Nothing of it is proved.
    pub async fn new_orders(&self) -> Result<Vec<(SwapId, u64)>, ClearingError> {
        let mut last = "there is none".to_owned();
        for service in self.services.in_turn() {
            let place = service.place();
            let request = Request::Mine(self.ask_of(&self.key, place.last, place.height));
            match self.services.ask(service, &request).await {
                Ok(Response::Mine(orders)) => {
                    service.move_to(next_place(place, &orders));
                    return Ok(orders);
                }
                Ok(_) => service.failed(),
                Err(trouble) => last = trouble.to_string(),
            }
        }
        Err(self.nobody(last))
    }

    /// All orders on our quotes before that height are dealt with: after a restart we look from there on.
    pub async fn raise_cursor(&self, height: u64) -> Result<(), ClearingError> {
        if height > self.kept.cursor()? {
            self.kept.keep_cursor(height).await?;
        }
        Ok(())
    }

    fn nobody(&self, last: String) -> ClearingError {
        let asked = self.services.len();
        ClearingError::Nobody { asked, last }
    }

    /// Follows the changes of validators that one of them tells.
    async fn catch_up(&self, service: &Service) -> Result<(), Trouble> {
        for _ in 0..MAX_ROUNDS {
            let after_epoch = self.light().epoch();
            let answer = self
                .services
                .ask(service, &Request::Changes { after_epoch })
                .await?;
            let Response::Changes(changes) = answer else {
                return Err(Trouble::Another);
            };
            for change in &changes {
                self.light().advance(change, now_ms())?;
            }
            if self.light().epoch() == after_epoch {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks all validators, now and then, who they are: whoever was one can still sign, and only who knows of the change
    /// knows that this certifies nothing any more.
    async fn follow(&self) {
        let now_ms = now_ms();
        let last = self.followed_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(last) < FOLLOW_MS {
            return;
        }
        let asked = self.services.awake().into_iter().map(|service| async move {
            let followed = self.catch_up(service).await;
            followed.inspect_err(|trouble| {
                tracing::debug!(validator = service.text, %trouble, "changes of validators are not told");
            })
        });
        // Without any answer it is tried again at the next question.
        if join_all(asked).await.iter().any(Result::is_ok) {
            self.followed_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Writes what is known of validators if it changed, or was written long ago.
    async fn keep_light(&self, epoch_before: u64) -> Result<(), ClearingError> {
        let now_ms = now_ms();
        let old = now_ms.saturating_sub(self.kept_ms.load(Ordering::Relaxed)) > KEEP_MS;
        let light = self.light().clone();
        if !old && light.epoch() == epoch_before {
            return Ok(());
        }
        self.kept.keep_light(&light).await?;
        self.kept_ms.store(now_ms, Ordering::Relaxed);
        Ok(())
    }
}

/// From where on whoever named these orders is asked again. What fits an answer is asked for again from its last height on,
/// for orders can come to it; of what does not fit, from its last order on.
fn next_place(place: Place, orders: &[(SwapId, u64)]) -> Place {
    let Some((last, height)) = orders.iter().copied().max_by_key(|(_, height)| *height) else {
        return place;
    };
    let full = orders.len() >= MAX_ANSWERED;
    Place {
        height: height.max(place.height),
        last: full.then_some(last),
    }
}

impl std::fmt::Debug for Clearing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clearing")
            .field("network", &self.genesis.network)
            .field("account", &self.key.id())
            .field("validators", &self.services.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
