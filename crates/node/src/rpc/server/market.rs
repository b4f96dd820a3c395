//! The market's methods: reads texts into values and asks the node.

use super::super::api::{ClaimFee, ClaimTerms, DEFAULT_CLAIM_LIFE, MAX_CLAIM_LIFE, MAX_PAY_TO};
use super::super::error::ApiError;
use super::super::methods::MarketRpcServer;
use super::super::types::{BookShown, ClaimAsked, ClaimList, ClaimStatus, Id, PeerStatus};
use super::{Methods, invalid};
use jsonrpsee::core::{RpcResult, async_trait};
use kofo_primitives::{Amount, AssetId, FeePayer, MAX_HOPS, Seconds};
use std::sync::Arc;

/// The market's half of the methods.
pub(super) struct MarketMethods(pub(super) Arc<Methods>);

impl MarketMethods {
    /// The fee, which is in an asset of the ledger.
    fn fee(&self, claim: &ClaimAsked) -> Result<Option<ClaimFee>, ApiError> {
        let text = match claim.fee.as_deref().map(str::trim) {
            None | Some("none") => {
                return match &claim.fee_payer {
                    None => Ok(None),
                    Some(payer) => Err(invalid("fee_payer", "none without a fee", payer)),
                };
            }
            Some(text) => text,
        };
        let ledger = self.0.ledger().map_err(|no| no.expected("none").got(text))?;
        let (asset, amount) = ledger.assets.parse(text)?;
        Ok(Some(ClaimFee {
            asset,
            amount,
            payer: payer(claim.fee_payer.as_deref())?,
        }))
    }

    /// The least fill, which is of what is given.
    fn partial(&self, text: Option<&str>, give: &(AssetId, Amount)) -> Result<Option<Amount>, ApiError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let (asset, least) = self.0.assets.parse(text)?;
        if asset != give.0 || least > give.1 {
            let expected = format!("at most {}, which is given", self.0.assets.show(&give.0, give.1));
            return Err(invalid("partial", expected, self.0.assets.show(&asset, least)));
        }
        Ok(Some(least))
    }
}

fn payer(text: Option<&str>) -> Result<FeePayer, ApiError> {
    match text.map(str::trim) {
        None | Some("claimant") => Ok(FeePayer::Claimant),
        Some("provider") => Ok(FeePayer::Provider),
        Some(text) => {
            let bps = text.parse().ok().filter(|bps| (1..10_000).contains(bps));
            let wrong = || invalid("fee_payer", "claimant, provider, or 1 to 9999 basis points", text);
            let claimant_bps = bps.ok_or_else(wrong)?;
            Ok(FeePayer::Split { claimant_bps })
        }
    }
}

fn pay_to(text: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_PAY_TO || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let expected = format!("an address of at most {MAX_PAY_TO} letters and digits");
        return Err(invalid("pay_to", expected, text));
    }
    Ok(Some(text.to_owned()))
}

#[async_trait]
impl MarketRpcServer for MarketMethods {
    async fn claim_make(&self, claim: ClaimAsked) -> RpcResult<ClaimStatus> {
        let fee = self.fee(&claim)?;
        let expires_in = claim.expires_in.map_or(DEFAULT_CLAIM_LIFE, Seconds);
        if !(Seconds(1)..=MAX_CLAIM_LIFE).contains(&expires_in) {
            let expected = format!("1 to {} seconds", MAX_CLAIM_LIFE.0);
            return Err(invalid("expires_in", expected, expires_in.0).into());
        }
        let max_hops = claim.max_hops.unwrap_or(MAX_HOPS);
        if !(1..=MAX_HOPS).contains(&max_hops) {
            return Err(invalid("max_hops", format!("1 to {MAX_HOPS}"), max_hops).into());
        }
        let read = |text: &str| self.0.assets.parse(text).map_err(ApiError::from);
        let (give, want) = (read(&claim.give)?, read(&claim.want)?);
        if give.0 == want.0 {
            let symbol = self.0.assets.money(&give.0, give.1).symbol;
            return Err(invalid("want", format!("another asset than {symbol}"), &symbol).into());
        }
        let terms = ClaimTerms {
            partial: self.partial(claim.partial.as_deref(), &give)?,
            give,
            want,
            expires_in,
            max_hops,
            hide_limit: claim.hide_limit,
            manual: claim.manual,
            pay_to: pay_to(claim.pay_to)?,
            fee,
        };
        Ok(self.0.api.claim(terms).await?)
    }

    async fn claim_quotes(&self, id: Id, after_seq: Option<u64>) -> RpcResult<ClaimStatus> {
        let Some(after_seq) = after_seq else {
            return Ok(self.0.api.claim_show(id).await?);
        };
        let changed = self.0.api.claim_watch(id, after_seq);
        Ok(self.0.watch(changed, self.0.api.claim_show(id)).await?)
    }

    async fn claim_select(&self, id: Id, fulfil: Id) -> RpcResult<ClaimStatus> {
        Ok(self.0.api.claim_select(id, fulfil).await?)
    }

    async fn claim_cancel(&self, id: Id) -> RpcResult<ClaimStatus> {
        Ok(self.0.api.claim_cancel(id).await?)
    }

    async fn claim_list(&self) -> RpcResult<ClaimList> {
        Ok(self.0.api.claim_list().await?)
    }

    async fn book_show(&self, pair: String) -> RpcResult<BookShown> {
        let (base, quote) = self.0.assets.pair(&pair).map_err(ApiError::from)?;
        Ok(self.0.api.book(base, quote).await?)
    }

    async fn peers_list(&self) -> RpcResult<Vec<PeerStatus>> {
        Ok(self.0.api.peers().await?)
    }
}
