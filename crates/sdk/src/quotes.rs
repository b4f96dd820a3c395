//! Asking for quotes, and taking one.

use crate::error::SdkError;
use crate::swap::Swap;
use crate::wallet::Wallet;
use kofo_node::rpc::MarketRpcClient;
use kofo_node::rpc::types::{ClaimAsked, ClaimStatus, Id, QuoteState, QuoteStatus};

/// What is to be swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    give: String,
    want: String,
    pay_to: Option<String>,
    fee: Option<String>,
}

impl Wish {
    /// Give all of this, such as `0.1btc`, for at least that, such as `1.6eth`.
    #[must_use]
    pub fn new(give: &str, want: &str) -> Self {
        Self {
            give: give.to_owned(),
            want: want.to_owned(),
            pay_to: None,
            fee: None,
        }
    }

    /// Have what is wanted paid to somebody else, such as a merchant, by an address in its chain's own notation.
    #[must_use]
    pub fn pay_to(mut self, address: &str) -> Self {
        self.pay_to = Some(address.to_owned());
        self
    }

    /// Have validators make the order final, for a fee in an asset of the ledger, such as `0.3kofo`: then the provider's bond
    /// stands behind its quote.
    #[must_use]
    pub fn fee(mut self, fee: &str) -> Self {
        self.fee = Some(fee.to_owned());
        self
    }

    pub(crate) fn asked(&self, manual: bool) -> ClaimAsked {
        ClaimAsked {
            give: self.give.clone(),
            want: self.want.clone(),
            pay_to: self.pay_to.clone(),
            fee: self.fee.clone(),
            manual,
            ..ClaimAsked::default()
        }
    }
}

/// The quotes for a wish, which bind their providers for half a minute or so.
#[derive(Debug)]
pub struct Quotes<'w> {
    wallet: &'w Wallet,
    claim: ClaimStatus,
}

impl<'w> Quotes<'w> {
    /// Waits for the first quote, or for a swap that has begun already.
    pub(crate) async fn first(wallet: &'w Wallet, claim: ClaimStatus) -> Result<Self, SdkError> {
        let mut quotes = Self { wallet, claim };
        while quotes.claim.quotes.is_empty() {
            if quotes.claim.state.is_over() {
                let why = quotes.claim.trouble;
                return Err(SdkError::NoQuote { why });
            }
            quotes.wait().await?;
        }
        Ok(quotes)
    }

    /// The quotes that are there, the best first.
    #[must_use]
    pub fn all(&self) -> &[QuoteStatus] {
        &self.claim.quotes
    }

    /// The quote that leaves most after fees, of those that can be taken.
    #[must_use]
    pub fn best(&self) -> Option<&QuoteStatus> {
        let mut quotes = self.claim.quotes.iter();
        quotes.find(|quote| quote.state == QuoteState::Open)
    }

    /// Waits until there is something new: another quote, or one less.
    pub async fn wait(&mut self) -> Result<(), SdkError> {
        let (id, seq) = (self.claim.id, self.claim.seq);
        self.claim = self.wallet.client().claim_quotes(id, Some(seq)).await?;
        Ok(())
    }

    /// Takes a quote by its id, and returns when the swap has begun. From then on the node sees it through.
    pub async fn take(mut self, quote: Id) -> Result<Swap<'w>, SdkError> {
        self.claim = self.wallet.client().claim_select(self.claim.id, quote).await?;
        self.begun(Some(quote)).await
    }

    /// Takes nothing: the claim is taken back, and providers are told when they ask.
    pub async fn leave(self) -> Result<(), SdkError> {
        self.wallet.client().claim_cancel(self.claim.id).await?;
        Ok(())
    }

    /// Waits for the swap of a quote, or of any.
    pub(crate) async fn begun(mut self, quote: Option<Id>) -> Result<Swap<'w>, SdkError> {
        loop {
            let mut ours = self.claim.quotes.iter();
            let swap = ours.find_map(|one| one.swap.filter(|_| quote.is_none_or(|id| one.fulfil == id)));
            if let Some(swap) = swap {
                return Ok(self.wallet.at(swap));
            }
            if let Some(why) = self.failure(quote) {
                return Err(SdkError::Failed { why });
            }
            self.wait().await?;
        }
    }

    /// Why there will be no swap, if that is certain.
    fn failure(&self, quote: Option<Id>) -> Option<String> {
        let taken = self.claim.quotes.iter().find(|one| Some(one.fulfil) == quote);
        let dead = taken.filter(|one| matches!(one.state, QuoteState::Failed | QuoteState::Expired));
        let why = |trouble: Option<&String>| {
            let why = trouble.or(self.claim.trouble.as_ref());
            why.map_or_else(|| self.claim.state.to_string(), Clone::clone)
        };
        match dead {
            Some(one) => Some(why(one.trouble.as_ref())),
            None => self.claim.state.is_over().then(|| why(None)),
        }
    }
}
