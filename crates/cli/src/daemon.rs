//! `kofo node`.

use crate::args::{NodeArgs, Scope};
use crate::out::Out;
use crate::secrets;
use kofo_node::config::Config;
use kofo_node::keystore::Passphrase;
use kofo_node::run::Daemon;
use std::path::Path;

/// Asked for unless the configuration names a signer, which has its own. What is wrong with the configuration the node
/// says itself.
fn passphrase(data: &Path) -> anyhow::Result<Option<Passphrase>> {
    match Config::load(data) {
        Ok(config) if config.signer.is_some() => Ok(None),
        _ => Ok(Some(secrets::passphrase()?)),
    }
}

pub(crate) async fn run(scope: &Scope, out: &Out, args: NodeArgs) -> anyhow::Result<()> {
    let daemon = Daemon {
        data: scope.data(),
        passphrase: passphrase(&scope.data())?,
        network: scope.network.clone(),
    };
    let ready = |node: &kofo_node::rpc::NodeFile| {
        out.note(&format!(
            "ready: rpc {} peers {}",
            node.rpc,
            node.listen.join(" ")
        ));
    };
    Ok(daemon.run_as(args.role, ready).await?)
}
