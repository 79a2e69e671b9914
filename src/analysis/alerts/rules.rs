//! Alert rules: what to watch, where, and what to do. Read from `alerts.toml`, or built in.

mod read;

use std::sync::LazyLock;

use crate::analysis::alerts::budget::{self, Resource};
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::loops;
use crate::analysis::policy::mistake::Mistake;
use crate::analysis::policy::stars::Stars;
use crate::query::expr::Expr;
use crate::query::value::duration;

/// A rules file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    pub rules: Vec<Rule>,
    /// A baseline for all rules that name none, relative to the file.
    pub baseline: Option<String>,
    pub sinks: Vec<Sink>,
    pub breaker: Breaker,
    /// Notes about probable mistakes.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: String,
    pub watches: Watches,
    /// Which runs or actions it looks at; none for all.
    pub filter: Option<Expr>,
    /// What separates one alert of the rule from another.
    pub by: Vec<By>,
    /// The level, for rules without levels of their own.
    pub severity: Level,
    /// Names of sinks, `show`, `notify` and `stop`.
    pub on_warn: Vec<String>,
    pub on_trip: Vec<String>,
    /// Evaluations over the limit before it fires, and clear ones before it is resolved.
    pub confirm: u32,
    pub clear: u32,
    /// Overrides that of the file.
    pub baseline: Option<String>,
    pub line: u32,
}

/// What a rule watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Watches {
    /// Each agent of a run by itself.
    Lane {
        limits: Vec<(Detector, loops::Limits)>,
        /// Further tools whose purpose is to wait.
        wait_tools: Vec<Stars>,
    },
    Budget(budget::Limits),
    Outlier,
    Drift,
    Rate {
        event: Expr,
        of: Expr,
    },
    Match {
        when: Expr,
        count: u32,
        within: Option<Within>,
    },
}

/// The window in which actions are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// In microseconds.
    Time(i64),
    Runs(u32),
    /// Model calls of one run.
    Steps(u32),
}

/// What can separate one alert of a rule from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    Run,
    Lane,
    Agent,
    Tool,
    Model,
    User,
    Service,
    Task,
}

impl By {
    pub const ALL: &[By] = &[
        By::Run,
        By::Lane,
        By::Agent,
        By::Tool,
        By::Model,
        By::User,
        By::Service,
        By::Task,
    ];

    pub fn word(self) -> &'static str {
        match self {
            By::Run => "run",
            By::Lane => "lane",
            By::Agent => "agent",
            By::Tool => "tool",
            By::Model => "model",
            By::User => "user",
            By::Service => "service",
            By::Task => "task",
        }
    }
}

/// A destination for alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    pub name: String,
    pub kind: SinkKind,
    pub min: Level,
    /// New alerts an hour; the rest are counted.
    pub per_hour: u32,
    pub url: Option<String>,
    /// Environment variables with the secrets that must not be in a file.
    pub url_env: Option<String>,
    pub key_env: Option<String>,
    pub secret_env: Option<String>,
    /// A program and its arguments.
    pub command: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkKind {
    Bell,
    Osc9,
    Osc777,
    Command,
    Slack,
    Pagerduty,
    Webhook,
}

impl SinkKind {
    pub const ALL: &[SinkKind] = &[
        SinkKind::Bell,
        SinkKind::Osc9,
        SinkKind::Osc777,
        SinkKind::Command,
        SinkKind::Slack,
        SinkKind::Pagerduty,
        SinkKind::Webhook,
    ];

    pub fn word(self) -> &'static str {
        match self {
            SinkKind::Bell => "bell",
            SinkKind::Osc9 => "osc9",
            SinkKind::Osc777 => "osc777",
            SinkKind::Command => "command",
            SinkKind::Slack => "slack",
            SinkKind::Pagerduty => "pagerduty",
            SinkKind::Webhook => "webhook",
        }
    }
}

impl Sink {
    pub fn new(name: &str, kind: SinkKind) -> Sink {
        Sink {
            name: name.to_owned(),
            kind,
            min: Level::Warn,
            per_hour: 5,
            url: None,
            url_env: None,
            key_env: None,
            secret_env: None,
            command: Vec::new(),
        }
    }
}

/// What may stop a run. `armed` only counts in the user's own file: `act` checks its owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breaker {
    pub armed: bool,
    /// Of `guard`, `proxy` and `kill`.
    pub with: Vec<String>,
    /// In microseconds.
    pub until: Option<i64>,
}

/// The built-in rules, as a rules file.
pub const BUILT_IN: &str = include_str!("rules/built_in.toml");

impl Rules {
    pub fn read(text: &str) -> Result<Rules, Mistake> {
        read::read(text)
    }

    pub fn built_in() -> &'static Rules {
        static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::read(BUILT_IN).unwrap_or_default());
        &RULES
    }

    /// One rule, `loop`, with these detectors at their default limits.
    pub fn only(detectors: &[Detector]) -> Rules {
        let limits = Detector::STREAKS.iter();
        let limits = limits.filter(|(detector, ..)| detectors.contains(detector));
        let limits = limits.map(|(detector, warn, trip)| {
            let (warn, trip) = (*warn, *trip);
            (*detector, loops::Limits { warn, trip })
        });
        let watches = Watches::Lane {
            limits: limits.collect(),
            wait_tools: Vec::new(),
        };
        Rules {
            rules: vec![Rule::new("loop", watches)],
            ..Rules::default()
        }
    }

    /// Whether some rule needs the clock: it limits pauses.
    pub fn watch_pauses(&self) -> bool {
        self.rules.iter().any(|rule| match &rule.watches {
            Watches::Budget(limits) => limits.of(Resource::Idle).is_some(),
            Watches::Lane { .. }
            | Watches::Outlier
            | Watches::Drift
            | Watches::Rate { .. }
            | Watches::Match { .. } => false,
        })
    }

    pub fn find(&self, id: &str) -> Option<usize> {
        self.rules.iter().position(|rule| rule.id == id)
    }
}

impl Rule {
    pub fn new(id: &str, watches: Watches) -> Rule {
        let by = match &watches {
            Watches::Lane { .. } => vec![By::Run, By::Lane],
            Watches::Budget(_) | Watches::Outlier | Watches::Match { .. } => vec![By::Run],
            Watches::Drift => vec![By::Agent, By::Model],
            Watches::Rate { .. } => vec![By::Agent],
        };
        let is_chart = matches!(watches, Watches::Drift | Watches::Rate { .. });
        Rule {
            id: id.to_owned(),
            watches,
            filter: None,
            by,
            severity: Level::Warn,
            on_warn: vec!["show".to_owned()],
            on_trip: vec!["show".to_owned(), "notify".to_owned()],
            confirm: if is_chart { 2 } else { 1 },
            clear: if is_chart { 20 } else { 3 },
            baseline: None,
            line: 0,
        }
    }

    /// Changes one of its limits, by its name in a file.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let whole = || {
            let number = value.replace('_', "").parse::<u32>().ok();
            let number = number.filter(|number| *number > 0);
            number.ok_or_else(|| format!("'{value}' is not a whole number above 0"))
        };
        let resource = Resource::ALL.iter().find(|it| it.key() == key);
        match (&mut self.watches, key, resource) {
            (Watches::Lane { limits, .. }, "warn" | "trip", _) => {
                let number = whole()?;
                for (_, limits) in limits {
                    match key {
                        "warn" => limits.warn = number,
                        _ => limits.trip = number,
                    }
                }
            }
            (Watches::Budget(limits), _, Some(resource)) => {
                let amount = match resource {
                    Resource::Cost => value.parse().map(|usd: f64| usd * 1e12).ok(),
                    Resource::Wall | Resource::Idle => duration(value).ok(),
                    Resource::Tokens | Resource::Calls | Resource::Steps => {
                        Some(f64::from(whole()?))
                    }
                };
                let amount = amount.filter(|it| *it > 0.0 && *it < 9e18);
                let amount = amount.ok_or_else(|| format!("'{value}' is not a limit"))?;
                limits.set(*resource, amount.round() as i64);
            }
            (Watches::Match { count, .. }, "count", _) => *count = whole()?,
            _ => return Err(format!("the rule '{}' has no '{key}' to change", self.id)),
        }
        Ok(())
    }

    /// Whether it compares runs with a baseline.
    pub fn is_chart(&self) -> bool {
        matches!(
            self.watches,
            Watches::Outlier | Watches::Drift | Watches::Rate { .. }
        )
    }
}

#[cfg(test)]
mod tests;
