//! Quotes on their way back.

use crate::relay::held::Held;
use crate::relay::neighbours::Peer;
use crate::relay::quoted::{End, QUOTES_PER_CLAIM, Quoted};
use crate::relay::{FulfilRefused, Link, Passed, Received, Relay};
use crate::wire::FulfilEnvelope;
use kofo_primitives::{
    Bytes, ClaimId, Fulfil, FulfilId, MAX_QUOTE_LIFE_MS, Path, ReturnEntry, Signed, check_returns,
};

/// Where a quote passes us.
struct Pass {
    /// Our place in the path.
    at: usize,
    /// Our way on, of the claim's.
    route: usize,
    /// Whom it goes to, and over which link; none if it is for us.
    back: Option<(Peer, Link)>,
}

impl Relay {
    /// Our own quote for a copy of a claim, to the neighbour that it came from. From now on a selection of it is taken.
    pub fn quote(
        &mut self,
        received: &Received,
        fulfil: Signed<Fulfil>,
        now_ms: u64,
    ) -> Result<(Link, FulfilEnvelope), FulfilRefused> {
        self.quote_in_time(&fulfil.body, now_ms)?;
        let digest = received.path.digest();
        if fulfil.body.path != digest || fulfil.body.claim != received.id {
            return Err(FulfilRefused::OtherPath);
        }
        let id = fulfil.body.id();
        let held = self.claims.get(&received.id).ok_or(FulfilRefused::ClaimOver)?;
        self.quote_has_room(held, &id)?;
        let copy = held.copies.iter().find(|copy| copy.digest == digest);
        let peer = copy.ok_or(FulfilRefused::NotOnPath)?.from;
        let link = self.neighbours.to(peer).ok_or(FulfilRefused::Gone)?;
        fulfil.check()?;
        self.remember(id, &fulfil.body, (End::Us, End::Peer(peer)));
        let path = received.path.entries().to_vec();
        let returns = Vec::new();
        Ok((
            link,
            FulfilEnvelope {
                fulfil,
                path,
                returns,
            },
        ))
    }

    /// A quote came from a neighbour: it goes to the one that the claim came from, with our signature that it passed
    /// here, or it is for us.
    pub fn fulfil(
        &mut self,
        from: Link,
        envelope: FulfilEnvelope,
        now_ms: u64,
    ) -> Result<Passed<FulfilEnvelope>, FulfilRefused> {
        let peer = self.neighbours.peer(from).ok_or(FulfilRefused::UnknownLink)?;
        let FulfilEnvelope {
            fulfil,
            path,
            mut returns,
        } = envelope;
        self.quote_in_time(&fulfil.body, now_ms)?;
        let claim = fulfil.body.claim;
        let no_claim = || match self.memory.saw(&claim) {
            true => FulfilRefused::ClaimOver,
            false => FulfilRefused::Unsolicited,
        };
        let held = self.claims.get(&claim).ok_or_else(no_claim)?;
        let path = Path::new(&held.claim.body, &claim, path)?;
        let pass = self.pass(held, peer, (&fulfil.body, &path))?;
        let id = fulfil.body.id();
        self.quote_has_room(held, &id)?;
        if held
            .routes
            .get(pass.route)
            .is_none_or(|r| r.quotes >= self.most_of_one())
        {
            return Err(FulfilRefused::Enough(self.most_of_one()));
        }

        path.verify(&claim, pass.at.saturating_add(1))?;
        fulfil.check()?;
        let place = u8::try_from(pass.at).map_err(|_| FulfilRefused::NotOnPath)?;
        let previous = check_returns(&path, id.as_bytes(), &returns, place.saturating_add(1))?;

        let claimant = pass.back.map_or(End::Us, |(peer, _)| End::Peer(peer));
        if pass.back.is_some() {
            let opening = path.entries().get(pass.at).and_then(|entry| {
                let paid = self.config.paid.as_ref()?;
                paid.open(&claim, &id, entry)
            });
            let entry = self.sign_return(&claim, pass.route, (place, previous, opening));
            returns.push(entry.ok_or(FulfilRefused::ClaimOver)?);
        }
        self.remember(id, &fulfil.body, (End::Peer(peer), claimant));
        self.count(&claim, pass.route, peer);
        let path = path.into_entries();
        let envelope = FulfilEnvelope {
            fulfil,
            path,
            returns,
        };
        Ok(match pass.back {
            Some((_, link)) => Passed::On(link, envelope),
            None => Passed::Ours(envelope),
        })
    }

    fn quote_in_time(&self, fulfil: &Fulfil, now_ms: u64) -> Result<(), FulfilRefused> {
        let skew = self.config.clock_skew_ms;
        if fulfil.network != self.config.network {
            return Err(FulfilRefused::Network);
        }
        if fulfil.expires_ms <= now_ms {
            let late_ms = now_ms.saturating_sub(fulfil.expires_ms);
            let gross = late_ms > skew;
            return Err(FulfilRefused::Expired { late_ms, gross });
        }
        let latest = now_ms.saturating_add(MAX_QUOTE_LIFE_MS).saturating_add(skew);
        let ahead_ms = fulfil.expires_ms.saturating_sub(latest);
        if ahead_ms > 0 {
            let gross = ahead_ms > skew;
            return Err(FulfilRefused::TooLong { ahead_ms, gross });
        }
        Ok(())
    }

    /// Finds our entry in the path, and whether the quote came from whom it names.
    fn pass(&self, held: &Held, from: Peer, (fulfil, path): (&Fulfil, &Path)) -> Result<Pass, FulfilRefused> {
        let digest = path.digest();
        if fulfil.path != digest {
            return Err(FulfilRefused::OtherPath);
        }
        // Before a restart it may have gone to others than it did when it was issued again.
        let not_ours = match held.reissued {
            true => FulfilRefused::ClaimOver,
            false => FulfilRefused::NotOnPath,
        };
        let (at, index) = held.ours_on(path, &digest).ok_or(not_ours)?;
        let route = held.routes.get(index).ok_or(FulfilRefused::NotOnPath)?;
        if route.to != from {
            let gone = self.neighbours.to(route.to).is_none();
            return Err(FulfilRefused::WrongNeighbour { gone });
        }
        let back = match route.copy {
            None => None,
            Some(copy) => {
                let peer = held.copies.get(copy).ok_or(FulfilRefused::NotOnPath)?.from;
                let link = self.neighbours.to(peer).ok_or(FulfilRefused::Gone)?;
                Some((peer, link))
            }
        };
        Ok(Pass {
            at,
            route: index,
            back,
        })
    }

    /// So many quotes of one claim may come from one neighbour, so that none of them speaks for all.
    fn most_of_one(&self) -> usize {
        self.config.max_quotes_per_claim.div_ceil(2)
    }

    fn quote_has_room(&self, held: &Held, id: &FulfilId) -> Result<(), FulfilRefused> {
        if self.quotes.contains_key(id) {
            return Err(FulfilRefused::Replayed);
        }
        if held.quotes >= self.config.max_quotes_per_claim {
            return Err(FulfilRefused::Enough(held.quotes));
        }
        let most = self.config.max_claims.saturating_mul(QUOTES_PER_CLAIM);
        if self.quotes.len() >= most {
            return Err(FulfilRefused::Full(most));
        }
        Ok(())
    }

    /// Our signature that the quote passed here, by the key of our entry.
    fn sign_return(
        &self,
        claim: &ClaimId,
        route: usize,
        (place, previous, opening): (u8, [u8; 32], Option<Bytes<512>>),
    ) -> Option<ReturnEntry> {
        let held = self.claims.get(claim)?;
        let copy = held.copies.get(held.routes.get(route)?.copy?)?;
        Some(ReturnEntry::sign(place, previous, opening, copy.key.as_ref()?))
    }

    fn count(&mut self, claim: &ClaimId, route: usize, from: Peer) {
        let held = self.claims.get_mut(claim);
        if let Some(route) = held.and_then(|held| held.routes.get_mut(route)) {
            route.quotes = route.quotes.saturating_add(1);
        }
        self.neighbours.quoted(from);
    }

    fn remember(&mut self, id: FulfilId, fulfil: &Fulfil, ends: (End, End)) {
        if let Some(held) = self.claims.get_mut(&fulfil.claim) {
            held.quotes = held.quotes.saturating_add(1);
            let quoted = Quoted::new(fulfil, held.claim.body.key, ends);
            self.quotes.insert(id, quoted);
        }
    }
}
