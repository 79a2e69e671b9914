//! Parsing timestamps as traces write them.

use crate::model::quantity::Time;

/// A time from text: RFC 3339 and its usual variants, RFC 2822, or a number. [`Time::NONE`] if it is none of
/// these. Without a zone it is UTC.
pub fn from_text(text: &[u8]) -> Time {
    if let Some(time) = rfc3339(text) {
        return time;
    }
    if !text.first().is_some_and(|&byte| begins_a_time(byte)) {
        return Time::NONE;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Time::NONE;
    };
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return from_number(number);
    }
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Time(stamp.as_microsecond());
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Time(zoned.timestamp().as_microsecond());
    }
    text.parse::<jiff::civil::DateTime>()
        .ok()
        .and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map_or(Time::NONE, |zoned| Time(zoned.timestamp().as_microsecond()))
}

/// A cheap check before all parsers are tried: dates begin with a digit, a sign or the name of a day.
fn begins_a_time(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || matches!(byte, b'+' | b'-' | b'.')
}

/// A time from a number of seconds, milliseconds, microseconds or nanoseconds since the epoch,
/// distinguished by magnitude. Years before 0000 or after 9999 are not a time.
pub fn from_number(number: f64) -> Time {
    let size = number.abs();
    let micros = match size {
        _ if !size.is_finite() => return Time::NONE,
        _ if size < 1e11 => number * 1e6,
        _ if size < 1e14 => number * 1e3,
        _ if size < 1e17 => number,
        _ if size < 1e20 => number / 1e3,
        _ => return Time::NONE,
    };
    if (-62_167_219_200e6..253_402_300_800e6).contains(&micros) {
        Time(micros.round() as i64)
    } else {
        Time::NONE
    }
}

/// The form that nearly every line has, `2026-11-22T10:00:00.000Z`. Written by hand because it is parsed once
/// per line.
fn rfc3339(text: &[u8]) -> Option<Time> {
    let (
        &[
            y1,
            y2,
            y3,
            y4,
            b'-',
            m1,
            m2,
            b'-',
            d1,
            d2,
            b'T' | b't' | b' ',
            h1,
            h2,
            b':',
            n1,
            n2,
            b':',
            s1,
            s2,
        ],
        rest,
    ) = text.split_first_chunk()?
    else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    if !(1..=12).contains(&month)
        || !(1..=days_of(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let (micros, rest) = match rest {
        [b'.' | b',', fraction @ ..] => micros(fraction)?,
        _ => (0, rest),
    };
    let shift = match *rest {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let minutes = two(h1, h2)? * 60 + two(m1, m2)?;
            if sign == b'+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    let seconds =
        days_since_epoch(year, month, day) * 86_400 + hour * 3600 + (minute - shift) * 60 + second;
    Some(Time(seconds * 1_000_000 + micros))
}

/// The value of two digits.
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// The digits after the decimal point as microseconds, and the text after them. Digits beyond the sixth are
/// ignored.
fn micros(fraction: &[u8]) -> Option<(i64, &[u8])> {
    let mut micros = 0;
    let mut scale = 1_000_000;
    let mut rest = fraction;
    while let Some((digit, after)) = rest.split_first()
        && digit.is_ascii_digit()
    {
        scale /= 10;
        micros += i64::from(digit - b'0') * scale;
        rest = after;
    }
    (rest.len() < fraction.len()).then_some((micros, rest))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, computed with years that begin in March, so
/// that the leap day is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let century = year.div_euclid(100);
    let day_of_year = (month * 153 + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - century + century.div_euclid(4) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, micros: i64) {
        assert_eq!(from_text(text.as_bytes()), Time(micros), "{text}");
    }

    #[test]
    fn reads_the_usual_spellings() {
        check("2026-11-22T10:00:00.000Z", 1_795_341_600_000_000);
        check("2026-11-22T10:00:00Z", 1_795_341_600_000_000);
        check("2026-11-22 10:00:00.5", 1_795_341_600_500_000);
        check("2026-11-22T11:30:00.000001+01:30", 1_795_341_600_000_001);
        check("1795341600", 1_795_341_600_000_000);
        check("1795341600000", 1_795_341_600_000_000);
    }

    #[test]
    fn text_that_is_not_a_time_gives_not_recorded() {
        for text in [
            "",
            "yesterday",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "1e300",
            "NaN",
        ] {
            assert_eq!(from_text(text.as_bytes()), Time::NONE, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar_library(seconds in -62_135_596_800_i64..253_402_300_799) {
            let text = jiff::Timestamp::from_second(seconds).expect("in range").to_string();
            prop_assert_eq!(rfc3339(text.as_bytes()), Some(Time(seconds * 1_000_000)), "{}", text);
        }
    }
}
