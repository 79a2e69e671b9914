//! Output without a terminal: JSON, CSV, Markdown, text, traces, requests.

pub mod alerts;
pub mod answers;
pub mod atif;
pub mod cohort;
pub mod costs;
pub mod csv;
pub mod curl;
pub mod diff;
pub mod files;
pub mod fixture;
pub mod fork;
pub mod json;
pub mod markdown;
pub mod page;
pub mod policy;
pub mod readable;
pub mod redact;
pub mod saferun;
pub mod vcr;
pub mod words;
