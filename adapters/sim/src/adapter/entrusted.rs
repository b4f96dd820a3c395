//! What a third party is entrusted with: nothing where anybody may act for the owner, and else what the owner signed in
//! advance.

use super::SimAdapter;
use super::together::{bytes, not_as_agreed};
use crate::chain::Kind;
use crate::ending::Ending;
use crate::leg::Version;
use crate::tx::{AccountId, Contract, Key, Signature, SimTx};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{AdapterError, Entrusted};
use kofo_primitives::{Act, ActKind, Amount, End, HtlcSpec, Prepared};

/// An owner signs in advance for today's fee times these, as long as half of the amount is left.
const LEVELS: [u128; 6] = [1, 2, 4, 8, 16, 32];

/// What the owner of a leg signed in advance.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Level {
    /// For a redeem its preimage is empty: the third party adds it.
    tx: SimTx,
    word: Signature,
}

impl SimAdapter {
    /// Does what the port's `entrust` does, at once.
    pub fn entrust_now(&self, spec: &HtlcSpec, act: ActKind) -> Result<Vec<Entrusted>, AdapterError> {
        let (contract, owner) = self.owned(spec, act)?;
        if owner != self.account {
            return Err(self.foreign("an owner of the leg", owner));
        }
        let key = match act {
            ActKind::Redeem => Key::Preimage(Vec::new()),
            _ => Key::Timeout,
        };
        let levels = self.chain.ask(|state| {
            self.answering(state)?;
            if state.kind == Kind::Accounts {
                return Ok(vec![Entrusted::default()]);
            }
            let level = |factor: u128| {
                let fee = Amount::new(state.fee_floor.units().saturating_mul(factor));
                let dear = fee.units() > spec.amount.units() / 2 && factor > 1;
                match state.ending(&spec.asset, &[&contract], &key, (payee(&contract, act), fee)) {
                    Ending::Tx(tx) if !dear => {
                        let word = Signature::by(owner, &tx);
                        Some(bytes(&Level { tx, word }))
                    }
                    Ending::Tx(_) | Ending::Nothing | Ending::Short { .. } => None,
                }
            };
            LEVELS.into_iter().filter_map(level).collect()
        })?;
        if levels.is_empty() {
            return Err(self.node_error("no block holds a lock that pays today's fee"));
        }
        Ok(levels)
    }

    /// Does what the port's `take_over` does, at once.
    pub fn take_over_now(
        &self,
        spec: &HtlcSpec,
        act: &Act,
        entrusted: &Entrusted,
    ) -> Result<Prepared, AdapterError> {
        let kind = act.kind();
        let (contract, owner) = self.owned(spec, kind)?;
        let refused = || not_as_agreed(self.chain.id(), "entrusted");
        let key = match act {
            Act::Redeem(preimage) if preimage.hashlock() != contract.hashlock => return Err(refused()),
            Act::Redeem(preimage) => Key::Preimage(preimage.expose().to_vec()),
            Act::Lock | Act::Refund | Act::Cancel => Key::Timeout,
        };
        let tx = self.chain.ask(|state| {
            self.answering(state)?;
            if state.kind == Kind::Accounts {
                let terms = (payee(&contract, kind), state.fee_floor);
                let ending = state.ending(&spec.asset, &[&contract], &key, terms);
                return match ending {
                    Ending::Tx(tx) if entrusted.as_slice().is_empty() => Ok(tx),
                    Ending::Tx(_) => Err(refused()),
                    Ending::Nothing | Ending::Short { .. } => Err(self.node_error("no block holds the lock")),
                };
            }
            let level: Level = borsh::from_slice(entrusted.as_slice()).map_err(|_| refused())?;
            let held = state.held_by(&spec.asset, &contract);
            let of_leg = |note| held.iter().any(|(id, _)| *id == note);
            let fits = !level.tx.spends.is_empty() && level.tx.spends.iter().all(|spend| of_leg(spend.note));
            let signed = fits && level.word == Signature::by(owner, &level.tx);
            if signed && level.tx.pays_only(payee(&contract, kind)) && level.tx.asset == spec.asset {
                Ok(level.tx)
            } else {
                Err(refused())
            }
        })?;
        let tx = with_key(tx, &key);
        Ok(Version { kind, tx }.prepared())
    }

    /// The contract of a leg, and whose act this is.
    fn owned(&self, spec: &HtlcSpec, act: ActKind) -> Result<(Contract, AccountId), AdapterError> {
        self.known(&spec.asset)?;
        let contract = Contract::of(spec).ok_or_else(|| self.foreign("parties", self.account))?;
        let owner = match (act, spec.end) {
            (ActKind::Redeem, End::Redeemer) => contract.redeemer,
            (ActKind::Refund, End::Refunder) => contract.refunder,
            _ => {
                return Err(AdapterError::Malformed {
                    field: "act",
                    expected: "a redeem of the redeemer or a refund of the refunder".into(),
                    got: format!("{act:?} of the {:?}", spec.end),
                });
            }
        };
        Ok((contract, owner))
    }
}

/// Whom the act pays.
fn payee(contract: &Contract, act: ActKind) -> AccountId {
    match act {
        ActKind::Redeem => contract.payee,
        _ => contract.refunder,
    }
}

fn with_key(mut tx: SimTx, key: &Key) -> SimTx {
    for spend in &mut tx.spends {
        spend.key.clone_from(key);
    }
    tx
}
