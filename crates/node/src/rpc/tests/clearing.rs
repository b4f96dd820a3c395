//! The clearance layer's methods over real HTTP.

use super::{FakeNode, Fixture, SWAP};
use crate::assets::{Asset, Assets};
use crate::rpc::api::LedgerUnits;
use crate::rpc::types::{AccountShown, ActDone, ClearanceShown, Id, OrderProved, OrderShown, OrderState};
use crate::rpc::{ApiError, ClearingApi};
use async_trait::async_trait;
use kofo_clearance::{Act, BondKind};
use kofo_primitives::{Amount, AssetId, LegId, NodeId};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const KOFO: &str = "kofo:test/fee:kofo";
const GOLD: &str = "kofo:test/fee:gold";

fn account(sequence: u64) -> AccountShown {
    AccountShown {
        key: SWAP,
        own: true,
        height: 1,
        sequence,
        holdings: vec![],
        points: 0,
        score: 0,
        settled: 0,
        failed: 0,
        power: 0,
        jailed_until_ms: None,
    }
}

#[async_trait]
impl ClearingApi for FakeNode {
    fn ledger(&self) -> Option<LedgerUnits> {
        let asset = |symbol: &str, id| Asset {
            symbol: symbol.into(),
            id: AssetId::new(id).unwrap(),
            decimals: 6,
            freezable: false,
        };
        let assets = Assets::new(vec![asset("KOFO", KOFO), asset("GOLD", GOLD)]).unwrap();
        let stake = AssetId::new(KOFO).unwrap();
        self.knows_ledger.then_some(LedgerUnits { assets, stake })
    }

    async fn order(&self, id: Id, proof: bool) -> Result<OrderShown, ApiError> {
        self.known(id)?;
        Ok(OrderShown {
            id,
            state: OrderState::Open,
            refused: proof.then(|| "with proof".to_owned()),
            committed: None,
            receipt: None,
            payouts: None,
        })
    }

    async fn prove(&self, id: Id, leg: Option<LegId>) -> Result<OrderProved, ApiError> {
        let mut order = self.order(id, false).await?;
        order.refused = leg.map(|leg| leg.to_string());
        let proved = vec![];
        Ok(OrderProved { proved, order })
    }

    async fn account(&self, key: Option<Id>) -> Result<AccountShown, ApiError> {
        self.known(key.unwrap_or(SWAP))?;
        Ok(account(0))
    }

    async fn act(&self, act: Act) -> Result<ActDone, ApiError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.acts.lock().unwrap().push(act);
        Ok(ActDone {
            sequence: 0,
            account: account(1),
        })
    }

    async fn clearance(&self) -> Result<ClearanceShown, ApiError> {
        self.known(SWAP)?;
        Ok(ClearanceShown {
            genesis: SWAP,
            account: SWAP,
            epoch: 3,
            power: 400,
            assets: vec!["KOFO".to_owned()],
            validators: vec![],
        })
    }
}

async fn call(fixture: &Fixture, method: &str, params: Value) -> Value {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    fixture.post_as_owner(&call.to_string()).await.1
}

/// Methods with their parameters, and the acts that they come to.
#[rustfmt::skip]
fn acts() -> Vec<(&'static str, Value, Act)> {
    let (id, to) = (SWAP.to_string(), NodeId::new(SWAP.0));
    let (kofo, gold) = (AssetId::new(KOFO).unwrap(), AssetId::new(GOLD).unwrap());
    let key = kofo_primitives::ValidatorSecret::new(&[1; 32]).unwrap().key();
    let amount = Amount::new(1_500_000);
    let (provider, relay) = (BondKind::Provider, BondKind::Relay);
    let chains = vec![kofo_primitives::ChainId::new("eip155:1").unwrap()];
    let pairs = vec![super::assets().pair("btc/eth").unwrap()];
    vec![
        ("ledger.transfer", json!({"to": id, "amount": "1.5gold"}), Act::Transfer { to, asset: gold.clone(), amount }),
        ("ledger.grant", json!({"to": id, "points": 7}), Act::Grant { to, points: 7 }),
        ("bond.add", json!({"kind": "provider", "amount": "1.5 KOFO"}), Act::Bond { kind: provider, asset: kofo, amount }),
        ("bond.remove", json!({"kind": "relay", "amount": "1.5gold"}), Act::Unbond { kind: relay, asset: gold, amount }),
        ("stake.add", json!({"key": key.to_string(), "commission_bps": 5, "amount": "1.5kofo"}), Act::Stake { key, commission_bps: 5, amount }),
        ("stake.remove", json!({"amount": "1.5kofo"}), Act::Unstake { amount }),
        ("stake.observe", json!({"chains": ["eip155:1"]}), Act::Observe { chains }),
        ("stake.list", json!({"pairs": ["btc/eth"]}), Act::List { pairs }),
        ("stake.unjail", json!({}), Act::Unjail),
        ("delegate.add", json!({"to": id, "amount": "1.5kofo"}), Act::Delegate { to, amount }),
        ("delegate.remove", json!({"from": id, "amount": "1.5kofo"}), Act::Undelegate { from: to, amount }),
        ("reward.collect", json!({}), Act::Collect),
    ]
}

#[tokio::test]
async fn every_act_is_read_in_the_units_of_the_ledger() {
    let fixture = Fixture::start().await;
    for (method, params, act) in acts() {
        let answer = call(&fixture, method, params).await;
        assert_eq!(
            answer["result"]["account"]["sequence"],
            json!(1),
            "{method}: {answer}"
        );
        assert_eq!(fixture.node.acts.lock().unwrap().pop(), Some(act), "{method}");
    }
}

#[tokio::test]
async fn an_act_with_a_wrong_parameter_is_refused_and_reaches_nothing() {
    let fixture = Fixture::start().await;
    let id = SWAP.to_string();
    let many = vec!["eip155:1"; 65];
    for (method, params) in [
        ("bond.add", json!({"kind": "maker", "amount": "1kofo"})),
        ("bond.add", json!({"kind": "relay", "amount": "0kofo"})),
        ("bond.add", json!({"kind": "relay", "amount": "1btc"})),
        ("bond.add", json!({"kind": "relay", "amount": "1.0000001kofo"})),
        (
            "stake.add",
            json!({"key": id, "commission_bps": 5, "amount": "1kofo"}),
        ),
        (
            "stake.add",
            json!({"key": "02".repeat(33), "commission_bps": 10_001, "amount": "1kofo"}),
        ),
        ("stake.remove", json!({"amount": "1gold"})),
        ("delegate.add", json!({"to": "07", "amount": "1kofo"})),
        ("stake.observe", json!({"chains": ["ethereum"]})),
        ("stake.observe", json!({"chains": many})),
        ("stake.list", json!({"pairs": ["btc"]})),
    ] {
        let answer = call(&fixture, method, params.clone()).await;
        let code = answer["error"]["code"].as_i64();
        assert!(matches!(code, Some(-32602 | 1006)), "{method} {params}: {answer}");
    }
    assert_eq!(fixture.calls(), 0);
}

#[tokio::test]
async fn orders_accounts_and_the_layer_itself_are_shown() {
    let fixture = Fixture::start().await;
    let id = SWAP.to_string();
    let plain = call(&fixture, "order.show", json!({"id": id})).await;
    assert_eq!(
        (&plain["result"]["state"], &plain["result"]["refused"]),
        (&json!("open"), &Value::Null)
    );
    let proved = call(&fixture, "order.show", json!({"id": id, "proof": true})).await;
    assert_eq!(proved["result"]["refused"], json!("with proof"));
    for (leg, told) in [(json!("beta"), json!("beta/0")), (Value::Null, Value::Null)] {
        let proved = call(&fixture, "order.prove", json!({"id": id, "leg": leg})).await;
        assert_eq!(proved["result"]["order"]["refused"], told, "{proved}");
    }
    let wrong = call(&fixture, "order.prove", json!({"id": id, "leg": "gamma"})).await;
    assert_eq!(
        wrong["error"]["data"]["expected"],
        json!("alpha or beta"),
        "{wrong}"
    );
    for params in [json!({}), json!({"key": id})] {
        let shown = call(&fixture, "ledger.account", params).await;
        assert_eq!(shown["result"]["own"], json!(true));
    }
    let layer = call(&fixture, "ledger.status", json!({})).await;
    assert_eq!(layer["result"]["epoch"], json!(3));
}

#[tokio::test]
async fn without_a_genesis_every_method_of_the_layer_says_so_and_reaches_nothing() {
    let fixture = Fixture::without_ledger().await;
    let id = SWAP.to_string();
    for (method, params) in [
        ("order.show", json!({"id": id})),
        ("order.prove", json!({"id": id})),
        ("ledger.status", json!({})),
        ("ledger.account", json!({})),
        ("ledger.transfer", json!({"to": id, "amount": "1kofo"})),
        ("bond.add", json!({"kind": "relay", "amount": "1kofo"})),
        ("stake.unjail", json!({})),
        ("reward.collect", json!({})),
    ] {
        let answer = call(&fixture, method, params).await;
        assert_eq!(answer["error"]["code"], json!(1015), "{method}: {answer}");
    }
    assert_eq!(fixture.calls(), 0);
}
