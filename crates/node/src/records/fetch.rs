//! S4: how a node that lost its disk gets its records back, and begins the swaps that they are of.
//!
//! Whoever is asked is believed nothing: a record counts only if our seed sealed it, and then begins a swap in the state
//! `Restored`, which shows no preimage first. One that lies, is silent or has nothing is passed over.

use super::{RecordError, open};
use crate::agree::{AgreeError, Agreement};
use crate::backup::SwapCopy;
use crate::direct::{AnswerError, Request, Response};
use crate::driver::{Begin, DriverError};
use crate::engine::Core;
use futures::future::join_all;
use kofo_network::{PeerAddress, RequestError};
use kofo_primitives::{ChainId, Preimage, Role, SwapId};
use kofo_tower::{Ask, RecordPage, SealedRecord};

/// One source gives at most so many records.
const MOST_RECORDS: usize = 10_000;

/// Why a source gives no records, or no more of them.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It cannot be asked.
    #[error("it cannot be asked: {0}")]
    Unreachable(#[from] RequestError),
    /// It answers something else.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// It is a tower that gives us none.
    #[error("the tower refused: {0}")]
    Refused(String),
    /// Its pages do not end.
    #[error(
        "expected records in the order of their swaps and at most {MOST_RECORDS} of them: it repeats itself"
    )]
    Endless,
}

/// Why a record begins no swap.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// It is none of ours.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It is of another swap than it was given for.
    #[error("it was given as the record of swap {expected}, and is of {got}")]
    OtherSwap {
        /// As it was given.
        expected: SwapId,
        /// As it says.
        got: SwapId,
    },
    /// None of our keys is a party.
    #[error("no key of this node's seed is a party to its order")]
    NotOurs,
    /// The preimage does not open the swap.
    #[error("its preimage is not that of its hashlock")]
    Preimage,
    /// The configuration does not have one of its chains.
    #[error("this node does not follow {0}: add the chain to the configuration, and ask again")]
    NoChain(ChainId),
    /// It does not begin.
    #[error(transparent)]
    Agree(#[from] AgreeError),
}

/// What came of asking one source.
#[derive(Debug)]
pub struct Asked {
    /// Swaps that begin by its records.
    pub restored: Vec<SwapId>,
    /// Records of swaps that this node knows.
    pub known: usize,
    /// Records that are not believed, and why.
    pub refused: Vec<NotRestored>,
    /// Why there is nothing, or not all.
    pub trouble: Option<FetchError>,
}

impl Agreement {
    /// Asks these, parties or towers, for our records, and begins the swaps that they are of in the state `Restored`.
    pub async fn restore_from(&self, sources: &[PeerAddress]) -> Vec<Asked> {
        let fetched = join_all(sources.iter().map(|at| self.fetch(at))).await;
        let mut all = Vec::new();
        for (records, trouble) in fetched {
            let mut asked = Asked {
                restored: Vec::new(),
                known: 0,
                refused: Vec::new(),
                trouble,
            };
            for (swap, record) in records {
                match self.restore_one(swap, &record).await {
                    Ok(true) => asked.restored.push(swap),
                    Ok(false) => asked.known = asked.known.saturating_add(1),
                    Err(why) => {
                        tracing::warn!(%swap, %why, "a recovery record is not believed");
                        asked.refused.push(why);
                    }
                }
            }
            all.push(asked);
        }
        all
    }

    /// Whether the swap is new to this node.
    async fn restore_one(&self, swap: SwapId, record: &SealedRecord) -> Result<bool, NotRestored> {
        let copy = self.believed(swap, record).await?;
        let contacts = copy.contacts.clone();
        let preimage = match copy.terms.role() {
            Role::Initiator => {
                let nonce = copy.order.nonce(Role::Initiator);
                let preimage = self.signer.preimage(&self.network, &nonce).await;
                Some(preimage.map_err(AgreeError::from)?)
            }
            Role::Participant => copy.preimage,
        };
        let begin = Begin::new(copy.order, copy.terms, preimage, copy.at_ms);
        // Not while somebody draws lanes and keys that may be this swap's.
        let _alone = self.one_at_a_time.lock().await;
        let take = move |core: &mut Core| {
            if core.driver.swaps().contains_key(&swap) {
                return Ok::<_, DriverError>(false);
            }
            core.driver.restored(begin)?;
            core.driver.contacts(swap, contacts)?;
            Ok(true)
        };
        let taken = self.engine.call(take).await.map_err(AgreeError::from)?;
        Ok(taken.map_err(AgreeError::from)?)
    }

    /// The copy in a record, if it is ours and whole.
    async fn believed(&self, swap: SwapId, record: &SealedRecord) -> Result<SwapCopy, NotRestored> {
        let copy = open(record, &self.seed, &self.network)?;
        let (order, role) = (&copy.order, copy.terms.role());
        let got = order.id();
        if got != swap || copy.terms.swap() != swap {
            return Err(NotRestored::OtherSwap { expected: swap, got });
        }
        if self.signing_key(order, role).id() != order.party(role) {
            return Err(NotRestored::NotOurs);
        }
        let hashlock = match role {
            Role::Initiator => {
                let nonce = order.nonce(role);
                let hashlock = self.signer.hashlock(&self.network, &nonce).await;
                Some(hashlock.map_err(AgreeError::from)?)
            }
            Role::Participant => copy.preimage.as_ref().map(Preimage::hashlock),
        };
        if hashlock.is_some_and(|hashlock| hashlock != order.hashlock()) {
            return Err(NotRestored::Preimage);
        }
        let unknown = |chain: &ChainId| !self.adapters.contains_key(chain);
        match copy.terms.chains().into_iter().find(unknown) {
            Some(chain) => Err(NotRestored::NoChain(chain)),
            None => Ok(copy),
        }
    }

    /// All records that one source gives, and why there are no more.
    async fn fetch(&self, at: &PeerAddress) -> (Vec<(SwapId, SealedRecord)>, Option<FetchError>) {
        let mut records: Vec<(SwapId, SealedRecord)> = Vec::new();
        loop {
            let after = records.last().map(|(swap, _)| *swap);
            let page = match self.page(at, after).await {
                Ok(page) => page,
                Err(trouble) => return (records, Some(trouble)),
            };
            let RecordPage { records: some, more } = page;
            for (swap, record) in some {
                let later = records.last().is_none_or(|(last, _)| *last < swap);
                if !later || records.len() >= MOST_RECORDS {
                    return (records, Some(FetchError::Endless));
                }
                records.push((swap, record));
            }
            let moved = records.last().map(|(swap, _)| *swap) != after;
            match (more, moved) {
                (false, _) => return (records, None),
                (true, true) => {}
                (true, false) => return (records, Some(FetchError::Endless)),
            }
        }
    }

    /// A party answers as a party does; a tower says that this is no request to a tower, and is asked as one.
    async fn page(&self, at: &PeerAddress, after: Option<SwapId>) -> Result<RecordPage, FetchError> {
        let answer = self.transport.request(at, Request::Return(after).write()).await?;
        if kofo_tower::Response::read(&answer).is_err() {
            return Ok(Response::read_records(&answer)?);
        }
        let ask = Ask {
            version: 1,
            network: self.network.clone(),
            owner: self.key.id(),
        };
        let request = kofo_tower::Request::Return(ask.sign(&self.key), after);
        let answer = self.transport.request(at, request.write()).await?;
        match kofo_tower::Response::read(&answer).map_err(AnswerError::from)? {
            kofo_tower::Response::Records(page) => Ok(page),
            kofo_tower::Response::Refused(why) => Err(FetchError::Refused(why.as_str().to_owned())),
            kofo_tower::Response::Kept(_)
            | kofo_tower::Response::Older(_)
            | kofo_tower::Response::Status(_)
            | kofo_tower::Response::RecordKept => Err(AnswerError::Another("records or a no").into()),
        }
    }
}
