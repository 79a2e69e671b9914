use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{bytes, clock, count, rfc3339, roughly, short_count, span, time_of_day, usd};
use crate::base::text;

const SECOND: i64 = 1_000_000;

#[test]
fn counts_are_grouped_by_thousands() {
    assert_eq!(count(0), "0");
    assert_eq!(count(999), "999");
    assert_eq!(count(48_201), "48,201");
    assert_eq!(count(1_000_000), "1,000,000");
}

#[test]
fn short_counts_carry_into_the_next_letter() {
    assert_eq!(short_count(0), "0");
    assert_eq!(short_count(999), "999");
    assert_eq!(short_count(1_234), "1.2k");
    assert_eq!(short_count(99_949), "99.9k");
    assert_eq!(short_count(99_950), "100k");
    assert_eq!(short_count(999_499), "999k");
    assert_eq!(short_count(999_500), "1.0M");
    assert_eq!(short_count(3_400_000), "3.4M");
    assert_eq!(short_count(u64::MAX), "18.4E");
}

#[test]
fn spans_choose_their_unit() {
    assert_eq!(span(0), "0ms");
    assert_eq!(span(450), "450µs");
    assert_eq!(span(80_000), "80ms");
    assert_eq!(span(999_600), "1.0s");
    assert_eq!(span(1_900_000), "1.9s");
    assert_eq!(span(59_960_000), "1m00s");
    assert_eq!(span(192 * SECOND), "3m12s");
    assert_eq!(span(2 * 3600 * SECOND + 5 * 60 * SECOND), "2h05m");
    assert_eq!(span((3 * 24 + 4) * 3600 * SECOND), "3d04h");
    assert_eq!(span(-1_900_000), "-1.9s");
    assert_eq!(span(i64::MIN), "-106751991d");
}

#[test]
fn bytes_have_a_unit() {
    assert_eq!(bytes(812), "812 B");
    assert_eq!(bytes(1000), "1.0 kB");
    assert_eq!(bytes(9_960), "10 kB");
    assert_eq!(bytes(45_200_000), "45 MB");
    assert_eq!(bytes(999_600_000), "1.0 GB");
    assert_eq!(bytes(3_100_000_000), "3.1 GB");
    assert_eq!(bytes(u64::MAX), "18 EB");
}

#[test]
fn dollars_show_the_digits_that_matter() {
    assert_eq!(usd(12.84), "$12.84");
    assert_eq!(usd(0.41), "$0.41");
    assert_eq!(usd(0.0212), "$0.0212");
    assert_eq!(usd(0.04), "$0.04");
    assert_eq!(usd(0.099_96), "$0.10");
    assert_eq!(usd(0.0), "$0");
    assert_eq!(usd(0.000_01), "<$0.0001");
    assert_eq!(usd(999.999), "$1,000");
    assert_eq!(usd(12_345.6), "$12,346");
    assert_eq!(usd(2_500_000.0), "$2.5M");
    assert_eq!(usd(-0.41), "-$0.41");
    assert_eq!(usd(f64::NAN), "—");
    assert_eq!(super::cents(0.0363), "$0.04");
    assert_eq!(super::cents(0.0021), "<$0.01");
    assert_eq!(super::cents(0.0999), "$0.10");
    assert_eq!(super::cents(12.234), "$12.23");
}

#[test]
fn times_are_shown_in_their_zone_and_for_machines_in_utc() {
    let us = 1_795_341_731_250_000;
    assert_eq!(rfc3339(us), "2026-11-22T10:02:11.250Z");
    assert_eq!(time_of_day(us, &TimeZone::UTC), "10:02:11");
    let berlin = TimeZone::fixed(jiff::tz::offset(1));
    assert_eq!(time_of_day(us, &berlin), "11:02:11");
}

#[test]
fn times_beyond_the_calendar_are_shown_raw() {
    assert_eq!(rfc3339(i64::MAX), i64::MAX.to_string());
    assert_eq!(time_of_day(i64::MIN, &TimeZone::UTC), i64::MIN.to_string());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn short_counts_take_at_most_five_cells(number: u64, shift in 0_u32..64) {
        let number = number >> shift;
        prop_assert!(text::width(&short_count(number)) <= 5);
        prop_assert!(text::width(&bytes(number)) <= 6);
    }

    #[test]
    fn spans_of_a_working_life_take_at_most_six_cells(us in 0_i64..99_999 * 86_400 * SECOND, shift in 0_u32..60) {
        prop_assert!(text::width(&span(us >> shift)) <= 6);
    }

    #[test]
    fn no_number_panics(us: i64, amount: f64) {
        prop_assert!(!span(us).is_empty());
        prop_assert!(!usd(amount).is_empty());
        prop_assert!(!rfc3339(us).is_empty());
        prop_assert!(!time_of_day(us, &TimeZone::UTC).is_empty());
    }
}

#[test]
fn a_point_in_time_shows_the_date_only_if_needed() {
    let at = |text: &str| {
        text.parse::<jiff::Timestamp>()
            .expect("a time")
            .as_microsecond()
    };
    let now = at("2026-11-24T15:00:00Z");
    let when = |text| super::when(at(text), now, &jiff::tz::TimeZone::UTC);
    assert_eq!(when("2026-11-24T14:01:59Z"), "14:01 today");
    assert_eq!(when("2026-11-22T09:14:00Z"), "Nov 22 09:14");
    assert_eq!(when("2025-12-31T23:59:00Z"), "2025-12-31");
}

#[test]
fn a_clock_counts_seconds_and_rough_spans_whole_units() {
    let second = 1_000_000;
    assert_eq!(clock(0), "0:00");
    assert_eq!(clock(41 * second + 999_999), "0:41");
    assert_eq!(clock(727 * second), "12:07");
    assert_eq!(clock(3600 * second), "1h00m");
    assert_eq!(roughly(59 * second), "59s");
    assert_eq!(roughly(299 * second), "4m");
    assert_eq!(roughly(7199 * second), "1h");
    assert_eq!(roughly(3 * 86_400 * second), "3d");
}
