//! Cleared orders as claimants submit them: signed by everybody over two or three relays, all openings sealed to the
//! validators.

use kofo_clearance::{Genesis, GenesisBalance, PairRule, SubmittedOrder};
use kofo_node::clock::now_ms;
use kofo_primitives::{
    Amount, AssetId, Bytes, Claim, ClaimId, ClaimedAsset, Digest, FeePayer, FeeTerms, Fulfil, FulfilId,
    FulfilTerms, HopEntry, HopOpening, Limit, Mode, NetworkId, NodeId, NodeKey, Opening, Party, Payment,
    Place, Preimage, Ratio, Reservation, ReturnEntry, Seconds, Select, SwapId, SwapNonce, UnixTime, order_id,
    tagged_hash,
};

/// Of each order.
pub(super) const FEE: u128 = 300_000;
/// What the claimant has at first, and the provider's bond.
pub(super) const RICH: u128 = 1 << 60;
const RESERVE: u128 = 10_000;
const RELAY_BOND: u128 = 30_000_000;
const RELAYS: u8 = 3;
/// A claim and its quote live so long.
const LIFE_MS: u64 = 60_000;
/// What is given of the claimant's asset.
const GIVE: u128 = 50;

/// Makes orders, one after the other; the seed says which.
pub(super) struct Orders {
    seed: u64,
    network: NetworkId,
    /// Of fees and reserves.
    money: AssetId,
    pair: PairRule,
    /// Whom openings are sealed to.
    committee: NodeId,
}

/// The key of an account.
fn account(who: &str) -> NodeKey {
    NodeKey::new(&tagged_hash(who, &[])).unwrap()
}

fn relay(place: u8) -> NodeKey {
    account(&format!("relay {place}"))
}

/// Who pays for all orders.
pub(super) fn claimant() -> NodeId {
    account("claimant").id()
}

/// Money for everybody whom the orders name.
pub(super) fn balances(asset: &AssetId) -> Vec<GenesisBalance> {
    let of = |key: NodeKey, [free, provider, relay]: [u128; 3]| GenesisBalance {
        account: key.id(),
        asset: asset.clone(),
        free: Amount::new(free),
        provider: Amount::new(provider),
        relay: Amount::new(relay),
    };
    let relays = (0..RELAYS).map(|place| of(relay(place), [0, 0, RELAY_BOND]));
    let traders = [
        of(account("claimant"), [RICH, 0, 0]),
        of(account("provider"), [0, RICH, 0]),
    ];
    relays.chain(traders).collect()
}

/// All that one order is made of beside what is the same for all.
struct Draft<'a> {
    all: &'a Orders,
    nth: u64,
    now_ms: u64,
}

impl Orders {
    pub(super) fn new(genesis: &Genesis, seed: u64) -> Self {
        let two_chains = |pair: &&PairRule| pair.alpha != pair.beta;
        Self {
            seed,
            network: genesis.network.clone(),
            money: genesis.params.stake.clone(),
            pair: genesis.params.pairs.iter().find(two_chains).unwrap().clone(),
            committee: genesis.seal_key,
        }
    }

    /// The nth, made now.
    pub(super) fn order(&self, nth: u64) -> SubmittedOrder {
        let now_ms = now_ms();
        let draft = Draft {
            all: self,
            nth,
            now_ms,
        };
        draft.order()
    }
}

/// Its id.
pub(super) fn id(order: &SubmittedOrder) -> SwapId {
    order_id(&order.claim.body, &order.fulfil.body, &order.select.body)
}

impl Draft<'_> {
    fn digest(&self, what: &str) -> Digest {
        tagged_hash(what, &[&self.all.seed.to_le_bytes(), &self.nth.to_le_bytes()])
    }

    fn key(&self, what: &str) -> NodeKey {
        NodeKey::new(&self.digest(what)).unwrap()
    }

    /// Two or three.
    fn hops(&self) -> u8 {
        if self.nth.is_multiple_of(2) { 2 } else { RELAYS }
    }

    /// The relay's pseudonym in this order.
    fn hop(&self, place: u8) -> NodeKey {
        self.key(&format!("hop {place}"))
    }

    fn payee(&self, place: u8) -> HopOpening {
        HopOpening {
            payee: relay(place).id(),
            salt: self.digest("payee"),
        }
    }

    fn opening(&self, whose: &str) -> Opening {
        let end = |side| Party::new(&self.digest(&format!("{whose} {side}"))[..20]).unwrap();
        Opening {
            alpha: end("alpha"),
            beta: end("beta"),
            contacts: Vec::new(),
            salt: self.digest(whose),
        }
    }

    fn claim(&self) -> Claim {
        let on = |chain: &dyn std::fmt::Display| ClaimedAsset {
            asset: AssetId::new(&format!("{chain}/slip44:60")).unwrap(),
            place: Place::new([0xc0; 20]).unwrap(),
            depth: 1,
        };
        Claim {
            version: 1,
            network: self.all.network.clone(),
            mode: Mode::Cleared,
            key: self.key("claim").id(),
            seal_key: self.key("seal").id(),
            nonce: self.digest("nonce"),
            give: on(&self.all.pair.alpha),
            want: on(&self.all.pair.beta),
            give_amount: Amount::new(GIVE),
            limit: Limit::Stated(Ratio::new(19, 1).unwrap()),
            partial: None,
            fee: FeeTerms::Pool {
                asset: self.all.money.clone(),
                amount: Amount::new(FEE),
                payer: FeePayer::Claimant,
            },
            balance: None,
            max_hops: 8,
            created_ms: self.now_ms,
            expires_ms: self.now_ms + LIFE_MS,
        }
    }

    fn terms(&self, claim: &ClaimId) -> FulfilTerms {
        let hour = |of: Seconds| of.0 + 3_600;
        let now = self.now_ms / 1_000;
        let beta = now + hour(self.all.pair.min_beta);
        let reserve = Some((self.all.money.clone(), Amount::new(RESERVE)));
        let (bond, quote) = (account("provider"), self.key("quote").id());
        FulfilTerms {
            give: Amount::new(GIVE),
            want: Amount::new(1_000),
            alpha_timelock: UnixTime(beta + hour(self.all.pair.min_gap)),
            beta_timelock: UnixTime(beta),
            alpha_lock_by: UnixTime(now + 1_200),
            beta_lock_by: UnixTime(now + 2_400),
            redeem_by: UnixTime(now + 3_600),
            premium_bps: 0,
            nonce: SwapNonce::new(self.digest("their nonce")),
            opening: self.opening("provider").commit(),
            reservation: Reservation::sign(&bond, self.nth, reserve, claim, &quote),
        }
    }

    /// The claimant's entry and those of the relays.
    fn path(&self, claim: &ClaimId) -> Vec<HopEntry> {
        let relays = (0..self.hops()).map(|place| (self.hop(place), Some(self.payee(place).commit())));
        let signers: Vec<_> = std::iter::once((self.key("claim"), None)).chain(relays).collect();
        let (mut previous, mut path) = (*claim.as_bytes(), Vec::new());
        for (index, (key, payee)) in (0u8..).zip(&signers) {
            let next = signers.get(usize::from(index) + 1);
            let next = next.map_or_else(|| self.key("quote").id(), |(key, _)| key.id());
            let entry = HopEntry::sign(claim, (index, previous), key, next, (None, *payee));
            previous = entry.digest();
            path.push(entry);
        }
        path
    }

    /// The way back, on which each relay says to validators alone whom it is paid through.
    fn returns(&self, claim: &ClaimId, fulfil: &FulfilId) -> Vec<ReturnEntry> {
        let (mut previous, mut back) = (*fulfil.as_bytes(), Vec::new());
        for place in (0..self.hops()).rev() {
            let ephemeral = self.digest(&format!("ephemeral {place}"));
            let sealed = self.payee(place).seal(claim, &self.all.committee, &ephemeral);
            let entry = ReturnEntry::sign(place + 1, previous, Some(sealed.unwrap()), &self.hop(place));
            previous = entry.digest();
            back.push(entry);
        }
        back
    }

    fn fulfil(&self, claim: &Claim, path: &[HopEntry], terms: &FulfilTerms) -> Fulfil {
        let (id, ephemeral) = (claim.id(), self.digest("ephemeral"));
        let opening = self.opening("provider");
        let opening = opening.seal(&id, &self.all.committee, &ephemeral).unwrap();
        Fulfil {
            version: 1,
            network: self.all.network.clone(),
            claim: id,
            path: path.last().unwrap().digest(),
            key: self.key("quote").id(),
            terms: terms.digest(),
            sealed: terms.seal(&id, &claim.seal_key, &self.digest("terms")).unwrap(),
            for_validators: Some(Bytes::new(opening.as_slice()).unwrap()),
            expires_ms: claim.expires_ms,
        }
    }

    fn select(&self, fulfil: &Fulfil, returns: &[ReturnEntry]) -> Select {
        Select {
            version: 1,
            network: self.all.network.clone(),
            claim: fulfil.claim,
            fulfil: fulfil.id(),
            hashlock: Preimage::new(self.digest("preimage")).hashlock(),
            nonce: SwapNonce::new(self.digest("our nonce")),
            opening: self.opening("claimant").commit(),
            limit: None,
            returns: returns.last().unwrap().digest(),
            fee_root: [0; 32],
            for_validators: None,
        }
    }

    fn order(&self) -> SubmittedOrder {
        let claim = self.claim();
        let id = claim.id();
        let (terms, path) = (self.terms(&id), self.path(&id));
        let fulfil = self.fulfil(&claim, &path, &terms);
        let returns = self.returns(&id, &fulfil.id());
        let select = self.select(&fulfil, &returns);
        let payer = account("claimant");
        let payment = Payment {
            version: 1,
            network: self.all.network.clone(),
            order: order_id(&claim, &fulfil, &select),
            account: payer.id(),
        };
        let claim_key = self.key("claim");
        SubmittedOrder {
            select: select.sign(&claim_key),
            claim: claim.sign(&claim_key),
            path,
            fulfil: fulfil.sign(&self.key("quote")),
            terms,
            returns,
            claimant: self.opening("claimant"),
            payment: Some(payment.sign(&payer)),
        }
    }
}
