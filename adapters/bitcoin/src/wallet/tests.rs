use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version as BlockVersion};
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{BlockHash, CompactTarget, TxMerkleNode, TxOut};
use kofo_adapter_api::SignerError;
use kofo_primitives::{
    Bytes, End, Hashlock, HtlcSpec, LegId, NetworkId, Place, Seed, Side, SwapId, SwapNonce, UnixTime,
};

use super::*;
use crate::BitcoinParty;
use crate::ours::OurKeys;
use crate::store::MemoryStore;
use crate::terms::Terms;

const NETWORK: Network = Network::Regtest;
const RATE: SatPerVb = SatPerVb(2);

struct Chain {
    wallet: OwnWallet,
    store: Arc<MemoryStore>,
    tip: BlockHash,
}

fn leg(index: u8) -> LegRef {
    LegRef {
        swap: SwapId::new([1; 32]),
        leg: LegId {
            side: Side::Alpha,
            index,
        },
    }
}

fn htlc_script() -> ScriptBuf {
    our_leg().1
}

fn keys(seed: u8) -> OurKeys {
    OurKeys {
        signer: crate::local_signer(&Seed::new([seed; 64])),
        network: NetworkId::new("kofo-test").unwrap(),
    }
}

/// What needs no other process is there at once.
fn now<T>(answer: impl Future<Output = Result<T, SignerError>>) -> T {
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(answer).poll(&mut nobody) {
        std::task::Poll::Ready(answer) => answer.unwrap(),
        std::task::Poll::Pending => panic!("a signer in this process waits for nothing"),
    }
}

/// A leg that the seed 1 can refund, and its script.
fn our_leg() -> (OurLeg, ScriptBuf) {
    let nonce = SwapNonce::new([3; 32]);
    let id = LegId::first(Side::Alpha);
    let party = |seed, end| {
        let key = now(keys(seed).key(&nonce, (id, end), None));
        let payout = ScriptBuf::from_bytes([&[0x51, 0x20][..], &key.serialize()[1..]].concat());
        Bytes::new(BitcoinParty::new(key, payout).unwrap().to_bytes()).unwrap()
    };
    let asset = crate::asset_id(NETWORK);
    let spec = HtlcSpec {
        asset: asset.clone(),
        amount: kofo_primitives::Amount::new(50_000),
        hashlock: Hashlock::new([9; 32]),
        timelock: UnixTime(1_800_000_000),
        redeemer: party(2, End::Redeemer),
        refunder: party(1, End::Refunder),
        place: Place::default(),
        depth: 1,
        end: End::Refunder,
        nonce,
        from_height: 0,
    };
    let script = Terms::read(&spec, &asset).unwrap().htlc.script_pubkey();
    (keys(1).leg(leg(0), &spec, None), script)
}

fn open(store: &Arc<MemoryStore>, seed: u8) -> Result<OwnWallet, WalletError> {
    OwnWallet::open(
        &now(keys(seed).wallet(false)),
        NETWORK,
        0,
        Arc::clone(store) as Arc<dyn WalletStore>,
    )
}

fn chain() -> Chain {
    let store = Arc::new(MemoryStore::default());
    let wallet = open(&store, 1).unwrap();
    Chain {
        wallet,
        store,
        tip: bitcoin::constants::genesis_block(NETWORK).block_hash(),
    }
}

fn block(below: BlockHash, nonce: u32, txdata: Vec<Transaction>) -> Block {
    let header = Header {
        version: BlockVersion::TWO,
        prev_blockhash: below,
        merkle_root: TxMerkleNode::all_zeros(),
        time: 0,
        bits: CompactTarget::default(),
        nonce,
    };
    Block { header, txdata }
}

impl Chain {
    fn mine(&mut self, txdata: Vec<Transaction>) {
        let block = block(self.tip, 0, txdata);
        self.wallet.apply(&block).unwrap();
        self.tip = block.block_hash();
    }

    /// Pays the wallet in a block of its own.
    fn pay(&mut self, sats: u64) {
        let script_pubkey = self
            .wallet
            .fresh_address(&BTreeSet::new())
            .unwrap()
            .script_pubkey();
        let height = u8::try_from(self.wallet.next()).unwrap();
        let txid = bitcoin::Txid::from_byte_array([height; 32]);
        let input = bitcoin::TxIn {
            previous_output: OutPoint { txid, vout: 0 },
            ..Default::default()
        };
        let output = TxOut {
            value: Amount::from_sat(sats),
            script_pubkey,
        };
        let (version, lock_time) = (Version::TWO, LockTime::ZERO);
        self.mine(vec![Transaction {
            version,
            lock_time,
            input: vec![input],
            output: vec![output],
        }]);
    }

    fn lock(&mut self, index: u8, sats: u64) -> Result<Signed, WalletError> {
        let draft = self
            .wallet
            .lock(leg(index), (&htlc_script(), Amount::from_sat(sats)), RATE, 1)?;
        self.signed(index, draft)
    }

    fn raise(&mut self, index: u8, lock: &Signed, rate: SatPerVb) -> Result<Signed, WalletError> {
        let draft = self.wallet.raise(lock, &htlc_script(), rate)?;
        self.signed(index, draft)
    }

    fn cancel(&mut self, index: u8, lock: &Signed, rate: SatPerVb) -> Result<Signed, WalletError> {
        let draft = self.wallet.cancel(lock, rate)?;
        self.signed(index, draft)
    }

    fn signed(&mut self, index: u8, draft: Draft) -> Result<Signed, WalletError> {
        let signatures = now(keys(1).pay(draft.payment(false, Some(our_leg().0))));
        self.wallet.complete(leg(index), draft, &signatures)
    }
}

fn funded() -> Chain {
    let mut chain = chain();
    chain.pay(100_000);
    chain.pay(100_000);
    chain
}

fn inputs(signed: &Signed) -> BTreeSet<OutPoint> {
    signed.outpoints().collect()
}

fn pays(signed: &Signed, script: &Script) -> Option<u64> {
    signed
        .tx
        .output
        .iter()
        .find(|o| o.script_pubkey == *script)
        .map(|o| o.value.to_sat())
}

#[test]
fn a_lock_pays_exactly_the_amount_and_is_signed() {
    let mut chain = funded();
    let lock = chain.lock(0, 50_000).unwrap();
    assert_eq!(pays(&lock, &htlc_script()), Some(50_000));
    assert!(
        lock.tx
            .input
            .iter()
            .all(|input| input.witness.len() == 1 && input.sequence.is_rbf())
    );
    assert!(lock.fee >= RATE.fee(lock.tx.vsize() as u64));
}

#[test]
fn two_locks_never_share_a_coin_and_a_third_finds_none() {
    let mut chain = funded();
    let (one, two) = (chain.lock(0, 50_000).unwrap(), chain.lock(1, 50_000).unwrap());
    assert!(inputs(&one).is_disjoint(&inputs(&two)));
    assert_eq!(chain.wallet.spendable(), Amount::ZERO);
    assert!(matches!(chain.lock(2, 50_000), Err(WalletError::Funds { .. })));
}

#[test]
fn released_coins_are_spendable_again() {
    let mut chain = funded();
    chain.lock(0, 150_000).unwrap();
    assert_eq!(chain.wallet.spendable(), Amount::ZERO);
    chain.wallet.release(leg(1));
    assert_eq!(
        chain.wallet.spendable(),
        Amount::ZERO,
        "another leg's release frees nothing of this one"
    );
    chain.wallet.release(leg(0));
    assert_eq!(chain.wallet.spendable(), Amount::from_sat(200_000));
}

#[test]
fn a_restored_reservation_holds() {
    let mut before = funded();
    let lock = before.lock(0, 50_000).unwrap();
    let mut after = Chain {
        wallet: open(&before.store, 1).unwrap(),
        ..before
    };
    assert_eq!(
        after.wallet.spendable(),
        Amount::from_sat(200_000),
        "the store keeps no reservations"
    );
    after.wallet.reserve(leg(0), &lock);
    let other = after.lock(1, 50_000).unwrap();
    assert!(inputs(&lock).is_disjoint(&inputs(&other)));
}

#[test]
fn what_waits_for_its_signatures_is_spent_by_nothing_else() {
    let mut chain = funded();
    let script = htlc_script();
    let mut draft = |index| {
        chain
            .wallet
            .lock(leg(index), (&script, Amount::from_sat(50_000)), RATE, 1)
    };
    draft(0).unwrap();
    draft(1).unwrap();
    assert!(matches!(draft(2), Err(WalletError::Funds { .. })));
    chain.wallet.release(leg(0));
    assert!(chain.lock(2, 50_000).is_ok());
}

#[test]
fn coins_that_are_not_deep_enough_are_not_spent() {
    let mut chain = funded();
    let script = htlc_script();
    let deep = |wallet: &mut OwnWallet, sats| wallet.lock(leg(9), (&script, Amount::from_sat(sats)), RATE, 2);
    assert!(matches!(
        deep(&mut chain.wallet, 150_000),
        Err(WalletError::Funds { .. })
    ));
    assert_eq!(chain.wallet.maturing(2), Amount::from_sat(100_000));
    chain.mine(vec![]);
    assert_eq!(chain.wallet.maturing(2), Amount::ZERO);
    assert!(deep(&mut chain.wallet, 150_000).is_ok());
}

#[test]
fn a_raised_lock_spends_the_same_locks_the_same_and_pays_more() {
    let mut chain = funded();
    let lock = chain.lock(0, 50_000).unwrap();
    let raised = chain.raise(0, &lock, SatPerVb(20)).unwrap();
    assert_eq!(inputs(&raised), inputs(&lock));
    assert_eq!(pays(&raised, &htlc_script()), Some(50_000));
    assert_eq!(raised.fee, SatPerVb(20).fee(lock.tx.vsize() as u64));
    assert_eq!(raised.tx.output.len(), 2);
}

#[test]
fn a_lock_without_change_is_not_raised() {
    let mut chain = chain();
    chain.pay(100_000);
    let lock = chain.lock(0, 99_500).unwrap();
    assert_eq!(lock.tx.output.len(), 1);
    let refused = chain.raise(0, &lock, SatPerVb(20));
    assert!(matches!(refused, Err(WalletError::NoChange)));
}

#[test]
fn a_cancel_spends_the_same_pays_more_and_pays_us() {
    let mut chain = funded();
    let lock = chain.lock(0, 150_000).unwrap();
    let cancel = chain.cancel(0, &lock, RATE).unwrap();
    assert_eq!(inputs(&cancel), inputs(&lock));
    assert!(cancel.fee > lock.fee);
    assert!(
        cancel
            .tx
            .output
            .iter()
            .all(|output| chain.wallet.is_ours(&output.script_pubkey))
    );
    let again = chain.cancel(0, &cancel, SatPerVb(9)).unwrap();
    assert_eq!(inputs(&again), inputs(&lock));
    assert!(again.fee > cancel.fee);
}

#[test]
fn a_replaced_block_takes_its_coins_back() {
    let mut chain = funded();
    let replaced = chain.tip;
    let first = block(replaced, 9, vec![]);
    chain.wallet.apply(&first).unwrap();
    chain.wallet.rewind(2);
    // The block of height 2, which paid us, is another now.
    let height_1 = chain
        .wallet
        .bdk
        .checkpoints()
        .find(|c| c.height() == 1)
        .unwrap()
        .hash();
    let other = block(height_1, 8, vec![]);
    chain.wallet.apply(&other).unwrap();
    assert_eq!(
        (chain.wallet.next(), chain.wallet.spendable()),
        (3, Amount::from_sat(100_000))
    );
}

#[test]
fn a_block_on_an_unknown_one_makes_the_wallet_step_back() {
    let mut chain = funded();
    let stranger = block(BlockHash::from_byte_array([3; 32]), 0, vec![]);
    chain.wallet.apply(&stranger).unwrap();
    assert_eq!(chain.wallet.next(), 2, "the block below is asked for first");
    assert_eq!(chain.wallet.spendable(), Amount::from_sat(200_000));
}

#[test]
fn a_long_chain_is_stored_short_and_loads_with_its_coins() {
    let mut chain = funded();
    for _ in 0..600 {
        chain.mine(vec![]);
    }
    chain.wallet.save().unwrap();
    assert!(chain.wallet.whole.local_chain.blocks.len() < 300);
    let loaded = open(&chain.store, 1).unwrap();
    assert_eq!(
        (loaded.next(), loaded.spendable()),
        (603, Amount::from_sat(200_000))
    );
}

#[test]
fn the_state_of_another_seed_is_refused() {
    let chain = funded();
    assert!(matches!(open(&chain.store, 2), Err(WalletError::Foreign(_))));
}

#[test]
fn an_address_is_never_among_those_taken() {
    let mut chain = chain();
    let mut taken = BTreeSet::new();
    for _ in 0..5 {
        let address = chain.wallet.fresh_address(&taken).unwrap();
        assert!(chain.wallet.is_ours(&address.script_pubkey()));
        assert!(taken.insert(address.script_pubkey()));
    }
}
