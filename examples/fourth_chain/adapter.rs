//! The port over the toy chain: what a node needs to swap on it.

use super::ledger::{Account, ToyChain};
use super::leg::{Leg, parties, party};
use async_trait::async_trait;
use kofo_adapter_api::{AdapterError, ChainAdapter, PartyWanted};
use kofo_primitives::decode;
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, ChainAction, ChainEvent, ChainId, End, FailClass, HtlcSpec, LegEvent,
    LegRef, Party, Place, Prepared, Text, Tip, UnixTime,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One node's adapter, with one account for a wallet.
#[derive(Debug)]
pub(crate) struct ToyAdapter {
    chain: ToyChain,
    id: ChainId,
    account: Account,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    legs: BTreeMap<LegRef, Leg>,
    events: VecDeque<ChainEvent>,
    /// The version of the chain that was looked at last, and its best block that was told last.
    seen: Option<u64>,
    told: Option<u64>,
}

fn refused(why: &str) -> FailClass {
    FailClass::Refused(Text::lossy(why))
}

impl ToyAdapter {
    /// A node of this account that has just started. All that it must know again, it finds on the chain, in the legs that it
    /// is told to watch, and in what was built for them.
    pub(crate) fn new(chain: ToyChain, account: Account) -> Self {
        Self {
            chain,
            id: ToyChain::asset().chain(),
            account,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: take
    fn take(&self, inner: &mut Inner, of: LegRef, action: ChainAction) {
        match action {
            ChainAction::Watch { spec, held } => self.watch(inner, of, spec, &held),
            ChainAction::Build(act) => {
                let kind = act.kind();
                let event = match self.build(inner, of, &act) {
                    Ok(prepared) => LegEvent::Built(kind, prepared),
                    Err(class) => LegEvent::Failed(kind, class),
                };
                inner.tell(of, event);
            }
            ChainAction::Broadcast { act, tx, not_after } => self.broadcast(inner, of, (act, &tx), not_after),
            ChainAction::Unwatch => {
                inner.legs.remove(&of);
            }
        }
    }
    // ANCHOR_END: take

    fn watch(&self, inner: &mut Inner, of: LegRef, spec: HtlcSpec, held: &[Prepared]) {
        if !inner.legs.contains_key(&of) {
            let Some(leg) = Leg::new(of, spec) else {
                let class = refused("the leg's parties are malformed");
                inner.tell(of, LegEvent::Failed(ActKind::Lock, class));
                return;
            };
            inner.legs.insert(of, leg);
        }
        if let Some(leg) = inner.legs.get_mut(&of) {
            let held: Vec<_> = held.iter().filter_map(|held| leg.read(held)).collect();
            leg.built.extend(held);
            leg.told = None;
        }
        self.follow(inner);
        inner.tell(of, LegEvent::Watched(self.chain.state().tip()));
    }

    fn build(&self, inner: &mut Inner, of: LegRef, act: &Act) -> Result<Prepared, FailClass> {
        let leg = inner
            .legs
            .get(&of)
            .ok_or_else(|| refused("the leg is not watched"))?;
        let end = match act {
            Act::Redeem(_) => End::Redeemer,
            Act::Lock | Act::Refund | Act::Cancel => End::Refunder,
        };
        let tx = leg.tx(act);
        if leg.spec.end != end || tx.from != self.account {
            return Err(refused("it is not our end of the leg"));
        }
        match act {
            Act::Redeem(preimage) if preimage.hashlock() != leg.spec.hashlock => {
                return Err(refused("the preimage does not open the hashlock"));
            }
            Act::Lock if leg.facts(&self.chain.state()).dead.contains(&ActKind::Lock) => {
                return Err(FailClass::Dead);
            }
            Act::Lock if !leg.built.contains_key(&ActKind::Lock) => {
                let (have, need) = (self.spendable(inner), leg.spec.amount);
                if have < need {
                    return Err(FailClass::Funds { have, need });
                }
            }
            Act::Lock | Act::Redeem(_) | Act::Refund | Act::Cancel => {}
        }
        let prepared = Leg::prepared(&tx);
        if let Some(leg) = inner.legs.get_mut(&of) {
            leg.built.insert(act.kind(), tx);
        }
        Ok(prepared)
    }

    fn broadcast(
        &self,
        inner: &mut Inner,
        of: LegRef,
        (act, tx): (ActKind, &Prepared),
        not_after: Option<UnixTime>,
    ) {
        let leg = inner.legs.get_mut(&of);
        let ours = leg.and_then(|leg| leg.read(tx).map(|built| (leg, built)));
        let Some((leg, (kind, tx))) = ours.filter(|(_, (kind, _))| *kind == act) else {
            let class = refused("the leg is not watched, or that was not built here");
            inner.tell(of, LegEvent::Failed(act, class));
            return;
        };
        leg.built.insert(kind, tx);
        // What is to be cancelled is never sent again.
        if kind == ActKind::Cancel {
            leg.owed.remove(&ActKind::Lock);
        }
        if kind != ActKind::Lock || !leg.owed.contains_key(&ActKind::Cancel) {
            leg.owed.insert(kind, not_after);
        }
        self.send(inner);
        self.follow(inner);
    }

    // ANCHOR: send
    /// Offers what is owed and in no block. A refusal is no fact: it is offered again with the next block.
    fn send(&self, inner: &Inner) {
        for leg in inner.legs.values() {
            let (tip, facts) = {
                let state = self.chain.state();
                (state.tip(), leg.facts(&state))
            };
            let open = |(kind, not_after): &(&ActKind, &Option<UnixTime>)| {
                !facts.mined(**kind) && not_after.is_none_or(|last| tip.time <= last)
            };
            for (kind, _) in leg.owed.iter().filter(open) {
                if let Some(tx) = leg.built.get(kind) {
                    let _refused = self.chain.submit(tx.clone());
                }
            }
        }
    }
    // ANCHOR_END: send

    /// Looks at the chain: tells the facts of all legs, then the tip if it is another, and sends what is owed.
    fn follow(&self, inner: &mut Inner) {
        let (best, tip) = {
            let state = self.chain.state();
            inner.seen = Some(state.version);
            for (of, leg) in &mut inner.legs {
                let news = leg.news(leg.facts(&state));
                let news = news.into_iter().map(|event| ChainEvent::Leg(*of, event));
                inner.events.extend(news);
            }
            (state.best(), state.tip())
        };
        if inner.told != Some(best) {
            inner.told = Some(best);
            inner.events.push_back(ChainEvent::Tip(tip));
            self.send(inner);
        }
    }

    /// What blocks hold for us, less what locks that were built keep.
    fn spendable(&self, inner: &Inner) -> Amount {
        let state = self.chain.state();
        let legs = inner.legs.values();
        let kept = legs.map(|leg| leg.reserved(&leg.facts(&state)).units());
        let kept = kept.fold(0u128, u128::saturating_add);
        Amount::new(state.coins(self.account).units().saturating_sub(kept))
    }

    fn known(&self, asset: &AssetId) -> Result<(), AdapterError> {
        if *asset == ToyChain::asset() {
            return Ok(());
        }
        let (asset, chain) = (asset.clone(), self.id.clone());
        Err(AdapterError::UnknownAsset { asset, chain })
    }

    /// Whether the parties and the place are such as this chain has, and ours is ours.
    fn well_formed(&self, spec: &HtlcSpec) -> Result<(), AdapterError> {
        let malformed = |field, expected: &str, got: &[u8]| AdapterError::Malformed {
            field,
            expected: expected.to_owned(),
            got: format!("{got:02x?}"),
        };
        if !spec.place.as_slice().is_empty() {
            return Err(malformed("place", "none", spec.place.as_slice()));
        }
        let Some((redeemer, (refunder, _))) = parties(spec) else {
            let both = [spec.redeemer.as_slice(), spec.refunder.as_slice()].concat();
            return Err(malformed(
                "parties",
                "two accounts, and the refunder's lane",
                &both,
            ));
        };
        let ours = if spec.end == End::Redeemer {
            redeemer
        } else {
            refunder
        };
        if ours != self.account {
            let expected = format!("our account {}", self.account.0);
            return Err(malformed("our party", &expected, spec.ours().as_slice()));
        }
        Ok(())
    }
}

impl Inner {
    fn tell(&mut self, of: LegRef, event: LegEvent) {
        self.events.push_back(ChainEvent::Leg(of, event));
    }
}

#[async_trait]
impl ChainAdapter for ToyAdapter {
    fn chain(&self) -> &ChainId {
        &self.id
    }

    async fn act(&self, leg: LegRef, action: ChainAction) {
        self.take(&mut self.inner(), leg, action);
        self.chain.changed().notify_waiters();
    }

    async fn next(&self) -> Option<ChainEvent> {
        loop {
            // Before the look, so that what comes between look and wait is not missed.
            let changed = self.chain.changed().notified();
            {
                let mut inner = self.inner();
                if inner.events.is_empty() && inner.seen != Some(self.chain.state().version) {
                    self.follow(&mut inner);
                }
                if let Some(event) = inner.events.pop_front() {
                    return Some(event);
                }
            }
            changed.await;
        }
    }

    async fn tip(&self) -> Result<Tip, AdapterError> {
        Ok(self.chain.state().tip())
    }

    async fn party(&self, wanted: PartyWanted<'_>) -> Result<Party, AdapterError> {
        self.known(wanted.asset)?;
        if let Some(address) = wanted.pay_to {
            return Err(AdapterError::Malformed {
                field: "address to pay to",
                expected: "none: here a redeem pays our own account".to_owned(),
                got: address.chars().take(100).collect(),
            });
        }
        if wanted.end == End::Redeemer {
            return Ok(party(&self.account));
        }
        let taken = wanted
            .taken
            .iter()
            .filter_map(|taken| decode(taken.as_slice()).ok());
        let taken: Vec<(Account, u32)> = taken.collect();
        let free = (0..)
            .map(|lane| (self.account, lane))
            .find(|one| !taken.contains(one));
        Ok(party(&free.expect("there are more lanes than swaps")))
    }

    fn place(&self, asset: &AssetId) -> Result<Place, AdapterError> {
        self.known(asset)?;
        Ok(Place::default())
    }

    async fn check(&self, _leg: LegRef, spec: &HtlcSpec) -> Result<(), AdapterError> {
        self.known(&spec.asset)?;
        self.well_formed(spec)?;
        let (asset, have, least) = (spec.asset.clone(), spec.amount, Amount::new(1));
        if have < least {
            return Err(AdapterError::Dust { asset, have, least });
        }
        let (have, need) = (self.spendable(&self.inner()), spec.amount);
        if spec.end == End::Refunder && have < need {
            return Err(AdapterError::Funds { asset, have, need });
        }
        Ok(())
    }

    async fn balance(&self, asset: &AssetId) -> Result<Amount, AdapterError> {
        self.known(asset)?;
        Ok(self.spendable(&self.inner()))
    }

    async fn address(&self, asset: &AssetId) -> Result<String, AdapterError> {
        self.known(asset)?;
        Ok(format!("{}/account/{}", self.id, self.account.0))
    }
}
