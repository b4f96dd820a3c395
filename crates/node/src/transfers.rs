//! Payments out of the wallet: signed, made durable, then sent, and sent again until they are in a block.
//!
//! Whoever asks gives the payment a name. The same name again is the same payment, after a crash at whatever moment too:
//! what was signed is in the journal before it is sent, and nothing else is ever signed under its name. Nothing is spent
//! that is reserved for swaps, or promised to them.

mod error;
mod kept;

pub use error::TransferError;

use crate::agree::Agreement;
use crate::clock::now_ms;
use crate::engine::Core;
use crate::journal::SharedJournal;
use kept::{Book, Kept};
use kofo_adapter_api::{ChainAdapter, SignedTransfer, Transfer, Transferred};
use kofo_primitives::{ActKind, Amount, AssetId};
use std::sync::Arc;
use std::time::Duration;

/// At most so many payments are on their way.
pub const MAX_TRANSFERS: usize = 64;
/// What is in no block is sent again so often.
const AGAIN: Duration = Duration::from_secs(15);
/// A chain's node that takes longer at the start is asked again later.
const START: Duration = Duration::from_secs(10);

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// What was signed.
    pub signed: SignedTransfer,
    /// How far it is; `None`: it is durable and not sent yet, for the reason that stands beside it.
    pub state: Option<Transferred>,
    /// Why it is not sent yet: it will be.
    pub trouble: Option<String>,
}

/// The payments of a node.
pub struct Transfers {
    agreement: Arc<Agreement>,
    book: Book,
}

impl Transfers {
    /// Those of a node, as its journal has them.
    #[must_use]
    pub fn new(agreement: Arc<Agreement>, journal: SharedJournal) -> Self {
        Self {
            agreement,
            book: Book::new(journal),
        }
    }

    /// What a payment would cost. Nothing is kept, reserved or sent.
    pub async fn try_out(&self, transfer: &Transfer) -> Result<SignedTransfer, TransferError> {
        let _alone = self.agreement.one_at_a_time.lock().await;
        if let Some(kept) = self.known(transfer)? {
            return Ok(kept.signed);
        }
        let adapter = self.adapter(transfer)?;
        let signed = adapter
            .sign_transfer(transfer, self.promised(&transfer.asset).await?)
            .await;
        adapter.drop_transfer(transfer).await;
        Ok(signed?)
    }

    /// Pays. Under a name that was used before it pays nothing more, and says how far that payment is.
    pub async fn pay(&self, transfer: Transfer) -> Result<Paid, TransferError> {
        // Not while a swap is agreed, which may be promised the same funds.
        let _alone = self.agreement.one_at_a_time.lock().await;
        let kept = match self.known(&transfer)? {
            Some(kept) => kept,
            None => self.sign(transfer).await?,
        };
        if kept.done {
            return Ok(Paid {
                signed: kept.signed,
                state: Some(Transferred::InBlock),
                trouble: None,
            });
        }
        let (state, trouble) = match self.send(&kept).await {
            Ok(state) => (Some(state), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Ok(Paid {
            signed: kept.signed,
            state,
            trouble,
        })
    }

    /// Signed, and durable when it returns.
    async fn sign(&self, transfer: Transfer) -> Result<Kept, TransferError> {
        if self.book.open()?.len() >= MAX_TRANSFERS {
            return Err(TransferError::TooMany);
        }
        let adapter = self.adapter(&transfer)?;
        let keep = self.promised(&transfer.asset).await?;
        let signed = adapter.sign_transfer(&transfer, keep).await?;
        let kept = Kept::new(transfer, signed, now_ms());
        if let Err(error) = self.book.keep(&kept) {
            adapter.drop_transfer(&kept.transfer).await;
            return Err(error);
        }
        Ok(kept)
    }

    /// The payment of that name, which must be the same.
    fn known(&self, transfer: &Transfer) -> Result<Option<Kept>, TransferError> {
        let kept = self.book.get(&transfer.id)?;
        match kept {
            Some(kept) if kept.transfer != *transfer => Err(TransferError::Another),
            kept => Ok(kept),
        }
    }

    async fn send(&self, kept: &Kept) -> Result<Transferred, TransferError> {
        let adapter = self.adapter(&kept.transfer)?;
        let state = adapter.send_transfer(&kept.transfer, &kept.signed).await?;
        if state == Transferred::InBlock {
            self.book.keep(&kept.done())?;
        }
        Ok(state)
    }

    fn adapter(&self, transfer: &Transfer) -> Result<&Arc<dyn ChainAdapter>, TransferError> {
        let chain = transfer.asset.chain();
        let unknown = || kofo_adapter_api::AdapterError::UnknownAsset {
            asset: transfer.asset.clone(),
            chain: chain.clone(),
        };
        Ok(self.agreement.adapters.get(&chain).ok_or_else(unknown)?)
    }

    /// What of an asset swaps that go on may still lock, and quotes promise: what is built is reserved by the adapter.
    async fn promised(&self, asset: &AssetId) -> Result<Amount, TransferError> {
        let quoted = self.agreement.held.promised(None);
        let quoted = quoted.get(asset).copied().unwrap_or(Amount::ZERO);
        let asset = asset.clone();
        let look = move |core: &mut Core| unlocked(core, &asset);
        let swaps = self.agreement.engine.call(look).await?;
        Ok(swaps.checked_add(quoted).unwrap_or(Amount::new(u128::MAX)))
    }

    /// After a start, before anything is built: what payments that are on their way spend is held again.
    pub async fn resume(&self) -> Result<(), TransferError> {
        self.book.forget_old(now_ms())?;
        for kept in self.book.open()? {
            let sent = tokio::time::timeout(START, self.send(&kept)).await;
            if !matches!(sent, Ok(Ok(_))) {
                tracing::warn!(
                    txid = kept.signed.txid,
                    "a payment out of the wallet waits for its chain's node"
                );
            }
        }
        Ok(())
    }

    /// Sends what is in no block again and again, until the node ends.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(AGAIN).await;
            let open = self.book.open().unwrap_or_else(|error| {
                tracing::warn!(%error, "payments out of the wallet cannot be looked at");
                Vec::new()
            });
            for kept in open {
                if let Err(error) = self.send(&kept).await {
                    tracing::info!(txid = kept.signed.txid, %error, "a payment out of the wallet is not taken now");
                }
            }
        }
    }
}

/// What of an asset swaps that go on will lock and have not built yet.
fn unlocked(core: &Core, asset: &AssetId) -> Amount {
    let mut sum = Amount::ZERO;
    let live = core.driver.swaps().values().filter(|live| live.goes_on());
    for live in live {
        for (id, leg) in live.terms().outgoing() {
            let begun = live.swap().legs().get(&id).is_some_and(|state| {
                state.built.contains_key(&ActKind::Lock) || state.locked.is_some() || state.ended.is_some()
            });
            if leg.spec.asset == *asset && !begun {
                sum = sum.checked_add(leg.spec.amount).unwrap_or(Amount::new(u128::MAX));
            }
        }
    }
    sum
}
