//! Virtual bytes of redeem and refund by leaf, as bitcoind counts them in a block.

use anyhow::{Context, Result, ensure};
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, CompressedPublicKey, Network, OutPoint, ScriptBuf, Transaction, Txid};
use kofo_bitcoin::{Coin, Htlc, Spend};
use kofo_regtest::{Chain, Regtest};
use serde_json::json;

use super::figures::{Btc, LeafSizes, Payouts};

/// What each lock holds, in satoshi.
const LOCKED: u64 = 100_000;
/// More than the least feerate that nodes relay, for all sizes here.
const FEE: Amount = Amount::from_sat(1_000);
/// Far enough for a few blocks to be mined before it.
const TIMELOCK_AFTER: u64 = 3_600;
const PREIMAGE: [u8; 32] = [0x5a; 32];

/// The two parties of one HTLC.
struct Parties {
    redeemer: SecretKey,
    refunder: SecretKey,
}

/// Locks four times on bitcoind and spends by each leaf to each kind of payout.
pub(super) async fn measure(regtest: &Regtest) -> Result<(Btc, Payouts)> {
    let parties = Parties {
        redeemer: SecretKey::from_slice(&[0x11; 32])?,
        refunder: SecretKey::from_slice(&[0x22; 32])?,
    };
    let secp = Secp256k1::new();
    let key = CompressedPublicKey(PublicKey::from_secret_key(&secp, &parties.redeemer));
    let p2wpkh = ScriptBuf::new_p2wpkh(&key.wpubkey_hash());
    let p2tr = ScriptBuf::new_p2tr(&secp, key.0.x_only_public_key().0, None);
    let payouts = Payouts {
        p2wpkh: leaves(regtest, &parties, &p2wpkh).await?,
        p2tr: leaves(regtest, &parties, &p2tr).await?,
    };
    let btc = Btc {
        leaf_redeem: payouts.p2tr.redeem,
        leaf_refund: payouts.p2tr.refund,
    };
    Ok((btc, payouts))
}

async fn leaves(regtest: &Regtest, parties: &Parties, payout: &ScriptBuf) -> Result<LeafSizes> {
    let timelock = regtest.advance(0).await?.saturating_add(TIMELOCK_AFTER);
    let secp = Secp256k1::new();
    let [redeemer, refunder] =
        [&parties.redeemer, &parties.refunder].map(|secret| PublicKey::from_secret_key(&secp, secret));
    let hashlock = sha256::Hash::hash(&PREIMAGE).to_byte_array();
    let htlc = Htlc::new(redeemer, refunder, hashlock, timelock)?;

    let coin = lock(regtest, &htlc).await?;
    let spend = Spend {
        coins: &[coin],
        payout,
        fee: FEE,
    };
    let redeem = mine(regtest, &htlc.redeem(&spend, &PREIMAGE, &parties.redeemer)?).await?;

    let coin = lock(regtest, &htlc).await?;
    let spend = Spend {
        coins: &[coin],
        payout,
        fee: FEE,
    };
    let refund = htlc.refund(&spend, &parties.refunder)?;
    regtest.advance_to(timelock).await?;
    let refund = mine(regtest, &refund).await?;
    Ok(LeafSizes { redeem, refund })
}

/// Pays to the HTLC, in a block.
async fn lock(regtest: &Regtest, htlc: &Htlc) -> Result<Coin> {
    let address = htlc.address(Network::Regtest).to_string();
    let txid: Txid = regtest.fund_bitcoin(&address, LOCKED).await?.parse()?;
    let script = serde_json::Value::from(htlc.script_pubkey().to_hex_string());
    // The payment and its change, in an order that the wallet draws.
    for vout in 0..2 {
        let output = regtest
            .rpc(Chain::Bitcoin, "gettxout", json!([txid, vout]))
            .await?;
        if output["scriptPubKey"]["hex"] == script {
            return Ok(Coin {
                outpoint: OutPoint { txid, vout },
                value: Amount::from_sat(LOCKED),
            });
        }
    }
    anyhow::bail!("{txid} pays nothing to {address}")
}

/// Has the transaction relayed and mined; its virtual bytes, in the words of the node.
async fn mine(regtest: &Regtest, spend: &Transaction) -> Result<u64> {
    regtest
        .rpc(
            Chain::Bitcoin,
            "sendrawtransaction",
            json!([serialize_hex(spend)]),
        )
        .await?;
    let block = regtest.mine(Chain::Bitcoin, 1).await?.hash;
    let block = regtest.rpc(Chain::Bitcoin, "getblock", json!([block, 2])).await?;
    let txid = serde_json::Value::from(spend.compute_txid().to_string());
    let mined = block["tx"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|tx| tx["txid"] == txid);
    let size = mined
        .and_then(|tx| tx["vsize"].as_u64())
        .with_context(|| format!("{txid} was not mined"))?;
    ensure!(
        size == spend.vsize() as u64,
        "bitcoind counts {size} vB, this library {}",
        spend.vsize()
    );
    Ok(size)
}
