//! How several endpoints are asked, and when they agree.

use super::endpoint::Endpoint;
use super::{Head, Node, NodeError, Reach, Result, Witness};
use futures::future::join_all;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An answer that is on its way.
pub(super) type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What the endpoints say of the best chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// The best block that all have.
    pub(crate) head: Head,
    /// Nobody has a later one.
    pub(crate) whole: bool,
    /// The latest time of a best block: nothing is earlier than any endpoint says.
    pub(crate) latest: u64,
}

fn apart(why: impl Into<String>) -> NodeError {
    NodeError::Apart(why.into())
}

impl Node {
    /// Asks all endpoints at once; our own answer comes first. Whoever did not answer a moment ago is left out, so that
    /// one that hangs does not hold up every question; but where there is only one it is asked again and again.
    pub(super) async fn each<'a, T: Send>(
        &'a self,
        ask: impl Fn(&'a Endpoint) -> Asked<'a, T>,
    ) -> Vec<Result<T>> {
        let several = self.has_witnesses();
        let witnesses = self.witnesses.iter().map(|witness| witness.endpoint.as_ref());
        let asked = std::iter::once(&self.ours).chain(witnesses).map(|endpoint| {
            let asked = (!several || !endpoint.rests()).then(|| ask(endpoint));
            async move {
                let Some(asked) = asked else {
                    return Err(NodeError::Lost("it did not answer a moment ago".to_owned()));
                };
                let answer = asked.await;
                if matches!(answer, Err(NodeError::Lost(_))) {
                    endpoint.rest();
                }
                answer
            }
        });
        join_all(asked).await
    }

    /// Asks all, and gives the answer if it is one.
    pub(super) async fn same<'a, T: PartialEq + Send>(
        &'a self,
        what: &str,
        ask: impl Fn(&'a Endpoint) -> Asked<'a, T>,
    ) -> Result<T> {
        let mut answers = all(self.each(ask).await)?.into_iter();
        let ours = answers.next().ok_or(NodeError::Odd("there is no endpoint"))?;
        if answers.all(|other| other == ours) {
            Ok(ours)
        } else {
            Err(apart(what))
        }
    }

    /// The first answer that is one, our own if possible.
    pub(super) async fn any<'a, T: Send>(&'a self, ask: impl Fn(&'a Endpoint) -> Asked<'a, T>) -> Result<T> {
        let mut answers = self.each(ask).await;
        match answers.iter().position(Result::is_ok) {
            Some(first) => answers.swap_remove(first),
            None => answers.swap_remove(0),
        }
    }

    /// The best block that all endpoints have, given the best one that they agreed on before.
    pub(crate) async fn agreed(&self, known: Option<Head>) -> Result<Agreed> {
        self.meet_witnesses().await?;
        let bests = all(self.each(|e| Box::pin(e.best())).await)?;
        let no_block = NodeError::Odd("it has no block at all");
        let lowest = bests.iter().copied().min_by_key(|head| head.height);
        let lowest = lowest.ok_or(no_block)?;
        let latest = bests.iter().map(|head| head.time).max().unwrap_or(lowest.time);
        let agreed = |head, whole| Agreed { head, whole, latest };
        if bests.iter().all(|head| *head == lowest) {
            return Ok(agreed(lowest, true));
        }
        // Somebody is behind. Who had the agreed block has it still, or there was a reorg that not all have seen.
        let highest = bests.iter().map(|head| head.height).max().unwrap_or(0);
        let meeting = known.filter(|known| lowest.height < known.height && known.height <= highest);
        let meeting = meeting.unwrap_or(lowest);
        let there = self.each(|e| Box::pin(e.head_at(meeting.height))).await;
        for (best, there) in bests.iter().zip(all(there)?) {
            if best.height >= meeting.height && there != Some(meeting) {
                return Err(apart(format!("the block of height {}", meeting.height)));
            }
        }
        Ok(agreed(meeting, false))
    }

    /// Compares chain id and code of each witness once: at the start, or when it answers for the first time.
    pub(crate) async fn meet_witnesses(&self) -> Result<()> {
        for witness in &self.witnesses {
            if witness.known.load(Ordering::Relaxed) {
                continue;
            }
            if witness.endpoint.rests() {
                return Err(apart("a witness does not answer"));
            }
            let (chain_id, code) = match self.introduction(&witness.endpoint).await {
                Err(error) => {
                    witness.endpoint.rest();
                    return Err(apart(format!("a witness: {error}")));
                }
                Ok(introduction) => introduction,
            };
            if chain_id != self.expected.chain_id {
                return Err(NodeError::Odd("a witness is of another chain"));
            }
            if code != self.expected.code {
                return Err(NodeError::Odd(
                    "a witness has other code at the contract's address",
                ));
            }
            witness.known.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What our own endpoint says that it is: chain id and the contract's code.
    pub(crate) async fn our_introduction(&self) -> Result<(u64, Vec<u8>)> {
        self.introduction(&self.ours).await
    }

    async fn introduction(&self, endpoint: &Endpoint) -> Result<(u64, Vec<u8>)> {
        let chain_id = endpoint.chain_id().await?;
        Ok((chain_id, endpoint.code(self.expected.contract).await?.to_vec()))
    }

    /// Gives the endpoints a signed transaction. An error says little: it may have been accepted.
    pub(crate) async fn send(&self, raw: &[u8], reach: Reach) -> Result<()> {
        let all = reach == Reach::All || self.strangers;
        let witnesses = self.witnesses.iter().filter(|_| all);
        let on_their_way: Vec<_> = witnesses.filter_map(|witness| witness.give(raw)).collect();
        let ours = self.ours.send(raw).await;
        if ours.is_ok() {
            return ours;
        }
        // Ours says no, or nothing: it is taken all the same if another takes it.
        let taken = join_all(on_their_way)
            .await
            .into_iter()
            .any(|taken| taken.unwrap_or(false));
        if taken { Ok(()) } else { ours }
    }
}

impl Witness {
    /// Sends without waiting; the task says whether it was taken.
    fn give(&self, raw: &[u8]) -> Option<tokio::task::JoinHandle<bool>> {
        let permit = Arc::clone(&self.sending).try_acquire_owned().ok()?;
        let (endpoint, raw) = (Arc::clone(&self.endpoint), raw.to_vec());
        Some(tokio::spawn(async move {
            let taken = endpoint.send(&raw).await;
            drop(permit);
            taken.is_ok()
        }))
    }
}

/// All answers, or the first error: our own node's as it is, a witness' as a lack of agreement.
fn all<T>(answers: Vec<Result<T>>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(answers.len());
    for (index, answer) in answers.into_iter().enumerate() {
        all.push(answer.map_err(|error| match error {
            error if index == 0 => error,
            error => apart(format!("witness {index}: {error}")),
        })?);
    }
    Ok(all)
}
