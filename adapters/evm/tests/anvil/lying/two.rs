//! Two endpoints of ours, and whichever of them lies.

use crate::harness::{Evm, Swapped};
use crate::proxy::{Behaviour, Proxy};
use alloy::hex;
use kofo_adapter_api::conformance::{Harness, Stage};
use kofo_primitives::{ChainEvent, Health, Tip};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liar {
    Ours,
    Witness,
}

/// Us with two endpoints, them with an honest one.
pub(super) struct Two {
    pub(super) stage: Stage<Evm>,
    pub(super) witness: Proxy,
    pub(super) liar: Liar,
}

impl Two {
    pub(super) async fn before(test: &str, swapped: Swapped, liar: Liar) -> Option<Self> {
        Self::of(test, swapped, (liar, false)).await
    }

    /// Neither endpoint is ours.
    pub(super) async fn strangers(test: &str, swapped: Swapped) -> Option<Self> {
        Self::of(test, swapped, (Liar::Ours, true)).await
    }

    async fn of(test: &str, swapped: Swapped, (liar, strangers): (Liar, bool)) -> Option<Self> {
        let mut chain = Evm::ready(&format!("{test}, {liar:?} lies"), swapped).await?;
        let honest = match swapped {
            Swapped::Ec => chain.regtest.echoin().url.clone(),
            _ => chain.regtest.ethereum().url.clone(),
        };
        let witness = Proxy::before(&honest).await;
        chain.their_url = Some(honest);
        chain.config.witnesses = vec![witness.url.clone()];
        chain.config.strangers = strangers;
        chain.config.patience = Duration::from_millis(400);
        let stage = Stage::set(chain).await;
        Some(Self { stage, witness, liar })
    }

    pub(super) fn liar(&self) -> &Behaviour {
        match self.liar {
            Liar::Ours => &self.stage.chain.proxy.behaviour,
            Liar::Witness => &self.witness.behaviour,
        }
    }

    pub(super) fn lie(&self, lie: impl Fn(&Value, &mut Value) + Send + Sync + 'static) {
        *self.liar().lies.lock().unwrap() = Some(Arc::new(lie));
    }

    pub(super) fn mishear(&self, mishear: impl Fn(&mut Value) + Send + Sync + 'static) {
        *self.liar().mishears.lock().unwrap() = Some(Arc::new(mishear));
    }

    pub(super) fn repents(&self) {
        *self.liar().lies.lock().unwrap() = None;
        *self.liar().mishears.lock().unwrap() = None;
        self.liar().cut.store(false, Ordering::Relaxed);
    }

    /// Nobody's pool shows anything.
    pub(super) fn blind(&self) {
        for behaviour in [&self.stage.chain.proxy.behaviour, &self.witness.behaviour] {
            let empty = |request: &mut Value| {
                if request["params"][0] == "pending" {
                    request["params"][0] = json!("latest");
                }
            };
            *behaviour.mishears.lock().unwrap() = Some(Arc::new(empty));
        }
    }

    /// Mines where we may not follow; they do.
    pub(super) async fn mine_apart(&self, blocks: u32) -> Tip {
        self.stage.chain.mine(blocks).await;
        self.stage.chain.tip().await
    }

    pub(super) async fn told_health(&self, mark: usize, health: Health) {
        let told = |events: &[ChainEvent]| events.contains(&ChainEvent::Health(health)).then_some(());
        self.stage.us.until(mark, &format!("{health:?}"), told).await;
    }

    /// We asked each endpoint so often more: whatever we would do, we did.
    pub(super) async fn after_rounds(&self) {
        let behaviours = [&self.stage.chain.proxy.behaviour, &self.witness.behaviour];
        let calls = || behaviours.map(|behaviour| behaviour.calls.load(Ordering::Relaxed));
        let (before, deadline) = (calls(), Instant::now() + Duration::from_secs(120));
        while calls().iter().zip(before).any(|(now, then)| *now < then + 20) {
            assert!(Instant::now() < deadline, "expected more questions");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The liar stops, and we are where everybody is.
    pub(super) async fn agrees_again(&self, mark: usize) {
        self.repents();
        self.told_health(mark, Health::Healthy).await;
        self.stage.settled().await;
    }
}

pub(super) fn is(request: &Value, method: &str) -> bool {
    request["method"] == method
}

pub(super) fn is_block(request: &Value) -> bool {
    request["method"].as_str().unwrap().starts_with("eth_getBlockBy")
}

pub(super) fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

pub(super) fn add(value: &mut Value, more: u64) {
    *value = json!(format!("{:#x}", number(value) + more));
}

/// Whether these bytes were in a question.
pub(super) fn heard_by(proxy: &Proxy, bytes: &[u8]) -> bool {
    let wanted = hex::encode(bytes);
    let asked = proxy.behaviour.asked.lock().unwrap();
    asked.iter().any(|request| request.contains(&wanted))
}
