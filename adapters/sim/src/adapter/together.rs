//! What both parties sign. Each step is one look at the chain and keeps nothing.

use super::SimAdapter;
use crate::chain::{Kind, State};
use crate::ending::Ending;
use crate::leg::Version;
use crate::tx::{AccountId, Both, Contract, Key, Owner, Signature, SimTx};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{AdapterError, MOST_TOGETHER, Round, RoundReply, RoundRequest};
use kofo_primitives::{AssetId, Bytes, ChainId, End, HtlcSpec, LegRef, Prepared, Together};
use std::collections::BTreeMap;
use std::future::ready;

/// The content of a request: one transaction for all legs of an asset, which nobody has signed.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Asked {
    txs: Vec<SimTx>,
}

/// The content of a reply: the helper's word over each of them, in their order.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Signed {
    words: Vec<Signature>,
}

/// The legs of a round, grouped by asset, and between whom.
struct Legs {
    by_asset: BTreeMap<AssetId, Vec<Contract>>,
    /// Who is paid.
    payee: AccountId,
}

impl SimAdapter {
    /// Does what the port's `open_round` does, at once.
    pub fn open_round_now(&self, what: Together, legs: &[(LegRef, HtlcSpec)]) -> Result<Round, AdapterError> {
        let of = self.legs_of(what, legs, true)?;
        let (account, payee) = (self.account, of.payee);
        let txs: Result<Vec<_>, _> = self.chain.ask(|state| {
            self.answering(state)?;
            let key = Key::Both(Both {
                what,
                nonce: state.calls,
                redeemer: Signature::default(),
                refunder: Signature::default(),
            });
            let ending = |(asset, contracts): (&AssetId, &Vec<Contract>)| {
                let contracts: Vec<_> = contracts.iter().collect();
                match state.ending(asset, &contracts, &key, (payee, state.fee_floor)) {
                    Ending::Nothing => Err(self.node_error("no block holds the lock")),
                    Ending::Short { .. } => Err(self.node_error("the lock does not pay today's fee")),
                    Ending::Tx(tx) => Ok(tx),
                }
            };
            of.by_asset.iter().map(ending).collect()
        });
        let txs = txs?;
        let request = bytes(&Asked { txs: txs.clone() })?;
        let assets: Vec<AssetId> = legs.iter().map(|(_, spec)| spec.asset.clone()).collect();
        let helper = self.helper(what, legs);
        let chain = self.chain.id().clone();
        Ok(Round::new(request, move |reply| {
            let finished = finish(txs, (what, account, helper), &assets, &reply);
            ready(finished.ok_or_else(|| not_as_agreed(&chain, "reply")))
        }))
    }

    /// Does what the port's `cosign` does, at once.
    pub fn cosign_now(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        let of = self.legs_of(what, legs, false)?;
        // Where a party is nothing but an account, the one that gets the money gives the word: not ours to give.
        let theirs = |contract: &Contract| contract.payee != contract.redeemer;
        if self.chain.kind() == Kind::Accounts && of.by_asset.values().flatten().any(theirs) {
            return Err(AdapterError::Alone(self.chain.id().clone()));
        }
        let refused = || not_as_agreed(self.chain.id(), "request");
        let asked: Asked = borsh::from_slice(request.as_slice()).map_err(|_| refused())?;
        let fits = self.chain.ask(|state| {
            self.answering(state)?;
            Ok(asked.txs.len() <= of.by_asset.len()
                && asked.txs.iter().all(|tx| may_sign(state, what, &of, tx)))
        })?;
        if !fits {
            return Err(refused());
        }
        let words = asked.txs.iter().map(|tx| Signature::by(self.account, tx));
        bytes(&Signed {
            words: words.collect(),
        })
    }

    /// Checks what the caller says of the legs; as the one who gets what they hold, or as the other one.
    fn legs_of(&self, what: Together, legs: &[(LegRef, HtlcSpec)], gets: bool) -> Result<Legs, AdapterError> {
        if what == Together::Redeem && self.chain.kind() == Kind::Accounts {
            return Err(AdapterError::Alone(self.chain.id().clone()));
        }
        let malformed = |got: String| AdapterError::Malformed {
            field: "legs",
            expected: format!("1 to {MOST_TOGETHER} legs with one other party"),
            got,
        };
        if legs.is_empty() || legs.len() > MOST_TOGETHER {
            return Err(malformed(format!("{} legs", legs.len())));
        }
        let mut by_asset: BTreeMap<AssetId, Vec<Contract>> = BTreeMap::new();
        let (mut between, mut paid) = (None, None);
        for (of, spec) in legs {
            self.known(&spec.asset)?;
            let contract = Contract::of(spec).ok_or_else(|| malformed(format!("{of:?}")))?;
            let ours = if gets {
                contract.gets(what)
            } else {
                contract.helps(what)
            };
            let redeems = (what == Together::Redeem) == gets;
            let end = if redeems { End::Redeemer } else { End::Refunder };
            if spec.end != end || ours != self.account {
                return Err(self.foreign("the other end of the leg", ours));
            }
            let pair = (contract.gets(what), contract.helps(what));
            if *between.get_or_insert(pair) != pair {
                return Err(malformed(format!("{of:?} is with another party")));
            }
            // One transaction pays one account: legs for several are redeemed apart.
            let payee = contract.pays(what);
            if *paid.get_or_insert(payee) != payee {
                return Err(AdapterError::Alone(self.chain.id().clone()));
            }
            let contracts = by_asset.entry(spec.asset.clone()).or_default();
            if contracts.contains(&contract) {
                return Err(malformed(format!("{of:?} twice")));
            }
            contracts.push(contract);
        }
        let payee = paid.ok_or_else(|| malformed("none".into()))?;
        Ok(Legs { by_asset, payee })
    }

    fn helper(&self, what: Together, legs: &[(LegRef, HtlcSpec)]) -> AccountId {
        let contract = legs.first().and_then(|(_, spec)| Contract::of(spec));
        contract.map_or(self.account, |contract| contract.helps(what))
    }

    pub(super) fn foreign(&self, expected: &str, got: AccountId) -> AdapterError {
        AdapterError::Malformed {
            field: "legs",
            expected: format!("{expected} to be {:?}", self.account),
            got: format!("{got:?}"),
        }
    }

    pub(super) fn answering(&self, state: &State) -> Result<(), AdapterError> {
        if state.cut {
            return Err(self.node_error("it does not answer"));
        }
        Ok(())
    }
}

/// Whether it takes only what these legs hold, and only to the other party.
fn may_sign(state: &State, what: Together, of: &Legs, tx: &SimTx) -> bool {
    let Some(contracts) = of.by_asset.get(&tx.asset) else {
        return false;
    };
    let ours = |owner: &Owner| matches!(owner, Owner::Contract(contract) if contracts.contains(contract));
    let spends = tx.spends.iter().all(|spend| {
        let note = state.ledger().notes.get(&spend.note);
        let agreed = matches!(spend.key, Key::Both(both) if both.what == what);
        agreed && note.is_some_and(|note| note.asset == tx.asset && ours(&note.owner))
    });
    spends && tx.pays_only(of.payee)
}

/// Puts both words where the chain looks for them; `None` if the helper's are not over what was asked.
fn finish(
    mut txs: Vec<SimTx>,
    (what, account, helper): (Together, AccountId, AccountId),
    assets: &[AssetId],
    reply: &RoundReply,
) -> Option<Vec<Prepared>> {
    let signed: Signed = borsh::from_slice(reply.as_slice()).ok()?;
    if signed.words.len() != txs.len() {
        return None;
    }
    for (tx, theirs) in txs.iter_mut().zip(signed.words) {
        if theirs != Signature::by(helper, tx) {
            return None;
        }
        let ours = Signature::by(account, tx);
        for spend in &mut tx.spends {
            if let Key::Both(both) = &mut spend.key {
                (both.redeemer, both.refunder) = match what {
                    Together::Redeem => (ours, theirs),
                    Together::Refund => (theirs, ours),
                };
            }
        }
    }
    let kind = what.kind();
    let of = |asset: &AssetId| txs.iter().find(|tx| tx.asset == *asset).cloned();
    let version = |asset| of(asset).map(|tx| Version { kind, tx }.prepared());
    assets.iter().map(version).collect()
}

/// Few legs of few notes: what does not fit was no honest lock.
pub(super) fn bytes<const MOST: usize>(what: &impl BorshSerialize) -> Result<Bytes<MOST>, AdapterError> {
    let bytes = borsh::to_vec(what).expect("writing to memory cannot fail");
    let len = bytes.len();
    Bytes::new(bytes).map_err(|_| AdapterError::Malformed {
        field: "legs",
        expected: format!("at most {MOST} bytes to send"),
        got: format!("{len} bytes"),
    })
}

pub(super) fn not_as_agreed(chain: &ChainId, field: &'static str) -> AdapterError {
    AdapterError::Malformed {
        field,
        expected: format!("what the terms of the legs on {chain} say, signed by its party"),
        got: "something else".into(),
    }
}
