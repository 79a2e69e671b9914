//! Generates the large sample traces, always with the same bytes.
//!
//! It uses integers only: the last digit of floating point may differ between machines.

use std::fmt::Write;

/// Paths relative to this folder, with their contents.
pub(crate) fn files() -> Vec<(&'static str, String)> {
    let plan = plan();
    vec![
        ("refund-cohort/model-a.jsonl", cohort(&MODEL_A, &plan)),
        ("refund-cohort/model-b.jsonl", cohort(&MODEL_B, &plan)),
        ("saferun/runaway-loop.jsonl", runaway_loop()),
    ]
}

const TASKS: usize = 600;

struct Model {
    name: &'static str,
    run: char,
    seed: u64,
    /// The start of the first task, in minutes after midnight.
    start: u64,
}

const MODEL_A: Model = Model {
    name: "claude-sonnet-4-5-20250929",
    run: 'a',
    seed: 0x5afe_0001,
    start: 8 * 60,
};

/// The same price per token as the other model, so that only behaviour differs.
const MODEL_B: Model = Model {
    name: "claude-sonnet-4-6",
    run: 'b',
    seed: 0x5afe_0004,
    start: 12 * 60,
};

#[derive(Clone, Copy, PartialEq)]
enum Choice {
    Refund,
    Escalate,
    Explain,
    Replace,
}

struct Task {
    reason: &'static str,
    customer: &'static str,
    cents: u64,
    choice_a: Choice,
    choice_b: Choice,
}

const REASONS: [&str; 6] = [
    "it arrived damaged",
    "the colour is wrong",
    "I was charged twice",
    "it never arrived",
    "the size does not fit — größer bitte",
    "la pieza está rota",
];

const CUSTOMERS: [&str; 8] = [
    "Amara Okafor",
    "Zoë Lindqvist",
    "José Muñoz",
    "Nguyễn Thị Lan",
    "Grace Miller",
    "山田 太郎",
    "Łukasz Wójcik",
    "Fatima Noor",
];

/// The tool that each model picks for each task.
///
/// The two mostly agree. One difference is planted: B refunds 22 tasks that A escalates, and
/// escalates 4 that A refunds, which makes 3 percentage points more refunds (p = 0.0005 in the
/// exact paired test). Changes between the other tools go both ways equally.
fn plan() -> Vec<Task> {
    let mut rng = Rng(0x5afe_c0de);
    let mut tasks: Vec<Task> = (0..TASKS)
        .map(|_| {
            let choice = match rng.below(100) {
                0..38 => Choice::Refund,
                38..62 => Choice::Escalate,
                62..85 => Choice::Explain,
                _ => Choice::Replace,
            };
            Task {
                reason: REASONS[rng.below(6) as usize],
                customer: CUSTOMERS[rng.below(8) as usize],
                cents: 900 + rng.below(48_000),
                choice_a: choice,
                choice_b: choice,
            }
        })
        .collect();
    let changes = [
        (Choice::Escalate, Choice::Refund, 22),
        (Choice::Refund, Choice::Escalate, 4),
        (Choice::Explain, Choice::Replace, 7),
        (Choice::Replace, Choice::Explain, 7),
        (Choice::Explain, Choice::Escalate, 5),
        (Choice::Escalate, Choice::Explain, 5),
    ];
    for (from, to, count) in changes {
        let mut left = count;
        while left > 0 {
            let task = &mut tasks[rng.below(TASKS as u64) as usize];
            if task.choice_a == from && task.choice_b == from {
                task.choice_b = to;
                left -= 1;
            }
        }
    }
    tasks
}

fn cohort(model: &Model, tasks: &[Task]) -> String {
    let mut rng = Rng(model.seed);
    let mut out = String::new();
    for (index, task) in tasks.iter().enumerate() {
        let choice = if model.run == 'a' {
            task.choice_a
        } else {
            task.choice_b
        };
        Run {
            out: &mut out,
            id: format!("{}-{:04}", model.run, index + 1),
            model: model.name,
            now: model.start * 60_000 + index as u64 * 21_000 + rng.below(4_000),
            next: 1,
            spent: 0,
        }
        .play(task, choice, index + 1, &mut rng);
    }
    out
}

/// One run of the refund agent, as it is written.
struct Run<'a> {
    out: &'a mut String,
    id: String,
    model: &'static str,
    /// Milliseconds since midnight.
    now: u64,
    next: u32,
    /// Microdollars.
    spent: u64,
}

impl Run<'_> {
    fn play(mut self, task: &Task, choice: Choice, number: usize, rng: &mut Rng) {
        let order = 20_000 + number;
        let (model, reason, customer) = (self.model, task.reason, task.customer);
        self.event(
            "run_start",
            &format!(
                r#""v":1,"agent":"refund-agent","model":"{model}","task":"refund-{number:04}""#
            ),
        );
        self.event(
            "prompt",
            &format!(
                r#""role":"user","content":"{customer}: please refund order {order}, {reason}.""#
            ),
        );
        let prompt = 700 + rng.below(240);
        let call = self.response("Let me look at the order.", prompt, rng);
        self.look_up(order, task, call, rng);
        let said = match choice {
            Choice::Refund => "The order qualifies, I refund it.",
            Choice::Escalate => "This needs a person, I escalate it.",
            Choice::Explain => "The order is past the refund window.",
            Choice::Replace => "A replacement is in stock.",
        };
        let call = self.response(said, prompt + 180 + rng.below(60), rng);
        self.act(order, task, choice, call, rng);
        self.response(
            "Done. Is there anything else?",
            prompt + 330 + rng.below(80),
            rng,
        );
        let cost = usd(self.spent);
        if rng.below(100) == 0 {
            self.event(
                "run_end",
                &format!(r#""status":"error","reason":"reply not delivered","cost_usd":{cost}"#),
            );
        } else {
            self.event("run_end", &format!(r#""status":"ok","cost_usd":{cost}"#));
        }
    }

    /// Reading the order sometimes times out; the retry succeeds.
    fn look_up(&mut self, order: usize, task: &Task, parent: u32, rng: &mut Rng) {
        let args = format!(r#"{{"order_id":"{order}"}}"#);
        if rng.below(100) < 4 {
            let call = self.call("get_order", &args, parent);
            self.wait(5_000);
            self.event(
                "tool_result",
                &format!(r#""call_id":"e{call}","status":"timeout","error":{{"type":"Timeout","message":"orders did not answer in 5 s"}},"duration_ms":5000"#),
            );
        }
        let call = self.call("get_order", &args, parent);
        let ms = latency(90, rng);
        self.wait(ms);
        let result = format!(r#"{{"total":{},"state":"delivered"}}"#, amount(task.cents));
        self.result(call, &result, ms);
    }

    fn act(&mut self, order: usize, task: &Task, choice: Choice, parent: u32, rng: &mut Rng) {
        let total = amount(task.cents);
        let (tool, args) = match choice {
            Choice::Refund => (
                "refund",
                format!(r#"{{"order_id":"{order}","amount":{total}}}"#),
            ),
            Choice::Escalate => (
                "escalate",
                format!(r#"{{"order_id":"{order}","to":"tier-2"}}"#),
            ),
            Choice::Explain => (
                "send_reply",
                format!(r#"{{"order_id":"{order}","template":"window-closed"}}"#),
            ),
            Choice::Replace => ("replace", format!(r#"{{"order_id":"{order}"}}"#)),
        };
        let call = self.call(tool, &args, parent);
        let ms = latency(240, rng);
        self.wait(ms);
        self.result(call, r#"{"ok":true}"#, ms);
    }

    fn response(&mut self, text: &str, input: u64, rng: &mut Rng) -> u32 {
        let output = 24 + rng.below(60);
        let ms = latency(1_300, rng);
        let cost = input * 3 + output * 15;
        self.spent += cost;
        let (model, cost) = (self.model, usd(cost));
        let id = self.event(
            "response",
            &format!(r#""model":"{model}","content":"{text}","usage":{{"input_tokens":{input},"output_tokens":{output}}},"cost_usd":{cost},"duration_ms":{ms}"#),
        );
        self.wait(ms);
        id
    }

    fn call(&mut self, tool: &str, args: &str, parent: u32) -> u32 {
        self.event(
            "tool_call",
            &format!(r#""parent_id":"e{parent}","tool":"{tool}","args":{args}"#),
        )
    }

    fn result(&mut self, call: u32, result: &str, ms: u64) {
        self.event(
            "tool_result",
            &format!(r#""call_id":"e{call}","status":"ok","result":{result},"duration_ms":{ms}"#),
        );
    }

    /// Writes one line and returns the number in its id.
    fn event(&mut self, kind: &str, fields: &str) -> u32 {
        let (number, time, run) = (self.next, timestamp(self.now), &self.id);
        writeln!(
            self.out,
            r#"{{"type":"{kind}","run_id":"{run}","id":"e{number}","ts":"{time}",{fields}}}"#
        )
        .expect("writing to a string cannot fail");
        self.next += 1;
        self.now += 3;
        number
    }

    fn wait(&mut self, ms: u64) {
        self.now += ms;
    }
}

/// An agent that asks the same question until its budget is spent. The answer never changes, and
/// every round carries the whole conversation again.
fn runaway_loop() -> String {
    let mut out = String::new();
    let mut rng = Rng(0x5afe_1009);
    let mut run = Run {
        out: &mut out,
        id: "catalog-77".to_owned(),
        model: "gpt-4o-2024-08-06",
        now: 2 * 3_600_000 + 13 * 60_000,
        next: 1,
        spent: 0,
    };
    run.event(
        "run_start",
        r#""v":1,"agent":"catalog-agent","model":"gpt-4o-2024-08-06","service":"catalog","env":"prod","user":"cron","task":"lamp-import-2026-11-19""#,
    );
    run.event("prompt", r#""role":"user","content":"Import the lamp “Ø 40 cm, weiß” from the supplier feed into our catalogue.""#);
    let args = r#"{"query":"Lampe Ø 40 cm weiß","page":1}"#;
    let answer = r#"{"hits":[],"hint":"index is being rebuilt, try again"}"#;
    let mut input = 1_840;
    // The cap is two dollars. An input token costs 2.5 microdollars, an output token 10.
    while run.spent < 2_000_000 {
        let output = 31;
        let cost = input * 5 / 2 + output * 10;
        run.spent += cost;
        let ms = latency(1_100, &mut rng);
        let usd = usd(cost);
        let parent = run.event(
            "response",
            &format!(r#""model":"gpt-4o-2024-08-06","content":"The index is being rebuilt. I will try again.","usage":{{"input_tokens":{input},"output_tokens":{output}}},"cost_usd":{usd},"duration_ms":{ms},"finish_reason":"tool_calls""#),
        );
        run.wait(ms);
        let call = run.call("search_catalog", args, parent);
        let ms = latency(140, &mut rng);
        run.wait(ms);
        run.result(call, answer, ms);
        input += 610;
    }
    let total = usd(run.spent);
    let call = run.call("search_catalog", args, run.next - 3);
    run.event(
        "policy_decision",
        &format!(r#""call_id":"e{call}","policy":"cost-cap","rule":"per-run","decision":"block","mode":"enforce","reason":"the run has spent more than $2.00","matched":[{{"path":"run.cost_usd","op":">","value":2.0,"actual":{total}}}]"#),
    );
    run.event(
        "tool_result",
        &format!(r#""call_id":"e{call}","status":"blocked""#),
    );
    run.event(
        "run_end",
        &format!(r#""status":"blocked","reason":"cost cap","cost_usd":{total}"#),
    );
    out
}

/// Around `typical` milliseconds, with a long tail.
fn latency(typical: u64, rng: &mut Rng) -> u64 {
    let ms = typical * (500 + rng.below(1_000)) / 1_000 * (500 + rng.below(1_000)) / 1_000;
    if rng.below(30) == 0 { ms * 5 } else { ms }
}

fn amount(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn usd(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A time on 19 November 2026.
fn timestamp(ms: u64) -> String {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("2026-11-19T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// `SplitMix64`: small, and the same on every machine.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
