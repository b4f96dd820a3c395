//! The redeemer's word: what it signs for the contract, as EIP-712, so that somebody else may use it.

use crate::account::Account;
use crate::keys::WordOn;
use alloy::primitives::{Address, B256, Signature, U256};
use alloy::sol_types::{Eip712Domain, SolStruct};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{AdapterError, SignerError};

/// The messages, named as the contract names them: their names and fields are part of what is signed.
mod messages {
    #![allow(missing_docs, clippy::too_many_arguments, unreachable_pub)]
    alloy::sol! {
        struct Release { uint256 slot; bytes32 commitment; }
        struct RedeemFor { uint256 slot; bytes32 commitment; address relayer; uint256 fee; }
    }
}

/// What a redeemer signs to let the owner of a lock take it back before its timelock: the digest of `Release` in the
/// contract's domain ([`crate::domain`]). Bound to one lock of one contract on one chain.
#[must_use]
pub fn release_digest(domain: &Eip712Domain, slot: U256, commitment: B256) -> B256 {
    messages::Release { slot, commitment }.eip712_signing_hash(domain)
}

/// What a redeemer signs to let one account redeem a lock for it and keep `fee` of it, in the asset's units: the digest
/// of `RedeemFor`. Whoever uses it must show the preimage and be the relayer that it names.
#[must_use]
pub fn redeem_for_digest(
    domain: &Eip712Domain,
    (slot, commitment): (U256, B256),
    relayer: Address,
    fee: U256,
) -> B256 {
    let message = messages::RedeemFor {
        slot,
        commitment,
        relayer,
        fee,
    };
    message.eip712_signing_hash(domain)
}

/// A signature as the contract takes it: r, s, and 27 or 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Word([u8; 65]);

impl Word {
    pub(crate) async fn by(account: &Account, on: WordOn) -> Result<Self, SignerError> {
        Ok(Self(account.word(on).await?))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// That `who` gave it on this digest. A smart wallet's word (EIP-1271) has another form and is not taken: only the
    /// chain could judge it.
    pub(crate) fn check(&self, digest: B256, who: Address) -> Result<(), AdapterError> {
        let signer = self.signer(digest);
        if signer == Some(who) {
            return Ok(());
        }
        Err(AdapterError::Malformed {
            field: "the redeemer's signature",
            expected: format!("one by {who} over these very terms"),
            got: signer.map_or_else(
                || "no signature that the contract takes".to_owned(),
                |other| format!("one that names {other}"),
            ),
        })
    }

    fn signer(&self, digest: B256) -> Option<Address> {
        // The contract's `ecrecover` knows no other two, and knows no rule about s: ours is that of transactions.
        if !matches!(self.0, [.., 27 | 28]) {
            return None;
        }
        let signature = Signature::from_raw_array(&self.0).ok()?;
        if signature.normalize_s().is_some() {
            return None;
        }
        signature.recover_address_from_prehash(&digest).ok()
    }

    #[cfg(test)]
    pub(crate) fn raw(bytes: [u8; 65]) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests;
