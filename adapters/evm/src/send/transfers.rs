//! Nonces that payments out of the wallet hold: as locks do, so that neither takes the other's place.

use super::{Sender, Verdict};
use crate::account::Signed;
use crate::node::{NodeError, Reach};
use crate::purse::Purse;
use kofo_primitives::LegRef;

impl Sender {
    /// Holds a nonce for a payment.
    pub(crate) fn hold_nonce(&mut self, holder: LegRef, nonce: u64) {
        self.book.hold(nonce, holder);
        self.dirty = true;
    }

    /// Lets go of it.
    pub(crate) fn free_nonce(&mut self, holder: LegRef) {
        self.book.free(holder);
        self.dirty = true;
    }

    /// Sends a payment. Whether the pool has it, or else why not.
    pub(crate) async fn pay(purse: &Purse, signed: &Signed) -> Result<(), NodeError> {
        let answer = purse.node.send(&signed.raw, Reach::All).await;
        match Verdict::of(answer.clone()) {
            Verdict::Accepted => Ok(()),
            Verdict::Late | Verdict::Underpriced | Verdict::Funds | Verdict::Refused | Verdict::Lost => {
                answer
            }
        }
    }
}
