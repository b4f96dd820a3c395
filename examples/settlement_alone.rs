//! Settlement alone: two swap machines on two chains. No network, no exchange, no clearance, no journal and no node.
//!
//! Whoever has an order of two parties, from wherever it came, can settle it with this layer: it imports
//! `kofo_settlement`, the nouns of `kofo_primitives`, and the port of a chain (here one in memory). One machine is told
//! what its adapters saw, says what it owes, and is asked again after every block.
//!
//! Run it: `cargo run -p kofo-examples --example settlement_alone`

use anyhow::{Context, Result, ensure};
use kofo_adapter_api::{ChainAdapter, PartyWanted};
use kofo_primitives::*;
use kofo_settlement::{FreshTips, Input, Margins, Outcome, Pace, Phase, Policy, Swap, Terms};
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::{BTreeMap, BTreeSet};

const START: UnixTime = UnixTime(1_800_000_000);
/// Blocks until we give up waiting.
const BLOCKS: u32 = 60;

/// One of the two: a machine, and an adapter for each chain.
struct Machine {
    terms: Terms,
    swap: Swap,
    tips: FreshTips,
    /// What was owed last time: it is asked for once.
    asked: Vec<(LegId, ChainAction)>,
    /// The chains whose adapters answered what we asked to be watched.
    watched: BTreeSet<ChainId>,
    adapters: BTreeMap<ChainId, SimAdapter>,
}

impl Machine {
    fn new(order: &SettlementOrder, role: Role, market: &Market, preimage: Option<Preimage>) -> Result<Self> {
        let heights = market.chains.iter().map(|c| (c.id().clone(), c.tip().height));
        let terms = Terms::new(order, role, &market.policy, START, &heights.collect())?;
        Ok(Self {
            swap: Swap::begin(&terms, preimage)?,
            terms,
            tips: FreshTips::default(),
            asked: Vec::new(),
            watched: BTreeSet::new(),
            adapters: market.adapters(account(role)),
        })
    }

    /// Hears what the chains tell and does what is owed then, until nothing new is.
    fn work(&mut self) -> Result<()> {
        loop {
            while let Some((chain, event)) = self.heard() {
                self.take(&chain, event)?;
            }
            let owed = self.swap.pending(&self.terms, self.tips.get());
            let fresh: Vec<_> = owed
                .iter()
                .filter(|one| !self.asked.contains(one))
                .cloned()
                .collect();
            self.asked = owed;
            if fresh.is_empty() {
                return Ok(());
            }
            for (leg, action) in fresh {
                let chain = self.terms.legs().get(&leg).context("a leg of ours")?.spec.chain();
                let adapter = self.adapters.get(&chain).context("a chain of ours")?;
                adapter.act_now(self.terms.leg_ref(leg), action);
            }
        }
    }

    fn heard(&self) -> Option<(ChainId, ChainEvent)> {
        let mut adapters = self.adapters.iter();
        adapters.find_map(|(chain, adapter)| Some((chain.clone(), adapter.poll()?)))
    }

    fn take(&mut self, chain: &ChainId, event: ChainEvent) -> Result<()> {
        if let Phase::Done(_) = self.swap.phase() {
            return Ok(());
        }
        let input = match event {
            // A chain's time counts once its adapter has told all there is of our leg on it.
            ChainEvent::Tip(_) if !self.watched.contains(chain) => return Ok(()),
            ChainEvent::Tip(tip) => self.time(chain, tip),
            ChainEvent::Leg(_, LegEvent::Watched(tip)) => {
                self.watched.insert(chain.clone());
                self.time(chain, tip)
            }
            ChainEvent::Leg(of, event) => Input::Leg(of.leg, event),
            ChainEvent::Health(_) => return Ok(()),
        };
        self.swap = self.swap.apply(&self.terms, &input)?;
        if let Input::Leg(_, LegEvent::Built(..)) = input {
            // In life the signer may have taken hours: what we knew of time counts no more.
            self.tips.forget();
            self.watched.clear();
            self.asked.clear();
        }
        Ok(())
    }

    fn time(&mut self, chain: &ChainId, tip: Tip) -> Input {
        self.tips.note(chain, tip);
        Input::Tips(self.tips.get().clone())
    }
}

const fn account(role: Role) -> AccountId {
    match role {
        Role::Initiator => AccountId(1),
        Role::Participant => AccountId(2),
    }
}

/// Two chains, an asset on each, and how careful both are.
struct Market {
    policy: Policy,
    assets: [AssetId; 2],
    chains: [SimChain; 2],
}

impl Market {
    fn open() -> Result<Self> {
        let assets = [
            AssetId::new("sim:vault/coin:gold")?,
            AssetId::new("sim:street/coin:coin")?,
        ];
        let chains =
            [(&assets[0], Role::Initiator), (&assets[1], Role::Participant)].map(|(asset, owner)| {
                let chain = SimChain::new(asset.chain(), [asset.clone()], START);
                chain.fund(account(owner), asset, Amount::new(1_000_000));
                chain.mine(1);
                chain
            });
        let paces = chains.iter().map(|chain| (chain.id().clone(), Pace::REGTEST));
        let policy = Policy {
            paces: paces.collect(),
            margins: Margins::REGTEST,
        };
        Ok(Self {
            policy,
            assets,
            chains,
        })
    }

    fn adapters(&self, of: AccountId) -> BTreeMap<ChainId, SimAdapter> {
        let adapter = |chain: &SimChain| (chain.id().clone(), SimAdapter::new(chain.clone(), of));
        self.chains.iter().map(adapter).collect()
    }

    async fn party(&self, at: usize, side: Side, role: Role) -> Result<Party> {
        let asset = self.assets.get(at).context("two assets")?;
        let leg = LegId::first(side);
        let adapters = self.adapters(account(role));
        let wanted = PartyWanted {
            asset,
            leg,
            end: leg.end_of(role),
            nonce: &nonce(role),
            taken: &[],
            pay_to: None,
        };
        Ok(adapters
            .get(&asset.chain())
            .context("a chain")?
            .party(wanted)
            .await?)
    }

    /// What both agreed, however they did: here as an offer and its acceptance.
    async fn order(&self, preimage: &Preimage) -> Result<SettlementOrder> {
        let [gold, coin] = &self.assets;
        let (maker, taker) = (key(Role::Initiator)?, key(Role::Participant)?);
        let offered = |asset: &AssetId, units, party| OfferedLeg {
            asset: asset.clone(),
            amount: Amount::new(units),
            party,
            place: Place::default(),
            depth: 1,
        };
        let offer = Offer {
            version: 1,
            network: NetworkId::new("kofo-example")?,
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: maker.id(),
            contacts: vec![Contact::new("by-telephone").context("a contact")?],
            nonce: nonce(Role::Initiator),
            hashlock: preimage.hashlock(),
            give: vec![offered(
                gold,
                50_000,
                self.party(0, Side::Alpha, Role::Initiator).await?,
            )],
            want: vec![offered(
                coin,
                80_000,
                self.party(1, Side::Beta, Role::Initiator).await?,
            )],
            expires: START.plus(Seconds(3_600)),
        };
        let timelocks = self.policy.timelocks(&[gold.chain()], &[coin.chain()])?;
        let accepted = |party, span| AcceptedLeg {
            party,
            timelock: START.plus(span),
        };
        let alpha = self.party(0, Side::Alpha, Role::Participant).await?;
        let beta = self.party(1, Side::Beta, Role::Participant).await?;
        let acceptance = Acceptance {
            version: 1,
            offer: offer.id(),
            taker: taker.id(),
            nonce: nonce(Role::Participant),
            alpha: vec![accepted(alpha, timelocks.alpha)],
            beta: vec![accepted(beta, timelocks.beta)],
        };
        let acceptance = acceptance.sign(&offer, &taker);
        Ok(SettlementOrder::new(offer.sign(&maker), acceptance)?)
    }
}

fn key(role: Role) -> Result<NodeKey> {
    NodeKey::new(&[u8::try_from(account(role).0)?; 32]).context("a key")
}

/// In life: 32 fresh bytes of the system.
const fn nonce(role: Role) -> SwapNonce {
    match role {
        Role::Initiator => SwapNonce::new([1; 32]),
        Role::Participant => SwapNonce::new([2; 32]),
    }
}

async fn swap() -> Result<[Outcome; 2]> {
    let market = Market::open()?;
    let preimage = Preimage::new([7; 32]);
    let order = market.order(&preimage).await?;
    let mut sides = [
        Machine::new(&order, Role::Initiator, &market, Some(preimage))?,
        Machine::new(&order, Role::Participant, &market, None)?,
    ];
    for _ in 0..BLOCKS {
        for side in &mut sides {
            side.work()?;
        }
        if let [Phase::Done(first), Phase::Done(second)] = sides.each_ref().map(|side| side.swap.phase()) {
            return Ok([first, second]);
        }
        for chain in &market.chains {
            chain.advance(Seconds(10));
            chain.mine(1);
        }
    }
    anyhow::bail!("expected the swap to end within {BLOCKS} blocks")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let outcomes = swap().await?;
    ensure!(
        outcomes == [Outcome::Redeemed; 2],
        "expected two redeems, got {outcomes:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_machines_and_two_chains_are_enough_for_two_redeems() {
        super::main().expect("the example runs");
    }
}
