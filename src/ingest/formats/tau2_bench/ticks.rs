//! Simulations in which both sides speak at once: recorded tick by tick, with a fragment of what each side
//! says and the tools that it uses.
//!
//! The fragments of an utterance of the agent are one model call; those of the user are one prompt.

use super::{call, of_message};
use crate::ingest::fact::{FactKind, FactSink, Text};
use crate::ingest::formats::messages::{self, Envelope};
use crate::ingest::json::View;

/// All ticks of a run, in order.
pub(super) fn decode(ticks: View<'_, '_>, run: Text, out: &mut FactSink<'_>) {
    let mut heard = String::new();
    for tick in ticks.items() {
        let agent = tick.get("agent_chunk");
        let group = utterance(agent).unwrap_or_else(|| alone(tick, "agent"));
        let how = Envelope {
            group: out.arena(group.as_bytes()),
            ..of_message(agent, tick, run)
        };
        if speaks(agent) {
            messages::decode(agent, &how, out);
        }
        for asked in tick.get("agent_tool_calls").items() {
            let fact = call(asked, how.base.at(asked.range()), false, out);
            how.push(fact, out);
        }
        results(tick, "agent_tool_results", run, out);
        let user = tick.get("user_chunk");
        let how = Envelope {
            group: out.arena(alone(tick, "user").as_bytes()),
            ..of_message(user, tick, run)
        };
        if speaks(user) {
            let content = utterance(user).unwrap_or_default();
            let mut fact = how.base.at(user.range());
            fact.kind = if !content.is_empty() && content == heard {
                FactKind::Note
            } else {
                FactKind::Prompt
            };
            heard = content;
            out.push(fact);
        }
        for asked in tick.get("user_tool_calls").items() {
            let fact = call(asked, how.base.at(asked.range()), true, out);
            how.push(fact, out);
        }
        results(tick, "user_tool_results", run, out);
    }
}

fn speaks(chunk: View<'_, '_>) -> bool {
    !chunk.get("content").text().trim().is_empty()
}

/// The id of what a fragment is part of.
fn utterance(chunk: View<'_, '_>) -> Option<String> {
    let first = chunk.get("utterance_ids").items().next();
    first.map(|id| id.text().into_owned())
}

/// The name of a model call that takes place in one tick.
fn alone(tick: View<'_, '_>, who: &str) -> String {
    let number = String::from_utf8_lossy(tick.get("tick_id").number_text()).into_owned();
    format!("{who}/{number}")
}

fn results(tick: View<'_, '_>, member: &str, run: Text, out: &mut FactSink<'_>) {
    for answered in tick.get(member).items() {
        messages::decode(answered, &of_message(answered, tick, run), out);
    }
}
