//! What two parties do together: the adapter's side of a signing round.

use kofo_adapter_api::{AdapterError, Round, RoundReply, RoundRequest, SignerError};
use kofo_primitives::{ChainId, End, HtlcSpec, LegRef, Prepared, Together};

use super::{BitcoinAdapter, node_error, signer_error};
use crate::fee;
use crate::prepared::Signed;
use crate::round::{RoundError, RoundLegs, asker, helper};
use crate::terms::{Terms, malformed};

impl BitcoinAdapter {
    /// Asks for help with all these legs, in one transaction at today's rate.
    pub(super) async fn ask_together(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
    ) -> Result<Round, AdapterError> {
        let ours = self.round_legs(what, asker(what), legs).await?;
        if what == Together::Redeem && !self.has_one_payee(&ours.terms) {
            return Err(AdapterError::Alone(self.chain.clone()));
        }
        let coins = legs
            .iter()
            .map(|(leg, _)| self.locked(*leg, true).ok_or(RoundError::NotFinal));
        let coins: Vec<_> = coins.collect::<Result<_, _>>().map_err(refused)?;
        let rate = fee::ask(&self.nodes)
            .await
            .map_err(|error| node_error(&self.chain, &error))?;
        let open = ours.ask(&coins, rate.min(self.most)).await;
        let open = open.map_err(|error| self.round_error(error))?;
        let (count, kind, fee) = (legs.len(), what.kind(), open.fee);
        let chain = self.chain.clone();
        Ok(Round::new(open.request.clone(), move |reply| async move {
            let tx = open.finish(&reply).await;
            let tx = tx.map_err(|error| round_error(&chain, error))?;
            let prepared = Signed { kind, tx, fee }
                .encode()
                .map_err(|error| malformed("transaction", "one that fits the journal", error.to_string()))?;
            Ok::<Vec<Prepared>, _>(vec![prepared; count])
        }))
    }

    /// Helps the other party with all these legs. Looks at no chain: what is signed pays the other party out of these
    /// legs, or nothing.
    pub(super) async fn help_together(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        let help = self
            .round_legs(what, helper(what), legs)
            .await?
            .help(request)
            .await;
        help.map_err(|error| self.round_error(error))
    }

    /// The legs with our keys, if we are at this end of all of them.
    async fn round_legs(
        &self,
        what: Together,
        end: End,
        legs: &[(LegRef, HtlcSpec)],
    ) -> Result<RoundLegs, AdapterError> {
        let (mut terms, mut ours) = (Vec::new(), Vec::new());
        for (leg, spec) in legs {
            let read = Terms::read(spec, &self.asset)?;
            if spec.end != end {
                let (want, got) = (end, spec.end);
                return Err(refused(RoundError::End { want, got }));
            }
            self.payee(*leg, spec, &read).await?;
            let place = self.wallet().place_of(&read.ours().payout);
            ours.push(self.keys.leg(*leg, spec, place));
            terms.push(read);
        }
        Ok(RoundLegs {
            what,
            terms,
            ours,
            keys: self.keys.clone(),
        })
    }

    fn round_error(&self, error: RoundError) -> AdapterError {
        round_error(&self.chain, error)
    }

    /// Whether one output can pay what all these legs are for (rule B7): our wallet, or one address that we were told.
    /// No leg may take that output for its refund.
    fn has_one_payee(&self, terms: &[Terms]) -> bool {
        let Some(first) = terms.first().map(|terms| &terms.redeemer.payout) else {
            return true;
        };
        let wallet = self.wallet();
        let ours = |terms: &Terms| wallet.is_ours(&terms.redeemer.payout);
        let same = terms.iter().all(|terms| terms.redeemer.payout == *first) || terms.iter().all(ours);
        same && terms.iter().all(|terms| terms.refunder.payout != *first)
    }
}

fn refused(error: RoundError) -> AdapterError {
    malformed("signing round", "what both parties agreed on", error.to_string())
}

fn round_error(chain: &ChainId, error: RoundError) -> AdapterError {
    match error {
        RoundError::Signer(error @ SignerError::Unreachable(_)) => signer_error(chain, error),
        other => refused(other),
    }
}
