//! Orders: what became of them, by certificates alone, and their parts.

use super::super::ClearingError;
use super::super::error::Trouble;
use super::super::services::Service;
use super::Clearing;
use crate::clock::now_ms;
use kofo_clearance::{
    Certified, LightError, MAX_PARTS, OrderAnswer, OrderProof, Payout, Receipt, ReceiptProof, Request,
    Response, Settlement, parts_context, payouts_context,
};
use kofo_primitives::{Bytes, MatchedOrder, MatchedParts, NodeKey, SwapId, decode, open};
use std::time::Duration;

/// An order is asked for so often while it is waited for.
const BEAT: Duration = Duration::from_millis(250);

/// An order that is final, by a certificate that we verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// That it is.
    pub certified: Certified,
    /// By what.
    pub proof: OrderProof,
    /// How it ended, if it has, verified too.
    pub receipt: Option<(Receipt, ReceiptProof)>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFate {
    /// Nobody proved that it is final.
    Open {
        /// So many validators say so that one of them is honest; else too few answered.
        sure: bool,
    },
    /// So many say that the ledger refused it that one of them is honest.
    Refused(String),
    /// It is final.
    Committed(Box<Committed>),
}

/// What is known of the payments of an order that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Paid {
    /// Every one, as the receipt commits to them.
    All(Vec<Payout>),
    /// Those to our account, as validators say.
    Ours(Vec<Payout>),
}

/// What one validator says of an order.
enum Said {
    Nothing,
    Refused(String),
    Committed(Box<Committed>),
}

impl Clearing {
    /// Whether an order is final, as one validator or another can prove: cheap enough to be asked often. All are asked if
    /// that one says that the ledger refused it.
    pub async fn glance(&self, order: SwapId) -> Result<OrderFate, ClearingError> {
        let epoch = self.light().epoch();
        self.follow().await;
        let Some(service) = self.services.in_turn().into_iter().next() else {
            return Ok(OrderFate::Open { sure: false });
        };
        match self.say(service, order).await {
            Ok(Said::Committed(committed)) => {
                self.keep_light(epoch).await?;
                Ok(OrderFate::Committed(committed))
            }
            Ok(Said::Refused(_)) | Err(Trouble::Light(LightError::Stale { .. })) => self.order(order).await,
            Ok(Said::Nothing) | Err(_) => Ok(OrderFate::Open { sure: false }),
        }
    }

    /// What became of an order: all validators are asked.
    pub async fn order(&self, order: SwapId) -> Result<OrderFate, ClearingError> {
        let epoch = self.light().epoch();
        self.follow().await;
        let all = self.services.awake().into_iter().map(|service| async move {
            let said = self.say(service, order).await;
            (service, said)
        });
        let (mut silent, mut refusing, mut why) = (0u64, 0u64, None);
        for (service, said) in futures::future::join_all(all).await {
            let power = self.power(service);
            match said {
                Ok(Said::Committed(committed)) => {
                    self.keep_light(epoch).await?;
                    return Ok(OrderFate::Committed(committed));
                }
                Ok(Said::Nothing) => silent = silent.saturating_add(power),
                Ok(Said::Refused(reason)) => {
                    refusing = refusing.saturating_add(power);
                    why = Some(reason);
                }
                // Nothing that anybody says helps a node that knows too little itself.
                Err(Trouble::Light(error @ LightError::Stale { .. })) => return Err(error.into()),
                Err(trouble) => {
                    tracing::debug!(validator = service.text, %trouble, "an answer about an order is passed over");
                }
            }
        }
        match why {
            Some(why) if self.has_honest(refusing) => Ok(OrderFate::Refused(why)),
            Some(_) | None => {
                let sure = self.has_honest(silent.saturating_add(refusing));
                Ok(OrderFate::Open { sure })
            }
        }
    }

    /// Waits until an order is final, at most until then (unix ms).
    pub async fn wait_certified(&self, order: SwapId, deadline_ms: u64) -> Result<Certified, ClearingError> {
        loop {
            match self.order(order).await {
                Ok(OrderFate::Committed(committed)) => {
                    self.kept.keep_proof(order, &committed.proof).await?;
                    return Ok(committed.certified);
                }
                Ok(OrderFate::Refused(why)) => {
                    let class = kofo_clearance::RefusedClass::Ledger;
                    return Err(ClearingError::Refused { class, why });
                }
                Ok(OrderFate::Open { .. }) => {}
                Err(error) if error.may_pass() => {}
                Err(error) => return Err(error),
            }
            if now_ms() >= deadline_ms {
                return Err(ClearingError::Late("the order was not certified"));
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Keeps the proof of an order that is to begin, so that it can be begun again after a restart without anybody.
    pub async fn keep(&self, committed: &Committed) -> Result<(), ClearingError> {
        let order = committed.certified.order();
        self.kept.keep_proof(order, &committed.proof).await
    }

    /// An order whose proof was kept, verified again.
    pub fn kept(&self, order: SwapId) -> Result<Option<Certified>, ClearingError> {
        let Some(proof) = self.kept.proof(order)? else {
            return Ok(None);
        };
        Ok(Some(self.light().order(order, &proof, now_ms())?))
    }

    /// The proof of an order that is over is needed no more.
    pub async fn forget(&self, order: SwapId) -> Result<(), ClearingError> {
        self.kept.forget_proof(order).await
    }

    /// All parts of an order, for the owner of the claim's, the fulfil's or the reservation's key: checked, and of that
    /// very order.
    pub async fn parts(&self, order: SwapId, key: &NodeKey) -> Result<MatchedOrder, ClearingError> {
        let mut last = "there is none".to_owned();
        for service in self.services.in_turn() {
            match self.parts_from(service, order, key).await {
                Ok(matched) => return Ok(matched),
                Err(trouble) => {
                    if !matches!(trouble, Trouble::Refused(..)) {
                        service.failed();
                    }
                    last = trouble.to_string();
                }
            }
        }
        Err(ClearingError::parts(order, last))
    }

    async fn parts_from(
        &self,
        service: &Service,
        order: SwapId,
        key: &NodeKey,
    ) -> Result<MatchedOrder, Trouble> {
        let request = Request::Parts(self.ask_of(key, Some(order), 0));
        let Response::Parts(sealed) = self.services.ask(service, &request).await? else {
            return Err(Trouble::Another);
        };
        let plain = open(key, &parts_context(order), &sealed)?;
        let matched = MatchedOrder::new(decode::<MatchedParts>(&plain)?)?;
        if matched.id() != order {
            return Err(Trouble::OtherOrder);
        }
        Ok(matched)
    }

    /// Who was paid when an order ended, by its verified receipt: all of it for a party of the order, what we were paid
    /// ourselves for anybody else, and nothing for a stranger. Whole it is proved by the receipt; our own part of it counts
    /// once those that say the same have more than a third of the power.
    pub(super) async fn payouts(&self, receipt: &Receipt) -> Option<Paid> {
        let request = Request::Payouts(self.ask_of(&self.key, Some(receipt.order), 0));
        let answers = self.services.ask_all(self.services.awake(), &request).await;
        let mut ours: Vec<(Vec<Payout>, u64)> = Vec::new();
        for (service, answer) in answers {
            let told = match answer {
                Ok(Response::Payouts(sealed)) => self.opened(receipt, &sealed),
                // Whoever does not know it yet says that we are a stranger.
                Ok(_) | Err(_) => continue,
            };
            match told {
                Some(told) if told.receipt() == *receipt => return Some(Paid::All(told.payouts)),
                Some(told) if told.payouts.iter().all(|one| one.to == Some(self.account_id())) => {
                    let power = self.power(service);
                    match ours.iter_mut().find(|(known, _)| *known == told.payouts) {
                        Some((_, sum)) => *sum = sum.saturating_add(power),
                        None => ours.push((told.payouts, power)),
                    }
                }
                Some(_) | None => service.failed(),
            }
        }
        let agreed = ours.into_iter().find(|(_, power)| self.has_honest(*power));
        agreed.map(|(payouts, _)| Paid::Ours(payouts))
    }

    fn opened(&self, receipt: &Receipt, sealed: &Bytes<MAX_PARTS>) -> Option<Settlement> {
        let plain = open(&self.key, &payouts_context(receipt.order), sealed).ok()?;
        let told = decode::<Settlement>(&plain).ok()?;
        (told.order == receipt.order && !told.payouts.is_empty()).then_some(told)
    }

    /// What one says of an order. What it calls final is verified; if it is not, that one lies, or we are behind.
    async fn say(&self, service: &Service, order: SwapId) -> Result<Said, Trouble> {
        let answer = self.services.ask(service, &Request::Order(order)).await?;
        let Response::Order(answer) = answer else {
            service.failed();
            return Err(Trouble::Another);
        };
        let (proof, receipt) = match *answer {
            OrderAnswer::Unknown | OrderAnswer::Waiting => return Ok(Said::Nothing),
            OrderAnswer::Refused(why) => return Ok(Said::Refused(why.as_str().to_owned())),
            OrderAnswer::Committed(proof) => (proof, None),
            OrderAnswer::Ended(proof, receipt) => (proof, Some(receipt)),
        };
        let verified = match self.verify(order, &proof, receipt.as_deref()) {
            Err(LightError::UnknownSet { .. }) => {
                self.catch_up(service).await?;
                self.verify(order, &proof, receipt.as_deref())
            }
            verified => verified,
        };
        let (certified, ended) = verified.inspect_err(|_| service.failed())?;
        Ok(Said::Committed(Box::new(Committed {
            certified,
            proof: *proof,
            receipt: ended.zip(receipt.map(|receipt| *receipt)),
        })))
    }

    fn verify(
        &self,
        order: SwapId,
        proof: &OrderProof,
        receipt: Option<&ReceiptProof>,
    ) -> Result<(Certified, Option<Receipt>), LightError> {
        let mut light = self.light();
        let certified = light.order(order, proof, now_ms())?;
        let ended = receipt.map(|receipt| light.receipt(order, receipt, now_ms()));
        Ok((certified, ended.transpose()?))
    }
}
