//! Real orders: a claim over two relays, a quote, the way back and the choice, all of it signed and sealed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use kofo_clearance::SubmittedOrder;
use kofo_primitives::{
    Amount, AssetId, Bytes, Claim, ClaimId, ClaimedAsset, Digest, FeePayer, FeeTerms, Fulfil, FulfilId,
    FulfilTerms, HopEntry, HopOpening, Limit, Mode, NetworkId, NodeId, NodeKey, Opening, Party, Payment,
    Place, Preimage, Ratio, Reservation, ReturnEntry, Select, SwapNonce, UnixTime, order_id, tagged_hash,
};

/// So many there are of each kind of accounts and keys.
pub(super) const EACH: u64 = 64;
/// Of each order.
pub(super) const FEE: u128 = 300_000;
const RESERVE: u128 = 10_000;
/// As long as a claim may live: orders are signed before the clock runs.
const LIFE_MS: u64 = 600_000;

/// What a key is for. The first four are accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Pays fees.
    Claimant,
    /// Reserves of its bond.
    Provider,
    /// Is paid through its bond.
    Relay,
    /// Validators and the foundation, where they have no seed.
    Other,
    /// Signs claims.
    Claim,
    /// Gets what is sealed to the claimant.
    Seal,
    /// Signs quotes.
    Quote,
    /// The pseudonym of the claimant's neighbour.
    Near,
    /// That of the provider's.
    Far,
}

const KINDS: [Kind; 9] = [
    Kind::Claimant,
    Kind::Provider,
    Kind::Relay,
    Kind::Other,
    Kind::Claim,
    Kind::Seal,
    Kind::Quote,
    Kind::Near,
    Kind::Far,
];

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Claimant => "claimant",
            Self::Provider => "provider",
            Self::Relay => "relay",
            Self::Other => "other",
            Self::Claim => "claim",
            Self::Seal => "seal",
            Self::Quote => "quote",
            Self::Near => "near",
            Self::Far => "far",
        }
    }
}

/// What fees, bonds and stakes are in.
pub(super) fn money() -> Result<AssetId> {
    Ok(AssetId::new("kofo:bench/fee:kofo")?)
}

pub(super) fn network() -> Result<NetworkId> {
    Ok(NetworkId::new("kofo-bench")?)
}

fn digest(of: &str, nth: u64) -> Digest {
    tagged_hash(of, &[&nth.to_le_bytes()])
}

/// The key of whoever is the nth of a kind, of [`EACH`].
pub(super) fn key(of: Kind, nth: u64) -> Result<&'static NodeKey> {
    static KEYS: OnceLock<BTreeMap<(Kind, u64), NodeKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let all = KINDS
            .into_iter()
            .flat_map(|of| (0..EACH).map(move |nth| (of, nth)));
        all.filter_map(|(of, nth)| Some(((of, nth), NodeKey::new(&digest(of.name(), nth))?)))
            .collect()
    });
    keys.get(&(of, nth % EACH)).context("a digest is a key")
}

/// By which openings are sealed to the validators.
pub(super) fn committee() -> Digest {
    digest("committee", 0)
}

fn committee_key() -> Result<NodeKey> {
    NodeKey::new(&committee()).context("a digest is a key")
}

/// The two sides of all orders.
pub(super) const GIVEN: &str = "bip122:000000000019d6689c085ae165831e93/slip44:0";
pub(super) const WANTED: &str = "eip155:1/slip44:60";

fn claim(nth: u64, now_ms: u64) -> Result<Claim> {
    let on = |id: &str, place: &[u8]| -> Result<ClaimedAsset> {
        Ok(ClaimedAsset {
            asset: AssetId::new(id)?,
            place: Place::new(place)?,
            depth: 6,
        })
    };
    Ok(Claim {
        version: 1,
        network: network()?,
        mode: Mode::Cleared,
        key: key(Kind::Claim, nth)?.id(),
        seal_key: key(Kind::Seal, nth)?.id(),
        nonce: digest("nonce", nth),
        give: on(GIVEN, &[])?,
        want: on(WANTED, &[0xc0; 20])?,
        give_amount: Amount::new(10_000_000),
        limit: Limit::Stated(Ratio::new(160_000_000_000, 1).context("above 0")?),
        partial: None,
        fee: FeeTerms::Pool {
            asset: money()?,
            amount: Amount::new(FEE),
            payer: FeePayer::Claimant,
        },
        balance: None,
        max_hops: 8,
        created_ms: now_ms,
        expires_ms: now_ms + LIFE_MS,
    })
}

/// A party's ends of both legs.
pub(super) fn opening(of: &str, nth: u64) -> Result<Opening> {
    Ok(Opening {
        alpha: Party::new(digest(of, nth))?,
        beta: Party::new([&[7], digest(of, nth).as_slice()].concat())?,
        contacts: Vec::new(),
        salt: digest(of, nth),
    })
}

fn terms(nth: u64, claim: &Claim, id: &ClaimId) -> Result<FulfilTerms> {
    let at = |seconds| UnixTime(claim.created_ms / 1_000 + seconds);
    let reserve = Some((money()?, Amount::new(RESERVE)));
    let (bond, quote) = (key(Kind::Provider, nth)?, key(Kind::Quote, nth)?.id());
    Ok(FulfilTerms {
        give: claim.give_amount,
        want: Amount::new(1_600_000_000_000_000_000),
        alpha_timelock: at(24 * 3_600),
        beta_timelock: at(12 * 3_600),
        alpha_lock_by: at(2 * 3_600),
        beta_lock_by: at(4 * 3_600),
        redeem_by: at(8 * 3_600),
        premium_bps: 0,
        nonce: SwapNonce::new(digest("theirs", nth)),
        opening: opening("provider's", nth)?.commit(),
        reservation: Reservation::sign(bond, nth, reserve, id, &quote),
    })
}

/// Whom the two relays of an order are paid through.
pub(super) fn payees(nth: u64) -> Result<[HopOpening; 2]> {
    let of = |relay| -> Result<HopOpening> {
        Ok(HopOpening {
            payee: account(Kind::Relay, relay)?,
            salt: digest("payee", nth),
        })
    };
    Ok([of(nth)?, of(nth + 1)?])
}

/// The claimant's entry and those of two relays.
fn path(nth: u64, id: &ClaimId, payees: &[HopOpening; 2]) -> Result<Vec<HopEntry>> {
    let hops = [
        (key(Kind::Claim, nth)?, None),
        (key(Kind::Near, nth)?, Some(payees[0].commit())),
        (key(Kind::Far, nth)?, Some(payees[1].commit())),
    ];
    let next = [hops[1].0.id(), hops[2].0.id(), key(Kind::Quote, nth)?.id()];
    let (mut previous, mut path) = (*id.as_bytes(), Vec::new());
    for (index, ((hop, payee), next)) in (0..).zip(hops.iter().zip(next)) {
        let entry = HopEntry::sign(id, (index, previous), hop, next, (None, *payee));
        previous = entry.digest();
        path.push(entry);
    }
    Ok(path)
}

/// The way back; with `sealing` each hop seals to the validators whom it is paid through.
fn returns(nth: u64, id: &ClaimId, fulfil: &FulfilId, sealing: bool) -> Result<Vec<ReturnEntry>> {
    let (to, mut previous, mut back) = (committee_key()?.id(), *fulfil.as_bytes(), Vec::new());
    let [near, far] = payees(nth)?;
    for (index, of, payee) in [(2, Kind::Far, far), (1, Kind::Near, near)] {
        let seal = || payee.seal(id, &to, &digest(of.name(), nth));
        let sealed = sealing.then(seal).transpose()?;
        let entry = ReturnEntry::sign(index, previous, sealed, key(of, nth)?);
        previous = entry.digest();
        back.push(entry);
    }
    Ok(back)
}

fn fulfil(nth: u64, claim: &Claim, terms: &FulfilTerms, path: &[HopEntry], sealing: bool) -> Result<Fulfil> {
    let id = claim.id();
    let (mut sealed, mut for_validators) = (Bytes::new([])?, None);
    if sealing {
        sealed = terms.seal(&id, &claim.seal_key, &digest("terms", nth))?;
        let opening = opening("provider's", nth)?.seal(&id, &committee_key()?.id(), &digest("eph", nth))?;
        for_validators = Some(Bytes::new(opening.as_slice())?);
    }
    Ok(Fulfil {
        version: 1,
        network: network()?,
        claim: id,
        path: path.last().context("a path")?.digest(),
        key: key(Kind::Quote, nth)?.id(),
        terms: terms.digest(),
        sealed,
        for_validators,
        expires_ms: claim.expires_ms,
    })
}

/// The nth order, made at that time, as its claimant submits it. Without `sealing` nothing in it is sealed to anybody,
/// which validators do not look at once an order is in their hands.
pub(super) fn order(nth: u64, now_ms: u64, sealing: bool) -> Result<SubmittedOrder> {
    let claim = claim(nth, now_ms)?;
    let id = claim.id();
    let (terms, path) = (terms(nth, &claim, &id)?, path(nth, &id, &payees(nth)?)?);
    let fulfil = fulfil(nth, &claim, &terms, &path, sealing)?;
    let returns = returns(nth, &id, &fulfil.id(), sealing)?;
    let select = Select {
        version: 1,
        network: network()?,
        claim: id,
        fulfil: fulfil.id(),
        hashlock: Preimage::new(digest("preimage", nth)).hashlock(),
        nonce: SwapNonce::new(digest("ours", nth)),
        opening: opening("claimant's", nth)?.commit(),
        limit: None,
        returns: returns.last().context("a way back")?.digest(),
        fee_root: [0; 32],
        for_validators: None,
    };
    let account = key(Kind::Claimant, nth)?;
    let payment = Payment {
        version: 1,
        network: network()?,
        order: order_id(&claim, &fulfil, &select),
        account: account.id(),
    };
    let claim_key = key(Kind::Claim, nth)?;
    Ok(SubmittedOrder {
        select: select.sign(claim_key),
        claim: claim.sign(claim_key),
        path,
        fulfil: fulfil.sign(key(Kind::Quote, nth)?),
        terms,
        returns,
        claimant: opening("claimant's", nth)?,
        payment: Some(payment.sign(account)),
    })
}

/// So many orders from the nth on, made now on all cores.
pub(super) fn orders(from: u64, count: u64, now_ms: u64) -> Result<Vec<SubmittedOrder>> {
    let threads = super::threads();
    let share = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let made: Vec<_> = (0..threads)
            .map(|part| (from + part * share, from + ((part + 1) * share).min(count)))
            .map(|(first, end)| {
                scope.spawn(move || {
                    (first..end)
                        .map(|nth| order(nth, now_ms, true))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let mut all = Vec::new();
        for part in made {
            all.extend(
                part.join()
                    .map_err(|_| anyhow::anyhow!("a thread that signs orders died"))??,
            );
        }
        Ok(all)
    })
}

/// The account of whoever is the nth of a kind.
pub(super) fn account(of: Kind, nth: u64) -> Result<NodeId> {
    Ok(key(of, nth)?.id())
}
