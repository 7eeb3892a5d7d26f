//! Figures that belong together, as the points of lines.

use super::measure::{Curve, Side};
use super::outcome::{Outcome, Series};

/// A line for each candidate, over some rows or some figures of a row.
pub(crate) struct Picture {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    /// Whether it goes over rows; otherwise over the figures of one.
    pub(crate) is_over_rows: bool,
    /// What stands below the points.
    pub(crate) ticks: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) is_ours: bool,
    /// One for each tick.
    pub(crate) values: Vec<f64>,
}

impl Picture {
    /// All pictures with lines that these outcomes make.
    pub(crate) fn of(outcomes: &[Outcome]) -> Vec<Self> {
        let mut pictures: Vec<Self> = Vec::new();
        for outcome in outcomes {
            let head = &outcome.head;
            let (title, tick) = match &head.curve {
                Some(Curve::Rows { title, tick }) => ((*title).to_owned(), tick.to_string()),
                Some(Curve::Figures) => {
                    (format!("{}, {} B", head.scenario, head.bytes), outcome.figure.to_owned())
                }
                None => continue,
            };
            if pictures.last().is_none_or(|picture| picture.title != title) {
                let unit = outcome.unit();
                let is_over_rows = matches!(head.curve, Some(Curve::Rows { .. }));
                let (ticks, lines) = (Vec::new(), Vec::new());
                pictures.push(Self { title, unit, is_over_rows, ticks, lines });
            }
            if let Some(picture) = pictures.last_mut() {
                picture.add(tick, &outcome.series);
            }
        }
        // A point makes no line.
        pictures.retain(|picture| picture.ticks.len() > 1);
        pictures
    }

    fn add(&mut self, tick: String, all: &[Series]) {
        self.ticks.push(tick);
        for series in all {
            let known = self.lines.iter_mut().find(|line| line.name == series.name);
            match known {
                Some(line) => line.values.push(series.median),
                None => self.lines.push(Line {
                    name: series.name.clone(),
                    is_ours: matches!(series.side, Side::Ours(_)),
                    values: vec![series.median],
                }),
            }
        }
    }
}
