//! Keeps prices and imported books as their sources have them, and stops where a source is stale.

use super::Market;
use super::import::{MAX_BOOK_BYTES, read_book, source_name};
use super::lines::Lines;
use super::prices::{MAX_PRICE_BYTES, read_prices};
use super::source::{Reader, SourceError, Text};
use crate::clock::now_ms;
use crate::config::Source;
use kofo_exchange::{Order, OrderRefused};
use kofo_primitives::Digest;
use std::collections::BTreeSet;
use std::sync::Arc;

fn label(what: &str, source: &Source) -> String {
    match source {
        Source::File(file) => format!("{what} {}", file.display()),
        Source::Url(url) => format!("{what} {url:?}"),
    }
}

/// What was not understood, in one line.
fn bad<T>(lines: &Lines<T>) -> Option<String> {
    let first: Vec<_> = lines.bad.iter().take(3).map(ToString::to_string).collect();
    (lines.bad_count > 0).then(|| format!("{} bad lines: {}", lines.bad_count, first.join("; ")))
}

/// Follows the source of prices until the market ends.
pub(super) async fn follow_prices(market: Arc<Market>, source: Source) {
    let name = label("prices from", &source);
    let mut reader = match Reader::new(&source, &market.parts.data, MAX_PRICE_BYTES) {
        Ok(reader) => reader,
        Err(error) => return market.trouble(&name, Some(error.to_string())),
    };
    loop {
        match reader.read().await {
            Ok(Text::Same) => {}
            Ok(Text::New { bytes, as_of_ms }) => {
                let lines = read_prices(&bytes, as_of_ms, &market.parts.assets);
                let said = bad(&lines);
                let refused = market
                    .state()
                    .dealing
                    .as_mut()
                    .and_then(|dealing| dealing.set_fed(lines.good));
                market.trouble(&name, said.or(refused));
            }
            // What was read before stands until it is stale.
            Err(error) => market.trouble(&name, Some(error.to_string())),
        }
        tokio::time::sleep(reader.pause()).await;
    }
}

/// Follows an order book until the market ends.
pub(super) async fn follow_book(market: Arc<Market>, source: Source) {
    let name = label("book", &source);
    let mut reader = match Reader::new(&source, &market.parts.data, MAX_BOOK_BYTES) {
        Ok(reader) => reader,
        Err(error) => return market.trouble(&name, Some(error.to_string())),
    };
    let mut book = Imported {
        market: Arc::clone(&market),
        source: source_name(&source),
        name,
        held: BTreeSet::new(),
        read_ms: now_ms(),
    };
    loop {
        book.take(reader.read().await).await;
        tokio::time::sleep(reader.pause()).await;
    }
}

struct Imported {
    market: Arc<Market>,
    source: Digest,
    name: String,
    /// The orders that the source has, whether or not they are filled meanwhile.
    held: BTreeSet<Digest>,
    /// When the source was last read (unix ms).
    read_ms: u64,
}

impl Imported {
    async fn take(&mut self, read: Result<Text, SourceError>) {
        match read {
            Ok(Text::Same) => self.read_ms = now_ms(),
            Ok(Text::New { bytes, .. }) => {
                self.read_ms = now_ms();
                let (market, source) = (Arc::clone(&self.market), self.source);
                let parsed =
                    tokio::task::spawn_blocking(move || read_book(&bytes, &source, &market.parts.assets));
                // Only the end of the program interrupts it.
                if let Ok(lines) = parsed.await {
                    let said = bad(&lines);
                    let refused = self.replace(lines.good);
                    self.market.trouble(&self.name, said.or(refused));
                }
            }
            Err(error) => {
                self.market.trouble(&self.name, Some(error.to_string()));
                self.drop_if_stale();
            }
        }
    }

    /// Takes out what the source has no longer, and puts in what is new. Says what is not taken.
    fn replace(&mut self, orders: Vec<Order>) -> Option<String> {
        let mut state = self.market.state();
        let dealing = state.dealing.as_mut()?;
        let now: BTreeSet<_> = orders.iter().map(|order| order.id).collect();
        for gone in self.held.difference(&now) {
            dealing.provider.cancel_order(gone);
        }
        let mut refused = None;
        let now_ms = now_ms();
        for order in orders.into_iter().filter(|order| !self.held.contains(&order.id)) {
            dealing
                .maker
                .imported
                .insert((order.takes.clone(), order.gives.clone()));
            match dealing.provider.add(order, now_ms) {
                Ok(()) | Err(OrderRefused::Known | OrderRefused::Expired { .. }) => {}
                Err(why) => refused = Some(why.to_string()),
            }
        }
        self.held = now;
        refused
    }

    fn drop_if_stale(&mut self) {
        let mut state = self.market.state();
        let Some(dealing) = state.dealing.as_mut() else {
            return;
        };
        let age_ms = now_ms().saturating_sub(self.read_ms);
        if !self.held.is_empty() && age_ms >= dealing.stale_after_ms() {
            dealing.provider.cancel_source(&self.source);
            self.held.clear();
        }
    }
}
