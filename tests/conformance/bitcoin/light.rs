//! The suite on a light client, whose only peer is bitcoind.
//!
//! What it cannot prove is not asked of it: it sees no mempool (`mempool`), and its peer says nothing about a transaction
//! that it does not take (`faulty_node`).

use super::wire::Wire;
use super::{Bitcoind, funded};
use crate::turns::Turn;
use kofo_regtest::Chain;

async fn light(test: &str) -> Option<Bitcoind> {
    let turn = Turn::take(Chain::Bitcoin, test).await?;
    let wire = Wire::before(&turn.regtest).await;
    Some(funded(turn, Some(wire)).await)
}

kofo_adapter_api::conformance_tests!(light =>
    always, dust, wrong_locks, two_locks, raw, outage, fees, counted, overheard,
    together, redeem_together, redeem_together_stuck, entrusted, third_party, third_party_together,
    third_party_entrusted
);
