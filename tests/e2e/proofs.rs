//! Validators that see nothing of Bitcoin: what its own blocks prove ends orders, and everybody is paid.

use crate::clearance::{asked, free, order, receipt};
use crate::cli::run;
use crate::exchange::{begun, claim_until, redeemed};
use crate::shared::{Land, kofo};
use kofo_clearance::{Ending, ProofRule};
use kofo_cli::demo::{City, NETWORK, Place, Twist, check_sum, waits};
use kofo_node::config::Backend;
use kofo_node::rpc::types::{Id, OrderProved, OrderState};
use kofo_primitives::{Amount, ChainId};
use kofo_regtest::Chain;
use std::sync::Arc;

/// So deep a proof must be: deeper than the nodes want their own money.
const DEPTH: u32 = 12;
/// The easiest work of regtest.
const EASIEST: u32 = 0x207f_ffff;

fn bitcoin(land: &Land) -> ChainId {
    let config = land.daemons.config(NETWORK).unwrap();
    let mut chains = config.chains.into_iter();
    let bitcoin = chains.find(|chain| matches!(chain.backend, Backend::Bitcoin(_)));
    bitcoin.unwrap().id
}

/// A city whose validators say that they observe Bitcoin, and have no bitcoind.
async fn blind_city(land: &Land) -> City {
    let chain = bitcoin(land);
    let rule = ProofRule {
        chain: chain.clone(),
        easiest: EASIEST,
        depth: DEPTH,
    };
    let twist = Twist {
        proofs: vec![rule],
        unseen: Some(chain),
    };
    let city = City::twisted(Arc::clone(&land.daemons), kofo(), twist).await;
    city.expect("validators and nodes start")
}

/// What cannot be proved is refused by what it is.
async fn refusals(city: &City, id: Id) {
    let id = id.to_string();
    let wallet = city.town.data(Place::Wallet);
    run(&wallet, &["order", "prove", &id])
        .await
        .refused_with(&["leg beta/0 is not locked in blocks", "only how a leg ended"]);
    run(&wallet, &["order", "prove", &id, "--leg", "alpha"])
        .await
        .refused_with(&["no rule for proofs of eip155:"]);
    run(&city.town.data(Place::Relay1), &["order", "prove", &id])
        .await
        .refused_with(&["no party of order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_see_nothing_of_bitcoin_and_a_party_s_proof_ends_the_order_and_has_everybody_paid() {
    let Some(land) = Land::alone("a proof").await else {
        return;
    };
    let city = blind_city(&land).await;
    let regtest = land.daemons.regtest();
    // The provider's lock waits for a block while we look.
    regtest.pause_miner(Chain::Bitcoin).await.unwrap();
    let claim = claim_until(&city.town, asked(), |claim| begun(claim).is_some()).await;
    let (_, swap) = begun(&claim).unwrap();
    waits(city.town.ground(), Chain::Bitcoin).await.unwrap();
    refusals(&city, swap).await;
    regtest.resume_miner(Chain::Bitcoin).await.unwrap();
    let (_, provider) = redeemed(&city.town, swap).await;
    regtest.pause_miner(Chain::Bitcoin).await.unwrap();

    let shown = order(&city, swap).await;
    assert_eq!(
        shown.state,
        OrderState::Committed,
        "nobody told validators: {shown:#?}"
    );
    let id = swap.to_string();
    let wallet = city.town.data(Place::Wallet);
    let shallow = run(&wallet, &["order", "prove", &id]).await;
    shallow.refused_with(&["the network's rule asks for 12", "blocks later"]);
    regtest.mine(Chain::Bitcoin, u64::from(DEPTH)).await.unwrap();
    let proved = run(&city.town.data(provider), &["order", "prove", &id, "--json"]).await;
    let proved: OrderProved = serde_json::from_str(proved.done()).unwrap();
    let [leg] = proved.proved.as_slice() else {
        panic!("one leg is on Bitcoin: {proved:#?}")
    };
    assert_eq!((leg.leg.as_str(), leg.fact.as_str()), ("beta/0", "redeemed"));
    assert_eq!(leg.depth, DEPTH);

    let (shown, settlement) = receipt(&city, swap).await;
    assert_eq!(settlement.ending, Ending::Settled, "{shown:#?}");
    check_sum(&settlement, Amount::new(300_000)).unwrap();
    assert_eq!(free(&city, Place::Relay1).await, "0.105");
    assert_eq!(free(&city, Place::Wallet).await, "999.7");
    let again = run(&wallet, &["order", "prove", &id]).await;
    assert!(again.done().contains("the order was over"), "{}", again.out);
}
