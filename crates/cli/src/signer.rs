//! `kofo signer`.

use crate::args::{Scope, SignerCommand, SignerInit, SignerRun};
use crate::out::Out;
use crate::{init, secrets};
use kofo_node::files;
use kofo_node::keystore::{self, KdfCost, Words};
use kofo_node::signer::SignerProcess;
use serde_json::json;

/// The socket's name in the keystore's folder.
const SOCKET: &str = "signer.sock";

pub(crate) async fn run(scope: &Scope, out: &Out, command: SignerCommand) -> anyhow::Result<()> {
    match command {
        SignerCommand::Init(args) => make(scope, out, &args),
        SignerCommand::Run(args) => serve(scope, out, args).await,
    }
}

fn make(scope: &Scope, out: &Out, args: &SignerInit) -> anyhow::Result<()> {
    let data = scope.data();
    kofo_node::init::check_free(&data)?;
    let words = match args.restore {
        true => secrets::words()?,
        false => Words::draw()?,
    };
    let passphrase = secrets::new_passphrase()?;
    files::create_folder(&data)?;
    let network = init::network(scope)?;
    let file = keystore::create(&data, &network, &words.seed(), &passphrase, KdfCost::STRONG)?;
    let mut result = json!({ "keystore": file, "network": network.as_str() });
    if !args.restore {
        out.note(init::KEEP_WORDS);
        result["words"] = json!(words.expose());
    }
    out.result(&result, |_| match args.restore {
        true => file.display().to_string(),
        false => words.expose().to_owned(),
    })?;
    out.note(&format!("Next: `kofo signer run --keystore {}`", data.display()));
    Ok(())
}

async fn serve(scope: &Scope, out: &Out, args: SignerRun) -> anyhow::Result<()> {
    let data = args.keystore.unwrap_or_else(|| scope.data());
    let socket = args.socket.unwrap_or_else(|| data.join(SOCKET));
    let process = SignerProcess {
        data,
        passphrase: secrets::passphrase()?,
        network: scope.network.clone(),
        socket: socket.clone(),
    };
    let ready = |network: &kofo_primitives::NetworkId| {
        out.note(&format!("ready: signer of {network} at {}", socket.display()));
    };
    Ok(process.run(ready).await?)
}
