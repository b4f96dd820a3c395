//! The exchange layer at work: claims, quotes and selections between this node and its neighbours.

mod pair;
mod prices;
mod settles;

pub use pair::{PRICE_DECIMALS, price_ratio};
pub use prices::{LineError, PriceLine, PriceRow};
pub use settles::{Drafted, Opened, Settles};
