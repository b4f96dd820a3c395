//! From a [`Config`] to TOML text in which every key is written out and explained.

mod limits;
mod market;

use super::chain::{Backend, BitcoinConfig, BitcoinWitness, BitcoindAuth, ChainConfig, Endpoint, EvmConfig};
use super::chain::{LightConfig, LightMost};
use super::page::{Page, quoted};
use super::{Config, MAX_LISTEN};
use crate::assets::Asset;
use std::path::Path;

pub(super) fn text(config: &Config) -> String {
    let mut out = Page::default();
    out.note("The configuration of one kofo node. Read once, at start; an unknown key is an error. What the command line says");
    out.note("stands above the environment (KOFO_PROVIDER__QUOTE_LIFE=20; for the keys before all tables KOFO__RPC_PORT=9121),");
    out.note("that above this file, and this file above the defaults, which it has all written out.");
    out.gap();
    out.note(
        "The network that this node belongs to. Nodes of other networks are not talked to; the keystore",
    );
    out.note("and the journal of this folder are of this network too.");
    out.key("network", quoted(config.network.as_str()));
    out.gap();
    out.note("Where peers reach this node, by tcp and quic. Port 0 takes a free one.");
    out.note(&format!(
        "Use /ip4/0.0.0.0/… to be reachable from other machines. 1 to {MAX_LISTEN} addresses."
    ));
    let listen: Vec<_> = config.listen.iter().map(|address| quoted(address)).collect();
    out.key("listen", format!("[{}]", listen.join(", ")));
    out.gap();
    out.note(
        "The port of this node's own RPC on 127.0.0.1, which the kofo commands use. 0 takes a free one;",
    );
    out.note("node.json in this folder tells which.");
    out.key("rpc_port", config.rpc_port);
    out.gap();
    out.note("The port of /health, /ready and /metrics on 127.0.0.1, for whatever watches this node, such as 9120. No");
    out.note("cookie is asked for, and no secret or id is told. 0: none.");
    out.key("health_port", config.health_port);
    out.gap();
    out.note("The folder of the journal, relative to this folder. Losing it loses track of swaps under way.");
    out.key("journal", path(&config.journal));
    signer(&mut out, config);
    out.gap();
    out.note(
        "How long the timelocks of swaps are: standard (hours) for real chains, test (minutes) for chains",
    );
    out.note("that mine every second or two. Both parties of a swap need the same.");
    out.key("timelocks", quoted(config.timelocks.as_str()));
    market::part(&mut out, config);
    market::clearing(&mut out, config.clearing.as_ref());
    market::provider(&mut out, &config.provider);
    backup(&mut out, config.backup.as_deref());
    for one in &config.chains {
        chain(&mut out, one);
    }
    limits::part(&mut out, &config.limits);
    out.done()
}

fn signer(out: &mut Page, config: &Config) {
    out.gap();
    out.note("Who holds the keys: a process behind a unix socket (`kofo signer run`). Without this line the keystore of");
    out.note("this folder does, and its passphrase is asked for at start. Chosen by `kofo init`: it cannot be changed later.");
    match &config.signer {
        Some(at) => out.key("signer", quoted(&at.to_string())),
        None => out.note("signer = \"unix:/run/kofo/signer.sock\""),
    }
}

fn backup(out: &mut Page, file: Option<&Path>) {
    let explained = |out: &mut Page| {
        out.note("An encrypted backup of all swaps that go on, kept up to date: on another disk, or on a mounted one of");
        out.note("another machine. With it and the 24 words `kofo wallet restore` makes a lost node anew.");
    };
    match file {
        Some(file) => {
            out.table(&["backup"]);
            explained(out);
            out.key("file", path(file));
        }
        None => {
            out.gap();
            explained(out);
            out.note("[backup]");
            out.note("file = \"…/kofo.backup\"");
        }
    }
}

fn chain(out: &mut Page, chain: &ChainConfig) {
    out.table(&["chain", &chain.name]);
    out.note("bitcoin (a bitcoind), bitcoin-light (no node: peers with compact filters), evm (an Ethereum-like node) or sim (in memory, for trials).");
    out.key("kind", quoted(chain.backend.kind()));
    out.note("The chain's name by CAIP-2; the node refuses to start if its endpoint is another chain.");
    out.key("id", quoted(chain.id.as_str()));
    out.note("What is so many blocks deep is final. The tip has depth 1.");
    out.key("depth", chain.depth);
    match &chain.backend {
        Backend::Bitcoin(backend) => bitcoin(out, backend),
        Backend::Light(backend) => light(out, backend, &chain.assets),
        Backend::Evm(backend) => evm(out, backend, &chain.assets),
        Backend::Sim => {}
    }
    for one in &chain.assets {
        asset(out, &chain.name, one);
    }
}

fn bitcoin(out: &mut Page, bitcoin: &BitcoinConfig) {
    out.note("The RPC of bitcoind.");
    out.key("endpoint", quoted(bitcoin.endpoint.as_str()));
    match &bitcoin.auth {
        BitcoindAuth::Cookie(file) => {
            out.note("The cookie file of bitcoind. Instead: user = \"…\" and password_file = \"…\".");
            out.key("cookie", path(file));
        }
        BitcoindAuth::Password { user, file } => {
            out.note("User, and a file with the password alone. Instead: cookie = \"…/.cookie\".");
            out.key("user", quoted(user));
            out.key("password_file", path(file));
        }
    }
    trusted(out, bitcoin.trusted);
    let example = "{ endpoint = \"http://host:8332\", user = \"…\", password_file = \"…\" }";
    witnesses(out, example, bitcoin.witnesses.iter().map(bitcoin_witness));
    out.note("The highest fee rate that is paid, in satoshi per virtual byte.");
    out.key("fee_cap", bitcoin.fee_cap);
    out.note(
        "Nobody paid this wallet below this height. A later one makes the first start faster, a wrong one",
    );
    out.note("loses sight of coins.");
    out.key("birthday", bitcoin.birthday);
}

fn light(out: &mut Page, light: &LightConfig, assets: &[Asset]) {
    out.note("Peers with compact filters (bitcoind -blockfilterindex -peerblockfilters), as host:port: two or more of");
    out.note("different owners. A block counts when two of them have named it. There is no mempool: what is in no block is");
    out.note("not seen, and fees are estimated by what blocks paid.");
    let peers: Vec<_> = light.peers.iter().map(|peer| quoted(peer)).collect();
    out.key("peers", format!("[{}]", peers.join(", ")));
    out.note("A block of the chain that is taken for granted, at least eleven below all that concerns this wallet: headers");
    out.note("are followed from there. Without it from the last one before taproot, or on test networks the first.");
    match &light.checkpoint {
        Some((height, hash)) => out.key("checkpoint", quoted(&format!("{height}:{hash}"))),
        None => out.note("checkpoint = \"height:hash\""),
    }
    light_most(out, &light.light_most, assets);
    out.note("The highest fee rate that is paid, in satoshi per virtual byte.");
    out.key("fee_cap", light.fee_cap);
    out.note("Nobody paid this wallet below this height. A wrong one loses sight of coins.");
    out.key("birthday", light.birthday);
}

fn light_most(out: &mut Page, most: &LightMost, assets: &[Asset]) {
    out.note("What strangers tell of the chain is not risked more upon than this: no swap begins with this node as its");
    out.note("initiator of which a leg here is more. Nothing of what is not named.");
    let of = |asset: &Asset| {
        Some(format!(
            "{} = {}",
            asset.symbol,
            quoted(&most.get(&asset.id)?.display_units(asset.decimals))
        ))
    };
    let list: Vec<_> = assets.iter().filter_map(of).collect();
    match list.is_empty() {
        true => out.note("light_most = { SYMBOL = \"0.01\" }"),
        false => out.key("light_most", format!("{{ {} }}", list.join(", "))),
    }
}

/// The list of other nodes, or one as an example.
fn witnesses(out: &mut Page, example: &str, witnesses: impl Iterator<Item = String>) {
    out.note("Other nodes of the same chain, which need not be yours, so that one that lies or is cut off from the");
    out.note(
        "network is found out: no block counts that they do not confirm, and without them no swap begins.",
    );
    let list: Vec<_> = witnesses.collect();
    if list.is_empty() {
        out.note(&format!("witnesses = [{example}]"));
    } else {
        out.key("witnesses", format!("[{}]", list.join(", ")));
    }
}

fn bitcoin_witness(witness: &BitcoinWitness) -> String {
    let endpoint = quoted(witness.endpoint.as_str());
    match &witness.auth {
        BitcoindAuth::Cookie(file) => format!("{{ endpoint = {endpoint}, cookie = {} }}", path(file)),
        BitcoindAuth::Password { user, file } => format!(
            "{{ endpoint = {endpoint}, user = {}, password_file = {} }}",
            quoted(user),
            path(file)
        ),
    }
}

fn evm_witness(witness: &Endpoint) -> String {
    format!("{{ endpoint = {} }}", quoted(witness.as_str()))
}

fn evm(out: &mut Page, evm: &EvmConfig, assets: &[Asset]) {
    out.note("The JSON-RPC of the chain's node.");
    out.key("endpoint", quoted(evm.endpoint.as_str()));
    out.note("true: the endpoint is your own. false: it is another's; then it and at least one witness, of different");
    out.note("operators, must agree on everything, and light_most limits what is risked.");
    out.key("trusted", evm.trusted);
    witnesses(
        out,
        "{ endpoint = \"https://host\" }",
        evm.witnesses.iter().map(evm_witness),
    );
    if !evm.trusted {
        light_most(out, &evm.light_most, assets);
    }
    out.note("What a tower may keep of what it redeems for you, in thousandths of the amount (1 to 50).");
    let wage =
        |account: &str, share: u16| format!("{{ account = {}, per_mille = {share} }}", quoted(account));
    match &evm.tower_wage {
        Some(paid) => {
            let account = format!("0x{}", hex::encode(paid.account));
            out.key("tower_wage", wage(&account, paid.per_mille));
        }
        None => out.note(&format!("tower_wage = {}", wage("0x…, of the tower", 2))),
    }
    out.note("ethereum (EIP-1559 fees) or echoin (legacy transactions, at least 2 gwei).");
    out.key("profile", quoted(evm.profile.as_str()));
    out.note("The contract that locks. Its address follows from its code and the chain: another is refused.");
    out.key("contract", quoted(&evm.contract));
    out.note("Least and highest fee that is paid, in gwei per gas.");
    out.key("fee_floor", evm.fee_floor);
    out.key("fee_cap", evm.fee_cap);
}

fn trusted(out: &mut Page, trusted: bool) {
    out.note(
        "true: the endpoint is your own. Others are refused: they would see preimages first, and can lie.",
    );
    out.key("trusted", trusted);
}

fn asset(out: &mut Page, chain: &str, asset: &Asset) {
    out.table(&["chain", chain, "assets", &asset.symbol]);
    out.note("The asset's name by CAIP-19, in lower case.");
    out.key("id", quoted(asset.id.as_str()));
    out.note("Digits behind the point of one whole unit.");
    out.key("decimals", asset.decimals);
    out.note("true: its issuer can stop it or block an account, and with that a lock beyond its timelock.");
    out.key("freezable", asset.freezable);
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
