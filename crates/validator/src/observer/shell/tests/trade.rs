//! One trade as both parties sign it, on two chains in memory, and what each of them does there.

use super::town::{account, claimant_account, key, kofo, network, provider_account};
use kofo_clearance::ClearedOrder;
use kofo_primitives::*;
use kofo_sim::{AccountId, Contract, Key, Owner, Pay, SimChain, SimParty, SimTx, Spend};

/// The claimant's and the provider's accounts on both chains.
const PEOPLE: [AccountId; 2] = [AccountId(1), AccountId(2)];
const PREIMAGE: [u8; 32] = [9; 32];
/// What a transaction leaves to the chain.
const FEE: Amount = Amount::new(10);
/// The depth that the order asks for.
pub(super) const DEPTH: u32 = 2;

fn claim_key() -> NodeKey {
    key(21)
}

fn quote_key() -> NodeKey {
    key(22)
}

pub(super) fn coin(chain: &SimChain) -> AssetId {
    AssetId::new(&format!("{}/coin:x", chain.id())).unwrap()
}

fn party(whose: AccountId, lane: u16) -> Party {
    SimParty { account: whose, lane }.to_party()
}

fn opening(whose: AccountId) -> Opening {
    Opening {
        alpha: party(whose, 1),
        beta: party(whose, 2),
        contacts: vec![Contact::new("/memory/1").unwrap()],
        salt: [3; 32],
    }
}

fn claim(chains: &[SimChain; 2], now_ms: u64) -> Claim {
    let claimed = |chain: &SimChain| ClaimedAsset {
        asset: coin(chain),
        place: Place::default(),
        depth: DEPTH,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::Cleared,
        key: claim_key().id(),
        seal_key: key(23).id(),
        nonce: [1; 32],
        give: claimed(&chains[0]),
        want: claimed(&chains[1]),
        give_amount: Amount::new(50),
        limit: Limit::Stated(Ratio::new(19, 1).unwrap()),
        partial: None,
        fee: FeeTerms::Pool {
            asset: kofo(),
            amount: Amount::new(300_000),
            payer: FeePayer::Claimant,
        },
        balance: None,
        max_hops: 4,
        created_ms: now_ms,
        expires_ms: now_ms + 60_000,
    }
}

fn terms(claim: &ClaimId, now_ms: u64) -> FulfilTerms {
    let at = |later| UnixTime(now_ms / 1_000 + later);
    let reserve = Some((kofo(), Amount::new(100_000)));
    FulfilTerms {
        give: Amount::new(50),
        want: Amount::new(1_000),
        alpha_timelock: at(4_800),
        beta_timelock: at(2_400),
        alpha_lock_by: at(600),
        beta_lock_by: at(1_200),
        redeem_by: at(1_800),
        premium_bps: 50,
        nonce: SwapNonce::new([8; 32]),
        opening: opening(PEOPLE[1]).commit(),
        reservation: Reservation::sign(&provider_account(), 1, reserve, claim, &quote_key().id()),
    }
}

fn parts(chains: &[SimChain; 2], now_ms: u64) -> MatchedParts {
    let claim = claim(chains, now_ms);
    let (id, seal_key) = (claim.id(), claim.seal_key);
    let terms = terms(&id, now_ms);
    let next = key(24).id();
    let path = vec![HopEntry::sign(
        &id,
        (0, *id.as_bytes()),
        &claim_key(),
        next,
        (None, None),
    )];
    let fulfil = Fulfil {
        version: 1,
        network: network(),
        claim: id,
        path: path[0].digest(),
        key: quote_key().id(),
        terms: terms.digest(),
        sealed: terms.seal(&id, &seal_key, &[5; 32]).unwrap(),
        for_validators: None,
        expires_ms: now_ms + 30_000,
    };
    let select = Select {
        version: 1,
        network: network(),
        claim: id,
        fulfil: fulfil.id(),
        hashlock: Preimage::new(PREIMAGE).hashlock(),
        nonce: SwapNonce::new([7; 32]),
        opening: opening(PEOPLE[0]).commit(),
        limit: None,
        returns: *fulfil.id().as_bytes(),
        fee_root: [0; 32],
        for_validators: None,
    };
    MatchedParts {
        claim: claim.sign(&claim_key()),
        path,
        fulfil: fulfil.sign(&quote_key()),
        terms,
        returns: Vec::new(),
        select: select.sign(&claim_key()),
        claimant: opening(PEOPLE[0]),
        provider: opening(PEOPLE[1]),
    }
}

/// What the validators are given.
pub(super) fn cleared(chains: &[SimChain; 2], now_ms: u64) -> ClearedOrder {
    let order = MatchedOrder::new(parts(chains, now_ms)).unwrap();
    let payment = Payment {
        version: 1,
        network: network(),
        order: order.id(),
        account: account(&claimant_account()),
    };
    ClearedOrder {
        payment: Some(payment.sign(&claimant_account())),
        hops: Vec::new(),
        order,
    }
}

/// One leg of it on its chain.
pub(super) struct OnChain {
    chain: SimChain,
    refunder: AccountId,
    redeemer: AccountId,
    amount: Amount,
    contract: Contract,
}

/// Both legs: alpha, then beta.
pub(super) fn on_chain(chains: &[SimChain; 2], order: &ClearedOrder) -> [OnChain; 2] {
    let leg = |place: usize| {
        let leg = &order.order.legs()[place];
        let [refunder, redeemer] = if place == 0 { [0, 1] } else { [1, 0] }.map(|who: usize| PEOPLE[who]);
        let lane = u16::try_from(place).unwrap() + 1;
        OnChain {
            chain: chains[place].clone(),
            refunder,
            redeemer,
            amount: leg.amount,
            contract: Contract {
                redeemer,
                payee: redeemer,
                refunder,
                lanes: (lane, lane),
                hashlock: Preimage::new(PREIMAGE).hashlock(),
                timelock: leg.timelock,
            },
        }
    };
    [leg(0), leg(1)]
}

impl OnChain {
    fn send(&self, from: &Owner, key: Key, pay: Pay) {
        let asset = coin(&self.chain);
        let (note, _) = self.chain.notes(from, &asset)[0];
        let tx = SimTx {
            asset,
            spends: vec![Spend { note, key }],
            pays: vec![pay],
            fee: FEE,
        };
        self.chain.submit(tx).unwrap();
    }

    fn contract(&self) -> Owner {
        Owner::Contract(self.contract.clone())
    }

    fn end(&self, key: Key, whom: AccountId) {
        let pay = Pay {
            owner: Owner::Account(whom),
            amount: self.amount.checked_sub(FEE).unwrap(),
        };
        self.send(&self.contract(), key, pay);
    }

    /// In the mempool; the next block takes it.
    pub(super) fn lock(&self) {
        let whole = self.amount.checked_add(FEE).unwrap();
        self.chain.fund(self.refunder, &coin(&self.chain), whole);
        let pay = Pay {
            owner: self.contract(),
            amount: self.amount,
        };
        self.send(&Owner::Account(self.refunder), Key::Owner(self.refunder), pay);
    }

    pub(super) fn redeem(&self) {
        self.end(Key::Preimage(PREIMAGE.to_vec()), self.redeemer);
    }

    pub(super) fn refund(&self) {
        self.end(Key::Timeout, self.refunder);
    }
}
