//! The adapter's side of what an owner entrusts to a third party.

use kofo_adapter_api::{AdapterError, Entrusted};
use kofo_primitives::{Act, ActKind, HtlcSpec, LegRef, Prepared};

use super::{BitcoinAdapter, signer_error};
use crate::entrust::{EntrustError, levels, package, take_over};
use crate::prepared::Signed;
use crate::terms::{Terms, malformed};

impl BitcoinAdapter {
    /// As the owner: signatures for one act, at rising fees.
    pub(super) async fn give(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: ActKind,
    ) -> Result<Vec<Entrusted>, AdapterError> {
        let terms = Terms::read(spec, &self.asset)?;
        self.payee(leg, spec, &terms).await?;
        let coin = self.locked(leg, true).ok_or(EntrustError::NotFinal);
        let coin = coin.map_err(refused)?;
        let place = self.wallet().place_of(&terms.ours().payout);
        let ours = self.keys.leg(leg, spec, place);
        let mut packages = Vec::new();
        for fee in levels(&terms, act, coin, self.most).map_err(refused)? {
            let signed = self.keys.spend(ours.clone(), act, (&[coin], fee)).await;
            let signed = signed.map_err(|error| signer_error(&self.chain, error))?;
            packages.push(package(act, coin, fee, &signed).map_err(refused)?);
        }
        Ok(packages)
    }

    /// As the third party: the owner's transaction, complete.
    pub(super) fn take(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: &Act,
        entrusted: &Entrusted,
    ) -> Result<Prepared, AdapterError> {
        let terms = Terms::read(spec, &self.asset)?;
        // Below full depth too: a reorg may have taken blocks away, and the act is the owner's to risk.
        let coin = self
            .locked(leg, false)
            .ok_or(EntrustError::NotFinal)
            .map_err(refused)?;
        let (tx, fee) = take_over(&terms, act, entrusted, coin).map_err(refused)?;
        let kind = act.kind();
        Signed { kind, tx, fee }
            .encode()
            .map_err(|error| malformed("transaction", "one that fits the journal", error.to_string()))
    }
}

fn refused(error: EntrustError) -> AdapterError {
    malformed(
        "entrusted package",
        "what the owner signed for this leg",
        error.to_string(),
    )
}
