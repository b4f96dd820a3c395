//! Everything that a relay knows, as a text: what somebody reads who takes the machine.
//!
//! Neighbours have no name in it: for each claim they are the pseudonyms of this claim, as all other hops are.

use crate::relay::Relay;
use crate::relay::held::{Copied, Held};
use crate::relay::quoted::{End, Quoted};
use kofo_primitives::{ClaimId, Digest, FulfilId, NodeId};
use std::fmt::Write as _;

impl Relay {
    /// All of the state but the links themselves, whose bases and addresses appear nowhere: claims with the pseudonyms
    /// of their hops, quotes, guards. No name in it stands with two claims.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut text = String::new();
        for (id, held) in &self.claims {
            claim(&mut text, id, held);
        }
        for (id, quoted) in &self.quotes {
            quote(&mut text, id, quoted);
        }
        let guards = self.memory.write();
        for (id, until) in &guards.seen {
            line(&mut text, format_args!("seen {id} until {until}"));
        }
        for (id, key, until) in &guards.cancelled {
            line(&mut text, format_args!("cancelled {id} by {key} until {until}"));
        }
        text
    }
}

/// Writing to a `String` does not fail.
fn line(text: &mut String, args: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{args}");
}

fn hex(digest: &Digest) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn claim(text: &mut String, id: &ClaimId, held: &Held) {
    line(text, format_args!("claim {id} own {} {:?}", held.own, held.claim));
    for copy in &held.copies {
        line(text, format_args!("  copy {} as {}", hex(&copy.digest), copy.us));
        for entry in copy.path.entries() {
            line(text, format_args!("    {entry:?}"));
        }
    }
    for route in &held.routes {
        let came = route.copy.and_then(|at| held.copies.get(at));
        let from = came.and_then(before_us);
        let (entry, quotes) = (hex(&route.entry), route.quotes);
        line(text, format_args!("  on {entry} from {from:?}: {quotes} quotes"));
    }
}

/// The pseudonym of the neighbour that a copy came from.
fn before_us(copy: &Copied) -> Option<NodeId> {
    copy.path.entries().last().map(|entry| entry.hop_key)
}

fn quote(text: &mut String, id: &FulfilId, quoted: &Quoted) {
    let claim = quoted.claim;
    let end = |end| match end {
        End::Us => "us",
        End::Peer(_) => "a neighbour",
    };
    let (provider, claimant) = (end(quoted.toward_provider), end(quoted.toward_claimant));
    let keys = (quoted.claim_key, quoted.key);
    line(
        text,
        format_args!("quote {id} of claim {claim} by {keys:?} from {provider} to {claimant}"),
    );
    let (select, answer) = (quoted.select.as_ref().map(hex), quoted.answer.as_ref().map(hex));
    let (expires, until) = (quoted.expires_ms, quoted.until_ms);
    let often = (quoted.selects, quoted.answers);
    line(
        text,
        format_args!("  expires {expires} until {until} select {select:?} answer {answer:?} {often:?}"),
    );
}
