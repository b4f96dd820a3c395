//! The vectors of `docs/protocol/exchange.md`: keys, bytes, ids and signatures of one order from its claim on, which
//! another implementation must come to byte by byte. `KOFO_WRITE=1 cargo test -p kofo-exchange --test
//! vectors_exchange` writes them anew.

#![allow(clippy::unwrap_used, reason = "tests")]

use kofo_exchange::{
    AssetListing, BookBeacon, ClaimEnvelope, ClaimMessage, ClaimReply, FulfilEnvelope, GossipMessage, Level,
    LinkHello, LinkRole, ListedPair, PartialRule, ReturnMessage, ReturnReply, SelectEnvelope, Sides,
};
use kofo_primitives::*;
use std::fmt::Write as _;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/protocol/vectors/exchange.json"
);
const MADE_MS: u64 = 1_800_000_000_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Two levels of JSON: sections, and in them names with texts. None of the texts has to be escaped.
#[derive(Default)]
struct Vectors(Vec<(&'static str, Vec<(String, String)>)>);

impl Vectors {
    fn section(&mut self, name: &'static str) {
        self.0.push((name, vec![]));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.0.last_mut().unwrap().1.push((name.into(), text.into()));
    }

    fn bytes(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.text(name, &hex(bytes.as_ref()));
    }

    fn json(&self) -> String {
        let mut out = String::from("{\n");
        for (n, (section, entries)) in self.0.iter().enumerate() {
            writeln!(out, "  \"{section}\": {{").unwrap();
            for (m, (name, text)) in entries.iter().enumerate() {
                let comma = if m + 1 < entries.len() { "," } else { "" };
                writeln!(out, "    \"{name}\": \"{text}\"{comma}").unwrap();
            }
            writeln!(out, "  }}{}", if n + 1 < self.0.len() { "," } else { "" }).unwrap();
        }
        out + "}\n"
    }
}

fn network() -> NetworkId {
    NetworkId::new("kofo-vectors").unwrap()
}

fn seed(n: u8) -> Seed {
    Seed::new([n; 64])
}

/// A provider's name; in a node it follows from its seed.
fn bond() -> NodeKey {
    NodeKey::new(&[0x77; 32]).unwrap()
}

const CLAIMANT: u8 = 0x11;
const PROVIDER: u8 = 0x22;
const RELAYS: [u8; 2] = [0x33, 0x44];
const EPOCH: u64 = 20_833;

/// The secret end of that node's link to whom it gets the claim from.
fn link(node: u8) -> LinkKey {
    seed(node).link_key(&network(), EPOCH, b"predecessor")
}

fn claim_key() -> NodeKey {
    seed(CLAIMANT).claim_key(&network(), &[0xc1; 32])
}

fn seal_key() -> NodeKey {
    seed(CLAIMANT).seal_key(&network(), &[0xc1; 32])
}

fn fulfil_key() -> NodeKey {
    seed(PROVIDER).fulfil_key(&network(), &SwapNonce::new([0xf1; 32]))
}

fn limit() -> LimitOpening {
    LimitOpening {
        ratio: Ratio::new(199_000_000_000, 1).unwrap(),
        salt: [0x5a; 32],
    }
}

fn claim() -> Claim {
    let on = |asset, place: &[u8], depth| ClaimedAsset {
        asset: AssetId::new(asset).unwrap(),
        place: Place::new(place).unwrap(),
        depth,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        key: claim_key().id(),
        seal_key: seal_key().id(),
        nonce: [0xc1; 32],
        give: on("bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0", &[], 2),
        want: on("eip155:31337/slip44:60", &[0xc0; 20], 12),
        give_amount: Amount::new(12_000_000),
        limit: Limit::Hidden(limit().commit()),
        partial: Some(Amount::new(1_000_000)),
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: MADE_MS,
        expires_ms: MADE_MS + 600_000,
    }
}

fn cancel() -> Cancel {
    Cancel {
        version: 1,
        network: network(),
        claim: claim().id(),
        key: claim_key().id(),
        expires_ms: claim().expires_ms,
    }
}

fn opening(n: u8) -> Opening {
    Opening {
        alpha: Party::new([n; 55]).unwrap(),
        beta: Party::new([n + 1; 20]).unwrap(),
        contacts: vec![Contact::new("/ip4/127.0.0.1/tcp/9/p2p/x").unwrap()],
        salt: [n + 2; 32],
    }
}

fn terms() -> FulfilTerms {
    let at = |minutes| UnixTime(MADE_MS / 1_000).plus(Seconds::minutes(minutes));
    FulfilTerms {
        give: Amount::new(10_000_000),
        want: Amount::new(2_000_000_000_000_000_000),
        alpha_timelock: at(480),
        beta_timelock: at(240),
        alpha_lock_by: at(60),
        beta_lock_by: at(120),
        redeem_by: at(200),
        premium_bps: 0,
        nonce: SwapNonce::new([0xf1; 32]),
        opening: opening(0xb0).commit(),
        reservation: Reservation::sign(&bond(), 7, None, &claim().id(), &fulfil_key().id()),
    }
}

fn path() -> Vec<HopEntry> {
    let id = claim().id();
    let pseudonym = |node| link(node).base().pseudonym(&id).unwrap();
    let [first, second] = RELAYS;
    let hop = |node| link(node).hop_key(&id).unwrap();
    let keys = [claim_key(), hop(first), hop(second)];
    let next = [pseudonym(first), pseudonym(second), pseudonym(PROVIDER)];
    let (mut previous, mut path) = (*id.as_bytes(), vec![]);
    for ((index, key), next) in (0..).zip(&keys).zip(next) {
        path.push(HopEntry::sign(&id, (index, previous), key, next, (None, None)));
        previous = path.last().unwrap().digest();
    }
    path
}

fn fulfil() -> Fulfil {
    let claim = claim();
    Fulfil {
        version: 1,
        network: network(),
        claim: claim.id(),
        path: path().last().unwrap().digest(),
        key: fulfil_key().id(),
        terms: terms().digest(),
        sealed: terms().seal(&claim.id(), &claim.seal_key, &[0x61; 32]).unwrap(),
        for_validators: None,
        expires_ms: MADE_MS + 30_000,
    }
}

fn returns() -> Vec<ReturnEntry> {
    let id = claim().id();
    let hop = |node| link(node).hop_key(&id).unwrap();
    let last = ReturnEntry::sign(2, *fulfil().id().as_bytes(), None, &hop(RELAYS[1]));
    let first = ReturnEntry::sign(1, last.digest(), None, &hop(RELAYS[0]));
    vec![last, first]
}

fn swap_nonce() -> SwapNonce {
    SwapNonce::new([0xa1; 32])
}

fn select() -> Select {
    Select {
        version: 1,
        network: network(),
        claim: claim().id(),
        fulfil: fulfil().id(),
        hashlock: seed(CLAIMANT).preimage(&network(), &swap_nonce()).hashlock(),
        nonce: swap_nonce(),
        opening: opening(0xa0).commit(),
        limit: Some(limit()),
        returns: returns()[1].digest(),
        fee_root: [0; 32],
        for_validators: None,
    }
}

fn order() -> MatchedOrder {
    let parts = MatchedParts {
        claim: claim().sign(&claim_key()),
        path: path(),
        fulfil: fulfil().sign(&fulfil_key()),
        terms: terms(),
        returns: returns(),
        select: select().sign(&claim_key()),
        claimant: opening(0xa0),
        provider: opening(0xb0),
    };
    MatchedOrder::new(parts).unwrap()
}

fn answer() -> Answer {
    let sealed = opening(0xb0).seal(&claim().id(), &claim().seal_key, &[0x63; 32]);
    Answer {
        version: 1,
        network: network(),
        claim: claim().id(),
        fulfil: fulfil().id(),
        order: order().id(),
        verdict: Verdict::Opened(sealed.unwrap()),
    }
}

fn keys(out: &mut Vectors) {
    out.section("keys");
    out.text("network", network().as_str());
    for (name, n) in [
        ("claimant", CLAIMANT),
        ("provider", PROVIDER),
        ("relay_1", RELAYS[0]),
        ("relay_2", RELAYS[1]),
    ] {
        out.bytes(&format!("{name}_seed"), [n; 64]);
    }
    out.bytes("claim_nonce", claim().nonce);
    out.bytes("claim_key", claim_key().id().as_bytes());
    out.bytes("seal_key", seal_key().id().as_bytes());
    out.bytes("fulfil_nonce", terms().nonce.as_bytes());
    out.bytes("fulfil_key", fulfil_key().id().as_bytes());
    out.bytes("bond_secret", [0x77; 32]);
    out.bytes("bond", bond().id().as_bytes());
    out.section("links");
    out.text("epoch", &EPOCH.to_string());
    out.bytes("peer", b"predecessor");
    for (name, node) in [
        ("relay_1", RELAYS[0]),
        ("relay_2", RELAYS[1]),
        ("provider", PROVIDER),
    ] {
        let base = link(node).base();
        out.bytes(&format!("{name}_base"), base.to_bytes());
        let pseudonym = base.pseudonym(&claim().id()).unwrap();
        out.bytes(&format!("{name}_pseudonym"), pseudonym.as_bytes());
    }
}

fn there(out: &mut Vectors) {
    out.section("claim");
    out.bytes("limit_opening", encode(&limit()));
    out.bytes("limit_commitment", limit().commit());
    out.bytes("body", encode(&claim()));
    out.bytes("id", claim().id().as_bytes());
    out.bytes("signed", encode(&claim().sign(&claim_key())));
    out.bytes("signed_cancel", encode(&cancel().sign(&claim_key())));
    out.section("path");
    for (n, entry) in path().iter().enumerate() {
        out.bytes(&format!("entry_{n}"), encode(entry));
        out.bytes(&format!("digest_{n}"), entry.digest());
    }
}

fn back(out: &mut Vectors) {
    out.section("fulfil");
    out.bytes("provider_opening", encode(&opening(0xb0)));
    out.bytes("provider_opening_commitment", opening(0xb0).commit());
    out.bytes("reservation", encode(&terms().reservation));
    out.bytes("terms", encode(&terms()));
    out.bytes("terms_digest", terms().digest());
    out.bytes("terms_ephemeral", [0x61; 32]);
    out.bytes("terms_sealed", fulfil().sealed.as_slice());
    out.bytes("body", encode(&fulfil()));
    out.bytes("id", fulfil().id().as_bytes());
    out.bytes("signed", encode(&fulfil().sign(&fulfil_key())));
    out.section("returns");
    for entry in returns() {
        out.bytes(&format!("entry_{}", entry.index), encode(&entry));
        out.bytes(&format!("digest_{}", entry.index), entry.digest());
    }
}

fn selected(out: &mut Vectors) {
    out.section("select");
    out.bytes("swap_nonce", swap_nonce().as_bytes());
    out.bytes("hashlock", select().hashlock.as_bytes());
    out.bytes("claimant_opening", encode(&opening(0xa0)));
    out.bytes("claimant_opening_commitment", opening(0xa0).commit());
    out.bytes("body", encode(&select()));
    out.bytes("digest", select().digest());
    out.bytes("signed", encode(&select().sign(&claim_key())));
    let part = ClaimantPart {
        opening: opening(0xa0),
        returns: returns(),
    };
    let sealed = part.seal(&claim().id(), &fulfil_key().id(), &[0x62; 32]);
    out.bytes("claimant_part", encode(&part));
    out.bytes("claimant_part_ephemeral", [0x62; 32]);
    out.bytes("claimant_part_sealed", sealed.unwrap().as_slice());
    out.section("answer");
    out.bytes("provider_opening_ephemeral", [0x63; 32]);
    let Verdict::Opened(sealed) = answer().verdict else {
        unreachable!("made above")
    };
    out.bytes("provider_opening_sealed", sealed.as_slice());
    out.bytes("body", encode(&answer()));
    out.bytes("digest", answer().digest());
    out.bytes("signed", encode(&answer().sign(&fulfil_key())));
    out.section("order");
    out.bytes("matched", encode(&order()));
    out.bytes("id", order().id().as_bytes());
}

/// What is framed between two neighbours, and told to everybody.
fn wire(out: &mut Vectors) {
    out.section("wire");
    let hello = LinkHello {
        version: 1,
        network: network(),
        epoch: EPOCH,
        base: link(RELAYS[0]).base(),
        role: LinkRole::Relay,
    };
    out.bytes("hello", ClaimMessage::Link(hello.clone()).write());
    out.bytes("linked", ClaimReply::Linked(hello).write());
    let claim = claim().sign(&claim_key());
    let path = path();
    let first = ClaimEnvelope {
        claim,
        path: path[..1].to_vec(),
    };
    out.bytes("claim", ClaimMessage::Claim(Box::new(first)).write());
    out.bytes("claim_taken", ClaimReply::Taken.write());
    let why = Text::new("it has expired").unwrap();
    out.bytes("claim_refused", ClaimReply::Refused(why.clone()).write());
    let quote = FulfilEnvelope {
        fulfil: fulfil().sign(&fulfil_key()),
        path,
        returns: returns(),
    };
    out.bytes("fulfil", ReturnMessage::Fulfil(Box::new(quote)).write());
    let part = ClaimantPart {
        opening: opening(0xa0),
        returns: returns(),
    };
    let part = part.seal(&self::claim().id(), &fulfil_key().id(), &[0x62; 32]);
    let chosen = SelectEnvelope {
        select: select().sign(&claim_key()),
        part: part.unwrap(),
    };
    out.bytes("select", ReturnMessage::Select(Box::new(chosen)).write());
    let answer = answer().sign(&fulfil_key());
    out.bytes("answer", ReturnMessage::Answer(Box::new(answer)).write());
    out.bytes("return_taken", ReturnReply::Taken.write());
    out.bytes("return_refused", ReturnReply::Refused(why).write());
}

fn gossip(out: &mut Vectors) {
    out.section("gossip");
    let (base, quote) = (self::claim().give.asset, self::claim().want.asset);
    let key = seed(PROVIDER).listing_key(&network());
    let listing = AssetListing {
        version: 1,
        network: network(),
        asset: base.clone(),
        adapter: Text::new("bitcoin").unwrap(),
        decimals: 8,
        freezable: false,
        pairs: vec![ListedPair {
            against: quote.clone(),
            price: limit().ratio,
        }],
        fee: FeeTerms::Free,
        partial: PartialRule::AtLeast(Amount::new(100_000)),
        created_ms: MADE_MS,
        ttl_ms: 3_600_000,
        key: key.id(),
    };
    out.bytes("listing_key", key.id().as_bytes());
    out.bytes("listing_digest", listing.digest());
    let listing = listing.sign(&key);
    AssetListing::check(&listing).unwrap();
    out.bytes("listing", GossipMessage::Listing(Box::new(listing)).write());
    let level = |ratio| Level {
        price: Ratio::new(ratio, 1).unwrap(),
        size: Amount::new(5_000_000),
    };
    let beacon = BookBeacon {
        version: 1,
        network: network(),
        base,
        quote,
        sides: Sides {
            asks: vec![level(201_000_000_000)],
            bids: vec![level(199_000_000_000)],
        },
        created_ms: MADE_MS,
        ttl_ms: 30_000,
        sequence: 9,
        key: bond().id(),
    };
    out.bytes("beacon_digest", beacon.digest());
    let beacon = beacon.sign(&bond());
    BookBeacon::check(&beacon).unwrap();
    out.bytes("beacon", GossipMessage::Beacon(Box::new(beacon)).write());
    let cancel = cancel().sign(&claim_key());
    out.bytes("cancel", GossipMessage::Cancel(cancel).write());
}

fn vectors() -> Vectors {
    let mut out = Vectors::default();
    keys(&mut out);
    there(&mut out);
    back(&mut out);
    selected(&mut out);
    wire(&mut out);
    gossip(&mut out);
    out
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test compares a file, and writes it when told to"
)]
fn claim_path_fulfil_selection_and_answer_of_the_vectors_make_the_order_of_the_vectors() {
    let made = vectors().json();
    if std::env::var("KOFO_WRITE").is_ok() {
        std::fs::write(FILE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    for (made, kept) in made.lines().zip(kept.lines()) {
        assert_eq!(made, kept);
    }
    assert_eq!(made.len(), kept.len());
}

#[test]
fn what_is_sealed_in_the_vectors_opens_for_whom_it_is() {
    let id = claim().id();
    assert_eq!(fulfil().sign(&fulfil_key()).open(&seal_key()), Ok(terms()));
    let Verdict::Opened(sealed) = answer().verdict else {
        unreachable!("made above")
    };
    assert_eq!(Opening::unseal(&id, &seal_key(), &sealed), Ok(opening(0xb0)));
}
