//! `kofo node`.

use crate::args::{NodeArgs, Scope};
use crate::out::Out;
use crate::secrets;
use kofo_node::run::Daemon;

pub(crate) async fn run(scope: &Scope, out: &Out, args: NodeArgs) -> anyhow::Result<()> {
    let daemon = Daemon {
        data: scope.data(),
        passphrase: secrets::passphrase()?,
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
