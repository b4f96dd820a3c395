//! `kofo top`: the node at a glance, again and again.

mod frame;
mod look;

use crate::args::{Scope, TopArgs};
use crate::failure::ReaderGone;
use crate::node::Node;
use crate::out::Out;
use anyhow::Context;
use look::View;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal;
use ratatui::{DefaultTerminal, Terminal};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::mpsc;

/// Keys that wait to be looked at.
const KEYS: usize = 16;
/// Whoever waits for keys looks so often whether anybody wants them.
const LISTEN: Duration = Duration::from_millis(200);
/// What a pipe gets: as wide and high as there is to see.
const PAGE: (u16, u16) = (120, 40);
/// The size of what is printed is between these.
const BOUNDS: ((u16, u16), (u16, u16)) = ((60, 20), (400, 200));

pub(crate) async fn run(scope: &Scope, out: &Out, args: TopArgs) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    let data = scope.data();
    if args.once || out.is_json() || !std::io::stdout().is_terminal() {
        let view = look::look(&node, &data).await?;
        return out.result(&view, |view| {
            print(view).unwrap_or_else(|error| error.to_string())
        });
    }
    // The node must answer before the screen is taken: what is wrong is said on a screen that stays.
    let first = look::look(&node, &data).await?;
    let mut terminal = ratatui::try_init().context("this terminal cannot be drawn on: use --once")?;
    let ended = follow(&mut terminal, &node, &data, (first, args.every)).await;
    ratatui::try_restore().context("the terminal cannot be put back as it was: try `reset`")?;
    ended
}

/// One frame as text.
fn print(view: &View) -> anyhow::Result<String> {
    let ((least_wide, least_high), (most_wide, most_high)) = BOUNDS;
    let (wide, high) = match std::io::stdout().is_terminal() {
        true => terminal::size().unwrap_or(PAGE),
        false => PAGE,
    };
    let size = (
        wide.clamp(least_wide, most_wide),
        high.clamp(least_high, most_high),
    );
    text(view, size)
}

fn text(view: &View, (wide, high): (u16, u16)) -> anyhow::Result<String> {
    let mut terminal = Terminal::new(TestBackend::new(wide, high))?;
    terminal.draw(|frame| frame::draw(frame, view))?;
    let buffer = terminal.backend().buffer();
    let cells = buffer.content().chunks(usize::from(wide));
    let lines = cells.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    let lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
    Ok(lines.join("\n"))
}

/// Draws until somebody presses q, Esc or Ctrl-C.
async fn follow(
    terminal: &mut DefaultTerminal,
    node: &Node,
    data: &std::path::Path,
    (mut view, every): (View, u64),
) -> anyhow::Result<()> {
    let mut keys = keys();
    let mut ticks = tokio::time::interval(Duration::from_secs(every));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first one is now, and the view is fresh.
    ticks.tick().await;
    loop {
        terminal.draw(|frame| frame::draw(frame, &view))?;
        tokio::select! {
            key = keys.recv() => match key {
                Some(Ok(key)) if ends(&key) => return Ok(()),
                // Another size, or another key: draw again.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(ReaderGone.into()),
            },
            _ = ticks.tick() => match look::look(node, data).await {
                Ok(seen) => view = seen,
                // The last view stays, with what is wrong with it.
                Err(error) => view.silent = Some(error.to_string()),
            },
        }
    }
}

/// What is typed. The thread that waits for it ends with the receiver.
fn keys() -> mpsc::Receiver<std::io::Result<Event>> {
    let (typed, keys) = mpsc::channel(KEYS);
    std::thread::spawn(move || {
        while !typed.is_closed() {
            let next = match event::poll(LISTEN) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let broken = next.is_err();
            if typed.blocking_send(next).is_err() || broken {
                return;
            }
        }
    });
    keys
}

fn ends(event: &Event) -> bool {
    let Event::Key(key) = event else {
        return false;
    };
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

#[cfg(test)]
mod tests;
