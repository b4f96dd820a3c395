//! Where the blocks of a chain show how a leg ended.

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::{Block, OutPoint, Transaction, Txid};
use kofo_clearance::{Fact, ProofLeg};
use kofo_primitives::TxId;

use crate::flaw::Flaw;
use crate::output::Output;
use crate::prove::ProveError;

/// Whoever pays a leg's script again and again pays the leg's amount each time: more locks than these are not followed.
const MAX_LOCKS: usize = 64;

/// Looks through the blocks of a chain, from below, for the transaction that ended a leg.
///
/// Whoever gives the blocks is trusted with nothing but to give all of them: what is found is proved, and the proof is
/// read by [`crate::BitcoinProofs`].
#[derive(Clone, Debug)]
pub struct Search {
    output: Output,
    locks: Vec<(OutPoint, Transaction)>,
    unclear: Option<Txid>,
}

/// The end of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The transaction that ended it.
    pub tx: TxId,
    /// How.
    pub fact: Fact,
    /// The transaction that had locked it, for [`crate::Parts`].
    pub lock: Vec<u8>,
}

/// What was seen of a leg that has not ended in a way that a proof shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// No lock.
    Nothing,
    /// A lock that nobody has spent.
    Locked,
    /// A spend that does not show whose it is.
    Unclear(TxId),
}

impl Search {
    /// For the end of this leg.
    pub fn new(leg: &ProofLeg<'_>) -> Result<Self, Flaw> {
        Ok(Self {
            output: Output::of(leg)?,
            locks: Vec::new(),
            unclear: None,
        })
    }

    /// Looks through the next block, as nodes serialize it: the end of the leg, if it is in there.
    pub fn look(&mut self, block: &[u8]) -> Result<Option<Found>, ProveError> {
        let block: Block = deserialize(block).map_err(|error| ProveError::Block(error.to_string()))?;
        for tx in &block.txdata {
            if let Some(found) = self.ended_by(tx) {
                return Ok(Some(found));
            }
            if self.locks.len() < MAX_LOCKS
                && let Ok(at) = self.output.lock(tx)
            {
                self.locks.push((at, tx.clone()));
            }
        }
        Ok(None)
    }

    fn ended_by(&mut self, tx: &Transaction) -> Option<Found> {
        for (at, lock) in &self.locks {
            match self.output.end(*at, tx) {
                Ok(fact) => {
                    return Some(Found {
                        tx: printed(&tx.compute_txid()),
                        fact,
                        lock: serialize(lock),
                    });
                }
                Err(Flaw::Unclear { tx }) => self.unclear = Some(tx),
                // Most transactions spend something else.
                Err(_) => {}
            }
        }
        None
    }

    /// What was seen so far, where no end was found.
    #[must_use]
    pub fn seen(&self) -> Seen {
        match (&self.unclear, self.locks.is_empty()) {
            (Some(tx), _) => Seen::Unclear(printed(tx)),
            (None, false) => Seen::Locked,
            (None, true) => Seen::Nothing,
        }
    }
}

/// Bitcoin prints ids with the bytes reversed.
fn printed(tx: &Txid) -> TxId {
    let mut bytes = tx.to_byte_array();
    bytes.reverse();
    TxId(bytes)
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::genesis_block;
    use bitcoin::{Amount, Network};
    use kofo_bitcoin::{Coin, Spend};

    use super::*;
    use crate::fixtures::{PREIMAGE, SATS, Terms, htlc, lock, mined, pay, paying, payout, secret};

    fn search() -> Search {
        Search::new(&Terms::default().leg()).unwrap()
    }

    fn block(txs: Vec<Transaction>) -> Vec<u8> {
        serialize(&mined(genesis_block(Network::Regtest).block_hash(), txs))
    }

    fn redeem_of(lock: &Transaction, vout: u32) -> Transaction {
        let coin = Coin {
            outpoint: OutPoint::new(lock.compute_txid(), vout),
            value: Amount::from_sat(SATS),
        };
        let spend = Spend {
            coins: &[coin],
            payout: &payout(1),
            fee: Amount::from_sat(200),
        };
        htlc().redeem(&spend, &PREIMAGE, &secret(1)).unwrap()
    }

    #[test]
    fn the_end_of_a_leg_is_found_behind_its_lock_also_in_one_block() {
        let (lock, redeem) = (lock(), redeem_of(&lock(), 1));
        let other = paying(vec![pay(payout(60), 5)]);
        let found = Found {
            tx: printed(&redeem.compute_txid()),
            fact: Fact::Redeemed,
            lock: serialize(&lock),
        };
        let mut two = search();
        assert_eq!(two.look(&block(vec![other.clone(), lock.clone()])), Ok(None));
        assert_eq!(two.seen(), Seen::Locked);
        assert_eq!(
            two.look(&block(vec![other, redeem.clone()])),
            Ok(Some(found.clone()))
        );
        assert_eq!(search().look(&block(vec![lock, redeem])), Ok(Some(found)));
    }

    #[test]
    fn without_its_lock_a_spend_is_no_end_and_nothing_is_seen() {
        let mut search = search();
        let wrong = paying(vec![pay(htlc().script_pubkey(), SATS - 1)]);
        let spends = vec![wrong.clone(), redeem_of(&wrong, 0), redeem_of(&lock(), 1)];
        assert_eq!(search.look(&block(spends)), Ok(None));
        assert_eq!(search.seen(), Seen::Nothing);
        assert!(matches!(search.look(b"no block"), Err(ProveError::Block(_))));
    }

    #[test]
    fn of_two_locks_the_one_that_was_spent_is_named_and_an_unclear_spend_is_no_end() {
        let second = paying(vec![pay(htlc().script_pubkey(), SATS)]);
        let (redeem, mut unclear) = (redeem_of(&second, 0), redeem_of(&lock(), 1));
        unclear.input[0].witness = bitcoin::Witness::from_slice(&[[5u8; 64]]);
        unclear.output = vec![pay(payout(70), 1_000)];
        let mut search = search();
        let told = search.look(&block(vec![lock(), second.clone(), unclear.clone()]));
        assert_eq!(told, Ok(None));
        assert_eq!(search.seen(), Seen::Unclear(printed(&unclear.compute_txid())));
        let found = search.look(&block(vec![redeem])).unwrap().unwrap();
        assert_eq!((found.fact, found.lock), (Fact::Redeemed, serialize(&second)));
    }
}
