//! Clearance alone: a venue that is not ours brings its trades, and validators make them final, pay its fee out and
//! give receipts. No exchange layer, no settlement layer, no consensus engine, no network.
//!
//! The venue matched two of its customers by its own rules. All it needs is that they sign what an order is made of: it
//! imports `kofo_clearance` and the nouns of `kofo_primitives`. The venue itself is the one hop of the path, and earns a
//! hop's share. How validators agree on a batch is another's business: here four of them simply sign.
//!
//! Run it: `cargo run -p kofo-examples --example clearance_alone`

use anyhow::{Context, Result, ensure};
use kofo_clearance::*;
use kofo_primitives::{
    Amount, AssetId, Certificate, ChainId, Claim, ClaimedAsset, FeePayer, FeeTerms, Fulfil, FulfilTerms,
    Header, HopEntry, HopOpening, LegId, Limit, MatchedOrder, MatchedParts, Mode, NetworkId, NodeId, NodeKey,
    Opening, Party, Payment, Place, Preimage, Ratio, Reservation, ReturnEntry, Seconds, Select, Side, SwapId,
    SwapNonce, Text, UnixTime, ValidatorSecret, Vote, VoteKind,
};
use std::sync::Arc;

const BEGAN_MS: u64 = 1_800_000_000_000;
const FEE: u128 = 300_000;

/// The keys of everybody. In life each has its own.
const SELLER: u8 = 1;
const BUYER: u8 = 2;
const VENUE: u8 = 3;
const SELLER_ACCOUNT: u8 = 11;
const BUYER_ACCOUNT: u8 = 12;
const VENUE_ACCOUNT: u8 = 13;
const FOUNDATION: u8 = 20;
const VALIDATORS: [u8; 4] = [31, 32, 33, 34];

fn key(n: u8) -> Result<NodeKey> {
    NodeKey::new(&[n; 32]).context("a key")
}

fn id(n: u8) -> Result<NodeId> {
    Ok(key(n)?.id())
}

fn voter(n: u8) -> Result<ValidatorSecret> {
    ValidatorSecret::new(&[n; 32]).context("a vote key")
}

fn network() -> Result<NetworkId> {
    Ok(NetworkId::new("kofo-example")?)
}

/// What fees, bonds and stakes are in.
fn money() -> Result<AssetId> {
    Ok(AssetId::new("kofo:example/fee:kofo")?)
}

fn gold() -> Result<AssetId> {
    Ok(AssetId::new("sim:vault/coin:gold")?)
}

fn coin() -> Result<AssetId> {
    Ok(AssetId::new("sim:street/coin:coin")?)
}

fn params() -> Result<Params> {
    let listed = LedgerAsset {
        asset: money()?,
        symbol: Text::new("kofo").context("a short symbol")?,
        decimals: 6,
        min_fee: Amount::new(1_000),
        min_bond: Amount::new(1_000),
        weight_cap: Amount::new(1_000_000),
        double_quote: Amount::new(1_000),
    };
    let pair = PairRule {
        alpha: gold()?.chain(),
        beta: coin()?.chain(),
        min_gap: Seconds::minutes(30),
        min_beta: Seconds::minutes(30),
        reveal: Seconds::minutes(5),
    };
    Ok(Params {
        seats: 4,
        power_cap_bps: 10_000,
        epoch_ms: 3_600_000,
        unbond_ms: 7 * 86_400_000,
        unstake_ms: 21 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: id(FOUNDATION)?,
        stake: money()?,
        min_stake: Amount::new(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 300,
        cancel_bps: 1_000,
        double_vote_bps: 500,
        missed_heights: 1_000,
        missed_bps: 10,
        jail_ms: 3_600_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 5_000,
        max_batch_bytes: 1_000_000,
        assets: vec![listed],
        pairs: vec![pair],
        proofs: Vec::new(),
    })
}

fn genesis() -> Result<Genesis> {
    let observes: Vec<ChainId> = vec![gold()?.chain(), coin()?.chain()];
    let validator = |n| -> Result<GenesisValidator> {
        Ok(GenesisValidator {
            account: id(n)?,
            key: voter(n)?.key(),
            stake: Amount::new(1_000_000),
            commission_bps: 1_000,
            observes: observes.clone(),
            engine: Text::new("/memory/1").context("a short address")?,
            service: Text::new("/memory/2").context("a short address")?,
        })
    };
    let balance = |n, [free, provider, relay]: [u128; 3]| -> Result<GenesisBalance> {
        Ok(GenesisBalance {
            account: id(n)?,
            asset: money()?,
            free: Amount::new(free),
            provider: Amount::new(provider),
            relay: Amount::new(relay),
        })
    };
    Ok(Genesis {
        version: 1,
        network: network()?,
        time_ms: BEGAN_MS,
        params: params()?,
        validators: VALIDATORS.into_iter().map(validator).collect::<Result<_>>()?,
        balances: vec![
            balance(SELLER_ACCOUNT, [1_000_000, 0, 0])?,
            balance(BUYER_ACCOUNT, [0, 1_000_000, 0])?,
            balance(VENUE_ACCOUNT, [0, 0, 50_000])?,
        ],
        seal_key: id(40)?,
        shares: Vec::new(),
    })
}

/// A trade of the venue: its seller gives 100 gold to its buyer for 2,100 coins.
fn trade() -> Result<ClearedOrder> {
    let claim = asked()?;
    let claim_id = claim.id();
    let payee = HopOpening {
        payee: id(VENUE_ACCOUNT)?,
        salt: [5; 32],
    };
    let hops = [(SELLER, VENUE, None), (VENUE, BUYER, Some(payee.commit()))];
    let (mut previous, mut path) = (*claim_id.as_bytes(), Vec::new());
    for (index, (hop, next, payee)) in (0..).zip(hops) {
        let entry = HopEntry::sign(&claim_id, (index, previous), &key(hop)?, id(next)?, (None, payee));
        previous = entry.digest();
        path.push(entry);
    }
    let terms = agreed(&claim)?;
    let fulfil = Fulfil {
        version: 1,
        network: network()?,
        claim: claim_id,
        path: previous,
        key: id(BUYER)?,
        terms: terms.digest(),
        sealed: terms.seal(&claim_id, &claim.seal_key, &[6; 32])?,
        for_validators: None,
        expires_ms: BEGAN_MS + 60_000,
    };
    let back = ReturnEntry::sign(1, *fulfil.id().as_bytes(), None, &key(VENUE)?);
    let select = Select {
        version: 1,
        network: network()?,
        claim: claim_id,
        fulfil: fulfil.id(),
        hashlock: Preimage::new([7; 32]).hashlock(),
        nonce: SwapNonce::new([7; 32]),
        opening: opening(50)?.commit(),
        limit: None,
        returns: back.digest(),
        fee_root: [0; 32],
        for_validators: None,
    };
    let order = MatchedOrder::new(MatchedParts {
        select: select.sign(&key(SELLER)?),
        fulfil: fulfil.sign(&key(BUYER)?),
        claim: claim.sign(&key(SELLER)?),
        path,
        terms,
        returns: vec![back],
        claimant: opening(50)?,
        provider: opening(60)?,
    })?;
    let payment = Payment {
        version: 1,
        network: network()?,
        order: order.id(),
        account: id(SELLER_ACCOUNT)?,
    };
    Ok(ClearedOrder {
        order,
        hops: vec![Some(payee)],
        payment: Some(payment.sign(&key(SELLER_ACCOUNT)?)),
    })
}

fn asked() -> Result<Claim> {
    let on = |asset| ClaimedAsset {
        asset,
        place: Place::default(),
        depth: 1,
    };
    Ok(Claim {
        version: 1,
        network: network()?,
        mode: Mode::Cleared,
        key: id(SELLER)?,
        seal_key: id(SELLER)?,
        nonce: [4; 32],
        give: on(gold()?),
        want: on(coin()?),
        give_amount: Amount::new(100),
        limit: Limit::Stated(Ratio::new(21, 1).context("a price")?),
        partial: None,
        fee: FeeTerms::Pool {
            asset: money()?,
            amount: Amount::new(FEE),
            payer: FeePayer::Claimant,
        },
        balance: None,
        max_hops: 2,
        created_ms: BEGAN_MS,
        expires_ms: BEGAN_MS + 60_000,
    })
}

fn agreed(claim: &Claim) -> Result<FulfilTerms> {
    let at = |minutes| UnixTime(BEGAN_MS / 1_000).plus(Seconds::minutes(minutes));
    let reserve = Some((money()?, Amount::new(10_000)));
    Ok(FulfilTerms {
        give: claim.give_amount,
        want: Amount::new(2_100),
        alpha_timelock: at(120),
        beta_timelock: at(60),
        alpha_lock_by: at(10),
        beta_lock_by: at(20),
        redeem_by: at(40),
        premium_bps: 0,
        nonce: SwapNonce::new([8; 32]),
        opening: opening(60)?.commit(),
        reservation: Reservation::sign(&key(BUYER_ACCOUNT)?, 1, reserve, &claim.id(), &id(BUYER)?),
    })
}

/// Where a customer's money goes on both chains.
fn opening(n: u8) -> Result<Opening> {
    Ok(Opening {
        alpha: Party::new([n; 20])?,
        beta: Party::new([n + 1; 20])?,
        contacts: Vec::new(),
        salt: [n; 32],
    })
}

/// The ledger, and the certificate of its last header.
struct History {
    ledger: Ledger,
    last: Option<Certificate>,
}

/// A batch that three of the four validators signed.
struct Certain {
    header: Header,
    certificate: Certificate,
    leaves: Vec<kofo_primitives::Digest>,
    settlements: Vec<Settlement>,
}

impl History {
    /// One validator proposes, everybody does it again, three sign.
    fn batch(&mut self, ops: Vec<Op>) -> Result<Certain> {
        let checked = ops
            .into_iter()
            .map(|op| CheckedOp::new(op, &network()?).map(Arc::new).map_err(Into::into));
        let ops: Vec<Arc<CheckedOp>> = checked.collect::<Result<_>>()?;
        let mut draft = self
            .ledger
            .next(self.ledger.tip().time_ms + 1_000, self.last.as_ref())?;
        for op in &ops {
            draft.take(op)?;
        }
        let proposal = Batch {
            header: draft.finish().header,
            last: self.last.take(),
            ops: ops.iter().map(|op| op.bytes().to_vec()).collect(),
        };
        let read = Batch::read(&proposal.write(), 1_000_000)?;
        let set = self.ledger.validators();
        let done = judge(&self.ledger, &read, &ops)?;
        let certificate = certify(&done.header, &set)?;
        (self.ledger, self.last) = (done.ledger, Some(certificate.clone()));
        Ok(Certain {
            header: done.header,
            certificate,
            leaves: done.leaves,
            settlements: done.settlements,
        })
    }
}

fn certify(header: &Header, set: &kofo_primitives::ValidatorSet) -> Result<Certificate> {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let digest = vote.digest(&header.network);
    let sign = |n: &u8| -> Result<_> { Ok((voter(*n)?.key(), voter(*n)?.sign(&digest))) };
    let votes: Vec<_> = VALIDATORS.iter().take(3).map(sign).collect::<Result<_>>()?;
    Ok(Certificate::new((header.height, 0, header.id()), set, &votes)?)
}

/// What three of the four validators saw on the buyer's chain: the seller has redeemed.
fn redeemed(order: SwapId) -> Result<Vec<Op>> {
    let seen = |n: &u8| -> Result<Op> {
        let observation = Observation {
            version: 1,
            network: network()?,
            order,
            leg: LegId::first(Side::Beta),
            count: 0,
            fact: Fact::Redeemed,
            tx: None,
            height: 100,
            depth: 1,
            tip: UnixTime(BEGAN_MS / 1_000),
        };
        Ok(Op::Observed(Box::new(observation.sign(&voter(*n)?))))
    };
    VALIDATORS.iter().take(3).map(seen).collect()
}

fn main() -> Result<()> {
    let ledger = Ledger::new(genesis()?, Arc::new(NoProofs))?;
    // A wallet: it has the genesis, and will believe nothing but signatures.
    let mut wallet = Light::new(network()?, ledger.validators(), BEGAN_MS);
    let mut history = History { ledger, last: None };

    let trade = trade()?;
    let (order, hidden) = (trade.order.id(), trade.hidden());
    let committed = history.batch(vec![Op::Order(Box::new(trade))])?;
    let proof = OrderProof {
        header: committed.header,
        certificate: committed.certificate,
        hidden,
        path: MerkleProof::of(&committed.leaves, 0).context("a leaf")?,
    };
    let now_ms = BEGAN_MS + 10_000;
    let certified = wallet.order(order, &proof, now_ms)?;
    ensure!(
        certified.height() == 1,
        "expected height 1, got {}",
        certified.height()
    );

    // Now the customers swap, by whatever means. Validators see that it happened.
    let ended = history.batch(redeemed(order)?)?;
    let settlement = ended.settlements.first().context("a settlement")?;
    ensure!(
        settlement.ending == Ending::Settled,
        "expected it settled, got {:?}",
        settlement.ending
    );
    let proof = ReceiptProof {
        header: ended.header,
        certificate: ended.certificate,
        receipt: settlement.receipt(),
        path: MerkleProof::of(&[settlement.receipt().leaf()], 0).context("a leaf")?,
    };
    wallet.receipt(order, &proof, now_ms)?;

    let money = money()?;
    let has = |n| -> Result<Amount> {
        let view = history.ledger.account(id(n)?);
        let mut rows = view.holdings.iter().filter(|row| row.asset == money);
        Ok(rows.next().map_or(Amount::ZERO, |row| row.free))
    };
    let got = [has(SELLER_ACCOUNT)?, has(VENUE_ACCOUNT)?, has(FOUNDATION)?].map(|amount| amount.units());
    ensure!(
        got == [700_000, 210_000, 30_000],
        "expected a fee of {FEE} in parts of 70, 10 and 20 per cent, the accounts have {got:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_venue_that_is_not_ours_has_its_trade_made_final_and_its_fee_paid_out() {
        super::main().expect("the example runs");
    }
}
