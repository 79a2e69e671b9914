//! Costs of runs compared with others of their kind: single outliers, and a creeping mean.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::analysis::alerts::charts::{self, Ewma, LEAST, Normal};
use crate::analysis::alerts::detector::Detector;
use crate::analysis::alerts::engine::{Amount, Hit};
use crate::analysis::alerts::history::{
    Basis, Drift, Firings, Learning, Look, Outlier, Past, RunFindings, Scope, family, scope_of,
};
use crate::analysis::alerts::rules::By;
use crate::analysis::statistics::ranks;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;

/// The most runs remembered.
const KEPT: usize = 200;
/// A chart needs more runs than an outlier limit: it accumulates any error of its mean.
const LEAST_OF_CHART: usize = 20;
/// The smallest spread of a chart: runs that cost the same to the cent are not held to the cent.
const FLOOR: f64 = 0.1;
/// How many of the last runs of a chart the family mix is taken from.
const WINDOW: usize = 20;
/// The fewest runs of a family for a median of its own.
const OF_FAMILY: usize = 3;

/// What a run is compared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Kind {
    agent: Box<str>,
    model: Box<str>,
    family: Box<str>,
}

impl Kind {
    fn of(past: &Past<'_>, run: RunIx) -> Kind {
        let store = past.store;
        let who = &store.run(run).who;
        let name = |sym| store.symbols().name(sym);
        Kind {
            agent: name(who.agent).into(),
            model: who.models.first().map_or("", |model| name(*model)).into(),
            family: family(name(who.task)).into(),
        }
    }
}

impl Kind {
    /// From the most specific kind to that of the agent alone, without duplicates.
    fn coarser(&self) -> Vec<Kind> {
        let mut kinds = vec![
            self.clone(),
            Kind {
                family: Box::default(),
                ..self.clone()
            },
            Kind {
                agent: self.agent.clone(),
                ..Kind::default()
            },
        ];
        kinds.dedup();
        kinds
    }
}

/// A run that costs are compared with.
#[derive(Debug, Clone)]
struct RunCost {
    kind: Kind,
    cost: f64,
    /// When it began.
    at: Time,
}

/// The costs of runs by kind: all of an agent, of an agent with a model, and of a task family among those.
#[derive(Debug, Default)]
struct Pools(HashMap<Kind, VecDeque<(f64, Time)>>);

impl Pools {
    fn of(seen: &[RunCost]) -> Pools {
        let mut pools = Pools::default();
        for it in seen {
            pools.add(it);
        }
        pools
    }

    fn add(&mut self, it: &RunCost) {
        for kind in it.kind.coarser() {
            let pool = self.0.entry(kind).or_default();
            pool.push_back((it.cost, it.at));
            if pool.len() > KEPT {
                pool.pop_front();
            }
        }
    }

    /// The normal cost of the most specific kind that has enough runs; else how many the most general one has.
    fn alike(&self, kind: &Kind) -> Result<(Option<Normal>, Basis), usize> {
        let mut have = 0;
        for kind in kind.coarser() {
            let pool = self.0.get(&kind);
            have = pool.map_or(0, VecDeque::len);
            if let Some(pool) = pool.filter(|_| have >= LEAST) {
                let costs: Vec<f64> = pool.iter().map(|(cost, _)| *cost).collect();
                let basis = Basis::of(pool.iter().map(|(_, began)| *began));
                return Ok((Normal::of(&costs), basis));
            }
        }
        Err(have)
    }
}

fn frozen(look: &Look<'_>) -> Option<Vec<RunCost>> {
    let seen = look.known?.runs.iter().filter_map(|run| {
        let kind = Kind {
            agent: run.agent.clone(),
            model: run.model.clone(),
            family: run.family.clone(),
        };
        Some(RunCost {
            kind,
            cost: run.cost?,
            at: run.at,
        })
    });
    Some(seen.collect())
}

fn cost(past: &Past<'_>, run: RunIx) -> Option<f64> {
    let (cost, _) = past.store.run(run).cost()?;
    cost.usd().filter(|usd| *usd > 0.0)
}

pub(super) fn outliers(past: &mut Past<'_>, look: &Look<'_>) -> RunFindings {
    let mut found = RunFindings::default();
    let frozen = frozen(look);
    let mut seen = Pools::of(frozen.as_deref().unwrap_or_default());
    let mut learning: BTreeMap<Box<str>, usize> = BTreeMap::new();
    let mut compared: HashSet<Box<str>> = HashSet::new();
    for run in past.kept(look.mask) {
        let Some(cost) = cost(past, run) else {
            continue;
        };
        let kind = Kind::of(past, run);
        let of_agent = vec![(By::Agent, kind.agent.clone())];
        found.charted.entry(of_agent).or_default().push(cost);
        let mut is_calm = !past.is_alarming[run.0 as usize];
        match seen.alike(&kind) {
            Err(have) => {
                let have = have + usize::from(frozen.is_none() && is_calm);
                learning.insert(kind.agent.clone(), have);
            }
            Ok((normal, basis)) => {
                compared.insert(kind.agent.clone());
                if let Some(normal) = normal.filter(|normal| cost > normal.limit) {
                    is_calm = false;
                    let outlier = Outlier {
                        cost,
                        normal,
                        basis,
                    };
                    found.hits.extend(hit(past, look, run, outlier));
                }
            }
        }
        if frozen.is_none() && is_calm {
            seen.add(&RunCost {
                kind,
                cost,
                at: past.store.run(run).started,
            });
        }
    }
    for (agent, have) in learning {
        if !compared.contains(&agent) && have < LEAST {
            found.learning.push(Learning {
                rule: look.at,
                scope: vec![(By::Agent, agent)],
                have,
                need: LEAST,
            });
        }
    }
    for (_, hit) in &found.hits {
        past.is_alarming[hit.run.0 as usize] = true;
    }
    found
}

fn hit(past: &Past<'_>, look: &Look<'_>, run: RunIx, outlier: Outlier) -> Option<(Scope, Hit)> {
    let at = crossing(past, run, outlier.normal.limit)?;
    let scope = scope_of(&look.rule.by, &past.store.row(at));
    let hit = Hit {
        rule: look.at,
        detector: Detector::CostOutlier,
        level: look.rule.severity,
        run,
        lane: None,
        at,
        count: 1,
        amount: Amount::Outlier(outlier),
        period: None,
        evidence: vec![at],
    };
    Some((scope, hit))
}

/// The action at which the cost of a run exceeds a limit in dollars; the last one if only the recorded total does.
fn crossing(past: &Past<'_>, run: RunIx, limit: f64) -> Option<ActionIx> {
    let mut sum = 0.0;
    let crosses = |ix: &&ActionIx| {
        sum += past.store.row(**ix).cost().usd().unwrap_or(0.0);
        sum > limit
    };
    let found = past.rows(run).iter().find(crosses).copied();
    found.or_else(|| past.last(run))
}

/// The chart of one scope.
struct Chart {
    ewma: Ewma,
    centre: Centre,
    basis: Basis,
    /// Families of the runs that it was learned from.
    before: HashMap<Box<str>, usize>,
    /// The last runs.
    recent: Vec<(RunIx, Box<str>)>,
}

/// What is subtracted from the logarithm of a cost.
struct Centre {
    all: f64,
    families: HashMap<Box<str>, f64>,
}

impl Centre {
    fn of(seen: &[RunCost]) -> Centre {
        let middle =
            |logs: &[f64]| ranks::median(&ranks::ordered(logs.iter().copied())).unwrap_or_default();
        let logs: Vec<f64> = seen.iter().map(|it| it.cost.ln()).collect();
        let mut families: HashMap<Box<str>, Vec<f64>> = HashMap::new();
        for it in seen.iter().filter(|it| !it.kind.family.is_empty()) {
            let family = families.entry(it.kind.family.clone()).or_default();
            family.push(it.cost.ln());
        }
        let known = families
            .into_iter()
            .filter(|(_, logs)| logs.len() >= OF_FAMILY);
        Centre {
            all: middle(&logs),
            families: known
                .map(|(family, logs)| (family, middle(&logs)))
                .collect(),
        }
    }

    fn rest(&self, kind: &Kind, cost: f64) -> f64 {
        cost.ln() - self.families.get(&kind.family).unwrap_or(&self.all)
    }
}

impl Chart {
    fn new(seen: &[RunCost]) -> Chart {
        let centre = Centre::of(seen);
        let rest: Vec<f64> = seen
            .iter()
            .map(|it| centre.rest(&it.kind, it.cost))
            .collect();
        let (mean, sd) = charts::spread(&rest);
        let mut before = HashMap::new();
        for it in seen {
            *before.entry(it.kind.family.clone()).or_default() += 1;
        }
        Chart {
            ewma: Ewma::new(mean, sd.max(FLOOR)),
            centre,
            basis: Basis::of(seen.iter().map(|it| it.at)),
            before,
            recent: Vec::new(),
        }
    }

    /// The family whose share of the last runs grew most.
    fn mix(&self) -> String {
        let share = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        let now = |family: &str| {
            let same = self.recent.iter().filter(|(_, it)| **it == *family).count();
            share(same, self.recent.len())
        };
        let was = |family: &str| {
            let before = self.before.get(family).copied().unwrap_or_default();
            share(before, self.basis.runs)
        };
        let mut families: Vec<&str> = self.recent.iter().map(|(_, family)| &**family).collect();
        families.sort_unstable();
        families.dedup();
        let grown = families
            .into_iter()
            .filter(|family| !family.is_empty() && now(family) > was(family) + 10.0)
            .max_by(|a, b| (now(a) - was(a)).total_cmp(&(now(b) - was(b))));
        grown.map_or_else(String::new, |family| {
            format!(
                "{family} {:.0} % of the last {}, {:.0} % before",
                now(family),
                self.recent.len(),
                was(family)
            )
        })
    }
}

pub(super) fn drift(past: &mut Past<'_>, look: &Look<'_>) -> RunFindings {
    let mut found = RunFindings::default();
    let frozen = frozen(look);
    let mut scopes: BTreeMap<Scope, (Vec<RunCost>, Option<Chart>)> = BTreeMap::new();
    let mut firings = Firings::default();
    for run in past.kept(look.mask) {
        let (Some(cost), Some(last)) = (cost(past, run), past.last(run)) else {
            continue;
        };
        let kind = Kind::of(past, run);
        let scope = scope_of(&look.rule.by, &past.store.row(last));
        let (seen, chart) = scopes.entry(scope.clone()).or_default();
        if chart.is_none() {
            if let Some(frozen) = &frozen {
                let alike = frozen.iter().filter(|it| {
                    it.kind.agent == kind.agent
                        && (it.kind.model == kind.model || !look.rule.by.contains(&By::Model))
                });
                *seen = alike.cloned().collect();
            }
            let need = if frozen.is_some() {
                LEAST
            } else {
                LEAST_OF_CHART
            };
            if seen.len() >= need {
                *chart = Some(Chart::new(seen));
            } else {
                if frozen.is_none() && !past.is_alarming[run.0 as usize] {
                    let at = past.store.run(run).started;
                    seen.push(RunCost { kind, cost, at });
                }
                continue;
            }
        }
        let Some(chart) = chart else { continue };
        chart.recent.push((run, kind.family.clone()));
        let extra = chart.recent.len().saturating_sub(WINDOW);
        chart.recent.drain(..extra);
        let mean = chart.ewma.mean;
        let point = chart.ewma.add(chart.centre.rest(&kind, cost));
        let trail = found.charted.entry(scope.clone()).or_default();
        trail.push(point.value - mean);
        if point.fires && firings.confirm(&scope, look.rule) {
            let recent = chart.recent.iter();
            let evidence = recent.filter_map(|(run, _)| past.rows(*run).first().copied());
            let hit = Hit {
                rule: look.at,
                detector: Detector::CostDrift,
                level: look.rule.severity,
                run,
                lane: None,
                at: last,
                count: chart.recent.len() as u32,
                amount: Amount::Drift(Drift {
                    point,
                    mean,
                    basis: chart.basis,
                    mix: chart.mix(),
                }),
                period: None,
                evidence: evidence.collect(),
            };
            found.hits.push((scope, hit));
        }
    }
    for (scope, (seen, chart)) in scopes {
        if chart.is_none() {
            let need = if frozen.is_some() {
                LEAST
            } else {
                LEAST_OF_CHART
            };
            found.learning.push(Learning {
                rule: look.at,
                scope,
                have: seen.len(),
                need,
            });
        }
    }
    found
}
