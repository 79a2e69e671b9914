use crate::ingest::testing::load;
use crate::model::action::Kind;

/// The rows of a sample with these events, each with its agent.
fn told(events: &str) -> Vec<(Kind, String)> {
    let log = format!(
        r#"{{"version":2,"eval":{{"task":"t","run_id":"r"}},"samples":[{{"id":1,"epoch":1,"input":"go","events":[{events}]}}]}}"#
    );
    let batch = load("inspect-eval", Box::leak(log.into_boxed_str()));
    let agents = batch.chunk.agent.iter();
    let name = |at: u32| batch.symbols[at as usize - 1].to_string();
    let rows = batch.chunk.kind.iter().copied().zip(agents);
    rows.map(|(kind, agent)| (kind, name(agent.0))).collect()
}

fn model(span: &str, input: &str) -> String {
    format!(
        r#"{{"event":"model","span_id":"{span}","model":"m","input":[{input}],"output":{{"choices":[{{"message":{{"role":"assistant","content":"said"}}}}]}}}}"#
    )
}

#[test]
fn scorers_have_lanes_of_their_own() {
    let begin =
        r#"{"event":"span_begin","id":"a","span_id":"a","type":"solver","name":"generate"}"#;
    let grade = r#"{"event":"span_begin","id":"b","span_id":"b","type":"scorer","name":"strict"}"#;
    let inner = r#"{"event":"span_begin","id":"c","parent_id":"b","span_id":"c","type":"agent","name":"helper"}"#;
    let events = [
        begin,
        &model("a", ""),
        grade,
        &model("b", ""),
        inner,
        &model("c", ""),
    ];
    let agents: Vec<String> = told(&events.join(","))
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::Response)
        .map(|(_, agent)| agent)
        .collect();
    assert_eq!(agents, ["inspect", "strict", "strict"]);
}

#[test]
fn without_spans_scorers_are_recognized_by_steps() {
    let step = |action: &str| {
        format!(r#"{{"event":"step","action":"{action}","type":"scorer","name":"strict"}}"#)
    };
    let events = [step("begin"), model("", ""), step("end"), model("", "")];
    let agents: Vec<String> = told(&events.join(","))
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::Response)
        .map(|(_, agent)| agent)
        .collect();
    assert_eq!(agents, ["strict", "inspect"]);
}

#[test]
fn the_system_prompt_of_a_solver_is_shown_once() {
    let system = r#"{"role":"system","content":"Be brief."},{"role":"user","content":"go"}"#;
    let events = [model("", system), model("", system)];
    let kinds: Vec<Kind> = told(&events.join(","))
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    let expected = [Kind::Prompt, Kind::Note, Kind::Response, Kind::Response];
    assert_eq!(kinds, expected);
}
