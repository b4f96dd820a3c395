//! The half of the keys: what a signer does for this adapter, in whatever process it runs.
//!
//! It builds every transaction itself from the terms of the leg, and finds out itself whom it pays: a redeem or refund
//! goes to a script of our wallet, or to the one address that the leg's key is bound to; coins of our wallet go back to
//! it, or into a lock that our own key can refund; to others by [`BitcoinKeys::paying`] only. The secret nonce of a round never leaves, and signs once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bdk_wallet::KeychainKind;
use bdk_wallet::descriptor::IntoWalletDescriptor;
use bdk_wallet::template::Bip86;
use bitcoin::bip32::{ChildNumber, Xpriv};
use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::key::{Keypair, TapTweak};
use bitcoin::secp256k1::{All, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, Network, NetworkKind, ScriptBuf, Transaction, TxOut};
use borsh::BorshSerialize;
use kofo_adapter_api::{Keys, SignerError};
use kofo_primitives::{ActKind, End, Seed, Together};

use crate::keys::{LegKey, Payee, public};
use crate::musig::{Help, NONCE_BYTES};
use crate::ours::{AskedHelp, AskedRound, FAMILY, OurLeg, Payment, Question, WalletPlace};
use crate::round::{LegSecrets, asker, helper};
use crate::spend::{Coin, SIGNATURE_BYTES, Spend};
use crate::terms::Terms;
use crate::together::{AskedSpend, KeyInput, KeySpend};

/// So many rounds may wait for their answer; the oldest is forgotten then, and its legs are ended alone.
const ROUNDS: usize = 256;
/// So far a payout is looked for in our wallet when whoever asks does not know its place.
const SEARCHED: u32 = 5_000;

/// Our half of the keys: the wallet (BIP-86) and the legs' keys of one seed.
pub struct BitcoinKeys {
    seed: Seed,
    pays: bool,
    secp: Secp256k1<All>,
    rounds: Mutex<Rounds>,
}

/// Rounds that wait for their answer, by their numbers.
struct Rounds {
    next: u64,
    open: BTreeMap<u64, (AskedSpend, LegSecrets)>,
}

/// A leg that is ours.
struct Owned {
    terms: Terms,
    secret: LegSecrets,
    payee: Payee,
}

fn refused(why: impl std::fmt::Display) -> SignerError {
    SignerError::Refused(why.to_string())
}

impl BitcoinKeys {
    /// Derives nothing yet.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            pays: false,
            secp: Secp256k1::new(),
            rounds: Mutex::new(Rounds {
                next: first_round(),
                open: BTreeMap::new(),
            }),
        }
    }

    /// The same keys, which also sign payments to others: for a node that holds its keys itself and pays whom its owner
    /// says.
    #[must_use]
    pub const fn paying(mut self) -> Self {
        self.pays = true;
        self
    }

    fn answered(&self, question: Question) -> Result<Vec<u8>, SignerError> {
        match question {
            Question::Wallet { main } => Ok(encode(&self.descriptors(main)?)),
            Question::Key {
                network,
                nonce,
                leg,
                end,
                payout,
            } => {
                let key = LegKey {
                    seed: &self.seed,
                    network: &network,
                    nonce: &nonce,
                    leg,
                    end,
                };
                let secret = match payout {
                    Some(payout) => key.paying(&ScriptBuf::from_bytes(payout)),
                    None => key.own(),
                };
                let secret = LegSecrets(secret.into_iter().collect());
                let secret = secret
                    .0
                    .first()
                    .ok_or_else(|| refused("the nonce gives no key: draw another"))?;
                Ok(encode(&public(secret).serialize().to_vec()))
            }
            Question::Whose(leg) => Ok(encode(&self.own(&leg)?.map(|owned| owned.payee))),
            Question::Pay(payment) => Ok(encode(&self.pay(&payment)?)),
            Question::Spend {
                leg,
                redeem,
                coins,
                fee,
            } => {
                let coins: Vec<Coin> = coins.iter().map(Coin::from).collect();
                let act = if redeem { ActKind::Redeem } else { ActKind::Refund };
                Ok(encode(&self.spend(&leg, act, (&coins, Amount::from_sat(fee)))?))
            }
            Question::Open(round) => Ok(encode(&self.open(&round)?)),
            Question::Help(round, nonces) => Ok(encode(&self.help(&round, &nonces)?)),
            Question::Close { round, helps } => {
                let helps = helps.into_iter().map(Help::from).collect::<Vec<_>>();
                Ok(encode(&self.close(round, &helps)?))
            }
        }
    }

    fn master(&self, main: bool) -> Result<Xpriv, SignerError> {
        let kind = if main {
            NetworkKind::Main
        } else {
            NetworkKind::Test
        };
        Xpriv::new_master(kind, self.seed.expose()).map_err(refused)
    }

    fn descriptors(&self, main: bool) -> Result<[String; 2], SignerError> {
        let master = self.master(main)?;
        let network = if main {
            NetworkKind::Main
        } else {
            NetworkKind::Test
        };
        let of = |kind| {
            let made = Bip86(master, kind).into_wallet_descriptor(&self.secp, network);
            made.map(|(descriptor, _)| descriptor.to_string())
                .map_err(refused)
        };
        Ok([of(KeychainKind::External)?, of(KeychainKind::Internal)?])
    }

    /// `m/86'/coin'/0'/chain`.
    fn chain(&self, main: bool, change: bool) -> Result<Xpriv, SignerError> {
        let hard = |number| ChildNumber::Hardened { index: number };
        let path = [
            hard(86),
            hard(u32::from(!main)),
            hard(0),
            ChildNumber::Normal {
                index: u32::from(change),
            },
        ];
        self.master(main)?.derive_priv(&self.secp, &path).map_err(refused)
    }

    fn child(&self, chain: &Xpriv, index: u32) -> Result<Keypair, SignerError> {
        let number = ChildNumber::from_normal_idx(index).map_err(refused)?;
        let child = chain.derive_priv(&self.secp, &[number]).map_err(refused)?;
        Ok(child.to_keypair(&self.secp))
    }

    fn script(&self, pair: &Keypair) -> ScriptBuf {
        ScriptBuf::new_p2tr(&self.secp, pair.x_only_public_key().0, None)
    }

    /// The script of this place of our wallet.
    pub(crate) fn at(&self, main: bool, (change, index): WalletPlace) -> Result<ScriptBuf, SignerError> {
        Ok(self.script(&self.child(&self.chain(main, change)?, index)?))
    }

    /// Whether our wallet has the script: at this place, or wherever there is one within reach.
    fn has(&self, main: bool, script: &ScriptBuf, place: Option<WalletPlace>) -> Result<bool, SignerError> {
        if let Some(place) = place {
            return Ok(self.at(main, place)? == *script);
        }
        let chain = self.chain(main, false)?;
        for index in 0..SEARCHED {
            if self.script(&self.child(&chain, index)?) == *script {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The leg's secret, if the leg is ours.
    fn own(&self, leg: &OurLeg) -> Result<Option<Owned>, SignerError> {
        let network = network_of(leg)?;
        let terms = Terms::read(&leg.spec, &crate::asset_id(network)).map_err(refused)?;
        let key = LegKey {
            seed: &self.seed,
            network: &leg.network,
            nonce: &leg.spec.nonce,
            leg: leg.leg,
            end: leg.spec.end,
        };
        Ok(key.of(terms.ours()).map(|(secret, payee)| Owned {
            terms,
            secret: LegSecrets(vec![secret]),
            payee,
        }))
    }

    fn owned(&self, leg: &OurLeg) -> Result<Owned, SignerError> {
        let owned = self.own(leg)?;
        owned.ok_or_else(|| refused("the leg's key is not of this seed, network and nonce"))
    }

    /// That what the leg pays us is ours: of our wallet, or the address that the key is bound to.
    fn pays_us(&self, leg: &OurLeg, owned: &Owned) -> Result<(), SignerError> {
        let payout = &owned.terms.ours().payout;
        let main = network_of(leg)? == Network::Bitcoin;
        if owned.payee == Payee::Another || self.has(main, payout, leg.place)? {
            return Ok(());
        }
        Err(refused(format!("expected a payout of our wallet, got {payout}")))
    }

    fn spend(
        &self,
        leg: &OurLeg,
        act: ActKind,
        (coins, fee): (&[Coin], Amount),
    ) -> Result<Vec<[u8; SIGNATURE_BYTES]>, SignerError> {
        let owned = self.owned(leg)?;
        self.pays_us(leg, &owned)?;
        let payout = &owned.terms.ours().payout;
        let spend = Spend { coins, payout, fee };
        let secret = owned.secret.one();
        let signed = owned.terms.htlc.presign(&spend, act, secret).map_err(refused)?;
        Ok(signed.iter().map(|signature| signature.serialize()).collect())
    }

    fn pay(&self, payment: &Payment) -> Result<Vec<[u8; SIGNATURE_BYTES]>, SignerError> {
        let tx: Transaction = deserialize(&payment.tx).map_err(refused)?;
        if tx.input.len() != payment.coins.len() || tx.output.len() != payment.back.len() {
            return Err(refused(
                "expected a coin for each input and a place for each output",
            ));
        }
        let lock = payment.lock.as_ref().map(|leg| self.lock_of(leg)).transpose()?;
        for (output, back) in tx.output.iter().zip(&payment.back) {
            let ours = match back {
                Some(place) => self.at(payment.main, *place)? == output.script_pubkey,
                None => match &lock {
                    Some(lock) => *lock == output.script_pubkey,
                    None => self.pays,
                },
            };
            if !ours {
                let script = &output.script_pubkey;
                return Err(refused(format!(
                    "expected our own wallet or a lock that we can refund, got {script}"
                )));
            }
        }
        let (mut pairs, mut spent) = (Vec::new(), Vec::new());
        for ((change, index), value) in &payment.coins {
            let pair = self.child(&self.chain(payment.main, *change)?, *index)?;
            spent.push(TxOut {
                value: Amount::from_sat(*value),
                script_pubkey: self.script(&pair),
            });
            pairs.push(pair.tap_tweak(&self.secp, None).to_keypair());
        }
        let mut cache = SighashCache::new(&tx);
        let mut signatures = Vec::new();
        for (index, pair) in pairs.iter_mut().enumerate() {
            let prevouts = Prevouts::All(&spent);
            let hash = cache.taproot_key_spend_signature_hash(index, &prevouts, TapSighashType::Default);
            let message = Message::from(hash.map_err(refused)?);
            signatures.push(self.secp.sign_schnorr_no_aux_rand(&message, pair).serialize());
            pair.non_secure_erase();
        }
        Ok(signatures)
    }

    /// What a lock of this leg pays to, if we are the one who can refund it.
    fn lock_of(&self, leg: &OurLeg) -> Result<ScriptBuf, SignerError> {
        let owned = self.owned(leg)?;
        match leg.spec.end {
            End::Refunder => Ok(owned.terms.htlc.script_pubkey()),
            End::Redeemer => Err(refused(
                "expected a lock that we can refund, got one that we redeem",
            )),
        }
    }

    /// The round's transaction, and our secrets for its inputs.
    fn round(&self, round: &AskedRound, end: End) -> Result<(KeySpend, LegSecrets), SignerError> {
        let mut owned = Vec::new();
        for (leg, _) in &round.legs {
            if leg.spec.end != end {
                return Err(refused(format!("expected legs whose {end:?} we are")));
            }
            owned.push(self.owned(leg)?);
        }
        if end == asker(round.what) {
            for ((leg, _), owned) in round.legs.iter().zip(&owned) {
                self.pays_us(leg, owned)?;
            }
            one_payee(round.what, &owned)?;
        }
        let mut inputs = Vec::new();
        for ((_, coin), owned) in round.legs.iter().zip(&owned) {
            let (terms, coin) = (&owned.terms, Coin::from(coin));
            if coin.value != terms.amount {
                return Err(refused(format!(
                    "expected a lock of {}, got one of {}",
                    terms.amount, coin.value
                )));
            }
            let payout = match round.what {
                Together::Redeem => &terms.redeemer.payout,
                Together::Refund => &terms.refunder.payout,
            };
            inputs.push(KeyInput {
                htlc: &terms.htlc,
                coin,
                payout,
            });
        }
        let spend = KeySpend::new(round.what, &inputs, Amount::from_sat(round.fee)).map_err(refused)?;
        let secrets = owned.iter().map(|owned| *owned.secret.one()).collect();
        Ok((spend, LegSecrets(secrets)))
    }

    fn open(&self, round: &AskedRound) -> Result<(u64, Vec<[u8; NONCE_BYTES]>), SignerError> {
        let (spend, secrets) = self.round(round, asker(round.what))?;
        let asked = spend.ask(&secrets.0).map_err(refused)?;
        let nonces = asked.nonces();
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let number = rounds.next;
        rounds.next = number.saturating_add(1);
        rounds.open.insert(number, (asked, secrets));
        if rounds.open.len() > ROUNDS {
            rounds.open.pop_first();
        }
        Ok((number, nonces))
    }

    fn close(&self, round: u64, helps: &[Help]) -> Result<Vec<u8>, SignerError> {
        // Taken out first: whatever comes of it, its nonces sign no other time.
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rounds.open.remove(&round);
        drop(rounds);
        let (asked, secrets) = taken.ok_or_else(|| {
            refused("expected a round that is open, got one that was closed or forgotten: open another")
        })?;
        Ok(serialize(&asked.finish(&secrets.0, helps).map_err(refused)?))
    }

    fn help(&self, round: &AskedRound, nonces: &[[u8; NONCE_BYTES]]) -> Result<Vec<AskedHelp>, SignerError> {
        let (spend, secrets) = self.round(round, helper(round.what))?;
        let helps = spend.help(&secrets.0, nonces).map_err(refused)?;
        Ok(helps.into_iter().map(AskedHelp::from).collect())
    }
}

impl Keys for BitcoinKeys {
    fn family(&self) -> &'static str {
        FAMILY
    }

    fn answer(&self, question: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.answered(borsh::from_slice(question).map_err(refused)?)
    }
}

impl LegSecrets {
    fn one(&self) -> &SecretKey {
        self.0.first().expect("made of one secret")
    }
}

/// One output takes all that a redeem together redeems: no leg's coin may go where another leg pays.
fn one_payee(what: Together, owned: &[Owned]) -> Result<(), SignerError> {
    let payout = |owned: &Owned| owned.terms.redeemer.payout.clone();
    let same = owned
        .windows(2)
        .all(|pair| pair.first().map(payout) == pair.last().map(payout));
    let wallet = owned.iter().all(|owned| owned.payee == Payee::Us);
    if what == Together::Refund || same || wallet {
        return Ok(());
    }
    Err(refused(
        "expected legs that pay our wallet, or all the same address",
    ))
}

/// Anywhere in the lower half: a number from before a restart names no round from after it.
fn first_round() -> u64 {
    let mut random = [0; 8];
    // Without randomness no round is opened anyhow.
    let _unlikely = getrandom::fill(&mut random);
    u64::from_le_bytes(random) >> 1
}

/// The Bitcoin network of the leg's asset.
fn network_of(leg: &OurLeg) -> Result<Network, SignerError> {
    let all = [
        Network::Bitcoin,
        Network::Testnet,
        Network::Testnet4,
        Network::Signet,
        Network::Regtest,
    ];
    let found = all
        .into_iter()
        .find(|network| crate::asset_id(*network) == leg.spec.asset);
    found.ok_or_else(|| {
        refused(format!(
            "expected the coin of a Bitcoin network, got {}",
            leg.spec.asset
        ))
    })
}

fn encode(answer: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(answer).expect("memory takes all bytes")
}

impl std::fmt::Debug for BitcoinKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BitcoinKeys(redacted)")
    }
}

/// A signer that is a seed in this process and knows of Bitcoin alone: for tests and tools.
#[must_use]
pub fn local_signer(seed: &Seed) -> std::sync::Arc<dyn kofo_adapter_api::Signer> {
    let signer = kofo_adapter_api::LocalSigner::new(seed.clone());
    std::sync::Arc::new(signer.with(|seed| BitcoinKeys::new(seed).paying()))
}

#[cfg(test)]
mod tests;
