//! `kofo wallet`.

use crate::args::{InitArgs, RestoreArgs, Scope, WalletCommand};
use crate::failure::Usage;
use crate::node::Node;
use crate::out::Out;
use crate::{init, secrets};
use anyhow::Context;
use kofo_node::backup::MAX_BACKUP_BYTES;
use kofo_node::config::Config;
use kofo_node::files;
use kofo_node::keystore::KdfCost;
use kofo_node::restore::restore;
use kofo_node::rpc::types::Balance;
use kofo_node::rpc::{KeysRpcClient, NodeRpcClient};
use serde_json::json;
use std::path::Path;

/// A configuration has far fewer bytes.
const MAX_CONFIG: u64 = 1024 * 1024;

pub(crate) async fn run(scope: &Scope, out: &Out, command: WalletCommand) -> anyhow::Result<()> {
    match command {
        WalletCommand::New(chains) => {
            let args = InitArgs {
                restore: false,
                chains,
            };
            init::run(scope, out, args).await
        }
        WalletCommand::Address { asset } => {
            let node = Node::find(scope)?;
            let address = node.answer(node.client.wallet_address(asset).await)?;
            out.result(&address, |address| address.address.clone())
        }
        WalletCommand::Balance => {
            let node = Node::find(scope)?;
            let balances = node.answer(node.client.wallet_balances().await)?;
            out.result(&balances, |balances| {
                let lines: Vec<_> = balances.iter().map(line).collect();
                lines.join("\n")
            })
        }
        WalletCommand::Backup { file } => backup(scope, out, &file).await,
        WalletCommand::Restore(args) => restored(scope, out, &args),
    }
}

fn line(balance: &Balance) -> String {
    match (&balance.spendable, &balance.trouble) {
        (Some(amount), _) => amount.to_string(),
        (None, trouble) => {
            let why = trouble.as_deref().unwrap_or("no answer");
            format!("{}: unknown: {why}", balance.asset)
        }
    }
}

async fn backup(scope: &Scope, out: &Out, file: &Path) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let made = node.answer(node.client.wallet_backup().await)?;
    let sealed =
        hex_bytes(&made.sealed).context("the node's backup is not what a node answers: report this")?;
    files::replace(file, &sealed).with_context(|| format!("cannot write {}", file.display()))?;
    let result = json!({ "file": file, "swaps": made.swaps, "bytes": sealed.len() });
    out.result(&result, |_| file.display().to_string())?;
    out.note(&format!(
        "{} swaps that go on. A swap that begins later is not in it: back up again, or set [backup] file",
        made.swaps
    ));
    Ok(())
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

fn restored(scope: &Scope, out: &Out, args: &RestoreArgs) -> anyhow::Result<()> {
    let data = scope.data();
    let sealed = files::read_bounded(&args.from, MAX_BACKUP_BYTES)
        .with_context(|| format!("cannot read the backup {}", args.from.display()))?;
    let config = args.config.as_deref().map(configuration).transpose()?;
    let seed = secrets::words()?.seed();
    if let (Some(wanted), Ok((network, _))) = (&scope.network, kofo_node::backup::open(&sealed, &seed))
        && *wanted != network
    {
        return Err(Usage(format!("--network: the backup is of {network}")).into());
    }
    let passphrase = secrets::new_passphrase()?;
    let done = restore(&data, &sealed, &seed, (&passphrase, KdfCost::STRONG), config)?;
    let result = json!({ "data": data, "swaps": done.swaps, "towers": done.towers, "made_ms": done.made_ms });
    out.result(&result, |_| format!("{} swaps", done.swaps))?;
    out.note(&format!(
        "What began after the backup was made is not known to this folder. Start the node with `kofo node --data {}`: it \
         shows no preimage first, redeems what it can, and takes the rest back after its timelocks",
        data.display()
    ));
    Ok(())
}

fn configuration(file: &Path) -> anyhow::Result<Config> {
    let bytes =
        files::read_bounded(file, MAX_CONFIG).with_context(|| format!("cannot read {}", file.display()))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is no text in UTF-8", file.display()))?;
    Ok(Config::parse(&text, file)?)
}
