//! From a genesis to commented TOML.

use super::span;
use crate::config::page::{Page, quoted};
use kofo_clearance::{Genesis, GenesisBalance, GenesisValidator, LedgerAsset, PairRule, Params};
use kofo_primitives::{Amount, AssetId, Seconds};

pub(super) fn text(genesis: &Genesis) -> String {
    let mut out = Page::default();
    out.note("What a network of the clearance layer begins with. All its validators and nodes have this very file:");
    out.note(
        "whoever changes a value is on another network. Amounts are in whole units of their asset, times in",
    );
    out.note(
        "d, h, min, s or ms, keys in hexadecimal digits, basis points (bps) are hundredths of a percent.",
    );
    out.gap();
    out.key("version", genesis.version);
    out.key("network", quoted(genesis.network.as_str()));
    out.note("When it begins, in unix milliseconds: the first header is later.");
    out.key("time_ms", genesis.time_ms);
    out.note("To this key is sealed what only validators may read; each has a share of its secret below.");
    out.key("seal_key", hex(&genesis.seal_key));
    rules(&mut out, &genesis.params);
    for asset in &genesis.params.assets {
        ledger_asset(&mut out, asset);
    }
    for pair in &genesis.params.pairs {
        pair_rule(&mut out, pair);
    }
    for proof in &genesis.params.proofs {
        out.tables(&["proof"]);
        out.note(
            "A chain whose own proofs count: the easiest target of a header in compact form, and how deep.",
        );
        out.key("chain", quoted(proof.chain.as_str()));
        out.key("easiest", format!("\"{:#010x}\"", proof.easiest));
        out.key("depth", proof.depth);
    }
    for one in &genesis.validators {
        validator(&mut out, one, &genesis.params);
    }
    for (account, sealed) in &genesis.shares {
        out.tables(&["share"]);
        out.note("The secret of seal_key, sealed to a validator's account.");
        out.key("account", hex(account));
        let sealed = hex::encode(sealed.as_slice());
        out.key("sealed", quoted(&sealed));
    }
    for one in &genesis.balances {
        balance(&mut out, one, &genesis.params);
    }
    out.done()
}

fn hex(key: &impl std::fmt::Display) -> String {
    quoted(&key.to_string())
}

fn span_of(ms: u64) -> String {
    quoted(&span::show(ms))
}

/// An asset that is not of the ledger is written as it is called, and refused when it is read.
fn symbol(params: &Params, asset: &AssetId) -> String {
    let known = params.asset(asset).map(|known| known.symbol.as_str());
    quoted(known.unwrap_or(asset.as_str()))
}

fn units(params: &Params, asset: &AssetId, amount: Amount) -> String {
    let decimals = params.asset(asset).map_or(0, |known| known.decimals);
    quoted(&amount.display_units(decimals))
}

fn rules(out: &mut Page, params: &Params) {
    out.table(&["rules"]);
    out.note("So many validators at most, and the most of the power that one may have.");
    out.key("seats", params.seats);
    out.key("power_cap_bps", params.power_cap_bps);
    out.note("How long an epoch is; how long bonds and delegations, and a validator's own stake, stay after they were asked back.");
    out.key("epoch", span_of(params.epoch_ms));
    out.key("unbond", span_of(params.unbond_ms));
    out.key("unstake", span_of(params.unstake_ms));
    out.note("Of each fee: the foundation's and the validators' part. The rest is the path's.");
    out.key("foundation_bps", params.foundation_bps);
    out.key("validators_bps", params.validators_bps);
    out.key("foundation", hex(&params.foundation));
    out.note("What validators stake, the least of it, and how long ago one must have listed a pair to be elected (0 s: never).");
    out.key("stake", symbol(params, &params.stake));
    out.key("min_stake", units(params, &params.stake, params.min_stake));
    out.key("listing", span_of(params.listing_ms));
    out.note("A provider's reserve, and the most that whom it harmed gets of it: parts of what the order is worth.");
    out.key("margin_bps", params.margin_bps);
    out.key("harmed_bps", params.harmed_bps);
    out.note("What the path gets of the fee of an order whose initiator never locked.");
    out.key("cancel_bps", params.cancel_bps);
    out.note("What a validator forfeits that voted twice or proposed what is invalid; or that was silent for so many heights.");
    out.key("double_vote_bps", params.double_vote_bps);
    out.key("missed_heights", params.missed_heights);
    out.key("missed_bps", params.missed_bps);
    out.key("jail", span_of(params.jail_ms));
    out.note(
        "So long after alpha's timelock an order ends that nobody could observe, or whose end is unclear.",
    );
    out.key("unobserved", span_of(params.unobserved_ms));
    out.key("unclear", span_of(params.unclear_ms));
    out.note("Points are given for so many settled trades.");
    out.key("points_trades", params.points_trades);
    out.note("How far a header's time may be from a validator's clock, and how many bytes a batch may have.");
    out.key("clock", span_of(params.clock_ms));
    out.key("max_batch_bytes", params.max_batch_bytes);
}

fn ledger_asset(out: &mut Page, asset: &LedgerAsset) {
    let units = |amount: Amount| quoted(&amount.display_units(asset.decimals));
    out.tables(&["asset"]);
    out.note("An asset of the ledger: fees, bonds and premiums are in these.");
    out.key("id", quoted(asset.asset.as_str()));
    out.key("symbol", quoted(asset.symbol.as_str()));
    out.key("decimals", asset.decimals);
    out.key("min_fee", units(asset.min_fee));
    out.key("min_bond", units(asset.min_bond));
    out.note(
        "A relay's bond counts for no more; and what a provider forfeits that sold one reservation twice.",
    );
    out.key("weight_cap", units(asset.weight_cap));
    out.key("double_quote", units(asset.double_quote));
}

fn pair_rule(out: &mut Page, pair: &PairRule) {
    let span = |Seconds(seconds): Seconds| span_of(seconds.saturating_mul(1000));
    out.tables(&["pair"]);
    out.note("Two chains that orders may be of. The claimant gives on alpha and locks first.");
    out.key("alpha", quoted(pair.alpha.as_str()));
    out.key("beta", quoted(pair.beta.as_str()));
    out.note("From beta's timelock to alpha's; from the commit to beta's timelock; from a final beta to the time to redeem.");
    out.key("min_gap", span(pair.min_gap));
    out.key("min_beta", span(pair.min_beta));
    out.key("reveal", span(pair.reveal));
}

fn validator(out: &mut Page, one: &GenesisValidator, params: &Params) {
    out.tables(&["validator"]);
    out.key("account", hex(&one.account));
    out.note("By which it votes.");
    out.key("key", hex(&one.key));
    out.key("stake", units(params, &params.stake, one.stake));
    out.key("commission_bps", one.commission_bps);
    let chains: Vec<_> = one.observes.iter().map(|c| quoted(c.as_str())).collect();
    out.key("observes", format!("[{}]", chains.join(", ")));
    out.note("Where its engine listens for other validators, and its service for everybody: multiaddresses, the second with its peer id.");
    out.key("engine", quoted(one.engine.as_str()));
    out.key("service", quoted(one.service.as_str()));
}

fn balance(out: &mut Page, one: &GenesisBalance, params: &Params) {
    out.tables(&["balance"]);
    out.key("account", hex(&one.account));
    out.key("asset", symbol(params, &one.asset));
    for (key, amount) in [
        ("free", one.free),
        ("provider", one.provider),
        ("relay", one.relay),
    ] {
        if amount != Amount::ZERO {
            out.key(key, units(params, &one.asset, amount));
        }
    }
}
