//! BIP-327: the key that needs both parties, and signing with it.
//!
//! The only module that sees secp256k1 0.33 (the version with MuSig2); everything else here, and everything
//! public, is the 0.29 of `bitcoin`. The border is crossed by bytes.
//!
//! One party asks, the other helps. Who asks draws a nonce ([`Ask`]) and waits; who helps draws its own, signs and
//! forgets in one call ([`help`]). A nonce comes from the operating system, is made when the message is known, is
//! never written anywhere and signs once: the type that holds it cannot be copied and is consumed by signing.

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, SecretKey, XOnlyPublicKey};
use bitcoin::taproot::TapTweakHash;
use secp256k1_musig::musig::{
    AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, SecretNonce, Session, SessionSecretRand,
    new_nonce_pair,
};
use secp256k1_musig::{Keypair, PublicKey as MusigKey, Scalar, SecretKey as MusigSecret, sort_pubkeys};

/// Bytes of a public nonce: two compressed points.
pub const NONCE_BYTES: usize = 66;
/// Bytes of a partial signature: a scalar.
pub const PARTIAL_BYTES: usize = 32;

/// Why two keys have no aggregate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the public key {key} has no MuSig2 aggregate with the other party's: draw fresh keys")]
pub struct NoAggregate {
    /// The first key as given.
    pub key: PublicKey,
}

/// Why two parties do not come to a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MusigError {
    /// The secret is of neither key.
    #[error("the secret given is of the key {got}, which is neither party's")]
    Stranger {
        /// Its public key.
        got: PublicKey,
    },
    /// Not two points of the curve.
    #[error("the other party's nonce is not two points of the curve: open another round")]
    Nonce,
    /// The signature of the other party is not over this message with this key and these nonces.
    #[error("the other party's partial signature is wrong: act alone")]
    Partial,
    /// The whole signature does not verify. Cannot happen when the partial one did.
    #[error("both signatures together do not verify: act alone")]
    Whole,
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness for a nonce: {0}")]
    Randomness(String),
}

/// The BIP-327 `KeyAgg` of two keys, sorted first, so that both parties get the same key in whatever order
/// they name themselves.
pub(crate) fn aggregate(first: &PublicKey, second: &PublicKey) -> Result<XOnlyPublicKey, NoAggregate> {
    let none = || NoAggregate { key: *first };
    let aggregate = cache(first, second).ok_or_else(none)?.agg_pk().to_byte_array();
    XOnlyPublicKey::from_slice(&aggregate).map_err(|_| none())
}

fn cache(first: &PublicKey, second: &PublicKey) -> Option<KeyAggCache> {
    let keys = [musig_key(first)?, musig_key(second)?];
    let mut sorted = [&keys[0], &keys[1]];
    sort_pubkeys(&mut sorted);
    Some(KeyAggCache::new(&sorted))
}

fn musig_key(key: &PublicKey) -> Option<MusigKey> {
    MusigKey::from_byte_array_compressed(key.serialize()).ok()
}

/// The output key of two parties' keys and their tree.
#[derive(Clone)]
pub(crate) struct JointKey {
    cache: KeyAggCache,
    parties: [PublicKey; 2],
    output: XOnlyPublicKey,
}

impl JointKey {
    /// `tweak` is that of the tree (BIP-341).
    pub(crate) fn new(
        first: &PublicKey,
        second: &PublicKey,
        tweak: &TapTweakHash,
    ) -> Result<Self, NoAggregate> {
        let none = || NoAggregate { key: *first };
        let mut cache = cache(first, second).ok_or_else(none)?;
        let tweak = Scalar::from_be_bytes(tweak.to_byte_array()).map_err(|_| none())?;
        cache.pubkey_xonly_tweak_add(&tweak).map_err(|_| none())?;
        let output = XOnlyPublicKey::from_slice(&cache.agg_pk().to_byte_array()).map_err(|_| none())?;
        let parties = [*first, *second];
        Ok(Self {
            cache,
            parties,
            output,
        })
    }

    /// What a signature verifies under.
    #[cfg(test)]
    fn output(&self) -> &XOnlyPublicKey {
        &self.output
    }

    /// The key of the other party.
    fn other(&self, ours: &PublicKey) -> Result<PublicKey, MusigError> {
        match self.parties {
            [one, two] if one == *ours => Ok(two),
            [one, two] if two == *ours => Ok(one),
            _ => Err(MusigError::Stranger { got: *ours }),
        }
    }

    fn session(&self, nonces: [&PublicNonce; 2], message: &[u8; 32]) -> Session {
        Session::new(&self.cache, AggregatedNonce::new(&nonces), message)
    }
}

/// The signature of who helps, and the public nonce that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Help {
    /// Drawn for this signature.
    pub nonce: [u8; NONCE_BYTES],
    /// Its partial signature.
    pub partial: [u8; PARTIAL_BYTES],
}

/// Signs once for the other party, with a nonce that lives no longer than this call.
pub(crate) fn help(
    key: &JointKey,
    message: &[u8; 32],
    secret: &SecretKey,
    asker: &[u8; NONCE_BYTES],
) -> Result<Help, MusigError> {
    let asker = PublicNonce::from_byte_array(asker).map_err(|_| MusigError::Nonce)?;
    let signer = Signer::new(key, secret)?;
    let mut nonce = signer.nonce(key, message)?;
    let session = key.session([&asker, &nonce.public], message);
    let public = nonce.public.serialize();
    let partial = signer.sign(key, &session, &mut nonce);
    Ok(Help {
        nonce: public,
        partial: partial.serialize(),
    })
}

/// A signature that waits for the other party's help.
pub(crate) struct Ask {
    key: JointKey,
    message: [u8; 32],
    nonce: Nonce,
}

impl Ask {
    /// Draws the nonce for this message.
    pub(crate) fn new(key: JointKey, message: [u8; 32], secret: &SecretKey) -> Result<Self, MusigError> {
        let nonce = Signer::new(&key, secret)?.nonce(&key, &message)?;
        Ok(Self { key, message, nonce })
    }

    /// What the other party needs.
    pub(crate) fn nonce(&self) -> [u8; NONCE_BYTES] {
        self.nonce.public.serialize()
    }

    /// Checks the help, adds our own signature, and checks the whole. Our partial signature never leaves.
    pub(crate) fn finish(mut self, secret: &SecretKey, help: &Help) -> Result<Signature, MusigError> {
        let signer = Signer::new(&self.key, secret)?;
        let other = self.key.other(&signer.public)?;
        let theirs = PublicNonce::from_byte_array(&help.nonce).map_err(|_| MusigError::Nonce)?;
        let partial = PartialSignature::from_byte_array(&help.partial).map_err(|_| MusigError::Partial)?;
        let session = self.key.session([&self.nonce.public, &theirs], &self.message);
        let other = musig_key(&other).ok_or(MusigError::Stranger { got: other })?;
        if !session.partial_verify(&self.key.cache, &partial, &theirs, other) {
            return Err(MusigError::Partial);
        }
        let own = signer.sign(&self.key, &session, &mut self.nonce);
        let whole = session.partial_sig_agg(&[&own, &partial]).assume_valid();
        let whole = Signature::from_slice(&whole.to_byte_array()).map_err(|_| MusigError::Whole)?;
        Secp256k1::verification_only()
            .verify_schnorr(&whole, &Message::from_digest(self.message), &self.key.output)
            .map_err(|_| MusigError::Whole)?;
        Ok(whole)
    }
}

/// A nonce pair. Its secret half signs once, and is erased when it is dropped unused.
struct Nonce {
    secret: Option<SecretNonce>,
    public: PublicNonce,
}

impl Drop for Nonce {
    fn drop(&mut self) {
        if let Some(secret) = &mut self.secret {
            secret.non_secure_erase();
        }
    }
}

/// Our secret in the form of the other library, for the length of one call.
struct Signer {
    pair: Keypair,
    public: PublicKey,
}

impl Drop for Signer {
    fn drop(&mut self) {
        self.pair.non_secure_erase();
    }
}

impl Signer {
    /// Refuses a secret that is neither party's.
    fn new(key: &JointKey, secret: &SecretKey) -> Result<Self, MusigError> {
        let public = secret.public_key(&Secp256k1::signing_only());
        key.other(&public)?;
        let mut theirs = MusigSecret::from_secret_bytes(secret.secret_bytes())
            .map_err(|_| MusigError::Stranger { got: public })?;
        let pair = Keypair::from_secret_key(&theirs);
        theirs.non_secure_erase();
        Ok(Self { pair, public })
    }

    /// Fresh from the operating system; the key, the message and the aggregate are mixed in, so that even a machine
    /// that repeats its randomness (a cloned one) does not sign two messages with one nonce.
    fn nonce(&self, key: &JointKey, message: &[u8; 32]) -> Result<Nonce, MusigError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| MusigError::Randomness(error.to_string()))?;
        if random == [0; 32] {
            return Err(MusigError::Randomness("32 zero bytes".into()));
        }
        let seed = SessionSecretRand::assume_uniformly_random(random);
        let mut secret = MusigSecret::from_keypair(&self.pair);
        let (nonce, public) = new_nonce_pair(
            seed,
            Some(&key.cache),
            Some(secret),
            self.pair.public_key(),
            Some(message),
            None,
        );
        secret.non_secure_erase();
        random.fill(0);
        Ok(Nonce {
            secret: Some(nonce),
            public,
        })
    }

    fn sign(&self, key: &JointKey, session: &Session, nonce: &mut Nonce) -> PartialSignature {
        let secret = nonce
            .secret
            .take()
            .expect("every nonce is made for the one signature here");
        session.partial_sign(secret, &self.pair, &key.cache)
    }
}

#[cfg(test)]
mod tests;
