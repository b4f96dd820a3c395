//! The methods about keys and money over real HTTP.

use super::{FakeNode, Fixture, SWAP, assets, error_of};
use crate::rpc::types::{BackupMade, CopiesFound, Id, TransferAsked, TransferShown};
use crate::rpc::{ApiError, KeysApi, KeysRpcClient, NodeRpcClient};
use async_trait::async_trait;
use kofo_adapter_api::Transfer;
use kofo_network::PeerAddress;
use kofo_primitives::Amount;
use std::sync::atomic::Ordering;

#[async_trait]
impl KeysApi for FakeNode {
    async fn backup(&self) -> Result<BackupMade, ApiError> {
        Ok(BackupMade {
            swaps: 1,
            sealed: "00".into(),
        })
    }

    async fn restore(&self, from: &[PeerAddress]) -> Result<Vec<CopiesFound>, ApiError> {
        let one = |at: &PeerAddress| CopiesFound {
            from: at.multiaddrs().join(" "),
            restored: Vec::new(),
            known: 0,
            refused: Vec::new(),
            trouble: None,
        };
        Ok(from.iter().map(one).collect())
    }

    async fn try_transfer(&self, transfer: Transfer) -> Result<TransferShown, ApiError> {
        let shown = self.transfer(transfer).await?;
        let state = "tried".into();
        Ok(TransferShown { state, ..shown })
    }

    async fn transfer(&self, transfer: Transfer) -> Result<TransferShown, ApiError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(TransferShown {
            id: Id(transfer.id),
            amount: assets().money(&transfer.asset, transfer.amount),
            to: transfer.to,
            fee: assets().money(&transfer.asset, Amount::new(1)),
            txid: "00".into(),
            state: "sent".into(),
            trouble: None,
        })
    }
}

fn asked(amount: &str, to: &str) -> TransferAsked {
    TransferAsked {
        id: SWAP,
        asset: "btc".into(),
        to: to.into(),
        amount: amount.into(),
        fee_rate: None,
        dry_run: true,
    }
}

#[tokio::test]
async fn a_payment_is_read_in_the_units_of_its_asset_and_what_is_none_reaches_nothing() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    let tried = client.wallet_send(asked("0.5", " here ")).await.unwrap();
    assert_eq!(
        (tried.amount.to_string().as_str(), tried.to.as_str()),
        ("0.5 BTC", "here")
    );
    assert_eq!((tried.state.as_str(), fixture.calls()), ("tried", 1));
    let paid = TransferAsked {
        dry_run: false,
        ..asked("0.5", "here")
    };
    assert_eq!(client.wallet_send(paid).await.unwrap().state, "sent");
    for (amount, to) in [
        ("0", "here"),
        ("-1", "here"),
        ("1e3", "here"),
        ("0.123456789", "here"),
        ("", "here"),
        ("1", " "),
        ("1", &"x".repeat(200)),
    ] {
        let error = error_of(client.wallet_send(asked(amount, to)).await);
        assert_eq!(error.code(), -32602, "{amount:?}: {error:?}");
    }
    assert_eq!(fixture.calls(), 2);
}

#[tokio::test]
async fn only_the_owner_pays_approves_and_declines() {
    let fixture = Fixture::start().await;
    let reader = fixture.reader();
    assert_eq!(
        error_of(reader.wallet_send(asked("1", "here")).await).code(),
        1017
    );
    assert_eq!(error_of(reader.swap_approve(SWAP).await).code(), 1017);
    assert_eq!(error_of(reader.swap_decline(SWAP).await).code(), 1017);
    assert_eq!(fixture.calls(), 0);
    assert_eq!(fixture.client().swap_approve(SWAP).await.unwrap().id, SWAP);
    let unknown = error_of(fixture.client().swap_decline(Id([9; 32])).await);
    assert_eq!(unknown.code(), 1001);
}
