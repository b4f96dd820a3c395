//! The ledger told anything in any order: no money is made or lost, whoever does a batch again comes to the same header,
//! and a ledger that was restored from its snapshot goes on as the one that was not.

use crate::choices::Choices;
use crate::cleared::*;
use crate::fixture::{chain, key, network};
use borsh::BorshDeserialize;
use kofo_clearance::{
    Act, Amendment, BondKind, Change, CheckedOp, Complaint, Fact, Ledger, NoProofs, Observation, Op, Purse,
    judge,
};
use kofo_primitives::{
    Amount, AssetId, Certificate, DoubleVote, Header, LegId, Side, SignedVote, UnixTime, ValidatorKey,
    ValidatorSet, Vote, VoteKind, decode,
};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

const MOST_BATCHES: usize = 12;
const MOST_OPS: u8 = 6;

struct Run {
    ledger: Ledger,
    last: Option<(Header, Certificate)>,
    sequences: BTreeMap<u8, u64>,
    /// How often each vote key said something of each leg.
    counts: BTreeMap<(ValidatorKey, LegId), u32>,
}

/// The order that all runs may commit.
fn order() -> &'static (Arc<CheckedOp>, kofo_primitives::SwapId) {
    static ORDER: OnceLock<(Arc<CheckedOp>, kofo_primitives::SwapId)> = OnceLock::new();
    ORDER.get_or_init(|| {
        let cleared = cleared();
        let id = cleared.order.id();
        (checked(Op::Order(Box::new(cleared))), id)
    })
}

/// Accounts of parties and relays, then those of validators.
fn some_account(choices: &mut Choices<'_>) -> u8 {
    match choices.byte() % 9 {
        n @ 0..=4 => ACCOUNTS[usize::from(n)],
        n => n - 4,
    }
}

fn some_amount(choices: &mut Choices<'_>) -> Amount {
    let sizes = [0, 1, 999, 1_000, 30_000, 1_000_000, u128::MAX];
    Amount::new(sizes[usize::from(choices.byte()) % sizes.len()])
}

fn some_act(choices: &mut Choices<'_>) -> Act {
    let (asset, amount) = (kofo(), some_amount(choices));
    let kind = if choices.byte().is_multiple_of(2) {
        BondKind::Provider
    } else {
        BondKind::Relay
    };
    let other = key(some_account(choices)).id();
    match choices.byte() % 12 {
        0 => Act::Transfer {
            to: other,
            asset,
            amount,
        },
        1 => Act::Bond { kind, asset, amount },
        2 => Act::Unbond { kind, asset, amount },
        3 => Act::Stake {
            key: voter(choices.byte() % 9 + 1).key(),
            commission_bps: 500,
            amount,
        },
        4 => Act::Unstake { amount },
        5 => Act::Delegate { to: other, amount },
        6 => Act::Undelegate { from: other, amount },
        7 => Act::Collect,
        8 => Act::Observe {
            chains: vec![chain("a")],
        },
        9 => Act::List { pairs: vec![] },
        10 => Act::Unjail,
        _ => Act::Grant { to: other, points: 5 },
    }
}

fn some_fact(choices: &mut Choices<'_>) -> Fact {
    let facts = [
        Fact::Absent,
        Fact::Seen,
        Fact::Final,
        Fact::Redeemed,
        Fact::Refunded,
        Fact::Unclear,
    ];
    facts[usize::from(choices.byte()) % facts.len()]
}

impl Run {
    fn observation(&self, choices: &mut Choices<'_>) -> Op {
        let leg = LegId::first([Side::Alpha, Side::Beta][usize::from(choices.byte() % 2)]);
        let by = voter(choices.byte() % 5 + 1);
        let observation = Observation {
            version: 1,
            network: network(),
            order: order().1,
            leg,
            count: self.counts.get(&(by.key(), leg)).copied().unwrap_or(0),
            fact: some_fact(choices),
            tx: None,
            height: 100,
            depth: choices.byte().into(),
            tip: UnixTime(self.ledger.tip().time_ms / 1_000),
        };
        Op::Observed(Box::new(observation.sign(&by)))
    }

    fn double_vote(&self, choices: &mut Choices<'_>) -> Op {
        let by = voter(choices.byte() % 5 + 1);
        let height = self.ledger.tip().height;
        let signed = |header| {
            let vote = Vote {
                kind: VoteKind::Precommit,
                height,
                round: 0,
                header,
            };
            let signature = by.sign(&vote.digest(&network()));
            SignedVote {
                vote,
                key: by.key(),
                signature,
            }
        };
        Op::DoubleVote(Box::new(DoubleVote {
            first: signed(None),
            second: signed(Some([1; 32])),
        }))
    }

    fn complaint(&self, choices: &mut Choices<'_>) -> Op {
        let complaint = Complaint {
            height: self.ledger.tip().height,
            round: 0,
            proposer: voter(1).key(),
        };
        Op::Complaint(Box::new(
            complaint.sign(&network(), &voter(choices.byte() % 5 + 1)),
        ))
    }

    fn cancel(&self) -> Op {
        let (order, change) = (order().1, Change::Cancel);
        let digest = Amendment::digest(&network(), order, 0, change);
        let provider = crate::market::Deal::new(10, 100, 2_000).key();
        Op::Amend(Box::new(Amendment {
            version: 1,
            network: network(),
            order,
            count: 0,
            change,
            claimant: key(1).sign(&digest),
            provider: provider.sign(&digest),
        }))
    }

    fn some_op(&self, choices: &mut Choices<'_>) -> Arc<CheckedOp> {
        let op = match choices.byte() % 16 {
            0..=1 => return Arc::clone(&order().0),
            2..=7 => self.observation(choices),
            8 => self.cancel(),
            9 => self.double_vote(choices),
            10 => self.complaint(choices),
            _ => {
                let of = some_account(choices);
                let next = self.sequences.get(&of).copied().unwrap_or(0);
                act(of, next, some_act(choices))
            }
        };
        checked(op)
    }

    /// One batch, done twice.
    fn batch(&mut self, choices: &mut Choices<'_>) {
        let steps = [1, 1_000, 60_000, 1_300_000, 4_000_000, 90_000_000];
        let later = steps[usize::from(choices.byte()) % steps.len()];
        let ops: Vec<_> = (0..choices.byte() % MOST_OPS)
            .map(|_| self.some_op(choices))
            .collect();
        let last = self.last.as_ref().map(|(_, certificate)| certificate.clone());
        let Some((batch, taken, _)) = proposal(&self.ledger, later, last, &ops) else {
            return;
        };
        let set = self.ledger.validators();
        let done = judge(&self.ledger, &batch, &taken).expect("what was proposed by the rules");
        for op in &taken {
            self.count(op.op());
        }
        self.ledger = done.ledger;
        self.last = certify_by(&batch.header, &set).map(|certificate| (batch.header, certificate));
        conserved(&self.ledger);
    }

    fn count(&mut self, taken: &Op) {
        match taken {
            Op::Act(act) => {
                let of = (1..=u8::MAX).find(|n| key(*n).id() == act.body.account);
                *self.sequences.entry(of.expect("an account of ours")).or_default() += 1;
            }
            Op::Observed(seen) => *self.counts.entry((seen.key, seen.observation.leg)).or_default() += 1,
            _ => {}
        }
    }

    /// It is stopped and started again.
    fn restart(&mut self) {
        if let Some((header, _)) = &self.last {
            let genesis = Arc::new(self.ledger.genesis().clone());
            let bytes = self.ledger.snapshot();
            let restored = Ledger::restore(genesis, Arc::new(NoProofs), header, &bytes);
            self.ledger = restored.expect("its own snapshot");
            assert_eq!(self.ledger.snapshot(), bytes);
        }
    }
}

/// Signed by all whose keys we have, if that is enough.
fn certify_by(header: &Header, set: &ValidatorSet) -> Option<Certificate> {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let digest = vote.digest(&header.network);
    let secrets: Vec<_> = (1..=9).map(voter).collect();
    let members = set.members().iter();
    let votes: Vec<_> = members
        .filter_map(|member| secrets.iter().find(|secret| secret.key() == member.key))
        .map(|secret| (secret.key(), secret.sign(&digest)))
        .collect();
    Certificate::new((header.height, 0, header.id()), set, &votes).ok()
}

/// Per asset, the purses have what came from outside.
fn conserved(ledger: &Ledger) {
    let bytes = ledger.snapshot();
    let mut rest = bytes.as_slice();
    let _ = <(u8, Option<ValidatorSet>)>::deserialize(&mut rest).expect("a snapshot");
    let (mut owed, mut there) = (BTreeMap::<AssetId, u128>::new(), BTreeMap::<AssetId, u128>::new());
    while !rest.is_empty() {
        let (key, value) = (part(&mut rest), part(&mut rest));
        if let Some((1, key)) = key.split_first() {
            let (purse, asset): (Purse, AssetId) = decode(key).expect("a purse");
            let amount = decode::<Amount>(value).expect("an amount").units();
            let of = if purse == Purse::Outside {
                &mut owed
            } else {
                &mut there
            };
            *of.entry(asset).or_default() += amount;
        }
    }
    assert!(!owed.is_empty());
    assert_eq!(owed, there, "money was made or lost");
}

fn part<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (length, after) = rest.split_first_chunk::<4>().expect("a length");
    let (part, after) = after.split_at(u32::from_le_bytes(*length) as usize);
    *rest = after;
    part
}

/// How many orders ended is not told: whatever happens is right, if it adds up.
pub(crate) fn ledger_of(data: &[u8]) {
    let _ = play(data);
}

fn play(data: &[u8]) -> Ledger {
    let mut choices = Choices::new(data);
    let mut run = Run {
        ledger: ledger(),
        last: None,
        sequences: BTreeMap::new(),
        counts: BTreeMap::new(),
    };
    for _ in 0..MOST_BATCHES {
        let Some(next) = choices.next() else { break };
        match next % 8 {
            0 => run.restart(),
            _ => run.batch(&mut choices),
        }
    }
    run.ledger
}

/// The order is committed, three see its beta leg redeemed, an epoch ends.
fn settled() -> Vec<u8> {
    let mut steps = vec![1, 1, 1, 0];
    let seen = |by| [2, 1, by, 3, 1];
    steps.extend([1, 1, 3]);
    steps.extend([seen(0), seen(1), seen(2)].concat());
    steps.extend([0, 1, 4, 0, 1, 1, 0]);
    steps
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let acts: Vec<u8> = (0..120u8).map(|n| n.wrapping_mul(37)).collect();
    vec![settled(), acts]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_seed_settles_the_order() {
        let paid = play(&settled()).account(key(50).id());
        let free = paid.holdings.first().map(|one| one.free);
        assert_eq!(free, Some(Amount::new(1_000_300)), "the foundation has its tenth");
    }
}
