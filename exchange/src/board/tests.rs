use super::*;
use crate::beacon::tests::beacon;
use crate::beacon::{Level, Sides};
use crate::fixtures::{BTC, ETH, asset, network};
use crate::listing::tests::listing;
use kofo_primitives::{Amount, NodeKey, Ratio};
use proptest::prelude::*;

const NOW: u64 = 1_000;

fn board() -> Board {
    Board::new(network(), BoardBounds::default())
}

fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

fn signed(n: u8, change: impl Fn(&mut BookBeacon)) -> Signed<BookBeacon> {
    let mut beacon = BookBeacon {
        key: key(n).id(),
        ..beacon()
    };
    change(&mut beacon);
    beacon.sign(&key(n))
}

fn listed(n: u8, change: impl Fn(&mut AssetListing)) -> Signed<AssetListing> {
    let mut listing = AssetListing {
        key: key(n).id(),
        ..listing()
    };
    change(&mut listing);
    listing.sign(&key(n))
}

fn level(price: u128, size: u128) -> Level {
    Level {
        price: Ratio::new(price, 1).unwrap(),
        size: Amount::new(size),
    }
}

fn view(price: (u128, u128), size: u128, makers: u32) -> ViewLevel {
    ViewLevel {
        price: Ratio::new(price.0, price.1).unwrap(),
        size: Amount::new(size),
        makers,
    }
}

#[test]
fn a_listing_and_a_beacon_are_news_once_and_over_when_their_time_is() {
    let mut board = board();
    assert_eq!(board.add_listing(listed(1, |_| ()), NOW), Ok(true));
    assert_eq!(board.add_listing(listed(1, |_| ()), NOW), Ok(false));
    assert_eq!(board.add_beacon(signed(1, |_| ()), NOW), Ok(true));
    assert_eq!(board.add_beacon(signed(1, |_| ()), NOW), Ok(false));
    let end = NOW + 60_000;
    assert_eq!(board.listings(end - 1).count(), 1);
    assert_eq!(board.messages(end - 1).count(), 2);
    assert_eq!(board.listings(end).count(), 0);
    assert_eq!(board.book(&asset(BTC), &asset(ETH), end), BookView::default());
    board.expire(end);
    assert!(board.listings.is_empty() && board.beacons.is_empty());
    assert!(board.listings_of.is_empty() && board.beacons_of.is_empty());
}

#[test]
fn the_newest_of_a_key_and_pair_counts_and_an_older_one_never_comes_back() {
    let mut board = board();
    let first = signed(1, |_| ());
    assert_eq!(board.add_beacon(first.clone(), NOW), Ok(true));
    let short = signed(1, |b| {
        b.sequence = 3;
        b.ttl_ms = 1_000;
        b.sides.asks.clear();
    });
    assert_eq!(board.add_beacon(short, NOW), Ok(true));
    assert!(board.book(&asset(BTC), &asset(ETH), NOW).asks.is_empty());
    // The newer one has expired, the older one has not: it is old all the same.
    board.expire(NOW + 2_000);
    let old = GossipRefused::Old { have: 3, got: 1 };
    assert_eq!(board.add_beacon(first, NOW + 2_000), Err(old.clone()));
    assert_eq!(old.blame(), None, "it may have come a longer way");
    let another = signed(1, |b| b.sequence = 3);
    assert_eq!(
        board.add_beacon(another, NOW),
        Err(GossipRefused::Old { have: 3, got: 3 })
    );
    assert_eq!(
        board.book(&asset(BTC), &asset(ETH), NOW + 2_000),
        BookView::default()
    );
}

#[test]
fn a_later_listing_of_a_key_replaces_the_earlier_one() {
    let mut board = board();
    board.add_listing(listed(1, |_| ()), NOW).unwrap();
    assert_eq!(board.add_listing(listed(1, |l| l.created_ms += 1), NOW), Ok(true));
    assert_eq!(
        board.listings(NOW).map(|l| l.created_ms).collect::<Vec<_>>(),
        [1_001]
    );
    assert!(board.add_listing(listed(1, |_| ()), NOW).is_err());
    assert_eq!(
        board.add_listing(listed(2, |_| ()), NOW),
        Ok(true),
        "another key's stands beside it"
    );
}

#[test]
fn what_is_early_late_forged_or_of_another_network_is_refused_and_blamed_where_an_honest_node_would_not_pass_it_on()
 {
    let mut board = board();
    let refused = |board: &mut Board, beacon, now_ms| board.add_beacon(beacon, now_ms).unwrap_err().blame();
    assert_eq!(
        refused(&mut board, signed(1, |b| b.created_ms = NOW + SKEW_MS + 1), NOW),
        None
    );
    assert_eq!(
        board.add_beacon(signed(1, |b| b.created_ms = NOW + SKEW_MS), NOW),
        Ok(true)
    );
    let end = NOW + 60_000;
    assert_eq!(refused(&mut board, signed(2, |_| ()), end), None, "it took long");
    assert_eq!(
        refused(&mut board, signed(2, |_| ()), end + LATE_MS + 1),
        Some(Blame::Replay)
    );
    let other = |b: &mut BookBeacon| b.network = NetworkId::new("other").unwrap();
    assert_eq!(refused(&mut board, signed(2, other), NOW), Some(Blame::Malformed));
    assert_eq!(
        refused(&mut board, signed(2, |b| b.ttl_ms = 60_001), NOW),
        Some(Blame::Malformed)
    );
    let mut forged = signed(2, |_| ());
    forged.body.sides.bids.clear();
    assert_eq!(refused(&mut board, forged, NOW), Some(Blame::Signature));
    let mut forged = listed(2, |_| ());
    forged.body.decimals = 3;
    assert_eq!(
        board.add_listing(forged, NOW).unwrap_err().blame(),
        Some(Blame::Signature)
    );
    let empty = listed(2, |l| l.pairs.clear());
    assert_eq!(
        board.add_listing(empty, NOW).unwrap_err().blame(),
        Some(Blame::Malformed)
    );
    assert!(board.listings_of.is_empty(), "what is refused takes no room");
}

#[test]
fn keys_pairs_and_the_whole_board_are_bounded_and_a_full_board_is_nobodys_fault() {
    let mut board = Board::new(
        network(),
        BoardBounds {
            listings: 3,
            beacons: 5,
            per_key: 2,
            per_pair: 3,
        },
    );
    let of = |n: u8, pair: u32| signed(n, |b| b.quote = asset(&format!("eip155:{pair}/slip44:60")));
    let full = |what, most| Err(GossipRefused::Full { what, most });
    for n in 1..=3 {
        board.add_beacon(of(n, 1), NOW).unwrap();
    }
    assert_eq!(board.add_beacon(of(4, 1), NOW), full("makers of one pair", 3));
    board.add_beacon(of(1, 2), NOW).unwrap();
    let flood = GossipRefused::TooManyOfKey(2);
    assert_eq!(board.add_beacon(of(1, 3), NOW), Err(flood.clone()));
    assert_eq!(flood.blame(), Some(Blame::Flood));
    board.add_beacon(of(4, 2), NOW).unwrap();
    assert_eq!(board.add_beacon(of(5, 3), NOW), full("beacons", 5));
    assert_eq!(
        GossipRefused::Full {
            what: "beacons",
            most: 5
        }
        .blame(),
        None
    );
    // Who is on it may still say something newer.
    let newer = signed(1, |b| {
        b.quote = asset("eip155:1/slip44:60");
        b.sequence = 2;
    });
    assert_eq!(board.add_beacon(newer, NOW), Ok(true));
    for n in 1..=3 {
        board.add_listing(listed(n, |_| ()), NOW).unwrap();
    }
    assert_eq!(board.add_listing(listed(4, |_| ()), NOW), full("listings", 3));
    board.expire(NOW + 60_000);
    let late = listed(4, |l| l.created_ms = NOW + 60_000);
    assert_eq!(
        board.add_listing(late, NOW + 60_000),
        Ok(true),
        "what is over makes room"
    );
}

#[test]
fn a_pairs_book_is_everybodys_best_first_with_how_many_stand_behind_each_level() {
    let mut board = board();
    board.add_beacon(signed(1, |_| ()), NOW).unwrap();
    let second = |b: &mut BookBeacon| {
        b.sides = Sides {
            asks: vec![level(21, 1), level(23, 1)],
            bids: vec![level(20, 2)],
        }
    };
    board.add_beacon(signed(2, second), NOW).unwrap();
    let book = board.book(&asset(BTC), &asset(ETH), NOW);
    let (one, two) = (1, 2);
    assert_eq!(
        book.asks,
        [
            view((21, 1), 6, two),
            view((22, 1), 9, one),
            view((23, 1), 1, one)
        ]
    );
    assert_eq!(book.bids, [view((20, 1), 12, two), view((19, 1), 5, one)]);
}

#[test]
fn seen_from_the_other_asset_who_sells_the_one_buys_the_other() {
    let mut board = board();
    board.add_beacon(signed(1, |_| ()), NOW).unwrap();
    let book = board.book(&asset(ETH), &asset(BTC), NOW);
    // 10 BTC are bought at 20 ETH: 200 ETH are sold at 1/20 BTC.
    assert_eq!(book.asks, [view((1, 20), 200, 1), view((1, 19), 95, 1)]);
    assert_eq!(book.bids, [view((1, 21), 105, 1), view((1, 22), 198, 1)]);
}

#[test]
fn ec_stands_against_every_other_asset_though_nobody_lists_it() {
    let (ec, eusd) = (asset("eip155:7/slip44:7"), asset("eip155:7/erc20:0xeu5d"));
    let assets = [asset(BTC), asset(ETH), ec.clone()];
    let pair = |a: &AssetId, b: &str| (a.clone(), asset(b));
    let ec_alone = vec![pair(&ec, BTC), pair(&ec, ETH)];
    assert_eq!(board().pairs(std::slice::from_ref(&ec), &assets, NOW), ec_alone);
    let both = [
        vec![(ec.clone(), eusd.clone())],
        ec_alone.clone(),
        vec![pair(&eusd, BTC), pair(&eusd, ETH)],
    ];
    assert_eq!(default_pairs(&[ec.clone(), eusd], &assets), both.concat());
    assert_eq!(default_pairs(&[], &assets), []);
}

#[test]
fn a_pair_that_anybody_lists_or_quotes_is_there_once_until_it_expires() {
    let mut board = board();
    board.add_listing(listed(1, |_| ()), NOW).unwrap();
    board.add_listing(listed(2, |_| ()), NOW).unwrap();
    board.add_beacon(signed(1, |_| ()), NOW).unwrap();
    let bank = listing().asset;
    let pairs = [
        (bank.clone(), asset(BTC)),
        (bank, asset(ETH)),
        (asset(BTC), asset(ETH)),
    ];
    assert_eq!(board.pairs(&[], &[], NOW), pairs);
    // The default one has it the other way round, and first.
    let with = board.pairs(&[asset(ETH)], &[asset(BTC)], NOW);
    assert_eq!((with.len(), with[0].clone()), (3, (asset(ETH), asset(BTC))));
    assert_eq!(board.pairs(&[], &[], NOW + 60_000), []);
}

#[test]
fn who_joins_late_learns_the_whole_board_from_its_messages() {
    let (mut old, mut new) = (board(), board());
    for n in 1..5 {
        old.add_listing(listed(n, |_| ()), NOW).unwrap();
        old.add_beacon(signed(n, |_| ()), NOW).unwrap();
    }
    for message in old.messages(NOW) {
        match GossipMessage::read(&message.write()).unwrap() {
            GossipMessage::Listing(listing) => assert_eq!(new.add_listing(*listing, NOW), Ok(true)),
            GossipMessage::Beacon(beacon) => assert_eq!(new.add_beacon(*beacon, NOW), Ok(true)),
            GossipMessage::Cancel(_) => panic!("the board has none"),
        }
    }
    let (base, quote) = (asset(BTC), asset(ETH));
    assert_eq!(new.book(&base, &quote, NOW), old.book(&base, &quote, NOW));
    assert_eq!(new.listings(NOW).count(), 4);
}

proptest! {
    #[test]
    fn whatever_is_said_the_bounds_hold_and_the_highest_number_of_each_key_is_what_is_shown(
        said in prop::collection::vec((1u8..6, 1u32..4, 0u64..6, 0u64..4, 1u64..50_000), 0..60)
    ) {
        let bounds = BoardBounds { listings: 1, beacons: 6, per_key: 2, per_pair: 3 };
        let mut board = Board::new(network(), bounds);
        let mut now = NOW;
        for (n, pair, sequence, wait, ttl_ms) in said {
            now += wait * 10_000;
            board.expire(now);
            let heard = signed(n, |b| {
                b.quote = asset(&format!("eip155:{pair}/slip44:60"));
                (b.sequence, b.ttl_ms, b.created_ms) = (sequence, ttl_ms, now);
            });
            let place = (heard.body.base.clone(), heard.body.quote.clone());
            let have = |board: &Board| board.beacons.get(&place).and_then(|m| m.get(&key(n).id())).map(|kept| kept.number);
            let before = have(&board);
            match board.add_beacon(heard, now) {
                Ok(_) => prop_assert!(have(&board) == Some(sequence) && before.is_none_or(|before| before <= sequence)),
                Err(GossipRefused::Old { .. }) => prop_assert!(before >= Some(sequence)),
                Err(GossipRefused::TooManyOfKey(_) | GossipRefused::Full { .. }) => prop_assert_eq!(before, None),
                Err(other) => prop_assert!(false, "{}", other),
            }
            let all: usize = board.beacons.values().map(BTreeMap::len).sum();
            prop_assert!(all <= bounds.beacons && board.beacons.values().all(|makers| makers.len() <= bounds.per_pair));
            prop_assert!(board.beacons_of.values().all(|have| *have <= bounds.per_key));
            prop_assert_eq!(board.beacons_of.values().sum::<u32>() as usize, all);
        }
    }
}
