//! What two parties sign and what a third one is entrusted with, on the chain in memory: whatever bytes come, a
//! signature is given only over what pays the other party from the leg, and only a right one is taken.

use crate::fixture::preimage;
use futures::FutureExt;
use kofo_adapter_api::{Entrusted, RoundReply, RoundRequest};
use kofo_primitives::*;
use kofo_sim::{AccountId, Kind, SimAdapter, SimChain, SimParty, SimTx};
use std::sync::OnceLock;

/// A lock in a block, and both parties' adapters.
struct Ground {
    owner: SimAdapter,
    helper: SimAdapter,
    at: LegRef,
    /// As the owner has it, who locked; and as the helper does.
    specs: [HtlcSpec; 2],
    right: Right,
}

/// What is right, as the code makes it.
#[derive(Clone, Debug)]
struct Right {
    request: RoundRequest,
    reply: RoundReply,
    entrusted: Vec<Entrusted>,
}

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let coin = AssetId::new("sim:one/coin:a").expect("an asset");
        let id = ChainId::new("sim:one").expect("a chain");
        let chain = SimChain::of_kind(Kind::Outputs, id, [coin.clone()], UnixTime(1_000));
        chain.fund(AccountId(1), &coin, Amount::new(5_000));
        let party = |n| SimParty {
            account: AccountId(n),
            lane: 0,
        };
        let spec = HtlcSpec {
            asset: coin,
            amount: Amount::new(1_000),
            hashlock: preimage(7).hashlock(),
            timelock: UnixTime(9_000),
            redeemer: party(2).to_party(),
            refunder: party(1).to_party(),
            place: Place::default(),
            depth: 1,
            end: End::Refunder,
            nonce: SwapNonce::new([1; 32]),
            from_height: 0,
        };
        let at = LegRef {
            swap: SwapId::new([1; 32]),
            leg: LegId::first(Side::Alpha),
        };
        let owner = SimAdapter::new(chain.clone(), AccountId(1));
        let held = Vec::new();
        let watched = spec.clone();
        owner.act_now(at, ChainAction::Watch { spec: watched, held });
        owner.act_now(at, ChainAction::Build(Act::Lock));
        let lock = std::iter::from_fn(|| owner.poll()).find_map(|event| match event {
            ChainEvent::Leg(_, LegEvent::Built(_, tx)) => SimTx::of_prepared(&tx),
            _ => None,
        });
        chain.submit(lock.expect("a lock")).expect("a right lock");
        chain.mine(1);
        let helper = SimAdapter::new(chain, AccountId(2));
        let end = End::Redeemer;
        let other = HtlcSpec { end, ..spec.clone() };
        let specs = [spec, other];
        let right = right(&owner, &helper, at, &specs);
        Ground {
            owner,
            helper,
            at,
            specs,
            right,
        }
    })
}

fn right(owner: &SimAdapter, helper: &SimAdapter, at: LegRef, [ours, theirs]: &[HtlcSpec; 2]) -> Right {
    let round = owner.open_round_now(Together::Refund, &[(at, ours.clone())]);
    let request = round.expect("a round").request;
    let reply = helper.cosign_now(Together::Refund, &[(at, theirs.clone())], &request);
    let entrusted = owner.entrust_now(ours, ActKind::Refund);
    Right {
        request,
        reply: reply.expect("a word"),
        entrusted: entrusted.expect("levels"),
    }
}

fn pays_owner_only(tx: &SimTx) -> bool {
    let owner = kofo_sim::Owner::Account(AccountId(1));
    tx.pays.iter().all(|pay| pay.owner == owner)
}

/// A request from the other party.
pub(crate) fn request(data: &[u8]) {
    let Ground {
        helper, at, specs, ..
    } = ground();
    let Ok(request) = RoundRequest::new(data) else {
        return;
    };
    let legs = [(*at, specs[1].clone())];
    if helper.cosign_now(Together::Refund, &legs, &request).is_ok() {
        let txs: Vec<SimTx> = borsh::from_slice(data).expect("what was signed can be read");
        assert!(
            txs.iter().all(pays_owner_only),
            "signed for somebody else: {txs:?}"
        );
    }
    let redeems = helper.cosign_now(Together::Redeem, &legs, &request);
    assert!(redeems.is_err(), "nobody helps himself");
}

pub(crate) fn seeds_of_requests() -> Vec<Vec<u8>> {
    vec![ground().right.request.as_slice().to_vec()]
}

/// An answer to our request.
pub(crate) fn reply(data: &[u8]) {
    let Ground { owner, at, specs, .. } = ground();
    let Ok(reply) = RoundReply::new(data) else {
        return;
    };
    let round = owner.open_round_now(Together::Refund, &[(*at, specs[0].clone())]);
    // Each round has its own nonce: nothing that anybody wrote before is its answer.
    let finished = round.expect("a round").finish(&reply).now_or_never();
    let finished = finished.expect("keys in this process wait for nothing");
    assert!(finished.is_err(), "an old word is taken");
}

pub(crate) fn seeds_of_replies() -> Vec<Vec<u8>> {
    vec![ground().right.reply.as_slice().to_vec()]
}

/// What an owner gave to a tower.
pub(crate) fn entrusted(data: &[u8]) {
    let Ground {
        helper, specs, right, ..
    } = ground();
    let Ok(level) = Entrusted::new(data) else {
        return;
    };
    let taken = helper.take_over_now(&specs[0], &Act::Refund, &level);
    let given = right.entrusted.contains(&level);
    assert_eq!(taken.is_ok(), given, "only what the owner signed is taken over");
}

pub(crate) fn seeds_of_entrusted() -> Vec<Vec<u8>> {
    let levels = ground().right.entrusted.iter();
    levels.map(|level| level.as_slice().to_vec()).collect()
}
