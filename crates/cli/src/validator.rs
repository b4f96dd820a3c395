//! `kofo validator`.

use crate::args::{Scope, ValidatorCommand, ValidatorInit, ValidatorRun};
use crate::failure::{NoValidator, of_call};
use crate::init;
use crate::out::Out;
use crate::secrets;
use kofo_cli::founding::Entry;
use kofo_cli::text::when_ms;
use kofo_node::keystore::Words;
use kofo_node::rpc::NodeFile;
use kofo_validator::{
    Keys, Role, Run, Speed, Status, Validator, ValidatorConfig, ValidatorRpcClient, connect,
};
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(scope: &Scope, out: &Out, command: ValidatorCommand) -> anyhow::Result<()> {
    match command {
        ValidatorCommand::Init(args) => make(scope, out, args).await,
        ValidatorCommand::Run(args) => serve(scope, out, args).await,
        ValidatorCommand::Status => status(scope, out).await,
    }
}

async fn make(scope: &Scope, out: &Out, args: ValidatorInit) -> anyhow::Result<()> {
    let data = scope.data();
    let (config, words, seed) = init::folder(scope, &args.chains, args.restore).await?;
    let validator = settings(&args);
    validator.save_new(&data)?;
    let entry = Entry::of(
        &Keys::new(&seed, &config.network),
        &config,
        &validator,
        (args.stake, args.commission),
    );
    tell(out, &data, &entry, (!args.restore).then_some(&words))
}

fn settings(args: &ValidatorInit) -> ValidatorConfig {
    ValidatorConfig {
        role: if args.follower {
            Role::Follower
        } else {
            Role::Validator
        },
        engine: args.engine.clone(),
        service: vec![args.service.clone()],
        speed: if args.dev { Speed::Dev } else { Speed::Standard },
        ..ValidatorConfig::default()
    }
}

fn tell(out: &Out, data: &Path, entry: &Entry, words: Option<&Words>) -> anyhow::Result<()> {
    let mut result = json!({ "data": data, "entry": entry });
    if let Some(words) = words {
        if out.is_json() {
            result["words"] = json!(words.expose());
        } else {
            out.note(&format!(
                "Write these 24 words on paper. They are shown this once; whoever has them has this validator's stake \
                 and votes in its name:\n\n{}\n",
                words.expose()
            ));
        }
    }
    let text = entry.to_toml()?;
    out.result(&result, |_| text)?;
    let folder = data.display();
    out.note(&format!(
        "Next: hand the entry to whoever writes the genesis, put the genesis into {folder}, then start the validator \
         with `kofo validator run --data {folder}`"
    ));
    Ok(())
}

async fn serve(scope: &Scope, out: &Out, args: ValidatorRun) -> anyhow::Result<()> {
    let run = Run {
        data: scope.data(),
        passphrase: secrets::passphrase()?,
        network: scope.network.clone(),
        role: args.follower.then_some(Role::Follower),
    };
    let ready = |file: &NodeFile| {
        out.note(&format!(
            "ready: rpc {} service {}",
            file.rpc,
            file.listen.join(" ")
        ));
    };
    Ok(Validator::run(run, ready).await?)
}

async fn status(scope: &Scope, out: &Out) -> anyhow::Result<()> {
    let data = scope.data();
    let client = connect(&data).map_err(|_| NoValidator { data: data.clone() })?;
    let status = client
        .validator_status()
        .await
        .map_err(|error| of_call(&data, error))?;
    out.result(&status, text)
}

fn text(status: &Status) -> String {
    let power = match status.power {
        0 => "none: it does not vote".to_owned(),
        power => format!("{power} of {}", status.total_power),
    };
    let mut text = format!(
        "{} on network {}\naccount {}\nkey     {}\nheight  {}, {}\nround   {} of height {}\nepoch   {}, validators: {}\n\
         power   {power}\npeers   {}\nmempool {}\nengine  {}\n",
        status.role,
        status.network,
        status.account,
        status.key,
        status.height,
        when_ms(status.time_ms),
        status.round,
        status.deciding,
        status.epoch,
        status.validators,
        status.peers,
        status.mempool,
        status.engine,
    );
    for address in &status.service {
        text.push_str(&format!("service {address}\n"));
    }
    if let Some(failure) = &status.failure {
        text.push_str(&format!("trouble {failure}\n"));
    }
    text
}
