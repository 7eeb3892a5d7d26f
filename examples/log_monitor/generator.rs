//! A log out of nothing, with the shape of a real one: about 119 lines in an hour, all within one
//! minute and in any order; few hosts and paths that make most of the traffic; one answer in 45 an
//! error, except in a bad hour now and then; and a line that is cut off now and then. The same lines
//! come out in every run.

use crate::access::Line;
use crate::time::LogTime;

const LINES_PER_HOUR: u64 = 119;
/// In one hour of so many, errors are ten times as frequent.
const BAD_HOUR_EVERY: u64 = 40;
/// One line of so many is malformed.
const MALFORMED_EVERY: u64 = 2500;
const HOSTS: u64 = 1750;
const PAGES: u64 = 1500;
/// What is asked for most.
const PATHS: [&str; 6] = [
    "/favicon.ico",
    "/",
    "/style.css",
    "/reset.css",
    "/images/banner.png",
    "/blog/tags/puppet?flav=rss20",
];
/// The deciles of what is sent, in bytes.
const SIZES: [u64; 11] =
    [35, 1_015, 3_638, 4_877, 8_764, 12_292, 15_945, 29_941, 50_112, 65_748, 69_192_717];
/// 17 May 2015, 10:05.
const BEGIN: LogTime = LogTime(1_431_857_100);

/// The generated log; an iterator of lines.
pub(crate) struct Generator {
    random: u64,
    lines: u64,
    made: u64,
}

impl Generator {
    pub(crate) fn new(lines: u64) -> Self {
        Self { random: 1, lines, made: 0 }
    }

    /// A number from 0 to `bound - 1`, by `SplitMix64`.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A number from 0 to `bound - 1`, the smaller the more often.
    fn skewed(&mut self, bound: u64) -> u64 {
        let bound = self.below(bound) + 1;
        let bound = self.below(bound) + 1;
        self.below(bound)
    }

    fn status(&mut self, hour: u64) -> u64 {
        let bad = if hour % BAD_HOUR_EVERY == BAD_HOUR_EVERY / 2 { 10 } else { 1 };
        match self.below(10_000) {
            chance if chance < 215 * bad => 404,
            chance if chance < 220 * bad => 500,
            chance if chance < 220 * bad + 445 => 304,
            chance if chance < 220 * bad + 610 => 301,
            _ => 200,
        }
    }

    fn size(&mut self) -> u64 {
        let decile = usize::try_from(self.below(10)).unwrap_or(0);
        let (least, most) = (SIZES[decile], SIZES[decile + 1]);
        // The largest files are by far the rarest.
        least + self.skewed(most - least) / if decile == 9 { 100 } else { 1 }
    }

    fn path(&mut self) -> String {
        let rank = self.skewed(PAGES);
        let known = usize::try_from(rank / 8).ok().and_then(|rank| PATHS.get(rank));
        known.map_or_else(|| format!("/articles/{rank}/"), |path| (*path).to_owned())
    }

    fn line(&mut self) -> String {
        let hour = self.made / LINES_PER_HOUR;
        let host = self.skewed(HOSTS);
        let at =
            LogTime(BEGIN.0.saturating_add_unsigned(hour.saturating_mul(3600) + self.below(60)));
        let path = self.path();
        let status = self.status(hour);
        let size = if status == 304 { "-".to_owned() } else { self.size().to_string() };
        format!(
            "10.0.{}.{} - - [{}] \"GET {path} HTTP/1.1\" {status} {size} \"-\" \"Mozilla/5.0\"",
            host / 250,
            host % 250 + 1,
            at.in_log()
        )
    }
}

impl Iterator for Generator {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.made == self.lines {
            return None;
        }
        let mut line = self.line();
        self.made += 1;
        if self.made.is_multiple_of(MALFORMED_EVERY) {
            // Anywhere, so that each field is missing sometimes.
            let length = self.below(line.len() as u64);
            line.truncate(usize::try_from(length).unwrap_or(0));
        }
        Some(Line::parse(self.made, line))
    }
}
