//! A wallet that swaps, in twenty lines: it runs a node of its own in this process, asks the network who gives ether for
//! bitcoin, takes the best quote, and follows the swap to its end.
//!
//! Run it on a data folder of `kofo init` that names a peer: `cargo run -p kofo-examples --example wallet -- ./alice 0.05btc 0.7eth`

use kofo_sdk::types::OutcomeName;
use kofo_sdk::{Passphrase, SdkError, Start, Wallet, Wish};

/// Gives `give` for at least `want`; how it ended.
pub(crate) async fn swap(start: Start, give: &str, want: &str) -> Result<OutcomeName, SdkError> {
    let wallet = Wallet::embed(start).await?;
    let quotes = wallet.quote(&Wish::new(give, want)).await?;
    let Some(best) = quotes.best().cloned() else {
        return Err(SdkError::NoQuote { why: None });
    };
    eprintln!("{} for {}, {}", best.want, best.give, best.price);
    let swap = quotes.take(best.fulfil).await?;
    let outcome = swap
        .follow(|now| eprintln!("{}: at risk {:?}", now.state, now.at_risk))
        .await?;
    wallet.close().await?;
    Ok(outcome)
}

#[tokio::main]
#[allow(dead_code, reason = "a test includes this file for `swap`")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, give, want] = args.as_slice() else {
        anyhow::bail!(
            "expected a data folder, what is given and what is wanted, such as: ./alice 0.05btc 0.7eth"
        );
    };
    let start = Start {
        data: data.into(),
        passphrase: Passphrase::from_file(std::env::var("KOFO_PASSPHRASE_FILE")?.as_ref())?,
        network: None,
        role: None,
    };
    let outcome = swap(start, give, want).await?;
    anyhow::ensure!(outcome == OutcomeName::Redeemed, "it ended: {outcome}");
    Ok(())
}
