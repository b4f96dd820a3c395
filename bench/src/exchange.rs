//! What the exchange layer takes: claims checked and booked, a book of many orders, and a hundred nodes.

mod book;
mod claims;
mod curve;
mod nodes;

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::Report;
use crate::table::{grouped, markdown};

/// Of what the curve alone would allow, a relay reaches at least so much.
const LEAST_RATIO: f64 = 0.8;

/// How much of each is measured.
struct Scale {
    claims: u64,
    orders: u64,
    nodes: nodes::Scale,
}

const FULL: Scale = Scale {
    claims: 1_000,
    orders: 100_000,
    nodes: nodes::FULL,
};
const FEW: Scale = Scale {
    claims: 50,
    orders: 2_000,
    nodes: nodes::FEW,
};

#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    claims_per_s_core: u64,
    sigcheck_limit_per_s_core: u64,
    ratio: f64,
    nodes100: nodes::Figures,
    book100k: book::Figures,
    #[serde(skip)]
    claims: claims::Figures,
}

/// Measures all of it.
pub(crate) async fn run(few: bool) -> Result<Report> {
    let scale = if few { FEW } else { FULL };
    // The book comes first: the process has freed nothing yet.
    let (book100k, claims) = tokio::task::spawn_blocking(move || -> Result<_> {
        Ok((book::measure(scale.orders)?, claims::measure(scale.claims)?))
    })
    .await??;
    let nodes100 = nodes::measure(scale.nodes).await?;
    let figures = Figures {
        claims_per_s_core: claims.booked.claims_per_s,
        sigcheck_limit_per_s_core: claims.booked.limit_per_s,
        ratio: claims.booked.ratio(),
        nodes100,
        book100k,
        claims,
    };
    Ok(Report {
        json: serde_json::to_string(&figures)?,
        text: text(&figures, &scale),
        missed: missed(&figures).into_iter().collect(),
    })
}

fn text(figures: &Figures, scale: &Scale) -> String {
    let rate = |what: &str, rate: claims::Rate, limit: &str| {
        vec![
            what.to_owned(),
            grouped(rate.claims_per_s),
            grouped(rate.limit_per_s),
            format!("{:.1}%", rate.ratio() * 100.0),
            limit.to_owned(),
        ]
    };
    let least = format!("{:.0}%", LEAST_RATIO * 100.0);
    let claims = [
        rate("checked and booked", figures.claims.booked, &least),
        rate("and passed on to four", figures.claims.passed_on, ""),
    ];
    let orders = format!("a book of {} live orders", grouped(scale.orders));
    let nodes = format!("{} nodes, links of 20 to 80 ms", scale.nodes.all());
    let book: Vec<_> = figures
        .book100k
        .rows()
        .into_iter()
        .map(|(what, is)| vec![what.to_owned(), is])
        .collect();
    [
        markdown(
            &[
                "claims a second and core, path of 3",
                "measured",
                "the curve alone",
                "ratio",
                "at least",
            ],
            &claims,
        ),
        markdown(&[&nodes, "measured"], &figures.nodes100.rows()),
        markdown(&[&orders, "measured"], &book),
    ]
    .join("\n\n")
}

fn missed(figures: &Figures) -> Option<String> {
    let ratio = figures.ratio;
    (ratio < LEAST_RATIO).then(|| {
        format!("LIMIT MISSED: claims checked and booked: expected at least {LEAST_RATIO} of what the curve alone allows, measured {ratio}")
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let times = [5, 1, 900, 3, 2].map(Duration::from_millis).to_vec();
        assert_eq!(median(times), Duration::from_millis(3));
    }
}
