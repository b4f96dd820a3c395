//! The port's questions, and its acts as the trait has them.

use super::SimAdapter;
use crate::tx::{AccountId, SimParty, SimRedeemer};
use crate::wallet::{DUST, plus, sum};
use async_trait::async_trait;
use kofo_adapter_api::{AdapterError, ChainAdapter, Entrusted, PartyWanted, Round, RoundReply, RoundRequest};
use kofo_adapter_api::{SignedTransfer, Transfer, Transferred};
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, ChainAction, ChainEvent, ChainId, End, HtlcSpec, LegRef, Party, Place,
    Prepared, Tip, Together,
};

/// So much of an address that is none is shown, in characters.
const SHOWN: usize = 100;

impl SimAdapter {
    fn spendable(&self, asset: &AssetId, depth: u32) -> Amount {
        let inner = self.inner();
        let notes = self.wallet(&inner, |wallet| wallet.spendable(asset, depth));
        sum(notes.into_iter().map(|(_, amount)| amount))
    }

    pub(super) fn known(&self, asset: &AssetId) -> Result<(), AdapterError> {
        if self.chain.knows(asset) {
            return Ok(());
        }
        Err(AdapterError::UnknownAsset {
            asset: asset.clone(),
            chain: self.chain.id().clone(),
        })
    }

    pub(super) fn node_error(&self, why: &str) -> AdapterError {
        AdapterError::Node {
            chain: self.chain.id().clone(),
            why: why.into(),
        }
    }

    /// Whom our party pays: somebody else only as its redeemer, at an address as [`ChainAdapter::address`] gives it.
    pub(super) fn payee(&self, end: End, pay_to: Option<&str>) -> Result<AccountId, AdapterError> {
        let Some(text) = pay_to else {
            return Ok(self.account);
        };
        let malformed = |expected: String| AdapterError::Malformed {
            field: "address to pay to",
            expected,
            got: text.chars().take(SHOWN).collect(),
        };
        if end != End::Redeemer {
            return Err(malformed(
                "none at the end that locks: a refund is always our own".into(),
            ));
        }
        let account = text.strip_prefix(&format!("{}/account/", self.chain.id()));
        let account =
            account.and_then(|number| number.parse::<u32>().ok().filter(|n| n.to_string() == number));
        account
            .map(AccountId)
            .ok_or_else(|| malformed(format!("an address like {}/account/7", self.chain.id())))
    }

    fn check_parties(&self, spec: &HtlcSpec) -> Result<(), AdapterError> {
        let unreadable = |field, expected: &str, party: &Party| AdapterError::Malformed {
            field,
            expected: expected.into(),
            got: format!("{party:?}"),
        };
        let redeemer = SimRedeemer::from_party(&spec.redeemer);
        let expected = "6 bytes: account, lane; or 10: and another account";
        let redeemer = redeemer.ok_or_else(|| unreadable("redeemer", expected, &spec.redeemer))?;
        let refunder = SimParty::from_party(&spec.refunder);
        let expected = "6 bytes: account, lane";
        let refunder = refunder.ok_or_else(|| unreadable("refunder", expected, &spec.refunder))?;
        let redeemer = redeemer.party;
        let (field, ours) = match spec.end {
            End::Redeemer => ("redeemer", redeemer),
            End::Refunder => ("refunder", refunder),
        };
        let malformed =
            |field, expected: String, got: String| Err(AdapterError::Malformed { field, expected, got });
        if ours.account != self.account {
            return malformed(
                field,
                format!("{:?}", self.account),
                format!("{:?}", ours.account),
            );
        }
        // One account may be both, in two lanes: a node that swaps with itself harms nobody.
        if redeemer == refunder {
            let expected = "two parties".into();
            return malformed("parties", expected, format!("{redeemer:?} twice"));
        }
        if !spec.place.as_slice().is_empty() {
            return malformed("place", "no bytes".into(), format!("{:?}", spec.place));
        }
        Ok(())
    }
}

#[async_trait]
impl ChainAdapter for SimAdapter {
    fn chain(&self) -> &ChainId {
        self.chain.id()
    }

    async fn act(&self, leg: LegRef, action: ChainAction) {
        self.act_now(leg, action);
    }

    async fn next(&self) -> Option<ChainEvent> {
        loop {
            let changed = self.chain.changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(event) = self.poll() {
                return Some(event);
            }
            changed.await;
        }
    }

    async fn tip(&self) -> Result<Tip, AdapterError> {
        let tip = self.chain.ask(|state| (!state.cut).then(|| state.tip()));
        tip.ok_or_else(|| self.node_error("it does not answer"))
    }

    async fn party(&self, wanted: PartyWanted<'_>) -> Result<Party, AdapterError> {
        self.known(wanted.asset)?;
        let payee = self.payee(wanted.end, wanted.pay_to)?;
        let inner = self.inner();
        let watched = inner.legs.values().map(|leg| leg.spec.ours());
        let taken = watched.chain(wanted.taken).filter_map(SimRedeemer::from_party);
        let lanes: Vec<u16> = taken
            .map(|taken| taken.party)
            .filter(|party| party.account == self.account)
            .map(|party| party.lane)
            .collect();
        let account = self.account;
        let free = (0..=u16::MAX).find(|lane| !lanes.contains(lane));
        let party = free.map(|lane| SimParty { account, lane });
        let party = party.map(|party| SimRedeemer { party, payee }.to_party());
        party.ok_or_else(|| self.node_error("all lanes are in use"))
    }

    fn place(&self, asset: &AssetId) -> Result<Place, AdapterError> {
        self.known(asset)?;
        Ok(Place::default())
    }

    async fn check(&self, _leg: LegRef, spec: &HtlcSpec) -> Result<(), AdapterError> {
        self.known(&spec.asset)?;
        self.check_parties(spec)?;
        let (asset, have) = (spec.asset.clone(), spec.amount);
        if have < DUST {
            let least = DUST;
            return Err(AdapterError::Dust { asset, have, least });
        }
        let fee = self.chain.ask(|state| state.fee_floor);
        let least = plus(fee, fee);
        if have < least {
            return Err(AdapterError::Uneconomic { asset, have, least });
        }
        if spec.end == End::Redeemer {
            return Ok(());
        }
        let (have, need) = (self.spendable(&spec.asset, spec.depth), plus(spec.amount, fee));
        if have < need {
            return Err(AdapterError::Funds { asset, have, need });
        }
        Ok(())
    }

    async fn sign_transfer(&self, transfer: &Transfer, keep: Amount) -> Result<SignedTransfer, AdapterError> {
        self.sign_now(transfer, keep)
    }

    async fn send_transfer(
        &self,
        transfer: &Transfer,
        signed: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        self.send_now(transfer, signed)
    }

    async fn drop_transfer(&self, transfer: &Transfer) {
        self.drop_now(transfer);
    }

    async fn balance(&self, asset: &AssetId) -> Result<Amount, AdapterError> {
        self.known(asset)?;
        Ok(self.spendable(asset, 1))
    }

    async fn address(&self, asset: &AssetId) -> Result<String, AdapterError> {
        self.known(asset)?;
        Ok(format!("{}/account/{}", self.chain.id(), self.account.0))
    }

    async fn open_round(&self, what: Together, legs: &[(LegRef, HtlcSpec)]) -> Result<Round, AdapterError> {
        self.open_round_now(what, legs)
    }

    async fn cosign(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        self.cosign_now(what, legs, request)
    }

    async fn entrust(
        &self,
        _leg: LegRef,
        spec: &HtlcSpec,
        act: ActKind,
    ) -> Result<Vec<Entrusted>, AdapterError> {
        self.entrust_now(spec, act)
    }

    async fn take_over(
        &self,
        _leg: LegRef,
        spec: &HtlcSpec,
        act: &Act,
        entrusted: &Entrusted,
    ) -> Result<Prepared, AdapterError> {
        self.take_over_now(spec, act, entrusted)
    }
}
