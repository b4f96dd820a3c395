//! What a relay says of itself so that it is paid: a commitment in its entry, and on the way back what opens it, for
//! nobody but the validators.
//!
//! Salt and ephemeral key come from a secret and from what they are used for, so that the same entry is signed again
//! after a restart and nothing has to be remembered between the way there and the way back.

use kofo_primitives::{
    Bytes, Claim, ClaimId, Digest, FulfilId, HopEntry, HopOpening, Mode, NodeId, tagged_hash,
};

/// How a relay is paid for cleared claims.
#[derive(Clone)]
pub struct Payee {
    /// The account, which has a relay's bond.
    pub account: NodeId,
    /// To which openings are sealed: the network's validators.
    pub validators: NodeId,
    /// Secret, and the same after a restart: salts come from it.
    pub secret: [u8; 32],
}

impl Payee {
    fn opening(&self, claim: &ClaimId, previous: &Digest, next: &NodeId) -> HopOpening {
        let parts: [&[u8]; 4] = [&self.secret, claim.as_bytes(), previous, next.as_bytes()];
        HopOpening {
            payee: self.account,
            salt: tagged_hash("kofo/hop-salt/v1", &parts),
        }
    }

    /// What the entry for `next` commits to. Claims between two alone pay nobody.
    pub(super) fn commit(
        &self,
        claim: &Claim,
        id: &ClaimId,
        (previous, next): (&Digest, &NodeId),
    ) -> Option<Digest> {
        match claim.mode {
            Mode::P2P => None,
            Mode::Cleared => Some(self.opening(id, previous, next).commit()),
        }
    }

    /// What opens our entry, for the way back of one quote; none if the entry asks for nothing, or for something else than
    /// we would now.
    pub(super) fn open(&self, claim: &ClaimId, quote: &FulfilId, entry: &HopEntry) -> Option<Bytes<512>> {
        let opening = self.opening(claim, &entry.previous, &entry.next_key);
        entry.payee.filter(|payee| *payee == opening.commit())?;
        let parts: [&[u8]; 4] = [&self.secret, claim.as_bytes(), quote.as_bytes(), &entry.digest()];
        let ephemeral = tagged_hash("kofo/hop-seal/v1", &parts);
        opening.seal(claim, &self.validators, &ephemeral).ok()
    }
}

impl std::fmt::Debug for Payee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not even the account: a dump ties no two claims together.
        f.write_str("Payee(redacted)")
    }
}
