//! A leg as Bitcoin reads it.

use bitcoin::Amount;
use kofo_adapter_api::AdapterError;
use kofo_primitives::{AssetId, End, HtlcSpec, Party};

use crate::htlc::Htlc;
use crate::party::BitcoinParty;
use crate::picture::Wanted;

/// The terms of one leg, parsed: what is right by itself, without chain and wallet.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) htlc: Htlc,
    pub(crate) amount: Amount,
    pub(crate) redeemer: BitcoinParty,
    pub(crate) refunder: BitcoinParty,
    pub(crate) end: End,
}

impl Terms {
    /// Refuses whatever is not a leg in `asset`, the only asset of its chain.
    pub(crate) fn read(spec: &HtlcSpec, asset: &AssetId) -> Result<Self, AdapterError> {
        if spec.asset != *asset {
            return Err(AdapterError::UnknownAsset {
                asset: spec.asset.clone(),
                chain: asset.chain(),
            });
        }
        if !spec.place.as_slice().is_empty() {
            return Err(malformed(
                "place",
                "nothing, on Bitcoin",
                format!("{:?}", spec.place),
            ));
        }
        if spec.depth == 0 {
            return Err(malformed("depth", "at least 1", "0".into()));
        }
        let redeemer = party("redeemer", &spec.redeemer)?;
        let refunder = party("refunder", &spec.refunder)?;
        let htlc = Htlc::new(
            redeemer.key,
            refunder.key,
            *spec.hashlock.as_bytes(),
            spec.timelock.0,
        )
        .map_err(|error| malformed("terms", "terms of a Bitcoin output", error.to_string()))?;
        let amount = amount(spec)?;
        Ok(Self {
            htlc,
            amount,
            redeemer,
            refunder,
            end: spec.end,
        })
    }

    pub(crate) fn ours(&self) -> &BitcoinParty {
        match self.end {
            End::Redeemer => &self.redeemer,
            End::Refunder => &self.refunder,
        }
    }

    /// What to look for on chain.
    pub(crate) fn wanted(&self, depth: u32) -> Wanted {
        Wanted {
            script: self.htlc.script_pubkey(),
            refund_leaf: self.htlc.refund_leaf(),
            refund_payout: self.refunder.payout.clone(),
            amount: self.amount,
            hashlock: *self.htlc.hashlock(),
            depth,
            lock_inputs: Default::default(),
        }
    }
}

fn party(field: &'static str, party: &Party) -> Result<BitcoinParty, AdapterError> {
    BitcoinParty::from_bytes(party.as_slice())
        .map_err(|error| malformed(field, "a compressed key and a payout script", error.to_string()))
}

/// An amount of satoshi that the chain could hold and that its nodes relay.
fn amount(spec: &HtlcSpec) -> Result<Amount, AdapterError> {
    let units = spec.amount.units();
    let amount = u64::try_from(units)
        .map(Amount::from_sat)
        .ok()
        .filter(|amount| *amount <= Amount::MAX_MONEY);
    amount.ok_or_else(|| malformed("amount", "at most 21 million bitcoin", units.to_string()))
}

pub(crate) fn malformed(field: &'static str, expected: &str, got: String) -> AdapterError {
    AdapterError::Malformed {
        field,
        expected: expected.to_owned(),
        got,
    }
}
