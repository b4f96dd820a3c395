//! `kofo ledger`, `kofo bond`, `kofo delegate`, `kofo stake`, `kofo reward`: accounts of the network's ledger, and what
//! their owners do with them. An act is done when it is in the ledger.

mod show;

use crate::args::{
    BondArgs, BondAs, Delegation, LedgerCommand, RewardArgs, RewardCommand, Scope, StakeCommand,
};
use crate::node::Node;
use crate::out::Out;
use jsonrpsee::core::ClientError;
use kofo_node::rpc::ClearingRpcClient;
use kofo_node::rpc::types::{ActDone, Id};
use std::time::Duration;

/// Whoever waits longer is told what for.
const SILENCE: Duration = Duration::from_secs(2);

/// Waits for what the validators are to do, and says so if it takes a while.
pub(crate) async fn patiently<T>(out: &Out, answer: impl Future<Output = T>) -> T {
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        () = tokio::time::sleep(SILENCE) => {
            out.note("waiting for the validators…");
            answer.await
        }
    }
}

pub(crate) async fn run(scope: &Scope, out: &Out, command: LedgerCommand) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    match command {
        LedgerCommand::Status => {
            let status = patiently(out, node.client.ledger_status()).await;
            out.result(&node.answer(status)?, show::clearance)
        }
        LedgerCommand::Account { key } => {
            let account = patiently(out, node.client.ledger_account(key)).await;
            out.result(&node.answer(account)?, show::account)
        }
        LedgerCommand::Transfer { to, amount } => {
            let said = format!("gave {amount} to {to}");
            done(&node, out, node.client.ledger_transfer(to, amount), &said).await
        }
        LedgerCommand::Grant { to, points } => {
            let said = format!("gave {points} points to {to}");
            done(&node, out, node.client.ledger_grant(to, points), &said).await
        }
    }
}

/// Has an act done and shows the account after it.
async fn done(
    node: &Node,
    out: &Out,
    act: impl Future<Output = Result<ActDone, ClientError>>,
    said: &str,
) -> anyhow::Result<()> {
    let done = node.answer(patiently(out, act).await)?;
    out.result(&done, |done| format!("{said}\n{}", show::account(&done.account)))
}

const fn kind(kind: BondAs) -> &'static str {
    match kind {
        BondAs::Provider => "provider",
        BondAs::Relay => "relay",
    }
}

pub(crate) async fn bond(scope: &Scope, out: &Out, args: BondArgs) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let kind = kind(args.kind);
    let said = format!("bonded {} as {kind}", args.amount);
    done(
        &node,
        out,
        node.client.bond_add(kind.to_owned(), args.amount),
        &said,
    )
    .await
}

pub(crate) async fn unbond(scope: &Scope, out: &Out, args: BondArgs) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let kind = kind(args.kind);
    let said = format!("{} of the bond as {kind} is on its way back", args.amount);
    done(
        &node,
        out,
        node.client.bond_remove(kind.to_owned(), args.amount),
        &said,
    )
    .await
}

pub(crate) async fn delegate(scope: &Scope, out: &Out, to: Delegation) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let said = format!("validator {} is backed by {}", to.validator, to.amount);
    done(
        &node,
        out,
        node.client.delegate_add(to.validator, to.amount),
        &said,
    )
    .await
}

pub(crate) async fn undelegate(scope: &Scope, out: &Out, from: Delegation) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let said = format!(
        "{} is on its way back from validator {}",
        from.amount, from.validator
    );
    done(
        &node,
        out,
        node.client.delegate_remove(from.validator, from.amount),
        &said,
    )
    .await
}

pub(crate) async fn stake(scope: &Scope, out: &Out, command: StakeCommand) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let client = &node.client;
    match command {
        StakeCommand::Add(args) => {
            let said = format!("staked {}", args.amount);
            done(
                &node,
                out,
                client.stake_add(args.key, args.commission, args.amount),
                &said,
            )
            .await
        }
        StakeCommand::Remove { amount } => {
            let said = format!("{amount} of the stake is on its way back");
            done(&node, out, client.stake_remove(amount), &said).await
        }
        StakeCommand::Observe { chains } => {
            let said = format!("observes {} from the next epoch on", some(&chains, "no chain"));
            done(&node, out, client.stake_observe(chains), &said).await
        }
        StakeCommand::List { pairs } => {
            let said = format!("listed {}", some(&pairs, "no pair"));
            done(&node, out, client.stake_list(pairs), &said).await
        }
        StakeCommand::Unjail => done(&node, out, client.stake_unjail(), "may be elected again").await,
    }
}

fn some(names: &[String], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    names.join(", ")
}

pub(crate) async fn reward(scope: &Scope, out: &Out, args: RewardArgs) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    match args.command {
        None => {
            let own: Option<Id> = None;
            let account = patiently(out, node.client.ledger_account(own)).await;
            out.result(&node.answer(account)?, show::rewards)
        }
        Some(RewardCommand::Collect) => {
            done(&node, out, node.client.reward_collect(), "collected all rewards").await
        }
    }
}
