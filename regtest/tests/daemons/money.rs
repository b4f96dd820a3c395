//! Funding, deploying, and the rules by which the two EVM chains differ.

use kofo_regtest::{CREATE2_DEPLOYER, Chain, Error, RpcError};
use serde_json::json;

use crate::{STRANGER, manual};

#[tokio::test]
async fn anybody_can_be_funded_on_every_chain() {
    let Some(regtest) = manual("anybody_can_be_funded_on_every_chain").await else {
        return;
    };
    let address = regtest
        .rpc(Chain::Bitcoin, "getnewaddress", json!([]))
        .await
        .unwrap();
    let address = address.as_str().unwrap();
    regtest.fund_bitcoin(address, 123_456_789).await.unwrap();
    let received = regtest
        .rpc(Chain::Bitcoin, "getreceivedbyaddress", json!([address]))
        .await
        .unwrap();
    assert_eq!(received.to_string(), "1.23456789");

    for chain in [Chain::Ethereum, Chain::Echoin] {
        regtest.fund_evm(chain, STRANGER, 5).await.unwrap();
        regtest
            .fund_evm(chain, STRANGER, 1_000_000_000_000_000_000_000)
            .await
            .unwrap();
        let balance = regtest
            .rpc(chain, "eth_getBalance", json!([STRANGER, "latest"]))
            .await
            .unwrap();
        assert_eq!(
            balance,
            format!("{:#x}", 1_000_000_000_000_000_000_005_u128),
            "{chain}"
        );
    }
}

#[tokio::test]
async fn a_gift_goes_to_the_chains_that_the_address_belongs_to() {
    let Some(regtest) = manual("a_gift_goes_to_the_chains_that_the_address_belongs_to").await else {
        return;
    };
    let chains = async |address: &str| -> Vec<Chain> {
        regtest
            .fund(address)
            .await
            .unwrap()
            .into_iter()
            .map(|gift| gift.chain)
            .collect()
    };
    assert_eq!(chains(STRANGER).await, [Chain::Ethereum, Chain::Echoin]);
    let address = regtest
        .rpc(Chain::Bitcoin, "getnewaddress", json!([]))
        .await
        .unwrap();
    assert_eq!(chains(address.as_str().unwrap()).await, [Chain::Bitcoin]);
    assert!(matches!(
        regtest.fund("somebody").await,
        Err(Error::UnknownAddress { .. })
    ));
}

#[tokio::test]
async fn a_contract_is_deployed_once_at_the_address_that_code_and_salt_determine() {
    let test = "a_contract_is_deployed_once_at_the_address_that_code_and_salt_determine";
    let Some(regtest) = manual(test).await else { return };
    // PUSH1 0x00 PUSH1 0x00 MSTORE8, PUSH1 1 PUSH1 0 RETURN: a contract whose code is one STOP.
    let code = hex::decode("600060005360016000f3").unwrap();
    let mut addresses = Vec::new();
    for chain in [Chain::Ethereum, Chain::Echoin] {
        let deployer = regtest
            .rpc(chain, "eth_getCode", json!([CREATE2_DEPLOYER, "latest"]))
            .await
            .unwrap();
        assert!(
            deployer.as_str().unwrap().len() > 2,
            "{chain} has no CREATE2 deployer"
        );
        let address = regtest.deploy(chain, &code, [7; 32]).await.unwrap();
        let there = regtest
            .rpc(chain, "eth_getCode", json!([address, "latest"]))
            .await
            .unwrap();
        assert_eq!(there, "0x00", "{chain}");
        let height = regtest.tip(chain).await.unwrap().height;
        assert_eq!(regtest.deploy(chain, &code, [7; 32]).await.unwrap(), address);
        assert_eq!(
            regtest.tip(chain).await.unwrap().height,
            height,
            "the second time does nothing"
        );
        assert_ne!(regtest.deploy(chain, &code, [8; 32]).await.unwrap(), address);
        addresses.push(address);
    }
    assert_eq!(addresses[0], addresses[1]);
    let reverting = hex::decode("60006000fd").unwrap();
    let failed = regtest.deploy(Chain::Ethereum, &reverting, [7; 32]).await;
    assert!(failed.is_err(), "{failed:?}");
    assert!(matches!(
        regtest.deploy(Chain::Bitcoin, &code, [7; 32]).await,
        Err(Error::NotEvm { .. })
    ));
}

#[tokio::test]
async fn echoin_refuses_all_but_legacy_transactions_and_says_so() {
    let test = "echoin_refuses_all_but_legacy_transactions_and_says_so";
    let Some(regtest) = manual(test).await else { return };
    let modern = json!({"from": regtest.echoin().faucet, "to": STRANGER, "value": "0x1",
        "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1"});
    assert!(
        regtest
            .rpc(Chain::Ethereum, "eth_sendTransaction", json!([modern]))
            .await
            .is_ok()
    );
    let refused = regtest
        .rpc(Chain::Echoin, "eth_sendTransaction", json!([modern]))
        .await
        .unwrap_err();
    let words = refused.to_string();
    assert!(
        matches!(refused, Error::Rpc(RpcError::Refused { code: -32602, .. })),
        "{words}"
    );
    assert!(
        words.contains("eth_sendTransaction") && words.contains(&regtest.echoin().url),
        "{words}"
    );
    for (chain, id) in [(Chain::Ethereum, "0x7a69"), (Chain::Echoin, "0x12")] {
        assert_eq!(regtest.rpc(chain, "eth_chainId", json!([])).await.unwrap(), id);
    }
}
