//! `kofo wallet`.

mod send;

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
use kofo_node::rpc::types::{Balance, CopiesFound};
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
                signer: None,
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
        WalletCommand::Send(args) => send::run(scope, out, args).await,
        WalletCommand::Backup { file } => backup(scope, out, &file).await,
        WalletCommand::Restore(args) => match args.from.as_slice() {
            [file] if !is_address(file) => restored(scope, out, (Path::new(file), &args)),
            places if places.iter().all(|place| is_address(place)) => asked(scope, out, &args).await,
            _ => Err(Usage(
                "--from: expected one file, or addresses that end in /p2p/ and a peer id".to_owned(),
            )
            .into()),
        },
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

fn is_address(text: &str) -> bool {
    text.starts_with('/') && text.contains("/p2p/")
}

/// A running node asks those who may keep its recovery records.
async fn asked(scope: &Scope, out: &Out, args: &RestoreArgs) -> anyhow::Result<()> {
    if args.config.is_some() {
        return Err(Usage("--config: a running node has its configuration".to_owned()).into());
    }
    let node = Node::find(scope)?;
    let found = node.answer(node.client.wallet_restore(args.from.clone()).await)?;
    for one in &found {
        for why in one.trouble.iter().chain(&one.refused) {
            out.note(&format!("{}: {why}", one.from));
        }
    }
    let gave_nothing = |one: &CopiesFound| one.trouble.is_some() && one.restored.is_empty() && one.known == 0;
    if found.iter().all(gave_nothing) {
        anyhow::bail!("nobody gave a record: ask others, or the same ones when they can be reached");
    }
    let swaps: usize = found.iter().map(|one| one.restored.len()).sum();
    out.result(&found, |_| format!("{swaps} swaps"))?;
    out.note(
        "The node shows no preimage first, redeems what it can, and takes the rest back after its timelocks: see `kofo swap list`",
    );
    Ok(())
}

fn restored(scope: &Scope, out: &Out, (file, args): (&Path, &RestoreArgs)) -> anyhow::Result<()> {
    let data = scope.data();
    let sealed = files::read_bounded(file, MAX_BACKUP_BYTES)
        .with_context(|| format!("cannot read the backup {}", file.display()))?;
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
