//! What was kept of this version's messages is read, whatever writes them now: a later version that cannot is no neighbour of
//! this one.

use kofo_exchange::{ClaimMessage, ClaimReply, GossipMessage, ReturnMessage, ReturnReply, from_text};
use kofo_node::direct::{Request, Response};
use kofo_primitives::{CodecError, DirectOrder, decode, encode};
use kofo_tower::{Request as TowerRequest, Response as TowerResponse};
use serde_json::Value;
use std::collections::BTreeSet;

/// A section of a file, in which each sample is read once.
struct Samples {
    values: Value,
    read: BTreeSet<String>,
}

impl Samples {
    fn of(file: &str, section: &str) -> Self {
        let path = crate::file::folder().join(file);
        let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Self {
            values: all[section].clone(),
            read: BTreeSet::new(),
        }
    }

    fn text(&mut self, name: &str) -> String {
        self.read.insert(name.to_owned());
        self.values[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}"))
            .to_owned()
    }

    /// Reads the samples of these names, and writes the same again.
    fn check(&mut self, names: &[&str], again: impl Fn(&[u8]) -> Result<Vec<u8>, CodecError>) {
        for name in names {
            let text = self.text(name);
            let digits: Vec<_> = text
                .as_bytes()
                .chunks(2)
                .map(|two| std::str::from_utf8(two).unwrap())
                .collect();
            let bytes: Vec<_> = digits
                .iter()
                .map(|two| u8::from_str_radix(two, 16).unwrap())
                .collect();
            let written = again(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(crate::file::hex(written), text, "{name}");
        }
    }

    /// None was forgotten, but for those.
    fn all_but(&self, others: &[&str]) {
        let names = self.values.as_object().unwrap().keys();
        let left: Vec<_> = names
            .filter(|name| !self.read.contains(*name) && !others.contains(&name.as_str()))
            .collect();
        assert!(left.is_empty(), "not read: {left:?}");
    }
}

#[test]
fn messages_between_parties_are_read() {
    let mut order = Samples::of("settlement.json", "order");
    order.check(&["order"], |bytes| Ok(encode(&decode::<DirectOrder>(bytes)?)));
    from_text(&order.text("offer_uri")).unwrap();
    let mut messages = Samples::of("settlement.json", "messages");
    let requests = ["accept", "accept_without_contacts", "sign_redeem", "sign_return"];
    messages.check(&requests, |bytes| Ok(Request::read(bytes)?.write()));
    messages.check(&["accepted", "refused", "signed"], |bytes| {
        Ok(decode::<Response>(bytes)?.write())
    });
    messages.all_but(&[]);
}

#[test]
fn messages_of_owners_and_towers_are_read() {
    let mut messages = Samples::of("tower.json", "messages");
    messages.check(&["entrust", "status", "told"], |bytes| {
        Ok(TowerRequest::read(bytes)?.write())
    });
    messages.check(&["kept", "older", "refused", "standing"], |bytes| {
        Ok(TowerResponse::read(bytes)?.write())
    });
    messages.all_but(&["ask_id", "told_id"]);
}

#[test]
fn messages_between_neighbours_are_read() {
    let mut wire = Samples::of("exchange.json", "wire");
    wire.check(
        &["hello", "claim"],
        |bytes| Ok(ClaimMessage::read(bytes)?.write()),
    );
    wire.check(&["linked", "claim_taken", "claim_refused"], |bytes| {
        Ok(ClaimReply::read(bytes)?.write())
    });
    wire.check(&["fulfil", "select", "answer"], |bytes| {
        Ok(ReturnMessage::read(bytes)?.write())
    });
    wire.check(&["return_taken", "return_refused"], |bytes| {
        Ok(ReturnReply::read(bytes)?.write())
    });
    wire.all_but(&[]);
    let mut gossip = Samples::of("exchange.json", "gossip");
    gossip.check(&["listing", "beacon", "cancel"], |bytes| {
        Ok(GossipMessage::read(bytes)?.write())
    });
    gossip.all_but(&["listing_key", "listing_digest", "beacon_digest"]);
}
