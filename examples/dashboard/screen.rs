//! The terminal: taken for as long as the dashboard is on it, and given back whatever happens.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Instant;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::Widget;
use ratatui::{DefaultTerminal, Frame};

/// The terminal, on its other screen and without an echo. Dropping it gives it back; a panic, on any
/// thread, does before its message is printed.
#[derive(Debug)]
pub(crate) struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal; an error is one sentence.
    pub(crate) fn open() -> Result<Self, String> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err("there is no terminal to draw on; --once prints one frame as text".into());
        }
        ratatui::try_init().map(Self).map_err(|error| {
            // It may have come half-way.
            ratatui::restore();
            format!("cannot draw on this terminal: {error}")
        })
    }

    /// Draws a frame and waits for the next one; whether somebody wants to quit before.
    pub(crate) fn show(&mut self, frame: impl Widget, next: Instant) -> io::Result<bool> {
        self.0.draw(|screen: &mut Frame<'_>| screen.render_widget(frame, screen.area()))?;
        // It looks at least once, or a terminal that is slow could not be left.
        while event::poll(next.saturating_duration_since(Instant::now()))? {
            if is_quit(&event::read()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A panic has done it: once more would move the cursor into the message.
        if !thread::panicking() {
            ratatui::restore();
        }
    }
}

fn is_quit(event: &Event) -> bool {
    match event {
        Event::Key(KeyEvent { code: KeyCode::Char('q') | KeyCode::Esc, .. }) => true,
        Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. }) => {
            modifiers.contains(KeyModifiers::CONTROL)
        }
        _ => false,
    }
}
