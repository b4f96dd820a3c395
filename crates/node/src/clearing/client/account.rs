//! Accounts: what validators say they have, and what ours does.

use super::super::ClearingError;
use super::Clearing;
use crate::clock::now_ms;
use kofo_clearance::{AccountAct, AccountView, Act, Request, Response, Submission};
use kofo_primitives::NodeId;
use std::time::Duration;

/// An act is waited for so long (ms).
const PATIENCE_MS: u64 = 30_000;
/// It is handed in again, to the next validator, after so long (ms).
const AGAIN_MS: u64 = 3_000;
/// Between two looks whether it happened.
const BEAT: Duration = Duration::from_millis(250);
/// Validators are at different heights for a moment: so often they are asked.
const TRIES: usize = 4;

impl Clearing {
    /// What an account has, as so many validators say that one of them is honest. No certificate stands behind it: it is for
    /// people and for choices, and never a reason to lock.
    pub async fn account(&self, account: NodeId) -> Result<AccountView, ClearingError> {
        let mut failed = ClearingError::Disagree(account);
        for _ in 0..TRIES {
            match self.account_now(account).await {
                Err(error @ ClearingError::Disagree(_)) => failed = error,
                known => return known,
            }
            tokio::time::sleep(BEAT).await;
        }
        Err(failed)
    }

    async fn account_now(&self, account: NodeId) -> Result<AccountView, ClearingError> {
        let request = Request::Account(account);
        let answers = self.services.ask_all(self.services.awake(), &request).await;
        let (mut views, mut last) = (Vec::new(), "there is none".to_owned());
        for (service, answer) in answers {
            match answer {
                Ok(Response::Account(view)) if view.account == account => {
                    views.push((*view, self.power(service)));
                }
                Ok(_) => service.failed(),
                Err(trouble) => last = trouble.to_string(),
            }
        }
        if !self.has_honest(views.iter().map(|(_, power)| *power).fold(0, u64::saturating_add)) {
            return Err(self.nobody(last));
        }
        let content = |view: &AccountView| AccountView {
            height: 0,
            ..view.clone()
        };
        let agreed = views.iter().filter(|(view, _)| {
            let same = views.iter().filter(|(other, _)| content(other) == content(view));
            self.has_honest(same.map(|(_, power)| *power).fold(0, u64::saturating_add))
        });
        let newest = agreed.max_by_key(|(view, _)| view.height);
        newest
            .map(|(view, _)| view.clone())
            .ok_or(ClearingError::Disagree(account))
    }

    /// Has our account do something, and waits until that is in the ledger: the account after it, and which of its acts
    /// that was.
    pub async fn act(&self, act: Act) -> Result<(u64, AccountView), ClearingError> {
        let _alone = self.acting.lock().await;
        let before = self.account(self.account_id()).await?;
        let sequence = before.sequence;
        let signed = AccountAct {
            version: 1,
            network: self.genesis.network.clone(),
            account: self.account_id(),
            sequence,
            act,
        }
        .sign(&self.key);
        let deadline_ms = now_ms().saturating_add(PATIENCE_MS);
        let mut sent_ms = 0;
        loop {
            if now_ms().saturating_sub(sent_ms) >= AGAIN_MS {
                let first = sent_ms == 0;
                sent_ms = now_ms();
                let submitted = self.submit(Submission::Act(Box::new(signed.clone()))).await;
                match submitted {
                    Ok(_) => {}
                    Err(error) if first && !error.may_pass() => return Err(error),
                    // Handed in again it may be refused because it happened.
                    Err(error) => tracing::debug!(%error, "an act is not taken"),
                }
            }
            tokio::time::sleep(BEAT).await;
            match self.account(self.account_id()).await {
                Ok(view) if view.sequence > sequence => return Ok((sequence, view)),
                Ok(_) => {}
                Err(error) if error.may_pass() => {}
                Err(error) => return Err(error),
            }
            if now_ms() >= deadline_ms {
                return Err(ClearingError::Late("the act did not come into the ledger"));
            }
        }
    }
}
