//! The suite that every adapter passes, on the toy chain.

use super::adapter::ToyAdapter;
use super::ledger::{Account, Deed, ToyChain, Tx};
use super::leg::Leg;
use async_trait::async_trait;
use kofo_adapter_api::ChainAdapter;
use kofo_adapter_api::conformance::harness::{Harness, Stranger, Who, WrongLocks};
use kofo_primitives::{
    Amount, AssetId, At, HtlcSpec, LegId, LegRef, Preimage, Seconds, Side, SwapId, Tip, UnixTime,
};
use std::sync::Arc;

const BLOCK: Seconds = Seconds(10);

struct Toy(ToyChain);

async fn toy(_: &str) -> Option<Toy> {
    let rich = [Who::Us, Who::Them].map(|who| (account(who), Amount::new(10_000)));
    Some(Toy(ToyChain::new(UnixTime(1_000_000), rich)))
}

fn account(who: Who) -> Account {
    match who {
        Who::Us => Account(1),
        Who::Them => Account(2),
        Who::Pauper => Account(3),
    }
}

/// What a leg is locked under, whoever asks.
fn leg(spec: &HtlcSpec) -> Leg {
    let of = LegRef {
        swap: SwapId::new([0; 32]),
        leg: LegId::first(Side::Alpha),
    };
    Leg::new(of, spec.clone()).expect("the suite's parties are right")
}

#[async_trait]
impl Harness for Toy {
    async fn start(&self, who: Who) -> Arc<dyn ChainAdapter> {
        Arc::new(ToyAdapter::new(self.0.clone(), account(who)))
    }

    fn asset(&self) -> AssetId {
        ToyChain::asset()
    }

    fn amount(&self) -> Amount {
        Amount::new(1_000)
    }

    fn most_fee(&self) -> Amount {
        Amount::ZERO
    }

    async fn tip(&self) -> Tip {
        self.0.state().tip()
    }

    async fn waiting(&self) -> usize {
        let state = self.0.state();
        state.txs().filter(|(at, _)| *at == At::Mempool).count()
    }

    async fn mine(&self, blocks: u32) {
        self.0.mine(blocks, BLOCK);
    }

    async fn mine_until(&self, time: UnixTime) {
        let left = self.0.state().tip().time.until(time);
        self.0.mine(1, left);
    }

    async fn reorg(&self, blocks: u32) {
        self.0.reorg(blocks, BLOCK);
    }
}

#[async_trait]
impl WrongLocks for Toy {
    async fn lock_units(&self, spec: &HtlcSpec, units: Amount) {
        let lock = leg(spec).lock;
        let from = lock.refunder;
        let deed = Deed::Lock(lock, units);
        let ticket = [7; 32];
        self.0
            .submit(Tx { from, ticket, deed })
            .expect("they have so much");
    }
}

#[async_trait]
impl Stranger for Toy {
    async fn redeem_as_stranger(&self, spec: &HtlcSpec, preimage: &Preimage) {
        let deed = Deed::Redeem(leg(spec).lock, preimage.clone());
        let (from, ticket) = (Account(9), [9; 32]);
        self.0
            .submit(Tx { from, ticket, deed })
            .expect("anybody may redeem");
    }
}

// ANCHOR: suite
kofo_adapter_api::conformance_tests!(toy => always, mempool, wrong_locks, stranger);
// ANCHOR_END: suite
