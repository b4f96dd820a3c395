//! One swap, from its beginning to its end.

use crate::error::SdkError;
use crate::wallet::Wallet;
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::{Id, OutcomeName, SwapStatus};

/// A swap of a wallet, or an offer that is to become one.
#[derive(Clone, Copy, Debug)]
pub struct Swap<'w> {
    wallet: &'w Wallet,
    id: Id,
}

impl<'w> Swap<'w> {
    pub(crate) const fn new(wallet: &'w Wallet, id: Id) -> Self {
        Self { wallet, id }
    }

    /// Its id: keep it to find the swap again.
    #[must_use]
    pub const fn id(&self) -> Id {
        self.id
    }

    /// How far it has come, what is at risk, until when, and what happens then.
    pub async fn status(&self) -> Result<SwapStatus, SdkError> {
        Ok(self.wallet.client().swap_show(self.id).await?)
    }

    /// How far it has come, as soon as that is not `known` any more; at once without any.
    pub async fn next(&self, known: Option<&SwapStatus>) -> Result<SwapStatus, SdkError> {
        let Some(known) = known else {
            return self.status().await;
        };
        loop {
            let now = self.wallet.client().swap_watch(self.id, known.seq).await?;
            // A long wait ends with what is known.
            if now.seq > known.seq {
                return Ok(now);
            }
        }
    }

    /// Waits until it is over; `told` hears of each change.
    pub async fn follow(&self, mut told: impl FnMut(&SwapStatus)) -> Result<OutcomeName, SdkError> {
        let mut known = self.status().await?;
        loop {
            told(&known);
            if let Some(outcome) = known.outcome {
                return Ok(outcome);
            }
            known = self.next(Some(&known)).await?;
        }
    }

    /// Waits until it is over, hours perhaps. Whether anybody waits makes no difference to it.
    pub async fn done(&self) -> Result<OutcomeName, SdkError> {
        self.follow(|_| ()).await
    }

    /// Gives it up while nothing of ours is locked.
    pub async fn abort(&self) -> Result<SwapStatus, SdkError> {
        Ok(self.wallet.client().swap_abort(self.id).await?)
    }

    /// Asks for what is ours back: at once if the other party agrees, else as soon as the timelock has passed. The node does
    /// so by itself too.
    pub async fn refund(&self) -> Result<SwapStatus, SdkError> {
        Ok(self.wallet.client().swap_refund(self.id).await?)
    }
}
