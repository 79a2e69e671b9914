//! The rate limits in `token_count` events: 5 hours and a week, in the shapes of several versions.

use serde_json::Value;

use crate::ingest::limit::Limit;
use crate::ingest::time;
use crate::model::quantity::{Elapsed, Time};

const MINUTE: i64 = 60 * 1_000_000;

/// The limits of one record; a window without a length is none.
pub(super) fn limits(record: &Value) -> Vec<Limit> {
    let payload = record.get("payload").unwrap_or(record);
    let limits = payload
        .get("rate_limits")
        .or_else(|| payload.get("info")?.get("rate_limits"));
    let Some(limits) = limits else {
        return Vec::new();
    };
    let reported = record.get("timestamp").and_then(Value::as_str);
    let reported = reported.map_or(Time::NONE, |text| time::from_text(text.as_bytes()));
    let windows = ["primary", "secondary"].into_iter();
    windows
        .filter_map(|name| limit(limits, name, reported))
        .collect()
}

fn limit(limits: &Value, name: &str, reported: Time) -> Option<Limit> {
    let nested = limits.get(name);
    let member = |member: &str| match nested {
        Some(nested) => nested.get(member),
        None => limits.get(format!("{name}_{member}")),
    };
    let minutes = member("window_minutes")?
        .as_i64()
        .filter(|minutes| *minutes > 0)?;
    let used_percent = member("used_percent")?.as_f64()?;
    let seconds = |name: &str| member(name).and_then(Value::as_i64);
    let at = seconds("resets_at").and_then(|at| at.checked_mul(1_000_000));
    let later = || {
        let seconds = seconds("resets_in_seconds").filter(|it| *it > 0)?;
        reported.get()?.checked_add(seconds.checked_mul(1_000_000)?)
    };
    Some(Limit {
        window: Elapsed(minutes.checked_mul(MINUTE)?),
        used_percent,
        resets: at.or_else(later).map_or(Time::NONE, Time),
        reported,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::limits;
    use crate::model::quantity::{Elapsed, Time};

    #[test]
    fn reads_windows_that_reset_at_a_time_or_after_a_while() {
        let record = json!({"timestamp": "1970-01-01T00:00:10Z", "payload": {"type": "token_count", "rate_limits": {
            "primary": {"used_percent": 12.5, "window_minutes": 300, "resets_in_seconds": 60},
            "secondary": {"used_percent": 3, "window_minutes": 10080, "resets_at": 1000}}}});
        let found = limits(&record);
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.window, it.used_percent, it.resets))
            .collect();
        let (hours, week) = (Elapsed(18_000_000_000), Elapsed(604_800_000_000));
        assert_eq!(
            told,
            [
                (hours, 12.5, Time(70_000_000)),
                (week, 3.0, Time(1_000_000_000))
            ]
        );
    }

    #[test]
    fn reads_flat_members_and_leaves_out_windows_without_a_length() {
        let record = json!({"payload": {"rate_limits": {
            "primary_used_percent": 7, "primary_window_minutes": 299,
            "secondary_used_percent": 0, "secondary_window_minutes": 0}}});
        let found = limits(&record);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].used_percent, found[0].resets), (7.0, Time::NONE));
        assert!(limits(&json!({"payload": {"rate_limits": null}})).is_empty());
    }
}
