//! A payer who holds bitcoin pays a merchant who wants ether: only the payer's node knows the preimage, and what it redeems
//! goes to the merchant's address, who runs nothing.
//!
//! Run it on a data folder of `kofo init` that names a peer:
//! `cargo run -p kofo-examples --example merchant -- ./payer 0.05btc 0.7eth 0x…`

use kofo_sdk::types::OutcomeName;
use kofo_sdk::{Passphrase, SdkError, Start, Wallet, Wish};

/// Pays at least `bill`, such as `0.7eth`, to an address, out of at most `with`, such as `0.05btc`; how it ended.
///
/// Redeemed: the merchant has been paid. Refunded: the payer has its own back, less fees, and the bill is open.
pub(crate) async fn pay(start: Start, with: &str, bill: &str, to: &str) -> Result<OutcomeName, SdkError> {
    let payer = Wallet::embed(start).await?;
    let swap = payer.swap(&Wish::new(with, bill).pay_to(to)).await?;
    let outcome = swap.follow(|now| eprintln!("{}", now.state)).await?;
    payer.close().await?;
    Ok(outcome)
}

#[tokio::main]
#[allow(dead_code, reason = "a test includes this file for `pay`")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, with, bill, to] = args.as_slice() else {
        anyhow::bail!(
            "expected a data folder, the most that is given, the bill and an address, such as: ./payer 0.05btc 0.7eth 0x…"
        );
    };
    let start = Start {
        data: data.into(),
        passphrase: Passphrase::from_file(std::env::var("KOFO_PASSPHRASE_FILE")?.as_ref())?,
        network: None,
        role: None,
    };
    let outcome = pay(start, with, bill, to).await?;
    anyhow::ensure!(outcome == OutcomeName::Redeemed, "it ended: {outcome}");
    Ok(())
}
