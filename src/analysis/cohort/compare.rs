//! Turns two cohorts into a comparison with all its figures.

use crate::analysis::cohort::design::Design;
use crate::analysis::cohort::evidence::{self, Fork};
use crate::analysis::cohort::figure::Figure;
use crate::analysis::cohort::figures::Cx;
use crate::analysis::cohort::firsts;
use crate::analysis::cohort::mix::{self, Mix, Transition};
use crate::analysis::cohort::observe::Cohort;
use crate::analysis::cohort::tools::{self, Tool};
use crate::analysis::cohort::traits::Confound;
use crate::analysis::statistics::multiple::benjamini_hochberg;

/// How to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The smallest difference that matters: absolute for rates (0.03 is three points), a share of
    /// A's value for amounts.
    pub margin: f64,
    pub alpha: f64,
    pub seed: u64,
    /// Whether to pair by task; `None` pairs if there are enough common tasks.
    pub paired: Option<bool>,
    /// Only these figures, by name; empty for all.
    pub only: Vec<String>,
    /// The filters whose matching runs are counted, as the user wrote them.
    pub predicates: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            margin: 0.03,
            alpha: 0.05,
            seed: 1,
            paired: None,
            only: Vec::new(),
            predicates: Vec::new(),
        }
    }
}

/// Two cohorts and everything that follows from them.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub a: Cohort,
    pub b: Cohort,
    pub design: Design,
    pub options: Options,
    /// Measures, first tools and predicates, in table order.
    pub figures: Vec<Figure>,
    /// For each tool, whether runs call it at all.
    pub tools: Vec<Tool>,
    /// Tools called by fewer than five runs on either side, which are not tested.
    pub rare: Vec<Box<str>>,
    pub mix: Option<Mix>,
    pub transitions: Vec<Transition>,
    pub confounds: Vec<Confound>,
    /// Where runs of the same task chose different tools.
    pub forks: Vec<Fork>,
}

/// Compares two cohorts, after giving them a common list of tools.
pub fn compare(mut a: Cohort, mut b: Cohort, options: Options) -> Comparison {
    let names = tools::unite(&mut a, &mut b);
    let design = Design::new(&a, &b, options.paired);
    firsts::compare(&mut a, &mut b, &design);
    let cx = Cx {
        a: &a,
        b: &b,
        design: &design,
        options: &options,
        names: &names,
    };
    let mut figures = cx.measures();
    figures.extend(cx.firsts());
    figures.extend(cx.predicates());
    let (mut tools, rare) = cx.tools();
    figures.retain(|figure| cx.is_wanted(&figure.name));
    tools.retain(|tool| cx.is_wanted(&tool.figure.name));
    judge(&mut figures, &mut tools, options.alpha);
    Comparison {
        confounds: a.traits.differences(&b.traits),
        mix: mix::mix(&a, &b, &design, names.len(), options.seed),
        transitions: mix::transitions(&a, &b, &design),
        forks: evidence::forks(&a, &b, &design),
        figures,
        tools,
        rare,
        design,
        a,
        b,
        options,
    }
}

/// Adjusts for the number of figures shown, then sets each verdict.
fn judge(figures: &mut [Figure], tools: &mut [Tool], alpha: f64) {
    let mut all: Vec<&mut Figure> = figures
        .iter_mut()
        .chain(tools.iter_mut().map(|tool| &mut tool.figure))
        .collect();
    let p: Vec<f64> = all.iter().filter_map(|figure| figure.p).collect();
    let mut q = benjamini_hochberg(&p).into_iter();
    for figure in &mut all {
        let q = figure.p.and_then(|_| q.next());
        figure.judge(q, alpha);
    }
}
