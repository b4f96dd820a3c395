//! The clearance layer for people.

use super::super::ClearingError;
use super::order::Paid;
use super::{Clearing, Committed, OrderFate};
use crate::assets::{Asset, Assets};
use crate::rpc::types::{
    AccountShown, AssetAmount, ClearanceShown, HoldingShown, Id, OrderShown, OrderState, PayoutShown,
    PayoutsShown, ProofShown, ReceiptShown, UnbondingShown, ValidatorShown,
};
use kofo_clearance::{AccountView, Ending, Genesis, Holding, Payout, Reason, Request, Response};
use kofo_primitives::{Amount, AssetId, Certificate, Header, SwapId, encode};
use std::collections::BTreeMap;

/// The assets of a ledger as nodes know assets.
#[must_use]
pub fn ledger_assets(genesis: &Genesis) -> Assets {
    let one = |asset: &kofo_clearance::LedgerAsset| Asset {
        symbol: asset.symbol.as_str().to_owned(),
        id: asset.asset.clone(),
        decimals: asset.decimals,
        freezable: false,
    };
    // A genesis of a file was checked; of another one, the symbols may be nothing that people can type.
    Assets::new(genesis.params.assets.iter().map(one).collect()).unwrap_or_default()
}

impl Clearing {
    /// What became of an order; with `bytes`, the proofs too.
    pub async fn show_order(&self, order: SwapId, bytes: bool) -> Result<OrderShown, ClearingError> {
        let mut shown = OrderShown {
            id: order.into(),
            state: OrderState::Open,
            refused: None,
            committed: None,
            receipt: None,
            payouts: None,
        };
        match self.order(order).await? {
            OrderFate::Open { sure: true } => {}
            OrderFate::Open { sure: false } => {
                let why = "too few of them know of the order".to_owned();
                return Err(self.nobody(why));
            }
            OrderFate::Refused(why) => {
                shown.state = OrderState::Refused;
                shown.refused = Some(why);
            }
            OrderFate::Committed(committed) => {
                show_committed(&mut shown, &committed, bytes, self.light().epoch());
                if let Some((receipt, _)) = &committed.receipt {
                    shown.payouts = self.payouts(receipt).await.map(|paid| self.show_paid(paid));
                }
            }
        }
        Ok(shown)
    }

    fn show_paid(&self, paid: Paid) -> PayoutsShown {
        let (whole, payouts) = match paid {
            Paid::All(payouts) => (true, payouts),
            Paid::Ours(payouts) => (false, payouts),
        };
        let (assets, foundation) = (ledger_assets(&self.genesis), self.genesis.params.foundation);
        let row = |payout: &Payout| PayoutShown {
            to: payout.to.map(|to| Id(*to.as_bytes())),
            own: payout.to == Some(self.account_id()),
            foundation: payout.to == Some(foundation),
            why: reason(payout.why),
            amount: assets.money(&payout.asset, payout.amount),
        };
        let mut sums: BTreeMap<&AssetId, Amount> = BTreeMap::new();
        for payout in &payouts {
            let sum = sums.entry(&payout.asset).or_insert(Amount::ZERO);
            // A receipt's payments are of one book, in which every sum fits.
            *sum = sum.checked_add(payout.amount).unwrap_or(Amount::new(u128::MAX));
        }
        let sums = sums
            .into_iter()
            .map(|(asset, sum)| assets.money(asset, sum))
            .collect();
        PayoutsShown {
            whole,
            rows: payouts.iter().map(row).collect(),
            sums,
        }
    }

    /// An account.
    #[must_use]
    pub fn show_account(&self, view: &AccountView) -> AccountShown {
        let assets = ledger_assets(&self.genesis);
        AccountShown {
            key: Id(*view.account.as_bytes()),
            own: view.account == self.account_id(),
            height: view.height,
            sequence: view.sequence,
            holdings: view.holdings.iter().map(|one| holding(&assets, one)).collect(),
            points: view.points,
            score: view.score,
            settled: view.settled,
            failed: view.failed,
            power: view.power,
            jailed_until_ms: view.jailed_until_ms,
        }
    }

    /// The validators and how far they are.
    pub async fn show(&self) -> ClearanceShown {
        let genesis = self.genesis.digest();
        let mut validators = Vec::new();
        for (service, answer) in self
            .services
            .ask_all(self.services.iter(), &Request::Status)
            .await
        {
            let (status, trouble) = match answer {
                Ok(Response::Status(status)) if status.genesis == genesis => (Some(status), None),
                Ok(Response::Status(_)) => (None, Some("it is of another genesis".to_owned())),
                Ok(_) => (None, Some("it answered something else than was asked".to_owned())),
                Err(trouble) => (None, Some(trouble.to_string())),
            };
            validators.push(ValidatorShown {
                account: service.account.map(|account| Id(*account.as_bytes())),
                power: self.power(service),
                service: service.text.clone(),
                height: status.as_ref().map(|status| status.height),
                time_ms: status.as_ref().map(|status| status.time_ms),
                trouble,
            });
        }
        let assets = self.genesis.params.assets.iter();
        let (epoch, power) = {
            let light = self.light();
            (light.epoch(), light.validators().total())
        };
        ClearanceShown {
            genesis: Id(genesis),
            account: Id(*self.account_id().as_bytes()),
            epoch,
            power,
            assets: assets.map(|asset| asset.symbol.as_str().to_owned()).collect(),
            validators,
        }
    }
}

fn holding(assets: &Assets, holding: &Holding) -> HoldingShown {
    let money = |amount: Amount| -> AssetAmount { assets.money(&holding.asset, amount) };
    let unbonding = |(at_ms, amount): &(u64, Amount)| UnbondingShown {
        at_ms: *at_ms,
        amount: money(*amount),
    };
    HoldingShown {
        asset: holding.asset.to_string(),
        free: money(holding.free),
        provider_bond: money(holding.provider),
        relay_bond: money(holding.relay),
        stake: money(holding.stake),
        delegated: money(holding.delegated),
        reward: money(holding.reward),
        unbonding: holding.unbonding.iter().map(unbonding).collect(),
    }
}

fn show_committed(shown: &mut OrderShown, committed: &Committed, bytes: bool, newest: u64) {
    let proof = |header: &Header, certificate: &Certificate, epoch, proof: Vec<u8>| ProofShown {
        height: header.height,
        epoch,
        time_ms: header.time_ms,
        header: Id(header.id()),
        signers: certificate.signers.count_ones(),
        proof: bytes.then(|| hex::encode(proof)),
    };
    let order = &committed.proof;
    shown.state = OrderState::Committed;
    shown.committed = Some(proof(
        &order.header,
        &order.certificate,
        committed.certified.epoch(),
        encode(order),
    ));
    if let Some((receipt, with)) = &committed.receipt {
        shown.state = OrderState::Ended;
        shown.receipt = Some(ReceiptShown {
            ending: ending(receipt.ending).to_owned(),
            time_ms: receipt.time_ms,
            payouts: Id(receipt.payouts),
            proof: proof(&with.header, &with.certificate, newest, encode(with)),
        });
    }
}

/// What a payment was for, in a word.
fn reason(why: Reason) -> String {
    match why {
        Reason::Foundation => "foundation".to_owned(),
        Reason::Validators => "validators".to_owned(),
        Reason::Hop(entry) => format!("hop {entry}"),
        Reason::FeeBack => "fee_back".to_owned(),
        Reason::Back => "back".to_owned(),
        Reason::Premium => "premium".to_owned(),
        Reason::Harmed => "harmed".to_owned(),
        Reason::Burnt => "burnt".to_owned(),
    }
}

/// How an order ended, in a word.
#[must_use]
pub const fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Settled => "settled",
        Ending::NeverLocked => "never_locked",
        Ending::ProviderWalked => "provider_walked",
        Ending::InitiatorWalked => "initiator_walked",
        Ending::ProviderLate => "provider_late",
        Ending::Refunded => "refunded",
        Ending::Cancelled => "cancelled",
        Ending::Unclear => "unclear",
        Ending::Unobserved => "unobserved",
    }
}
