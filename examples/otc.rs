//! An over-the-counter deal: two people who know each other agree on a price by telephone, hand two files to each
//! other, and swap. No network, no third party, no fee.
//!
//! It shows how the layers are used without a node: `exchange` for the offer, `settlement` for the terms, the driver
//! for the rest. Chains and journals are in memory here; with the adapters of real chains nothing else changes.
//!
//! Run it: `cargo run -p kofo-examples --example otc`

use anyhow::{Context, Result, ensure};
use kofo_adapter_api::{ChainAdapter, PartyWanted};
use kofo_exchange::{Now, acceptable, from_text, to_file};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::driver::{Begin, Driver, Effect};
use kofo_primitives::*;
use kofo_settlement::{Margins, Outcome, Pace, Phase, Policy, Terms, Timelocks};
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::BTreeMap;

/// One of the two: a seed, a wallet on each chain, a journal.
struct Person {
    seed: Seed,
    key: NodeKey,
    nonce: SwapNonce,
    adapters: BTreeMap<ChainId, SimAdapter>,
    driver: Driver<Memory>,
}

impl Person {
    fn new(n: u8, chains: &[SimChain]) -> Result<Self> {
        let adapter = |chain: &SimChain| {
            (
                chain.id().clone(),
                SimAdapter::new(chain.clone(), AccountId(n.into())),
            )
        };
        Ok(Self {
            seed: Seed::new([n; 64]),
            key: NodeKey::new(&[n; 32]).context("a key")?,
            // In life: 32 fresh bytes of the system, recorded before anything made from them leaves.
            nonce: SwapNonce::new([n; 32]),
            adapters: chains.iter().map(adapter).collect(),
            driver: Driver::open(Memory::open(&Disk::new())?)?,
        })
    }

    /// Our keys and addresses for one leg.
    async fn party(&self, asset: &AssetId, leg: LegId, role: Role) -> Result<Party> {
        let adapter = self.adapters.get(&asset.chain()).context("a chain we know")?;
        let wanted = PartyWanted {
            asset,
            leg,
            end: leg.end_of(role),
            nonce: &self.nonce,
            taken: &[],
            pay_to: None,
        };
        Ok(adapter.party(wanted).await?)
    }

    async fn leg(&self, asset: &AssetId, amount: Amount, side: Side) -> Result<OfferedLeg> {
        let party = self.party(asset, LegId::first(side), Role::Initiator).await?;
        Ok(OfferedLeg {
            asset: asset.clone(),
            amount,
            party,
            place: Place::default(),
            depth: 1,
        })
    }

    /// What chains told and what is owed, until there is nothing to do.
    fn work(&mut self) -> Result<()> {
        loop {
            let told: Vec<_> = self
                .adapters
                .iter()
                .filter_map(|(id, a)| Some((id.clone(), a.poll()?)))
                .collect();
            for (chain, event) in &told {
                self.driver.chain_event(chain, event.clone())?;
            }
            let effects = self.driver.flush()?.effects;
            if told.is_empty() && effects.is_empty() {
                return Ok(());
            }
            for Effect { chain, leg, action } in effects {
                self.adapters
                    .get(&chain)
                    .context("a chain we know")?
                    .act_now(leg, action);
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let outcomes = deal().await?;
    ensure!(
        outcomes == [Outcome::Redeemed; 2],
        "expected two redeems, got {outcomes:?}"
    );
    Ok(())
}

const START: UnixTime = UnixTime(1_800_000_000);

/// What both know before they telephone.
struct Market {
    network: NetworkId,
    policy: Policy,
    gold: AssetId,
    coin: AssetId,
}

async fn deal() -> Result<[Outcome; 2]> {
    let (gold, coin) = (
        AssetId::new("sim:vault/coin:gold")?,
        AssetId::new("sim:street/coin:coin")?,
    );
    let chains = [(&gold, 1), (&coin, 2)].map(|(asset, owner)| {
        let chain = SimChain::new(asset.chain(), [asset.clone()], START);
        chain.fund(AccountId(owner), asset, Amount::new(1_000_000));
        chain.mine(1);
        chain
    });
    let paces = chains
        .iter()
        .map(|chain| (chain.id().clone(), Pace::REGTEST))
        .collect();
    let policy = Policy {
        paces,
        margins: Margins::REGTEST,
    };
    let market = Market {
        network: NetworkId::new("kofo-example")?,
        policy,
        gold,
        coin,
    };
    let (mut anna, mut ben) = (Person::new(1, &chains)?, Person::new(2, &chains)?);

    // Two files change hands.
    let offer = anna.offer(&market).await?;
    let order = ben.accept(&market, &offer).await?;

    // Both have the order now; each checks it for itself and begins.
    let order: SettlementOrder = decode(&order)?;
    let heights = chains
        .iter()
        .map(|chain| (chain.id().clone(), chain.tip().height))
        .collect();
    let preimage = anna.preimage(&market);
    for (person, role, preimage) in [
        (&mut anna, Role::Initiator, Some(preimage)),
        (&mut ben, Role::Participant, None),
    ] {
        let terms = Terms::new(&order, role, &market.policy, START, &heights)?;
        person
            .driver
            .begin(Begin::new(order.clone(), terms, preimage, 0))?;
    }
    settle(&mut anna, &mut ben, &chains, order.id())
}

impl Person {
    fn preimage(&self, market: &Market) -> Preimage {
        self.seed.preimage(&market.network, &self.nonce)
    }

    /// Writes an offer of gold for coin into a file.
    async fn offer(&self, market: &Market) -> Result<String> {
        let offer = Offer {
            version: 1,
            network: market.network.clone(),
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: self.key.id(),
            contacts: vec![Contact::new("by-telephone").context("a contact")?],
            nonce: self.nonce,
            hashlock: self.preimage(market).hashlock(),
            give: vec![self.leg(&market.gold, Amount::new(50_000), Side::Alpha).await?],
            want: vec![self.leg(&market.coin, Amount::new(80_000), Side::Beta).await?],
            expires: START.plus(Seconds(3600)),
        };
        Ok(to_file(&offer.sign(&self.key))?)
    }

    /// Reads an offer, finds it acceptable, and writes the order that it makes with the acceptance into a file.
    async fn accept(&self, market: &Market, file: &str) -> Result<Vec<u8>> {
        let (gold, coin) = (&market.gold, &market.coin);
        let place = |asset: &AssetId| [gold, coin].contains(&asset).then(Place::default);
        let now = Now {
            network: &market.network,
            time: START,
            us: self.key.id(),
            place: &place,
        };
        let offer = acceptable(from_text(file)?, &now)?.into_signed();
        let Timelocks { alpha, beta } = market.policy.timelocks(&[gold.chain()], &[coin.chain()])?;
        let mut sides = Vec::new();
        for (asset, side, span) in [(gold, Side::Alpha, alpha), (coin, Side::Beta, beta)] {
            let party = self.party(asset, LegId::first(side), Role::Participant).await?;
            sides.push(vec![AcceptedLeg {
                party,
                timelock: START.plus(span),
            }]);
        }
        let (beta, alpha) = (sides.pop().context("beta")?, sides.pop().context("alpha")?);
        let (id, taker) = (offer.body.id(), self.key.id());
        let acceptance = Acceptance {
            version: 1,
            offer: id,
            taker,
            nonce: self.nonce,
            alpha,
            beta,
        };
        let acceptance = acceptance.sign(&offer.body, &self.key);
        Ok(encode(&SettlementOrder::new(offer, acceptance)?))
    }
}

/// Blocks come, and both do what is theirs to do.
fn settle(anna: &mut Person, ben: &mut Person, chains: &[SimChain], swap: SwapId) -> Result<[Outcome; 2]> {
    for _ in 0..50 {
        anna.work()?;
        ben.work()?;
        let phase = |person: &Person| person.driver.swaps().get(&swap).map(|live| live.swap().phase());
        if let [Some(Phase::Done(anna)), Some(Phase::Done(ben))] = [phase(anna), phase(ben)] {
            return Ok([anna, ben]);
        }
        for chain in chains {
            chain.advance(Seconds(10));
            chain.mine(1);
        }
    }
    anyhow::bail!("expected the swap to end within 50 blocks")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_deal_ends_with_two_redeems() {
        super::main().expect("the example runs");
    }
}
