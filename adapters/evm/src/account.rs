//! Our accounts and the transactions that they sign.

use crate::config::{EvmConfig, Profile};
use crate::fees::Fee;
use crate::keys::{FAMILY, Question, WordOn, profile};
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{Signer, SignerError};
use std::sync::Arc;

/// An account of ours, whose key the signer has. Signatures are deterministic: the same fields give the same
/// transaction, also after a restart.
#[derive(Clone)]
pub(crate) struct Account {
    signer: Arc<dyn Signer>,
    index: u32,
    address: Address,
}

/// What a transaction does, without what it pays and its place in the account's order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) to: Address,
    pub(crate) value: U256,
    /// May hold a preimage: never logged.
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
}

/// All of a transaction but its signature.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct Unsigned {
    /// Echoin's legacy form; EIP-1559 elsewhere.
    pub(crate) echoin: bool,
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) gas: u64,
    pub(crate) max_fee: u128,
    pub(crate) tip: u128,
    pub(crate) to: [u8; 20],
    /// Wei, big-endian.
    pub(crate) value: [u8; 32],
    /// May hold a preimage: never logged.
    pub(crate) input: Vec<u8>,
}

/// A signed transaction.
pub(crate) struct Signed {
    pub(crate) hash: B256,
    /// May hold a preimage: never logged.
    pub(crate) raw: Vec<u8>,
}

impl Account {
    /// Locks, and receives what is redeemed and refunded.
    pub(crate) async fn owner(signer: &Arc<dyn Signer>) -> Result<Self, SignerError> {
        Self::at(signer, 0).await
    }

    /// Sends redeems and refunds, so that a lock that waits can never hold up a redeem.
    pub(crate) async fn gas(signer: &Arc<dyn Signer>, index: u8) -> Result<Self, SignerError> {
        Self::at(signer, u32::from(index).saturating_add(1)).await
    }

    async fn at(signer: &Arc<dyn Signer>, index: u32) -> Result<Self, SignerError> {
        let address: [u8; 20] = ask(signer, &Question::Address(index)).await?;
        Ok(Self {
            signer: Arc::clone(signer),
            index,
            address: address.into(),
        })
    }

    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    /// The account's word, as the contract takes it.
    pub(crate) async fn word(&self, on: WordOn) -> Result<[u8; 65], SignerError> {
        ask(&self.signer, &Question::Word(on)).await
    }

    pub(crate) async fn sign(
        &self,
        config: &EvmConfig,
        call: &Call,
        nonce: u64,
        fee: Fee,
    ) -> Result<Signed, SignerError> {
        let tx = Unsigned {
            echoin: config.profile == Profile::Echoin,
            chain_id: config.chain_id,
            nonce,
            gas: call.gas,
            max_fee: fee.max,
            tip: fee.tip,
            to: call.to.into(),
            value: call.value.to_be_bytes(),
            input: call.input.to_vec(),
        };
        let signature = ask(&self.signer, &Question::Sign(self.index, tx.clone())).await?;
        let signature = Signature::from_raw_array(&signature).map_err(|_| not_as_asked(65))?;
        let envelope = match tx.form() {
            Form::Legacy(tx) => TxEnvelope::from(tx.into_signed(signature)),
            Form::Eip1559(tx) => TxEnvelope::from(tx.into_signed(signature)),
        };
        Ok(Signed {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718(),
        })
    }
}

/// Asks for an answer of exactly so many bytes.
async fn ask<const N: usize>(signer: &Arc<dyn Signer>, question: &Question) -> Result<[u8; N], SignerError> {
    let question = borsh::to_vec(question).expect("writing to memory does not fail");
    let answer = signer.ask(FAMILY, &question).await?;
    <[u8; N]>::try_from(answer.as_slice()).map_err(|_| not_as_asked(answer.len()))
}

fn not_as_asked(got: usize) -> SignerError {
    SignerError::Refused(format!("its {got} bytes are no answer to what was asked"))
}

/// A transaction in one of the two forms.
enum Form {
    Legacy(TxLegacy),
    Eip1559(TxEip1559),
}

/// The transaction's signature by this key.
pub(crate) fn sign_tx(tx: &Unsigned, sign: impl Fn(B256) -> [u8; 65]) -> [u8; 65] {
    match tx.form() {
        Form::Legacy(tx) => sign(tx.signature_hash()),
        Form::Eip1559(tx) => sign(tx.signature_hash()),
    }
}

impl Unsigned {
    pub(crate) const fn profile(&self) -> Profile {
        profile(self.echoin)
    }

    fn form(&self) -> Form {
        let to = TxKind::Call(self.to.into());
        let (nonce, gas_limit) = (self.nonce, self.gas);
        let (value, input) = (U256::from_be_bytes(self.value), self.input.clone().into());
        match self.profile() {
            Profile::Echoin => Form::Legacy(TxLegacy {
                chain_id: Some(self.chain_id),
                nonce,
                gas_price: self.max_fee,
                gas_limit,
                to,
                value,
                input,
            }),
            Profile::Ethereum => Form::Eip1559(TxEip1559 {
                chain_id: self.chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: self.max_fee,
                max_priority_fee_per_gas: self.tip,
                to,
                value,
                input,
                ..Default::default()
            }),
        }
    }
}

impl Call {
    /// A payment of nothing to ourselves: takes a nonce out of the way.
    pub(crate) fn nothing(to: Address) -> Self {
        Self {
            to,
            value: U256::ZERO,
            input: Bytes::new(),
            gas: crate::fees::PAYMENT_GAS,
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.address())
    }
}

/// A signer that is a seed in this process and knows of EVM chains alone: for tests and tools.
#[must_use]
pub fn local_signer(seed: &kofo_primitives::Seed) -> Arc<dyn Signer> {
    let signer = kofo_adapter_api::LocalSigner::new(seed.clone());
    Arc::new(signer.with(|seed| crate::keys::EvmKeys::new(seed).paying()))
}
