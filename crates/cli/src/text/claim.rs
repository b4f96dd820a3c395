//! Claims and quotes as people read them.

use super::table;
use kofo_node::clock;
use kofo_node::rpc::types::{ClaimStatus, QuoteState, QuoteStatus};
use kofo_primitives::Seconds;

/// So many digits tell one of a few ids from the others.
const SHORT: usize = 8;

/// An id as a person tells it from a few others.
#[must_use]
pub fn short(id: &str) -> String {
    let first: String = id.chars().take(SHORT).collect();
    if first.len() < id.len() {
        format!("{first}…")
    } else {
        first
    }
}

/// A claim in one line.
#[must_use]
pub fn line(claim: &ClaimStatus) -> String {
    format!(
        "{}  {:<9}  {} for at least {}, filled: {}, quotes: {}",
        claim.id,
        claim.state.to_string(),
        claim.give,
        claim.want,
        claim.filled,
        claim.quotes.len()
    )
}

/// A claim and all its quotes.
#[must_use]
pub fn quotes(claim: &ClaimStatus) -> String {
    let mut text = format!(
        "claim   {}\nstate   {}\ngive    {}, {} of it filled\nwant    {} at least{}\n{}\n",
        claim.id,
        claim.state,
        claim.give,
        claim.filled,
        claim.want,
        if claim.hidden {
            ", which nobody is told"
        } else {
            ""
        },
        expiry("expires", claim.expires_ms),
    );
    if let Some(trouble) = &claim.trouble {
        text.push_str(&format!("trouble {trouble}\n"));
    }
    if claim.quotes.is_empty() {
        text.push_str("no quotes yet: providers answer within seconds, if any deals in this\n");
        return text;
    }
    let head = [
        "quote",
        "provider",
        "give",
        "want",
        "price",
        "settled",
        "hops",
        "path",
        "binds for",
        "state",
    ];
    let rows: Vec<_> = claim.quotes.iter().map(row).collect();
    text.push_str(&format!("\n{}\n", table(&head, &[5, 6], &rows)));
    for quote in &claim.quotes {
        if let Some(trouble) = &quote.trouble {
            text.push_str(&format!("{}: {trouble}\n", short(&quote.fulfil.to_string())));
        }
        if let Some(swap) = quote.swap {
            text.push_str(&format!("{}: swap {swap}\n", short(&quote.fulfil.to_string())));
        }
    }
    text
}

fn row(quote: &QuoteStatus) -> Vec<String> {
    let left = left(quote.expires_ms).map_or_else(|| "-".to_owned(), |left| left.to_string());
    vec![
        short(&quote.fulfil.to_string()),
        short(&quote.provider),
        quote.give.to_string(),
        quote.want.to_string(),
        quote.price.clone(),
        history(quote),
        hops(quote).to_string(),
        path(quote),
        left,
        quote.state.to_string(),
    ]
}

/// A quote in one line, as it comes.
#[must_use]
pub fn quote_line(quote: &QuoteStatus) -> String {
    format!(
        "{}  {} for {} at {}, provider {} ({}), {}: {}",
        short(&quote.fulfil.to_string()),
        quote.want,
        quote.give,
        quote.price,
        short(&quote.provider),
        match history(quote) {
            never if quote.settled == 0 && quote.failed == 0 => never,
            history => format!("{history} settled"),
        },
        if hops(quote) == 1 {
            "1 hop".to_owned()
        } else {
            format!("{} hops", hops(quote))
        },
        path(quote)
    )
}

/// What changed between two statuses of a claim, a line each. Without an earlier one: all that there is.
#[must_use]
pub fn changes(before: Option<&ClaimStatus>, now: &ClaimStatus) -> Vec<String> {
    let mut lines = Vec::new();
    for quote in &now.quotes {
        let known = before.and_then(|before| before.quotes.iter().find(|q| q.fulfil == quote.fulfil));
        if known.is_none() {
            lines.push(format!("quote     {}", quote_line(quote)));
        }
        let state = known.map_or(QuoteState::Open, |known| known.state);
        if state != quote.state {
            lines.extend(quote_change(quote));
        }
    }
    // A claim that was just made has no quote: that is no news yet. A quote's own trouble was told with it.
    let of_quote = now.quotes.iter().any(|quote| quote.trouble == now.trouble);
    if let (Some(before), Some(trouble)) = (before, &now.trouble)
        && before.trouble != now.trouble
        && !of_quote
    {
        lines.push(format!("trouble   {trouble}"));
    }
    let (was, is) = (before.map(|before| before.state), now.state);
    if was.is_some_and(|was| was != is) && is.is_over() {
        lines.push(format!("{:<9} {} of {}", is.to_string(), now.filled, now.give));
    }
    lines
}

fn quote_change(quote: &QuoteStatus) -> Option<String> {
    let id = short(&quote.fulfil.to_string());
    match quote.state {
        QuoteState::Open | QuoteState::Expired => None,
        QuoteState::Selected => Some(format!("selected  {id}  {} for {}", quote.want, quote.give)),
        QuoteState::Begun => {
            let swap = quote
                .swap
                .map_or_else(|| "begins".to_owned(), |swap| swap.to_string());
            Some(format!("swap      {id}  {swap}"))
        }
        QuoteState::Failed => {
            let why = quote
                .trouble
                .as_deref()
                .unwrap_or("its provider does not stand by it");
            Some(format!("failed    {id}  {why}"))
        }
    }
}

/// How many connections lie between us and the provider: 1 if it is a neighbour.
#[must_use]
pub fn hops(quote: &QuoteStatus) -> usize {
    quote.path.len()
}

fn path(quote: &QuoteStatus) -> String {
    let each: Vec<_> = quote.path.iter().map(|name| short(name)).collect();
    each.join(" → ")
}

/// What we know of its provider: how many of our swaps with it were settled.
fn history(quote: &QuoteStatus) -> String {
    match quote.settled.saturating_add(quote.failed) {
        0 => "never met".to_owned(),
        all => format!("{} of {all}", quote.settled),
    }
}

/// How long something holds from now on, such as `expires in 30 s`.
#[must_use]
pub fn expiry(what: &str, at_ms: u64) -> String {
    match left(at_ms) {
        Some(left) => format!("{what} in {left}"),
        None => format!("{what} now or before"),
    }
}

/// How long it is until then, rounded up.
#[must_use]
pub fn left(at_ms: u64) -> Option<Seconds> {
    let left = at_ms.saturating_sub(clock::now_ms());
    (left > 0).then_some(Seconds(left.div_ceil(1_000)))
}

#[cfg(test)]
mod tests;
