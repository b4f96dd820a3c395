//! One frame of `kofo top`, out of what the node answered and nothing else.

use super::look::{View, left, short};
use kofo_node::rpc::types::{AssetAmount, BookShown, PeerStatus, SwapStatus, ValidatorShown};
use kofo_primitives::Seconds;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};

/// At most so many alarms have a line of their own.
const ALARMS: usize = 5;

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let alarms = u16::try_from(view.alarms.len().clamp(1, ALARMS)).unwrap_or(1);
    let parts = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(alarms.saturating_add(2)),
        Constraint::Fill(2),
        Constraint::Fill(1),
    ]);
    let [top, middle, swaps, rest] = parts.areas(frame.area());
    head(frame, top, view);
    alarmed(frame, middle, view);
    swapping(frame, swaps, view);
    let [books, peers, validators] = Layout::horizontal([Constraint::Fill(1); 3]).areas(rest);
    booked(frame, books, &view.books);
    connected(frame, peers, &view.peers);
    voting(frame, validators, view.validators.as_deref());
}

const fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn head(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let status = &view.status;
    let first = format!(
        "kofo {} on {}, {}, up for {}; {} swaps go on, {} ended; {} neighbours",
        status.version,
        status.network,
        status.role,
        Seconds(status.uptime),
        status.live,
        status.ended,
        status.neighbours
    );
    let chains = status.chains.iter().map(|chain| match chain.height {
        Some(height) => format!("{} {height}", chain.chain),
        None => format!("{} away", chain.chain),
    });
    let second = match &view.silent {
        Some(why) => Line::styled(
            format!("the node does not answer: {why}"),
            Style::new().fg(Color::Red),
        ),
        None => Line::raw(chains.collect::<Vec<_>>().join("   ")),
    };
    frame.render_widget(Paragraph::new(vec![Line::styled(first, bold()), second]), area);
}

fn alarmed(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = Block::bordered().title(" alarms ");
    let mut lines: Vec<_> = view
        .alarms
        .iter()
        .take(ALARMS)
        .map(|alarm| Line::raw(alarm.as_str()))
        .collect();
    let more = view.alarms.len().saturating_sub(ALARMS);
    if more > 0 {
        lines.pop();
        lines.push(Line::raw(format!(
            "and {} more: see `kofo status` and `kofo swap list`",
            more.saturating_add(1)
        )));
    }
    let (lines, style) = match lines.is_empty() {
        true => (vec![Line::raw("none")], Style::new()),
        false => (lines, Style::new().fg(Color::Red)),
    };
    frame.render_widget(Paragraph::new(lines).style(style).block(block), area);
}

fn swapping(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let rows = view.swaps.iter().map(|swap| swap_row(view, swap));
    let wide = [
        Constraint::Length(8),
        Constraint::Length(12),
        Constraint::Length(14),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Fill(2),
    ];
    let block = Block::bordered().title(" swaps ");
    let head = Row::new(["swap", "state", "deadline in", "give", "get", "then"]).style(bold());
    empty_or(
        frame,
        area,
        (block, "no swaps and no offers"),
        view.swaps.is_empty(),
        || Table::new(rows, wide).header(head),
    );
}

fn swap_row<'a>(view: &View, swap: &'a SwapStatus) -> Row<'a> {
    let state = match swap.outcome {
        Some(outcome) => outcome.to_string(),
        None => swap.state.replace('_', " "),
    };
    let left = left(view, swap).map(|left| left.to_string()).unwrap_or_default();
    let then = swap.deadline.as_ref().map(|deadline| deadline.then.as_str());
    let row = Row::new([
        short(&swap.id.to_string()),
        state,
        left,
        amounts(&swap.give),
        amounts(&swap.get),
        then.unwrap_or_default().to_owned(),
    ]);
    match (swap.outcome, swap.at_risk.is_empty()) {
        (Some(_), _) => row.style(Style::new().fg(Color::DarkGray)),
        (None, false) => row.style(Style::new().fg(Color::Yellow)),
        (None, true) => row,
    }
}

fn amounts(list: &[AssetAmount]) -> String {
    list.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" + ")
}

fn booked(frame: &mut Frame<'_>, area: Rect, books: &[BookShown]) {
    let best = |levels: &[kofo_node::rpc::types::LevelShown]| {
        levels
            .first()
            .map_or_else(|| "-".to_owned(), |level| level.price.clone())
    };
    let rows = books.iter().map(|book| {
        let levels = book.asks.len().saturating_add(book.bids.len());
        Row::new([
            book.pair.clone(),
            best(&book.bids),
            best(&book.asks),
            levels.to_string(),
        ])
    });
    let wide = [
        Constraint::Fill(2),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(6),
    ];
    let head = Row::new(["pair", "buys at", "sells at", "prices"]).style(bold());
    let block = Block::bordered().title(" book ");
    empty_or(
        frame,
        area,
        (block, "nobody says that it trades"),
        books.is_empty(),
        || Table::new(rows, wide).header(head),
    );
}

fn connected(frame: &mut Frame<'_>, area: Rect, peers: &[PeerStatus]) {
    let rows = peers.iter().map(|peer| {
        // The beginning of all such names is the same.
        let tail: String = peer
            .peer
            .chars()
            .skip(peer.peer.chars().count().saturating_sub(8))
            .collect();
        let role = peer.role.clone().unwrap_or_else(|| "-".to_owned());
        Row::new([
            tail,
            role,
            peer.direction.clone(),
            peer.score.to_string(),
            peer.quoted.to_string(),
        ])
    });
    let wide = [8, 8, 3, 5, 6].map(Constraint::Length);
    let head = Row::new(["peer", "role", "dir", "score", "quotes"]).style(bold());
    let block = Block::bordered().title(" peers ");
    empty_or(frame, area, (block, "no neighbours"), peers.is_empty(), || {
        Table::new(rows, wide).header(head)
    });
}

fn voting(frame: &mut Frame<'_>, area: Rect, validators: Option<&[ValidatorShown]>) {
    let block = Block::bordered().title(" validators ");
    let none = match validators {
        None => "no clearance layer is configured",
        Some(_) => "no validators are known",
    };
    let validators = validators.unwrap_or_default();
    let rows = validators.iter().map(|one| {
        let name = one
            .account
            .map_or_else(|| one.service.clone(), |account| short(&account.to_string()));
        let height = one
            .height
            .map_or_else(|| "away".to_owned(), |height| height.to_string());
        Row::new([name, one.power.to_string(), height])
    });
    let wide = [Constraint::Fill(2), Constraint::Fill(1), Constraint::Fill(1)];
    let head = Row::new(["validator", "power", "height"]).style(bold());
    empty_or(frame, area, (block, none), validators.is_empty(), || {
        Table::new(rows, wide).header(head)
    });
}

/// A table, or a sentence where there is nothing to show.
fn empty_or<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    (block, nothing): (Block<'a>, &'a str),
    is_empty: bool,
    table: impl FnOnce() -> Table<'a>,
) {
    if is_empty {
        frame.render_widget(Paragraph::new(nothing).block(block), area);
    } else {
        frame.render_widget(table().block(block), area);
    }
}
