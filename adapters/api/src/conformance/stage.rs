//! Two nodes on one chain, and legs between them.

use super::harness::{Harness, Who};
use super::peer::{DEADLINE, Peer};
use crate::PartyWanted;
use kofo_primitives::{
    Act, ActKind, ChainEvent, End, HtlcSpec, LegId, LegRef, Party, Preimage, Prepared, Seconds, Side, SwapId,
    SwapNonce, UnixTime,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a condition is looked at that nobody announces.
const GLANCE: Duration = Duration::from_millis(20);
/// From the tip's time to a leg's timelock, by the chain's time.
const UNTIL_TIMELOCK: Seconds = Seconds::minutes(120);

/// One leg, as both ends see it.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Its name.
    pub of: LegRef,
    /// Who locks it.
    pub payer: Who,
    /// What opens it.
    pub preimage: Preimage,
    /// As its payer sees it.
    pub refunder: HtlcSpec,
    /// As the other sees it.
    pub redeemer: HtlcSpec,
}

impl Leg {
    /// As this owner sees it.
    #[must_use]
    pub fn spec(&self, who: Who) -> &HtlcSpec {
        if who == self.payer {
            &self.refunder
        } else {
            &self.redeemer
        }
    }
}

/// What the legs of one swap share, and the name of one of them.
struct Swap {
    of: LegRef,
    preimage: Preimage,
    /// Of payer and payee.
    nonces: [SwapNonce; 2],
    /// Where the redeem pays to, if not to the payee.
    pay_to: Option<String>,
}

impl Swap {
    /// One that nobody had before.
    fn fresh(pay_to: Option<String>) -> Self {
        Self {
            of: LegRef {
                swap: SwapId::new(fresh()),
                leg: LegId::first(Side::Alpha),
            },
            preimage: Preimage::new(fresh()),
            nonces: [SwapNonce::new(fresh()), SwapNonce::new(fresh())],
            pay_to,
        }
    }
}

/// Two nodes on a chain.
pub struct Stage<H> {
    /// The chain.
    pub chain: H,
    /// Our node.
    pub us: Peer,
    /// Their node.
    pub them: Peer,
    taken: Vec<Party>,
}

impl<H: Harness> Stage<H> {
    /// Starts both nodes.
    pub async fn set(chain: H) -> Self {
        let us = Peer::start(&chain, Who::Us).await;
        let them = Peer::start(&chain, Who::Them).await;
        let taken = Vec::new();
        Self {
            chain,
            us,
            them,
            taken,
        }
    }

    /// The node of this owner.
    #[must_use]
    pub fn peer(&self, who: Who) -> &Peer {
        if who == Who::Us { &self.us } else { &self.them }
    }

    /// Kills our node, lets `meanwhile` happen, and starts it again.
    pub async fn restart_us(self, meanwhile: impl AsyncFnOnce(&H, &Peer)) -> Self {
        let Self {
            chain,
            us,
            them,
            taken,
        } = self;
        us.stop().await;
        meanwhile(&chain, &them).await;
        let us = Peer::start(&chain, Who::Us).await;
        Self {
            chain,
            us,
            them,
            taken,
        }
    }

    /// Agrees on a leg of the usual amount that this owner locks. Nobody watches it yet.
    pub async fn agree(&mut self, payer: Who) -> Leg {
        self.agree_on(payer, Swap::fresh(None)).await
    }

    /// The same, but the redeem pays this address of somebody else.
    pub async fn agree_paying(&mut self, payer: Who, address: &str) -> Leg {
        self.agree_on(payer, Swap::fresh(Some(address.to_owned()))).await
    }

    /// Agrees on one more leg of the same swap: same payer, same preimage.
    pub async fn agree_beside(&mut self, leg: &Leg) -> Leg {
        let mut of = leg.of;
        of.leg.index += 1;
        let swap = Swap {
            of,
            preimage: leg.preimage.clone(),
            nonces: [leg.refunder.nonce, leg.redeemer.nonce],
            pay_to: None,
        };
        self.agree_on(leg.payer, swap).await
    }

    async fn agree_on(&mut self, payer: Who, swap: Swap) -> Leg {
        let Swap {
            of,
            preimage,
            nonces,
            pay_to,
        } = swap;
        let [our_nonce, their_nonce] = nonces;
        let payee = if payer == Who::Us { Who::Them } else { Who::Us };
        let asset = self.chain.asset();
        let tip = self.chain.tip().await;
        let mut parties = Vec::new();
        for (who, end, nonce) in [
            (payer, End::Refunder, &our_nonce),
            (payee, End::Redeemer, &their_nonce),
        ] {
            let wanted = PartyWanted {
                asset: &asset,
                leg: of.leg,
                end,
                nonce,
                taken: &self.taken,
                pay_to: pay_to.as_deref().filter(|_| end == End::Redeemer),
            };
            let party = self.peer(who).adapter.party(wanted).await;
            parties.push(party.expect("an adapter has parties for its own asset"));
        }
        self.taken.extend(parties.clone());
        let refunder = HtlcSpec {
            place: self
                .us
                .adapter
                .place(&asset)
                .expect("an adapter has a place for its own asset"),
            asset,
            amount: self.chain.amount(),
            hashlock: preimage.hashlock(),
            timelock: tip.time.plus(UNTIL_TIMELOCK),
            redeemer: parties[1].clone(),
            refunder: parties[0].clone(),
            depth: self.chain.depth(),
            end: End::Refunder,
            nonce: our_nonce,
            from_height: tip.height,
        };
        let redeemer = HtlcSpec {
            end: End::Redeemer,
            nonce: their_nonce,
            ..refunder.clone()
        };
        Leg {
            of,
            payer,
            preimage,
            refunder,
            redeemer,
        }
    }

    /// A leg that both watch.
    pub async fn watched(&mut self, payer: Who) -> Leg {
        let leg = self.agree(payer).await;
        self.us.watch(&leg, &[]).await;
        self.them.watch(&leg, &[]).await;
        leg
    }

    /// A leg that both watch and that is locked in the newest block; with what its payer built.
    pub async fn locked(&mut self, payer: Who) -> (Leg, Prepared) {
        let leg = self.agree(payer).await;
        let prepared = self.lock(&leg).await;
        (leg, prepared)
    }

    /// Both watch the leg, and its payer locks it in the newest block: what it built for that.
    pub async fn lock(&self, leg: &Leg) -> Prepared {
        self.us.watch(leg, &[]).await;
        self.them.watch(leg, &[]).await;
        let prepared = self.peer(leg.payer).build(leg, Act::Lock).await;
        self.send(leg.payer, leg, ActKind::Lock, &prepared).await;
        self.mine(1).await;
        prepared
    }

    /// Broadcasts and waits until one more transaction waits in the mempool.
    pub async fn send(&self, who: Who, leg: &Leg, kind: ActKind, prepared: &Prepared) {
        let before = self.chain.waiting().await;
        self.peer(who).broadcast(leg, kind, prepared).await;
        self.until_waiting(before + 1).await;
    }

    /// Waits until at least so many transactions wait in the mempool.
    pub async fn until_waiting(&self, count: usize) {
        let wait = async {
            while self.chain.waiting().await < count {
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(DEADLINE, wait).await.is_err() {
            let have = self.chain.waiting().await;
            panic!("expected {count} transactions in the mempool within {DEADLINE:?}, it has {have}");
        }
    }

    /// Mines so many blocks and waits until both nodes told the last of them.
    pub async fn mine(&self, blocks: u32) -> u64 {
        self.chain.mine(blocks).await;
        self.settled().await
    }

    /// Mines to this time and waits until both nodes told it.
    pub async fn mine_until(&self, time: UnixTime) -> u64 {
        self.chain.mine_until(time).await;
        assert_eq!(
            self.chain.tip().await.time,
            time,
            "the harness reaches the time exactly"
        );
        self.settled().await
    }

    /// Mines until a fact of a block that is the newest now is final.
    pub async fn finalise(&self) {
        let more = self.chain.depth().saturating_sub(1);
        if more > 0 {
            self.mine(more).await;
        }
    }

    /// Waits until the tip is what both nodes told last; its height.
    pub async fn settled(&self) -> u64 {
        let tip = self.chain.tip().await;
        for peer in [&self.us, &self.them] {
            let last = |events: &[ChainEvent]| {
                let tips = events.iter().rev().find_map(|event| match event {
                    ChainEvent::Tip(tip) => Some(*tip),
                    ChainEvent::Leg(..) | ChainEvent::Health(_) => None,
                });
                tips.filter(|last| *last == tip)
            };
            peer.until(0, &format!("{tip:?} to be told last"), last).await;
        }
        tip.height
    }
}

/// 32 bytes that nobody had before in this process.
pub(super) fn fresh() -> [u8; 32] {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    // A hash spreads them, and this is the one at hand.
    *Preimage::new(bytes).hashlock().as_bytes()
}
