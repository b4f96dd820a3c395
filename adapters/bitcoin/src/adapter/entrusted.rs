//! The adapter's side of what an owner entrusts to a third party.

use kofo_adapter_api::{AdapterError, Entrusted};
use kofo_primitives::{Act, ActKind, HtlcSpec, LegRef, Prepared};

use super::BitcoinAdapter;
use crate::entrust::{EntrustError, entrust, take_over};
use crate::prepared::Signed;
use crate::terms::{Terms, malformed};

impl BitcoinAdapter {
    /// As the owner: signatures for one act, at rising fees.
    pub(super) fn give(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: ActKind,
    ) -> Result<Vec<Entrusted>, AdapterError> {
        let terms = Terms::read(spec, &self.asset)?;
        let mut secret = self.leg_secret(leg, spec, &terms)?;
        let coin = self.locked(leg, true).ok_or(EntrustError::NotFinal);
        let packages = coin.and_then(|coin| entrust(&terms, act, coin, &secret, self.most));
        secret.non_secure_erase();
        packages.map_err(refused)
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
