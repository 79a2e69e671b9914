#![doc = include_str!("ARCHITECTURE.md")]

pub mod base;
pub mod model;

pub mod ingest;

pub mod store;

pub mod query;

pub mod analysis;

pub mod export;

pub mod act;

pub mod state;

pub mod tui;

pub mod config;

pub mod cli;
