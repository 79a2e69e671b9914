//! The tables that `load` fills. What is not recorded is NULL (or an empty name), never 0; money is in picodollars, so
//! that sums are exact.

use crate::act::remote::clickhouse::select::{ACCELERATING, Joins};

/// One row for each run; written after the rows of its actions.
pub(super) const RUNS: &str = "\
CREATE TABLE IF NOT EXISTS saferun_runs (
  run_key String, run_id String, place UInt64, day Date, listed Bool,
  started Nullable(DateTime64(6, 'UTC')), ended Nullable(DateTime64(6, 'UTC')),
  took_us Nullable(Int64), duration_us Nullable(Int64), status LowCardinality(String),
  title String, path String, format LowCardinality(String), parent_run String,
  agent LowCardinality(String), agents Array(LowCardinality(String)), models Array(LowCardinality(String)),
  provider LowCardinality(String), user String, service LowCardinality(String), env LowCardinality(String),
  release LowCardinality(String), task String, trial String, input_hash String,
  cost_pico Nullable(Int64), cost_source LowCardinality(String),
  tok_in Nullable(UInt64), tok_out Nullable(UInt64), tok_read Nullable(UInt64), tok_write Nullable(UInt64),
  tok_reasoning Nullable(UInt64),
  turns UInt32, actions UInt32, tool_calls UInt32, errors UInt32, blocked UInt32, denied UInt32, retries UInt32,
  pending UInt32, unpriced UInt32, score Nullable(Float64), correct Nullable(Bool),
  inherited_from String, inherited Map(LowCardinality(String), Int64),
  m Map(LowCardinality(String), Float64), calls Array(LowCardinality(String)), calls_blocked UInt32,
  calls_failed UInt32, traits Map(LowCardinality(String), String),
  program LowCardinality(String), loaded_at DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(loaded_at) PARTITION BY toYYYYMM(day) ORDER BY (day, run_key)";

/// One row for each action, with the names of its run.
pub(super) const ACTIONS: &str = "\
CREATE TABLE IF NOT EXISTS saferun_actions (
  run_key String, run_id String, row UInt32, day Date, seq UInt32, ts Nullable(DateTime64(6, 'UTC')),
  turn UInt32, lane UInt16, parent Nullable(UInt32), line UInt32,
  kind LowCardinality(String), status LowCardinality(String), flags UInt32,
  tool LowCardinality(String), agent LowCardinality(String), model LowCardinality(String),
  acting_model LowCardinality(String), path LowCardinality(String), format LowCardinality(String),
  provider LowCardinality(String), user LowCardinality(String), service LowCardinality(String),
  env LowCardinality(String), release LowCardinality(String), task LowCardinality(String),
  trial LowCardinality(String),
  duration_us Nullable(Int64), cost_pico Nullable(Int64),
  tok_in Nullable(UInt64), tok_out Nullable(UInt64), tok_read Nullable(UInt64), tok_write Nullable(UInt64),
  tok_reasoning Nullable(UInt64),
  asked_cost_pico Nullable(Int64), asked_estimated_pico Nullable(Int64),
  asked_in Nullable(UInt64), asked_out Nullable(UInt64), asked_read Nullable(UInt64), asked_write Nullable(UInt64),
  asked_reasoning Nullable(UInt64),
  ruling Nested(of_person Bool, verdict LowCardinality(String), policy LowCardinality(String),
    rule LowCardinality(String), by LowCardinality(String), wait_us Nullable(Int64)),
  loaded_at DateTime64(3, 'UTC'),
  INDEX i_tool tool TYPE set(256) GRANULARITY 4, INDEX i_model model TYPE set(256) GRANULARITY 4,
  INDEX i_run run_key TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(loaded_at) PARTITION BY toYYYYMM(day) ORDER BY (day, run_key, row)";

/// The statements that create the tables.
pub fn ddl() -> [&'static str; 2] {
    [RUNS, ACTIONS]
}

/// Statements that add columns to the exporter's table: the joins of traces and the model, computed once by the engine.
pub fn accelerating() -> Vec<String> {
    let joins = Joins::of_attributes();
    let values = [joins.thread, joins.conversation, joins.session];
    let columns = ACCELERATING.into_iter().zip(values);
    let statements = columns.map(|(name, value)| {
        format!(
            "ALTER TABLE otel_traces ADD COLUMN IF NOT EXISTS {name} String MATERIALIZED {value}"
        )
    });
    statements.collect()
}
