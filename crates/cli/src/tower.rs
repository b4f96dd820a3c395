//! `kofo tower`.

use crate::args::{Scope, TowerCommand, TowerRunArgs};
use crate::node::Node;
use crate::out::Out;
use crate::secrets;
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::TowerStatus;
use kofo_node::watchtower::{LegWatched, SwapWatched, TowerFile, Watchtower};
use kofo_tower::Guests;

pub(crate) async fn run(scope: &Scope, out: &Out, command: TowerCommand) -> anyhow::Result<()> {
    match command {
        TowerCommand::Run(args) => watch(scope, out, args).await,
        TowerCommand::Status => out.result(&TowerFile::load(&scope.data())?, file_text),
        TowerCommand::Add { address } => {
            let node = Node::find(scope)?;
            let added = node.answer(node.client.tower_add(address).await)?;
            out.result(&added, |tower| format!("added {}", tower_line(tower)))
        }
        TowerCommand::List => {
            let node = Node::find(scope)?;
            out.result(&node.answer(node.client.tower_list().await)?, |towers| {
                list_text(towers)
            })
        }
        TowerCommand::Remove { tower } => {
            let node = Node::find(scope)?;
            let removed = node.answer(node.client.tower_remove(tower).await)?;
            out.result(&removed, |tower| format!("removed {}", tower.address))
        }
    }
}

async fn watch(scope: &Scope, out: &Out, args: TowerRunArgs) -> anyhow::Result<()> {
    let guests = if args.open {
        Guests::Anyone
    } else {
        Guests::Only(args.allow.into_iter().collect())
    };
    let tower = Watchtower {
        data: scope.data(),
        passphrase: secrets::passphrase()?,
        network: scope.network.clone(),
        guests,
    };
    let ready = |tower: &TowerFile| {
        out.note(&format!("ready: tower {}", tower.listen.join(" ")));
        for address in &tower.listen {
            out.note(&format!("an owner says: kofo tower add {address}"));
        }
    };
    Ok(tower.run(ready).await?)
}

fn tower_line(tower: &TowerStatus) -> String {
    let behind = match tower.behind {
        0 => String::new(),
        behind => format!(", {behind} still to be given"),
    };
    let trouble = tower
        .trouble
        .as_ref()
        .map(|trouble| format!("\n  {trouble}"))
        .unwrap_or_default();
    format!(
        "{}: keeps {} swaps{behind}{trouble}",
        tower.address, tower.entrusted
    )
}

fn list_text(towers: &[TowerStatus]) -> String {
    if towers.is_empty() {
        return "no towers: add one with `kofo tower add`".to_owned();
    }
    towers.iter().map(tower_line).collect::<Vec<_>>().join("\n")
}

fn file_text(tower: &TowerFile) -> String {
    let mut lines = vec![format!(
        "a tower on network {}, process {}",
        tower.network, tower.pid
    )];
    lines.extend(tower.listen.iter().map(|address| format!("listens {address}")));
    lines.push(match &tower.guests {
        None => "serves  everybody".to_owned(),
        Some(guests) => format!("serves  {}", guests.join(" ")),
    });
    let wallet = tower.wallet.iter();
    lines.extend(wallet.map(|w| format!("pays    {} from {}", w.symbol, w.address)));
    if tower.swaps.is_empty() {
        lines.push("watches nothing".to_owned());
    }
    for swap in &tower.swaps {
        lines.push(swap_text(swap));
    }
    lines.join("\n")
}

fn swap_text(swap: &SwapWatched) -> String {
    let public = if swap.preimage_is_known {
        ", its preimage is known"
    } else {
        ""
    };
    let mut lines = vec![format!("swap {} of {}{public}", swap.swap, swap.owner)];
    lines.extend(swap.legs.iter().map(leg_text));
    lines.join("\n")
}

fn leg_text(leg: &LegWatched) -> String {
    let may = match (&leg.may, leg.sent) {
        (None, _) => "only looks".to_owned(),
        (Some(act), None) => format!("may {act}"),
        (Some(act), Some(sent)) => format!("sent its {act}, level {sent} of {}", leg.levels),
    };
    let trouble = leg
        .trouble
        .as_ref()
        .map(|trouble| format!("; {trouble}"))
        .unwrap_or_default();
    format!("  {} on {}: {}, {may}{trouble}", leg.leg, leg.chain, leg.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tower_that_is_behind_says_why() {
        let tower = TowerStatus {
            peer: "p".into(),
            address: "/memory/1".into(),
            entrusted: 2,
            behind: 1,
            trouble: Some("it is away".into()),
        };
        let line = tower_line(&tower);
        assert_eq!(
            line,
            "/memory/1: keeps 2 swaps, 1 still to be given\n  it is away"
        );
        assert!(list_text(&[]).contains("kofo tower add"));
    }
}
