//! The operations on the curve that four validators cannot do without for one order, and nothing beside them: no decoding,
//! no hashing, no map. By the same library as the validators'.
//!
//! Each of the four checks every signature once; the one that gets the order opens what is sealed to them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kofo_clearance::SubmittedOrder;
use kofo_primitives::{Digest, NodeId, Signature, encode, tagged_hash};
use secp256k1::{Message, Parity, SECP256K1, SecretKey, XOnlyPublicKey, ecdh, schnorr};

use super::orders::committee;

/// Keys and signatures as bytes: they come from the wire, and finding a key's point is work on the curve too, once an order.
struct Check {
    /// Its place among the order's keys.
    key: usize,
    digest: Digest,
    signature: [u8; 64],
}

/// What one order costs on the curve.
pub(super) struct Bare {
    keys: Vec<[u8; 32]>,
    checks: Vec<Check>,
    /// The ephemeral keys of what is sealed to the validators.
    sealed: Vec<[u8; 32]>,
}

fn ephemeral(sealed: &[u8]) -> Result<[u8; 32]> {
    sealed.first_chunk().copied().context("32 bytes of a key")
}

impl Bare {
    /// What everybody signs, by the protocol's text: the bare loop shares no code with what it is held against.
    pub(super) fn of(order: &SubmittedOrder) -> Result<Self> {
        let (claim, fulfil) = (&order.claim, &order.fulfil);
        let id = claim.body.id();
        let mut keys = Vec::new();
        let mut check = |key: &NodeId, digest: Digest, signature: &Signature| {
            let known = keys.iter().position(|known| known == key.as_bytes());
            let key = known.unwrap_or_else(|| {
                keys.push(*key.as_bytes());
                keys.len() - 1
            });
            let signature = encode(signature).try_into().ok().context("64 bytes")?;
            anyhow::Ok(Check {
                key,
                digest,
                signature,
            })
        };
        let mut checks = vec![
            check(&claim.body.key, *id.as_bytes(), &claim.signature)?,
            check(&fulfil.body.key, *fulfil.body.id().as_bytes(), &fulfil.signature)?,
            check(
                &claim.body.key,
                order.select.body.digest(),
                &order.select.signature,
            )?,
        ];
        for hop in &order.path {
            let fields = (
                &hop.index,
                &hop.previous,
                &hop.hop_key,
                &hop.next_key,
                &hop.bid,
                &hop.payee,
            );
            let digest = tagged_hash("kofo/hop/v1", &[id.as_bytes(), &encode(&fields)]);
            checks.push(check(&hop.hop_key, digest, &hop.signature)?);
        }
        for (back, hop) in order.returns.iter().zip(order.path.iter().rev()) {
            let fields = (&back.index, &back.previous, &back.opening);
            let digest = tagged_hash("kofo/return/v1", &[&encode(&fields)]);
            checks.push(check(&hop.hop_key, digest, &back.signature)?);
        }
        let reservation = &order.terms.reservation;
        let reserved = encode(&(reservation.seq, &reservation.reserve));
        let parts = [id.as_bytes().as_slice(), fulfil.body.key.as_bytes(), &reserved];
        let digest = tagged_hash("kofo/reservation/v1", &parts);
        checks.push(check(&reservation.bond, digest, &reservation.signature)?);
        if let Some(payment) = &order.payment {
            checks.push(check(
                &payment.body.account,
                payment.body.id(),
                &payment.signature,
            )?);
        }
        let sealed = order
            .returns
            .iter()
            .filter_map(|back| back.opening.as_ref())
            .map(|one| one.as_slice());
        let sealed = sealed.chain(fulfil.body.for_validators.iter().map(|one| one.as_slice()));
        Ok(Self {
            keys,
            checks,
            sealed: sealed.map(ephemeral).collect::<Result<_>>()?,
        })
    }

    /// So many validators' work.
    fn run(&self, validators: usize, committee: &SecretKey) -> Result<()> {
        for _ in 0..validators {
            let points: Vec<_> = self
                .keys
                .iter()
                .map(|key| XOnlyPublicKey::from_slice(key))
                .collect();
            for check in &self.checks {
                let key = points[check.key]?;
                let signature = schnorr::Signature::from_slice(&check.signature)?;
                SECP256K1.verify_schnorr(&signature, &Message::from_digest(check.digest), &key)?;
            }
        }
        for ephemeral in &self.sealed {
            let point = XOnlyPublicKey::from_slice(ephemeral)?.public_key(Parity::Even);
            std::hint::black_box(ecdh::shared_secret_point(&point, committee));
        }
        Ok(())
    }
}

/// How long all cores take for what so many validators must do for these orders.
pub(super) fn time(orders: &[Bare], validators: usize) -> Result<Duration> {
    let committee = SecretKey::from_slice(&committee())?;
    let share = orders.len().div_ceil(super::threads() as usize).max(1);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let parts: Vec<_> = orders
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().try_for_each(|one| one.run(validators, &committee))))
            .collect();
        for part in parts {
            part.join()
                .map_err(|_| anyhow::anyhow!("a thread of the bare loop died"))??;
        }
        anyhow::Ok(())
    })?;
    Ok(start.elapsed())
}
