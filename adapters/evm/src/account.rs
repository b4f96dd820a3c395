//! Our accounts and the transactions that they sign.

use crate::config::{EvmConfig, Profile};
use crate::fees::Fee;
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use bip32::{DerivationPath, XPrv};
use kofo_primitives::Seed;

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
    pub(crate) fn owner(seed: &Seed) -> Self {
        Self::derived(seed, 0)
    }

    /// Sends redeems and refunds, so that a lock that waits can never hold up a redeem.
    pub(crate) fn gas(seed: &Seed, index: u8) -> Self {
        Self::derived(seed, u32::from(index).saturating_add(1))
    }

    /// `m/44'/60'/0'/0/index` (BIP-44), where every wallet looks when it is given the words.
    fn derived(seed: &Seed, index: u32) -> Self {
        let path: DerivationPath = format!("m/44'/60'/0'/0/{index}")
            .parse()
            .expect("a path of small numbers");
        let key = XPrv::derive_from_path(seed.expose(), &path);
        let key = key
            .expect("a child that is no key has probability 2^-127")
            .private_key()
            .clone();
        Self(PrivateKeySigner::from_signing_key(key))
    }

    pub(crate) fn address(&self) -> Address {
        self.0.address()
    }

    /// A signature of 65 bytes: r, s (the lower one), and 27 or 28.
    pub(crate) fn sign_digest(&self, digest: B256) -> [u8; 65] {
        let signature = self.0.sign_hash_sync(&digest);
        signature.expect("a local key signs any hash").as_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP-39 seed of "test test … junk", whose accounts every development chain funds.
    const SEED: [u8; 64] = alloy::primitives::hex!(
        "9dfc3c64c2f8bede1533b6a79f8570e5943e0b8fd1cf77107adf7b72cef42185"
        "d564a3aee24cab43f80e3c4538087d70fc824eabbad596a23c97b6ee8322ccc0"
    );

    #[test]
    fn accounts_are_those_that_any_wallet_derives_from_the_words() {
        let seed = Seed::new(SEED);
        let addresses =
            [Account::owner(&seed), Account::gas(&seed, 0)].map(|account| account.address().to_string());
        let expected = [
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        ];
        assert_eq!(addresses, expected);
    }
}
