//! A page as one HTML file: no scripts, no external resources, light and dark, foldable texts.
//!
//! The content security policy in its head forbids loading anything, whatever a trace contains; every text is escaped.

use std::fmt::Write as _;

use super::{Entry, Page, Text};
use crate::export::words;
use crate::model::action::{Kind, Status};

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">
";

const STYLE: &str = "<style>
:root{--ground:#fff;--ink:#1b1f24;--dim:#59636e;--line:#d1d9e0;--box:#f6f8fa;--bad:#b42318;--good:#1a7f37;--warn:#9a6700;--mark:#0969da}
@media(prefers-color-scheme:dark){:root{--ground:#0d1117;--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;--box:#151b23;--bad:#ff7b72;--good:#3fb950;--warn:#d29922;--mark:#58a6ff}}
body{margin:0 auto;max-width:60rem;padding:1.5rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse}th,td{text-align:left;padding:.1rem 1rem .1rem 0;vertical-align:top}th{color:var(--dim);font-weight:normal;white-space:nowrap}td{overflow-wrap:anywhere}
article{border-left:3px solid var(--line);padding:.2rem 0 .2rem .8rem;margin:.8rem 0}
article.lane{margin-left:1.5rem}article.prompt{border-color:var(--mark)}article.error,article.denied{border-color:var(--bad)}
header{display:flex;flex-wrap:wrap;gap:.2rem .6rem;align-items:baseline}header b{overflow-wrap:anywhere}
.seq,.about{color:var(--dim);font-size:.85rem}.bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}
pre{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.5rem .7rem;margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.45 ui-monospace,monospace}
summary{cursor:pointer;color:var(--dim);font-size:.85rem}.name{color:var(--dim);font-size:.85rem}
@media print{details>*{display:block}}
</style>
";

pub fn write(page: &Page) -> String {
    let title = escaped(if page.title.is_empty() {
        "Run"
    } else {
        &page.title
    });
    let mut out =
        format!("{HEAD}<title>{title}</title>\n{STYLE}</head><body>\n<h1>{title}</h1>\n<table>\n");
    for (name, value) in &page.facts {
        push(
            &mut out,
            format_args!("<tr><th>{name}</th><td>{}</td></tr>\n", escaped(value)),
        );
    }
    out.push_str("</table>\n<main>\n");
    let mut turn = 0;
    for entry in &page.entries {
        if entry.turn != turn && entry.turn > 0 {
            turn = entry.turn;
            push(&mut out, format_args!("<h2>Turn {turn}</h2>\n"));
        }
        article(entry, &mut out);
    }
    let masked = page.masks.len();
    push(
        &mut out,
        format_args!(
            "</main>\n<footer class=\"about\">{masked} secrets masked · {} texts cut · written by saferun-tui</footer>\n</body></html>\n",
            page.cut
        ),
    );
    out
}

/// Writing to a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn article(entry: &Entry, out: &mut String) {
    let (status, _) = words::status(entry.status);
    let class = match (entry.kind, entry.status) {
        (_, Status::Error | Status::Timeout) | (Kind::Error, _) => "error",
        (_, Status::Denied | Status::Blocked) => "denied",
        (Kind::Prompt, _) => "prompt",
        _ => "action",
    };
    let lane = if entry.lane.is_empty() { "" } else { " lane" };
    push(
        out,
        format_args!(
            "<article class=\"{class}{lane}\" id=\"a{0}\"><header><a class=\"seq\" href=\"#a{0}\">#{0}</a> ",
            entry.seq
        ),
    );
    push(out, format_args!("<b>{}</b>", escaped(&entry.name)));
    let kind = super::kind(entry.kind);
    if entry.name != kind {
        push(out, format_args!(" <span class=\"about\">{kind}</span>"));
    }
    if status != words::NOTHING {
        push(
            out,
            format_args!(" <span class=\"{}\">{status}</span>", tone(entry.status)),
        );
    }
    let about: Vec<String> = std::iter::once(&entry.lane)
        .chain(&entry.facts)
        .filter(|it| !it.is_empty())
        .map(|it| escaped(it))
        .collect();
    push(
        out,
        format_args!(
            " <span class=\"about\">{}</span></header>\n",
            about.join(" · ")
        ),
    );
    for text in &entry.texts {
        section(text, out);
    }
    if entry.texts.is_empty() && !entry.line.is_empty() {
        push(out, format_args!("<pre>{}</pre>\n", escaped(&entry.line)));
    }
    out.push_str("</article>\n");
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Ok => "good",
        Status::Error | Status::Timeout | Status::Denied | Status::Blocked => "bad",
        Status::Cancelled | Status::Pending => "warn",
        Status::Unrecorded => "about",
    }
}

fn section(text: &Text, out: &mut String) {
    let block = format!("<pre>{}</pre>", escaped(&text.text));
    if text.is_long {
        let lines = text.text.lines().count();
        push(
            out,
            format_args!(
                "<details><summary>{} · {lines} lines</summary>{block}</details>\n",
                text.name
            ),
        );
    } else if text.name == "text" {
        push(out, format_args!("{block}\n"));
    } else {
        push(
            out,
            format_args!("<div class=\"name\">{}</div>{block}\n", text.name),
        );
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_inert() {
        let text = Text {
            name: "text",
            text: "</pre><script>alert(1)</script><img src=x onerror='y'>&amp;".to_owned(),
            is_long: false,
        };
        let mut out = String::new();
        section(&text, &mut out);
        assert!(!out.contains("<script") && !out.contains("<img") && out.contains("&amp;amp;"));
    }
}
