//! A node, as the program that uses it sees it.

use crate::error::SdkError;
use crate::quotes::{Quotes, Wish};
use crate::swap::Swap;
use kofo_node::rpc::types::{Balance, Id, NodeStatus, OfferMade, SwapStatus};
use kofo_node::rpc::{
    Callee, Caller, ConnectError, Cookie, EventStream, MarketRpcClient, NodeRpcClient, RpcClient,
};
use kofo_node::run::{Running, SignedStart, Start};
use std::path::Path;

/// As many swaps as a page has.
const PAGE: u32 = 100;

/// A node: in this process, in another, or on another machine.
///
/// A wallet that is dropped without [`Wallet::close`] ends its embedded node as a crash would, which loses nothing; a node
/// that runs elsewhere goes on.
#[derive(Debug)]
pub struct Wallet {
    client: RpcClient,
    /// Who tells the events.
    teller: Callee,
    /// The node, if it is in this process.
    node: Option<Running>,
}

impl Wallet {
    /// Starts a node in this process, on a data folder that [`crate::init`] or `kofo init` made.
    ///
    /// It goes on with the swaps that were under way: start it as soon as your program starts, and let it run.
    pub async fn embed(start: Start) -> Result<Self, SdkError> {
        Self::on(Running::start(start).await?)
    }

    /// As [`Wallet::embed`], on a folder without a keystore ([`crate::init_signed`]): whatever is to be signed, and every
    /// preimage, is asked of `start.signer`, and no key of a wallet is ever in this process. Waits until the signer
    /// answers; when it goes away later, what it should sign is asked again.
    pub async fn embed_signed(start: SignedStart) -> Result<Self, SdkError> {
        Self::on(Running::start_signed(start).await?)
    }

    fn on(node: Running) -> Result<Self, SdkError> {
        let mut wallet = Self::connect(node.data())?;
        wallet.node = Some(node);
        Ok(wallet)
    }

    /// A node that runs in another process of this machine, by its data folder.
    pub fn connect(data: &Path) -> Result<Self, SdkError> {
        let callee = |caller| Callee::In {
            data: data.to_owned(),
            caller,
        };
        Ok(Self {
            client: callee(Caller::Owner).client()?,
            teller: callee(Caller::Reader),
            node: None,
        })
    }

    /// A node that runs on another machine: `port` is that of a tunnel to its RPC on this machine, such as
    /// `ssh -L 7301:127.0.0.1:RPC_PORT`, and `token` is the content of its `rpc.cookie`, or of `rpc.read` to look only. A node that
    /// has started again has other tokens: connect anew.
    pub fn remote(port: u16, token: &str) -> Result<Self, SdkError> {
        let token: Cookie = token.parse().map_err(ConnectError::from)?;
        let teller = Callee::At { port, token };
        Ok(Self {
            client: teller.client()?,
            teller,
            node: None,
        })
    }

    /// Every other method of the node: [`kofo_node::rpc`] has the traits.
    #[must_use]
    pub const fn client(&self) -> &RpcClient {
        &self.client
    }

    /// How the node is: its addresses, its chains, how many neighbours it has.
    pub async fn status(&self) -> Result<NodeStatus, SdkError> {
        Ok(self.client.node_status().await?)
    }

    /// What can be spent, of each asset.
    pub async fn balances(&self) -> Result<Vec<Balance>, SdkError> {
        Ok(self.client.wallet_balances().await?)
    }

    /// Where the wallet receives an asset, by its symbol.
    pub async fn address(&self, symbol: &str) -> Result<String, SdkError> {
        Ok(self.client.wallet_address(symbol.to_owned()).await?.address)
    }

    /// Asks the network for quotes; the first is there when this returns. Nothing is promised by it.
    pub async fn quote(&self, wish: &Wish) -> Result<Quotes<'_>, SdkError> {
        let claim = self.client.claim_make(wish.asked(true)).await?;
        Quotes::first(self, claim).await
    }

    /// Asks the network, takes the quote that gives most, and returns when the swap has begun.
    pub async fn swap(&self, wish: &Wish) -> Result<Swap<'_>, SdkError> {
        let claim = self.client.claim_make(wish.asked(false)).await?;
        Quotes::first(self, claim).await?.begun(None).await
    }

    /// Offers a swap to somebody who is known already: hand them the URI. `expires_in` is in seconds.
    pub async fn offer(
        &self,
        give: &str,
        want: &str,
        expires_in: Option<u64>,
    ) -> Result<OfferMade, SdkError> {
        let (give, want) = (vec![give.to_owned()], vec![want.to_owned()]);
        Ok(self.client.swap_offer(give, want, expires_in).await?)
    }

    /// Accepts an offer that somebody handed over, after all of it was checked.
    pub async fn accept(&self, offer: &str) -> Result<Swap<'_>, SdkError> {
        let swap = self.client.swap_accept(offer.to_owned()).await?;
        Ok(self.at(swap.id))
    }

    /// A swap, or an offer of ours, by its id: to follow it again after a restart.
    #[must_use]
    pub const fn at(&self, id: Id) -> Swap<'_> {
        Swap::new(self, id)
    }

    /// What becomes of all claims and swaps, in order, each once: `claimed → quoted → selected → committed → alpha_locked →
    /// beta_locked → redeemed → complete`, or the refund way; with what is at risk and until when.
    ///
    /// Keep the cursor of the last event that you have dealt with, and go on after it: no event is lost when the node or
    /// your program starts again. `None`: from the oldest that the node has.
    #[must_use]
    pub fn events(&self, after: Option<u64>) -> EventStream {
        EventStream::after(self.teller.clone(), after)
    }

    /// The swaps that go on, youngest first: all that is at risk.
    pub async fn open_swaps(&self) -> Result<Vec<SwapStatus>, SdkError> {
        let mut all = Vec::new();
        loop {
            let skip = u32::try_from(all.len()).unwrap_or(u32::MAX);
            let page = self.client.swap_list(Some(skip), Some(PAGE), Some(true)).await?;
            let last = page.swaps.is_empty() || !page.more;
            all.extend(page.swaps);
            if last {
                return Ok(all);
            }
        }
    }

    /// Ends an embedded node in good order; leaves any other alone.
    pub async fn close(self) -> Result<(), SdkError> {
        match self.node {
            Some(node) => Ok(node.stop().await?),
            None => Ok(()),
        }
    }
}
