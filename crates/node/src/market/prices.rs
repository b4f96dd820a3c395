//! Where a provider's prices come from: its configuration, a file that is watched, or an HTTP feed.

mod line;

pub use line::{LineError, PriceLine, PriceRow};
