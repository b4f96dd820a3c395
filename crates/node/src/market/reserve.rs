//! What stands behind a provider's quotes to cleared claims: how much of its bond, and what it pays of a fee itself.

use super::MarketError;
use crate::assets::{AssetError, Assets};
use crate::clearing::ledger_assets;
use crate::config::ReserveConfig;
use kofo_clearance::{AccountView, Genesis};
use kofo_primitives::{Amount, AssetId, Claim, FeePayer, FeeTerms, Mode, Ratio};

/// All of anything, in basis points.
const ALL_BPS: u128 = 10_000;

/// A provider's rules for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reserve {
    asset: AssetId,
    pub(super) premium_bps: u16,
    /// The most that we pay of one fee; in the same asset.
    most_fee: Amount,
    /// The least bond that stands behind any quote.
    least: Amount,
    /// What nothing reserves of our bond, once validators said it.
    free: Option<Amount>,
    /// How its amounts are shown.
    ledger: Assets,
    /// What is reserved for one smallest unit of an asset that we give.
    margins: Vec<(AssetId, Ratio)>,
}

impl Reserve {
    /// As it is configured, for a network.
    pub(super) fn new(
        config: &ReserveConfig,
        (genesis, ledger): (&Genesis, &Assets),
        assets: &Assets,
    ) -> Result<Self, MarketError> {
        let asset = ledger.by_symbol(&config.asset)?;
        let units = |text: &str| {
            let why = |why| AssetError::Amount {
                symbol: asset.symbol.clone(),
                why,
            };
            Amount::parse_units(text, asset.decimals).map_err(why)
        };
        let mut margins = Vec::with_capacity(config.worth.len());
        for line in &config.worth {
            let given = assets.by_symbol(&line.symbol)?;
            let worth = units(&line.most)?.units();
            let margin = worth.checked_mul(genesis.params.margin_bps.into());
            let whole = 10u128.checked_pow(given.decimals.into());
            let whole = whole.and_then(|whole| whole.checked_mul(ALL_BPS));
            let ratio = margin
                .zip(whole)
                .and_then(|(margin, whole)| Ratio::new(margin, whole));
            let ratio = ratio.ok_or_else(|| MarketError::Worth(given.symbol.clone()))?;
            margins.push((given.id.clone(), ratio));
        }
        Ok(Self {
            asset: asset.id.clone(),
            premium_bps: config.premium_bps,
            most_fee: units(&config.most_fee)?,
            least: genesis
                .params
                .asset(&asset.id)
                .map_or(Amount::ZERO, |asset| asset.min_bond),
            free: None,
            ledger: ledger.clone(),
            margins,
        })
    }

    /// What is reserved for so much of what the claim wants; `None` if nobody said what that is worth.
    pub(super) fn of(&self, claim: &Claim, want: Amount) -> Option<(AssetId, Amount)> {
        let (_, margin) = self
            .margins
            .iter()
            .find(|(asset, _)| *asset == claim.want.asset)?;
        let amount = margin.of_rounded_up(want)?;
        Some((self.asset.clone(), amount))
    }

    /// Takes what validators say of our account.
    pub(super) fn note_free(&mut self, view: &AccountView) {
        let held = view.holdings.iter().find(|held| held.asset == self.asset);
        self.free = Some(held.map_or(Amount::ZERO, |held| held.provider));
    }

    /// Whether our bond covers so much now, as the ledger asks for it of an order (V9); yes as long as nobody told.
    pub(super) fn covered(&self, reserve: Amount) -> Result<(), MarketError> {
        let need = reserve.max(self.least);
        match self.free.filter(|free| *free < need) {
            None => Ok(()),
            Some(free) => Err(MarketError::BondTooSmall {
                have: self.ledger.money(&self.asset, free),
                need: self.ledger.money(&self.asset, need),
            }),
        }
    }

    /// Whether what we are to pay of the fee is no more than we are willing to.
    pub(super) fn pays(&self, claim: &Claim) -> bool {
        let FeeTerms::Pool { asset, amount, payer } = &claim.fee else {
            return false;
        };
        let ours = match payer {
            FeePayer::Claimant => return true,
            FeePayer::Provider => Some(*amount),
            FeePayer::Split { claimant_bps } => Ratio::new((*claimant_bps).into(), ALL_BPS)
                .map_or(Some(Amount::ZERO), |ratio| ratio.of(*amount))
                .and_then(|theirs| amount.checked_sub(theirs)),
        };
        *asset == self.asset && ours.is_some_and(|ours| ours <= self.most_fee)
    }
}

/// Whether a claim is free and between two alone, or has a fee that the network's ledger takes.
pub(super) fn fee_fits(claim: &Claim, genesis: Option<&Genesis>) -> Result<(), MarketError> {
    match (&claim.mode, &claim.fee) {
        (Mode::P2P, FeeTerms::Free) => Ok(()),
        (Mode::Cleared, FeeTerms::Pool { asset, amount, .. }) => {
            let genesis = genesis.ok_or(MarketError::Fee)?;
            let listed = genesis.params.asset(asset);
            let listed = listed.ok_or_else(|| MarketError::FeeAsset(asset.clone()))?;
            match *amount >= listed.min_fee {
                true => Ok(()),
                false => Err(MarketError::FeeTooSmall {
                    have: ledger_assets(genesis).money(asset, *amount),
                    least: ledger_assets(genesis).money(asset, listed.min_fee),
                }),
            }
        }
        (Mode::P2P | Mode::Cleared, _) => Err(MarketError::Fee),
    }
}
