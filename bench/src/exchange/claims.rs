//! Claims that a relay takes, beside the bare loop of the operations on the curve that it cannot do without.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kofo_exchange::{ClaimEnvelope, ClaimMessage, Link, LinkRole, Relay, RelayConfig};
use kofo_primitives::{
    Amount, AssetId, Claim, ClaimId, ClaimedAsset, Digest, FeeTerms, HopEntry, Limit, LinkKey, Mode,
    NetworkId, NodeKey, Place, Ratio, Signature, encode, tagged_hash,
};

use secp256k1::PublicKey;

use super::curve::{Bare, Check};
use super::median;
use crate::process::thread_time;

/// The claimant's entry and those of two relays.
const ENTRIES: u8 = 3;
/// As many neighbours as a relay passes a claim on to, twice.
const OTHERS: u64 = 8;
const NOW_MS: u64 = 1_000_000;
/// The neighbour that all claims come from.
const FROM: Link = Link(0);
const ROUNDS: usize = 5;
/// The kernel counts a thread's time in steps of up to 4 ms: a round is long enough for that not to matter.
const TURNS: u32 = 5;

/// How many claims a second of processor time, and how many there would be if nothing but the curve took time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) claims_per_s: u64,
    pub(super) limit_per_s: u64,
}

impl Rate {
    /// Which part of the limit it is.
    pub(super) fn ratio(&self) -> f64 {
        (self.claims_per_s as f64 / self.limit_per_s as f64 * 1_000.0).round() / 1_000.0
    }
}

/// Both measurements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// Decoded, checked and held; no neighbour to pass it on to.
    pub(super) booked: Rate,
    /// The same, and signed for four neighbours.
    pub(super) passed_on: Rate,
}

/// One claim as it comes from the wire, and what must be computed to believe it.
struct Sample {
    bytes: Vec<u8>,
    bare: Bare,
}

/// Takes so many claims in each round. At most 1,000, or a neighbour's share is full.
pub(super) fn measure(claims: u64) -> Result<Figures> {
    let samples: Vec<Sample> = (0..claims).map(sample).collect::<Result<_>>()?;
    Ok(Figures {
        booked: alternate(&samples, 0)?,
        passed_on: alternate(&samples, OTHERS)?,
    })
}

/// Bare loop and relay in turn on one thread, so that both meet the same machine; medians of the rounds.
fn alternate(samples: &[Sample], others: u64) -> Result<Rate> {
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (mut alone, mut all) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..TURNS {
            alone += timed(|| samples.iter().try_for_each(|sample| sample.bare.run(others > 0)))?;
            all += whole_turn(samples, others)?;
        }
        bare.push(alone);
        whole.push(all);
    }
    let claims = samples.len() * usize::try_from(TURNS)?;
    let per_second = |time: Duration| (claims as f64 / time.as_secs_f64()) as u64;
    Ok(Rate {
        claims_per_s: per_second(median(whole)),
        limit_per_s: per_second(median(bare)),
    })
}

/// How long a relay that knows nothing yet takes for all of the claims.
fn whole_turn(samples: &[Sample], others: u64) -> Result<Duration> {
    let mut relay = relay(others)?;
    let forwards = if others > 0 { relay_config()?.fan_out } else { 0 };
    let took = timed(|| {
        let mut all = samples.iter();
        all.try_for_each(|sample| take(&mut relay, sample, forwards))
    })?;
    let held = relay.statistics().claims;
    ensure!(
        held == samples.len(),
        "expected that every claim is held, {held} are"
    );
    Ok(took)
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = thread_time()?;
    work()?;
    Ok(thread_time()?.saturating_sub(start))
}

fn take(relay: &mut Relay, sample: &Sample, forwards: usize) -> Result<()> {
    let ClaimMessage::Claim(envelope) = ClaimMessage::read(&sample.bytes)? else {
        bail!("expected a claim");
    };
    let taken = relay.claim(FROM, *envelope, NOW_MS)?;
    ensure!(
        taken.first && taken.forward.len() == forwards,
        "expected a new claim that goes on to {forwards}"
    );
    Ok(())
}

fn relay_config() -> Result<RelayConfig> {
    Ok(RelayConfig::new(NetworkId::new("kofo-bench")?, [4; 32]))
}

fn relay(others: u64) -> Result<Relay> {
    let mut relay = Relay::new(relay_config()?);
    for nth in 0..=others {
        let theirs = link_key(&their_secret(nth))?.base();
        relay.link(Link(nth), LinkRole::Relay, link_key(&our_secret(nth))?, theirs);
    }
    Ok(relay)
}

fn our_secret(link: u64) -> Digest {
    tagged_hash("ours", &[&link.to_le_bytes()])
}

fn their_secret(link: u64) -> Digest {
    tagged_hash("theirs", &[&link.to_le_bytes()])
}

fn link_key(secret: &Digest) -> Result<LinkKey> {
    LinkKey::new(secret).context("a digest is a key")
}

fn key(of: &str, nth: u64) -> Result<NodeKey> {
    NodeKey::new(&tagged_hash(of, &[&nth.to_le_bytes()])).context("a digest is a key")
}

fn claim(nth: u64, key: &NodeKey) -> Result<Claim> {
    let on = |id: &str, place: &[u8]| -> Result<ClaimedAsset> {
        Ok(ClaimedAsset {
            asset: AssetId::new(id)?,
            place: Place::new(place)?,
            depth: 6,
        })
    };
    Ok(Claim {
        version: 1,
        network: NetworkId::new("kofo-bench")?,
        mode: Mode::P2P,
        key: key.id(),
        seal_key: self::key("seal", nth)?.id(),
        nonce: tagged_hash("nonce", &[&nth.to_le_bytes()]),
        give: on("bip122:000000000019d6689c085ae165831e93/slip44:0", &[])?,
        want: on("eip155:1/slip44:60", &[0xc0; 20])?,
        give_amount: Amount::new(10_000_000),
        limit: Limit::Stated(Ratio::new(160_000_000_000, 1).context("above 0")?),
        partial: Some(Amount::new(1_000_000)),
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: NOW_MS,
        expires_ms: NOW_MS + 600_000,
    })
}

/// A claim that came over two relays, as its last relay sends it.
fn sample(nth: u64) -> Result<Sample> {
    let claim_key = key("claim", nth)?;
    let claim = claim(nth, &claim_key)?.sign(&claim_key);
    let id = claim.body.id();
    let mut checks = vec![check(
        claim.body.key.as_bytes(),
        *id.as_bytes(),
        &claim.signature,
    )?];
    let us = link_key(&our_secret(0))?.base();
    let mut hop = claim_key;
    let mut path: Vec<HopEntry> = Vec::new();
    for index in 0..ENTRIES {
        let next = key("hop", nth * u64::from(ENTRIES) + u64::from(index))?;
        let named = if index + 1 == ENTRIES {
            us.pseudonym(&id).context("a claim has a pseudonym")?
        } else {
            next.id()
        };
        let previous = path.last().map_or(*id.as_bytes(), HopEntry::digest);
        let entry = HopEntry::sign(&id, (index, previous), &hop, named, (None, None));
        checks.push(check(
            entry.hop_key.as_bytes(),
            signed(&id, &entry),
            &entry.signature,
        )?);
        path.push(entry);
        hop = next;
    }
    let bare = Bare {
        checks,
        base: PublicKey::from_slice(&us.to_bytes())?,
        tweak: tweak(&us.to_bytes(), &id),
        secret: our_secret(0),
        others: (1..=4)
            .map(|link| {
                let base = link_key(&their_secret(link))?.base().to_bytes();
                Ok((PublicKey::from_slice(&base)?, tweak(&base, &id)))
            })
            .collect::<Result<_>>()?,
    };
    let bytes = ClaimMessage::Claim(Box::new(ClaimEnvelope { claim, path })).write();
    Ok(Sample { bytes, bare })
}

fn check(key: &[u8; 32], digest: Digest, signature: &Signature) -> Result<Check> {
    Ok(Check {
        key: *key,
        digest,
        signature: encode(signature).try_into().ok().context("64 bytes")?,
    })
}

/// What a hop signs, by the protocol's text: the bare loop shares no code with what it is held against.
fn signed(id: &ClaimId, entry: &HopEntry) -> Digest {
    let fields = (
        &entry.index,
        &entry.previous,
        &entry.hop_key,
        &entry.next_key,
        &entry.bid,
        &entry.payee,
    );
    tagged_hash("kofo/hop/v1", &[id.as_bytes(), &encode(&fields)])
}

fn tweak(base: &[u8; 33], id: &ClaimId) -> Digest {
    tagged_hash("kofo/hopkey/v1", &[base, id.as_bytes()])
}
