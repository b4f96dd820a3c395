//! Who fills a claim: the best price first, of equal prices the oldest.

use super::{Book, Entry, Fill, MAX_FILLS, MAX_LOOKED_AT, Wanted};
use kofo_primitives::Amount;

/// What the fills so far come to.
#[derive(Default)]
struct Sum {
    give: Amount,
    want: Amount,
}

impl Book {
    /// The fills of a claim, best first; none if they do not come to what it wants. Changes nothing: [`Book::take`] each.
    ///
    /// Greedy and never a search: an order whose least is more than what is left is passed over. Every fill is rounded
    /// down to whole units of what is wanted, and all of them together still meet the limit exactly.
    #[must_use]
    pub fn matches(&self, wanted: &Wanted<'_>, now_ms: u64) -> Vec<Fill> {
        let (mut fills, mut sum) = (Vec::new(), Sum::default());
        let ranked = self.shelf.ranked(wanted.give, wanted.want);
        for entry in ranked.take(MAX_LOOKED_AT) {
            let dearer = wanted.limit.is_some_and(|limit| entry.price < limit);
            if dearer || sum.give == wanted.amount || fills.len() == MAX_FILLS {
                break;
            }
            if entry.expires_ms <= now_ms {
                continue;
            }
            let Some((give, want, after)) = portion(entry, wanted, &sum) else {
                continue;
            };
            sum = after;
            fills.push(Fill {
                order: entry.id,
                place: entry.place,
                give,
                want,
                expires_ms: entry.expires_ms,
            });
        }
        let least = wanted.least.unwrap_or(wanted.amount);
        if sum.give < least {
            fills.clear();
        }
        fills
    }
}

/// What the order gives towards the rest of the claim, and what all fills come to with it.
fn portion(entry: &Entry, wanted: &Wanted<'_>, sum: &Sum) -> Option<(Amount, Amount, Sum)> {
    let rest = wanted.amount.checked_sub(sum.give)?.units();
    let mut give = entry.free.min(rest);
    if let Some(most) = wanted.most {
        let left = most.checked_sub(sum.want)?;
        // `None`: that much is beyond counting, so it is no bound.
        if let Some(affordable) = entry.price.inverse().of(left) {
            give = give.min(affordable.units());
        }
    }
    if let Some(part) = within(entry, wanted, sum, give) {
        return Some(part);
    }
    // Rounding down has cost the limit: at a multiple of the price's denominator nothing is rounded.
    let over = give.checked_rem(entry.price.denominator())?;
    within(entry, wanted, sum, give.checked_sub(over)?)
}

fn within(entry: &Entry, wanted: &Wanted<'_>, sum: &Sum, give: u128) -> Option<(Amount, Amount, Sum)> {
    if give == 0 || give < entry.least {
        return None;
    }
    let give = Amount::new(give);
    let want = entry.price.of(give).filter(|want| *want != Amount::ZERO)?;
    let after = Sum {
        give: sum.give.checked_add(give)?,
        want: sum.want.checked_add(want)?,
    };
    let meets = wanted
        .limit
        .is_none_or(|limit| limit.met_by(after.give, after.want));
    meets.then_some((give, want, after))
}
