//! The market's methods over real HTTP.

use super::{FakeNode, Fixture, SWAP};
use crate::rpc::api::ClaimTerms;
use crate::rpc::types::{AssetAmount, BookShown, ClaimList, ClaimState, ClaimStatus, Id, PeerStatus};
use crate::rpc::{ApiError, ApiErrorKind, MarketApi, MarketRpcClient};
use async_trait::async_trait;
use kofo_primitives::AssetId;
use serde_json::json;

fn status(give: AssetAmount, want: AssetAmount, terms: &ClaimTerms) -> ClaimStatus {
    ClaimStatus {
        id: SWAP,
        seq: 1,
        state: ClaimState::Quoting,
        filled: AssetAmount {
            amount: "0".into(),
            symbol: give.symbol.clone(),
        },
        give,
        want,
        partial: None,
        hidden: terms.hide_limit,
        manual: terms.manual,
        max_hops: terms.max_hops,
        pay_to: terms.pay_to.clone(),
        quotes: vec![],
        trouble: terms.partial.map(|least| format!("least {least}")),
        created_ms: 1,
        expires_ms: 1 + terms.expires_in.0 * 1000,
    }
}

#[async_trait]
impl MarketApi for FakeNode {
    async fn claim(&self, terms: ClaimTerms) -> Result<ClaimStatus, ApiError> {
        self.known(SWAP)?;
        let assets = super::assets();
        let money = |(asset, amount): &(AssetId, _)| assets.money(asset, *amount);
        *self.fee.lock().unwrap() = terms.fee.clone();
        Ok(status(money(&terms.give), money(&terms.want), &terms))
    }

    async fn claim_show(&self, id: Id) -> Result<ClaimStatus, ApiError> {
        // There are no claims here, not even of an id that a swap has.
        Err(match self.known(id) {
            Ok(_) => ApiError::new(ApiErrorKind::NotFound, format!("no claim {id}")),
            Err(unknown) => unknown,
        })
    }

    async fn claim_watch(&self, id: Id, _after_seq: u64) -> Result<ClaimStatus, ApiError> {
        self.claim_show(id).await
    }

    async fn claim_select(&self, id: Id, _fulfil: Id) -> Result<ClaimStatus, ApiError> {
        self.claim_show(id).await
    }

    async fn claim_cancel(&self, id: Id) -> Result<ClaimStatus, ApiError> {
        self.claim_show(id).await
    }

    async fn claim_list(&self) -> Result<ClaimList, ApiError> {
        Ok(ClaimList { claims: vec![] })
    }

    async fn book(&self, base: AssetId, quote: AssetId) -> Result<BookShown, ApiError> {
        Ok(BookShown {
            pair: super::assets().show_pair(&base, &quote),
            asks: vec![],
            bids: vec![],
            listings: vec![],
            pairs: vec![],
        })
    }

    async fn peers(&self) -> Result<Vec<PeerStatus>, ApiError> {
        Ok(vec![])
    }
}

/// A claim by a text of its parameters; the error's code if there is one.
async fn make(fixture: &Fixture, params: serde_json::Value) -> serde_json::Value {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "claim.make", "params": {"claim": params}});
    fixture.post_as_owner(&call.to_string()).await.1
}

#[tokio::test]
async fn a_claim_is_read_with_its_defaults_before_the_node_is_asked() {
    let fixture = Fixture::start().await;
    let made = make(&fixture, json!({"give": "0.1btc", "want": "1.6eth"})).await;
    let claim: ClaimStatus = serde_json::from_value(made["result"].clone()).unwrap();
    assert_eq!(
        (claim.give.to_string(), claim.want.to_string()),
        ("0.1 BTC".into(), "1.6 ETH".into())
    );
    assert_eq!(
        (claim.expires_ms, claim.max_hops),
        (300_001, kofo_primitives::MAX_HOPS)
    );
    assert!(!claim.manual && !claim.hidden && claim.trouble.is_none());

    let all = json!({
        "give": "0.1btc", "want": "1.6eth", "partial": "0.02btc", "expires_in": 60, "max_hops": 3, "fee": "none",
        "hide_limit": true, "manual": true, "pay_to": " 0xabc ",
    });
    let made = make(&fixture, all).await;
    let claim: ClaimStatus = serde_json::from_value(made["result"].clone()).unwrap();
    assert_eq!((claim.expires_ms, claim.max_hops), (60_001, 3));
    assert_eq!(
        (claim.hidden, claim.manual, claim.pay_to.as_deref()),
        (true, true, Some("0xabc"))
    );
    assert_eq!(claim.trouble.as_deref(), Some("least 2000000"));
}

#[tokio::test]
async fn a_claim_with_a_fee_is_refused_without_a_clearance_layer_and_reaches_nothing() {
    let fixture = Fixture::without_ledger().await;
    let answer = make(
        &fixture,
        json!({"give": "0.1btc", "want": "1.6eth", "fee": "0.1eth"}),
    )
    .await;
    assert_eq!(answer["error"]["code"], json!(1015));
    assert_eq!(
        answer["error"]["message"],
        json!("fees need the clearance layer, which this node does not run: ask with fee none")
    );
    assert_eq!(fixture.calls(), 0);
}

#[tokio::test]
async fn a_claim_with_a_wrong_parameter_is_refused_and_reaches_nothing() {
    let fixture = Fixture::start().await;
    for (name, wrong) in [
        ("want", json!("1btc")),
        ("want", json!("1doge")),
        ("partial", json!("0.2btc")),
        ("partial", json!("0.1eth")),
        ("expires_in", json!(0)),
        ("expires_in", json!(601)),
        ("max_hops", json!(0)),
        ("max_hops", json!(9)),
        ("pay_to", json!(" ")),
        ("pay_to", json!("a b")),
        ("pay_to", json!("a".repeat(200))),
    ] {
        let mut params = json!({"give": "0.1btc", "want": "1.6eth"});
        params[name] = wrong.clone();
        let answer = make(&fixture, params).await;
        let code = answer["error"]["code"].as_i64();
        assert!(matches!(code, Some(-32602 | 1006)), "{name} {wrong}: {answer}");
    }
    assert_eq!(fixture.calls(), 0);
}

#[tokio::test]
async fn a_book_is_asked_for_by_the_symbols_of_its_pair() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    assert_eq!(client.book_show("btc/eth".into()).await.unwrap().pair, "BTC/ETH");
    assert!(client.book_show("btc".into()).await.is_err());
    assert!(client.book_show("btc/btc".into()).await.is_err());
    assert_eq!(client.claim_list().await.unwrap().claims, vec![]);
    assert!(client.claim_quotes(Id([9; 32]), Some(1)).await.is_err());
}

#[tokio::test]
async fn a_fee_is_read_in_an_asset_of_the_ledger_with_who_pays_it() {
    use kofo_primitives::FeePayer;
    let fixture = Fixture::start().await;
    let claim = |fee: &str, payer: Option<&str>| json!({"give": "0.1btc", "want": "1.6eth", "fee": fee, "fee_payer": payer});
    for (payer, read) in [
        (None, FeePayer::Claimant),
        (Some("claimant"), FeePayer::Claimant),
        (Some("provider"), FeePayer::Provider),
        (Some("2500"), FeePayer::Split { claimant_bps: 2_500 }),
    ] {
        let made = make(&fixture, claim("0.3kofo", payer)).await;
        assert!(made["error"].is_null(), "{made}");
        let fee = fixture.node.fee.lock().unwrap().take().unwrap();
        assert_eq!((fee.amount.units(), fee.payer), (300_000, read));
    }
    make(
        &fixture,
        json!({"give": "0.1btc", "want": "1.6eth", "fee": "none"}),
    )
    .await;
    assert_eq!(*fixture.node.fee.lock().unwrap(), None);
    let calls = fixture.calls();
    for (fee, payer) in [
        ("0.3btc", None),
        ("0kofo", None),
        ("0.3kofo", Some("everybody")),
        ("0.3kofo", Some("0")),
        ("0.3kofo", Some("10000")),
        ("none", Some("provider")),
    ] {
        let made = make(&fixture, claim(fee, payer)).await;
        let code = made["error"]["code"].as_i64();
        assert!(matches!(code, Some(-32602 | 1006)), "{fee} {payer:?}: {made}");
    }
    assert_eq!(fixture.calls(), calls);
}
