//! Rows of contenders, measured in interleaved rounds.
//!
//! In every round each contender runs one lap, and the order moves on by one from round to round,
//! so that noise of the machine meets all of them. A figure is the median of its rounds, a ratio
//! the median of the rounds' ratios.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::allocations;
use super::machine::{self, as_f64};
use super::outcome::{self, Outcome, Series};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) name: &'static str,
    /// Rounds, and the time of a lap, of rows on one thread.
    short: (usize, Duration),
    /// The same for rows on several threads, which take longer to settle.
    long: (usize, Duration),
    /// The same for laps that take long whatever they are asked for.
    few: (usize, Duration),
}

impl Effort {
    pub(crate) const FULL: Self =
        Self { name: "full", short: (31, ms(5)), long: (15, ms(100)), few: (5, ms(100)) };
    pub(crate) const QUICK: Self =
        Self { name: "quick", short: (11, ms(2)), long: (7, ms(20)), few: (1, ms(100)) };
    /// To see that everything works, not to measure.
    pub(crate) const ONCE: Self =
        Self { name: "once", short: (1, ms(0)), long: (1, ms(0)), few: (1, ms(0)) };

    /// Whether anything is measured, and not only seen to work.
    pub(crate) const fn measures(&self) -> bool {
        self.short.0 > 1
    }

    fn of(&self, pace: Pace) -> (usize, Duration) {
        match pace {
            Pace::Short => self.short,
            Pace::Long => self.long,
            Pace::Few => self.few,
        }
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Which kind of laps a row needs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    Short,
    Long,
    Few,
}

/// What came out of a lap.
pub(crate) struct Lap {
    pub(crate) elapsed: Duration,
    /// Allocations of the whole process while the clock ran; counted for ours only.
    pub(crate) allocations: u64,
    /// One number for each figure of the row; without, it is nanoseconds per event.
    pub(crate) figures: Option<Vec<f64>>,
}

impl Lap {
    /// What was not measured but is known.
    pub(crate) fn constant(figure: f64) -> Self {
        Self { elapsed: Duration::MAX, allocations: 0, figures: Some(vec![figure]) }
    }

    pub(crate) fn with(self, figures: Vec<f64>) -> Self {
        Self { figures: Some(figures), ..self }
    }
}

/// A running clock.
pub(crate) struct Stopwatch {
    allocations: u64,
    start: Instant,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start() -> Self {
        Self { allocations: allocations::so_far(), start: Instant::now() }
    }

    #[inline]
    pub(crate) fn stop(self) -> Lap {
        let elapsed = self.start.elapsed();
        Lap { elapsed, allocations: allocations::so_far() - self.allocations, figures: None }
    }
}

/// Runs a lap of so many events, or a few more.
type Run = Box<dyn FnMut(u64) -> Lap>;

/// What a contender is to the row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// Ours, with the bar of each figure.
    Ours(&'static [Option<f64>]),
    /// Makes the same promise: the best of these is what ours is compared with.
    Peer,
    /// Shown, but promises something else, namely this.
    Beside(&'static str),
}

struct Contender {
    name: String,
    side: Side,
    run: Run,
    /// How many events make a lap.
    events: u64,
}

/// A row of the bar table, ready to be measured.
pub(crate) struct Row {
    head: Head,
    pace: Pace,
    /// The fewest events of a lap; laps double from there on.
    unit: u64,
    /// What they are, and in what.
    figures: &'static [(&'static str, &'static str)],
    /// Whether no thread ever waits for a core, unless another program runs.
    is_quiet: bool,
    contenders: Vec<Contender>,
}

/// What a row is about.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// In the bar table.
    pub(crate) number: u8,
    pub(crate) scenario: String,
    /// Of an event.
    pub(crate) bytes: usize,
    /// Whether the bar table speaks of it; if not, it is shown further down.
    pub(crate) is_bar: bool,
    /// Which picture with lines it is part of.
    pub(crate) curve: Option<Curve>,
}

/// What a line connects.
#[derive(Debug, Clone)]
pub(crate) enum Curve {
    /// Rows: the title they share, and where this one stands.
    Rows { title: &'static str, tick: usize },
    /// The figures of a row.
    Figures,
}

impl Row {
    pub(crate) fn new(number: u8, scenario: impl Into<String>, bytes: usize, pace: Pace) -> Self {
        let head = Head { number, scenario: scenario.into(), bytes, is_bar: true, curve: None };
        let figures = &[("", "ns")];
        Self { head, pace, unit: 4096, figures, is_quiet: false, contenders: Vec::new() }
    }

    /// Begins with laps of so many events, rather than 4,096.
    pub(crate) fn in_laps_of(self, unit: u64) -> Self {
        Self { unit, ..self }
    }

    /// Other figures from each lap than the nanoseconds per event: what they are, and in what.
    pub(crate) fn with_figures(self, figures: &'static [(&'static str, &'static str)]) -> Self {
        Self { figures, ..self }
    }

    /// Part of a picture with lines.
    pub(crate) fn on(mut self, curve: Curve) -> Self {
        self.head.curve = Some(curve);
        self
    }

    /// The bar table does not speak of it.
    pub(crate) fn further(self) -> Self {
        self.further_unless(false)
    }

    /// The bar table speaks of it only if so.
    pub(crate) fn further_unless(mut self, is_bar: bool) -> Self {
        self.head.is_bar = is_bar;
        self
    }

    /// Has a core for each of its threads: if a thread had to wait for one, another program ran,
    /// and the lap is run again.
    pub(crate) fn quiet(self) -> Self {
        Self { is_quiet: true, ..self }
    }

    pub(crate) fn add(
        mut self,
        side: Side,
        name: impl Into<String>,
        run: impl FnMut(u64) -> Lap + 'static,
    ) -> Self {
        self.contenders.push(Contender { name: name.into(), side, run: Box::new(run), events: 0 });
        self
    }

    /// Measures all contenders; one outcome for each figure.
    pub(crate) fn measure(mut self, effort: &Effort, laps: &mut Laps) -> Vec<Outcome> {
        let (rounds, target) = effort.of(self.pace);
        for contender in &mut self.contenders {
            contender.warm_up(self.unit, target);
        }
        let mut results: Vec<Vec<Vec<f64>>> = vec![Vec::new(); self.contenders.len()];
        // As many as there are laps in half of the rounds.
        let mut repeats = if self.is_quiet { rounds / 2 * self.contenders.len() } else { 0 };
        for round in 0..rounds {
            for turn in 0..self.contenders.len() {
                let index = (round + turn) % self.contenders.len();
                let contender = &mut self.contenders[index];
                laps.ours += usize::from(contender.is_ours());
                results[index].push(laps.watch(&mut repeats, self.is_quiet, || contender.lap()));
            }
        }
        let series = |figure: usize| -> Vec<Series> {
            let each = self.contenders.iter().zip(&results).map(|(contender, rounds)| {
                let rounds = rounds.iter().map(|figures| figures[figure]).collect();
                Series::new(&contender.name, &contender.side, rounds)
            });
            each.collect()
        };
        let face = outcome::best_face(&series(0));
        let outcome = |index: usize| {
            let (head, figure) = (self.head.clone(), self.figures[index]);
            Outcome::new(head, index, figure, series(index), face.as_deref())
        };
        (0..self.figures.len()).map(outcome).collect()
    }
}

/// How many laps there were, and how often other programs disturbed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Laps {
    /// Laps of rows whose threads have a core each.
    watched: usize,
    /// Those that were run again, because a thread had to wait for its core.
    repeated: usize,
    /// Those that count although they were disturbed, since enough were run again.
    disturbed: usize,
    /// Laps of ours, in all of which nothing was allocated.
    ours: usize,
}

impl Laps {
    /// Laps of ours, in all of which nothing was allocated: one allocation is a panic.
    pub(crate) fn ours(&self) -> usize {
        self.ours
    }

    /// Runs a lap; once more while it was disturbed and there are repeats left.
    fn watch<T>(&mut self, repeats: &mut usize, is_quiet: bool, mut lap: impl FnMut() -> T) -> T {
        loop {
            let (start, before) = (Instant::now(), machine::waiting_for_cores());
            let result = lap();
            let after = machine::waiting_for_cores();
            let waited = after
                .zip(before)
                .map_or(Duration::ZERO, |(after, before)| after.saturating_sub(before));
            if !is_quiet {
                return result;
            }
            let is_disturbed = waited > start.elapsed() / 20;
            if is_disturbed && *repeats != 0 {
                *repeats -= 1;
                self.repeated += 1;
                continue;
            }
            self.watched += 1;
            self.disturbed += usize::from(is_disturbed);
            return result;
        }
    }
}

impl Display for Laps {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "of {} laps that need a core for each thread, other programs disturbed {}, after {} \
             had been run again",
            self.watched, self.disturbed, self.repeated
        )
    }
}

impl Contender {
    /// Finds out how many events a lap takes.
    fn warm_up(&mut self, unit: u64, target: Duration) {
        self.events = unit;
        while (self.run)(self.events).elapsed < target / 2 {
            self.events *= 2;
        }
    }

    fn is_ours(&self) -> bool {
        matches!(self.side, Side::Ours(_))
    }

    /// One lap's figures.
    fn lap(&mut self) -> Vec<f64> {
        allocations::count_them(self.is_ours());
        let lap = (self.run)(self.events);
        allocations::count_them(false);
        let count = lap.allocations;
        assert_eq!(count, 0, "{}: {count} allocations in a lap in a steady state", self.name);
        let per_event = |elapsed: Duration| elapsed.as_secs_f64() * 1e9 / as_f64(self.events);
        lap.figures.unwrap_or_else(|| vec![per_event(lap.elapsed)])
    }
}
