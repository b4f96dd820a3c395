//! A signing round as the two nodes exchange it (rules B9 and B10): what is asked for, and what is answered.
//!
//! Who asks names its coins, its fee and one nonce for each coin; who helps builds the same transaction from the terms
//! that both have agreed on, and answers with one nonce and one partial signature for each coin. Nothing of a round is
//! ever written down.

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::SecretKey;
use bitcoin::{Amount, OutPoint, Script, Transaction, Txid};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{RoundReply, RoundRequest, SignerError};
use kofo_primitives::{Bytes, End, Together};

use crate::fee::SatPerVb;
use crate::musig::{Help, NONCE_BYTES, PARTIAL_BYTES};
use crate::ours::{AskedRound, OurKeys, OurLeg};
use crate::spend::Coin;
use crate::terms::Terms;
use crate::together::{KeyInput, KeySpend, KeySpendError};

/// Names this form of request and answer; another one gets another number.
const VERSION: u8 = 1;

#[derive(BorshSerialize, BorshDeserialize)]
struct Request {
    version: u8,
    /// Of the whole transaction, in satoshi.
    fee: u64,
    coins: Vec<AskedCoin>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct AskedCoin {
    /// In the byte order of transactions.
    txid: [u8; 32],
    vout: u32,
    value: u64,
    nonce: [u8; NONCE_BYTES],
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Answer {
    version: u8,
    signatures: Vec<AnsweredCoin>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct AnsweredCoin {
    nonce: [u8; NONCE_BYTES],
    partial: [u8; PARTIAL_BYTES],
}

/// Why a round is not opened, not helped with or not finished. Whoever gets one acts alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// Not the bytes of a request or an answer.
    #[error("the {what} of a signing round is malformed: {why}")]
    Malformed {
        /// A request or an answer.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The other party speaks of more or fewer legs.
    #[error("expected one coin for each of {want} legs, got {got}")]
    Legs {
        /// Legs of the round.
        want: usize,
        /// Coins named.
        got: usize,
    },
    /// A lock has exactly the amount of its leg.
    #[error("expected a lock of {want}, got one of {got}")]
    Amount {
        /// What was agreed.
        want: Amount,
        /// What is named.
        got: Amount,
    },
    /// The act is for the other end of the leg.
    #[error("expected a leg of which we are the {want:?}, got one of which we are the {got:?}")]
    End {
        /// Who asks or helps in this act.
        want: End,
        /// What we are.
        got: End,
    },
    /// A coin is spent together only when nothing can move it any more.
    #[error("expected a final lock that nothing has spent, got none: watch the leg and wait")]
    NotFinal,
    /// The signing fails.
    #[error(transparent)]
    Spend(#[from] KeySpendError),
    /// Nobody signs, or what comes is wrong.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Our secrets for the legs of one round, erased when they go.
pub(crate) struct LegSecrets(pub(crate) Vec<SecretKey>);

impl Drop for LegSecrets {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(SecretKey::non_secure_erase);
    }
}

/// The legs of a round as one party sees them.
pub(crate) struct RoundLegs {
    pub(crate) what: Together,
    pub(crate) terms: Vec<Terms>,
    /// The same legs, as our keys are asked about them.
    pub(crate) ours: Vec<OurLeg>,
    pub(crate) keys: OurKeys,
}

/// A round that waits for its answer.
pub(crate) struct OpenRound {
    keys: OurKeys,
    /// The number of its nonces, which the signer has.
    number: u64,
    legs: usize,
    pub(crate) request: RoundRequest,
    /// Of the whole transaction.
    pub(crate) fee: Amount,
}

/// Who takes the coins.
pub(crate) fn asker(what: Together) -> End {
    match what {
        Together::Redeem => End::Redeemer,
        Together::Refund => End::Refunder,
    }
}

/// Who helps.
pub(crate) fn helper(what: Together) -> End {
    match what {
        Together::Redeem => End::Refunder,
        Together::Refund => End::Redeemer,
    }
}

impl RoundLegs {
    /// Draws the nonces and asks, at this rate.
    pub(crate) async fn ask(self, coins: &[Coin], rate: SatPerVb) -> Result<OpenRound, RoundError> {
        let inputs = self.inputs(coins)?;
        let fee = affordable(&inputs, rate, KeySpend::vsize(self.what, &inputs));
        KeySpend::new(self.what, &inputs, fee)?;
        let (number, nonces) = self.keys.open(self.asked(coins, fee)).await?;
        let asked = coins.iter().zip(nonces).map(|(coin, nonce)| AskedCoin {
            txid: coin.outpoint.txid.to_byte_array(),
            vout: coin.outpoint.vout,
            value: coin.value.to_sat(),
            nonce,
        });
        let request = encode(&Request {
            version: VERSION,
            fee: fee.to_sat(),
            coins: asked.collect(),
        });
        Ok(OpenRound {
            legs: coins.len(),
            keys: self.keys,
            number,
            request,
            fee,
        })
    }

    /// Signs what the other party asks for, if it is what the terms allow.
    pub(crate) async fn help(&self, request: &RoundRequest) -> Result<RoundReply, RoundError> {
        let request: Request = decode("request", request.as_slice())?;
        version("request", request.version)?;
        let coins: Vec<Coin> = request.coins.iter().map(AskedCoin::coin).collect();
        let inputs = self.inputs(&coins)?;
        let fee = Amount::from_sat(request.fee);
        KeySpend::new(self.what, &inputs, fee)?;
        let nonces: Vec<_> = request.coins.iter().map(|coin| coin.nonce).collect();
        let helps = self.keys.help(self.asked(&coins, fee), nonces).await?;
        let signatures = helps.into_iter().map(|help| AnsweredCoin {
            nonce: help.nonce,
            partial: help.partial,
        });
        Ok(encode(&Answer {
            version: VERSION,
            signatures: signatures.collect(),
        }))
    }

    fn asked(&self, coins: &[Coin], fee: Amount) -> AskedRound {
        let coins = coins.iter().map(crate::ours::AskedCoin::from);
        AskedRound {
            what: self.what,
            legs: self.ours.iter().cloned().zip(coins).collect(),
            fee: fee.to_sat(),
        }
    }

    /// Each leg with its coin, which holds exactly the leg's amount.
    fn inputs(&self, coins: &[Coin]) -> Result<Vec<KeyInput<'_>>, RoundError> {
        if coins.len() != self.terms.len() {
            return Err(RoundError::Legs {
                want: self.terms.len(),
                got: coins.len(),
            });
        }
        for (terms, coin) in self.terms.iter().zip(coins) {
            if coin.value != terms.amount {
                return Err(RoundError::Amount {
                    want: terms.amount,
                    got: coin.value,
                });
            }
        }
        let inputs = self.terms.iter().zip(coins).map(|(terms, coin)| KeyInput {
            htlc: &terms.htlc,
            coin: *coin,
            payout: self.payout(terms),
        });
        Ok(inputs.collect())
    }

    fn payout<'a>(&self, terms: &'a Terms) -> &'a Script {
        match self.what {
            Together::Redeem => &terms.redeemer.payout,
            Together::Refund => &terms.refunder.payout,
        }
    }
}

impl OpenRound {
    /// Checks the answer and gives the signed transaction.
    pub(crate) async fn finish(self, reply: &RoundReply) -> Result<Transaction, RoundError> {
        let answer: Answer = decode("answer", reply.as_slice())?;
        version("answer", answer.version)?;
        let helps: Vec<Help> = answer.signatures.into_iter().map(AnsweredCoin::help).collect();
        if helps.len() != self.legs {
            let (what, want, got) = ("signatures", self.legs, helps.len());
            return Err(KeySpendError::Parts { what, want, got }.into());
        }
        Ok(self.keys.close(self.number, helps).await?)
    }
}

impl AskedCoin {
    fn coin(&self) -> Coin {
        Coin {
            outpoint: OutPoint {
                txid: Txid::from_byte_array(self.txid),
                vout: self.vout,
            },
            value: Amount::from_sat(self.value),
        }
    }
}

impl AnsweredCoin {
    fn help(self) -> Help {
        Help {
            nonce: self.nonce,
            partial: self.partial,
        }
    }
}

/// The fee at this rate, or less where it would leave only dust of a leg; never less than what is relayed.
fn affordable(inputs: &[KeyInput<'_>], rate: SatPerVb, vsize: u64) -> Amount {
    let left = |input: &KeyInput<'_>| input.coin.value.checked_sub(input.payout.minimal_non_dust());
    let least = inputs
        .iter()
        .map(|input| left(input).unwrap_or(Amount::ZERO))
        .min();
    let most = least.and_then(|least| least.checked_mul(inputs.len() as u64));
    rate.fee(vsize)
        .min(most.unwrap_or(Amount::MAX))
        .max(SatPerVb(1).fee(vsize))
}

fn encode<const MOST: usize>(value: &impl BorshSerialize) -> Bytes<MOST> {
    let bytes = borsh::to_vec(value).expect("memory takes all bytes");
    Bytes::new(bytes).expect("the coins of one round fit")
}

fn decode<T: BorshDeserialize>(what: &'static str, bytes: &[u8]) -> Result<T, RoundError> {
    borsh::from_slice(bytes).map_err(|error| RoundError::Malformed {
        what,
        why: error.to_string(),
    })
}

fn version(what: &'static str, got: u8) -> Result<(), RoundError> {
    if got == VERSION {
        return Ok(());
    }
    Err(RoundError::Malformed {
        what,
        why: format!("expected version {VERSION}, got {got}"),
    })
}

#[cfg(test)]
mod tests;
