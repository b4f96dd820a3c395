//! A provider with a pricing source of its own: this program asks the provider's node what it has, and serves it a price that
//! leans towards what it is short of. The node asks twice a second, and stops quoting when nobody answers.
//!
//! In the provider's kofo.toml: `price_url = "http://127.0.0.1:8080/prices"`. Then:
//! `cargo run -p kofo-examples --example pricing -- ./provider 8080 16.2`

use anyhow::{Context, Result, bail};
use kofo_sdk::Wallet;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request has at most so many bytes that anybody reads.
const MOST_REQUEST: u64 = 4096;

/// What is traded, and where the price lies when there is as much of one as of the other.
pub(crate) struct Book {
    /// The price of one BTC in thousandths of an ETH.
    pub(crate) middle: u64,
    /// How much of the first asset one quote is for at most, as the node reads it.
    pub(crate) most: String,
}

impl Book {
    /// The price when so much is there of each, in thousandths of an ETH: up to 1 % more for bitcoin when there is none of
    /// it, up to 1 % less when there is nothing else.
    pub(crate) fn price(&self, btc_worth: u128, eth: u128) -> u64 {
        let total = btc_worth.saturating_add(eth).max(1);
        // Between 0, all ether, and 20,000, all bitcoin; 10,000 is as much of each.
        let lean = btc_worth.saturating_mul(20_000) / total;
        let per_million = 1_010_000_u128.saturating_sub(lean);
        let price = u128::from(self.middle).saturating_mul(per_million) / 1_000_000;
        u64::try_from(price).unwrap_or(self.middle)
    }

    /// The line that the node reads.
    pub(crate) fn line(&self, price: u64) -> String {
        let (whole, thousandths) = (price / 1000, price % 1000);
        let most = &self.most;
        format!(
            "{{\"pair\":\"BTC/ETH\",\"price\":\"{whole}.{thousandths:03}\",\"spread_bps\":30,\"least\":\"0.001\",\"most\":\"{most}\"}}\n"
        )
    }
}

/// Serves the price to whoever asks, one after the other, until a socket fails.
pub(crate) async fn serve(listener: TcpListener, wallet: Wallet, book: Book) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let answered = answer(stream, &wallet, &book).await;
        if let Err(error) = answered {
            eprintln!("nobody was told a price: {error:#}");
        }
    }
}

async fn answer(mut stream: TcpStream, wallet: &Wallet, book: &Book) -> Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(tokio::io::AsyncReadExt::take(read, MOST_REQUEST)).lines();
    while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    let [btc, eth] = [holds(wallet, "BTC").await?, holds(wallet, "ETH").await?];
    let body = book.line(book.price(btc.saturating_mul(u128::from(book.middle)), eth));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    write.write_all(head.as_bytes()).await?;
    write.write_all(body.as_bytes()).await?;
    Ok(write.shutdown().await?)
}

/// What the node holds of an asset, in thousandths.
async fn holds(wallet: &Wallet, symbol: &str) -> Result<u128> {
    let balances = wallet.balances().await?;
    let mut held = balances.into_iter().filter_map(|one| one.spendable);
    let held = held
        .find(|held| held.symbol == symbol)
        .with_context(|| format!("the node has no {symbol}"))?;
    Ok(thousandths(&held.amount)?)
}

/// Decimal text in thousandths; what is smaller is left out.
fn thousandths(text: &str) -> Result<u128, std::num::ParseIntError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    format!("{whole}{part}").parse()
}

#[tokio::main]
#[allow(dead_code, reason = "a test includes this file for `serve`")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, port, middle] = args.as_slice() else {
        bail!("expected the provider's data folder, a port and a price, such as: ./provider 8080 16.2");
    };
    let book = Book {
        middle: thousandths(middle)?.try_into()?,
        most: "1".to_owned(),
    };
    let listener = TcpListener::bind(("127.0.0.1", port.parse::<u16>()?)).await?;
    serve(listener, Wallet::connect(data.as_ref())?, book).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_leans_by_a_hundredth_at_most_towards_what_is_missing() {
        let book = Book {
            middle: 16_200,
            most: "1".into(),
        };
        assert_eq!(book.price(50, 50), 16_200);
        assert_eq!(book.price(0, 100), 16_362);
        assert_eq!(book.price(100, 0), 16_038);
        assert!(book.line(16_038).contains("\"price\":\"16.038\""));
    }
}
