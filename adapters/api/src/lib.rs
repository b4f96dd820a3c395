//! The chain port: all that the author of a new adapter has to read.
//!
//! An adapter makes one chain family follow, lock, redeem and refund hash time-locked contracts. It knows nothing of
//! swaps; the swap machine knows nothing of chains. Their nouns are in `kofo_primitives` ([`ChainAction`],
//! [`ChainEvent`], [`HtlcSpec`]); this crate has the trait, its rules, and the [`conformance`] suite that every
//! adapter passes.
//!
//! # What an adapter promises
//!
//! 1. **Repeats are harmless.** Every action may come again at any time, also after a restart of the process.
//! 2. **Facts before the tip.** All `Seen` and `Unseen` up to a block are told before the `Tip` of that block, and a
//!    fact that holds `At::Block(h)` holds in every block from `h` to the tip that was told last. A reorg that removes
//!    it gives `Unseen` (or `Seen` at its new place) before the new tip.
//! 3. **A lock is one lock** of exactly the amount, with exactly the keys, hashlock and timelock of the spec. Anything
//!    else that pays to the same place gives `Failed(Lock, WrongAmount)`, once it is in a block.
//! 4. **A preimage is told at once**, from the mempool too (`At::Mempool`), whoever sent the redeem. What our own node
//!    took of us is shown: it is told then, even if the mempool forgets it before the next look.
//! 5. **`Built` is bytes, not acts.** It reserves what it spends (UTXO, nonce) until `Unwatch`, or until that was
//!    spent by a final transaction. Nothing leaves the process. Two live `Prepared` of different acts never spend the
//!    same thing, except a `Cancel` and the `Lock` that it cancels.
//! 6. **All versions of one lock conflict**: a replacement and a cancel spend at least one input, or the nonce, of the
//!    first. An adapter never builds a second lock for a leg unless the machine asks again, which it does only when
//!    nothing was ever sent.
//! 7. **`Broadcast` does not give up** until the act is in a block or is dead (`Failed(_, Dead)`, only when a
//!    conflicting transaction is final), unless its `not_after` is past by the chain's own time. A reorg that takes the
//!    act out of its block makes it owed again. A node's error is no answer: what it accepted nevertheless is found on
//!    chain.
//! 8. **A preimage goes only into the redeem transaction**, and that only to our own nodes, by `Broadcast`: never into
//!    a simulation, an estimate or a log.
//! 9. **Scanning does not grow with swaps**: one scan of a block serves all legs.
//! 10. **`Watch` answers** with the whole picture: `Seen` or `Unseen` for each act, then `Watched` with a tip that was
//!     fetched after the `Watch` came. After a restart it finds what happened since `from_height`, and says so too of
//!     what a reorg took away meanwhile: nobody else would tell.
//!
//! What two parties sign together ([`Round`]) is broadcast like everything else. It spends the same as the act that it
//! replaces, and is `Dead` when that one is final. It cannot be bumped: an act alone takes its place.
#![forbid(unsafe_code)]

pub mod conformance;
mod error;
mod signer;
mod together;
mod transfer;

pub use error::AdapterError;
pub use signer::{Keys, LocalSigner, MOST_ASKED, Signer, SignerError};
pub use together::{Entrusted, MOST_LEVELS, MOST_TOGETHER, Round, RoundReply, RoundRequest};
pub use transfer::{SignedTransfer, Transfer, Transferred};

use async_trait::async_trait;
use kofo_primitives::{Act, ActKind, Amount, AssetId, ChainAction, ChainEvent, ChainId, End, HtlcSpec};
use kofo_primitives::{LegId, LegRef, Party, Place, Prepared, SwapNonce, Tip, Together};

/// One chain, with our wallet on it.
#[async_trait]
pub trait ChainAdapter: Send + Sync {
    /// The chain that it speaks to.
    fn chain(&self) -> &ChainId;

    /// Takes an action; what comes of it is told by [`ChainAdapter::next`]. Waits only while its queue is full.
    async fn act(&self, leg: LegRef, action: ChainAction);

    /// The next thing to tell, or `None` when the adapter has stopped. May be cancelled and called again.
    async fn next(&self) -> Option<ChainEvent>;

    /// The best block, asked now.
    async fn tip(&self) -> Result<Tip, AdapterError>;

    /// Our own party to a leg that is to be agreed: fresh keys and addresses. Reserves nothing: `wanted.taken` names
    /// all parties of live offers and swaps of ours on this chain, and the answer shares no lane or key with them (a
    /// redeemer that is an account, with neither, may repeat). With `wanted.pay_to` the redeem pays that address, to the
    /// smallest unit what it would have paid us; [`AdapterError::Malformed`] for what is no address of this chain.
    async fn party(&self, wanted: PartyWanted<'_>) -> Result<Party, AdapterError>;

    /// Where this adapter locks the asset, such as the contract's address; or why it cannot.
    fn place(&self, asset: &AssetId) -> Result<Place, AdapterError>;

    /// Whether the leg is right on this chain and can be afforded today, from our end: parties well-formed, ours really
    /// ours (a redeemer that pays to an address that we were told by [`PartyWanted::pay_to`] is ours), place the known one, amount above dust and worth its fees, the asset willing to pay the redeemer, and, for
    /// what we lock, the funds and all later fees at hand. Locks and reserves nothing.
    async fn check(&self, leg: LegRef, spec: &HtlcSpec) -> Result<(), AdapterError>;

    /// Signs a payment to somebody and holds what it spends, until [`ChainAdapter::drop_transfer`] or its block; nothing is
    /// sent. `keep` of the asset stays in the wallet: it is promised to swaps whose locks are not built yet. What is
    /// reserved for swaps is never spent.
    async fn sign_transfer(&self, transfer: &Transfer, keep: Amount) -> Result<SignedTransfer, AdapterError> {
        let _unused = (transfer, keep);
        Err(no_transfers(self.chain()))
    }

    /// Holds what a signed payment spends, and sends it, at once. May be repeated, also after a restart and with another
    /// adapter in between: it never pays twice. It is called again until it is in a block.
    async fn send_transfer(
        &self,
        transfer: &Transfer,
        signed: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        let _unused = (transfer, signed);
        Err(no_transfers(self.chain()))
    }

    /// Lets go of what a signed payment holds that was never sent.
    async fn drop_transfer(&self, transfer: &Transfer) {
        let _unused = transfer;
    }

    /// What our wallet can spend of the asset now.
    async fn balance(&self, asset: &AssetId) -> Result<Amount, AdapterError>;

    /// An address of our wallet to receive the asset at, in the chain's own notation.
    async fn address(&self, asset: &AssetId) -> Result<String, AdapterError>;

    /// Opens a round with the other party of these legs (1 to [`MOST_TOGETHER`], watched, final, all with the same
    /// other party), in which it helps us to take what they hold: one transaction for all where the chain can. Sends
    /// and reserves nothing. [`AdapterError::Alone`] where two signatures gain nothing over one.
    async fn open_round(&self, what: Together, legs: &[(LegRef, HtlcSpec)]) -> Result<Round, AdapterError> {
        let _ = (what, legs);
        Err(AdapterError::Alone(self.chain().clone()))
    }

    /// Helps the other party of these legs to take what they hold. The caller has made sure that we want nothing of
    /// them any more. Signs only what pays the other party from these legs; needs no `Watch`, keeps nothing, and draws
    /// a fresh nonce for each answer.
    async fn cosign(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        let _ = (what, legs, request);
        Err(AdapterError::Alone(self.chain().clone()))
    }

    /// What a third party needs to redeem or refund this leg to our own payout, at rising levels of fee (1 to
    /// [`MOST_LEVELS`]); `act` is `Redeem` or `Refund`. The leg is watched and final. Contains no preimage.
    async fn entrust(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: ActKind,
    ) -> Result<Vec<Entrusted>, AdapterError> {
        let _ = (leg, spec, act);
        Err(AdapterError::Alone(self.chain().clone()))
    }

    /// As that third party: what to broadcast for a leg of somebody else (`spec` as its owner has it), at one level of
    /// fee. Refuses what does not pay the owner as the leg's terms say.
    async fn take_over(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: &Act,
        entrusted: &Entrusted,
    ) -> Result<Prepared, AdapterError> {
        let _ = (leg, spec, act, entrusted);
        Err(AdapterError::Alone(self.chain().clone()))
    }
}

/// What [`ChainAdapter::party`] is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PartyWanted<'a> {
    /// The asset of the leg.
    pub asset: &'a AssetId,
    /// The leg.
    pub leg: LegId,
    /// Our end of it.
    pub end: End,
    /// Our nonce of the swap.
    pub nonce: &'a SwapNonce,
    /// Our parties in live offers and swaps on this chain.
    pub taken: &'a [Party],
    /// Where the redeemed asset goes in place of our wallet: somebody else's address in the chain's own notation, such as
    /// a merchant's. Only for [`End::Redeemer`]: a refund is always ours.
    pub pay_to: Option<&'a str>,
}

/// The answer of an adapter whose wallet pays into swaps alone.
fn no_transfers(chain: &ChainId) -> AdapterError {
    AdapterError::Malformed {
        field: "chain",
        expected: "one whose wallet pays others too".to_owned(),
        got: chain.to_string(),
    }
}
