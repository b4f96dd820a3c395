//! Real values of the exchange: a claim, paths to a provider and back, quotes, and the order that they make.

use crate::fixture::{asset, key, network, party, preimage};
use kofo_exchange::{Chosen, FulfilEnvelope};
use kofo_primitives::*;

/// When every claim was made (unix ms).
pub(crate) const MADE: u64 = 1_000_000_000;
/// How much every claim gives.
pub(crate) const GIVE: u128 = 100;
/// The claim's own key is 1, its seal key 2, relays are 31 and 32, the provider's pseudonym is 99.
pub(crate) const RELAYS: [u8; 2] = [31, 32];

pub(crate) fn limit() -> LimitOpening {
    LimitOpening {
        ratio: Ratio::new(19, 1).expect("above 0"),
        salt: [9; 32],
    }
}

pub(crate) fn claim(nonce: u8, partial: Option<u128>) -> Claim {
    let on = |chain: &str| ClaimedAsset {
        asset: asset(chain),
        place: Place::default(),
        depth: 3,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        key: key(1).id(),
        seal_key: key(2).id(),
        nonce: [nonce; 32],
        give: on("a"),
        want: on("b"),
        give_amount: Amount::new(GIVE),
        limit: Limit::Stated(limit().ratio),
        partial: partial.map(Amount::new),
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: MADE,
        expires_ms: MADE + 600_000,
    }
}

/// The same with a limit that nobody sees.
pub(crate) fn hidden(nonce: u8, partial: Option<u128>) -> Claim {
    Claim {
        limit: Limit::Hidden(limit().commit()),
        ..claim(nonce, partial)
    }
}

/// The claim over relays of these keys to whoever has that pseudonym.
pub(crate) fn path(claim: &Claim, relays: &[u8], to: NodeId) -> Vec<HopEntry> {
    let id = claim.id();
    let next = relays.iter().map(|relay| key(*relay).id()).chain([to]);
    let hops = [&[1], relays].concat();
    let (mut previous, mut path) = (*id.as_bytes(), Vec::new());
    for ((index, hop), next) in (0..).zip(&hops).zip(next) {
        let entry = HopEntry::sign(&id, (index, previous), &key(*hop), next, (None, None));
        previous = entry.digest();
        path.push(entry);
    }
    path
}

/// What a provider quotes, and over which relays.
#[derive(Clone)]
pub(crate) struct Deal {
    pub(crate) bond: u8,
    pub(crate) give: u128,
    pub(crate) want: u128,
    pub(crate) relays: Vec<u8>,
    pub(crate) expires_ms: u64,
}

pub(crate) fn opening(n: u8) -> Opening {
    Opening {
        alpha: party(n),
        beta: party(n.wrapping_add(1)),
        contacts: vec![Contact::new("/memory/1").expect("short")],
        salt: [n; 32],
    }
}

impl Deal {
    /// Over the two relays.
    pub(crate) fn new(bond: u8, give: u128, want: u128) -> Self {
        Self {
            bond,
            give,
            want,
            relays: RELAYS.into(),
            expires_ms: MADE + 30_000,
        }
    }

    /// Of its quote.
    pub(crate) fn key(&self) -> NodeKey {
        let mut secret = [self.bond; 32];
        secret[0] = self.relays.first().copied().unwrap_or(0);
        secret[1..17].copy_from_slice(&self.want.to_le_bytes());
        NodeKey::new(&secret).expect("a key of the curve")
    }

    pub(crate) fn terms(&self, claim: &Claim) -> FulfilTerms {
        let at = |minutes| UnixTime(MADE / 1_000).plus(Seconds::minutes(minutes));
        FulfilTerms {
            give: Amount::new(self.give),
            want: Amount::new(self.want),
            alpha_timelock: at(120),
            beta_timelock: at(60),
            alpha_lock_by: at(10),
            beta_lock_by: at(20),
            redeem_by: at(40),
            premium_bps: 0,
            nonce: SwapNonce::new([self.bond; 32]),
            opening: opening(self.bond).commit(),
            reservation: Reservation::sign(&key(self.bond), 1, None, &claim.id(), &self.key().id()),
        }
    }

    /// Of those terms, for that path.
    pub(crate) fn fulfil(&self, claim: &Claim, terms: &FulfilTerms, path: &[HopEntry]) -> Fulfil {
        let sealed = terms.seal(&claim.id(), &claim.seal_key, &[77; 32]);
        Fulfil {
            version: 1,
            network: claim.network.clone(),
            claim: claim.id(),
            path: path.last().map_or([0; 32], HopEntry::digest),
            key: self.key().id(),
            terms: terms.digest(),
            sealed: sealed.expect("terms are short"),
            for_validators: None,
            expires_ms: self.expires_ms,
        }
    }

    pub(crate) fn returns(&self, fulfil: &Fulfil) -> Vec<ReturnEntry> {
        let (mut previous, mut back) = (*fulfil.id().as_bytes(), Vec::new());
        let hops: Vec<_> = (1..).zip(&self.relays).collect();
        for (index, relay) in hops.into_iter().rev() {
            let entry = ReturnEntry::sign(index, previous, None, &key(*relay));
            previous = entry.digest();
            back.push(entry);
        }
        back
    }

    /// As it comes to the claimant.
    pub(crate) fn envelope(&self, claim: &Claim) -> FulfilEnvelope {
        let path = path(claim, &self.relays, key(99).id());
        let fulfil = self.fulfil(claim, &self.terms(claim), &path);
        FulfilEnvelope {
            returns: self.returns(&fulfil),
            fulfil: fulfil.sign(&self.key()),
            path,
        }
    }

    pub(crate) fn answer(&self, claim: &Claim, select: &Select, verdict: Verdict) -> Signed<Answer> {
        let fulfil = self.envelope(claim).fulfil.body;
        let answer = Answer {
            version: 1,
            network: claim.network.clone(),
            claim: claim.id(),
            fulfil: select.fulfil,
            order: order_id(claim, &fulfil, select),
            verdict,
        };
        answer.sign(&self.key())
    }

    /// Its yes.
    pub(crate) fn opened(&self, claim: &Claim) -> Verdict {
        let sealed = opening(self.bond).seal(&claim.id(), &claim.seal_key, &[78; 32]);
        Verdict::Opened(sealed.expect("an opening is short"))
    }
}

pub(crate) fn chosen(n: u8) -> Chosen {
    Chosen {
        hashlock: preimage(n).hashlock(),
        nonce: SwapNonce::new([n; 32]),
        opening: opening(200),
    }
}

/// What everybody signs for that claim and those terms.
pub(crate) fn parts(claim: &Claim, deal: &Deal, terms: FulfilTerms) -> MatchedParts {
    let path = path(claim, &deal.relays, key(99).id());
    let fulfil = deal.fulfil(claim, &terms, &path);
    let returns = deal.returns(&fulfil);
    let select = Select {
        version: 1,
        network: claim.network.clone(),
        claim: claim.id(),
        fulfil: fulfil.id(),
        hashlock: preimage(7).hashlock(),
        nonce: SwapNonce::new([7; 32]),
        opening: opening(200).commit(),
        limit: matches!(claim.limit, Limit::Hidden(_)).then(limit),
        returns: returns
            .last()
            .map_or(*fulfil.id().as_bytes(), ReturnEntry::digest),
        fee_root: [0; 32],
        for_validators: None,
    };
    MatchedParts {
        claim: claim.clone().sign(&key(1)),
        path,
        select: select.sign(&key(1)),
        fulfil: fulfil.sign(&deal.key()),
        terms,
        returns,
        claimant: opening(200),
        provider: opening(deal.bond),
    }
}

/// An order over the two relays, and one with a neighbour, whose claim hides its limit.
pub(crate) fn orders() -> Vec<MatchedParts> {
    let far = Deal::new(10, 100, 2_000);
    let near = Deal {
        relays: Vec::new(),
        ..Deal::new(11, 40, 800)
    };
    let (whole, some) = (claim(1, None), hidden(2, Some(10)));
    vec![
        parts(&whole, &far, far.terms(&whole)),
        parts(&some, &near, near.terms(&some)),
    ]
}
