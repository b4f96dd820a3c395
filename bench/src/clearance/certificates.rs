//! What a wallet gets and checks: how long certificates are, and how long one takes to check.

use std::time::Instant;

use anyhow::{Context, Result};
use kofo_clearance::Light;
use kofo_primitives::{
    Certificate, Header, Validator, ValidatorSecret, ValidatorSet, Vote, VoteKind, encode, tagged_hash,
};
use serde::Serialize;

use super::orders::{Kind, account, network};

const TIME_MS: u64 = 1_800_000_000_000;

/// Bytes of a certificate by no more signatures than needed, by the number of validators.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Bytes {
    #[serde(rename = "4")]
    pub(super) of_4: usize,
    #[serde(rename = "25")]
    pub(super) of_25: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub(super) bytes: Bytes,
    /// A light node checks a header that 17 of 25 signed.
    pub(super) light_ms: f64,
}

fn secret(nth: u64) -> Result<ValidatorSecret> {
    let secret = tagged_hash("voter", &[&nth.to_le_bytes()]);
    ValidatorSecret::new(&secret).context("a digest is a key")
}

fn set(count: u64) -> Result<ValidatorSet> {
    let member = |nth| -> Result<Validator> {
        Ok(Validator {
            key: secret(nth)?.key(),
            account: account(Kind::Other, nth)?,
            power: 1_000_000,
        })
    };
    Ok(ValidatorSet::new(
        0,
        (0..count).map(member).collect::<Result<_>>()?,
    )?)
}

/// A header of that set, signed by as few as can be.
fn certified(count: u64) -> Result<(ValidatorSet, Header, Certificate)> {
    let set = set(count)?;
    let header = Header {
        version: 1,
        network: network()?,
        height: 9,
        time_ms: TIME_MS,
        previous: [1; 32],
        batch: [2; 32],
        state: [3; 32],
        receipts: [4; 32],
        validators: set.digest(),
        next_validators: set.digest(),
    };
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let digest = vote.digest(&header.network);
    let sign = |nth| -> Result<_> { Ok((secret(nth)?.key(), secret(nth)?.sign(&digest))) };
    let need = count * 2 / 3 + 1;
    let votes: Vec<_> = (0..need).map(sign).collect::<Result<_>>()?;
    let certificate = Certificate::new((header.height, 0, header.id()), &set, &votes)?;
    Ok((set, header, certificate))
}

/// Checks a certificate so often.
pub(super) fn measure(checks: usize) -> Result<Figures> {
    let (_, _, of_4) = certified(4)?;
    let (set, header, of_25) = certified(25)?;
    let mut light = Light::new(network()?, set, TIME_MS - 1_000);
    let mut times = Vec::with_capacity(checks);
    for _ in 0..checks {
        let start = Instant::now();
        light.header(&header, &of_25, TIME_MS)?;
        times.push(start.elapsed());
    }
    Ok(Figures {
        bytes: Bytes {
            of_4: encode(&of_4).len(),
            of_25: encode(&of_25).len(),
        },
        light_ms: super::millis(super::median(times)),
    })
}
