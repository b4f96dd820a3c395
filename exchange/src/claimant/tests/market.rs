//! A claimant, relays and providers that do as they should, for tests to make wrong.

use super::super::*;
use crate::fixtures::{BTC, CONTRACT, ETH, asset, network};
use crate::wire::FulfilEnvelope;
use kofo_primitives::*;

/// What fees are paid in.
pub(super) const KOFO: &str = "kofo:test/fee:kofo";
/// When every claim was made, and quotes come.
pub(super) const NOW: u64 = 1_000_000;
pub(super) const GIVE: u128 = 100;

pub(super) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

/// The claim's own key and its seal key.
pub(super) fn claim_key() -> NodeKey {
    key(1)
}

pub(super) fn seal_key() -> NodeKey {
    key(2)
}

pub(super) fn limit() -> Ratio {
    Ratio::new(19, 1).unwrap()
}

/// 100 for at least 1900.
pub(super) fn claim(nonce: u8, partial: Option<u128>) -> Claim {
    let on = |id, place: &[u8]| ClaimedAsset {
        asset: asset(id),
        place: Place::new(place).unwrap(),
        depth: 1,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        key: claim_key().id(),
        seal_key: seal_key().id(),
        nonce: [nonce; 32],
        give: on(BTC, &[]),
        want: on(ETH, &CONTRACT),
        give_amount: Amount::new(GIVE),
        limit: Limit::Stated(limit()),
        partial: partial.map(Amount::new),
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: NOW,
        expires_ms: NOW + 600_000,
    }
}

pub(super) fn own(partial: Option<u128>) -> OwnClaim {
    OwnClaim::new(claim(1, partial).sign(&claim_key()), limit(), None, 3_000).unwrap()
}

/// What a provider quotes, and how it travels.
#[derive(Clone, Debug)]
pub(super) struct Deal {
    /// Whose bond; the quote's own key follows from it, `seq` and `relays`.
    pub bond: u8,
    pub seq: u64,
    pub give: u128,
    pub want: u128,
    pub relays: Vec<u8>,
    pub expires_ms: u64,
    pub premium_bps: u16,
}

pub(super) fn deal(bond: u8, give: u128, want: u128) -> Deal {
    Deal {
        bond,
        seq: 1,
        give,
        want,
        relays: vec![30, 31],
        expires_ms: NOW + 30_000,
        premium_bps: 0,
    }
}

pub(super) fn opening(n: u8) -> Opening {
    Opening {
        alpha: Party::new([n; 20]).unwrap(),
        beta: Party::new([n; 21]).unwrap(),
        contacts: vec![Contact::new("/memory/1").unwrap()],
        salt: [n; 32],
    }
}

impl Deal {
    pub(super) fn key(&self) -> NodeKey {
        let first = self.relays.first().copied().unwrap_or(0);
        let mut secret = [self.bond; 32];
        secret[0] = first;
        secret[1..9].copy_from_slice(&self.seq.to_le_bytes());
        secret[9..25].copy_from_slice(&self.want.to_le_bytes());
        NodeKey::new(&secret).unwrap()
    }

    pub(super) fn path(&self, claim: &Claim) -> Vec<HopEntry> {
        let id = claim.id();
        let hops = [vec![1], self.relays.clone(), vec![99]].concat();
        let (mut previous, mut path) = (*id.as_bytes(), vec![]);
        for (index, pair) in (0..).zip(hops.windows(2)) {
            let (hop, next) = (key(pair[0]), key(pair[1]).id());
            path.push(HopEntry::sign(&id, (index, previous), &hop, next, (None, None)));
            previous = path.last().unwrap().digest();
        }
        path
    }

    pub(super) fn terms(&self, claim: &Claim) -> FulfilTerms {
        let at = |minutes| UnixTime(NOW / 1_000).plus(Seconds::minutes(minutes));
        FulfilTerms {
            give: Amount::new(self.give),
            want: Amount::new(self.want),
            alpha_timelock: at(120),
            beta_timelock: at(60),
            alpha_lock_by: at(10),
            beta_lock_by: at(20),
            redeem_by: at(40),
            premium_bps: self.premium_bps,
            nonce: SwapNonce::new([self.bond; 32]),
            opening: opening(self.bond).commit(),
            reservation: self.reservation(claim),
        }
    }

    /// With something behind it, if the claim is one to be cleared.
    fn reservation(&self, claim: &Claim) -> Reservation {
        let reserve = (claim.mode == Mode::Cleared).then(|| (asset(KOFO), Amount::new(10)));
        Reservation::sign(&key(self.bond), self.seq, reserve, &claim.id(), &self.key().id())
    }

    pub(super) fn fulfil(&self, claim: &Claim) -> Fulfil {
        let terms = self.terms(claim);
        Fulfil {
            version: 1,
            network: claim.network.clone(),
            claim: claim.id(),
            path: self.path(claim).last().unwrap().digest(),
            key: self.key().id(),
            terms: terms.digest(),
            sealed: terms.seal(&claim.id(), &claim.seal_key, &[77; 32]).unwrap(),
            for_validators: (claim.mode == Mode::Cleared).then(Bytes::default),
            expires_ms: self.expires_ms,
        }
    }

    pub(super) fn returns(&self, fulfil: &Fulfil) -> Vec<ReturnEntry> {
        let mut previous = *fulfil.id().as_bytes();
        let mut back = vec![];
        for (index, relay) in (1..).zip(&self.relays).collect::<Vec<_>>().into_iter().rev() {
            back.push(ReturnEntry::sign(index, previous, None, &key(*relay)));
            previous = back.last().unwrap().digest();
        }
        back
    }

    pub(super) fn envelope(&self, claim: &Claim) -> FulfilEnvelope {
        self.around(self.fulfil(claim), claim)
    }

    /// The same with another fulfil, as everybody would bring it back.
    pub(super) fn around(&self, fulfil: Fulfil, claim: &Claim) -> FulfilEnvelope {
        FulfilEnvelope {
            path: self.path(claim),
            returns: self.returns(&fulfil),
            fulfil: fulfil.sign(&self.key()),
        }
    }

    /// What its provider says to that selection.
    pub(super) fn answer(&self, own: &OwnClaim, select: &Select, verdict: Verdict) -> Signed<Answer> {
        let claim = &own.claim().body;
        let order = order_id(claim, &self.fulfil(claim), select);
        let answer = Answer {
            version: 1,
            network: claim.network.clone(),
            claim: claim.id(),
            fulfil: select.fulfil,
            order,
            verdict,
        };
        answer.sign(&self.key())
    }

    /// Its yes.
    pub(super) fn opened(&self, own: &OwnClaim) -> Verdict {
        let claim = &own.claim().body;
        let sealed = opening(self.bond).seal(&claim.id(), &claim.seal_key, &[78; 32]);
        Verdict::Opened(sealed.unwrap())
    }
}

pub(super) fn chosen(n: u8) -> Chosen {
    Chosen {
        hashlock: Preimage::new([n; 32]).hashlock(),
        nonce: SwapNonce::new([n; 32]),
        opening: opening(200),
    }
}

/// Takes the quote at once, for tests in which reservations do not matter.
pub(super) fn take(own: &mut OwnClaim, deal: &Deal) -> FulfilId {
    let envelope = deal.envelope(&own.claim().body);
    let quote = own.quote(envelope, &seal_key(), &mut SeenReservations::default(), NOW);
    quote.unwrap().id()
}

pub(super) fn select(own: &mut OwnClaim, fulfil: &FulfilId, n: u8) -> Result<Select, SelectRefused> {
    let select = own.select(fulfil, chosen(n), &claim_key(), NOW);
    select.map(|signed| signed.body)
}

pub(super) fn pick(own: &OwnClaim) -> Vec<FulfilId> {
    own.pick(&|_| Reliability::default(), NOW)
}
