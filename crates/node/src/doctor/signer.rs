//! Who holds the keys, where another process does.

use super::{Checked, Patient};
use crate::signer::RemoteSigner;
use kofo_adapter_api::{Signer, SignerError};
use kofo_primitives::Seed;

/// Whether it answers, and with it what the journal's key comes from; nothing where the folder has the keys itself.
pub(super) async fn check(patient: &Patient<'_>) -> Option<(Checked, Option<Seed>)> {
    let at = patient.config.signer.as_ref()?;
    let signer = RemoteSigner::new(at.socket(patient.data));
    Some(match signer.household(&patient.config.network).await {
        Ok(household) => {
            let found = format!("answers at {at}; no keystore is needed here");
            (Checked::ok("signer", found), Some(household))
        }
        Err(error) => {
            let todo = match &error {
                SignerError::Unreachable(_) => {
                    "start it with `kofo signer run`, and let the node's user into the socket's folder; until then nothing \
                     is locked, redeemed or refunded"
                }
                SignerError::Refused(_) => "run the signer that this folder was made with",
            };
            (Checked::fail("signer", error.to_string(), todo), None)
        }
    })
}
