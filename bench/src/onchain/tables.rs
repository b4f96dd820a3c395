//! What was measured beside what others need.

use super::figures::{Acts, BatchGas, Evm, Figures, Gas, Payouts, Sizes};
use super::limits;
use super::peers::{ActPeer, BtcPeer, EvmPeer, Peers};
use crate::table::{difference, grouped, markdown};

/// Figures with limits, each with the peer that needs least.
pub(crate) fn limits(figures: &Figures, peers: &Peers) -> String {
    let eth = |of: fn(&EvmPeer) -> u64| peers.evm.iter().map(|p| (of(p), p.name.as_str())).min();
    let btc = |of: fn(&BtcPeer) -> u64| peers.btc.iter().map(|p| (of(p), p.name.as_str())).min();
    let by_both = |p: &'_ BtcPeer| p.cooperative.map(|[_, p2tr]| p2tr);
    let coop = peers
        .btc
        .iter()
        .filter_map(|p| Some((by_both(p)?, p.name.as_str())))
        .min();
    let swap = eth(|p| p.eth.swap());
    let refund = eth(|p| p.eth.refund);
    let token_swap = eth(|p| p.erc20.swap());
    let batch = peers.batches.iter().map(|p| (p.swap(), p.name.as_str())).min();
    let best = [
        swap,
        swap,
        refund,
        refund,
        token_swap,
        token_swap,
        batch,
        act(&peers.acts.release),
        None,
        act(&peers.acts.third_party_redeem),
        btc(|p| p.redeem[1]),
        btc(|p| p.refund[1]),
        coop,
        coop,
        None,
    ];
    let mut rows = Vec::new();
    for (limit, best) in limits::all(figures).iter().zip(best) {
        let least = best.map_or(String::new(), |(theirs, _)| grouped(theirs));
        let ours = best.map_or(String::new(), |(theirs, _)| difference(limit.measured, theirs));
        rows.push(vec![
            format!("{} ({})", limit.what, limit.unit),
            grouped(limit.measured),
            grouped(limit.most),
            if limit.missed().is_some() {
                "MISSED"
            } else {
                "holds"
            }
            .to_owned(),
            least,
            ours,
            best.map_or(String::new(), |(_, name)| name.to_owned()),
        ]);
    }
    let head = [
        "figure",
        "measured",
        "limit",
        "",
        "least of a peer",
        "ours",
        "which peer",
    ];
    markdown(&head, &rows)
}

fn act(peer: &ActPeer) -> Option<(u64, &str)> {
    Some((peer.gas, peer.name.as_str()))
}

/// All EVM peers. The last column is what our recycled lane saves.
pub(crate) fn evm(ours: &Evm, peers: &Peers) -> String {
    let row = |name: &str, eth: [u64; 3], erc20: [u64; 3]| {
        let mut row = vec![name.to_owned()];
        for [lock, redeem, refund] in [eth, erc20] {
            row.extend([lock, redeem, refund, lock.saturating_add(redeem)].map(grouped));
        }
        let swap = eth[0].saturating_add(eth[1]);
        row.push(difference(ours.eth.recycled.swap(), swap));
        row
    };
    let own = |gas: &Gas| [gas.lock, gas.redeem, gas.refund];
    let mut rows = vec![
        row(
            "kofo, recycled lane",
            own(&ours.eth.recycled),
            own(&ours.erc20.recycled),
        ),
        row("kofo, first use", own(&ours.eth.first), own(&ours.erc20.first)),
    ];
    for peer in &peers.evm {
        let [eth, erc20] = [peer.eth, peer.erc20].map(|gas| [gas.lock, gas.redeem, gas.refund]);
        rows.push(row(&peer.name, eth, erc20));
    }
    let head = [
        "gas",
        "ETH lock",
        "redeem",
        "refund",
        "lock + redeem",
        "ERC-20 lock",
        "redeem",
        "refund",
        "lock + redeem",
        "ours (ETH, recycled)",
    ];
    let sources = peers
        .evm
        .iter()
        .map(|peer| format!("* {}: {}", peer.name, peer.source));
    let sources = sources.collect::<Vec<_>>().join("\n");
    format!("{}\n\n{}:\n{sources}", markdown(&head, &rows), peers.source)
}

/// Many swaps together.
pub(crate) fn batches(acts: &Acts, peers: &Peers) -> String {
    let own = |name: &str, gas: &BatchGas| {
        vec![
            name.to_owned(),
            grouped(gas.lock),
            grouped(gas.redeem),
            grouped(gas.swap),
        ]
    };
    let mut rows = vec![
        own("kofo, ETH, 32 swaps, recycled lanes", &acts.eth_batch),
        own("kofo, ERC-20, 32 swaps, recycled lanes", &acts.erc20_batch),
    ];
    for peer in &peers.batches {
        rows.push(vec![
            peer.name.clone(),
            grouped(peer.lock),
            grouped(peer.redeem),
            grouped(peer.swap()),
        ]);
    }
    markdown(&["gas per swap", "lock", "redeem", "lock + redeem"], &rows)
}

/// Rarer acts.
pub(crate) fn acts(acts: &Acts, peers: &Peers) -> String {
    let row = |name: &str, gas: u64, peer: Option<(&str, u64)>| {
        let (who, theirs) = peer.map_or((String::new(), String::new()), |(n, g)| {
            (n.to_owned(), grouped(g))
        });
        vec![name.to_owned(), grouped(gas), theirs, who]
    };
    let token = &peers.acts.token_transfer;
    let rows = [
        row(
            "first lock of a lane to be recycled, ETH",
            acts.eth_opening.lock,
            None,
        ),
        row("… its redeem", acts.eth_opening.redeem, None),
        row("… its refund", acts.eth_opening.refund, None),
        row(
            "first lock of a lane to be recycled, ERC-20",
            acts.erc20_opening.lock,
            None,
        ),
        row("… its redeem", acts.erc20_opening.redeem, None),
        row("… its refund", acts.erc20_opening.refund, None),
        row("gasless redeem, ETH, recycled", acts.recycled_redeem_for, None),
        row("cooperative refund, ETH, recycled", acts.recycled_release, None),
        row(
            "transfer of the token alone",
            acts.token_transfer,
            Some((&token.name, token.gas)),
        ),
    ];
    markdown(&["gas", "kofo", "peer", "which"], &rows)
}

/// Spends of one HTLC output to one output.
pub(crate) fn btc(ours: &Payouts, peers: &Peers) -> String {
    let pair = |[p2wpkh, p2tr]: [u64; 2]| format!("{p2wpkh} / {p2tr}");
    let both = |of: fn(&Sizes) -> u64| pair([of(&ours.p2wpkh), of(&ours.p2tr)]);
    let mut rows = vec![vec![
        "kofo".to_owned(),
        both(|s| s.redeem),
        both(|s| s.refund),
        both(|s| s.coop_redeem),
    ]];
    for peer in &peers.btc {
        let cooperative = peer.cooperative.map_or("–".to_owned(), pair);
        rows.push(vec![
            peer.name.clone(),
            pair(peer.redeem),
            pair(peer.refund),
            cooperative,
        ]);
    }
    markdown(
        &["vB, to P2WPKH / to P2TR", "redeem", "refund", "cooperative"],
        &rows,
    )
}
