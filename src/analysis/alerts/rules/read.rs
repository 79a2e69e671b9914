//! Reads `alerts.toml` strictly: every mistake is reported with its line and column, and with what was expected.

use std::ops::Range;

use toml::de::DeTable;

use crate::analysis::alerts::budget::{self, Resource};
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::loops;
use crate::analysis::alerts::rules::{Breaker, By, Rule, Rules, Sink, SinkKind, Watches, Within};
use crate::analysis::policy::mistake::{Mistake, spot};
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::toml_file::{Entry, entries, table};
use crate::query::value;

const TOP: &[&str] = &["version", "baseline", "rule", "sink", "breaker"];
const VERSION: i64 = 1;

/// The names of detectors in a file, where `budget` is one, whichever resources it limits.
const DETECTORS: &[&str] = &[
    "repeat",
    "stale",
    "errors",
    "same_result",
    "stopped_again",
    "echo",
    "context_full",
    "context_jump",
    "budget",
    "cost_outlier",
    "cost_drift",
    "rate",
    "match",
];

/// The keys that every rule may have.
const COMMON: &[&str] = &[
    "id", "detector", "where", "on_warn", "on_trip", "confirm", "clear",
];
const LANE: &[&str] = &["warn", "trip", "wait_tools"];
const BUDGET: &[&str] = &["cost_usd", "tokens", "calls", "steps", "wall", "idle"];
const CHART: &[&str] = &["severity", "baseline"];
const RATE: &[&str] = &["event", "of", "by", "severity", "baseline"];
const MATCH: &[&str] = &["when", "count", "within", "by", "severity"];
const SINK: &[&str] = &[
    "type",
    "min",
    "per_hour",
    "url",
    "url_env",
    "key_env",
    "secret_env",
    "command",
];
const BREAKER: &[&str] = &["armed", "use", "until"];
const BREAKERS: &[&str] = &["guard", "proxy", "kill"];

/// The largest budget, in dollars; a larger one is a mistake.
const MOST: f64 = 1e6;

pub(super) fn read(text: &str) -> Result<Rules, Mistake> {
    let table = table(text)?;
    let mut rules = Rules::default();
    for entry in entries(text, table.get_ref()) {
        match entry.known(TOP)? {
            "version" if entry.integer()? != VERSION => {
                return Err(entry.wrong(format!("the only version is {VERSION}")));
            }
            "baseline" => rules.baseline = Some(entry.string()?.to_owned()),
            "rule" => {
                for (rule, span) in entry.tables()? {
                    let rule = one(text, (rule, span.clone()), &mut rules.notes)?;
                    if rules.find(&rule.id).is_some() {
                        let what = format!("two rules have the id '{}'", rule.id);
                        return Err(Mistake::at(text, span, what));
                    }
                    rules.rules.push(rule);
                }
            }
            "sink" => {
                for named in entries(text, entry.table()?) {
                    rules.sinks.push(sink(&named)?);
                }
            }
            "breaker" => rules.breaker = breaker(&entry)?,
            _ => {}
        }
    }
    check_sinks(text, &rules)?;
    Ok(rules)
}

/// Checks that the sinks named by rules exist.
fn check_sinks(text: &str, rules: &Rules) -> Result<(), Mistake> {
    let names = rules.sinks.iter().map(|sink| sink.name.as_str());
    let known: Vec<&str> = ["show", "notify", "stop"]
        .into_iter()
        .chain(names)
        .collect();
    let table = table(text)?;
    let all = entries(text, table.get_ref()).filter(|it| it.name == "rule");
    for entry in all {
        for (rule, _) in entry.tables()? {
            let on = entries(text, rule).filter(|it| matches!(it.name, "on_warn" | "on_trip"));
            for on in on {
                let odd = on.strings()?.into_iter().find(|it| !known.contains(it));
                if let Some(odd) = odd {
                    return Err(on.no_such(odd, &known));
                }
            }
        }
    }
    Ok(())
}

fn one(
    text: &str,
    (table, span): (&DeTable<'_>, Range<usize>),
    notes: &mut Vec<String>,
) -> Result<Rule, Mistake> {
    let missing = |what: &str| Mistake::at(text, span.clone(), format!("the rule has no {what}"));
    let all: Vec<Entry<'_>> = entries(text, table).collect();
    let find = |name: &str| all.iter().find(|it| it.name == name);
    let detector = find("detector").ok_or_else(|| missing("detector"))?;
    let detectors = detector.strings()?;
    if let Some(odd) = detectors.iter().find(|it| !DETECTORS.contains(it)) {
        return Err(detector.no_such(odd, DETECTORS));
    }
    let (first, own) = match detectors.as_slice() {
        [] => return Err(detector.wrong("expected at least one detector")),
        ["budget"] => ("budget", BUDGET),
        [chart @ ("cost_outlier" | "cost_drift")] => (*chart, CHART),
        ["rate"] => ("rate", RATE),
        ["match"] => ("match", MATCH),
        _ => ("lane", LANE),
    };
    let known: Vec<&'static str> = COMMON.iter().chain(own).copied().collect();
    for entry in &all {
        fits(entry, &known, &detectors)?;
    }
    let watches = match first {
        "budget" => budget(&all, &missing)?,
        "cost_outlier" => Watches::Outlier,
        "cost_drift" => Watches::Drift,
        "rate" => Watches::Rate {
            event: find("event").ok_or_else(|| missing("event"))?.filter()?,
            of: find("of").ok_or_else(|| missing("of"))?.filter()?,
        },
        "match" => Watches::Match {
            when: find("when").ok_or_else(|| missing("when"))?.filter()?,
            count: find("count").map_or(Ok(1), positive)?,
            within: find("within").map(within).transpose()?,
        },
        _ => lane(detector, &all, notes)?,
    };
    let id = id(find("id").ok_or_else(|| missing("id"))?)?;
    let mut rule = Rule {
        line: spot(text, span.start).0,
        ..Rule::new(&id, watches)
    };
    let spans_runs = matches!(
        rule.watches,
        Watches::Match {
            within: Some(Within::Runs(_)),
            ..
        }
    );
    if spans_runs {
        rule.by.clear();
    }
    for entry in &all {
        common(entry, &mut rule)?;
    }
    Ok(rule)
}

/// Refuses a key that only other kinds of rules have: it would do nothing here.
fn fits(entry: &Entry<'_>, known: &[&'static str], detectors: &[&str]) -> Result<(), Mistake> {
    let others = [LANE, BUDGET, CHART, RATE, MATCH];
    let is_elsewhere = others.iter().any(|keys| keys.contains(&entry.name));
    if is_elsewhere && !known.contains(&entry.name) {
        let of = detectors.join(", ");
        let what = format!("'{}' has no effect on a rule of {of}", entry.name);
        return Err(entry.wrong_name(what));
    }
    entry.known(known).map(|_| ())
}

fn common(entry: &Entry<'_>, rule: &mut Rule) -> Result<(), Mistake> {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    match entry.name {
        "where" => rule.filter = Some(entry.filter()?),
        "on_warn" => rule.on_warn = owned(entry.strings()?),
        "on_trip" => rule.on_trip = owned(entry.strings()?),
        "confirm" => rule.confirm = positive(entry)?,
        "clear" => rule.clear = positive(entry)?,
        "baseline" => rule.baseline = Some(entry.string()?.to_owned()),
        "severity" => rule.severity = level(entry)?,
        "by" => {
            let known: Vec<&str> = By::ALL.iter().map(|by| by.word()).collect();
            let by = entry.strings()?.into_iter().map(|word| {
                let found = By::ALL.iter().find(|by| by.word() == word);
                found.copied().ok_or_else(|| entry.no_such(word, &known))
            });
            rule.by = by.collect::<Result<_, _>>()?;
        }
        _ => {}
    }
    Ok(())
}

fn lane(
    detector: &Entry<'_>,
    all: &[Entry<'_>],
    notes: &mut Vec<String>,
) -> Result<Watches, Mistake> {
    let mut limits = Vec::new();
    for word in detector.strings()? {
        let found = Detector::ALL.iter().find(|it| it.word() == word);
        let wrong = || detector.wrong(format!("'{word}' needs a rule of its own"));
        let found = *found.ok_or_else(wrong)?;
        limits.push((found, default(found).ok_or_else(wrong)?));
    }
    let mut wait_tools = Vec::new();
    for entry in all {
        match entry.name {
            "warn" | "trip" if limits.len() > 1 => notes.push(format!(
                "line {}: '{}' is for a rule of one detector; {} keep their own limits",
                spot(entry.text, entry.value.span().start).0,
                entry.name,
                detector.strings()?.join(", ")
            )),
            "warn" => limits[0].1.warn = positive(entry)?,
            "trip" => limits[0].1.trip = positive(entry)?,
            "wait_tools" => {
                wait_tools = entry.strings()?.into_iter().map(Stars::plain).collect();
            }
            _ => {}
        }
    }
    Ok(Watches::Lane { limits, wait_tools })
}

/// The limits of a detector that looks at one agent.
fn default(detector: Detector) -> Option<loops::Limits> {
    let streaks = Detector::STREAKS.iter();
    let (warn, trip) = match detector {
        Detector::ContextFull => (80, 95),
        // Nothing trips: a step may read a long file.
        Detector::ContextJump => (20_000, u32::MAX),
        other => streaks
            .filter(|(it, ..)| *it == other)
            .map(|(_, warn, trip)| (*warn, *trip))
            .next()?,
    };
    Some(loops::Limits { warn, trip })
}

fn budget(all: &[Entry<'_>], missing: &dyn Fn(&str) -> Mistake) -> Result<Watches, Mistake> {
    let mut limits = budget::Limits::default();
    for entry in all {
        let resource = Resource::ALL.iter().find(|it| it.key() == entry.name);
        let Some(resource) = resource else { continue };
        let limit = match resource {
            Resource::Cost => {
                let usd = entry.number()?;
                if !(usd > 0.0 && usd < MOST) {
                    return Err(entry.wrong("expected dollars above 0"));
                }
                (usd * 1e12).round() as i64
            }
            Resource::Wall | Resource::Idle => span(entry)?,
            Resource::Tokens | Resource::Calls | Resource::Steps => match entry.integer()? {
                number if number > 0 => number,
                _ => return Err(entry.wrong("expected a number above 0")),
            },
        };
        limits.set(*resource, limit);
    }
    if limits.is_empty() {
        return Err(missing(&format!("limit ({})", BUDGET.join(", "))));
    }
    Ok(Watches::Budget(limits))
}

/// `45m`, `1h30m`: in microseconds.
fn span(entry: &Entry<'_>) -> Result<i64, Mistake> {
    let text = entry.string()?;
    let us = value::duration(text).map_err(|what| entry.wrong(what))?;
    if us > 0.0 && us < 9e18 {
        Ok(us as i64)
    } else {
        Err(entry.wrong("expected a duration above 0"))
    }
}

/// `1h`, `20 runs`, `30 steps`.
fn within(entry: &Entry<'_>) -> Result<Within, Mistake> {
    let text = entry.string()?;
    let counted = |word: &str| {
        let number = text.strip_suffix(word)?.trim().parse::<u32>().ok()?;
        (number > 0).then_some(number)
    };
    if let Some(runs) = counted("runs").or_else(|| counted("run")) {
        return Ok(Within::Runs(runs));
    }
    if let Some(steps) = counted("steps").or_else(|| counted("step")) {
        return Ok(Within::Steps(steps));
    }
    span(entry)
        .map(Within::Time)
        .map_err(|_| entry.wrong("expected a duration (1h), '20 runs' or '30 steps'"))
}

fn positive(entry: &Entry<'_>) -> Result<u32, Mistake> {
    let number = u32::try_from(entry.integer()?).ok().filter(|it| *it > 0);
    number.ok_or_else(|| entry.wrong("expected a number above 0"))
}

fn level(entry: &Entry<'_>) -> Result<Level, Mistake> {
    let word = entry.string()?;
    let known: Vec<&str> = Level::ALL.iter().map(|it| it.word()).collect();
    let found = Level::ALL.iter().find(|it| it.word() == word);
    found.copied().ok_or_else(|| entry.no_such(word, &known))
}

fn id(entry: &Entry<'_>) -> Result<String, Mistake> {
    let id = entry.string()?;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    if id.is_empty() || !id.chars().all(is_plain) {
        return Err(entry.wrong("an id may contain only letters, digits, '-', '_' and '.'"));
    }
    Ok(id.to_owned())
}

fn sink(named: &Entry<'_>) -> Result<Sink, Mistake> {
    let mut sink = Sink::new(named.name, SinkKind::Bell);
    let mut kind = None;
    for entry in entries(named.text, named.table()?) {
        let owned = || Ok(Some(entry.string()?.to_owned()));
        match entry.known(SINK)? {
            "type" => {
                let word = entry.string()?;
                let known: Vec<&str> = SinkKind::ALL.iter().map(|it| it.word()).collect();
                let found = SinkKind::ALL.iter().find(|it| it.word() == word);
                kind = Some(*found.ok_or_else(|| entry.no_such(word, &known))?);
            }
            "min" => sink.min = level(&entry)?,
            "per_hour" => sink.per_hour = positive(&entry)?,
            "url" => sink.url = owned()?,
            "url_env" => sink.url_env = owned()?,
            "key_env" => sink.key_env = owned()?,
            "secret_env" => sink.secret_env = owned()?,
            _ => sink.command = entry.strings()?.into_iter().map(str::to_owned).collect(),
        }
    }
    let missing = |what: &str| named.wrong_name(format!("the sink has no {what}"));
    sink.kind = kind.ok_or_else(|| missing("type"))?;
    let has_url = sink.url.is_some() || sink.url_env.is_some();
    match sink.kind {
        SinkKind::Command if sink.command.is_empty() => Err(missing("command")),
        SinkKind::Slack | SinkKind::Webhook if !has_url => Err(missing("url or url_env")),
        SinkKind::Pagerduty if sink.key_env.is_none() => Err(missing("key_env")),
        _ => Ok(sink),
    }
}

fn breaker(named: &Entry<'_>) -> Result<Breaker, Mistake> {
    let mut breaker = Breaker::default();
    for entry in entries(named.text, named.table()?) {
        match entry.known(BREAKER)? {
            "armed" => breaker.armed = entry.bool()?,
            "use" => {
                let with = entry.strings()?;
                if let Some(odd) = with.iter().find(|it| !BREAKERS.contains(it)) {
                    return Err(entry.no_such(odd, BREAKERS));
                }
                breaker.with = with.into_iter().map(str::to_owned).collect();
            }
            _ => breaker.until = Some(span(&entry)?),
        }
    }
    Ok(breaker)
}
