//! A book of live orders: what an order takes of memory, how long a match takes, and how long a restart.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kofo_exchange::{Book, BookBounds, Fill, Order, Wanted};
use kofo_primitives::{Amount, AssetId, Ratio, tagged_hash};
use kofo_tests::sim::Dice;
use serde::Serialize;

use super::median;
use crate::process::resident_bytes;

/// Every order lives longer than the measurement.
const NOW_MS: u64 = 1_000_000;
const EXPIRES_MS: u64 = 2_000_000;
/// So many feeds have brought them.
const SOURCES: u64 = 10;
/// Prices are this many, 10 orders at each on average.
const PRICES: u64 = 10_000;
/// A sweep takes the best so many.
const SWEPT: usize = 100;
const MATCHES: usize = 1_000;

/// What was measured on one book.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figures {
    /// The larger of what the process grew by, and what the book's own vectors hold.
    bytes_per_order: u64,
    /// To find and take the best order's part, median.
    best_match_us: f64,
    /// To find and take all of the best hundred, median.
    sweep100_us: f64,
    /// From a file to the first match.
    restart_ms: f64,
    /// What the book's own vectors hold, by orders.
    #[serde(skip)]
    vectors: u64,
}

impl Figures {
    /// What people read.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("memory per order, bytes", self.bytes_per_order.to_string()),
            ("of it in the book's own vectors", self.vectors.to_string()),
            ("best match, µs", format!("{:.2}", self.best_match_us)),
            ("sweep of 100 orders, µs", format!("{:.1}", self.sweep100_us)),
            (
                "restart, from the file to the first match, ms",
                format!("{:.1}", self.restart_ms),
            ),
        ]
    }
}

struct Pair {
    takes: AssetId,
    gives: AssetId,
}

impl Pair {
    fn new() -> Result<Self> {
        Ok(Self {
            takes: AssetId::new("bip122:000000000019d6689c085ae165831e93/slip44:0")?,
            gives: AssetId::new("eip155:1/slip44:60")?,
        })
    }

    /// About 16 ether for a bitcoin, 0.01 to 1 bitcoin, in part from a thousandth.
    fn order(&self, nth: u64, dice: &mut Dice) -> Result<Order> {
        let price = 160_000_000_000 + u128::from(dice.roll(PRICES)) * 1_000_000;
        Ok(Order {
            id: tagged_hash("order", &[&nth.to_le_bytes()]),
            source: tagged_hash("source", &[&(nth % SOURCES).to_le_bytes()]),
            takes: self.takes.clone(),
            gives: self.gives.clone(),
            price: Ratio::new(price, 1).context("a price above 0")?,
            size: Amount::new(1_000_000 + u128::from(dice.roll(99_000_000))),
            least: Some(Amount::new(100_000)),
            expires_ms: EXPIRES_MS,
        })
    }

    fn wanted(&self, amount: Amount) -> Wanted<'_> {
        Wanted {
            give: &self.takes,
            want: &self.gives,
            amount,
            limit: Ratio::new(1, 1),
            least: Some(Amount::new(1)),
            most: None,
        }
    }
}

/// Fills a book with so many orders of one pair and measures. Best called before the process has freed much, so that
/// what it grows by is the book's.
pub(super) fn measure(orders: u64) -> Result<Figures> {
    let (pair, mut dice) = (Pair::new()?, Dice::new(4));
    let before = resident_bytes()?;
    let mut book = Book::new(BookBounds::default());
    for nth in 0..orders {
        book.add(pair.order(nth, &mut dice)?, NOW_MS)?;
    }
    let grown = resident_bytes()?.saturating_sub(before);
    let held = u64::try_from(book.heap_bytes())?;
    ensure!(
        u64::try_from(book.len())? == orders,
        "expected {orders} orders in the book"
    );
    let best = matches(&mut book, &pair, Amount::new(150_000), 1)?;
    let all = book.matches(&pair.wanted(Amount::new(u128::from(u64::MAX))), NOW_MS);
    let hundred = all.iter().take(SWEPT).map(|fill| fill.give.units()).sum();
    let sweep = matches(&mut book, &pair, Amount::new(hundred), SWEPT)?;
    Ok(Figures {
        bytes_per_order: grown.max(held) / orders.max(1),
        best_match_us: micros(best),
        sweep100_us: micros(sweep),
        restart_ms: restart(&book, &pair)?,
        vectors: held / orders.max(1),
    })
}

/// The median time to find the fills of an amount and take them out of the book. They are put back in between.
fn matches(book: &mut Book, pair: &Pair, amount: Amount, fills: usize) -> Result<Duration> {
    let mut times = Vec::with_capacity(MATCHES);
    for _ in 0..MATCHES {
        let start = Instant::now();
        let found = book.matches(&pair.wanted(amount), NOW_MS);
        let taken = found.iter().all(|fill| book.take(fill));
        times.push(start.elapsed());
        ensure!(
            found.len() == fills && taken,
            "expected {fills} fills, found {}",
            found.len()
        );
        put_back(book, &found)?;
    }
    Ok(median(times))
}

fn put_back(book: &mut Book, fills: &[Fill]) -> Result<()> {
    let back = fills.iter().rev().all(|fill| book.put_back(fill));
    ensure!(back, "what was taken cannot be put back");
    Ok(())
}

/// The book is written to a file, and is there again: how long until its first match.
fn restart(book: &Book, pair: &Pair) -> Result<f64> {
    let wanted = pair.wanted(Amount::new(150_000));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("book");
    fs::write(&path, borsh::to_vec(book)?)?;
    let start = Instant::now();
    let back: Book = borsh::from_slice(&fs::read(&path)?)?;
    let first = back.matches(&wanted, NOW_MS);
    let took = start.elapsed();
    ensure!(
        first == book.matches(&wanted, NOW_MS) && back.len() == book.len(),
        "the book is another one after its restart"
    );
    Ok((took.as_secs_f64() * 10_000.0).round() / 10.0)
}

fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e8).round() / 100.0
}
