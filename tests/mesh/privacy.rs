//! What a relay is told and keeps: nothing that says who is at either end, and nothing that ties two claims together.

use kofo_exchange::{ClaimMessage, ReturnMessage};
use kofo_journal::Journal;
use kofo_network::{PeerId, Plane, SimulatedNetwork};
use kofo_node::market::Timing;
use kofo_node::rpc::api::ClaimTerms;
use kofo_primitives::{ClaimId, MatchedOrder};
use kofo_tests::mesh::{Member, Tap, Told, Wish, join, terms, until};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A wallet, three relays and a provider, each the neighbour of the next.
const WALLET: usize = 0;
const RELAYS: std::ops::RangeInclusive<usize> = 1..=3;
const PROVIDER: usize = 4;

struct Line {
    members: Vec<Member>,
    tap: Tap,
}

impl Line {
    async fn new() -> Self {
        let (air, tap) = (SimulatedNetwork::new(7), Tap::default());
        let quick = Timing {
            window: Duration::from_millis(300),
            tick: Duration::from_millis(20),
            beacon: Duration::from_millis(500),
            ..Timing::default()
        };
        let relays = RELAYS.map(|nth| Wish::relay(nth as u64 + 7_000));
        let (wallet, provider) = (Wish::wallet(7_000), Wish::provider(7_004, "16", "10"));
        let wishes = [wallet].into_iter().chain(relays).chain([provider]);
        let members: Vec<_> = wishes
            .map(|wish| {
                join(
                    &air,
                    Wish {
                        timing: quick,
                        ..wish
                    },
                    tap.clone(),
                )
            })
            .collect();
        for pair in members.windows(2) {
            air.link(pair[0].peer, pair[1].peer);
        }
        for pair in members.windows(2) {
            until("neighbours have said hello", || {
                pair[0].knows(pair[1].peer) && pair[1].knows(pair[0].peer)
            })
            .await;
        }
        Self { members, tap }
    }

    /// One claim, quoted for, selected and opened, until both ends have begun its swap.
    async fn trade(&self, amount: u128, hide_limit: bool) -> ClaimId {
        let claim = ClaimTerms {
            manual: false,
            hide_limit,
            ..terms(amount)
        };
        let before = self.members[PROVIDER].settled.begun().len();
        let id = self.members[WALLET].market.claim(claim).await.unwrap();
        until("both ends have begun the swap", || {
            let begun = |member: usize| self.members[member].settled.begun().len() > before;
            begun(WALLET) && begun(PROVIDER)
        })
        .await;
        id
    }

    /// What a node was told and answered, and what it said itself and was answered.
    fn heard_by(&self, node: usize) -> Vec<Told> {
        let us = self.members[node].peer;
        let all = self.tap.told().into_iter();
        all.filter(|told| told.to == us || told.from == us).collect()
    }

    fn orders(&self) -> Vec<MatchedOrder> {
        let begun = self.members[WALLET].settled.begun();
        begun
            .iter()
            .map(|(order, _)| order.as_matched().unwrap().clone())
            .collect()
    }

    /// Everything that must stay between the two ends, with what it is.
    fn secrets(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut secrets = Vec::new();
        for order in self.orders() {
            let parts = order.parts();
            for opening in [&parts.claimant, &parts.provider] {
                secrets.push(("a party of the alpha leg", opening.alpha.as_slice().to_vec()));
                secrets.push(("a party of the beta leg", opening.beta.as_slice().to_vec()));
                secrets.push(("an opening's salt", opening.salt.to_vec()));
                for contact in &opening.contacts {
                    secrets.push(("a contact", contact.as_str().as_bytes().to_vec()));
                }
            }
            secrets.push((
                "the provider's bond",
                parts.terms.reservation.bond.as_bytes().to_vec(),
            ));
            secrets.push(("the provider's nonce", parts.terms.nonce.as_bytes().to_vec()));
        }
        secrets
    }
}

/// Both forms of a peer's name: its text, and the public key in it.
fn names_of(peer: PeerId) -> [Vec<u8>; 2] {
    let text = peer.to_string();
    [text.clone().into_bytes(), public_key(&text)]
}

/// The key in a peer id: what the text says in base58 is the multihash of an ed25519 key, which is the key itself.
fn public_key(base58: &str) -> Vec<u8> {
    const DIGITS: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut number = [0u8; 38];
    for digit in base58.chars() {
        let mut carry = DIGITS.find(digit).unwrap();
        for byte in number.iter_mut().rev() {
            let sum = usize::from(*byte) * 58 + carry;
            (*byte, carry) = (u8::try_from(sum % 256).unwrap(), sum / 256);
        }
    }
    let (kind, key) = number.split_at(6);
    assert_eq!(kind, [0, 36, 8, 1, 18, 32], "the peer id of an ed25519 key");
    key.to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// All bytes that a node keeps: names and values of its journal.
fn kept(member: &Member) -> Vec<u8> {
    let all = member.journal.scan("").unwrap();
    assert!(!all.is_empty(), "a relay keeps what it has seen");
    let bytes = all
        .into_iter()
        .flat_map(|(name, value)| [name.into_bytes(), value.to_vec()]);
    bytes.flatten().collect()
}

/// The claim that a message is about, and all that it says.
fn about(told: &Told) -> Option<(ClaimId, String)> {
    match told.plane {
        Plane::Claim => match ClaimMessage::read(&told.body).unwrap() {
            ClaimMessage::Link(_) => None,
            ClaimMessage::Claim(envelope) => Some((envelope.claim.body.id(), format!("{envelope:?}"))),
        },
        Plane::Return => {
            let message = ReturnMessage::read(&told.body).unwrap();
            let claim = match &message {
                ReturnMessage::Fulfil(envelope) => envelope.fulfil.body.claim,
                ReturnMessage::Select(envelope) => envelope.select.body.claim,
                ReturnMessage::Answer(answer) => answer.body.claim,
            };
            Some((claim, format!("{message:?}")))
        }
        Plane::Direct => None,
    }
}

/// Everything in a text that could be a name: 32 hexadecimal digits and more, and lists of 16 numbers and more.
fn names(text: &str) -> BTreeSet<String> {
    let hex = text
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() >= 32);
    let number = |c: char| c.is_ascii_digit() || c == ',' || c == ' ';
    let lists = text
        .split(|c: char| !number(c))
        .filter(|list| list.matches(',').count() >= 15);
    hex.chain(lists)
        .filter(|name| name.chars().any(|c| c != '0' && c != ',' && c != ' '))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_learn_no_name_address_or_contact_of_either_end_and_nothing_that_ties_two_claims_together() {
    let line = Line::new().await;
    let claims = [
        line.trade(1_000_000, false).await,
        line.trade(2_000_000, true).await,
    ];
    until("relays have written what they have seen", || {
        let has = |node: usize| {
            !line.members[node]
                .journal
                .scan("market/guards")
                .unwrap()
                .is_empty()
        };
        RELAYS.clone().all(has)
    })
    .await;

    let secrets = line.secrets();
    assert!(
        secrets.iter().any(|(what, _)| *what == "a contact"),
        "the parties are reachable"
    );
    for relay in RELAYS {
        let heard = line.heard_by(relay);
        let said = |told: &Told| [told.body.clone(), told.answer.clone().unwrap_or_default()].concat();
        let mut texts: Vec<Vec<u8>> = heard.iter().map(said).collect();
        texts.push(kept(&line.members[relay]));
        // What it holds in memory is text, and so are the secrets in it, if there are any.
        let dump = line.members[relay].market.dump();
        assert!(
            claims.iter().all(|claim| dump.contains(&claim.to_string())),
            "it holds both claims"
        );
        for (what, secret) in &secrets {
            assert!(!dump.contains(&hex(secret)), "relay {relay} holds {what}");
        }
        texts.push(dump.into_bytes());
        for text in &texts {
            for (what, secret) in &secrets {
                assert!(!holds(text, secret), "relay {relay} knows {what}");
            }
            for other in (WALLET..=PROVIDER).filter(|other| other.abs_diff(relay) > 1) {
                let peer = line.members[other].peer;
                assert!(
                    !names_of(peer).iter().any(|name| holds(text, name)),
                    "relay {relay} knows node {other}, which is no neighbour"
                );
            }
        }

        let mut by_claim: BTreeMap<ClaimId, BTreeSet<String>> = BTreeMap::new();
        for (claim, text) in heard.iter().filter_map(about) {
            by_claim.entry(claim).or_default().extend(names(&text));
        }
        let [first, second] = claims.map(|claim| &by_claim[&claim]);
        assert!(
            first.len() > 20 && second.len() > 20,
            "claim, quote, selection and answer came by"
        );
        let common: Vec<_> = first.intersection(second).collect();
        assert!(
            common.is_empty(),
            "relay {relay} can tie two claims together by {common:?}"
        );
    }
}

#[test]
fn what_a_test_looks_for_it_would_find() {
    assert!(holds(b"..abc..", b"abc") && !holds(b"..ab", b"abc"));
    let text = format!(
        "Key({}) [{}] short 00ff {:?}",
        "ab".repeat(16),
        "1, ".repeat(20),
        [0u8; 32]
    );
    assert_eq!(names(&text).len(), 2);
}
