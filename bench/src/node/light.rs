//! A wallet without chain nodes of its own, and the process that it lives in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kofo_cli::demo::Daemons;
use kofo_node::config::{Backend, Config, Endpoint, LightConfig};
use kofo_node::keystore::Passphrase;
use kofo_node::run::Daemon;
use kofo_primitives::Amount;
use kofo_sdk::{Start, Wallet};

/// The most that it risks of each asset on a chain that strangers show it, in the smallest unit: more than it has.
const MOST: Amount = Amount::new(u128::MAX);

/// Bitcoin by compact filters from a peer, each EVM chain by two endpoints that must agree.
pub(super) fn without_nodes(daemons: &Daemons, config: &mut Config) {
    for chain in &mut config.chains {
        let light_most = chain
            .assets
            .iter()
            .map(|asset| (asset.id.clone(), MOST))
            .collect();
        match &mut chain.backend {
            Backend::Bitcoin(bitcoin) => {
                chain.backend = Backend::Light(LightConfig {
                    peers: vec![daemons.regtest().bitcoin().peer.clone()],
                    checkpoint: None,
                    fee_cap: bitcoin.fee_cap,
                    birthday: bitcoin.birthday,
                    light_most,
                });
            }
            Backend::Evm(evm) => {
                let other = evm.endpoint.as_str().replace("127.0.0.1", "localhost");
                evm.trusted = false;
                evm.witnesses = Endpoint::new(&other).into_iter().collect();
                evm.light_most = light_most;
            }
            Backend::Light(_) | Backend::Sim => {}
        }
    }
}

/// Does what `kofo node --data FOLDER` does, or, on a folder without chain nodes, what a wallet's program does: embed the
/// SDK's wallet, and go on until it is killed.
pub(crate) async fn be_a_node(data: PathBuf) -> Result<()> {
    let passphrase = passphrase()?;
    if is_light(&data)? {
        let start = Start {
            data,
            passphrase,
            network: None,
            role: None,
        };
        let _wallet = Wallet::embed(start).await?;
        return std::future::pending().await;
    }
    let daemon = Daemon {
        data,
        passphrase: Some(passphrase),
        network: None,
    };
    Ok(daemon.run(|_| ()).await?)
}

fn is_light(data: &Path) -> Result<bool> {
    let chains = Config::load(data)?.chains;
    Ok(chains
        .iter()
        .any(|chain| matches!(chain.backend, Backend::Light(_))))
}

fn passphrase() -> Result<Passphrase> {
    let file = std::env::var_os("KOFO_PASSPHRASE_FILE").context("KOFO_PASSPHRASE_FILE names no file")?;
    Ok(Passphrase::from_file(&PathBuf::from(file))?)
}
