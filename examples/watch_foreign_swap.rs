//! Somebody watches a swap that is not theirs: given its order, which both parties signed, and a view of its chains, it
//! tells when each leg is locked, redeemed or refunded, and when all of that is final. It has no key, locks nothing, and
//! cannot be told a story: what it tells, blocks hold.
//!
//! The same with a node's real adapters works on real chains. Here two strangers swap on chains in memory:
//! `cargo run -p kofo-examples --example watch_foreign_swap`

use anyhow::{Context, Result, ensure};
use kofo_adapter_api::ChainAdapter;
use kofo_primitives::*;
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Chains = BTreeMap<ChainId, Arc<dyn ChainAdapter>>;

/// How a swap of somebody else ended, finally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every leg was redeemed.
    Redeemed,
    /// Every leg that was ever locked was refunded.
    Refunded,
    /// One party has both assets: the other one was away past a timelock.
    Unevenly,
}

/// What blocks hold of one leg.
struct Leg {
    chain: ChainId,
    depth: u64,
    acts: BTreeMap<ActKind, At>,
}

/// Who watches.
pub(crate) struct Onlooker {
    chains: Chains,
    legs: BTreeMap<LegRef, Leg>,
    heights: BTreeMap<ChainId, u64>,
}

impl Onlooker {
    /// Begins to watch from these blocks on: nothing of the swap is older.
    pub(crate) async fn new(order: &SettlementOrder, chains: Chains, from_height: u64) -> Result<Self> {
        let mut legs = BTreeMap::new();
        for leg in order.legs() {
            let of = LegRef {
                swap: order.id(),
                leg: leg.id,
            };
            let spec = HtlcSpec {
                asset: leg.asset.clone(),
                amount: leg.amount,
                hashlock: order.hashlock(),
                timelock: leg.timelock,
                redeemer: leg.redeemer.clone(),
                refunder: leg.refunder.clone(),
                place: leg.place.clone(),
                depth: leg.depth,
                // Neither end is ours. Only who builds has to be one of them.
                end: End::Redeemer,
                nonce: order.nonce(Role::Initiator),
                from_height,
            };
            let chain = spec.chain();
            let adapter = chains
                .get(&chain)
                .with_context(|| format!("no view of {chain}"))?;
            let held = Vec::new();
            adapter.act(of, ChainAction::Watch { spec, held }).await;
            let (depth, acts) = (leg.depth.into(), BTreeMap::new());
            legs.insert(of, Leg { chain, depth, acts });
        }
        Ok(Self {
            chains,
            legs,
            heights: BTreeMap::new(),
        })
    }

    /// A sentence for each thing that is new; waits at most so long for the first.
    pub(crate) async fn news(&mut self, patience: Duration) -> Vec<String> {
        let mut heard = Vec::new();
        for (chain, adapter) in &self.chains {
            while let Ok(Some(event)) = tokio::time::timeout(patience, adapter.next()).await {
                heard.push((chain.clone(), event));
            }
        }
        heard
            .into_iter()
            .filter_map(|(chain, event)| self.hear(chain, event))
            .collect()
    }

    fn hear(&mut self, chain: ChainId, event: ChainEvent) -> Option<String> {
        match event {
            ChainEvent::Tip(tip) => {
                self.heights.insert(chain, tip.height);
                None
            }
            ChainEvent::Health(Health::Fault) => Some(format!("{chain} cannot be seen at present")),
            ChainEvent::Health(Health::Healthy) => None,
            ChainEvent::Leg(of, LegEvent::Seen { act, at, .. }) => {
                self.legs.get_mut(&of)?.acts.insert(act.kind(), at);
                Some(match act {
                    Act::Lock => format!("{}: locked, {}", of.leg, place(at)),
                    Act::Redeem(_) => {
                        format!("{}: redeemed, {}; all can read the preimage", of.leg, place(at))
                    }
                    Act::Refund => format!("{}: refunded, {}", of.leg, place(at)),
                    Act::Cancel => return None,
                })
            }
            ChainEvent::Leg(of, LegEvent::RedeemedTogether { at, .. }) => {
                self.legs.get_mut(&of)?.acts.insert(ActKind::Redeem, at);
                Some(format!(
                    "{}: redeemed with both signatures, {}",
                    of.leg,
                    place(at)
                ))
            }
            ChainEvent::Leg(of, LegEvent::Unseen(kind)) => {
                let was = self.legs.get_mut(&of)?.acts.remove(&kind)?;
                Some(format!(
                    "{}: {kind:?} is gone again, it was {}",
                    of.leg,
                    place(was)
                ))
            }
            ChainEvent::Leg(of, LegEvent::Failed(ActKind::Lock, wrong @ FailClass::WrongAmount { .. })) => {
                Some(format!("{}: {wrong}", of.leg))
            }
            ChainEvent::Leg(_, LegEvent::Failed(..) | LegEvent::Built(..) | LegEvent::Watched(_)) => None,
        }
    }

    /// How it ended, once that is so deep in blocks as its parties want it.
    pub(crate) fn ended(&self) -> Option<Ended> {
        let over = |leg: &Leg| {
            let height = self.heights.get(&leg.chain)?;
            let ends = [ActKind::Redeem, ActKind::Refund];
            ends.into_iter().find(|kind| match leg.acts.get(kind) {
                Some(At::Block(at)) => height.saturating_sub(*at) + 1 >= leg.depth,
                Some(At::Mempool) | None => false,
            })
        };
        let locked = |leg: &&Leg| leg.acts.contains_key(&ActKind::Lock);
        let ends: Option<Vec<_>> = self.legs.values().filter(locked).map(over).collect();
        let ends = ends.filter(|ends| !ends.is_empty())?;
        let all = |kind| ends.iter().all(|end| *end == kind);
        if all(ActKind::Redeem) && ends.len() == self.legs.len() {
            return Some(Ended::Redeemed);
        }
        Some(if all(ActKind::Refund) {
            Ended::Refunded
        } else {
            Ended::Unevenly
        })
    }
}

fn place(at: At) -> String {
    match at {
        At::Mempool => "in no block yet".to_owned(),
        At::Block(height) => format!("in block {height}"),
    }
}

/// Two strangers, their chains, and what they agreed on.
struct Strangers {
    chains: [SimChain; 2],
    order: SettlementOrder,
    preimage: Preimage,
    timelock: UnixTime,
}

const START: UnixTime = UnixTime(1_800_000_000);
const HOUR: Seconds = Seconds(3_600);

impl Strangers {
    fn agree() -> Result<Self> {
        let assets = ["sim:vault/coin:gold", "sim:street/coin:coin"];
        let mut chains = Vec::new();
        let (mut offered, mut accepted) = (Vec::new(), Vec::new());
        for (n, asset) in (1u8..).zip(assets) {
            let asset = AssetId::new(asset)?;
            let chain = SimChain::new(asset.chain(), [asset.clone()], START);
            chain.fund(AccountId(n.into()), &asset, Amount::new(5_000));
            chain.mine(1);
            chains.push(chain);
            let party = |n: u8| {
                kofo_sim::SimParty {
                    account: AccountId(n.into()),
                    lane: 0,
                }
                .to_party()
            };
            offered.push(vec![OfferedLeg {
                asset,
                amount: Amount::new(1_000),
                party: party(1),
                place: Place::default(),
                depth: 2,
            }]);
            accepted.push(vec![AcceptedLeg {
                party: party(2),
                timelock: START.plus(HOUR),
            }]);
        }
        let chains = <[SimChain; 2]>::try_from(chains).ok().context("two chains")?;
        let keys = [1, 2].map(|n| NodeKey::new(&[n; 32]));
        let [Some(maker), Some(taker)] = keys else {
            anyhow::bail!("expected two keys");
        };
        let preimage = Preimage::new([8; 32]);
        let [give, want] = <[_; 2]>::try_from(offered).ok().context("two sides")?;
        let [alpha, beta] = <[_; 2]>::try_from(accepted).ok().context("two sides")?;
        let offer = Offer {
            version: 1,
            network: NetworkId::new("kofo-example")?,
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: maker.id(),
            contacts: vec![Contact::new("by-telephone").context("a contact")?],
            nonce: SwapNonce::new([1; 32]),
            hashlock: preimage.hashlock(),
            give,
            want,
            expires: START.plus(HOUR),
        };
        let acceptance = Acceptance {
            version: 1,
            offer: offer.id(),
            taker: taker.id(),
            nonce: SwapNonce::new([2; 32]),
            alpha,
            beta,
        };
        let acceptance = acceptance.sign(&offer, &taker);
        Ok(Self {
            chains,
            order: SettlementOrder::new(offer.sign(&maker), acceptance)?,
            preimage,
            timelock: START.plus(HOUR),
        })
    }

    /// Their own node does this act on a leg, and two blocks come.
    fn act(&self, side: Side, act: &Act) -> Result<()> {
        let (n, chain) = match side {
            Side::Alpha => (1, &self.chains[0]),
            Side::Beta => (2, &self.chains[1]),
        };
        let redeems = matches!(act, Act::Redeem(_));
        let (owner, end) = if redeems {
            (3 - n, End::Redeemer)
        } else {
            (n, End::Refunder)
        };
        let leg = self.order.legs().into_iter().find(|leg| leg.id.side == side);
        let leg = leg.context("both sides have a leg")?;
        let spec = HtlcSpec {
            asset: leg.asset.clone(),
            amount: leg.amount,
            hashlock: self.order.hashlock(),
            timelock: leg.timelock,
            redeemer: leg.redeemer.clone(),
            refunder: leg.refunder.clone(),
            place: leg.place.clone(),
            depth: leg.depth,
            end,
            nonce: SwapNonce::new([1; 32]),
            from_height: 0,
        };
        let of = LegRef {
            swap: self.order.id(),
            leg: leg.id,
        };
        let node = SimAdapter::new(chain.clone(), AccountId(owner));
        node.act_now(
            of,
            ChainAction::Watch {
                spec,
                held: Vec::new(),
            },
        );
        node.act_now(of, ChainAction::Build(act.clone()));
        while let Some(event) = node.poll() {
            if let ChainEvent::Leg(_, LegEvent::Built(act, tx)) = event {
                let not_after = None;
                node.act_now(of, ChainAction::Broadcast { act, tx, not_after });
            }
        }
        chain.mine(2);
        Ok(())
    }

    /// Whoever looks has accounts of nobody.
    fn views(&self) -> Chains {
        let view = |chain: &SimChain| {
            let adapter: Arc<dyn ChainAdapter> = Arc::new(SimAdapter::new(chain.clone(), AccountId(99)));
            (chain.id().clone(), adapter)
        };
        self.chains.iter().map(view).collect()
    }
}

/// Watches until it ended; all that was told.
async fn watch(strangers: &Strangers, acts: &[(Side, Act)]) -> Result<(Vec<String>, Option<Ended>)> {
    let mut onlooker = Onlooker::new(&strangers.order, strangers.views(), 0).await?;
    let mut told = Vec::new();
    for (side, act) in acts {
        if *act == Act::Refund {
            for chain in &strangers.chains {
                chain.advance(chain.tip().time.until(strangers.timelock));
                chain.mine(1);
            }
        }
        strangers.act(*side, act)?;
        // Here all is there at once.
        told.extend(onlooker.news(Duration::ZERO).await);
    }
    Ok((told, onlooker.ended()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let strangers = Strangers::agree()?;
    let redeem = Act::Redeem(strangers.preimage.clone());
    let acts = [
        (Side::Alpha, Act::Lock),
        (Side::Beta, Act::Lock),
        (Side::Beta, redeem.clone()),
        (Side::Alpha, redeem),
    ];
    let (told, ended) = watch(&strangers, &acts).await?;
    for line in told {
        eprintln!("{line}");
    }
    ensure!(
        ended == Some(Ended::Redeemed),
        "expected that both redeem, got {ended:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn watched(acts: impl Fn(&Strangers) -> Vec<(Side, Act)>) -> (Vec<String>, Option<Ended>) {
        let strangers = Strangers::agree().expect("an order that is right");
        let acts = acts(&strangers);
        watch(&strangers, &acts).await.expect("both chains are seen")
    }

    #[test]
    fn the_story_ends_with_two_redeems() {
        super::main().expect("the example runs");
    }

    #[tokio::test]
    async fn each_act_is_told_with_its_block() {
        let redeem = |of: &Strangers| Act::Redeem(of.preimage.clone());
        let (told, ended) = watched(|of| {
            vec![
                (Side::Alpha, Act::Lock),
                (Side::Beta, Act::Lock),
                (Side::Beta, redeem(of)),
            ]
        })
        .await;
        let expected = [
            "alpha/0: locked, in block 2",
            "beta/0: locked, in block 2",
            "beta/0: redeemed, in block 4; all can read the preimage",
        ];
        assert_eq!(told, expected);
        assert_eq!(ended, None, "alpha is locked still");
    }

    #[tokio::test]
    async fn a_swap_that_came_to_nothing_ends_refunded() {
        let (_, ended) = watched(|_| vec![(Side::Alpha, Act::Lock), (Side::Alpha, Act::Refund)]).await;
        assert_eq!(ended, Some(Ended::Refunded));
    }

    #[tokio::test]
    async fn one_party_that_was_away_too_long_is_told_of() {
        let (_, ended) = watched(|of| {
            let redeem = Act::Redeem(of.preimage.clone());
            let locks = [(Side::Alpha, Act::Lock), (Side::Beta, Act::Lock)];
            [locks, [(Side::Beta, redeem), (Side::Alpha, Act::Refund)]].concat()
        })
        .await;
        assert_eq!(ended, Some(Ended::Unevenly));
    }
}
