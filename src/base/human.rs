//! Numbers for people: `1.2k`, `3m12s`, `45 MB`, `$0.0123`.

/// `48,201`.
pub fn count(number: u64) -> String {
    number.to_string()
}

/// `1.2k`, `3.4M`: at most five cells.
pub fn short_count(number: u64) -> String {
    number.to_string()
}

/// Microseconds as `80ms`, `1.9s`, `3m12s`, `2h05m`, `3d04h`: at most five or six cells.
pub fn span(us: i64) -> String {
    us.to_string()
}

/// Bytes as `812 B`, `45 MB`, `3.1 GB` (powers of 1000).
pub fn bytes(number: u64) -> String {
    number.to_string()
}

/// Dollars with as many digits as a glance needs: `$12.84`, `$0.41`, `$.0212`.
pub fn usd(amount: f64) -> String {
    amount.to_string()
}

/// `14:02:11` in the given zone.
pub fn time_of_day(us: i64, zone: &jiff::tz::TimeZone) -> String {
    let _ = zone;
    us.to_string()
}

/// RFC 3339 in UTC with milliseconds, for machines.
pub fn rfc3339(us: i64) -> String {
    us.to_string()
}
