//! The tables on standard output.

use crate::section::{Bar, Line, Measured};

pub(crate) fn print_head() {
    println!(
        "ns per event of 64 bytes on one thread, median [min..max]; more than the base of the table; \
         how many times the base; a.: allocations.\nGo's figures are processor time, and were measured once (Go 1.27, \
         2 cores)."
    );
}

/// A section, and above it the number of its row.
pub(crate) fn print(number: u8, measured: &Measured) {
    println!("\nrow {number}: {}", measured.title);
    measured.lines.iter().for_each(print_line);
}

fn print_line(line: &Line) {
    let range = format!("[{}..{}]", figure(line.range.0), figure(line.range.1));
    let over = line.over.map_or_else(
        || format!("{:>18}", "base"),
        |(more, times)| format!("{more:>+8.2} {times:>7.3} x"),
    );
    let go = line.go.map_or_else(String::new, |go| format!("Go {}: {} ns", go.name, go.ns));
    let text = format!(
        "    {:<48} {:>7} {range:<16} {over}  {:<11} {:<7}{:<29} {go}",
        line.name,
        figure(line.ns),
        bar(line.bar),
        verdict(line),
        allocations(line),
    );
    println!("{}", text.trim_end());
}

fn verdict(line: &Line) -> &'static str {
    match line.holds() {
        Some(true) => "ok",
        Some(false) => "BEHIND",
        None => "",
    }
}

fn bar(bar: Bar) -> String {
    match bar {
        Bar::Over(ns) => format!("<= +{ns:.2}"),
        Bar::Times(ratio) => format!("<= {ratio:.2} x"),
        Bar::Allocations(count) => format!("<= +{count:.2} a."),
        Bar::Shown => String::new(),
    }
}

/// Said where there are some: in all, and more than the base.
fn allocations(line: &Line) -> String {
    let count = line.allocations;
    let more = line.over.map_or_else(String::new, |_| format!(" ({:+.4})", line.allocations_more));
    if count > 0.0 { format!("{count:.4}{more} allocations") } else { String::new() }
}

/// How many lines hold, and those once more that do not.
pub(crate) fn print_summary(lines: &[Line]) {
    let asked = || lines.iter().filter(|line| line.holds().is_some());
    let held = asked().filter(|line| line.holds() == Some(true)).count();
    println!("\n{held} of {} lines with a bar hold", asked().count());
    for line in asked().filter(|line| line.holds() == Some(false)) {
        println!("  {}", line.title);
        print_line(line);
    }
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}
