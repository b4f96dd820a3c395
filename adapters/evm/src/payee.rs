//! Somebody else whom a redeem of ours pays: a merchant, say. The contract pays the redeemer and nobody else, so that
//! address is the redeemer, and we, who know the preimage, send the redeem as anyone may.
//!
//! Whoever refuses the payment makes the redeem fail after it has shown the preimage. So code that is paid coins is
//! tried before anything is agreed on, and again, with the coins in the contract, before a redeem is built.

use crate::account::Call;
use crate::config::EvmConfig;
use crate::contract::contract_address;
use crate::fees::{PAYEE_GAS, PAYMENT_GAS};
use crate::htlc::{Htlc, token_of};
use crate::node::NodeError;
use crate::purse::{Purse, Shortage, Trouble};
use alloy::primitives::{Address, Bytes, U256};
use kofo_adapter_api::{AdapterError, PartyWanted};
use kofo_primitives::End;

/// So much of an address that is none is shown, in characters.
const SHOWN: usize = 100;
/// Below 2^16 are the precompiles and what people burn money at.
pub(crate) const RESERVED: [u8; 18] = [0; 18];

/// Whom our redeem pays, if not us.
pub(crate) fn payee(config: &EvmConfig, wanted: &PartyWanted<'_>) -> Result<Option<Address>, AdapterError> {
    let Some(text) = wanted.pay_to else {
        return Ok(None);
    };
    let malformed = |expected: &str| AdapterError::Malformed {
        field: "address to pay to",
        expected: expected.to_owned(),
        got: text.chars().take(SHOWN).collect(),
    };
    if wanted.end != End::Redeemer {
        return Err(malformed(
            "none at the end that locks: a refund is always our own",
        ));
    }
    let form = "an address as 0x and 40 hexadecimal digits, in lower case or with the capitals of EIP-55";
    let address = address(text).ok_or_else(|| malformed(form))?;
    let contract = contract_address(config.profile, config.chain_id);
    let token = token_of(config, wanted.asset)?;
    if address == contract || address == token || address.starts_with(&RESERVED) {
        return Err(malformed(
            "an address that somebody has: none of a token, a precompile or the swap contract",
        ));
    }
    Ok(Some(address))
}

pub(crate) fn address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x")?;
    let has = |kind: fn(&char) -> bool| digits.chars().any(|c| kind(&c));
    // The capitals of an address are its checksum; in one case there is none.
    if has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) {
        return Address::parse_checksummed(text, None).ok();
    }
    digits.parse().ok()
}

impl Purse {
    /// Whether somebody else as redeemer takes coins with the gas that a redeem leaves it. Our own account does, and any
    /// without code. Shows no preimage.
    pub(crate) async fn payee_takes_coins(&self, it: &Htlc) -> Result<(), Trouble> {
        let owner = self.owner.address();
        if !it.is_coin() || it.redeemer == owner || self.node.our_code(it.redeemer).await?.is_empty() {
            return Ok(());
        }
        // More than the payer has would fail for another reason. While the contract has none, some of ours serve.
        let locked = self.node.coins(it.contract).await?;
        let (from, has) = if locked.is_zero() {
            (owner, self.node.coins(owner).await?)
        } else {
            (it.contract, locked)
        };
        let call = Call {
            to: it.redeemer,
            value: U256::from(it.amount.units()).min(has),
            input: Bytes::new(),
            gas: PAYMENT_GAS.saturating_add(PAYEE_GAS),
        };
        match self.node.try_call(from, &call).await {
            Err(NodeError::Reverted(why)) => {
                let why = format!(
                    "the code at {} takes no coins with the gas of a redeem: {why}",
                    it.redeemer
                );
                Err(Trouble::Short(Shortage::Refused(why)))
            }
            tried => Ok(tried?),
        }
    }

    /// Whether somebody else as redeemer takes the asset now. Only a node that does not answer at all keeps no redeem back:
    /// one that shows a secret goes to that very node.
    pub(crate) async fn payee_takes(&self, it: &Htlc) -> Result<(), Trouble> {
        if it.redeemer == self.owner.address() {
            return Ok(());
        }
        let tried = async {
            self.payee_takes_coins(it).await?;
            self.pays(it).await
        };
        match tried.await {
            Err(Trouble::Node(error @ (NodeError::Lost(_) | NodeError::Apart(_)))) => {
                tracing::warn!(%error, "whether the payee takes the asset is not known: it is redeemed all the same");
                Ok(())
            }
            // Nodes call a failure by many names: what is no plain yes is a no, and is asked again with the next build.
            Err(Trouble::Node(error)) => Err(Trouble::Short(Shortage::Refused(error.to_string()))),
            tried => tried,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_primitives::{LegId, NetworkId, Side, SwapNonce};

    fn read(text: &str) -> Result<Option<Address>, AdapterError> {
        let network = NetworkId::new("kofo-test").unwrap();
        let config = EvmConfig::ethereum("http://127.0.0.1:1", 1, network).unwrap();
        let wanted = PartyWanted {
            asset: &config.coin,
            leg: LegId::first(Side::Beta),
            end: End::Redeemer,
            nonce: &SwapNonce::new([1; 32]),
            taken: &[],
            pay_to: Some(text),
        };
        payee(&config, &wanted)
    }

    #[test]
    fn capitals_are_a_checksum_or_absent() {
        let right = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        let address: Address = right.parse().unwrap();
        let upper = format!("0x{}", right[2..].to_ascii_uppercase());
        for text in [right, &right.to_ascii_lowercase(), &upper] {
            assert_eq!(read(text), Ok(Some(address)), "{text}");
        }
        for text in [
            "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            &right[2..],
            &right[..41],
            &format!("{right}0"),
            &format!("0X{}", &right[2..]),
            &format!("0x0x{}", &right[4..]),
        ] {
            let why = read(text);
            assert!(
                matches!(why, Err(AdapterError::Malformed { .. })),
                "{text}: {why:?}"
            );
        }
    }
}
