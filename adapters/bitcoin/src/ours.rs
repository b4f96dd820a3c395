//! What this adapter asks of its keys, and how it asks: the keys themselves are with the signer.

use std::sync::Arc;

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::secp256k1::PublicKey;
use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::{Amount, Script, Transaction};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{Signer, SignerError};
use kofo_primitives::{ActKind, End, HtlcSpec, LegId, LegRef, NetworkId, SwapNonce, Together};

use crate::keys::Payee;
use crate::musig::{Help, NONCE_BYTES, PARTIAL_BYTES};
use crate::spend::{Coin, SIGNATURE_BYTES};

/// The name of this adapter's keys.
pub(crate) const FAMILY: &str = "bitcoin/1";

/// Where a script of our wallet comes from: whether from the chain of change, and its number there.
pub(crate) type WalletPlace = (bool, u32);

/// A leg with the end that is ours.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct OurLeg {
    pub(crate) network: NetworkId,
    pub(crate) leg: LegId,
    pub(crate) spec: HtlcSpec,
    /// Where our payout is in our wallet, as far as whoever asks knows.
    pub(crate) place: Option<WalletPlace>,
}

/// A coin as it is asked about.
#[derive(Debug, Clone, Copy, BorshSerialize, BorshDeserialize)]
pub(crate) struct AskedCoin {
    /// In the byte order of transactions.
    pub(crate) txid: [u8; 32],
    pub(crate) vout: u32,
    pub(crate) value: u64,
}

/// Coins of our wallet, spent for a lock, or back to ourselves.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct Payment {
    /// Of the main chain, not of one for tests.
    pub(crate) main: bool,
    /// Unsigned.
    pub(crate) tx: Vec<u8>,
    /// What each input spends: whose script it is, and satoshi.
    pub(crate) coins: Vec<(WalletPlace, u64)>,
    /// Each output that is ours; the others must be the lock's.
    pub(crate) back: Vec<Option<WalletPlace>>,
    pub(crate) lock: Option<Box<OurLeg>>,
}

/// All legs of a round with their coins.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct AskedRound {
    pub(crate) what: Together,
    pub(crate) legs: Vec<(OurLeg, AskedCoin)>,
    /// Of the whole transaction, in satoshi.
    pub(crate) fee: u64,
}

/// One party's part of one input.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct AskedHelp {
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) partial: [u8; PARTIAL_BYTES],
}

/// What this adapter asks of its keys.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) enum Question {
    /// The two descriptors of our wallet, without secrets.
    Wallet { main: bool },
    /// Our public key of a leg that is to be agreed; one bound to this payout if there is one.
    Key {
        network: NetworkId,
        nonce: SwapNonce,
        leg: LegId,
        end: End,
        payout: Option<Vec<u8>>,
    },
    /// Whom our end of the leg pays, or that it is not ours.
    Whose(Box<OurLeg>),
    /// A signature for each input.
    Pay(Payment),
    /// A signature for each coin, for a redeem or refund by leaf.
    Spend {
        leg: Box<OurLeg>,
        redeem: bool,
        coins: Vec<AskedCoin>,
        fee: u64,
    },
    /// Draws a nonce for each coin of a round, which stay where they are: their number, and the public halves.
    Open(AskedRound),
    /// Help with a round of the other party, whose nonces these are.
    Help(AskedRound, Vec<[u8; NONCE_BYTES]>),
    /// The transaction of an open round. Its nonces are gone then, whatever comes of it.
    Close { round: u64, helps: Vec<AskedHelp> },
}

/// Our keys, which the signer has.
#[derive(Clone)]
pub(crate) struct OurKeys {
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) network: NetworkId,
}

impl OurKeys {
    async fn ask<T: BorshDeserialize>(&self, question: &Question) -> Result<T, SignerError> {
        let question = borsh::to_vec(question).expect("memory takes all bytes");
        let answer = self.signer.ask(FAMILY, &question).await?;
        borsh::from_slice(&answer).map_err(|error| odd(&error))
    }

    pub(crate) fn leg(&self, leg: LegRef, spec: &HtlcSpec, place: Option<WalletPlace>) -> OurLeg {
        OurLeg {
            network: self.network.clone(),
            leg: leg.leg,
            spec: spec.clone(),
            place,
        }
    }

    pub(crate) async fn wallet(&self, main: bool) -> Result<[String; 2], SignerError> {
        self.ask(&Question::Wallet { main }).await
    }

    pub(crate) async fn key(
        &self,
        nonce: &SwapNonce,
        (leg, end): (LegId, End),
        payout: Option<&Script>,
    ) -> Result<PublicKey, SignerError> {
        let key: Vec<u8> = self
            .ask(&Question::Key {
                network: self.network.clone(),
                nonce: *nonce,
                leg,
                end,
                payout: payout.map(|payout| payout.to_bytes()),
            })
            .await?;
        PublicKey::from_slice(&key).map_err(|error| odd(&error))
    }

    pub(crate) async fn whose(&self, leg: OurLeg) -> Result<Option<Payee>, SignerError> {
        self.ask(&Question::Whose(Box::new(leg))).await
    }

    /// One signature for each input.
    pub(crate) async fn pay(&self, payment: Payment) -> Result<Vec<[u8; SIGNATURE_BYTES]>, SignerError> {
        self.ask(&Question::Pay(payment)).await
    }

    /// One signature for each coin.
    pub(crate) async fn spend(
        &self,
        leg: OurLeg,
        act: ActKind,
        (coins, fee): (&[Coin], Amount),
    ) -> Result<Vec<Signature>, SignerError> {
        let question = Question::Spend {
            leg: Box::new(leg),
            redeem: act == ActKind::Redeem,
            coins: coins.iter().map(AskedCoin::from).collect(),
            fee: fee.to_sat(),
        };
        let signatures: Vec<[u8; SIGNATURE_BYTES]> = self.ask(&question).await?;
        let read = |bytes: [u8; SIGNATURE_BYTES]| Signature::from_slice(&bytes).map_err(|error| odd(&error));
        signatures.into_iter().map(read).collect()
    }

    pub(crate) async fn open(&self, round: AskedRound) -> Result<(u64, Vec<[u8; NONCE_BYTES]>), SignerError> {
        self.ask(&Question::Open(round)).await
    }

    pub(crate) async fn help(
        &self,
        round: AskedRound,
        nonces: Vec<[u8; NONCE_BYTES]>,
    ) -> Result<Vec<Help>, SignerError> {
        let helps: Vec<AskedHelp> = self.ask(&Question::Help(round, nonces)).await?;
        Ok(helps.into_iter().map(Help::from).collect())
    }

    pub(crate) async fn close(&self, round: u64, helps: Vec<Help>) -> Result<Transaction, SignerError> {
        let helps = helps.into_iter().map(AskedHelp::from).collect();
        let tx: Vec<u8> = self.ask(&Question::Close { round, helps }).await?;
        deserialize(&tx).map_err(|error| odd(&error))
    }
}

fn odd(error: &dyn std::fmt::Display) -> SignerError {
    SignerError::Refused(format!("its answer is not what was asked for: {error}"))
}

impl Payment {
    pub(crate) fn write(tx: &Transaction) -> Vec<u8> {
        serialize(tx)
    }
}

impl From<&Coin> for AskedCoin {
    fn from(coin: &Coin) -> Self {
        use bitcoin::hashes::Hash;
        Self {
            txid: coin.outpoint.txid.to_byte_array(),
            vout: coin.outpoint.vout,
            value: coin.value.to_sat(),
        }
    }
}

impl From<&AskedCoin> for Coin {
    fn from(coin: &AskedCoin) -> Self {
        use bitcoin::hashes::Hash;
        Self {
            outpoint: bitcoin::OutPoint {
                txid: bitcoin::Txid::from_byte_array(coin.txid),
                vout: coin.vout,
            },
            value: Amount::from_sat(coin.value),
        }
    }
}

impl From<AskedHelp> for Help {
    fn from(help: AskedHelp) -> Self {
        let AskedHelp { nonce, partial } = help;
        Self { nonce, partial }
    }
}

impl From<Help> for AskedHelp {
    fn from(help: Help) -> Self {
        let Help { nonce, partial } = help;
        Self { nonce, partial }
    }
}

impl std::fmt::Debug for OurKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OurKeys({})", self.network)
    }
}
