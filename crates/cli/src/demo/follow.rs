//! Follows one swap on both nodes through `swap.watch`, tells people what changes, and waits for what a story needs.

use super::story::Who;
use anyhow::{Context, Result, bail};
use kofo_node::rpc::types::{ActSeen, Id, SwapStatus};
use kofo_node::rpc::{NodeRpcClient, connect};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How soon a node that does not answer is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Tells people, a line at a time.
pub type Tell = std::sync::Arc<dyn Fn(&str) + Send + Sync>;

/// What both nodes said of one swap last.
pub struct Follow {
    seen: [Option<SwapStatus>; 2],
    news: mpsc::Receiver<(Who, SwapStatus)>,
    told: BTreeSet<String>,
    since: Instant,
    pair: String,
    tell: Tell,
    _watchers: JoinSet<()>,
}

impl Follow {
    /// Follows the swap on the nodes with these data folders, from now on. A node that is away is waited for.
    #[must_use]
    pub fn start(folders: [PathBuf; 2], id: Id, pair: &str, tell: Tell) -> Self {
        let (out, news) = mpsc::channel(64);
        let mut watchers = JoinSet::new();
        for (who, folder) in Who::BOTH.into_iter().zip(folders) {
            watchers.spawn(watch(who, folder, id, out.clone()));
        }
        Self {
            seen: [None, None],
            news,
            told: BTreeSet::new(),
            since: Instant::now(),
            pair: pair.to_owned(),
            tell,
            _watchers: watchers,
        }
    }

    /// What one node said last.
    #[must_use]
    pub fn of(&self, who: Who) -> Option<&SwapStatus> {
        self.seen[who.index()].as_ref()
    }

    /// Waits until `holds`; an error that says `what` was waited for, and what there was instead, after `limit`.
    pub async fn until(&mut self, what: &str, limit: Duration, holds: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !holds(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.news.recv()).await {
                Ok(Some((who, status))) => self.take(who, status),
                Ok(None) => bail!("nobody watches the swap any more"),
                Err(_) => bail!(
                    "{}: {what} did not come within {} s; {}",
                    self.pair,
                    limit.as_secs(),
                    self.states()
                ),
            }
        }
        Ok(())
    }

    /// Waits until both nodes are done, and returns their last words.
    pub async fn done(mut self, limit: Duration) -> Result<[SwapStatus; 2]> {
        let over = |status: &Option<SwapStatus>| status.as_ref().is_some_and(|s| s.outcome.is_some());
        self.until("the end of the swap", limit, |now| now.seen.iter().all(over))
            .await?;
        let [initiator, participant] = self.seen;
        Ok([
            initiator.context("the initiator has spoken")?,
            participant.context("the participant has spoken")?,
        ])
    }

    fn take(&mut self, who: Who, status: SwapStatus) {
        let before = self.seen[who.index()].as_ref();
        if before.is_none_or(|b| b.state != status.state) {
            let outcome = status.outcome.map(|o| format!(": {o}")).unwrap_or_default();
            self.line(&format!("{:<11} {}{outcome}", who.name(), status.state));
        }
        if let Some(trouble) = status
            .trouble
            .as_ref()
            .filter(|t| before.is_none_or(|b| b.trouble.as_ref() != Some(*t)))
        {
            self.line(&format!("{:<11} {trouble}", who.name()));
        }
        for leg in &status.legs {
            for act in &leg.acts {
                let line = format!("{:<11} {}", leg.leg, described(act));
                // Both nodes see the same chains: each fact is told once.
                if self.told.insert(line.clone()) {
                    self.line(&line);
                }
            }
        }
        self.seen[who.index()] = Some(status);
    }

    fn line(&self, text: &str) {
        (self.tell)(&format!(
            "{:>6.1}s  {:<9} {text}",
            self.since.elapsed().as_secs_f32(),
            self.pair
        ));
    }

    fn states(&self) -> String {
        let of = |who: Who| match self.of(who) {
            Some(s) => format!(
                "{}: {} {}",
                who.name(),
                s.state,
                s.trouble.as_deref().unwrap_or_default()
            ),
            None => format!("{}: nothing heard", who.name()),
        };
        Who::BOTH.map(of).join("; ")
    }
}

fn described(act: &ActSeen) -> String {
    let txid = act.txid.as_deref().unwrap_or("(unknown transaction)");
    let short: String = txid.chars().take(12).collect();
    let place = match (act.height, act.final_ms) {
        (None, _) => "in the mempool".to_owned(),
        (Some(height), None) => format!("in block {height}"),
        (Some(height), Some(_)) => format!("final, block {height}"),
    };
    format!("{:<7} {short}… {place}", act.act)
}

/// Sends every status of the swap that one node tells, until it is over there. A node that is killed is waited for.
async fn watch(who: Who, folder: PathBuf, id: Id, out: mpsc::Sender<(Who, SwapStatus)>) {
    loop {
        if let Ok(client) = connect(&folder) {
            let mut status = client.swap_show(id).await;
            while let Ok(now) = status {
                let (seq, over) = (now.seq, now.outcome.is_some());
                if out.send((who, now)).await.is_err() || over {
                    return;
                }
                status = client.swap_watch(id, seq).await;
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}
