//! What two parties do together: the adapter's side of a signing round.

use bitcoin::secp256k1::SecretKey;
use kofo_adapter_api::{AdapterError, Round, RoundReply, RoundRequest};
use kofo_primitives::{End, HtlcSpec, LegRef, Prepared, Together};

use super::{BitcoinAdapter, node_error};
use crate::fee;
use crate::prepared::Signed;
use crate::round::{LegSecrets, RoundError, RoundLegs, asker, helper};
use crate::terms::{Terms, malformed};

impl BitcoinAdapter {
    /// Asks for help with all these legs, in one transaction at today's rate.
    pub(super) async fn ask_together(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
    ) -> Result<Round, AdapterError> {
        let ours = self.round_legs(what, asker(what), legs)?;
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
        let open = ours.ask(&coins, rate.min(self.most)).map_err(refused)?;
        let (count, kind, fee) = (legs.len(), what.kind(), open.fee);
        Ok(Round::new(open.request.clone(), move |reply| {
            let tx = open.finish(reply).map_err(refused)?;
            let prepared = Signed { kind, tx, fee }
                .encode()
                .map_err(|error| malformed("transaction", "one that fits the journal", error.to_string()))?;
            Ok::<Vec<Prepared>, _>(vec![prepared; count])
        }))
    }

    /// Helps the other party with all these legs. Looks at no chain: what is signed pays the other party out of these
    /// legs, or nothing.
    pub(super) fn help_together(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        self.round_legs(what, helper(what), legs)?
            .help(request)
            .map_err(refused)
    }

    /// The legs with our keys, if we are at this end of all of them.
    fn round_legs(
        &self,
        what: Together,
        end: End,
        legs: &[(LegRef, HtlcSpec)],
    ) -> Result<RoundLegs, AdapterError> {
        let (mut terms, mut secrets) = (Vec::new(), LegSecrets(Vec::new()));
        for (leg, spec) in legs {
            let read = Terms::read(spec, &self.asset)?;
            if spec.end != end {
                let (want, got) = (end, spec.end);
                return Err(refused(RoundError::End { want, got }));
            }
            secrets.0.push(self.leg_secret(*leg, spec, &read)?);
            terms.push(read);
        }
        Ok(RoundLegs { what, terms, secrets })
    }

    /// Our secret of this leg, if it is ours.
    pub(super) fn leg_secret(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        terms: &Terms,
    ) -> Result<SecretKey, AdapterError> {
        Ok(self.secret(leg, spec, terms)?.0)
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
