//! The figures as pictures: bars for each row, lines where rows or figures belong together.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, BindKeyPoints, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, IntoFont,
    IntoLogRange, LineSeries, RGBColor, Rectangle, SVGBackend, Text, WHITE,
};
use plotters::style::TextStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::harness::curve::{Line, Picture};
use crate::harness::measure::Side;
use crate::harness::outcome::Outcome;
use crate::harness::table;

/// The measures of a picture with bars.
const WIDTH: i32 = 900;
const LEFT: i32 = 220;
const RIGHT: i32 = 700;
const TOP: i32 = 60;
const STEP: i32 = 28;

type Result = std::result::Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) const OURS: RGBColor = RGBColor(31, 95, 191);
/// Of the second line of ours.
const OURS_TOO: RGBColor = RGBColor(93, 173, 226);
const PEER: RGBColor = RGBColor(150, 158, 168);
const BESIDE: RGBColor = RGBColor(214, 218, 223);
/// Of the lines of peers.
const PEERS: [RGBColor; 9] = [
    RGBColor(230, 126, 34),
    RGBColor(39, 134, 73),
    RGBColor(125, 60, 152),
    RGBColor(120, 120, 120),
    RGBColor(22, 160, 160),
    RGBColor(183, 149, 11),
    RGBColor(214, 91, 160),
    RGBColor(93, 64, 55),
    RGBColor(192, 57, 43),
];

/// Draws everything there is to draw into a folder.
pub(crate) fn write(folder: &Path, outcomes: &[Outcome]) -> Result {
    fs::create_dir_all(folder)?;
    for outcome in outcomes {
        let head = &outcome.head;
        let name = format!("{} {} B", outcome.title(), head.bytes);
        bars(&folder.join(format!("row-{:02}-{}.svg", head.number, slug(&name))), outcome)?;
    }
    for picture in Picture::of(outcomes) {
        picture.draw(&folder.join(format!("lines-{}.svg", slug(&picture.title))))?;
    }
    Ok(())
}

/// A name without what file systems dislike.
fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Text of a size, its position being that of its left, middle or right.
pub(crate) fn style(size: i32, anchor: HPos) -> TextStyle<'static> {
    let font = ("sans-serif", size).into_font();
    TextStyle::from(font).pos(Pos::new(anchor, VPos::Center))
}

/// One bar for each candidate of a row, best first; its length is the median.
fn bars(path: &Path, outcome: &Outcome) -> Result {
    let height = TOP + STEP * i32::try_from(outcome.series.len())? + 14;
    let root = SVGBackend::new(path, (u32::try_from(WIDTH)?, u32::try_from(height)?));
    let root = root.into_drawing_area();
    root.fill(&WHITE)?;
    let head = &outcome.head;
    let title =
        format!("{}: {}, {} B, {}", head.number, outcome.title(), head.bytes, outcome.unit());
    root.draw(&Text::new(title, (12, 20), style(17, HPos::Left)))?;
    let key =
        "median [min..max] of the rounds; blue: ours, grey: peers, pale: promises something else";
    root.draw(&Text::new(key, (12, 44), style(12, HPos::Left)))?;
    let longest =
        outcome.series.iter().map(|series| series.median).fold(f64::MIN_POSITIVE, f64::max);
    for (series, top) in outcome.series.iter().zip((TOP..).step_by(STEP as usize)) {
        let middle = top + STEP / 2;
        #[allow(clippy::cast_possible_truncation)] // At most the width.
        let length = (series.median / longest * f64::from(RIGHT - LEFT)).round() as i32;
        let color = match series.side {
            Side::Ours(_) => OURS,
            Side::Peer => PEER,
            Side::Beside(_) => BESIDE,
        };
        let corners = [(LEFT, middle - 9), (LEFT + length.max(1), middle + 9)];
        let figures = format!("{} {}", table::number(series.median), table::range(series));
        root.draw(&Text::new(series.name.clone(), (LEFT - 8, middle), style(14, HPos::Right)))?;
        root.draw(&Rectangle::new(corners, color.filled()))?;
        root.draw(&Text::new(figures, (LEFT + length + 8, middle), style(13, HPos::Left)))?;
    }
    root.present()?;
    Ok(())
}

impl Picture {
    /// Best at the last tick first, each with its color and width.
    fn colored(&self) -> Vec<(&Line, RGBColor, u32)> {
        let (mut ours, mut peers) = ([OURS, OURS_TOO].iter().cycle(), PEERS.iter().cycle());
        let mut color = |line: &Line| if line.is_ours { ours.next() } else { peers.next() };
        let mut colored: Vec<_> = self
            .lines
            .iter()
            .map(|line| (line, color(line)))
            .map(|(line, color)| (line, *color.unwrap_or(&PEER), if line.is_ours { 4 } else { 2 }))
            .collect();
        let last = |line: &Line| line.values.last().copied().unwrap_or_default();
        colored.sort_by(|a, b| last(b.0).total_cmp(&last(a.0)));
        colored
    }

    fn draw(&self, path: &Path) -> Result {
        let root = SVGBackend::new(path, (960, 520)).into_drawing_area();
        root.fill(&WHITE)?;
        let (plot, legend) = root.split_horizontally(740);
        self.draw_plot(&plot)?;
        for ((line, color, width), top) in self.colored().into_iter().zip((60..).step_by(24)) {
            let half = i32::try_from(width)?;
            let corners = [(8, top - half), (32, top + half)];
            legend.draw(&Rectangle::new(corners, color.filled()))?;
            let value = table::number(line.values.last().copied().unwrap_or_default());
            let text = format!("{} {value}", line.name);
            legend.draw(&Text::new(text, (40, top), style(13, HPos::Left)))?;
        }
        root.present()?;
        Ok(())
    }

    fn draw_plot(&self, plot: &Area<'_>) -> Result {
        let values = || self.lines.iter().flat_map(|line| line.values.iter().copied());
        let low = values().fold(f64::INFINITY, f64::min) / 1.3;
        let high = values().fold(0.0, f64::max) * 1.3;
        let last = f64::from(u32::try_from(self.ticks.len() - 1)?);
        let across = (low..high).log_scale().with_key_points(key_points(low, high));
        let mut chart = ChartBuilder::on(plot)
            .margin(14)
            .caption(self.title.as_str(), ("sans-serif", 18))
            .x_label_area_size(44)
            .y_label_area_size(66)
            .build_cartesian_2d(-0.1..last + 0.1, across)?;
        let tick = |at: &f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A small index.
            let name = self.ticks.get(at.round() as usize);
            let is_whole = (at - at.round()).abs() < 1e-6;
            if is_whole { name.cloned().unwrap_or_default() } else { String::new() }
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(BLACK.mix(0.12))
            .max_light_lines(0)
            .x_labels(2 * self.ticks.len())
            .x_label_formatter(&tick)
            .y_label_formatter(&|value| table::number(*value))
            .x_desc(if self.is_over_rows { "producers" } else { "percentile" })
            .y_desc(format!("{}, logarithmic", self.unit))
            .label_style(("sans-serif", 13))
            .axis_style(BLACK.mix(0.4))
            .draw()?;
        for (line, color, width) in self.colored() {
            let points = || (0_u32..).map(f64::from).zip(line.values.iter().copied());
            chart.draw_series(LineSeries::new(points(), color.stroke_width(width)))?;
            chart
                .draw_series(points().map(|point| Circle::new(point, width + 1, color.filled())))?;
        }
        Ok(())
    }
}

/// Round numbers between two others, for an axis of powers.
fn key_points(low: f64, high: f64) -> Vec<f64> {
    let decades = || (-3..12).map(|power| 10_f64.powi(power));
    let within = |steps: &[f64]| -> Vec<f64> {
        let points = decades().flat_map(|decade| steps.iter().map(move |step| step * decade));
        points.filter(|point| (low..high).contains(point)).collect()
    };
    let (coarse, fine) = (within(&[1.0, 2.0, 5.0]), [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0]);
    if coarse.len() < 4 { within(&fine) } else { coarse }
}
