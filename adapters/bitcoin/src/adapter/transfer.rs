//! Payments to other addresses, from coins that no lock has reserved.

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::{Amount as Sats, Network, Script, Transaction};
use kofo_adapter_api::{AdapterError, SignedTransfer, Transfer, Transferred};
use kofo_primitives::{ActKind, Amount, End, LegRef};

use super::{BitcoinAdapter, node_error, signer_error, storage_error};
use crate::engine::is_known;
use crate::fee::{self, SatPerVb};
use crate::leg::units;
use crate::prepared::Signed;
use crate::rpc::RpcError;
use crate::terms::malformed;
use crate::wallet::{Draft, WalletError};

/// Coins of so many blocks are spent.
const DEPTH: u32 = 1;

impl BitcoinAdapter {
    pub(super) async fn sign_payment(
        &self,
        transfer: &Transfer,
        keep: Amount,
    ) -> Result<SignedTransfer, AdapterError> {
        self.known(&transfer.asset)?;
        let script = self.payout(End::Redeemer, &transfer.to)?;
        let amount = u64::try_from(transfer.amount.units()).map(Sats::from_sat);
        let amount = amount.ok().filter(|amount| *amount <= Sats::MAX_MONEY);
        let most = units(Sats::MAX_MONEY).to_string();
        let amount = amount
            .ok_or_else(|| malformed("amount", &format!("at most {most}"), transfer.amount.to_string()))?;
        let dust = script.minimal_non_dust();
        if amount < dust {
            return Err(AdapterError::Dust {
                asset: self.asset.clone(),
                have: transfer.amount,
                least: units(dust),
            });
        }
        let rate = self.rate(transfer.fee_rate).await?;
        self.caught_up().await?;
        let holder = transfer.holder();
        let draft = self.drafted(holder, (&script, amount), rate, keep)?;
        let main = self.bitcoin == Network::Bitcoin;
        let signed = match self.keys.pay(draft.payment(main, None)).await {
            Ok(signatures) => self
                .wallet()
                .complete(holder, draft, &signatures)
                .map_err(|error| self.refused(error)),
            Err(source) => Err(signer_error(&self.chain, source)),
        };
        let signed = signed.inspect_err(|_| self.wallet().release(holder))?;
        Ok(SignedTransfer {
            prepared: serialize(&signed.tx),
            txid: signed.tx.compute_txid().to_string(),
            fee: units(signed.fee),
            fee_asset: self.asset.clone(),
        })
    }

    pub(super) async fn send_payment(
        &self,
        transfer: &Transfer,
        signed: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        let tx: Transaction = deserialize(&signed.prepared)
            .map_err(|error| malformed("signed transfer", "one of this adapter", error.to_string()))?;
        let fee = Sats::from_sat(u64::try_from(signed.fee.units()).unwrap_or(u64::MAX));
        {
            let mut wallet = self.wallet();
            if wallet.has_in_block(tx.compute_txid()) {
                wallet.release(transfer.holder());
                return Ok(Transferred::InBlock);
            }
            let kind = ActKind::Lock;
            let tx = tx.clone();
            wallet.reserve(transfer.holder(), &Signed { kind, tx, fee });
        }
        for witness in &self.nodes.witnesses {
            // Whatever they answer: our own node is the one that we rely upon.
            let _answer = witness.send(&tx).await;
        }
        match self.nodes.ours.send(&tx).await {
            Ok(()) => Ok(Transferred::Sent),
            Err(RpcError::Refused { code, message, .. }) if is_known(code, &message) => Ok(Transferred::Sent),
            Err(error) => Err(node_error(&self.chain, &error)),
        }
    }

    /// The payment, if so much stays behind as is to be kept.
    fn drafted(
        &self,
        holder: LegRef,
        to: (&Script, Sats),
        rate: SatPerVb,
        keep: Amount,
    ) -> Result<Draft, AdapterError> {
        let mut wallet = self.wallet();
        let have = units(wallet.spendable());
        let draft = wallet.lock(holder, to, rate, DEPTH);
        let draft = draft.map_err(|error| self.refused(error))?;
        let need = [units(to.1), units(draft.fee()), keep]
            .into_iter()
            .try_fold(Amount::ZERO, Amount::checked_add)
            .unwrap_or(Amount::new(u128::MAX));
        if have < need {
            wallet.release(holder);
            let asset = self.asset.clone();
            return Err(AdapterError::Funds { asset, have, need });
        }
        Ok(draft)
    }

    /// What was asked for, or what the chain asks for; never above our cap.
    async fn rate(&self, asked: Option<u64>) -> Result<SatPerVb, AdapterError> {
        match asked {
            Some(rate) if rate == 0 || rate > self.most.0 => {
                let expected = format!("1 to {} satoshi per virtual byte", self.most.0);
                Err(malformed("fee rate", &expected, rate.to_string()))
            }
            Some(rate) => Ok(SatPerVb(rate)),
            None => {
                let rate = fee::ask(&self.nodes).await;
                let rate = rate.map_err(|error| node_error(&self.chain, &error))?;
                Ok(rate.min(self.most))
            }
        }
    }

    fn refused(&self, error: WalletError) -> AdapterError {
        match error {
            WalletError::Funds { have, need } => AdapterError::Funds {
                asset: self.asset.clone(),
                have: units(have),
                need: units(need),
            },
            other => storage_error(&self.chain, &other),
        }
    }
}
