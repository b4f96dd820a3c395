//! Exchange alone: a claim, two providers' quotes, and the claimant's pick. No clearance, no settlement, no network.
//!
//! Whoever only wants to find out at which price somebody would trade can use this layer by itself: it imports
//! `kofo_exchange` and the nouns of `kofo_primitives`. What travels over a network in life is handed over here, as the
//! same messages. The end is an order that both signed; to settle it is another layer's business.
//!
//! Run it: `cargo run -p kofo-examples --example exchange_alone`

use anyhow::{Context, Result, ensure};
use kofo_exchange::{
    Answered, Book, BookBounds, Chosen, FulfilEnvelope, Order, OwnClaim, Provider, ProviderConfig,
    Reliability, SeenReservations,
};
use kofo_primitives::*;

const NOW_MS: u64 = 1_800_000_000_000;
/// The claimant's quotes come so long.
const WINDOW_MS: u64 = 3_000;

fn key(n: u8) -> Result<NodeKey> {
    NodeKey::new(&[n; 32]).context("a key")
}

fn network() -> Result<NetworkId> {
    Ok(NetworkId::new("kofo-example")?)
}

fn gold() -> Result<AssetId> {
    Ok(AssetId::new("sim:vault/coin:gold")?)
}

fn coin() -> Result<AssetId> {
    Ok(AssetId::new("sim:street/coin:coin")?)
}

/// A party's ends of both legs. In life its adapters make them.
fn opening(n: u8) -> Result<Opening> {
    Ok(Opening {
        alpha: Party::new([n; 20])?,
        beta: Party::new([n + 1; 20])?,
        contacts: Vec::new(),
        salt: [n; 32],
    })
}

/// 100 gold for at least 19 coins each, under a key that is used for nothing else.
fn claim() -> Result<Signed<Claim>> {
    let on = |asset| ClaimedAsset {
        asset,
        place: Place::default(),
        depth: 1,
    };
    let claim = Claim {
        version: 1,
        network: network()?,
        mode: Mode::P2P,
        key: key(1)?.id(),
        seal_key: key(2)?.id(),
        nonce: [3; 32],
        give: on(gold()?),
        want: on(coin()?),
        give_amount: Amount::new(100),
        limit: Limit::Stated(Ratio::new(19, 1).context("a ratio")?),
        partial: None,
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: NOW_MS,
        expires_ms: NOW_MS + 600_000,
    };
    Ok(claim.sign(&key(1)?))
}

/// A provider with one order in its book.
struct Shop {
    provider: Provider,
    bond: NodeKey,
    quote_key: NodeKey,
    n: u8,
}

impl Shop {
    /// It gives so many coins for one gold.
    fn open(n: u8, coins: u128) -> Result<Self> {
        let mut provider = Provider::new(ProviderConfig::default(), Book::new(BookBounds::default()));
        provider.allow(coin()?, Amount::new(10_000));
        let order = Order {
            id: [n; 32],
            source: [n; 32],
            takes: gold()?,
            gives: coin()?,
            price: Ratio::new(coins, 1).context("a price")?,
            size: Amount::new(500),
            least: Some(Amount::new(1)),
            expires_ms: NOW_MS + 3_600_000,
        };
        provider.add(order, NOW_MS)?;
        Ok(Self {
            provider,
            bond: key(n)?,
            quote_key: key(n + 1)?,
            n,
        })
    }

    /// Its binding quote on a claim that came straight from the claimant.
    fn quote(&mut self, claim: &Claim) -> Result<FulfilEnvelope> {
        let id = claim.id();
        let offered = self.provider.offers(claim, &id, NOW_MS).context("an offer")?;
        let at = |minutes| UnixTime(NOW_MS / 1_000).plus(Seconds::minutes(minutes));
        let terms = FulfilTerms {
            give: offered.give,
            want: offered.want,
            alpha_timelock: at(120),
            beta_timelock: at(60),
            alpha_lock_by: at(10),
            beta_lock_by: at(20),
            redeem_by: at(40),
            premium_bps: 0,
            nonce: SwapNonce::new([self.n; 32]),
            opening: opening(self.n)?.commit(),
            reservation: Reservation::sign(&self.bond, offered.seq, None, &id, &self.quote_key.id()),
        };
        let first = (0, *id.as_bytes());
        let entry = HopEntry::sign(&id, first, &key(1)?, self.quote_key.id(), (None, None));
        let fulfil = Fulfil {
            version: 1,
            network: claim.network.clone(),
            claim: id,
            path: entry.digest(),
            key: self.quote_key.id(),
            terms: terms.digest(),
            sealed: terms.seal(&id, &claim.seal_key, &[self.n; 32])?,
            for_validators: None,
            expires_ms: offered.until_ms,
        };
        self.provider.quoted(fulfil.id(), &id, offered.until_ms)?;
        Ok(FulfilEnvelope {
            fulfil: fulfil.sign(&self.quote_key),
            path: vec![entry],
            returns: Vec::new(),
        })
    }

    /// Its yes to a selection.
    fn answer(&mut self, claim: &Claim, fulfil: &Fulfil, select: &Select) -> Result<Signed<Answer>> {
        self.provider.select(&select.fulfil, claim, NOW_MS + WINDOW_MS)?;
        let sealed = opening(self.n)?.seal(&claim.id(), &claim.seal_key, &[self.n; 32])?;
        let answer = Answer {
            version: 1,
            network: claim.network.clone(),
            claim: claim.id(),
            fulfil: select.fulfil,
            order: order_id(claim, fulfil, select),
            verdict: Verdict::Opened(sealed),
        };
        Ok(answer.sign(&self.quote_key))
    }
}

/// The order that comes of it.
fn trade() -> Result<MatchedParts> {
    let claim = claim()?;
    let limit = claim.body.limit(None)?;
    let mut own = OwnClaim::new(claim, limit, None, WINDOW_MS)?;
    let claim = own.claim().body.clone();
    let (mut seen, mut shops) = (
        SeenReservations::default(),
        [Shop::open(10, 20)?, Shop::open(20, 21)?],
    );
    for shop in &mut shops {
        own.quote(shop.quote(&claim)?, &key(2)?, &mut seen, NOW_MS)?;
    }
    // When the window is over, the better of both that nobody knows anything of.
    let now_ms = NOW_MS + WINDOW_MS;
    ensure!(own.ready(now_ms), "expected the window to be over");
    let picked = own.pick(&|_| Reliability::default(), now_ms);
    let best = *picked.first().context("a quote to pick")?;
    let quote = own
        .quotes()
        .find(|quote| quote.id() == best)
        .context("the picked quote")?;
    let fulfil = quote.fulfil.body.clone();
    let chosen = Chosen {
        hashlock: Preimage::new([7; 32]).hashlock(),
        nonce: SwapNonce::new([8; 32]),
        opening: opening(50)?,
    };
    let select = own.select(&best, chosen, &key(1)?, now_ms)?;
    let [_, better] = &mut shops;
    let answer = better.answer(&claim, &fulfil, &select.body)?;
    let answered = own.answer(&answer, &key(2)?)?;
    ensure!(
        matches!(answered, Answered::Opened(_)),
        "expected an order, got {answered:?}"
    );
    own.orders().next().context("an order")
}

fn main() -> Result<()> {
    let order = MatchedOrder::new(trade()?)?;
    let terms = &order.parts().terms;
    let got = (terms.give, terms.want);
    ensure!(
        got == (Amount::new(100), Amount::new(2_100)),
        "expected 100 gold for 2,100 coins, got {got:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_claim_and_two_books_are_enough_for_an_order_at_the_better_price() {
        super::main().expect("the example runs");
    }
}
