//! Parses values: numbers with units, durations, times of day.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::quantity::Time;
use crate::query::expr::{Comparison, TimeOfDay};
use crate::query::fields::Shape;

/// What a unit measures, and how many of the smallest unit it is.
enum Unit {
    Time(f64),
    Scale(f64),
    Bytes(f64),
}

fn unit(text: &str) -> Option<Unit> {
    Some(match text {
        "" => Unit::Scale(1.0),
        "k" | "K" => Unit::Scale(1e3),
        "M" => Unit::Scale(1e6),
        "G" => Unit::Scale(1e9),
        "T" => Unit::Scale(1e12),
        "us" | "µs" => Unit::Time(1.0),
        "ms" => Unit::Time(1e3),
        "s" => Unit::Time(1e6),
        "m" | "min" => Unit::Time(60e6),
        "h" => Unit::Time(3600e6),
        "d" => Unit::Time(86_400e6),
        "B" => Unit::Bytes(1.0),
        "kB" | "KB" => Unit::Bytes(1e3),
        "MB" => Unit::Bytes(1e6),
        "GB" => Unit::Bytes(1e9),
        "TB" => Unit::Bytes(1e12),
        "KiB" => Unit::Bytes(1024.0),
        "MiB" => Unit::Bytes(1_048_576.0),
        "GiB" => Unit::Bytes(1_073_741_824.0),
        _ => return None,
    })
}

/// A number in the smallest unit that columns of `shape` hold: picodollars, microseconds, tokens.
pub fn number(text: &str, shape: Shape) -> Result<f64, String> {
    if shape == Shape::Duration {
        return duration(text);
    }
    let (negative, rest) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (dollars, rest) = rest
        .strip_prefix('$')
        .map_or((false, rest), |rest| (true, rest));
    let (amount, rest) = amount(rest).ok_or_else(|| format!("'{text}' is not a number"))?;
    let amount = if negative { -amount } else { amount };
    let unit = unit(rest)
        .ok_or_else(|| format!("'{rest}' is not a unit (k, M, G, kB, MB, ms, s, m, h, d)"))?;
    match (unit, shape) {
        (Unit::Scale(scale), Shape::Money) => Ok(amount * scale * 1e12),
        (Unit::Scale(scale), Shape::Count | Shape::Score) if !dollars => Ok(amount * scale),
        (Unit::Scale(scale), Shape::Json) => Ok(amount * scale),
        (Unit::Bytes(scale), Shape::Json) if !dollars => Ok(amount * scale),
        (Unit::Time(_), Shape::Json) => Err(format!(
            "'{text}' is a duration, but recorded values are compared as plain numbers"
        )),
        _ => Err(format!("'{text}' has the wrong unit here")),
    }
}

/// `1h30m`, `200ms`, `0`: in microseconds.
pub fn duration(text: &str) -> Result<f64, String> {
    let mut sum = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return Err("a duration is missing (5s, 200ms, 2m)".to_owned());
    }
    while !rest.is_empty() {
        let (amount, after) =
            amount(rest).ok_or_else(|| format!("'{text}' is not a duration (5s, 200ms, 2m)"))?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        match unit(name) {
            Some(Unit::Time(scale)) => sum += amount * scale,
            Some(Unit::Scale(_)) if amount == 0.0 && name.is_empty() => {}
            Some(Unit::Scale(_)) if name.is_empty() => {
                return Err(format!("'{text}' needs a unit ({text}s, {text}ms)"));
            }
            _ => return Err(format!("'{name}' is not a unit of time (ms, s, m, h, d)")),
        }
        rest = after;
    }
    Ok(sum)
}

/// What `since:` counts from: `now` minus a duration, a date, or an instant. A date begins in
/// `zone`.
pub fn since_instant(text: &str, now: Time, zone: &TimeZone) -> Option<Time> {
    if let Ok(back) = duration(text) {
        let now = now.get()?;
        return Some(Time(now.saturating_sub(back as i64)));
    }
    let instant = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        zone.to_timestamp(civil).ok()
    });
    instant.map(|instant| Time(instant.as_microsecond()))
}

/// Validates the value of `since:`.
pub fn since(text: &str) -> Result<(), String> {
    let year = text.bytes().take(4).filter(u8::is_ascii_digit).count() == 4;
    let dated = year && text.as_bytes().get(4) == Some(&b'-');
    if !dated {
        return duration(text).map(|_| ());
    }
    since_instant(text, Time::NONE, &TimeZone::UTC)
        .map(|_| ())
        .ok_or_else(|| format!("'{text}' is not a date (2026-02-11 or 2026-02-11T20:50:00Z)"))
}

/// The leading digits of `text`, and the rest.
fn amount(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.replace('_', "").parse().ok()?, rest))
}

/// `14:02` or `14:02:11`.
pub fn time_of_day(text: &str) -> Result<TimeOfDay, String> {
    let wrong = || format!("'{text}' is not a time of day (14:02 or 14:02:11)");
    let mut parts = text.split(':').map(|part| {
        let digits =
            (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            part.parse::<u8>().ok()
        } else {
            None
        }
    });
    let mut next = |below: u8| {
        parts
            .next()
            .map(|part| part.filter(|value| *value < below).ok_or_else(wrong))
    };
    let hour = next(24).ok_or_else(wrong)??;
    let minute = next(60).ok_or_else(wrong)??;
    let second = next(60).transpose()?;
    if parts.next().is_some() {
        return Err(wrong());
    }
    Ok(TimeOfDay {
        hour,
        minute,
        second,
    })
}

/// Whole numbers from `lo` to `hi`; empty if `lo > hi`. Never contains `i64::MIN`, which columns
/// use for "not recorded".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub lo: i64,
    pub hi: i64,
}

impl Interval {
    pub const EVERYTHING: Interval = Interval {
        lo: i64::MIN + 1,
        hi: i64::MAX,
    };

    /// The whole numbers that satisfy the comparison with `bound`.
    pub fn of(comparison: Comparison, bound: f64) -> Interval {
        // Units turn 0.07 into 70000000000.00001, so round what is close to a whole number.
        let near = bound.round();
        let bound = if (bound - near).abs() <= 1e-9 * bound.abs().max(1.0) {
            near
        } else {
            bound
        };
        let everything = Interval::EVERYTHING;
        let interval = match comparison {
            Comparison::Greater => Interval {
                lo: (bound.floor() as i64).saturating_add(1),
                ..everything
            },
            Comparison::GreaterOrEqual => Interval {
                lo: bound.ceil() as i64,
                ..everything
            },
            Comparison::Less => Interval {
                hi: (bound.ceil() as i64).saturating_sub(1),
                ..everything
            },
            Comparison::LessOrEqual => Interval {
                hi: bound.floor() as i64,
                ..everything
            },
        };
        Interval {
            lo: interval.lo.max(everything.lo),
            ..interval
        }
    }

    /// From `lo` to `hi`, both included.
    pub fn between(lo: Option<f64>, hi: Option<f64>) -> Interval {
        let lo = lo
            .map_or(Interval::EVERYTHING, |lo| {
                Interval::of(Comparison::GreaterOrEqual, lo)
            })
            .lo;
        let hi = hi
            .map_or(Interval::EVERYTHING, |hi| {
                Interval::of(Comparison::LessOrEqual, hi)
            })
            .hi;
        Interval { lo, hi }
    }

    pub fn contains(self, value: i64) -> bool {
        self.lo <= value && value <= self.hi
    }
}
