//! What a test set-up must be able to do to its chain.

use crate::ChainAdapter;
use async_trait::async_trait;
use kofo_primitives::{Amount, AssetId, HtlcSpec, Preimage, Prepared, Tip, UnixTime};
use std::sync::Arc;

/// An owner of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The one whose adapter is restarted and examined.
    Us,
    /// The counterparty.
    Them,
    /// Somebody without money.
    Pauper,
}

/// A chain that one test has for itself: nothing is mined and no time passes unless the test says so. Methods panic
/// with a sentence if the chain does not obey.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Starts a node's adapter of this owner, as after a start of its process: with the wallet that it always had. The
    /// one before was dropped.
    async fn start(&self, who: Who) -> Arc<dyn ChainAdapter>;

    /// The asset that the cases swap.
    fn asset(&self) -> AssetId;

    /// The amount of a usual leg. We and they can pay for at least four at once, whatever form money has.
    fn amount(&self) -> Amount;

    /// The most that one transaction may cost in units of [`Harness::asset`]; zero if fees are paid in another.
    fn most_fee(&self) -> Amount;

    /// At which depth the cases take a fact for final; 1 to 6.
    fn depth(&self) -> u32 {
        2
    }

    /// The best block, by a way that is not the adapter's.
    async fn tip(&self) -> Tip;

    /// How many transactions wait in the mempool of the adapters' node.
    async fn waiting(&self) -> usize;

    /// Mines so many blocks, which take all that waits and can be mined.
    async fn mine(&self, blocks: u32);

    /// Mines as many blocks as it takes until the time of the tip is exactly this. Never asked for a time that is past.
    async fn mine_until(&self, time: UnixTime);

    /// Replaces so many newest blocks by one more, all empty. What was in them waits again, or is gone: as the chain has
    /// it.
    async fn reorg(&self, blocks: u32);
}

/// A harness that can lock as no adapter does.
#[async_trait]
pub trait WrongLocks: Harness {
    /// Pays so much to where the leg is locked, as its refunder ([`Who::Them`]), and leaves that in the mempool.
    async fn lock_units(&self, spec: &HtlcSpec, units: Amount);
}

/// A harness of a chain on which anybody may redeem for the redeemer.
#[async_trait]
pub trait Stranger: Harness {
    /// Redeems as somebody who is no party, and leaves that in the mempool.
    async fn redeem_as_stranger(&self, spec: &HtlcSpec, preimage: &Preimage);
}

/// A harness that can offer a node what no adapter sends.
#[async_trait]
pub trait RawChain: Harness {
    /// Offers what was built straight to the node; whether it was taken.
    async fn offer(&self, prepared: &Prepared) -> bool;

    /// Offers a redeem of the leg by [`Who::Us`] that is right but for the preimage, in whose place it has `shown`;
    /// whether it was taken.
    async fn offer_redeem(&self, spec: &HtlcSpec, preimage: &Preimage, shown: &[u8]) -> bool;
}

/// A harness whose node can be made to misbehave.
#[async_trait]
pub trait FaultyNode: Harness {
    /// The next so many broadcasts of any owner are refused.
    async fn refuse_broadcasts(&self, times: u32);

    /// The next so many broadcasts are answered with an error although they are accepted.
    async fn fail_after_accepting(&self, times: u32);
}

/// A harness whose node can be cut off.
#[async_trait]
pub trait Outage: Harness {
    /// From now on no adapter gets an answer from the node. The chain goes on.
    async fn cut(&self);

    /// The node answers again.
    async fn restore(&self);
}

/// A harness whose node can be made to forget.
#[async_trait]
pub trait Forgetful: Harness {
    /// The mempool forgets all that waits.
    async fn evict_mempool(&self);
}

/// A harness that hears what adapters ask their node.
#[async_trait]
pub trait Overheard: Harness {
    /// The methods of all requests so far that held these bytes, in any form in which the chain's requests hold bytes.
    async fn requests_with(&self, bytes: &[u8]) -> Vec<String>;

    /// The method that broadcasts a transaction.
    fn broadcast_method(&self) -> &'static str;
}

/// A harness that can make blocks dear.
#[async_trait]
pub trait FeeMarket: Harness {
    /// From now on blocks do not take what waits, but would take it for several times the fee.
    async fn raise_fees(&self);
}

/// A harness that counts.
#[async_trait]
pub trait Counted: Harness {
    /// How many requests all adapters together made to the chain's node so far.
    async fn calls(&self) -> u64;
}

/// A harness of a chain on which somebody can be paid who runs no node and has never been paid.
#[async_trait]
pub trait Merchant: Harness {
    /// The address of that somebody, in the chain's own notation: always the same in one test.
    async fn merchant(&self) -> String;

    /// What blocks hold for that address of [`Harness::asset`].
    async fn merchant_has(&self) -> Amount;

    /// The most that a redeem leaves the payee short of the amount: zero where fees are paid by the sender.
    fn most_short(&self) -> Amount;

    /// What somebody could take for an address and is none of this chain: of another network or chain, with a typing
    /// error, of nobody.
    fn no_addresses(&self) -> Vec<String>;
}

/// A harness of a chain on which an owner can entrust a redeem or a refund to somebody else.
#[async_trait]
pub trait Outsider: Harness {
    /// Starts the adapter of somebody who is no party to any leg and holds no key of [`Who::Us`] or [`Who::Them`], but
    /// can pay for what he sends where the sender pays.
    async fn outsider(&self) -> Arc<dyn ChainAdapter>;
}
