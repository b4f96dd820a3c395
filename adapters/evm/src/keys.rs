//! The half of the keys: what a signer does for this adapter, in whatever process it runs.
//!
//! A transaction is signed if it is of a kind that swaps need: a call of the contract, an approval for the contract, or
//! coins from one account of ours to another; any other by [`EvmKeys::paying`] only. A word is signed in the contract's own domain only.

use crate::account::{Unsigned, sign_tx};
use crate::bindings::Erc20;
use crate::config::Profile;
use crate::contract::{contract_address, domain};
use crate::word::{redeem_for_digest, release_digest};
use alloy::primitives::{Address, B256, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use bip32::{DerivationPath, XPrv};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{Keys, SignerError};
use kofo_primitives::Seed;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The name of this adapter's keys.
pub(crate) const FAMILY: &str = "evm/1";
/// The owner and as many gas accounts as a configuration can name.
const ACCOUNTS: u32 = 256;

/// What this adapter asks of its keys.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) enum Question {
    /// The 20 bytes of the address.
    Address(u32),
    /// The signature of a transaction: r, s, and 27 or 28.
    Sign(u32, Unsigned),
    /// The owner's word as a redeemer.
    Word(WordOn),
}

/// Which lock a word is on, and what it allows.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct WordOn {
    pub(crate) echoin: bool,
    pub(crate) chain_id: u64,
    pub(crate) slot: [u8; 32],
    pub(crate) commitment: [u8; 32],
    /// That this account redeems it and keeps so much; none: that its owner takes it back.
    pub(crate) wage: Option<([u8; 20], u128)>,
}

/// The accounts of a seed, `m/44'/60'/0'/0/index` (BIP-44), where every wallet looks when it is given the words.
pub struct EvmKeys {
    seed: Seed,
    pays: bool,
    derived: Mutex<BTreeMap<u32, PrivateKeySigner>>,
}

impl EvmKeys {
    /// Derives nothing yet.
    #[must_use]
    pub const fn new(seed: Seed) -> Self {
        Self {
            seed,
            pays: false,
            derived: Mutex::new(BTreeMap::new()),
        }
    }

    /// The same keys, which sign any transaction: for a node that holds its keys itself and pays whom its owner says.
    #[must_use]
    pub const fn paying(mut self) -> Self {
        self.pays = true;
        self
    }

    fn key(&self, index: u32) -> Result<PrivateKeySigner, SignerError> {
        if index >= ACCOUNTS {
            let refused = format!("expected an account below {ACCOUNTS}, got {index}");
            return Err(SignerError::Refused(refused));
        }
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let key = derived.entry(index).or_insert_with(|| {
            let path: DerivationPath = format!("m/44'/60'/0'/0/{index}")
                .parse()
                .expect("a path of small numbers");
            let key = XPrv::derive_from_path(self.seed.expose(), &path);
            let key = key.expect("a child that is no key has probability 2^-127");
            PrivateKeySigner::from_signing_key(key.private_key().clone())
        });
        Ok(key.clone())
    }

    fn answered(&self, question: Question) -> Result<Vec<u8>, SignerError> {
        match question {
            Question::Address(index) => Ok(self.key(index)?.address().to_vec()),
            Question::Sign(index, tx) => {
                self.allowed(&tx)?;
                let key = self.key(index)?;
                Ok(sign_tx(&tx, |digest| sign(&key, digest)).to_vec())
            }
            Question::Word(word) => Ok(sign(&self.key(0)?, word.digest()).to_vec()),
        }
    }

    /// That a swap needs such a transaction, unless payments are signed too.
    fn allowed(&self, tx: &Unsigned) -> Result<(), SignerError> {
        if self.pays {
            return Ok(());
        }
        let contract = contract_address(tx.profile(), tx.chain_id);
        let to = Address::from(tx.to);
        if to == contract || (tx.input.is_empty() && self.is_ours(to)?) {
            return Ok(());
        }
        let approves = Erc20::approveCall::abi_decode(&tx.input);
        if tx.value == [0; 32] && approves.is_ok_and(|call| call.spender == contract) {
            return Ok(());
        }
        Err(SignerError::Refused(format!(
            "expected a call of the contract {contract}, an approval for it or coins for an account of ours, got a \
             transaction to {to} with {} bytes of data",
            tx.input.len()
        )))
    }

    fn is_ours(&self, address: Address) -> Result<bool, SignerError> {
        for index in 0..ACCOUNTS {
            if self.key(index)?.address() == address {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Keys for EvmKeys {
    fn family(&self) -> &'static str {
        FAMILY
    }

    fn answer(&self, question: &[u8]) -> Result<Vec<u8>, SignerError> {
        let question = borsh::from_slice(question);
        self.answered(question.map_err(|error| SignerError::Refused(error.to_string()))?)
    }
}

impl WordOn {
    pub(crate) fn digest(&self) -> B256 {
        let profile = profile(self.echoin);
        let domain = domain(contract_address(profile, self.chain_id), self.chain_id);
        let lock = (U256::from_be_bytes(self.slot), B256::from(self.commitment));
        match self.wage {
            Some((account, keeps)) => {
                redeem_for_digest(&domain, lock, Address::from(account), U256::from(keeps))
            }
            None => release_digest(&domain, lock.0, lock.1),
        }
    }
}

pub(crate) const fn profile(echoin: bool) -> Profile {
    if echoin {
        Profile::Echoin
    } else {
        Profile::Ethereum
    }
}

/// Deterministic: the same digest gives the same 65 bytes, with the lower s and 27 or 28.
fn sign(key: &PrivateKeySigner, digest: B256) -> [u8; 65] {
    let signature = key.sign_hash_sync(&digest);
    signature.expect("a local key signs any hash").as_bytes()
}

impl std::fmt::Debug for EvmKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EvmKeys(redacted)")
    }
}

#[cfg(test)]
mod tests;
