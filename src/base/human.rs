//! Numbers for people: `1.2k`, `3m12s`, `45 MB`, `$0.0123`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `48,201`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 run`, `3 runs`.
pub fn counted(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {word}{plural}", count(number))
}

/// `1.2k`, `3.4M`: at most five cells.
pub fn short_count(number: u64) -> String {
    match scaled(number) {
        (0, tenths) => (tenths / 10).to_string(),
        (power, tenths) if tenths < 1000 => {
            format!("{}.{}{}", tenths / 10, tenths % 10, prefix(power))
        }
        (power, tenths) => format!("{}{}", tenths / 10, prefix(power)),
    }
}

/// Microseconds as `80ms`, `1.9s`, `3m12s`, `2h05m`, `3d04h`: at most six cells up to 99,999 days,
/// plus a sign if negative.
pub fn span(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{}", positive_span(us.unsigned_abs()))
}

/// Microseconds as a running clock, `0:41` or `12:07`; from an hour on like [`span`].
pub fn clock(us: i64) -> String {
    let seconds = us.unsigned_abs() / 1_000_000;
    if seconds >= HOUR {
        return span(us);
    }
    format!("{}:{:02}", seconds / MINUTE, seconds % MINUTE)
}

/// Microseconds rounded down to their largest unit: `40s`, `4m`, `2h`, `3d`.
pub fn roughly(us: i64) -> String {
    let seconds = us.unsigned_abs() / 1_000_000;
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m", seconds / MINUTE),
        HOUR..DAY => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

fn positive_span(us: u64) -> String {
    if us == 0 {
        return "0ms".to_owned();
    }
    if us < 1000 {
        return format!("{us}µs");
    }
    let ms = rounded(us, 1000);
    if ms < 1000 {
        return format!("{ms}ms");
    }
    let tenths = rounded(us, 100_000);
    if tenths < 600 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    let seconds = rounded(us, 1_000_000);
    match seconds {
        0..HOUR => format!("{}m{:02}s", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => format!("{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
        _ => {
            let days = seconds / DAY;
            if days < 100 {
                format!("{days}d{:02}h", seconds % DAY / HOUR)
            } else {
                format!("{days}d")
            }
        }
    }
}

/// Bytes as `812 B`, `45 MB`, `3.1 GB` (powers of 1000).
pub fn bytes(number: u64) -> String {
    match scaled(number) {
        (0, tenths) => format!("{} B", tenths / 10),
        (power, tenths) if tenths < 100 => {
            format!("{}.{} {}B", tenths / 10, tenths % 10, prefix(power))
        }
        (power, _) => {
            // Rounded once, from the original: 999.96 becomes 1000 and needs the next prefix.
            let whole = rounded(number, 1000_u64.pow(power));
            if whole < 1000 {
                format!("{whole} {}B", prefix(power))
            } else {
                format!("1.0 {}B", prefix(power + 1))
            }
        }
    }
}

/// Dollars with the digits that matter: `$12.84`, `$0.41`, `$0.0212`. Amounts that round to zero
/// are `<$0.0001`, so that only a true zero reads as zero; anything but a number is `—`.
pub fn usd(amount: f64) -> String {
    if !amount.is_finite() {
        return "—".to_owned();
    }
    let sign = if amount < 0.0 { "-" } else { "" };
    let size = amount.abs();
    let parts = (size * 10_000.0).round() as u64;
    if size == 0.0 {
        "$0".to_owned()
    } else if parts == 0 {
        format!("{sign}<$0.0001")
    } else if parts < 1000 {
        let cents = if parts.is_multiple_of(100) { 2 } else { 4 };
        format!("{sign}${:.cents$}", parts as f64 / 10_000.0)
    } else if size < 999.995 {
        format!("{sign}${size:.2}")
    } else if size < 999_999.5 {
        format!("{sign}${}", count(size.round() as u64))
    } else {
        format!("{sign}${}", short_count(size as u64))
    }
}

/// The same in few cells: whole cents, and `<$0.01` below one.
pub fn cents(amount: f64) -> String {
    if amount > 0.0 && amount < 0.005 {
        "<$0.01".to_owned()
    } else if amount > 0.0 && amount < 0.1 {
        format!("${amount:.2}")
    } else {
        usd(amount)
    }
}

/// `2026-11-22`, with the day of the week; empty for times beyond the calendar.
pub fn date(us: i64, zone: &TimeZone) -> String {
    Timestamp::from_microsecond(us).map_or_else(
        |_| String::new(),
        |time| {
            time.to_zoned(zone.clone())
                .strftime("%a %Y-%m-%d")
                .to_string()
        },
    )
}

/// Whether two points in time are on different days; not so for times beyond the calendar.
pub fn is_other_day(one: i64, other: i64, zone: &TimeZone) -> bool {
    let date = |us| Timestamp::from_microsecond(us).map(|time| time.to_zoned(zone.clone()).date());
    matches!((date(one), date(other)), (Ok(one), Ok(other)) if one != other)
}

/// `14:02:11` in the given zone; plain microseconds for times beyond the calendar.
pub fn time_of_day(us: i64, zone: &TimeZone) -> String {
    Timestamp::from_microsecond(us).map_or_else(
        |_| us.to_string(),
        |time| {
            let time = time.to_zoned(zone.clone());
            format!(
                "{:02}:{:02}:{:02}",
                time.hour(),
                time.minute(),
                time.second()
            )
        },
    )
}

/// A point in time in at most 6 cells: `14:02`, or `Nov 22` if that was another day.
pub fn since(us: i64, now: i64, zone: &TimeZone) -> String {
    let form = if is_other_day(us, now, zone) {
        "%b %d"
    } else {
        "%H:%M"
    };
    let zoned = Timestamp::from_microsecond(us).map(|time| time.to_zoned(zone.clone()));
    zoned.map_or_else(|_| String::new(), |time| time.strftime(form).to_string())
}

/// A point in time in at most 12 cells: `14:01 today`, `Nov 22 14:01`, or only the date in another year.
pub fn when(us: i64, now: i64, zone: &TimeZone) -> String {
    let zoned = |us| Timestamp::from_microsecond(us).map(|time| time.to_zoned(zone.clone()));
    let (Ok(time), Ok(now)) = (zoned(us), zoned(now)) else {
        return us.to_string();
    };
    let form = if time.date() == now.date() {
        "%H:%M today"
    } else if time.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    time.strftime(form).to_string()
}

/// RFC 3339 in UTC with milliseconds, for machines; plain microseconds for times beyond
/// the calendar.
pub fn rfc3339(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| us.to_string(), |time| format!("{time:.3}"))
}

/// The power of 1000 that leaves at most three digits before the point, and the number in tenths
/// of that power. Rounding may carry over to the next power.
fn scaled(number: u64) -> (u32, u64) {
    let mut power = number.checked_ilog(1000).unwrap_or(0);
    if power == 0 {
        return (0, number * 10);
    }
    let unit = 1000_u64.pow(power);
    let mut tenths = rounded(number, unit / 10);
    // From 100 on the tenths are not shown, so the whole number is rounded.
    if tenths >= 1000 {
        tenths = rounded(number, unit) * 10;
    }
    if tenths >= 10_000 {
        power += 1;
        tenths = 10;
    }
    (power, tenths)
}

fn rounded(number: u64, unit: u64) -> u64 {
    number / unit + u64::from(number % unit >= unit.div_ceil(2))
}

/// The letter for a power of 1000.
fn prefix(power: u32) -> char {
    match power {
        1 => 'k',
        2 => 'M',
        3 => 'G',
        4 => 'T',
        5 => 'P',
        _ => 'E',
    }
}

#[cfg(test)]
mod tests;
