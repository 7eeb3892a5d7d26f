//! One frame: everything that a look has found, line by line, for a terminal of any size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};
use ringbus::{Health, HealthReason, LatencyStats, SubscriptionReport};

use crate::figures::{NONE, count, fit, rate, time, time_if};
use crate::watch::Look;

/// What everything fits into.
pub(crate) const WIDTH: u16 = 80;
pub(crate) const HEIGHT: u16 = 24;
/// With less there is nothing to be read.
const WIDTH_MIN: u16 = 60;
const HEIGHT_MIN: u16 = 8;

/// What stands in front of the lines that have one.
const LABEL_COLUMNS: usize = 9;
/// Each figure of the table.
const FIGURE_COLUMNS: usize = 7;
/// Over the figures of the table.
const HEADS: [&str; 10] =
    ["per s", "lag", "lost", "failed", "retry", "dead", "p50", "p99", "p99.9", "max"];
/// The longest name that a wide terminal shows, and the longest bar.
const NAME_COLUMNS_MAX: usize = 40;
const BAR_COLUMNS_MAX: usize = 100;
/// Rows that the errors keep, however many subscriptions there are.
const ERROR_ROWS: usize = 3;
/// Rows of everything but the reasons and the subscriptions.
const OTHER_ROWS: usize = 13 + ERROR_ROWS;

const LABEL: Style = Style::new().fg(Color::DarkGray);
const HEADING: Style = Style::new().fg(Color::Cyan);
const PLAIN: Style = Style::new();

/// A look, drawn into whatever room there is: what does not fit is left out from the bottom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dashboard<'a> {
    /// What is being watched.
    pub(crate) title: &'a str,
    pub(crate) look: &'a Look,
}

impl Widget for Dashboard<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let lines = if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
            let Rect { width, height, .. } = area;
            vec![
                Line::raw(format!("{width}x{height} is too small:")),
                Line::raw(format!("needs {WIDTH}x{HEIGHT}.")),
                Line::raw("q quits"),
            ]
        } else {
            self.lines(area.width.into(), area.height.into())
        };
        Paragraph::new(lines).render(area, buffer);
    }
}

impl Dashboard<'_> {
    /// A frame of that size as text, without blanks at the ends of lines, nor empty lines at the end.
    pub(crate) fn to_text(self, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        self.render(area, &mut buffer);
        let cell = |x, y| buffer[(x, y)].symbol();
        let row = |y| (0..width).map(|x| cell(x, y)).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    fn lines(&self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        let mut lines = vec![self.head(columns)];
        let others = OTHER_ROWS + self.look.snapshot.subscriptions.len();
        lines.extend(self.health(columns, rows.saturating_sub(others).max(1)));
        lines.push(heading("store", columns));
        lines.extend([self.fill(columns), self.rates(), self.totals(), self.waiting()]);
        lines.push(self.topics(columns));
        lines.push(heading(
            if cfg!(feature = "histogram") {
                "subscriptions"
            } else {
                "subscriptions (percentiles take --features histogram)"
            },
            columns,
        ));
        // Behind the table come a heading, the dead letters, and the errors.
        let room = rows.saturating_sub(lines.len() + 2 + 2 + ERROR_ROWS);
        lines.extend(self.table(columns, room));
        lines.push(heading("failures", columns));
        lines.push(self.dead_letters());
        let room = rows.saturating_sub(lines.len());
        lines.extend(self.errors(columns, room));
        lines
    }

    fn head(&self, columns: usize) -> Line<'static> {
        let snapshot = &self.look.snapshot;
        let state = if snapshot.closed { "closed" } else { "up" };
        let right = format!("  {state} {}   q quits", time(snapshot.uptime));
        let left = format!("ringbus  {}, {}", self.title, snapshot.policy);
        let left = fit(&left, columns.saturating_sub(right.chars().count()));
        Line::from(vec![Span::styled(left, Modifier::BOLD), Span::styled(right, LABEL)])
    }

    /// The state, and a line for each reason.
    fn health(&self, columns: usize, reasons_max: usize) -> Vec<Line<'static>> {
        let health = &self.look.health;
        let (state, color) = match health {
            Health::Healthy => ("healthy", Color::Green),
            Health::Degraded { .. } => ("degraded", Color::Yellow),
            _ => ("unhealthy", Color::Red),
        };
        let reasons = health.reasons();
        let more = match reasons.len() {
            0 => String::new(),
            1 => ", for one reason".to_owned(),
            many => format!(", for {many} reasons"),
        };
        let state = Span::styled(state, Style::new().fg(color).add_modifier(Modifier::BOLD));
        let mut lines = vec![Line::from(vec![label("health"), state, Span::raw(more)])];
        let room = columns.saturating_sub(LABEL_COLUMNS);
        let line = |reason| labelled("", fit(&self.reason(reason), room));
        lines.extend(reasons.iter().take(reasons_max).map(line));
        lines
    }

    /// A reason, with the name of the subscription that it is about in place of its number.
    fn reason(&self, reason: &HealthReason) -> String {
        let text = reason.to_string();
        let HealthReason::Lag { subscription: Some(id), .. } = reason else { return text };
        let reports = &self.look.snapshot.subscriptions;
        let named = reports.iter().find(|report| report.stats.subscription == *id);
        named.map_or(text.clone(), |report| text.replacen(&id.to_string(), &name_of(report), 1))
    }

    /// A bar with a mark where the fill was highest since the last frame.
    fn fill(&self, columns: usize) -> Line<'static> {
        let fill = &self.look.snapshot.fill;
        let figures = format!(
            " {} of {} ({} %), high water {}, full {}x",
            count(fill.pending_events),
            count(fill.capacity_events),
            count(fill.percent()),
            count(fill.peak_events),
            count(fill.full_episodes)
        );
        let room = columns.saturating_sub(LABEL_COLUMNS + figures.len());
        let cells = room.min(BAR_COLUMNS_MAX);
        let at = |events| cells_for(events, fill.capacity_events, cells);
        let (filled, peak) = (at(fill.pending_events), at(fill.peak_events));
        let cell = |index| match index {
            index if index + 1 == peak => '│',
            index if index < filled => '█',
            _ => '·',
        };
        let color = match fill.percent() {
            0..50 => Color::Green,
            50..80 => Color::Yellow,
            _ => Color::Red,
        };
        let bar: String = (0..cells).map(cell).collect();
        Line::from(vec![label("ring"), Span::styled(bar, color), Span::raw(figures)])
    }

    fn rates(&self) -> Line<'static> {
        let rates = self.look.rates.as_ref();
        let of = |rates: [f64; 4]| rates.map(rate);
        flow(
            "a second",
            rates.map_or_else(
                || [NONE; 4].map(str::to_owned),
                |rates| of([rates.accepted, rates.handled, rates.displaced, rates.rejected]),
            ),
        )
    }

    fn totals(&self) -> Line<'static> {
        let metrics = &self.look.snapshot.metrics;
        let (displaced, rejected) = (metrics.displaced(), metrics.rejected());
        flow("in total", [metrics.accepted, metrics.handled, displaced, rejected].map(count))
    }

    fn waiting(&self) -> Line<'static> {
        let snapshot = &self.look.snapshot;
        let blocked = &snapshot.blocked;
        labelled(
            "waiting",
            format!(
                "{} events, oldest {}; {} senders, {} waits, longest {}",
                count(snapshot.lag_events()),
                time_if(snapshot.oldest_age),
                count(blocked.waiting),
                count(blocked.waits),
                time(blocked.longest_or_current())
            ),
        )
    }

    fn topics(&self, columns: usize) -> Line<'static> {
        let topic = |stats: &ringbus::TopicStats| {
            let name = stats.topic.as_deref().unwrap_or("others");
            let failures = match stats.failures {
                0 => String::new(),
                failures => format!(" ({} failures)", count(failures)),
            };
            format!("{name} {}{failures}", count(stats.dispatched))
        };
        let topics: Vec<_> = self.look.snapshot.topics.iter().map(topic).collect();
        let text = if topics.is_empty() { NONE.to_owned() } else { topics.join(", ") };
        labelled("topics", fit(&text, columns.saturating_sub(LABEL_COLUMNS)))
    }

    /// The latencies from end to end, and the subscriptions that there is room for.
    fn table(&self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        let figures = HEADS.len() * FIGURE_COLUMNS;
        let room = columns.saturating_sub(figures).min(NAME_COLUMNS_MAX);
        let snapshot = &self.look.snapshot;
        let mut lines = vec![
            Line::styled(row("", room, &HEADS.map(str::to_owned)), LABEL),
            Line::raw(row("end to end", room, &end_to_end(snapshot.end_to_end.as_ref()))),
        ];
        let all = &snapshot.subscriptions;
        // One line less, if it has to say how many are left out.
        let shown = if all.len() <= rows { all.len() } else { rows.saturating_sub(1) };
        lines.extend(all.iter().take(shown).map(|report| {
            let style = if has_trouble(report) { Style::new().fg(Color::Yellow) } else { PLAIN };
            Line::styled(row(&name_of(report), room, &self.figures(report)), style)
        }));
        if shown < all.len() {
            lines.push(Line::styled(format!("… and {} more", all.len() - shown), LABEL));
        }
        lines
    }

    fn figures(&self, report: &SubscriptionReport) -> [String; HEADS.len()] {
        let stats = &report.stats;
        let offered = self.look.rates.as_ref();
        let offered = offered.and_then(|rates| rates.offered.get(&stats.subscription));
        let per_second = offered.map_or_else(|| NONE.to_owned(), |&offered| rate(offered));
        let [p50, p99, p99_9, max] = latencies(report.latency.as_ref());
        let lag = count(report.lag_events());
        let counts = [stats.lost, stats.failed, stats.retrying, stats.dead_lettered].map(count);
        let [lost, failed, retrying, dead] = counts;
        [per_second, lag, lost, failed, retrying, dead, p50, p99, p99_9, max]
    }

    fn dead_letters(&self) -> Line<'static> {
        let text = self.look.snapshot.dead_letters.as_ref().map_or_else(
            || NONE.to_owned(),
            |letters| {
                format!(
                    "{} dead letters kept; {} filed, {} dropped, {} refused",
                    count(letters.letters),
                    count(letters.filed),
                    count(letters.dropped),
                    count(letters.refused)
                )
            },
        );
        labelled("letters", text)
    }

    /// The last errors, the latest first.
    fn errors(&self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        let errors = &self.look.snapshot.errors.errors;
        if errors.is_empty() {
            return vec![labelled("errors", "none".to_owned())];
        }
        let line = |(index, error): (usize, &ringbus::DistinctError)| {
            let name = error.name.clone().unwrap_or_else(|| error.subscription.to_string());
            let times = count(error.count);
            let what =
                format!("{times:>6}x {:>6} ago  {name}: {}", time(error.last_ago), error.text);
            let what = fit(&what, columns.saturating_sub(LABEL_COLUMNS));
            labelled(if index == 0 { "errors" } else { "" }, what)
        };
        errors.iter().take(rows).enumerate().map(line).collect()
    }
}

fn label(text: &str) -> Span<'static> {
    Span::styled(fit(text, LABEL_COLUMNS), LABEL)
}

fn labelled(name: &str, text: String) -> Line<'static> {
    Line::from(vec![label(name), Span::raw(text)])
}

fn heading(text: &str, columns: usize) -> Line<'static> {
    let rest = columns.saturating_sub(text.len() + 4);
    Line::styled(format!("── {text} {}", "─".repeat(rest)), HEADING)
}

/// What came in and what became of it.
fn flow(name: &str, [accepted, handled, displaced, rejected]: [String; 4]) -> Line<'static> {
    labelled(
        name,
        format!(
            "accepted {accepted:>6}   handled {handled:>6}   displaced {displaced:>6}   rejected {rejected:>6}"
        ),
    )
}

/// How many of so many cells stand for that share of the capacity; at least one, if there is any.
fn cells_for(events: u64, capacity_events: u64, cells: usize) -> usize {
    let share = (u128::from(events) * cells as u128).div_ceil(u128::from(capacity_events.max(1)));
    usize::try_from(share).unwrap_or(cells).min(cells)
}

fn row(name: &str, columns: usize, figures: &[String]) -> String {
    let figures = figures.iter().map(|figure| format!("{figure:>FIGURE_COLUMNS$}"));
    fit(name, columns) + &figures.collect::<String>()
}

fn latencies(stats: Option<&LatencyStats>) -> [String; 4] {
    let stats = stats.copied().unwrap_or_default();
    [stats.p50, stats.p99, stats.p99_9, stats.max].map(time_if)
}

/// Of an event, which has no figures of a subscription.
fn end_to_end(stats: Option<&LatencyStats>) -> [String; HEADS.len()] {
    let [p50, p99, p99_9, max] = latencies(stats);
    let none = String::new;
    [none(), none(), none(), none(), none(), none(), p50, p99, p99_9, max]
}

fn name_of(report: &SubscriptionReport) -> String {
    let number = || report.stats.subscription.to_string().replace("subscription", "no.");
    report.name.clone().unwrap_or_else(number)
}

fn has_trouble(report: &SubscriptionReport) -> bool {
    let stats = &report.stats;
    [stats.lost, stats.failed, stats.retrying, stats.dead_lettered] != [0; 4]
}
