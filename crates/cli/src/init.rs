//! `kofo init`.

use crate::args::{ChainsArgs, InitArgs, Scope};
use crate::out::Out;
use crate::secrets;
use anyhow::Context;
use kofo_node::config::{BitcoindAuth, Config, Endpoint, LimitConfig};
use kofo_node::init;
use kofo_node::keystore::{KdfCost, Words};
use kofo_node::signer::{RemoteSigner, Signer, SignerAt};
use kofo_node::wiring::{self, RegtestChains};
use kofo_primitives::{NetworkId, Seed};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The network of a node that is told none.
const NETWORK: &str = "kofo-regtest";

/// Said with every new seed.
pub(crate) const KEEP_WORDS: &str = "Write these 24 words on paper. They are shown this once; whoever has them has your \
     money, and without them and the passphrase nobody has:";

pub(crate) async fn run(scope: &Scope, out: &Out, args: InitArgs) -> anyhow::Result<()> {
    if let Some(at) = &args.signer {
        return signed(scope, out, &args, at).await;
    }
    let (_, words, _) = folder(scope, &args.chains, args.restore).await?;
    tell(out, &scope.data(), &args, &words)
}

/// Makes a folder: a configuration, and a keystore with new words, or with those that are read to restore another one.
pub(crate) async fn folder(
    scope: &Scope,
    local: &ChainsArgs,
    restore: bool,
) -> anyhow::Result<(Config, Words, Seed)> {
    let data = scope.data();
    init::check_free(&data)?;
    let network = network(scope)?;
    let words = if restore {
        secrets::words()?
    } else {
        Words::draw()?
    };
    let passphrase = secrets::new_passphrase()?;
    let config = configuration(network, chains(local, &data).await?)?;
    let seed = words.seed();
    init::init(&data, &config, &seed, &passphrase, KdfCost::STRONG)?;
    Ok((config, words, seed))
}

/// The network that the command names, or the usual one.
pub(crate) fn network(scope: &Scope) -> anyhow::Result<NetworkId> {
    match &scope.network {
        Some(network) => Ok(network.clone()),
        None => Ok(NetworkId::new(NETWORK)?),
    }
}

/// Makes a folder whose keys the signer has.
async fn signed(scope: &Scope, out: &Out, args: &InitArgs, at: &SignerAt) -> anyhow::Result<()> {
    let data = scope.data();
    init::check_free(&data)?;
    let network = network(scope)?;
    let household = RemoteSigner::new(at.socket(&data)).household(&network).await?;
    let config = Config {
        signer: Some(at.clone()),
        ..configuration(network, chains(&args.chains, &data).await?)?
    };
    init::init_signed(&data, &config, &household)?;
    let file = data.join(kofo_node::config::CONFIG_FILE);
    let result = json!({ "data": data, "config": file, "signer": at.to_string() });
    out.result(&result, |_| file.display().to_string())?;
    out.note(&format!(
        "No keys are here: the signer at {at} has them. Next: look at {}, then `kofo node --data {}`",
        file.display(),
        data.display()
    ));
    Ok(())
}

/// What would not be read back is refused now.
fn configuration(network: NetworkId, chains: RegtestChains) -> anyhow::Result<Config> {
    let mut config = wiring::regtest(network, chains)?;
    config.limits = LimitConfig::usual(&config.assets());
    Ok(Config::parse(
        &config.to_toml(),
        Path::new(kofo_node::config::CONFIG_FILE),
    )?)
}

fn tell(out: &Out, data: &Path, args: &InitArgs, words: &Words) -> anyhow::Result<()> {
    let folder = data.display();
    let config = data.join(kofo_node::config::CONFIG_FILE);
    let mut result = json!({ "data": data, "config": config });
    if args.restore {
        out.note(
            "restored; swaps that were under way are not known to this folder: `kofo wallet restore` asks those who keep records of \
             them, or knows those of a backup",
        );
    } else {
        out.note(KEEP_WORDS);
        result["words"] = json!(words.expose());
    }
    out.result(&result, |_| match args.restore {
        true => config.display().to_string(),
        false => words.expose().to_owned(),
    })?;
    out.note(&format!(
        "Next: look at {}, then start the node with `kofo node --data {folder}`",
        config.display()
    ));
    Ok(())
}

/// The chains of a regtest that runs, if the command says so, or else where such chains usually are.
#[cfg(feature = "regtest")]
async fn chains(args: &ChainsArgs, data: &Path) -> anyhow::Result<RegtestChains> {
    if args.regtest {
        return crate::regtest::chains_for(args.regtest_dir.clone(), data).await;
    }
    usual()
}

/// As with the regtest kit.
#[cfg(not(feature = "regtest"))]
#[expect(clippy::unused_async, reason = "as with the regtest kit")]
async fn chains(_args: &ChainsArgs, _data: &Path) -> anyhow::Result<RegtestChains> {
    usual()
}

/// Where chains of tests usually are.
fn usual() -> anyhow::Result<RegtestChains> {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .context("HOME is not set: set it")?;
    let cookie = home.join(".bitcoin/regtest/.cookie");
    Ok(RegtestChains {
        bitcoin: Some((
            Endpoint::new("http://127.0.0.1:18443")?,
            BitcoindAuth::Cookie(cookie),
        )),
        ethereum: Some(Endpoint::new("http://127.0.0.1:8545")?),
        echoin: Some(Endpoint::new("http://127.0.0.1:8546")?),
        token: None,
    })
}
