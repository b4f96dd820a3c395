//! What `kofo top` asks the node.

use crate::node::Node;
use kofo_node::clock;
use kofo_node::config::Config;
use kofo_node::rpc::types::{BookShown, NodeStatus, OutcomeName, PeerStatus, SwapStatus, ValidatorShown};
use kofo_node::rpc::{ClearingRpcClient, MarketRpcClient, NodeRpcClient};
use kofo_primitives::{Seconds, UnixTime};
use serde::Serialize;
use std::path::Path;

/// So many swaps are asked for: more than any screen has lines.
const MOST_SWAPS: u32 = 100;
/// So many books are asked for.
const MOST_BOOKS: usize = 4;
/// A deadline nearer than this is an alarm.
const NEAR: Seconds = Seconds::minutes(15);

/// All that is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct View {
    pub(super) status: NodeStatus,
    /// Those that go on first, youngest first, then those that ended.
    pub(super) swaps: Vec<SwapStatus>,
    pub(super) peers: Vec<PeerStatus>,
    /// The books in which there is something.
    pub(super) books: Vec<BookShown>,
    /// `None`: the node knows no clearance layer.
    pub(super) validators: Option<Vec<ValidatorShown>>,
    pub(super) alarms: Vec<String>,
    /// When it was seen, in milliseconds.
    pub(super) at_ms: u64,
    /// Why what is shown is old.
    pub(super) silent: Option<String>,
}

/// Asks the node.
pub(super) async fn look(node: &Node, data: &Path) -> anyhow::Result<View> {
    let client = &node.client;
    let status = node.answer(client.node_status().await)?;
    let live = node.answer(client.swap_list(None, Some(MOST_SWAPS), Some(true)).await)?;
    let all = node.answer(client.swap_list(None, Some(MOST_SWAPS), Some(false)).await)?;
    let mut swaps = live.swaps;
    swaps.extend(all.swaps.into_iter().filter(|swap| swap.outcome.is_some()));
    let peers = node.answer(client.peers_list().await)?;
    let books = books(node, data).await;
    // A node without a clearance layer refuses: there is nothing to show.
    let validators = client.ledger_status().await.ok().map(|shown| shown.validators);
    let mut view = View {
        status,
        swaps,
        peers,
        books,
        validators,
        alarms: Vec::new(),
        at_ms: clock::now_ms(),
        silent: None,
    };
    view.alarms = alarms(&view);
    Ok(view)
}

/// The books of the node's own pairs in which there is something; none where the configuration cannot be read.
async fn books(node: &Node, data: &Path) -> Vec<BookShown> {
    let Ok(config) = Config::load(data) else {
        return Vec::new();
    };
    let assets = config.assets();
    let symbols: Vec<_> = assets.iter().map(|asset| asset.symbol.clone()).collect();
    let [one, other, ..] = symbols.as_slice() else {
        return Vec::new();
    };
    let Ok(any) = node.client.book_show(format!("{one}/{other}")).await else {
        return Vec::new();
    };
    let ours = |pair: &&String| {
        pair.split_once('/').is_some_and(|(a, b)| {
            symbols.iter().any(|symbol| symbol == a) && symbols.iter().any(|symbol| symbol == b)
        })
    };
    let mut books = Vec::new();
    for pair in any.pairs.iter().filter(ours).take(4 * MOST_BOOKS) {
        if let Ok(book) = node.client.book_show(pair.clone()).await
            && !(book.asks.is_empty() && book.bids.is_empty())
        {
            books.push(book);
        }
        if books.len() == MOST_BOOKS {
            break;
        }
    }
    books
}

/// What somebody should look at, a line each.
pub(super) fn alarms(view: &View) -> Vec<String> {
    let mut alarms = Vec::new();
    for swap in &view.swaps {
        let id = short(&swap.id.to_string());
        if swap.outcome == Some(OutcomeName::Lost) {
            alarms.push(format!("swap {id} was lost: this node was away past a timelock"));
        }
        if swap.outcome.is_some() {
            continue;
        }
        if let Some(left) = left(view, swap).filter(|left| *left <= NEAR && !swap.at_risk.is_empty()) {
            alarms.push(format!("swap {id} has {left} left"));
        }
        if let Some(trouble) = &swap.trouble {
            alarms.push(format!("swap {id}: {trouble}"));
        }
    }
    for chain in &view.status.chains {
        if let Some(trouble) = &chain.trouble {
            alarms.push(format!("{}: {trouble}", chain.chain));
        }
    }
    alarms.extend(view.status.market.iter().cloned());
    for validator in view.validators.iter().flatten() {
        if let Some(trouble) = &validator.trouble {
            alarms.push(format!("validator {}: {trouble}", validator.service));
        }
    }
    alarms
}

/// The time to a swap's deadline, by the time of its chain; nothing left is 0.
pub(super) fn left(view: &View, swap: &SwapStatus) -> Option<Seconds> {
    let deadline = swap.deadline.as_ref()?;
    let chain = view
        .status
        .chains
        .iter()
        .find(|chain| chain.chain == deadline.chain)?;
    Some(UnixTime(chain.time?).until(UnixTime(deadline.at)))
}

/// The first eight characters.
pub(super) fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
