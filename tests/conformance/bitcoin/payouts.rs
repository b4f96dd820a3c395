//! Whom a leg pays is what we said, whatever somebody makes of our party.

use super::{MERCHANT, bitcoind};
use bitcoin::{Address, Network, ScriptBuf};
use kofo_adapter_api::AdapterError;
use kofo_adapter_api::conformance::{Leg, Stage, Who};
use kofo_bitcoin::BitcoinParty;
use kofo_primitives::{HtlcSpec, Party};

/// P2WPKH, of the key whose secret is 1.
const THIEF: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

fn script(address: &str) -> ScriptBuf {
    let address: Address<_> = address.parse().unwrap();
    address.require_network(Network::Regtest).unwrap().script_pubkey()
}

/// Our party, but for the payout.
fn paying(party: &Party, payout: ScriptBuf) -> Party {
    let party = BitcoinParty::from_bytes(party.as_slice()).unwrap();
    let altered = BitcoinParty::new(party.key, payout).unwrap();
    Party::new(altered.to_bytes()).unwrap()
}

/// Our side of a leg that pays us, and of one that pays the merchant.
async fn legs<H: kofo_adapter_api::conformance::Harness>(stage: &mut Stage<H>) -> [Leg; 2] {
    [
        stage.agree(Who::Them).await,
        stage.agree_paying(Who::Them, MERCHANT).await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_that_somebody_altered_is_not_ours() {
    let Some(chain) = bitcoind("altered payouts").await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    for leg in legs(&mut stage).await {
        let spec = leg.redeemer.clone();
        assert_eq!(stage.us.adapter.check(leg.of, &spec).await, Ok(()));
        let redeemer = paying(&spec.redeemer, script(THIEF));
        let altered = HtlcSpec { redeemer, ..spec };
        let why = stage.us.adapter.check(leg.of, &altered).await;
        assert!(matches!(why, Err(AdapterError::Malformed { .. })), "{why:?}");
    }
    // The merchant's address with the key for our own wallet, and the other way round.
    let [own, merchants] = legs(&mut stage).await;
    let ours = BitcoinParty::from_bytes(own.redeemer.redeemer.as_slice())
        .unwrap()
        .payout;
    for (leg, payout) in [(own, script(MERCHANT)), (merchants, ours)] {
        let spec = leg.redeemer.clone();
        let redeemer = paying(&spec.redeemer, payout);
        let why = stage
            .us
            .adapter
            .check(leg.of, &HtlcSpec { redeemer, ..spec })
            .await;
        assert!(matches!(why, Err(AdapterError::Malformed { .. })), "{why:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refunder_that_would_be_paid_where_the_redeemer_is_passes_no_check() {
    let Some(chain) = bitcoind("one payout for both").await else {
        return;
    };
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree_paying(Who::Them, MERCHANT).await;
    let spec = leg.redeemer.clone();
    let refunder = paying(&spec.refunder, script(MERCHANT));
    let why = stage
        .us
        .adapter
        .check(leg.of, &HtlcSpec { refunder, ..spec })
        .await;
    assert!(
        matches!(why, Err(AdapterError::Malformed { field: "payout", .. })),
        "{why:?}"
    );
}
