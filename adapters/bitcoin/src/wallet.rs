//! Our coins: bdk's wallet on the blocks that we feed it, and the book of what is reserved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bdk_wallet::chain::{BlockId, Merge};
use bdk_wallet::error::CreateTxError;
use bdk_wallet::{ChangeSet, KeychainKind, TxBuilder, Wallet};
use bitcoin::{Address, Amount, Block, Network, OutPoint, Psbt, Script, ScriptBuf, Transaction, Witness};
use kofo_primitives::{ActKind, LegRef};

use crate::fee::{SatPerVb, replacement};
use crate::ours::{OurLeg, Payment, WalletPlace};
use crate::prepared::Signed;
use crate::spend::SIGNATURE_BYTES;
use crate::store::{WalletStore, WalletStoreError};

/// Addresses looked for beyond the last one given out: a wallet restored from its seed alone finds its coins.
const LOOKAHEAD: u32 = 200;
/// Of older blocks only those with transactions of ours are kept.
const BLOCKS_KEPT: u32 = 288;

/// Why the wallet does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalletError {
    #[error("expected {need} spendable, the wallet has {have}")]
    Funds { have: Amount, need: Amount },
    #[error("the lock leaves no change to raise its fee from")]
    NoChange,
    #[error("the wallet's stored state is not of this seed and network: {0}")]
    Foreign(String),
    #[error("the wallet refuses: {0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] WalletStoreError),
}

/// A transaction that nobody has signed yet. Its coins are not reserved: whoever has it waits for nothing but its
/// signatures.
#[derive(Clone)]
pub(crate) struct Draft {
    kind: ActKind,
    tx: Transaction,
    fee: Amount,
    coins: Vec<(WalletPlace, u64)>,
    back: Vec<Option<WalletPlace>>,
}

/// Our wallet on one chain.
pub(crate) struct OwnWallet {
    bdk: Wallet,
    /// All change sets merged, which is what is stored.
    whole: ChangeSet,
    store: Arc<dyn WalletStore>,
    reserved: BTreeMap<OutPoint, LegRef>,
    /// The next height to apply.
    next: u64,
}

impl OwnWallet {
    /// Opens the stored wallet, or makes one that looks at blocks from `birthday`.
    pub(crate) fn open(
        descriptors: &[String; 2],
        network: Network,
        birthday: u64,
        store: Arc<dyn WalletStore>,
    ) -> Result<Self, WalletError> {
        let refused = |error: &dyn std::fmt::Display| WalletError::Refused(error.to_string());
        let [external, internal] = descriptors.clone();
        let foreign = |why: String| WalletError::Foreign(why);
        let (mut bdk, whole) = match store.load()? {
            Some(bytes) => {
                let whole: ChangeSet = serde_json::from_slice(&bytes).map_err(|e| foreign(e.to_string()))?;
                let load = Wallet::load()
                    .descriptor(KeychainKind::External, Some(external))
                    .descriptor(KeychainKind::Internal, Some(internal))
                    .check_network(network)
                    .lookahead(LOOKAHEAD);
                let bdk = load
                    .load_wallet_no_persist(whole.clone())
                    .map_err(|e| foreign(e.to_string()))?;
                (bdk.ok_or_else(|| foreign("it is empty".into()))?, whole)
            }
            None => {
                let create = Wallet::create(external, internal)
                    .network(network)
                    .lookahead(LOOKAHEAD);
                (
                    create.create_wallet_no_persist().map_err(|e| refused(&e))?,
                    ChangeSet::default(),
                )
            }
        };
        let mut whole = whole;
        whole.merge(bdk.take_staged().unwrap_or_default());
        let top = u64::from(bdk.latest_checkpoint().height());
        let next = top.saturating_add(1).max(birthday);
        Ok(Self {
            bdk,
            whole,
            store,
            reserved: BTreeMap::new(),
            next,
        })
    }

    /// The next height to apply.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Blocks from this height are not (or no more) those of the best chain.
    pub(crate) fn rewind(&mut self, height: u64) {
        self.next = self.next.min(height.max(1));
    }

    /// Applies the block of height [`Self::next`]. If what is below it was replaced, steps back instead.
    pub(crate) fn apply(&mut self, block: &Block) -> Result<(), WalletError> {
        let refused = |why: String| WalletError::Refused(why);
        let height = u32::try_from(self.next).map_err(|e| refused(e.to_string()))?;
        let below = self
            .bdk
            .checkpoints()
            .find(|checkpoint| checkpoint.height() < height);
        let below: BlockId = below.ok_or_else(|| refused("no genesis".into()))?.block_id();
        if below.height.saturating_add(1) == height && below.hash != block.header.prev_blockhash {
            if below.height == 0 {
                return Err(WalletError::Foreign("another genesis block".into()));
            }
            self.next = u64::from(below.height);
            return Ok(());
        }
        self.bdk
            .apply_block_connected_to(block, height, below)
            .map_err(|e| refused(e.to_string()))?;
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Stores what changed, if anything did.
    pub(crate) fn save(&mut self) -> Result<(), WalletError> {
        let Some(staged) = self.bdk.take_staged() else {
            return Ok(());
        };
        self.whole.merge(staged);
        let anchored: BTreeSet<u32> = self
            .whole
            .tx_graph
            .anchors
            .iter()
            .map(|(anchor, _)| anchor.block_id.height)
            .collect();
        let oldest = self.bdk.latest_checkpoint().height().saturating_sub(BLOCKS_KEPT);
        self.whole.local_chain.blocks.retain(|height, hash| {
            hash.is_some() && (*height == 0 || *height >= oldest || anchored.contains(height))
        });
        let bytes = serde_json::to_vec(&self.whole).map_err(|e| WalletError::Refused(e.to_string()))?;
        Ok(self.store.save(&bytes)?)
    }

    /// What a lock could spend now: in a block, mature, not reserved.
    pub(crate) fn spendable(&self) -> Amount {
        let mature = self.bdk.balance().confirmed;
        let held = self
            .bdk
            .list_unspent()
            .filter(|coin| self.reserved.contains_key(&coin.outpoint) && coin.chain_position.is_confirmed());
        held.fold(mature, |left, coin| {
            left.checked_sub(coin.txout.value).unwrap_or(Amount::ZERO)
        })
    }

    /// What waits for more blocks before a lock of this depth may spend it.
    pub(crate) fn maturing(&self, depth: u32) -> Amount {
        let next = self.bdk.latest_checkpoint().height().saturating_add(1);
        let young = self.bdk.list_unspent().filter(|coin| {
            let height = coin.chain_position.confirmation_height_upper_bound();
            let young = height.is_none_or(|height| next.saturating_sub(height) < depth);
            young && !self.reserved.contains_key(&coin.outpoint)
        });
        young.fold(Amount::ZERO, |sum, coin| {
            sum.checked_add(coin.txout.value).unwrap_or(sum)
        })
    }

    /// Every script that we may be paid by: of addresses given out, and of those looked for beyond them.
    pub(crate) fn scripts(&self) -> Vec<ScriptBuf> {
        let scripts = self.bdk.spk_index().inner().all_spks();
        scripts.values().cloned().collect()
    }

    /// Whether a transaction of ours is in a block of the best chain.
    pub(crate) fn has_in_block(&self, txid: bitcoin::Txid) -> bool {
        let known = self.bdk.get_tx(txid);
        known.is_some_and(|tx| tx.chain_position.is_confirmed())
    }

    pub(crate) fn is_ours(&self, script: &Script) -> bool {
        self.bdk.is_mine(script.to_owned())
    }

    /// Where the script comes from, if it is ours.
    pub(crate) fn place_of(&self, script: &Script) -> Option<WalletPlace> {
        let (chain, index) = self.bdk.derivation_of_spk(script.to_owned())?;
        Some((chain == KeychainKind::Internal, index))
    }

    /// An address that nobody has paid to and that is not among `taken`.
    pub(crate) fn fresh_address(&mut self, taken: &BTreeSet<ScriptBuf>) -> Result<Address, WalletError> {
        let mut index = self.bdk.next_unused_address(KeychainKind::External).index;
        let address = loop {
            let candidate = self.bdk.peek_address(KeychainKind::External, index);
            if !taken.contains(&candidate.script_pubkey()) {
                break candidate.address;
            }
            index = index.saturating_add(1);
        };
        let _ = self.bdk.reveal_addresses_to(KeychainKind::External, index);
        self.save()?;
        Ok(address)
    }

    pub(crate) fn reserve(&mut self, leg: LegRef, signed: &Signed) {
        if matches!(signed.kind, ActKind::Lock | ActKind::Cancel) {
            self.reserved
                .extend(signed.outpoints().map(|outpoint| (outpoint, leg)));
        }
    }

    pub(crate) fn release(&mut self, leg: LegRef) {
        self.reserved.retain(|_, holder| *holder != leg);
    }

    /// Drafts a payment from coins that are deep enough and free, and reserves them: until it is signed, nothing else may be
    /// built of them.
    pub(crate) fn lock(
        &mut self,
        holder: LegRef,
        (script, amount): (&Script, Amount),
        rate: SatPerVb,
        depth: u32,
    ) -> Result<Draft, WalletError> {
        let reserved = self.reserved.keys().copied().collect();
        let mut builder = self.bdk.build_tx();
        builder.add_recipient(script.to_owned(), amount);
        builder.unspendable(reserved);
        // After `unspendable`, which replaces what was excluded before.
        builder.exclude_below_confirmations(depth.max(1));
        builder.fee_rate(bitcoin::FeeRate::from_sat_per_vb(rate.0).ok_or_else(overflow)?);
        let psbt = builder.finish().map_err(refused)?;
        let draft = self.draft(ActKind::Lock, &psbt)?;
        let spent = draft.tx.input.iter().map(|input| input.previous_output);
        self.reserved.extend(spent.map(|outpoint| (outpoint, holder)));
        Ok(draft)
    }

    /// The same lock at a higher fee, which its change pays.
    pub(crate) fn raise(
        &mut self,
        old: &Signed,
        script: &Script,
        rate: SatPerVb,
    ) -> Result<Draft, WalletError> {
        let outputs = &old.tx.output;
        let change = outputs
            .iter()
            .find(|o| o.script_pubkey != *script)
            .ok_or(WalletError::NoChange)?;
        let lock = outputs
            .iter()
            .find(|o| o.script_pubkey == *script)
            .ok_or(WalletError::NoChange)?;
        let fee = replacement(old.fee, rate, old.tx.weight().to_vbytes_ceil());
        let change = change.script_pubkey.clone();
        let builder = self.of_inputs(old)?;
        let psbt = with(builder, |builder| {
            builder
                .add_recipient(lock.script_pubkey.clone(), lock.value)
                .drain_to(change)
                .fee_absolute(fee);
        })?;
        self.draft(old.kind, &psbt)
    }

    /// Sends what a lock would spend back to ourselves, for more than the lock pays.
    pub(crate) fn cancel(&mut self, old: &Signed, rate: SatPerVb) -> Result<Draft, WalletError> {
        // A cancel is smaller than its lock: the lock's size is safe for both rules of replacement.
        let fee = replacement(old.fee, rate.max(SatPerVb(1)), old.tx.weight().to_vbytes_ceil());
        let to = match old.kind {
            ActKind::Cancel => old.tx.output.first().map(|output| output.script_pubkey.clone()),
            _ => None,
        };
        let to = to.unwrap_or_else(|| {
            self.bdk
                .next_unused_address(KeychainKind::Internal)
                .address
                .script_pubkey()
        });
        let builder = self.of_inputs(old)?;
        let psbt = with(builder, |builder| {
            builder.drain_to(to).fee_absolute(fee);
        })?;
        self.draft(ActKind::Cancel, &psbt)
    }

    fn of_inputs(&mut self, old: &Signed) -> Result<Builder<'_>, WalletError> {
        let inputs: Vec<OutPoint> = old.outpoints().collect();
        let mut builder = self.bdk.build_tx();
        builder
            .add_utxos(&inputs)
            .map_err(|e| WalletError::Refused(e.to_string()))?;
        builder.manually_selected_only();
        Ok(builder)
    }

    fn draft(&self, kind: ActKind, psbt: &Psbt) -> Result<Draft, WalletError> {
        let fee = psbt.fee().map_err(|e| WalletError::Refused(e.to_string()))?;
        let coins = psbt.inputs.iter().map(|input| {
            let spent = input.witness_utxo.as_ref()?;
            Some((self.place_of(&spent.script_pubkey)?, spent.value.to_sat()))
        });
        let coins: Option<Vec<_>> = coins.collect();
        let tx = psbt.unsigned_tx.clone();
        Ok(Draft {
            kind,
            fee,
            coins: coins.ok_or_else(|| WalletError::Refused("an input is not a coin of ours".into()))?,
            back: tx
                .output
                .iter()
                .map(|output| self.place_of(&output.script_pubkey))
                .collect(),
            tx,
        })
    }

    /// The draft with its signatures, one for each input. Reserves what it spends.
    pub(crate) fn complete(
        &mut self,
        leg: LegRef,
        draft: Draft,
        signatures: &[[u8; SIGNATURE_BYTES]],
    ) -> Result<Signed, WalletError> {
        let Draft {
            kind, mut tx, fee, ..
        } = draft;
        if signatures.len() != tx.input.len() {
            return Err(WalletError::Refused("expected a signature for each input".into()));
        }
        for (input, signature) in tx.input.iter_mut().zip(signatures) {
            input.witness = Witness::from_slice(&[signature]);
        }
        let signed = Signed { kind, tx, fee };
        self.reserve(leg, &signed);
        self.save()?;
        Ok(signed)
    }
}

impl Draft {
    pub(crate) const fn fee(&self) -> Amount {
        self.fee
    }

    /// As our keys are asked to sign it.
    pub(crate) fn payment(&self, main: bool, lock: Option<OurLeg>) -> Payment {
        Payment {
            main,
            tx: Payment::write(&self.tx),
            coins: self.coins.clone(),
            back: self.back.clone(),
            lock: lock.map(Box::new),
        }
    }
}

fn overflow() -> WalletError {
    WalletError::Refused("the fee rate is beyond all measure".into())
}

type Builder<'a> = TxBuilder<'a, bdk_wallet::coin_selection::DefaultCoinSelectionAlgorithm>;

fn with(mut builder: Builder<'_>, set: impl FnOnce(&mut Builder<'_>)) -> Result<Psbt, WalletError> {
    set(&mut builder);
    builder.finish().map_err(refused)
}

fn refused(error: CreateTxError) -> WalletError {
    match error {
        CreateTxError::CoinSelection(short) => WalletError::Funds {
            have: short.available,
            need: short.needed,
        },
        other => WalletError::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
