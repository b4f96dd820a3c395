//! Importance scores: which relays to recommend for a path. Never for money: what divides a fee is `Weight`.
//!
//! After NEM's proof of importance, in integers, and neutral to dividing an identity. Once per epoch, over the nodes `i`
//! with a relay's bond `b_i`, and the fees `f(i→j)` that lately flowed between them, fading as `earnings` do:
//!
//! * `net_i = Σ f(i→j) − Σ f(j→i)`; `adj_i = net_i`, or `−⌊(−net_i)·6/10⌋` where it is negative;
//! * with `norm(v)_i = ⌊v_i·2³²/Σ v⌋` (0 if the sum is): `WO = norm(max(0, 4·b_i + 5·adj_i))` and `tel = norm(b)`;
//! * links `L[j][i] = ⌊pos_i(j)·2³²/t_i⌋` with `pos_i(j) = max(0, f(i→j) − f(j→i))` and `t_i = Σ_j pos_i(j)`, or `tel_j`
//!   where `t_i` is 0;
//! * `pr = tel`, then 32 times `pr_j ← ⌊(7·Σ_i ⌊L[j][i]·pr_i/2³²⌋ + 3·tel_j)/10⌋`;
//! * the score is `norm(WO_i + ⌊pr_i·1337/10000⌋)`.
//!
//! **A flow** is from a bonded hop of a settled order's path to the next bonded one behind it, and as much as the share of
//! the fee that the latter was paid: who brings trades to others sends, who is brought them receives. Only what is in the
//! asset of stakes counts, bonds and flows alike: there is no rate between assets in here. The 1,024 largest bonds are
//! scored.

use crate::book::{BALANCES, BondKind, Purse};
use crate::earnings::Fading;
use crate::ledger::Step;
use crate::proportion::proportion;
use crate::state::{State, Table};
use kofo_primitives::{Amount, AssetId, NodeId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many nodes are scored at most: the links of each to each are counted.
const MAX_SCORED: usize = 1_024;
const ROUNDS: u32 = 32;
const ONE: u128 = 1 << 32;

/// The scores of the last epoch's end.
const SCORES: Table<NodeId, u64> = Table::new(43);
/// From whom to whom.
const FLOWS: Table<(NodeId, NodeId), Fading> = Table::new(44);

/// A node's score, of 2³² in all.
pub(crate) fn importance(state: &State, account: NodeId) -> u64 {
    state.get(&SCORES, &account).unwrap_or(0)
}

/// Part of a settled order's fee went to `to`; `from` is the bonded hop before it on the order's path.
pub(crate) fn flow(step: &mut Step<'_>, from: NodeId, to: NodeId, asset: &AssetId, amount: Amount) {
    if *asset != step.params().stake || from == to || amount == Amount::ZERO {
        return;
    }
    let now = step.time_ms;
    let before = step.state.get(&FLOWS, &(from, to));
    let fading = before.map_or(Fading::new(amount, now), |fading| fading.plus(amount, now));
    step.state.put(&FLOWS, &(from, to), &fading);
}

/// Scores all nodes anew, and forgets flows that have faded.
pub(crate) fn score(step: &mut Step<'_>) {
    let nodes = bonded(step);
    let places: BTreeMap<_, _> = (0..).zip(&nodes).map(|(i, (who, _))| (*who, i)).collect();
    let mut flows = Flows::new();
    let all: Vec<_> = step.state.scan(&FLOWS, &()).collect();
    for ((from, to), fading) in all {
        let left = fading.at(step.time_ms).units();
        if left == 0 {
            step.state.remove(&FLOWS, &(from, to));
        } else if let (Some(i), Some(j)) = (places.get(&from), places.get(&to)) {
            flows.insert((*i, *j), left);
        }
    }
    let before: Vec<_> = step.state.scan(&SCORES, &()).map(|(who, _)| who).collect();
    for who in &before {
        step.state.remove(&SCORES, who);
    }
    let bonds: Vec<_> = nodes.iter().map(|(_, bond)| *bond).collect();
    for ((who, _), score) in nodes.iter().zip(scores(&bonds, &flows)) {
        step.state.put(&SCORES, who, &score);
    }
}

/// The nodes with a relay's bond, the largest first.
fn bonded(step: &Step<'_>) -> Vec<(NodeId, u128)> {
    let params = step.params();
    let least = params.asset(&params.stake).map_or(0, |one| one.min_bond.units());
    let all = step.state.scan(&BALANCES, &BONDS_BEGIN);
    let relays = all.filter_map(|((purse, asset), amount)| {
        let Purse::Bond(who, BondKind::Relay) = purse else {
            return None;
        };
        (asset == params.stake).then_some((who, amount.units()))
    });
    let mut nodes: Vec<_> = relays.filter(|(_, bond)| *bond >= least).collect();
    nodes.sort_by_key(|(who, bond)| (Reverse(*bond), *who));
    nodes.truncate(MAX_SCORED);
    nodes
}

/// As the purses of bonds begin.
const BONDS_BEGIN: u8 = 2;

/// What flowed, by the places of both.
type Flows = BTreeMap<(usize, usize), u128>;

fn scores(bonds: &[u128], flows: &Flows) -> Vec<u64> {
    let (bonds, flows) = scaled(bonds, flows);
    let worth = norm(&worth(&bonds, &flows));
    let rank = rank(&norm(&bonds), &links(bonds.len(), &flows));
    let both = worth.iter().zip(rank);
    let both = both.map(|(worth, rank)| worth.saturating_add(rank.saturating_mul(1_337) / 10_000));
    let scores = norm(&both.collect::<Vec<_>>()).into_iter();
    scores
        .map(|score| u64::try_from(score).expect("a part of 2^32"))
        .collect()
}

/// Divides all by the same power of two, so that no sum can overflow: bonds of more than 2¹⁰⁰ units lose their last digits.
fn scaled(bonds: &[u128], flows: &Flows) -> (Vec<u128>, Flows) {
    let most = bonds.iter().chain(flows.values()).copied().max().unwrap_or(0);
    let shift = u128::BITS
        .saturating_sub(most.leading_zeros())
        .saturating_sub(100);
    let less = |amount: &u128| amount.wrapping_shr(shift);
    let flows = flows.iter().map(|(at, amount)| (*at, less(amount)));
    (bonds.iter().map(less).collect(), flows.collect())
}

fn norm(parts: &[u128]) -> Vec<u128> {
    let total = parts.iter().fold(0u128, |sum, part| sum.saturating_add(*part));
    let one = |part: &u128| match total {
        0 => 0,
        total => proportion(ONE, *part, total).0,
    };
    parts.iter().map(one).collect()
}

/// `max(0, 4·b + 5·adj)`.
fn worth(bonds: &[u128], flows: &Flows) -> Vec<u128> {
    let mut sums = vec![(0u128, 0u128); bonds.len()];
    for ((from, to), amount) in flows {
        if let Some((sent, _)) = sums.get_mut(*from) {
            *sent = sent.saturating_add(*amount);
        }
        if let Some((_, received)) = sums.get_mut(*to) {
            *received = received.saturating_add(*amount);
        }
    }
    let one = |(bond, (sent, received)): (&u128, (u128, u128))| {
        let gain = sent.saturating_sub(received).saturating_mul(5);
        let loss = proportion(received.saturating_sub(sent), 6, 10)
            .0
            .saturating_mul(5);
        bond.saturating_mul(4).saturating_add(gain).saturating_sub(loss)
    };
    bonds.iter().zip(sums).map(one).collect()
}

/// For each node where it links to, and how much of 2³² of it; nothing for one that sends nothing in balance.
fn links(count: usize, flows: &Flows) -> Vec<Vec<(usize, u128)>> {
    let mut links = vec![Vec::new(); count];
    for ((from, to), amount) in flows {
        let back = flows.get(&(*to, *from)).copied().unwrap_or(0);
        let more = amount.saturating_sub(back);
        if let Some(row) = links.get_mut(*from)
            && more > 0
        {
            row.push((*to, more));
        }
    }
    for row in &mut links {
        let parts: Vec<_> = row.iter().map(|(_, amount)| *amount).collect();
        for ((_, amount), part) in row.iter_mut().zip(norm(&parts)) {
            *amount = part;
        }
    }
    links
}

fn rank(tel: &[u128], links: &[Vec<(usize, u128)>]) -> Vec<u128> {
    let times = |a: u128, b: u128| a.saturating_mul(b) / ONE;
    let mut rank = tel.to_vec();
    for _ in 0..ROUNDS {
        let mut sums = vec![0u128; rank.len()];
        for (row, of) in links.iter().zip(&rank) {
            if row.is_empty() {
                for (sum, tel) in sums.iter_mut().zip(tel) {
                    *sum = sum.saturating_add(times(*tel, *of));
                }
            }
            for (to, link) in row {
                if let Some(sum) = sums.get_mut(*to) {
                    *sum = sum.saturating_add(times(*link, *of));
                }
            }
        }
        let next = sums.iter().zip(tel);
        rank = next
            .map(|(sum, tel)| sum.saturating_mul(7).saturating_add(tel.saturating_mul(3)) / 10)
            .collect();
    }
    rank
}

#[cfg(test)]
mod tests;
