//! The operations on the curve that taking one claim cannot do without, and nothing beside them: no decoding, no
//! hashing, no map. By the same library as the nodes'.

use anyhow::{Result, ensure};
use kofo_primitives::Digest;
use secp256k1::{Keypair, Message, PublicKey, SECP256K1, Scalar, SecretKey, XOnlyPublicKey, schnorr};

/// One signature to check, as bytes: keys and signatures come from the wire, and finding the key's point is work on the
/// curve too. Bases of links are known and not read again.
pub(super) struct Check {
    pub(super) key: [u8; 32],
    pub(super) digest: Digest,
    pub(super) signature: [u8; 64],
}

/// What one claim costs on the curve.
pub(super) struct Bare {
    /// The claim's signature and its path's.
    pub(super) checks: Vec<Check>,
    /// Our base on the link, and the tweak to our pseudonym.
    pub(super) base: PublicKey,
    pub(super) tweak: Digest,
    /// The secret behind the base: to pass the claim on.
    pub(super) secret: Digest,
    /// The neighbours' bases that it is passed on to, and the tweaks to their pseudonyms.
    pub(super) others: Vec<(PublicKey, Digest)>,
}

impl Bare {
    /// Checks and tweaks; with `pass_on` also our key, and a tweak and a signature for each neighbour.
    pub(super) fn run(&self, pass_on: bool) -> Result<()> {
        for check in &self.checks {
            let key = XOnlyPublicKey::from_slice(&check.key)?;
            let signature = schnorr::Signature::from_slice(&check.signature)?;
            SECP256K1.verify_schnorr(&signature, &Message::from_digest(check.digest), &key)?;
        }
        let us = tweaked(&self.base, self.tweak)?;
        if pass_on {
            let secret = SecretKey::from_slice(&self.secret)?;
            let secret = secret.add_tweak(&Scalar::from_be_bytes(self.tweak)?)?;
            let pair = Keypair::from_secret_key(SECP256K1, &secret);
            ensure!(
                pair.x_only_public_key().0 == us,
                "the tweaks of both halves differ"
            );
            for (base, tweak) in &self.others {
                let next = tweaked(base, *tweak)?;
                let message = Message::from_digest(next.serialize());
                SECP256K1.sign_schnorr_with_aux_rand(&message, &pair, &[0; 32]);
            }
        }
        Ok(())
    }
}

fn tweaked(base: &PublicKey, tweak: Digest) -> Result<XOnlyPublicKey> {
    let point = base.add_exp_tweak(SECP256K1, &Scalar::from_be_bytes(tweak)?)?;
    Ok(point.x_only_public_key().0)
}
