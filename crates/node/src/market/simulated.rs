//! A settlement side without chains: it settles whatever it is given, and remembers that it did.

use super::settles::{Drafted, Opened, Settles, may_begin};
use crate::agree::AgreeError;
use crate::clock::now;
use async_trait::async_trait;
use kofo_clearance::Certified;
use kofo_primitives::{
    Amount, AssetId, Claim, ClaimedAsset, FulfilTerms, Hashlock, Opening, Party, Place, Preimage, Role,
    Seconds, SettlementOrder, SwapId, SwapNonce,
};
use kofo_settlement::Outcome;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Settles everything at once, in memory: for simulations of the market, and its tests.
#[derive(Default)]
pub struct SimulatedSettlement(Mutex<Book>);

#[derive(Default)]
struct Book {
    begun: BTreeMap<SwapId, (SettlementOrder, Role)>,
    outcomes: BTreeMap<SwapId, Outcome>,
    /// What every further call is refused with, by the name of the method.
    refusals: BTreeMap<&'static str, fn() -> AgreeError>,
    held: usize,
    drawn: Vec<Hashlock>,
}

impl SimulatedSettlement {
    /// Nothing settled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orders that began, with our role, by their ids.
    #[must_use]
    pub fn begun(&self) -> Vec<(SettlementOrder, Role)> {
        self.book().begun.values().cloned().collect()
    }

    /// The hashlocks of all parts of swaps that were drawn, in order.
    #[must_use]
    pub fn drawn(&self) -> Vec<Hashlock> {
        self.book().drawn.clone()
    }

    /// How many openings were held over a restart.
    #[must_use]
    pub fn held(&self) -> usize {
        self.book().held
    }

    /// From now on a swap ended so.
    pub fn end(&self, swap: SwapId, outcome: Outcome) {
        self.book().outcomes.insert(swap, outcome);
    }

    /// From now on `fits`, `draft`, `pays`, `suits`, `opening` or `begin` is refused; `None`: no longer.
    pub fn refuse(&self, method: &'static str, with: Option<fn() -> AgreeError>) {
        let mut book = self.book();
        match with {
            Some(with) => drop(book.refusals.insert(method, with)),
            None => drop(book.refusals.remove(method)),
        }
    }

    fn allowed(&self, method: &'static str) -> Result<(), AgreeError> {
        match self.book().refusals.get(method) {
            Some(with) => Err(with()),
            None => Ok(()),
        }
    }
}

fn random() -> Result<[u8; 32], AgreeError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| AgreeError::Random(e.to_string()))?;
    Ok(bytes)
}

fn opening() -> Result<Opening, AgreeError> {
    let party = || random().map(|bytes| Party::new(bytes).expect("32 bytes fit a party"));
    Ok(Opening {
        alpha: party()?,
        beta: party()?,
        contacts: Vec::new(),
        salt: random()?,
    })
}

#[async_trait]
impl Settles for SimulatedSettlement {
    fn claimed(&self, asset: &AssetId) -> Result<ClaimedAsset, AgreeError> {
        Ok(ClaimedAsset {
            asset: asset.clone(),
            place: Place::default(),
            depth: 1,
        })
    }

    fn fits(&self, _claim: &Claim) -> Result<(), AgreeError> {
        self.allowed("fits")
    }

    async fn draft(
        &self,
        _claim: &Claim,
        _give: Amount,
        _want: Amount,
        _until_ms: u64,
    ) -> Result<Drafted, AgreeError> {
        self.allowed("draft")?;
        let from_now = |minutes| now().plus(Seconds::minutes(minutes));
        Ok(Drafted {
            nonce: SwapNonce::new(random()?),
            opening: opening()?,
            alpha_timelock: from_now(120),
            beta_timelock: from_now(60),
            alpha_lock_by: from_now(10),
            beta_lock_by: from_now(20),
            redeem_by: from_now(30),
        })
    }

    async fn pays(&self, _asset: &AssetId, _pay_to: &str) -> Result<(), AgreeError> {
        self.allowed("pays")
    }

    async fn suits(&self, _claim: &Claim, _terms: &FulfilTerms) -> Result<(), AgreeError> {
        self.allowed("suits")
    }

    async fn opening(
        &self,
        _claim: &Claim,
        _terms: &FulfilTerms,
        _pay_to: Option<&str>,
    ) -> Result<Opened, AgreeError> {
        self.allowed("opening")?;
        let hashlock: Hashlock = Preimage::new(random()?).hashlock();
        self.book().drawn.push(hashlock);
        Ok(Opened {
            nonce: SwapNonce::new(random()?),
            hashlock,
            opening: opening()?,
        })
    }

    async fn begin(
        &self,
        order: SettlementOrder,
        role: Role,
        certified: Option<&Certified>,
    ) -> Result<SwapId, AgreeError> {
        self.allowed("begin")?;
        may_begin(&order, certified)?;
        let id = order.id();
        self.book().begun.insert(id, (order, role));
        Ok(id)
    }

    async fn outcome(&self, swap: SwapId) -> Result<Option<Outcome>, AgreeError> {
        Ok(self.book().outcomes.get(&swap).copied())
    }

    fn promise(&self, _claim: &Claim, _want: Amount, _until_ms: u64) {}

    fn hold(&self, _claim: &Claim, _opening: &Opening, _until_ms: u64) {
        self.book().held += 1;
    }
}
