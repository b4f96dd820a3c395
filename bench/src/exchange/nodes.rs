//! A hundred nodes on one machine over links that take their time: how fast a claim is known, and how fast quotes are
//! back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kofo_exchange::{ClaimMessage, ClaimReply};
use kofo_network::{PeerId, Plane, SimulatedNetwork};
use kofo_node::config::NodeRole;
use kofo_node::market::Market;
use kofo_primitives::ClaimId;
use kofo_tests::mesh::{Crowd, Roll, Tap, Told, Wish, terms};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// One way over one link.
const LATENCY: std::ops::RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_millis(80);
const SEED: u64 = 100;
/// Between two claims: the machine is one and the nodes many, and what waits for a processor is not the network's.
const PAUSE: Duration = Duration::from_millis(500);
/// How many of which, and how many claims the wallets make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    wallets: u64,
    relays: u64,
    providers: u64,
    claims: u64,
    /// Quotes are waited for so long.
    window: Duration,
}

impl Scale {
    pub(super) const fn all(&self) -> u64 {
        self.wallets + self.relays + self.providers
    }
}

pub(super) const FULL: Scale = Scale {
    wallets: 10,
    relays: 80,
    providers: 10,
    claims: 40,
    // As long as a claimant waits, and a little more.
    window: Duration::from_secs(4),
};
pub(super) const FEW: Scale = Scale {
    wallets: 2,
    relays: 15,
    providers: 3,
    claims: 3,
    // Without optimisation, and perhaps beside a compiler.
    window: Duration::from_secs(8),
};

/// What was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figures {
    /// Until 95 % of relays and providers know a claim: median of the claims.
    p95_known_ms: u64,
    /// From the claim to a quote at its claimant: all quotes of all claims.
    quotes_median_ms: u64,
    /// The same, for 95 % of them.
    quotes_p95_ms: u64,
    /// What all nodes said to each other about claims, by claims and nodes.
    bytes_per_claim_node: u64,
    #[serde(skip)]
    beyond: Beyond,
}

/// What people are told besides.
#[derive(Clone, Copy, Debug)]
struct Beyond {
    claims: u64,
    slowest_known_ms: u64,
    known_by: f64,
    first_quote_ms: u64,
    quotes: f64,
}

impl Figures {
    /// What people read.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let row = |what: String, figure: String| vec![what, figure];
        let of = format!("median of {} claims", self.beyond.claims);
        vec![
            row(
                format!("95 % of relays and providers know a claim, ms ({of})"),
                self.p95_known_ms.to_string(),
            ),
            row(
                "the same, slowest claim, ms".to_owned(),
                self.beyond.slowest_known_ms.to_string(),
            ),
            row(
                "relays and providers that know it at last".to_owned(),
                format!("{:.1}%", self.beyond.known_by * 100.0),
            ),
            row(
                format!("first quote, ms ({of})"),
                self.beyond.first_quote_ms.to_string(),
            ),
            row(
                "all quotes, median, ms".to_owned(),
                self.quotes_median_ms.to_string(),
            ),
            row(
                "all quotes, 95th percentile, ms".to_owned(),
                self.quotes_p95_ms.to_string(),
            ),
            row(
                "quotes for a claim".to_owned(),
                format!("{:.1}", self.beyond.quotes),
            ),
            row(
                "bytes per claim and node".to_owned(),
                self.bytes_per_claim_node.to_string(),
            ),
        ]
    }
}

/// One claim and when which quote was there.
struct Asked {
    id: ClaimId,
    at: Instant,
    quotes: Vec<Duration>,
}

pub(super) async fn measure(scale: Scale) -> Result<Figures> {
    let air = SimulatedNetwork::new(SEED);
    air.set_latency(LATENCY);
    let crowd = Crowd::gather(air, SEED, roll(scale), Tap::default()).await;
    let before = crowd.tap.told().len();
    let asked = ask(&crowd, scale).await?;
    let told = crowd.tap.told();
    let told = told.get(before..).unwrap_or_default();
    let known = known(told, &asked)?;
    let takers: BTreeSet<PeerId> = crowd
        .members
        .iter()
        .filter(|member| member.role != NodeRole::Wallet)
        .map(|member| member.peer)
        .collect();
    figures(&asked, &known, (told, &takers), scale)
}

fn roll(scale: Scale) -> Roll {
    let wallets = (0..scale.wallets).map(Wish::wallet);
    let relays = (0..scale.relays).map(|nth| Wish::relay(1_000 + nth));
    let providers = (0..scale.providers).map(|nth| Wish::provider(2_000 + nth, &format!("16.{nth}"), "10"));
    Roll {
        members: wallets.chain(relays).chain(providers).collect(),
        droppers: 0,
    }
}

/// The wallets ask in turn.
async fn ask(crowd: &Crowd, scale: Scale) -> Result<Vec<Asked>> {
    let (mut pause, mut waiting) = (interval(PAUSE), JoinSet::new());
    let wallets = crowd
        .members
        .iter()
        .filter(|member| member.role == NodeRole::Wallet);
    for wallet in wallets.cycle().take(usize::try_from(scale.claims)?) {
        pause.tick().await;
        waiting.spawn(quotes(Arc::clone(&wallet.market), scale.window));
    }
    waiting.join_all().await.into_iter().collect()
}

async fn quotes(market: Arc<Market>, window: Duration) -> Result<Asked> {
    let at = Instant::now();
    let mut changes = market.changes();
    let id = market.claim(terms(1_000_000)).await?;
    let mut quotes = Vec::new();
    // Ends by the time being over.
    let _over = timeout(window, async {
        while let Ok(status) = market.claim_status(&id) {
            quotes.resize(status.quotes.len().max(quotes.len()), at.elapsed());
            if changes.changed().await.is_err() {
                return;
            }
        }
    })
    .await;
    Ok(Asked { id, at, quotes })
}

/// When each node was known to have each claim: when the answer to the first who told it was back.
fn known(told: &[Told], asked: &[Asked]) -> Result<BTreeMap<ClaimId, BTreeMap<PeerId, Duration>>> {
    let began: BTreeMap<_, _> = asked.iter().map(|one| (one.id, one.at)).collect();
    let mut known: BTreeMap<ClaimId, BTreeMap<PeerId, Duration>> = BTreeMap::new();
    for one in told.iter().filter(|one| one.plane == Plane::Claim) {
        let ClaimMessage::Claim(envelope) = ClaimMessage::read(&one.body)? else {
            continue;
        };
        let id = envelope.claim.body.id();
        let taken = one
            .answer
            .as_ref()
            .is_some_and(|answer| ClaimReply::read(answer) == Ok(ClaimReply::Taken));
        let Some(began) = began.get(&id).filter(|_| taken) else {
            continue;
        };
        let after = one.over.saturating_duration_since(*began);
        let of = known.entry(id).or_default().entry(one.to).or_insert(after);
        *of = after.min(*of);
    }
    Ok(known)
}

fn figures(
    asked: &[Asked],
    known: &BTreeMap<ClaimId, BTreeMap<PeerId, Duration>>,
    (told, takers): (&[Told], &BTreeSet<PeerId>),
    scale: Scale,
) -> Result<Figures> {
    let wanted = (takers.len() * 95).div_ceil(100);
    let (mut until, mut reached) = (Vec::new(), 0);
    for one in asked {
        let of = known.get(&one.id).context("a claim that nobody took")?;
        let mut times: Vec<_> = of
            .iter()
            .filter(|(peer, _)| takers.contains(peer))
            .map(|(_, time)| *time)
            .collect();
        reached += times.len();
        times.sort_unstable();
        let Some(time) = times.get(wanted - 1) else {
            bail!(
                "expected that {wanted} of {} nodes know a claim, {} do",
                takers.len(),
                times.len()
            );
        };
        until.push(*time);
    }
    until.sort_unstable();
    let mut quotes: Vec<_> = asked.iter().flat_map(|one| one.quotes.iter().copied()).collect();
    quotes.sort_unstable();
    let mut first: Vec<_> = asked
        .iter()
        .filter_map(|one| one.quotes.first().copied())
        .collect();
    first.sort_unstable();
    ensure!(
        first.len() == asked.len(),
        "expected a quote for every claim, {} of {} have one",
        first.len(),
        asked.len()
    );
    let bytes: usize = told
        .iter()
        .map(|one| one.body.len() + one.answer.as_ref().map_or(0, Vec::len))
        .sum();
    Ok(Figures {
        p95_known_ms: at(&until, 50)?,
        quotes_median_ms: at(&quotes, 50)?,
        quotes_p95_ms: at(&quotes, 95)?,
        bytes_per_claim_node: u64::try_from(bytes)? / scale.claims / scale.all(),
        beyond: Beyond {
            claims: scale.claims,
            slowest_known_ms: at(&until, 100)?,
            known_by: reached as f64 / (asked.len() * takers.len()) as f64,
            first_quote_ms: at(&first, 50)?,
            quotes: quotes.len() as f64 / asked.len() as f64,
        },
    })
}

/// The smallest of the sorted times that so many percent do not exceed, in ms.
fn at(times: &[Duration], percent: usize) -> Result<u64> {
    let place = (times.len() * percent).div_ceil(100).max(1) - 1;
    let time = times.get(place).context("nothing was measured")?;
    Ok(u64::try_from(time.as_millis())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<_> = (1..=20).map(Duration::from_millis).collect();
        assert_eq!(
            [50, 95, 100].map(|percent| at(&times, percent).unwrap()),
            [10, 19, 20]
        );
        assert_eq!(at(&times[..1], 50).unwrap(), 1);
        assert!(at(&[], 50).is_err());
    }
}
