//! Books the tokens and the cost of a run on rows: each once, however often they are reported.

use super::{Incoming, RunMemory, known};
use crate::ingest::assemble::{Builder, Charge, Draft};
use crate::ingest::fact::Name;
use crate::model::action::{ActionIx, Kind};
use crate::model::quantity::{Cost, Usage};
use crate::model::symbol::Sym;

/// The tokens of a whole run, for one model or for all.
#[derive(Debug)]
pub(super) struct Total {
    model: Sym,
    usage: Usage,
    cost: Cost,
}

impl Total {
    /// What the calls of the run did not report; none if they reported everything.
    fn rest(&self, memory: &RunMemory) -> Option<(Usage, Cost)> {
        let booked = if self.model.is_some() {
            memory.booked.get(&self.model).copied().unwrap_or_default()
        } else {
            let all = memory.booked.values();
            all.fold(Usage::NONE, |sum, usage| sum.plus(usage))
        };
        let rest = self.usage.minus(&booked);
        let part = self.cost.is_some() && booked.is_none();
        let cost = if part { known(self.cost) } else { Cost::NONE };
        (part || rest.total().or_zero() > 0).then_some((rest, cost))
    }

    /// Books what the calls did not report on a row of its own.
    pub(super) fn book(&self, memory: &mut RunMemory, draft: &Draft, build: &mut Builder) {
        match self.rest(memory) {
            Some((usage, cost)) => {
                // A later total may include this one.
                let booked = memory.booked.entry(self.model).or_default();
                *booked = booked.plus(&usage);
                let action = build.act(draft);
                build.charge(draft.run, (action, draft.model), usage, cost, None);
            }
            None => build.edit(draft.run).totals.copies += 1,
        }
    }
}

impl Incoming<'_> {
    /// Usage reported separately: booked on the model call it names, otherwise on a row of its own.
    pub(super) fn usage(&self, memory: &mut RunMemory, build: &mut Builder) {
        let named = !self.name(Name::Group).is_empty();
        let key = self.group(build);
        let group = memory.groups.get_mut(&key).filter(|_| named);
        let call = group.and_then(|group| Some((group.response.or(group.first)?, group)));
        let Some((on, group)) = call else {
            let action = self.add(Kind::Note, build);
            self.charge(action, None, build);
            return;
        };
        build.seen(self.run, self.fact.time);
        build.edit(self.run).totals.copies += 1;
        let before = group.charge.take().map(|(_, charge)| charge);
        group.charge = self
            .charge(on, before.as_ref(), build)
            .or(before)
            .map(|it| (on, it));
    }

    /// The total of a run, and the row for what its calls did not report.
    pub(super) fn total(&self, build: &mut Builder) -> (Total, Draft) {
        let total = Total {
            model: build.symbol(self.from.text(self.fact.model)),
            usage: self.from.decoded.usage(self.fact).unwrap_or_default(),
            cost: self.fact.cost,
        };
        (total, self.draft(Kind::Note, build))
    }

    /// A running total: the increase since the last one is booked on the last model call. A smaller total
    /// starts anew.
    pub(super) fn running(&self, memory: &mut RunMemory, build: &mut Builder) {
        let total = self.from.decoded.usage(self.fact).unwrap_or(Usage::NONE);
        let told = build.symbol(self.from.text(self.fact.model));
        let (before, spent) = memory.totals.get(&told).copied().unwrap_or_default();
        memory.totals.insert(told, (total, self.fact.cost));
        build.edit(self.run).totals.copies += 1;
        build.seen(self.run, self.fact.time);
        let grown = total.total().or_zero() >= before.total().or_zero();
        let usage = if grown { total.minus(&before) } else { total };
        let cost = if grown {
            self.fact.cost.minus(spent)
        } else {
            self.fact.cost
        };
        if usage.total().or_zero() == 0 && known(cost) == Cost::NONE {
            return;
        }
        let (on, charge, paid) = match memory.latest.take() {
            Some(latest) => latest,
            None => (self.add(Kind::Note, build), None, Cost::NONE),
        };
        let agent = build.peek(self.run).who.agent;
        build.set_model(self.run, agent, told);
        let model = build.model_of(self.run, agent);
        let whole = charge
            .as_ref()
            .map_or(usage, |charge| charge.usage().plus(&usage));
        let paid = paid + known(cost);
        let charge = build.charge(self.run, (on, model), whole, paid, charge.as_ref());
        memory.latest = Some((on, Some(charge), paid));
    }

    /// Books the tokens and the cost of a fact.
    pub(super) fn charge(
        &self,
        on: ActionIx,
        before: Option<&Charge>,
        build: &mut Builder,
    ) -> Option<Charge> {
        let usage = self.from.decoded.usage(self.fact);
        if usage.is_none() && !self.fact.cost.is_some() {
            return None;
        }
        let agent = self.lane(build);
        let model = build.model_of(self.run, agent);
        let usage = usage.unwrap_or(Usage::NONE);
        Some(build.charge(self.run, (on, model), usage, self.fact.cost, before))
    }
}
