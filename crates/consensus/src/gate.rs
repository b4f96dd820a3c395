//! Who is given what was decided: validators of the present and the next set, and the followers that were admitted.
//!
//! The engine answers every peer that asks it for decided payloads, and the one choice it offers, connections with known
//! addresses only, is made after a peer has told who it is; a peer that does not tell stays. So we stand between the
//! engine and its network. A peer's id is sure, for its connection is encrypted to it; that it is a validator it proves
//! by a signature over that id. Other peers may stay connected: what they hear are votes, heights, and payloads under a
//! [veil](crate::veil).

use crate::context::Ctx;
use crate::settings::StartError;
use arc_malachitebft_app_channel::app::engine::network::{Msg, NetworkEvent, NetworkRef, Subscriber};
use arc_malachitebft_app_channel::app::types::PeerId;
use async_trait::async_trait;
use kofo_primitives::{ValidatorKey, ValidatorSet};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::debug;

/// Peers whose proofs are remembered: far more than connections.
const MOST_PROVED: usize = 4_096;
/// And of one validator: it may come back with another key of its connections.
const MOST_OF_ONE: usize = 16;
/// How long the network may take to stop.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Known {
    /// Validators of the present and the next set.
    validators: BTreeSet<ValidatorKey>,
    /// Whose key a peer has proved to have. It holds for as long as the peer has its name, connected or not.
    proved: BTreeMap<PeerId, ValidatorKey>,
}

/// Who is admitted now.
#[derive(Debug)]
pub(crate) struct Admitted {
    followers: BTreeSet<PeerId>,
    known: Mutex<Known>,
}

impl Admitted {
    /// These followers, by the names of their connections' keys, and no validator yet.
    pub(crate) fn new(followers: &[String]) -> Result<Self, StartError> {
        let read = |text: &String| text.parse().map_err(|_| StartError::Follower(text.clone()));
        Ok(Self {
            followers: followers.iter().map(read).collect::<Result<_, _>>()?,
            known: Mutex::default(),
        })
    }

    /// A height begins: these decide it, and these the next.
    pub(crate) fn decide(&self, sets: [&ValidatorSet; 2]) {
        let members = sets.iter().flat_map(|set| set.members());
        let validators = members.map(|member| member.key).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.validators = validators;
    }

    fn prove(&self, peer: PeerId, key: &[u8]) {
        let Ok(key) = <[u8; 33]>::try_from(key) else {
            return;
        };
        let key = ValidatorKey::new(key);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { validators, proved } = &mut *known;
        let of_one = proved.iter().filter(|(_, known)| **known == key);
        let (count, first) = of_one.fold((0usize, None), |(count, first), (peer, _)| {
            (count.saturating_add(1), first.or(Some(*peer)))
        });
        if let Some(first) = first.filter(|_| count >= MOST_OF_ONE) {
            proved.remove(&first);
        }
        if proved.len() >= MOST_PROVED {
            // Strangers with keys of their own cannot have validators forgotten.
            proved.retain(|_, key| validators.contains(key));
        }
        proved.insert(peer, key);
    }

    fn admits(&self, peer: &PeerId) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let proved = known.proved.get(peer);
        self.followers.contains(peer) || proved.is_some_and(|key| known.validators.contains(key))
    }
}

/// Stands before the network, in its place.
pub(crate) struct Gate {
    network: NetworkRef<Ctx>,
    admitted: Arc<Admitted>,
}

impl Gate {
    /// Takes its place; the network stops with it.
    pub(crate) async fn before(
        network: NetworkRef<Ctx>,
        admitted: Arc<Admitted>,
    ) -> Result<NetworkRef<Ctx>, ractor::SpawnErr> {
        let gate = Self {
            network: network.clone(),
            admitted,
        };
        let spawned = Actor::spawn(None, gate, ()).await;
        if spawned.is_err() {
            network.stop(None);
        }
        let (gate, _) = spawned?;
        // If the network fails so does the gate, and the engine hears of it.
        network.link(gate.get_cell());
        Ok(gate)
    }
}

#[async_trait]
impl Actor for Gate {
    type Msg = Msg<Ctx>;
    type State = Vec<ActorRef<Heard>>;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        Ok(Vec::new())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        ears: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let message = match message {
            Msg::Subscribe(to) => {
                let ear = Ear {
                    network: self.network.clone(),
                    admitted: Arc::clone(&self.admitted),
                };
                let (ear, _) = Actor::spawn(None, ear, to).await?;
                ears.push(ear.clone());
                Msg::Subscribe(Box::new(ear))
            }
            Msg::ValidatorProofVerified {
                peer_id,
                result,
                public_key,
            } => {
                if let Some(key) = public_key.as_ref().filter(|_| result.is_valid()) {
                    self.admitted.prove(peer_id, key);
                }
                Msg::ValidatorProofVerified {
                    peer_id,
                    result,
                    public_key,
                }
            }
            other => other,
        };
        self.network.cast(message)?;
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        ears: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if self.network.stop_and_wait(None, Some(PATIENCE)).await.is_err() {
            self.network.kill();
        }
        for ear in ears {
            ear.stop(None);
        }
        Ok(())
    }
}

/// What the network tells.
pub(crate) struct Heard(NetworkEvent<Ctx>);

impl From<NetworkEvent<Ctx>> for Heard {
    fn from(event: NetworkEvent<Ctx>) -> Self {
        Self(event)
    }
}

/// Passes on what the network tells, but not what a stranger asks for.
struct Ear {
    network: NetworkRef<Ctx>,
    admitted: Arc<Admitted>,
}

#[async_trait]
impl Actor for Ear {
    type Msg = Heard;
    type State = Box<dyn Subscriber<NetworkEvent<Ctx>>>;
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        to: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(to)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        Heard(event): Heard,
        to: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            NetworkEvent::SyncRequest(request, peer, _) if !self.admitted.admits(&peer) => {
                debug!(%peer, "a stranger asks for what was decided");
                self.network.cast(Msg::CancelInboundRequest(request))?;
            }
            event => to.send(event),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer_key::some_peer;
    use crate::sign::some_pen;
    use kofo_primitives::{NodeId, Validator};

    fn set(of: &[u8]) -> ValidatorSet {
        let member = |n: &u8| Validator {
            key: some_pen("kofo-test", *n).key(),
            account: NodeId::new([*n; 32]),
            power: 1,
        };
        ValidatorSet::new(0, of.iter().map(member).collect()).unwrap()
    }

    #[test]
    fn admitted_are_listed_followers_and_who_proved_to_be_a_validator_of_this_set_or_the_next() {
        let admitted = Admitted::new(&[some_peer(9).to_string()]).unwrap();
        admitted.decide([&set(&[1]), &set(&[2])]);
        let prove = |n: u8| admitted.prove(some_peer(n), some_pen("kofo-test", n).key().as_bytes());
        let all = || [1, 2, 3, 9].map(|n| admitted.admits(&some_peer(n)));
        assert_eq!(all(), [false, false, false, true], "nobody has proved anything");
        [1, 2, 3].iter().for_each(|n| prove(*n));
        assert_eq!(all(), [true, true, false, true], "the third is no validator");
        admitted.decide([&set(&[2]), &set(&[2, 3])]);
        assert_eq!(all(), [false, true, true, true], "the first has left");
        assert!(Admitted::new(&["x".into()]).is_err());
    }

    #[test]
    fn strangers_with_keys_of_their_own_cannot_have_a_validator_forgotten() {
        let admitted = Admitted::new(&[]).unwrap();
        admitted.decide([&set(&[1]), &set(&[1])]);
        admitted.prove(some_peer(1), some_pen("kofo-test", 1).key().as_bytes());
        let name = |n: usize| {
            let name = [&[0u8, 32][..], &(n as u64).to_le_bytes(), &[0; 24]].concat();
            PeerId::from_bytes(&name).unwrap()
        };
        for n in 0..MOST_PROVED + 10 {
            let mut key = [2; 33];
            key[..8].copy_from_slice(&(n as u64).to_le_bytes());
            admitted.prove(name(n), &key);
        }
        assert!(admitted.known.lock().unwrap().proved.len() <= MOST_PROVED);
        assert!(admitted.admits(&some_peer(1)));
        for n in 0..100 {
            admitted.prove(name(n), some_pen("kofo-test", 1).key().as_bytes());
        }
        let known = admitted.known.lock().unwrap();
        let key = some_pen("kofo-test", 1).key();
        assert_eq!(
            known.proved.values().filter(|one| **one == key).count(),
            MOST_OF_ONE
        );
    }
}
