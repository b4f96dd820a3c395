//! Gas of whole transactions on anvil under the rules of osaka, by the method of `docs/benchmarks.md`.

mod contracts;
mod rounds;
mod signing;
mod stage;
mod swap;

use alloy::primitives::Address;
use anyhow::Result;
use kofo_regtest::Regtest;

use super::figures::{Acts, Evm, Lanes};
use stage::Stage;
use swap::Lane;

/// The chain's own coin, in the contract's words.
const ETH: Address = Address::ZERO;

/// Measures everything, act by act, each in a block of its own.
pub(super) async fn measure(regtest: &Regtest) -> Result<(Evm, Acts)> {
    let stage = &mut Stage::set(regtest).await?;
    let token = stage.token;
    let eth = Lanes {
        recycled: rounds::leg(stage, ETH, Lane::Recycled).await?,
        first: rounds::leg(stage, ETH, Lane::OneOff).await?,
    };
    let erc20 = Lanes {
        recycled: rounds::leg(stage, token, Lane::Recycled).await?,
        first: rounds::leg(stage, token, Lane::OneOff).await?,
    };
    let acts = Acts {
        eth_opening: rounds::leg(stage, ETH, Lane::Opening).await?,
        erc20_opening: rounds::leg(stage, token, Lane::Opening).await?,
        eth_batch: rounds::batch(stage, ETH).await?,
        erc20_batch: rounds::batch(stage, token).await?,
        recycled_redeem_for: rounds::redeem_for(stage, Lane::Recycled).await?,
        recycled_release: rounds::release(stage, Lane::Recycled).await?,
        token_transfer: rounds::token_transfer(stage).await?,
    };
    Ok((
        Evm {
            eth,
            erc20,
            batch32_per_swap: acts.eth_batch.swap,
            coop_refund: rounds::release(stage, Lane::OneOff).await?,
            gasless_redeem: rounds::redeem_for(stage, Lane::OneOff).await?,
            tower_redeem: rounds::third_party_redeem(stage).await?,
        },
        acts,
    ))
}
