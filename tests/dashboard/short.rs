//! Figures in few characters.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::text::Span;

use crate::figures::{count, fit, rate, time, time_if};

#[test]
fn counts_are_short_and_rounded_down() {
    let expected = [
        (0, "0"),
        (9_999, "9999"),
        (10_000, "10.0k"),
        (99_999, "99.9k"),
        (999_999, "999k"),
        (1_000_000, "1.00M"),
        (1_239_999, "1.23M"),
        (45_600_000_000, "45.6G"),
        (7_000_000_000_000, "7.00T"),
        (999_999_999_999_999_999, "999P"),
        (u64::MAX, "18.4E"),
    ];
    for (number, text) in expected {
        assert_eq!(count(number), text);
    }
}

#[test]
fn slow_rates_have_a_decimal_and_no_rate_is_too_long() {
    let expected = [
        (0.0, "0"),
        (0.25, "0.2"),
        (9.9, "9.9"),
        (10.4, "10"),
        (12_345.0, "12.3k"),
        (f64::MAX, "18.4E"),
        (f64::NAN, "0"),
        (-1.0, "0"),
    ];
    for (per_second, text) in expected {
        assert_eq!(rate(per_second), text);
    }
}

#[test]
fn times_are_short_and_rounded_down() {
    let nanos = Duration::from_nanos;
    let expected = [
        (nanos(0), "0ns"),
        (nanos(999), "999ns"),
        (nanos(1_000), "1.00µs"),
        (nanos(12_399), "12.3µs"),
        (nanos(999_999), "999µs"),
        (nanos(1_500_000), "1.50ms"),
        (nanos(59_999_999_999), "59.9s"),
        (Duration::from_mins(1), "1m00s"),
        (Duration::from_secs(3_599), "59m59s"),
        (Duration::from_hours(1), "1h00m"),
        (Duration::from_secs(359_999), "99h59m"),
        (Duration::from_hours(100), "4d"),
        (Duration::from_secs(u64::from(u32::MAX) * 1_000), "49.7Md"),
        (Duration::MAX, "213Td"),
    ];
    for (duration, text) in expected {
        assert_eq!(time(duration), text);
    }
    assert_eq!(time_if(None), "-");
}

#[test]
fn a_text_is_cut_or_filled_up() {
    let expected = [
        ("", 0, ""),
        ("", 3, "   "),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("abcd", 0, ""),
        ("a\nb\u{1b}c", 6, "a b c "),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日… "),
    ];
    for (text, columns, fitted) in expected {
        assert_eq!(fit(text, columns), fitted, "{text:?} in {columns}");
    }
}

proptest! {
    #[test]
    fn whatever_it_is_it_has_its_columns(text in "\\PC{0,12}|[\\x00-\\x7f]{0,12}", columns in 0_usize..16) {
        let fitted = fit(&text, columns);
        let width: usize = fitted.chars().map(|c| Span::raw(c.to_string()).width()).sum();
        prop_assert_eq!(width, columns);
    }

    #[test]
    fn no_figure_is_longer_than_its_column(number: u64, seconds: u64, nanos in 0_u32..1_000_000_000) {
        prop_assert!(count(number).chars().count() <= 5);
        prop_assert!(time(Duration::new(seconds, nanos)).chars().count() <= 6);
    }
}
