//! How to treat a server: what to do after a response, how long to wait, how often to ask. Nothing here sleeps.

use std::time::Duration;

use crate::base::hash::fixed_hash;

/// How often a request is repeated while the server asks us to wait.
const PATIENCE: u32 = 8;
/// How often a request is repeated that failed without a reason from the server.
const TRIES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came<'a> {
    Status {
        code: u16,
        headers: &'a [(String, String)],
    },
    /// The connection failed, or the response was cut short.
    Cut,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Take,
    /// The same request again.
    Wait(Duration),
    /// A smaller request: the server cannot answer one this large.
    Less,
    Stop,
}

/// What to do after the `tries`-th try (from 1), at a time in seconds since the Unix epoch.
pub(super) fn next(came: Came<'_>, tries: u32, now: i64) -> Next {
    match came {
        Came::Cut => again(tries, TRIES, None),
        Came::Status { code, headers } => match code {
            200..=299 => Next::Take,
            413 | 422 | 500 | 504 | 524 => Next::Less,
            429 | 503 => again(tries, PATIENCE, retry_after(headers, now)),
            408 | 501.. => again(tries, TRIES, None),
            _ => Next::Stop,
        },
    }
}

fn again(tries: u32, most: u32, asked: Option<Duration>) -> Next {
    if tries >= most {
        return Next::Stop;
    }
    Next::Wait(asked.unwrap_or_else(|| backoff(tries)))
}

/// 1, 2, 4 … seconds and up to a quarter more, so that several clients do not retry at the same time.
fn backoff(tries: u32) -> Duration {
    let whole = Duration::from_secs(1 << (tries - 1).min(8));
    let spread =
        fixed_hash(&[std::process::id().to_be_bytes(), tries.to_be_bytes()].concat()) % 256;
    let jitter = whole * u32::try_from(spread).unwrap_or(0) / 1024;
    (whole + jitter).min(LONGEST_WAIT)
}

/// How long the server asks us to wait: seconds, or a time in any of the notations that servers use.
fn retry_after(headers: &[(String, String)], now: i64) -> Option<Duration> {
    let value = |name: &str| {
        let mut found = headers
            .iter()
            .filter(|(it, _)| it.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    };
    let retry = value("retry-after").and_then(|it| wait(it, now));
    let reset = ["x-ratelimit-reset", "ratelimit-reset"];
    let reset = || reset.iter().find_map(|name| wait(value(name)?, now));
    retry.or_else(reset).map(|wait| wait.min(LONGEST_WAIT))
}

/// A number above this is a timestamp, not a number of seconds.
const IS_A_MOMENT: f64 = 1e9;

fn wait(text: &str, now: i64) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        let seconds = match number {
            _ if !number.is_finite() => return None,
            // Some servers count in milliseconds.
            _ if number > IS_A_MOMENT * 1e2 => number / 1e3 - now as f64,
            _ if number > IS_A_MOMENT => number - now as f64,
            _ => number,
        };
        return Some(Duration::from_secs_f64(seconds.clamp(0.0, 1e6)));
    }
    let at = moment(text)?;
    let seconds = u64::try_from(at.saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_secs(seconds))
}

/// `Sat, 28 Nov 2026 10:00:05 GMT`, an RFC 3339 time, or what JavaScript writes
/// (`Sat Nov 28 2026 10:00:05 GMT+0000 (…)`).
fn moment(text: &str) -> Option<i64> {
    let mail = jiff::fmt::rfc2822::parse(text).map(|it| it.timestamp());
    let plain = || text.parse::<jiff::Timestamp>();
    let script = || {
        let text = text.split(" (").next().unwrap_or(text);
        jiff::Timestamp::strptime("%a %b %d %Y %H:%M:%S GMT%z", text)
    };
    let found = mail.or_else(|_| plain()).or_else(|_| script()).ok()?;
    Some(found.as_second())
}

/// A limit on requests per minute: a bucket that holds the requests of ten seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bucket {
    per_second: f64,
    size: f64,
    tokens: f64,
    filled: f64,
}

impl Bucket {
    pub(super) fn per_minute(requests: f64) -> Bucket {
        let per_second = requests / 60.0;
        let size = (per_second * 10.0).max(1.0);
        Bucket {
            per_second,
            size,
            tokens: size,
            filled: 0.0,
        }
    }

    /// Takes a request out, at a time in seconds; returns how long to wait before sending it.
    pub(super) fn take(&mut self, now: f64) -> Duration {
        let passed = (now - self.filled).max(0.0);
        self.filled = now.max(self.filled);
        self.tokens = (self.tokens + passed * self.per_second).min(self.size) - 1.0;
        Duration::from_secs_f64((-self.tokens).max(0.0) / self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28 10:00:00 UTC.
    const NOW: i64 = 1_795_860_000;

    #[track_caller]
    fn check(code: u16, headers: &[(&str, &str)], tries: u32, want: Next) {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let headers = headers.as_slice();
        assert_eq!(next(Came::Status { code, headers }, tries, NOW), want);
    }

    fn seconds(number: u64) -> Next {
        Next::Wait(Duration::from_secs(number))
    }

    #[test]
    fn waits_as_long_as_the_server_says() {
        check(429, &[("Retry-After", "7")], 1, seconds(7));
        check(
            503,
            &[("retry-after", "Sat, 28 Nov 2026 10:00:05 GMT")],
            3,
            seconds(5),
        );
        check(
            429,
            &[(
                "X-RateLimit-Reset",
                "Sat Nov 28 2026 10:00:09 GMT+0000 (Coordinated Universal Time)",
            )],
            1,
            seconds(9),
        );
        check(429, &[("ratelimit-reset", "30")], 1, seconds(30));
        check(429, &[("x-ratelimit-reset", "1795860012")], 1, seconds(12));
        check(
            429,
            &[("x-ratelimit-reset", "1795860012000")],
            1,
            seconds(12),
        );
        check(
            429,
            &[("retry-after", "2"), ("x-ratelimit-reset", "60")],
            1,
            seconds(2),
        );
        check(429, &[("retry-after", "86400")], 1, seconds(300));
        check(
            429,
            &[("retry-after", "Sat, 28 Nov 2026 09:00:00 GMT")],
            1,
            seconds(0),
        );
    }

    #[test]
    fn waits_longer_each_time_if_the_server_says_nothing() {
        for tries in 1..8 {
            let Next::Wait(wait) = next(
                Came::Status {
                    code: 429,
                    headers: &[],
                },
                tries,
                NOW,
            ) else {
                panic!("waits");
            };
            let least = Duration::from_secs(1 << (tries - 1));
            assert!((least..least * 5 / 4).contains(&wait), "{tries}: {wait:?}");
        }
        check(429, &[], 8, Next::Stop);
        check(429, &[("retry-after", "soon")], 8, Next::Stop);
    }

    #[test]
    fn asks_for_less_what_was_too_much() {
        for code in [413, 422, 500, 504, 524] {
            check(code, &[], 1, Next::Less);
        }
    }

    #[test]
    fn never_repeats_what_was_refused() {
        for code in [400, 401, 403, 404] {
            check(code, &[("retry-after", "1")], 1, Next::Stop);
        }
    }

    #[test]
    fn repeats_what_was_cut_five_times() {
        assert!(matches!(next(Came::Cut, 4, NOW), Next::Wait(_)));
        assert_eq!(next(Came::Cut, 5, NOW), Next::Stop);
        assert!(matches!(
            next(
                Came::Status {
                    code: 502,
                    headers: &[]
                },
                1,
                NOW
            ),
            Next::Wait(_)
        ));
    }

    #[test]
    fn a_bucket_lets_a_burst_pass_and_then_its_rate() {
        let mut bucket = Bucket::per_minute(30.0);
        let waits: Vec<f64> = (0..8).map(|_| bucket.take(100.0).as_secs_f64()).collect();
        assert_eq!(waits, [0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0]);
        assert!(bucket.take(1_000.0).is_zero());
    }
}
