//! Our accounts and the transactions that they sign.

use crate::config::{EvmConfig, Profile};
use crate::fees::Fee;
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use kofo_primitives::{LegSecret, NetworkId, Seed};

/// A key of ours. Signatures are deterministic: the same fields give the same transaction, also after a restart.
#[derive(Clone)]
pub(crate) struct Account(PrivateKeySigner);

/// What a transaction does, without what it pays and its place in the account's order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) to: Address,
    pub(crate) value: U256,
    /// May hold a preimage: never logged.
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
}

/// A signed transaction.
pub(crate) struct Signed {
    pub(crate) hash: B256,
    /// May hold a preimage: never logged.
    pub(crate) raw: Vec<u8>,
}

impl Account {
    /// Locks, and receives what is redeemed and refunded.
    pub(crate) fn owner(seed: &Seed, network: &NetworkId) -> Self {
        Self::of(&seed.node_secret("kofo/evm/owner/v1", network))
    }

    /// Sends redeems and refunds, so that a lock that waits can never hold up a redeem.
    pub(crate) fn gas(seed: &Seed, network: &NetworkId, index: u8) -> Self {
        Self::of(&seed.node_secret(&format!("kofo/evm/gas/{index}/v1"), network))
    }

    fn of(secret: &LegSecret) -> Self {
        let key = PrivateKeySigner::from_slice(secret.expose());
        Self(key.expect("HKDF output is no valid scalar with probability 2^-128"))
    }

    pub(crate) fn address(&self) -> Address {
        self.0.address()
    }

    pub(crate) fn sign(&self, config: &EvmConfig, call: &Call, nonce: u64, fee: Fee) -> Signed {
        let Call {
            to,
            value,
            input,
            gas,
        } = call.clone();
        let (chain_id, to) = (config.chain_id, TxKind::Call(to));
        let envelope = match config.profile {
            Profile::Echoin => self.envelope(TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price: fee.max,
                gas_limit: gas,
                to,
                value,
                input,
            }),
            Profile::Ethereum => self.envelope(TxEip1559 {
                chain_id,
                nonce,
                gas_limit: gas,
                max_fee_per_gas: fee.max,
                max_priority_fee_per_gas: fee.tip,
                to,
                value,
                input,
                ..Default::default()
            }),
        };
        Signed {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718(),
        }
    }

    fn envelope<T>(&self, tx: T) -> TxEnvelope
    where
        T: SignableTransaction<alloy::primitives::Signature>,
        TxEnvelope: From<alloy::consensus::Signed<T>>,
    {
        let signature = self.0.sign_hash_sync(&tx.signature_hash());
        tx.into_signed(signature.expect("a local key signs any hash"))
            .into()
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
