//! The limits, read.

use super::super::{LimitConfig, ValueError};
use super::Wrong;
use crate::assets::Assets;
use crate::limits::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimit {
    per_swap: Option<String>,
    per_hour: Option<String>,
    in_flight: Option<String>,
}

pub(super) fn limits(raw: BTreeMap<String, RawLimit>, assets: &Assets) -> Result<Vec<LimitConfig>, Wrong> {
    let mut limits: Vec<LimitConfig> = Vec::with_capacity(raw.len());
    for (name, raw) in raw {
        let wrong = |why: ValueError| Wrong(format!("limits.{name}"), why);
        let asset = assets.by_symbol(&name).map_err(|e| wrong(e.into()))?;
        let limit = LimitConfig {
            symbol: asset.symbol.clone(),
            per_swap: raw.per_swap,
            per_hour: raw.per_hour,
            in_flight: raw.in_flight,
        };
        Limits::new(std::slice::from_ref(&limit), assets).map_err(|e| wrong(e.into()))?;
        if limits.iter().any(|other| other.symbol == limit.symbol) {
            return Err(wrong(ValueError::expected("each asset once", &limit.symbol)));
        }
        limits.push(limit);
    }
    Ok(limits)
}
