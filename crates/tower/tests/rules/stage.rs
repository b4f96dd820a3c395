//! A tower, one swap, and the words to tell what happens on its two chains.

use kofo_adapter_api::Entrusted;
use kofo_journal::memory::{Disk, Memory};
use kofo_primitives::*;
use kofo_tower::{Bounds, Effect, Entry, Guests, Package, Rules, Tower, watch_id};
use std::collections::BTreeMap;

pub(crate) const ALPHA: LegId = LegId::first(Side::Alpha);
pub(crate) const BETA: LegId = LegId::first(Side::Beta);
pub(crate) const DEPTH: u32 = 2;
/// Timelocks of alpha and beta. Every block takes ten minutes.
pub(crate) const TIMELOCKS: [u64; 2] = [400 * 600, 200 * 600];

pub(crate) fn chain(leg: LegId) -> ChainId {
    let name = if leg == ALPHA { "sim:a" } else { "sim:b" };
    ChainId::new(name).unwrap()
}

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

pub(crate) fn owner() -> NodeKey {
    NodeKey::new(&[1; 32]).unwrap()
}

pub(crate) fn preimage() -> Preimage {
    Preimage::new([7; 32])
}

fn spec(leg: LegId, role: Role) -> HtlcSpec {
    HtlcSpec {
        asset: AssetId::new(&format!("{}/coin:x", chain(leg))).unwrap(),
        amount: Amount::new(1_000),
        hashlock: preimage().hashlock(),
        timelock: UnixTime(if leg == ALPHA { TIMELOCKS[0] } else { TIMELOCKS[1] }),
        redeemer: Party::new([1]).unwrap(),
        refunder: Party::new([2]).unwrap(),
        place: Place::default(),
        depth: DEPTH,
        end: leg.end_of(role),
        nonce: SwapNonce::new([3; 32]),
        from_height: 1,
    }
}

/// So many levels, told apart by their one byte.
pub(crate) fn levels(count: u8) -> Vec<Entrusted> {
    (0..count).map(|level| Entrusted::new([level]).unwrap()).collect()
}

/// What this role entrusts: so many levels for alpha and beta.
pub(crate) fn package(role: Role, sequence: u64, [alpha, beta]: [u8; 2]) -> Package {
    let entry = |leg, count| {
        let (spec, levels) = (spec(leg, role), levels(count));
        (leg, Entry { spec, levels })
    };
    Package {
        version: 1,
        network: network(),
        owner: owner().id(),
        swap: SwapId::new([5; 32]),
        sequence,
        role,
        legs: BTreeMap::from([entry(ALPHA, alpha), entry(BETA, beta)]),
    }
}

pub(crate) fn rules() -> Rules {
    Rules {
        network: network(),
        chains: [chain(ALPHA), chain(BETA)].into(),
        guests: Guests::Anyone,
        bounds: Bounds::default(),
    }
}

/// What a tower would broadcast at a level.
pub(crate) fn tx(level: u8) -> Prepared {
    Prepared(Bytes::new([0xaa, level]).unwrap())
}

/// A running tower.
pub(crate) struct Stage {
    pub(crate) disk: Disk,
    tower: Option<Tower<Memory>>,
}

impl Stage {
    /// A tower with this package, whose legs were watched and answered at height 1.
    pub(crate) fn with(package: Package) -> Self {
        let mut stage = Self::empty();
        stage.tower().entrust(package.sign(&owner())).unwrap();
        stage.watch_is_answered(1);
        stage
    }

    pub(crate) fn empty() -> Self {
        let disk = Disk::new();
        let tower = Tower::open(Memory::open(&disk).unwrap(), rules()).unwrap();
        Self {
            disk,
            tower: Some(tower),
        }
    }

    pub(crate) fn tower(&mut self) -> &mut Tower<Memory> {
        self.tower.as_mut().unwrap()
    }

    /// The process dies and starts again.
    pub(crate) fn restart(&mut self) {
        self.tower = None;
        let journal = Memory::open(&self.disk).unwrap();
        self.tower = Some(Tower::open(journal, rules()).unwrap());
    }

    pub(crate) fn leg(leg: LegId) -> LegRef {
        let swap = watch_id(&owner().id(), &SwapId::new([5; 32]));
        LegRef { swap, leg }
    }

    /// The adapters answer what was asked of them, at this height.
    pub(crate) fn watch_is_answered(&mut self, height: u64) -> Vec<Effect> {
        let asked = self.tower().flush().unwrap();
        for leg in [ALPHA, BETA] {
            self.tell(leg, LegEvent::Watched(tip(height)));
        }
        asked
    }

    pub(crate) fn tell(&mut self, leg: LegId, event: LegEvent) {
        let event = ChainEvent::Leg(Self::leg(leg), event);
        self.tower().chain_event(&chain(leg), &event);
    }

    pub(crate) fn see(&mut self, leg: LegId, act: Act, at: At) {
        self.tell(leg, LegEvent::Seen { act, at, tx: None });
    }

    /// Both legs are locked in block 2.
    pub(crate) fn both_locked(&mut self) {
        for leg in [ALPHA, BETA] {
            self.see(leg, Act::Lock, At::Block(2));
        }
        self.block(3);
    }

    /// Both chains have a block of this height. What the tower wants is returned.
    pub(crate) fn block(&mut self, height: u64) -> Vec<Effect> {
        self.tip_of(ALPHA, height);
        self.tip_of(BETA, height);
        self.tower().flush().unwrap()
    }

    pub(crate) fn tip_of(&mut self, leg: LegId, height: u64) {
        self.tower()
            .chain_event(&chain(leg), &ChainEvent::Tip(tip(height)));
    }

    /// The adapter prepares what is asked for at these effects; the levels that were asked for.
    pub(crate) fn prepare(&mut self, effects: Vec<Effect>) -> Vec<(LegId, ActKind, u8)> {
        let asked = take_overs(&effects);
        for (leg, act, level) in &asked {
            self.tower()
                .took_over(Self::leg(*leg), *act, *level, Ok(tx(*level)));
        }
        asked
    }

    pub(crate) fn state(&mut self, leg: LegId) -> String {
        let watching = self.tower().watching().next().unwrap();
        let leg = watching.legs.iter().find(|watch| watch.leg == leg);
        leg.unwrap().state.to_owned()
    }
}

pub(crate) const fn tip(height: u64) -> Tip {
    Tip {
        height,
        time: UnixTime(height * 600),
    }
}

/// What adapters are asked to take over.
pub(crate) fn take_overs(effects: &[Effect]) -> Vec<(LegId, ActKind, u8)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::TakeOver { leg, act, level, .. } => Some((leg.leg, act.kind(), *level)),
        Effect::Act { .. } => None,
    });
    asked.collect()
}

/// What adapters are asked to broadcast.
pub(crate) fn broadcasts(effects: &[Effect]) -> Vec<(LegId, ActKind, Prepared)> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Act {
            leg,
            action: ChainAction::Broadcast { act, tx, .. },
            ..
        } => Some((leg.leg, *act, tx.clone())),
        Effect::Act { .. } | Effect::TakeOver { .. } => None,
    });
    sent.collect()
}
