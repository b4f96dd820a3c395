//! A fourth chain: what somebody writes who wants to swap on a chain that kofo does not know. The chain is a toy; its
//! adapter is whole, passes the suite of the port, and swaps with another chain without a line changed elsewhere.
//!
//! * `ledger.rs`: the chain. In life it is a daemon, and this file is its client.
//! * `leg.rs`: what is true of one leg on it, and what is news. Most of an adapter is this.
//! * `adapter.rs`: the port.
//! * `conformance.rs`: the suite, `cargo test -p kofo-examples --example fourth_chain`.
//!
//! Below two people swap the toy's coin for one of the chain in memory that comes with kofo:
//! `cargo run -p kofo-examples --example fourth_chain`

mod adapter;
#[cfg(test)]
mod conformance;
mod ledger;
mod leg;

use adapter::ToyAdapter;
use anyhow::{Context, Result, bail, ensure};
use kofo_adapter_api::{ChainAdapter, PartyWanted};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::driver::{Begin, Driver, Effect};
use kofo_primitives::*;
use kofo_settlement::{Margins, Outcome, Pace, Phase, Policy, Terms, Timelocks};
use kofo_sim::{AccountId, SimAdapter, SimChain};
use ledger::{Account, ToyChain};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const START: UnixTime = UnixTime(1_800_000_000);
const BLOCK: Seconds = Seconds(10);
/// After so many blocks the toy's newest is replaced, with the lock that is in it.
const REORG: u32 = 1;

/// Two chains that know nothing of each other.
struct Market {
    toy: ToyChain,
    other: SimChain,
    coin: AssetId,
    network: NetworkId,
    policy: Policy,
}

// ANCHOR: adapters
impl Market {
    /// All that a node must be given of a chain: its adapter, and how fast the chain is.
    fn adapters(&self, person: u32) -> BTreeMap<ChainId, Arc<dyn ChainAdapter>> {
        let toy: Arc<dyn ChainAdapter> = Arc::new(ToyAdapter::new(self.toy.clone(), Account(person)));
        let other = Arc::new(SimAdapter::new(self.other.clone(), AccountId(person)));
        BTreeMap::from([(toy.chain().clone(), toy), (other.chain().clone(), other as _)])
    }

    fn policy(chains: [ChainId; 2]) -> Policy {
        Policy {
            // As fast as a test. In life: how long one confirmation and full depth take in 999 of 1,000 cases.
            paces: chains.into_iter().map(|chain| (chain, Pace::REGTEST)).collect(),
            margins: Margins::REGTEST,
        }
    }
}
// ANCHOR_END: adapters

impl Market {
    fn open() -> Result<Self> {
        let coin = AssetId::new("sim:street/coin:coin")?;
        let other = SimChain::new(coin.chain(), [coin.clone()], START);
        other.fund(AccountId(2), &coin, Amount::new(1_000_000));
        other.mine(1);
        Ok(Self {
            toy: ToyChain::new(START, [(Account(1), Amount::new(70_000))]),
            policy: Self::policy([ToyChain::asset().chain(), coin.chain()]),
            network: NetworkId::new("kofo-example")?,
            other,
            coin,
        })
    }

    fn pass_time(&self) {
        self.toy.mine(1, BLOCK);
        self.other.advance(BLOCK);
        self.other.mine(1);
    }
}

/// One of the two.
struct Person {
    key: NodeKey,
    nonce: SwapNonce,
    adapters: BTreeMap<ChainId, Arc<dyn ChainAdapter>>,
    driver: Driver<Memory>,
}

impl Person {
    fn new(n: u8, market: &Market) -> Result<Self> {
        Ok(Self {
            key: NodeKey::new(&[n; 32]).context("a key")?,
            nonce: SwapNonce::new([n; 32]),
            adapters: market.adapters(n.into()),
            driver: Driver::open(Memory::open(&Disk::new())?)?,
        })
    }

    async fn party(&self, asset: &AssetId, side: Side, role: Role) -> Result<Party> {
        let (leg, nonce) = (LegId::first(side), &self.nonce);
        let adapter = self.adapters.get(&asset.chain()).context("a chain we know")?;
        let (end, taken, pay_to) = (leg.end_of(role), &[], None);
        let wanted = PartyWanted {
            asset,
            leg,
            end,
            nonce,
            taken,
            pay_to,
        };
        Ok(adapter.party(wanted).await?)
    }

    /// What chains told and what is owed, until there is nothing to do.
    async fn work(&mut self) -> Result<()> {
        loop {
            let mut told = 0;
            for (id, adapter) in &self.adapters {
                // What is there at once; a node would wait for more.
                while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, adapter.next()).await {
                    self.driver.chain_event(id, event)?;
                    told += 1;
                }
            }
            let effects = self.driver.flush()?.effects;
            if told == 0 && effects.is_empty() {
                return Ok(());
            }
            for Effect { chain, leg, action } in effects {
                let adapter = self.adapters.get(&chain).context("a chain we know")?;
                adapter.act(leg, action).await;
            }
        }
    }
}

/// What both signed: shells of the toy for coins of the other chain.
async fn order(market: &Market, [anna, ben]: [&Person; 2], hashlock: Hashlock) -> Result<SettlementOrder> {
    let sides = [
        (Side::Alpha, ToyChain::asset(), Amount::new(50_000)),
        (Side::Beta, market.coin.clone(), Amount::new(80_000)),
    ];
    let Timelocks { alpha, beta } = market
        .policy
        .timelocks(&[sides[0].1.chain()], &[sides[1].1.chain()])?;
    let (mut offered, mut accepted) = (Vec::new(), Vec::new());
    for ((side, asset, amount), span) in sides.into_iter().zip([alpha, beta]) {
        offered.push(vec![OfferedLeg {
            party: anna.party(&asset, side, Role::Initiator).await?,
            place: Place::default(),
            asset: asset.clone(),
            amount,
            depth: 1,
        }]);
        accepted.push(vec![AcceptedLeg {
            party: ben.party(&asset, side, Role::Participant).await?,
            timelock: START.plus(span),
        }]);
    }
    let mut next = offered.into_iter();
    let offer = Offer {
        version: 1,
        network: market.network.clone(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: anna.key.id(),
        contacts: vec![Contact::new("by-telephone").context("a contact")?],
        nonce: anna.nonce,
        hashlock,
        give: next.next().unwrap_or_default(),
        want: next.next().unwrap_or_default(),
        expires: START.plus(Seconds(3600)),
    };
    let mut next = accepted.into_iter();
    let acceptance = Acceptance {
        version: 1,
        offer: offer.id(),
        taker: ben.key.id(),
        nonce: ben.nonce,
        alpha: next.next().unwrap_or_default(),
        beta: next.next().unwrap_or_default(),
    };
    let acceptance = acceptance.sign(&offer, &ben.key);
    Ok(SettlementOrder::new(offer.sign(&anna.key), acceptance)?)
}

/// The whole swap; how both ended.
async fn swap(market: &Market) -> Result<[Outcome; 2]> {
    let (mut anna, mut ben) = (Person::new(1, market)?, Person::new(2, market)?);
    let preimage = Seed::new([1; 64]).preimage(&market.network, &anna.nonce);
    let order = order(market, [&anna, &ben], preimage.hashlock()).await?;
    let mut heights = BTreeMap::new();
    for (chain, adapter) in &anna.adapters {
        heights.insert(chain.clone(), adapter.tip().await?.height);
    }
    for (person, role, preimage) in [
        (&mut anna, Role::Initiator, Some(preimage)),
        (&mut ben, Role::Participant, None),
    ] {
        let terms = Terms::new(&order, role, &market.policy, START, &heights)?;
        person
            .driver
            .begin(Begin::new(order.clone(), terms, preimage, 0))?;
    }
    for round in 0..50 {
        anna.work().await?;
        ben.work().await?;
        let phase = |person: &Person| {
            person
                .driver
                .swaps()
                .get(&order.id())
                .map(|live| live.swap().phase())
        };
        if let [Some(Phase::Done(anna)), Some(Phase::Done(ben))] = [phase(&anna), phase(&ben)] {
            return Ok([anna, ben]);
        }
        market.pass_time();
        if round == REORG {
            market.toy.reorg(1, BLOCK);
        }
    }
    bail!("expected the swap to end within 50 blocks")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let market = Market::open()?;
    let outcomes = swap(&market).await?;
    ensure!(
        outcomes == [Outcome::Redeemed; 2],
        "expected two redeems, got {outcomes:?}"
    );
    let has = market.toy.state().coins(Account(2));
    ensure!(
        has == Amount::new(50_000),
        "expected that Ben has 50,000 shells, he has {has}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_toys_coin_is_swapped_for_one_of_another_chain() {
        super::main().expect("the example runs");
    }
}
