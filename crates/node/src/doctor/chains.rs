//! The daemons of the chains: whether they answer, are the right chain, are synchronised, keep the time and know what
//! fees are.

mod bitcoin;
mod evm;
mod light;

use super::{Checked, Patient};
use crate::clock::now;
use crate::config::{Backend, ChainConfig, TimelockPolicy};
use crate::metrics::stale_after;
use futures::future::join_all;
use kofo_primitives::UnixTime;

/// A block that says it is so much later than our clock: one of the two is wrong (seconds).
const EARLY: u64 = 30;

/// What all checks of one chain need.
struct Place<'a> {
    chain: &'a ChainConfig,
    patient: &'a Patient<'a>,
}

impl Place<'_> {
    fn name(&self) -> String {
        format!("chain.{}", self.chain.name)
    }

    fn is_test(&self) -> bool {
        self.patient.config.timelocks == TimelockPolicy::Test
    }

    /// Whether the best block's time fits our clock.
    fn time(&self, tip: UnixTime) -> Checked {
        let check = format!("{} clock", self.name());
        if self.is_test() {
            return Checked::ok(check, "a chain of tests, whose time is whatever somebody set");
        }
        let now = now();
        let ahead = now.until(tip);
        if ahead.0 > EARLY {
            let found = format!("our clock is {ahead} behind its last block");
            let todo = "set the clock of this machine, and keep it set (ntp): timelocks depend on it";
            return Checked::fail(check, found, todo);
        }
        let age = tip.until(now);
        match stale_after(self.patient.config.timelocks, self.chain).filter(|most| age > *most) {
            Some(most) => {
                let found = format!("its last block is {age} old, expected one of the last {most}");
                let todo = "wait until its daemon has caught up; if it has, our clock is ahead: set it";
                Checked::fail(check, found, todo)
            }
            None => Checked::ok(check, format!("its last block is {age} old")),
        }
    }

    /// What a witness said that it is the chain of.
    fn witness(&self, said: Result<String, String>) -> Checked {
        let check = format!("{} witness", self.name());
        let todo = "without its witnesses no swap begins: start it, or correct or remove it in kofo.toml";
        match said {
            Ok(got) if got == self.chain.id.as_str() => Checked::ok(check, "answers"),
            Ok(got) => Checked::fail(check, format!("another chain: {got}"), todo),
            Err(why) => Checked::fail(check, why, todo),
        }
    }

    /// Today's price of fees beside the most that is paid, in the unit that `found` names.
    fn priced(&self, price: u64, cap: u64, found: &str) -> Checked {
        let check = format!("{} fees", self.name());
        let found = format!("{price} {found}, the cap is {cap}");
        if price > cap {
            let todo =
                "raise fee_cap, or wait for lower fees: no swap begins, and one that goes on may come late";
            return Checked::fail(check, found, todo);
        }
        Checked::ok(check, found)
    }

    fn another_chain(&self, got: &str) -> Checked {
        let found = format!("another chain answers: expected {}, got {got}", self.chain.id);
        Checked::fail(self.name(), found, "correct endpoint or id in kofo.toml")
    }

    fn silent(&self, why: &str) -> Checked {
        let todo = "start its daemon, or correct its endpoint and credentials in kofo.toml";
        Checked::fail(self.name(), why, todo)
    }
}

pub(super) async fn checks(patient: &Patient<'_>) -> Vec<Checked> {
    if patient.config.chains.is_empty() {
        let todo = "add a table [chain.NAME] to kofo.toml";
        return vec![Checked::fail(
            "chains",
            "there is none, so nothing can be swapped",
            todo,
        )];
    }
    let all = patient
        .config
        .chains
        .iter()
        .map(|chain| one(Place { chain, patient }));
    join_all(all).await.into_iter().flatten().collect()
}

async fn one(place: Place<'_>) -> Vec<Checked> {
    match &place.chain.backend {
        Backend::Bitcoin(config) => bitcoin::checks(&place, config).await,
        Backend::Evm(config) => evm::checks(&place, config).await,
        Backend::Light(config) => light::checks(&place, config).await,
        Backend::Sim => vec![Checked::ok(place.name(), "a chain in memory, for trials")],
    }
}
