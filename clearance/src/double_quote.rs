//! Evidence that a provider sold one reservation twice.

use crate::checked::CheckError;
use crate::op::DoubleQuote;
use kofo_primitives::{Claim, Fulfil, FulfilTerms, NetworkId, Signed};

type Quote = (Signed<Claim>, Signed<Fulfil>, FulfilTerms);

/// Whether both quotes are one bond's, onto one reservation, for two claims, and live at the same time. Several quotes
/// for one claim are honest: the claim came by several paths, and one of them can be selected.
pub(crate) fn check(double: &DoubleQuote, network: &NetworkId) -> Result<(), CheckError> {
    let (first, second) = (&double.first, &double.second);
    for (claim, fulfil, terms) in [first, second] {
        quote(claim, fulfil, terms, network)?;
    }
    let wrong = |why| Err(CheckError::DoubleQuote(why));
    let (one, other) = (&first.2.reservation, &second.2.reservation);
    if (one.bond, one.seq) != (other.bond, other.seq) {
        return wrong("they are of two reservations");
    }
    if first.0.body.id() == second.0.body.id() {
        return wrong("they answer one claim");
    }
    let lives = |quote: &Quote| (quote.0.body.created_ms, quote.1.body.expires_ms);
    let ((began, ends), (other_began, other_ends)) = (lives(first), lives(second));
    if began >= other_ends || other_began >= ends {
        return wrong("one was over before the other began");
    }
    Ok(())
}

fn quote(
    claim: &Signed<Claim>,
    fulfil: &Signed<Fulfil>,
    terms: &FulfilTerms,
    network: &NetworkId,
) -> Result<(), CheckError> {
    let wrong = |why| CheckError::DoubleQuote(why);
    claim
        .check()
        .map_err(|_| wrong("a claim is not rightly signed"))?;
    fulfil
        .check()
        .map_err(|_| wrong("a fulfil is not rightly signed"))?;
    let id = claim.body.id();
    if claim.body.network != *network || fulfil.body.network != *network {
        return Err(wrong("they are of another network"));
    }
    if fulfil.body.claim != id || fulfil.body.terms != terms.digest() {
        return Err(wrong("claim, fulfil and terms do not belong together"));
    }
    terms
        .reservation
        .check(&id, &fulfil.body.key)
        .map_err(|_| wrong("a reservation is not signed by its bond"))
}
