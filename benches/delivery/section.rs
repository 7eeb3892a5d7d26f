//! Stores that are compared with one of them, the base.

use crate::harness::allocations;
use crate::harness::event::Event64;
use crate::harness::machine::as_f64;
use crate::harness::measure::{Effort, Lap, Laps, Pace, Row, Side};
use crate::harness::outcome::Outcome;
use crate::subject::{EVENTS_PER_PUBLISH, Subject};

/// What a line may cost.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// So many nanoseconds more than the base.
    Over(f64),
    /// So many times the base.
    Times(f64),
    /// So many allocations more than the base.
    Allocations(f64),
    /// Whatever it costs more than the base.
    Shown,
}

/// Allocations for each event that are only those of a list that doubles now and then.
const GROWTH: f64 = 0.001;

/// What a Go library takes for the like.
#[derive(Clone, Copy)]
pub(crate) struct Go {
    pub(crate) name: &'static str,
    /// Of processor time, for an event.
    pub(crate) ns: f64,
}

/// What is asked of a contender.
struct Demand {
    name: String,
    bar: Bar,
    /// How many more allocations for each event it may make than the base.
    allocations_max: f64,
    go: Option<Go>,
}

/// A base and what is compared with it.
pub(crate) struct Section {
    title: &'static str,
    row: Row,
    /// The first is the base.
    demands: Vec<Demand>,
}

/// What came out of a section; its first line is the base.
pub(crate) struct Measured {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// What came out for a contender; nanoseconds and allocations are for each event.
pub(crate) struct Line {
    /// Of its section.
    pub(crate) title: &'static str,
    pub(crate) name: String,
    pub(crate) ns: f64,
    pub(crate) range: (f64, f64),
    /// The medians of the rounds' differences from the base and ratios to it; none for the base.
    pub(crate) over: Option<(f64, f64)>,
    pub(crate) bar: Bar,
    pub(crate) allocations: f64,
    /// More than the base, or in all if it is the base.
    pub(crate) allocations_more: f64,
    allocations_max: f64,
    pub(crate) go: Option<Go>,
}

impl Section {
    /// Begins with the base. `lap` sends and handles events on what `open` returns.
    pub(crate) fn new(
        title: &'static str,
        base: &str,
        open: impl Fn() -> Subject + 'static,
        lap: fn(&mut Subject, u64) -> Lap,
    ) -> Self {
        let row = Row::new(0, title, size_of::<Event64>(), Pace::Short)
            .in_laps_of(4 * EVENTS_PER_PUBLISH)
            .with_figures(&[("", "ns"), ("allocations", "per event")])
            .quiet();
        Self { title, row, demands: Vec::new() }.add(base, Bar::Shown, open, lap)
    }

    /// Adds something to compare with the base.
    pub(crate) fn add(
        mut self,
        name: &str,
        bar: Bar,
        open: impl Fn() -> Subject + 'static,
        lap: fn(&mut Subject, u64) -> Lap,
    ) -> Self {
        let name = name.to_owned();
        self.row = self.row.add(Side::Beside(""), name.clone(), counted(open, lap));
        self.demands.push(Demand { name, bar, allocations_max: 0.0, go: None });
        self
    }

    /// What Go takes for what was added last.
    pub(crate) fn beside(mut self, name: &'static str, ns: f64) -> Self {
        if let Some(demand) = self.demands.last_mut() {
            demand.go = Some(Go { name, ns });
        }
        self
    }

    /// What was added last may make so many more allocations for each event than the base.
    pub(crate) fn allocating(mut self, allocations_max: f64) -> Self {
        if let Some(demand) = self.demands.last_mut() {
            demand.allocations_max = allocations_max;
        }
        self
    }

    pub(crate) fn measure(self, effort: &Effort, laps: &mut Laps) -> Measured {
        let outcomes = self.row.measure(effort, laps);
        let Self { title, demands, .. } = self;
        let base = demands[0].name.clone();
        let lines = demands.into_iter().map(|demand| Line::of(&outcomes, title, &base, demand));
        Measured { title, lines: lines.collect() }
    }
}

/// Laps on a subject that is opened anew for each, with their allocations counted. The old ones are
/// kept, so that each has many places in memory.
fn counted(
    open: impl Fn() -> Subject + 'static,
    lap: fn(&mut Subject, u64) -> Lap,
) -> impl FnMut(u64) -> Lap + 'static {
    let mut opened = Vec::new();
    move |events| {
        let mut subject = open();
        // So that no lap meets memory for the first time.
        lap(&mut subject, 4 * EVENTS_PER_PUBLISH);
        allocations::count_them(true);
        let lap = lap(&mut subject, events);
        allocations::count_them(false);
        opened.push(subject);
        let ns = lap.elapsed.as_secs_f64() * 1e9 / as_f64(events);
        let per_event = as_f64(lap.allocations) / as_f64(events);
        // Judged with the line, and not by the row.
        Lap { allocations: 0, ..lap }.with(vec![ns, per_event])
    }
}

impl Line {
    fn of(outcomes: &[Outcome], title: &'static str, base: &str, demand: Demand) -> Self {
        let Demand { name, bar, allocations_max, go } = demand;
        let series = |figure: usize, name: &str| {
            let mut all = outcomes[figure].series.iter();
            all.find(|series| series.name == name).expect("every contender has every figure")
        };
        let (ns, base_ns) = (series(0, &name), series(0, base));
        let over = (name != base).then(|| {
            let pairs = || ns.rounds.iter().zip(&base_ns.rounds);
            let more = pairs().map(|(ours, base)| ours - base).collect();
            let times = pairs().map(|(ours, base)| ours / base).collect();
            (median(more), median(times))
        });
        // One allocation in one lap counts: the highest, not the median.
        let allocations = series(1, &name).max;
        let of_base = if name == base { 0.0 } else { series(1, base).median };
        let allocations_more = allocations - of_base;
        let (range, ns) = ((ns.min, ns.max), ns.median);
        Self {
            title,
            name,
            ns,
            range,
            over,
            bar,
            allocations,
            allocations_more,
            allocations_max,
            go,
        }
    }

    /// Whether it costs no more than it may, if there is a bar.
    pub(crate) fn holds(&self) -> Option<bool> {
        let (more, times) = self.over?;
        match self.bar {
            Bar::Over(ns) => Some(more <= ns && !self.wastes()),
            Bar::Times(ratio) => Some(times <= ratio && !self.wastes()),
            Bar::Allocations(count) => Some(self.allocations_more <= count + GROWTH),
            Bar::Shown => None,
        }
    }

    /// Whether it allocates where that is not what is measured.
    pub(crate) fn wastes(&self) -> bool {
        let is_measured = matches!(self.bar, Bar::Allocations(_));
        !is_measured && self.allocations_more > self.allocations_max
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
