//! One picture of a whole run: for each line of the bar table how many times as long we take as the
//! best peer.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::{
    BLACK, Color, IntoDrawingArea, PathElement, RGBColor, Rectangle, SVGBackend, Text, WHITE,
};
use plotters::style::text_anchor::HPos;

use crate::harness::machine;
use crate::harness::outcome::{Outcome, Series, Verdict};
use crate::harness::table;
use crate::plot::{OURS, style};

/// The measures of the picture.
const WIDTH: i32 = 1200;
const TOP: i32 = 104;
const STEP: i32 = 24;
const BOTTOM: i32 = 40;
/// Where the ratio is 1, and how far from there it is twice that.
const ONE: i32 = 680;
const OCTAVE: f64 = 60.0;
/// Between these the axis goes; what is beyond is drawn as long as it can be.
const RATIOS: [f64; 7] = [0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0];
/// The right edge of what we are compared in, and the left one of the figures.
const TITLES: i32 = 420;
const FIGURES: i32 = 820;

const BEHIND: RGBColor = RGBColor(214, 126, 44);

const HEAD: &str = "Time per event, or of latency: ours divided by the best peer's, 64-byte events";
const KEY: &str = "medians over the rounds of one run; left of 1 we are faster; a black mark is the \
    bar of the row; orange: behind it";

/// A line of the picture.
struct Bar<'a> {
    outcome: &'a Outcome,
    verdict: &'a Verdict,
    ratio: f64,
}

impl<'a> Bar<'a> {
    /// What the bar table asks for and has been measured, in its order.
    fn of(outcomes: &'a [Outcome]) -> Vec<Self> {
        let verdicts = outcomes
            .iter()
            .flat_map(|outcome| outcome.verdicts.iter().map(move |verdict| (outcome, verdict)));
        let asked = verdicts.filter(|(_, verdict)| verdict.is_bar);
        asked
            .filter_map(|(outcome, verdict)| Some(Self { outcome, verdict, ratio: verdict.ratio? }))
            .collect()
    }

    fn title(&self) -> String {
        let Outcome { head, .. } = self.outcome;
        format!("{}: {}, {}", head.number, self.outcome.title(), self.outcome.unit())
    }

    fn figures(&self) -> String {
        let figure = |series: &Series| format!("{} {}", series.name, table::number(series.median));
        let peer = self.verdict.peer.as_ref().map_or_else(String::new, figure);
        format!("{:.2}: {}, {peer}", self.ratio, figure(&self.verdict.ours))
    }
}

/// Draws it, into a folder that is made if it is not there.
pub(crate) fn write(path: &Path, effort: &str, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let bars = Bar::of(outcomes);
    let end = TOP + STEP * i32::try_from(bars.len())?;
    let size = (u32::try_from(WIDTH)?, u32::try_from(end + BOTTOM)?);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let (cpu, cores) = (machine::cpu_model(), machine::core_count());
    let machine = format!("{cpu}, {cores} cores, effort: {effort}");
    let heads = [(21, HEAD), (15, KEY), (15, machine.as_str())];
    for ((size, text), top) in heads.into_iter().zip((20..).step_by(22)) {
        root.draw(&Text::new(text, (12, top), style(size, HPos::Left)))?;
    }
    let head = (FIGURES, TOP - 14);
    root.draw(&Text::new("ratio: ours, best peer", head, style(15, HPos::Left)))?;
    for ratio in RATIOS {
        let shade = if across(ratio) == ONE { BLACK.mix(0.7) } else { BLACK.mix(0.15) };
        let line = vec![(across(ratio), TOP - 6), (across(ratio), end)];
        root.draw(&PathElement::new(line, shade))?;
        let below = (across(ratio), end + 16);
        root.draw(&Text::new(ratio.to_string(), below, style(15, HPos::Center)))?;
    }
    for (bar, top) in bars.iter().zip((TOP..).step_by(STEP as usize)) {
        let middle = top + STEP / 2;
        let color = if bar.verdict.holds() == Some(false) { BEHIND } else { OURS };
        let ends = [(ONE, middle - 8), (across(bar.ratio), middle + 8)];
        root.draw(&Rectangle::new(ends, color.filled()))?;
        if let Some(asked) = bar.verdict.bar {
            let mark = vec![(across(asked), middle - 11), (across(asked), middle + 11)];
            root.draw(&PathElement::new(mark, BLACK.stroke_width(2)))?;
        }
        root.draw(&Text::new(bar.title(), (TITLES, middle), style(15, HPos::Right)))?;
        root.draw(&Text::new(bar.figures(), (FIGURES, middle), style(15, HPos::Left)))?;
    }
    root.present()?;
    Ok(())
}

/// Where a ratio is, from left to right.
fn across(ratio: f64) -> i32 {
    let [least, .., most] = RATIOS;
    let octaves = ratio.clamp(least, most).log2();
    #[allow(clippy::cast_possible_truncation)] // At most a few octaves.
    let offset = (octaves * OCTAVE).round() as i32;
    ONE + offset
}
