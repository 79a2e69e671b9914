//! Comma-separated values as spreadsheets read them (RFC 4180), the same names as in JSON.

use std::io::{self, Write};

use crate::export::json::run::RunJson;

const HEAD: &str = "run_id,path,format,agent,models,user,service,env,task,trial,release,started_at,\
                    ended_at,duration_ms,status,turns,actions,tool_calls,errors,blocked,denied,retries,\
                    subagents,parent_run_id,input_tokens,output_tokens,cache_read_tokens,\
                    cache_write_tokens,reasoning_tokens,total_tokens,cost_usd,cost_source,score,correct";

/// One line per run below a line of names. What was not recorded is an empty field.
pub fn runs<'a>(out: &mut dyn Write, runs: impl Iterator<Item = RunJson<'a>>) -> io::Result<()> {
    write!(out, "{HEAD}\r\n")?;
    for run in runs {
        let row = serde_json::to_value(&run).map_err(io::Error::other)?;
        let fields = HEAD
            .split(',')
            .map(|name| field(row.get(name).or_else(|| row.get("usage")?.get(name))));
        write!(out, "{}\r\n", fields.collect::<Vec<_>>().join(","))?;
    }
    Ok(())
}

fn field(value: Option<&serde_json::Value>) -> String {
    let text = match value {
        None | Some(serde_json::Value::Null) => return String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Array(items)) => items
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        Some(other) => other.to_string(),
    };
    let text = crate::base::text::sanitize(&text);
    // A spreadsheet runs what begins like a formula.
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let quote = if formula { "'" } else { "" };
    if formula || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{quote}{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests;
