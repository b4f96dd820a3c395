//! Swaps that the market matches: what a quote promises, what a selection adds, and how both become a swap.

use super::one_sided::OneSided;
use super::{AgreeError, Agreement, Drawn, Moment};
use crate::clock::now_ms;
use crate::driver::Begin;
use crate::engine::Core;
use crate::market::{Drafted, Opened, Settles, may_begin};
use async_trait::async_trait;
use kofo_clearance::Certified;
use kofo_primitives::{
    Amount, AssetId, ChainId, Claim, ClaimId, ClaimedAsset, End, FeeTerms, FulfilTerms, Hashlock, LegId,
    Mode, Opening, Party, Role, Seconds, SettlementOrder, Side, SwapId, UnixTime,
};
use kofo_settlement::{Deadlines, Outcome, Phase, Terms, Timelocks};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// At most so many parties are held for quotes that bind.
const MOST_HELD: usize = 8_192;

/// Our ends of legs that quotes and selections promised and no swap has yet: nothing else uses them meanwhile.
#[derive(Debug, Default)]
pub struct Held {
    parties: Mutex<Vec<(u64, ChainId, Party)>>,
    promises: Mutex<BTreeMap<ClaimId, Promise>>,
}

/// What our quotes for one claim promise, of which one at most becomes a swap.
#[derive(Debug)]
struct Promise {
    until_ms: u64,
    asset: AssetId,
    amount: Amount,
}

impl Held {
    fn live(&self) -> MutexGuard<'_, Vec<(u64, ChainId, Party)>> {
        // Every change is whole in one statement.
        let mut held = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now_ms();
        held.retain(|(until, ..)| *until > now);
        held
    }

    fn hold(&self, until_ms: u64, parties: impl IntoIterator<Item = (ChainId, Party)>) {
        let parties = parties.into_iter().map(|(chain, party)| (until_ms, chain, party));
        self.live().extend(parties);
    }

    fn promises(&self) -> MutexGuard<'_, BTreeMap<ClaimId, Promise>> {
        let mut promises = self.promises.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now_ms();
        promises.retain(|_, promise| promise.until_ms > now);
        promises
    }

    fn promise(&self, claim: ClaimId, asset: &AssetId, amount: Amount, until_ms: u64) {
        let mut promises = self.promises();
        let promise = promises.entry(claim).or_insert_with(|| Promise {
            until_ms,
            asset: asset.clone(),
            amount,
        });
        promise.until_ms = promise.until_ms.max(until_ms);
        promise.amount = promise.amount.max(amount);
    }

    /// The swap has begun, and counts itself.
    pub(super) fn keep_no_promise(&self, claim: &ClaimId) {
        self.promises().remove(claim);
    }

    /// What is promised of each asset, but for that claim.
    pub(crate) fn promised(&self, but: Option<ClaimId>) -> BTreeMap<AssetId, Amount> {
        let mut sums = BTreeMap::new();
        for (_, promise) in self.promises().iter().filter(|(claim, _)| Some(**claim) != but) {
            let sum = sums.entry(promise.asset.clone()).or_insert(Amount::ZERO);
            *sum = sum.checked_add(promise.amount).unwrap_or(Amount::new(u128::MAX));
        }
        sums
    }

    fn is_full(&self) -> bool {
        self.live().len() >= MOST_HELD
    }

    /// What is held on a chain.
    pub(super) fn on(&self, chain: &ChainId) -> Vec<Party> {
        let held = self.live();
        let there = held.iter().filter(|(_, on, _)| on == chain);
        there.map(|(.., party)| party.clone()).collect()
    }
}

/// Both legs of a match, as far as they are known before the other party opens its ends.
struct Match<'a> {
    claim: &'a Claim,
    us: Role,
    alpha: (Amount, UnixTime),
    beta: (Amount, UnixTime),
    /// Whom our redeem pays, if not us.
    pay_to: Option<&'a str>,
}

impl Agreement {
    fn chains_of(claim: &Claim) -> BTreeSet<ChainId> {
        [claim.give.asset.chain(), claim.want.asset.chain()].into()
    }

    /// Our ends of both legs.
    async fn ends(
        &self,
        both: Match<'_>,
        known: (&Moment, Hashlock),
        drawn: &mut Drawn,
    ) -> Result<[Party; 2], AgreeError> {
        let leg = |side, asset, (amount, timelock)| {
            let id = LegId::first(side);
            let end = id.end_of(both.us);
            OneSided {
                id,
                end,
                asset,
                amount,
                timelock,
                pay_to: both.pay_to.filter(|_| end == End::Redeemer),
            }
        };
        let alpha = leg(Side::Alpha, &both.claim.give, both.alpha);
        let beta = leg(Side::Beta, &both.claim.want, both.beta);
        Ok([
            self.end(alpha, known, drawn).await?,
            self.end(beta, known, drawn).await?,
        ])
    }

    fn seal_opening(&self, [alpha, beta]: [Party; 2]) -> Result<Opening, AgreeError> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|e| AgreeError::Random(e.to_string()))?;
        // Who listens nowhere cannot be asked for a signature, and is left to act alone.
        let contacts = self.contacts().unwrap_or_default();
        Ok(Opening {
            alpha,
            beta,
            contacts,
            salt,
        })
    }
}

#[async_trait]
impl Settles for Agreement {
    fn claimed(&self, asset: &AssetId) -> Result<ClaimedAsset, AgreeError> {
        Ok(ClaimedAsset {
            asset: asset.clone(),
            place: self.adapter(asset)?.place(asset)?,
            depth: self.depth(asset),
        })
    }

    fn fits(&self, claim: &Claim) -> Result<(), AgreeError> {
        if claim.network != self.network {
            return Err(AgreeError::OtherNetwork(claim.network.clone()));
        }
        match (&claim.mode, &claim.fee) {
            (Mode::P2P, FeeTerms::Free) | (Mode::Cleared, FeeTerms::Pool { .. }) => {}
            (Mode::P2P | Mode::Cleared, _) => return Err(AgreeError::Fee),
        }
        for theirs in [&claim.give, &claim.want] {
            let ours = self.claimed(&theirs.asset)?;
            if ours != *theirs {
                return Err(AgreeError::OtherPlace(theirs.asset.clone()));
            }
        }
        Ok(())
    }

    async fn draft(
        &self,
        claim: &Claim,
        give: Amount,
        want: Amount,
        until_ms: u64,
    ) -> Result<Drafted, AgreeError> {
        self.fits(claim)?;
        let _alone = self.one_at_a_time.lock().await;
        if self.held.is_full() {
            return Err(AgreeError::TooManyQuotes);
        }
        let (id, given) = (claim.id(), &claim.want.asset);
        self.free(id, given, want).await?;
        let chains = Self::chains_of(claim);
        self.healthy(chains.clone()).await?;
        let moment = self.moment(chains).await?;
        let (alpha_chain, beta_chain) = ([claim.give.asset.chain()], [claim.want.asset.chain()]);
        let Timelocks { alpha, beta } = self.policy.timelocks(&alpha_chain, &beta_chain)?;
        // The timelocks must still be safe when the quote is selected in its last moment.
        let last = moment
            .latest
            .max(UnixTime(until_ms.div_ceil(1000)))
            .plus(Seconds(1));
        let (alpha_timelock, beta_timelock) = (last.plus(alpha), last.plus(beta));
        let Deadlines {
            alpha_lock_by,
            beta_lock_by,
            redeem_by,
        } = self.policy.deadlines(&alpha_chain, &beta_chain, beta_timelock)?;
        let mut drawn = Drawn::new()?;
        // The hashlock is the claimant's, and not known yet: to the chains one is like another.
        let known = (&moment, Hashlock::new(*drawn.nonce.as_bytes()));
        let ends = Match {
            claim,
            us: Role::Participant,
            alpha: (give, alpha_timelock),
            beta: (want, beta_timelock),
            pay_to: None,
        };
        let parties = self.ends(ends, known, &mut drawn).await?;
        let nonce = drawn.nonce;
        self.held.hold(until_ms, drawn.parties);
        self.held.promise(id, given, want, until_ms);
        Ok(Drafted {
            nonce,
            opening: self.seal_opening(parties)?,
            alpha_timelock,
            beta_timelock,
            alpha_lock_by,
            beta_lock_by,
            redeem_by,
        })
    }

    async fn pays(&self, asset: &AssetId, pay_to: &str) -> Result<(), AgreeError> {
        // The party is thrown away: only whether there is one counts.
        let leg = (LegId::first(Side::Beta), End::Redeemer);
        self.party(leg, asset, Some(pay_to), &mut Drawn::new()?).await?;
        Ok(())
    }

    async fn suits(&self, claim: &Claim, terms: &FulfilTerms) -> Result<(), AgreeError> {
        self.fits(claim)?;
        let chains = Self::chains_of(claim);
        self.healthy(chains.clone()).await?;
        let moment = self.moment(chains).await?;
        let (alpha, beta) = ([claim.give.asset.chain()], [claim.want.asset.chain()]);
        let (alpha_timelock, beta_timelock) = (terms.alpha_timelock, terms.beta_timelock);
        Ok(self
            .policy
            .safe((&alpha, &beta), alpha_timelock, beta_timelock, moment.latest)?)
    }

    async fn opening(
        &self,
        claim: &Claim,
        terms: &FulfilTerms,
        pay_to: Option<&str>,
    ) -> Result<Opened, AgreeError> {
        let _alone = self.one_at_a_time.lock().await;
        if self.held.is_full() {
            return Err(AgreeError::TooManyQuotes);
        }
        let moment = self.moment(Self::chains_of(claim)).await?;
        let mut drawn = Drawn::new()?;
        let hashlock = self.signer.hashlock(&self.network, &drawn.nonce).await?;
        let ends = Match {
            claim,
            us: Role::Initiator,
            alpha: (terms.give, terms.alpha_timelock),
            beta: (terms.want, terms.beta_timelock),
            pay_to,
        };
        let parties = self.ends(ends, (&moment, hashlock), &mut drawn).await?;
        let nonce = drawn.nonce;
        // Later than that we do not lock, and no swap comes of it.
        self.held
            .hold(terms.alpha_lock_by.0.saturating_mul(1000), drawn.parties);
        Ok(Opened {
            nonce,
            hashlock,
            opening: self.seal_opening(parties)?,
        })
    }

    async fn begin(
        &self,
        order: SettlementOrder,
        role: Role,
        certified: Option<&Certified>,
    ) -> Result<SwapId, AgreeError> {
        may_begin(&order, certified)?;
        let _alone = self.one_at_a_time.lock().await;
        let swap = order.id();
        let known = move |core: &mut Core| core.driver.swaps().contains_key(&swap);
        if self.engine.call(known).await? {
            return Ok(swap);
        }
        if self.signing_key(&order, role).id() != order.party(role) {
            return Err(AgreeError::NotOurs);
        }
        if let Some(matched) = order.as_matched() {
            self.fits(&matched.parts().claim.body)?;
        }
        if role == Role::Initiator {
            let hashlock = self.signer.hashlock(&self.network, &order.nonce(role)).await?;
            if hashlock != order.hashlock() {
                return Err(AgreeError::NotOurs);
            }
        }
        let chains: BTreeSet<_> = order.chains().into_iter().collect();
        self.healthy(chains.clone()).await?;
        let moment = self.moment(chains).await?;
        let terms = Terms::new(&order, role, &self.policy, moment.latest, &moment.heights())?;
        self.check(&terms).await?;
        // Asked for last: a swap that does not begin has no preimage in this process.
        let preimage = match role {
            Role::Initiator => Some(self.signer.preimage(&self.network, &order.nonce(role)).await?),
            Role::Participant => None,
        };
        Agreement::begin(self, Begin::new(order, terms, preimage, now_ms())).await?;
        Ok(swap)
    }

    async fn outcome(&self, swap: SwapId) -> Result<Option<Outcome>, AgreeError> {
        let look = move |core: &mut Core| match core.driver.swaps().get(&swap)?.swap().phase() {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        };
        Ok(self.engine.call(look).await?)
    }

    fn promise(&self, claim: &Claim, want: Amount, until_ms: u64) {
        self.held.promise(claim.id(), &claim.want.asset, want, until_ms);
    }

    fn hold(&self, claim: &Claim, opening: &Opening, until_ms: u64) {
        let ends = [
            (claim.give.asset.chain(), opening.alpha.clone()),
            (claim.want.asset.chain(), opening.beta.clone()),
        ];
        self.held.hold(until_ms, ends);
    }
}
