//! A deterministic trace of any size, written once to the temporary folder.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// A file of at least `size` bytes, created if it does not exist.
pub(crate) fn file(size: u64) -> PathBuf {
    let path = std::env::temp_dir().join(format!("saferun-tui-bench-{size}.jsonl"));
    if path.metadata().is_ok_and(|known| known.len() >= size) {
        return path;
    }
    // Write under another name first, so that an incomplete file is not mistaken for a whole one.
    let unfinished = path.with_extension("unfinished");
    write(&unfinished, size).expect("the temporary folder has room");
    std::fs::rename(&unfinished, &path).expect("both are in one folder");
    path
}

const WORDS: &[&str] = &[
    "the ",
    "order ",
    "error ",
    "customer ",
    "of ",
    "refund ",
    "failed\\n",
    "\\\"quoted\\\" ",
    "src/main.rs:42: ",
    "\\tlet x = ",
    "timeout ",
    "naïve — 日本 ",
    "and ",
    "deploy ",
    "rollback ",
    "table ",
];
const TOOLS: &[&str] = &["bash", "edit", "refund", "search", "read_file"];
const STATUSES: &[&str] = &["ok", "ok", "ok", "error"];

struct Dice(u64);

impl Dice {
    /// Xorshift: the same numbers on every machine.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }

    /// Mostly short, sometimes long: some hundred bytes on average.
    fn text(&mut self) -> String {
        let longest = [20, 60, 200, 800][self.roll(4) as usize];
        let words = self.roll(longest);
        (0..words).map(|_| self.pick(WORDS)).collect()
    }
}

/// Runs of a hundred calls, eight of them interleaved.
fn write(path: &std::path::Path, size: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut written = 0;
    let mut step = 0_u64;
    while written < size {
        let run = step / 800 * 8 + step % 8;
        let call = step / 8 % 100;
        let record = records(&mut dice, run, call);
        out.write_all(record.as_bytes())?;
        written += record.len() as u64;
        step += 1;
    }
    out.flush()
}

/// A call and its result, plus the start or end of its run where needed.
fn records(dice: &mut Dice, run: u64, call: u64) -> String {
    let at = run * 100 + call;
    let (minute, second) = (at / 60 % 60, at % 60);
    let head = format!(
        r#""run_id":"run-{run}","ts":"2026-11-22T10:{minute:02}:{second:02}.5Z","agent":"main""#
    );
    let mut lines = Vec::new();
    if call == 0 {
        let text = dice.text();
        lines.push(format!(
            r#"{{"type":"run_start",{head},"model":"large-4","env":"prod"}}"#
        ));
        lines.push(format!(r#"{{"type":"prompt",{head},"content":"{text}"}}"#));
    }
    let (text, input, output) = (dice.text(), dice.roll(30_000), dice.roll(900));
    let (cents, took) = (dice.roll(99), dice.roll(9000));
    lines.push(format!(
        r#"{{"type":"response",{head},"id":"r{call}","content":"{text}","usage":{{"input_tokens":{input},"output_tokens":{output}}},"cost_usd":0.0{cents},"duration_ms":{took}}}"#
    ));
    let (tool, path) = (dice.pick(TOOLS), dice.text());
    lines.push(format!(
        r#"{{"type":"tool_call",{head},"id":"c{call}","tool":"{tool}","args":{{"path":"{path}"}}}}"#
    ));
    let (status, result, took) = (dice.pick(STATUSES), dice.text(), dice.roll(4000));
    lines.push(format!(
        r#"{{"type":"tool_result",{head},"call_id":"c{call}","status":"{status}","result":"{result}","duration_ms":{took}}}"#
    ));
    if call == 99 {
        lines.push(format!(r#"{{"type":"run_end",{head},"status":"ok"}}"#));
    }
    lines.push(String::new());
    lines.join("\n")
}
