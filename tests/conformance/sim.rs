//! The suite on the in-memory chain: it can do everything, so it runs every group.

use async_trait::async_trait;
use kofo_adapter_api::ChainAdapter;
use kofo_adapter_api::conformance::harness::{
    Counted, FaultyNode, FeeMarket, Forgetful, Harness, Merchant, Outage, Outsider, RawChain, Stranger, Who,
    WrongLocks,
};
use kofo_primitives::{Amount, AssetId, ChainId, HtlcSpec, Preimage, Prepared, Seconds, Tip, UnixTime};
use kofo_sim::{
    AccountId, Contract, Dropped, Key, Kind, Owner, Pay, SimAdapter, SimChain, SimParty, SimTx, Spend,
};
use std::sync::Arc;

const AMOUNT: Amount = Amount::new(1_000);
const FEE: Amount = Amount::new(10);
const BLOCK: Seconds = Seconds(10);

struct Sim {
    chain: SimChain,
    asset: AssetId,
}

async fn sim(_: &str) -> Option<Sim> {
    Some(funded(Kind::Outputs))
}

fn funded(kind: Kind) -> Sim {
    let asset = AssetId::new("sim:one/coin:a").unwrap();
    let other = AssetId::new("sim:one/coin:b").unwrap();
    let chain = SimChain::of_kind(
        kind,
        ChainId::new("sim:one").unwrap(),
        [asset.clone(), other],
        UnixTime(1_000_000),
    );
    for who in [Who::Us, Who::Them] {
        for _ in 0..8 {
            chain.fund(account(who), &asset, Amount::new(2_500));
        }
    }
    Sim { chain, asset }
}

fn account(who: Who) -> AccountId {
    match who {
        Who::Us => AccountId(1),
        Who::Them => AccountId(2),
        Who::Pauper => AccountId(3),
    }
}

impl Sim {
    /// Notes of an owner that nothing in the mempool spends.
    fn spend(&self, owner: &Owner, key: &Key, at_least: Amount) -> (Vec<Spend>, Amount) {
        let mut spends = Vec::new();
        let mut sum = 0;
        for (note, amount) in self.chain.notes(owner, &self.asset) {
            if sum >= at_least.units() {
                break;
            }
            sum += amount.units();
            spends.push(Spend {
                note,
                key: key.clone(),
            });
        }
        (spends, Amount::new(sum))
    }

    fn redeem(&self, spec: &HtlcSpec, preimage: &[u8]) -> SimTx {
        let contract = Contract::of(spec).unwrap();
        let redeemer = contract.redeemer;
        let key = Key::Preimage(preimage.to_vec());
        let (spends, sum) = self.spend(&Owner::Contract(contract), &key, spec.amount);
        let pays = vec![Pay {
            owner: Owner::Account(redeemer),
            amount: sum.checked_sub(FEE).unwrap(),
        }];
        SimTx {
            asset: self.asset.clone(),
            spends,
            pays,
            fee: FEE,
        }
    }
}

#[async_trait]
impl Harness for Sim {
    async fn start(&self, who: Who) -> Arc<dyn ChainAdapter> {
        Arc::new(SimAdapter::new(self.chain.clone(), account(who)))
    }

    fn asset(&self) -> AssetId {
        self.asset.clone()
    }

    fn amount(&self) -> Amount {
        AMOUNT
    }

    fn most_fee(&self) -> Amount {
        FEE
    }

    async fn tip(&self) -> Tip {
        self.chain.tip()
    }

    async fn waiting(&self) -> usize {
        self.chain.waiting().len()
    }

    async fn mine(&self, blocks: u32) {
        for _ in 1..blocks {
            self.chain.advance(BLOCK);
            self.chain.mine_quietly(1);
        }
        self.chain.advance(BLOCK);
        self.chain.mine(1);
        self.chain.announce();
        assert_eq!(self.chain.total(&self.asset), self.chain.minted(&self.asset));
    }

    async fn mine_until(&self, time: UnixTime) {
        self.chain.advance(self.chain.tip().time.until(time));
        self.chain.mine(1);
    }

    async fn reorg(&self, blocks: u32) {
        self.chain.advance(BLOCK);
        self.chain.reorg(blocks, Dropped::Vanish);
    }
}

#[async_trait]
impl WrongLocks for Sim {
    async fn lock_units(&self, spec: &HtlcSpec, units: Amount) {
        let payer = SimParty::from_party(&spec.refunder).unwrap().account;
        let need = units.checked_add(FEE).unwrap();
        let (spends, have) = self.spend(&Owner::Account(payer), &Key::Owner(payer), need);
        let locked = Pay {
            owner: Owner::Contract(Contract::of(spec).unwrap()),
            amount: units,
        };
        let change = Pay {
            owner: Owner::Account(payer),
            amount: have.checked_sub(need).unwrap(),
        };
        let tx = SimTx {
            asset: self.asset.clone(),
            spends,
            pays: vec![locked, change],
            fee: FEE,
        };
        self.chain.submit(tx).unwrap();
    }
}

#[async_trait]
impl Stranger for Sim {
    async fn redeem_as_stranger(&self, spec: &HtlcSpec, preimage: &Preimage) {
        let tx = self.redeem(spec, preimage.expose());
        self.chain.submit(tx).unwrap();
    }
}

#[async_trait]
impl RawChain for Sim {
    async fn offer(&self, prepared: &Prepared) -> bool {
        let tx = SimTx::of_prepared(prepared).unwrap();
        self.chain.submit(tx).is_ok()
    }

    async fn offer_redeem(&self, spec: &HtlcSpec, _: &Preimage, shown: &[u8]) -> bool {
        self.chain.submit(self.redeem(spec, shown)).is_ok()
    }
}

#[async_trait]
impl FaultyNode for Sim {
    async fn refuse_broadcasts(&self, times: u32) {
        self.chain.refuse_broadcasts(times);
    }

    async fn fail_after_accepting(&self, times: u32) {
        self.chain.fail_after_accepting(times);
    }
}

#[async_trait]
impl Outage for Sim {
    async fn cut(&self) {
        self.chain.cut(true);
    }

    async fn restore(&self) {
        self.chain.cut(false);
    }
}

#[async_trait]
impl Forgetful for Sim {
    async fn evict_mempool(&self) {
        self.chain.evict_mempool();
    }
}

#[async_trait]
impl FeeMarket for Sim {
    async fn raise_fees(&self) {
        self.chain.set_fee_floor(Amount::new(5 * FEE.units()));
    }
}

#[async_trait]
impl Counted for Sim {
    async fn calls(&self) -> u64 {
        self.chain.calls()
    }
}

#[async_trait]
impl Outsider for Sim {
    async fn outsider(&self) -> Arc<dyn ChainAdapter> {
        Arc::new(SimAdapter::new(self.chain.clone(), AccountId(9)))
    }
}

const MERCHANT: AccountId = AccountId(7);

#[async_trait]
impl Merchant for Sim {
    async fn merchant(&self) -> String {
        format!("sim:one/account/{}", MERCHANT.0)
    }

    async fn merchant_has(&self) -> Amount {
        self.chain.balance(MERCHANT, &self.asset)
    }

    fn most_short(&self) -> Amount {
        FEE
    }

    fn no_addresses(&self) -> Vec<String> {
        let wrong = [
            "sim:two/account/7",
            "sim:one/account/",
            "sim:one/account/07",
            "sim:one/account/+7",
            "sim:one/account/4294967296",
            "sim:one/coin:a",
        ];
        wrong.map(str::to_owned).into()
    }
}

kofo_adapter_api::conformance_tests!(sim =>
    always, transfers, dust, mempool, wrong_locks, two_locks, stranger, raw, faulty_node, outage, forgetful, fees, counted,
    together, redeem_together, redeem_together_stuck, entrusted, third_party, third_party_together,
    third_party_entrusted
);

/// The same chain with accounts: what differs, and what all else stands on.
mod accounts {
    use super::{Kind, Sim, funded};

    async fn sim(_: &str) -> Option<Sim> {
        Some(funded(Kind::Accounts))
    }

    kofo_adapter_api::conformance_tests!(sim => always, fees, together, redeem_alone, entrusted, third_party,
        third_party_alone, third_party_entrusted);
}
