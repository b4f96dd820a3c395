//! Virtual bytes of redeem and refund, by leaf and by both keys, as bitcoind counts them in a block.

use anyhow::{Context, Result, ensure};
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Amount, CompressedPublicKey, Network, OutPoint, ScriptBuf, Transaction, Txid};
use kofo_bitcoin::{Coin, Htlc, KeyInput, KeySpend, Spend};
use kofo_primitives::Together;
use kofo_regtest::{Chain, Regtest};
use serde_json::json;

use super::figures::{Btc, Payouts, Sizes};

/// What each lock holds, in satoshi.
const LOCKED: u64 = 100_000;
/// More than the least feerate that nodes relay, for all sizes here.
const FEE: Amount = Amount::from_sat(1_000);
/// The same for 32 coins at once.
const FEE_OF_32: Amount = Amount::from_sat(10_000);
/// Far enough for a few blocks to be mined before it.
const TIMELOCK_AFTER: u64 = 3_600;
const PREIMAGE: [u8; 32] = [0x5a; 32];

/// The two parties of one HTLC, and where both are paid to.
struct Parties {
    redeemer: SecretKey,
    refunder: SecretKey,
    payout: ScriptBuf,
}

/// Locks on bitcoind and spends by each leaf, and by both keys, to each kind of payout; and 32 locks at once.
pub(super) async fn measure(regtest: &Regtest) -> Result<(Btc, Payouts)> {
    let secp = Secp256k1::new();
    let key = CompressedPublicKey(PublicKey::from_secret_key(
        &secp,
        &SecretKey::from_slice(&[0x11; 32])?,
    ));
    let p2wpkh = ScriptBuf::new_p2wpkh(&key.wpubkey_hash());
    let p2tr = ScriptBuf::new_p2tr(&secp, key.0.x_only_public_key().0, None);
    let payouts = Payouts {
        p2wpkh: sizes(regtest, &Parties::new(0, p2wpkh)?).await?,
        p2tr: sizes(regtest, &Parties::new(0, p2tr.clone())?).await?,
    };
    let btc = Btc {
        leaf_redeem: payouts.p2tr.redeem,
        leaf_refund: payouts.p2tr.refund,
        coop_redeem: payouts.p2tr.coop_redeem,
        coop_refund: payouts.p2tr.coop_refund,
        batch32_coop_total: batch(regtest, &p2tr).await?,
    };
    Ok((btc, payouts))
}

impl Parties {
    /// Those of HTLC number so and so.
    fn new(number: u8, payout: ScriptBuf) -> Result<Self> {
        let secret = |side: u8| {
            let mut bytes = [side; 32];
            bytes[0] = number;
            SecretKey::from_slice(&bytes)
        };
        Ok(Self {
            redeemer: secret(0x11)?,
            refunder: secret(0x22)?,
            payout,
        })
    }

    fn htlc(&self, timelock: u64) -> Result<Htlc> {
        let secp = Secp256k1::new();
        let [redeemer, refunder] =
            [&self.redeemer, &self.refunder].map(|secret| PublicKey::from_secret_key(&secp, secret));
        let hashlock = sha256::Hash::hash(&PREIMAGE).to_byte_array();
        Ok(Htlc::new(redeemer, refunder, hashlock, timelock)?)
    }

    fn spend<'a>(&'a self, coins: &'a [Coin]) -> Spend<'a> {
        Spend {
            coins,
            payout: &self.payout,
            fee: FEE,
        }
    }
}

async fn sizes(regtest: &Regtest, parties: &Parties) -> Result<Sizes> {
    let timelock = regtest.advance(0).await?.saturating_add(TIMELOCK_AFTER);
    let htlc = parties.htlc(timelock)?;

    let coins = [lock(regtest, &htlc).await?];
    let redeem = htlc.redeem(&parties.spend(&coins), &PREIMAGE, &parties.redeemer)?;
    let redeem = mine(regtest, &redeem).await?;

    let mut together = Vec::new();
    for what in [Together::Redeem, Together::Refund] {
        let coin = lock(regtest, &htlc).await?;
        let leg = (parties, &htlc, coin);
        together.push(mine(regtest, &sign_together(what, &[leg], FEE)?).await?);
    }

    let coins = [lock(regtest, &htlc).await?];
    let refund = htlc.refund(&parties.spend(&coins), &parties.refunder)?;
    regtest.advance_to(timelock).await?;
    let refund = mine(regtest, &refund).await?;
    Ok(Sizes {
        redeem,
        refund,
        coop_redeem: together[0],
        coop_refund: together[1],
    })
}

/// Redeems of 32 HTLCs, each with keys of its own, in one transaction.
async fn batch(regtest: &Regtest, payout: &ScriptBuf) -> Result<u64> {
    let timelock = regtest.advance(0).await?.saturating_add(TIMELOCK_AFTER);
    let mut legs = Vec::new();
    for number in 0..32 {
        let parties = Parties::new(number, payout.clone())?;
        let htlc = parties.htlc(timelock)?;
        let coin = lock(regtest, &htlc).await?;
        legs.push((parties, htlc, coin));
    }
    let legs: Vec<_> = legs
        .iter()
        .map(|(parties, htlc, coin)| (parties, htlc, *coin))
        .collect();
    mine(regtest, &sign_together(Together::Redeem, &legs, FEE_OF_32)?).await
}

/// What both parties do in a round, one after the other.
fn sign_together(what: Together, legs: &[(&Parties, &Htlc, Coin)], fee: Amount) -> Result<Transaction> {
    let inputs: Vec<KeyInput<'_>> = legs
        .iter()
        .map(|(parties, htlc, coin)| KeyInput {
            htlc,
            coin: *coin,
            payout: &parties.payout,
        })
        .collect();
    let redeemers: Vec<_> = legs.iter().map(|(parties, ..)| parties.redeemer).collect();
    let refunders: Vec<_> = legs.iter().map(|(parties, ..)| parties.refunder).collect();
    let (asker, helper) = match what {
        Together::Redeem => (redeemers, refunders),
        Together::Refund => (refunders, redeemers),
    };
    let spend = KeySpend::new(what, &inputs, fee)?;
    let asked = spend.clone().ask(&asker)?;
    let helps = spend.help(&helper, &asked.nonces())?;
    Ok(asked.finish(&asker, &helps)?)
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
