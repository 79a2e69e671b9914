//! Traces that live elsewhere: what is chosen there is fetched as whole runs into files, and the readers open those.
//!
//! Nothing here decodes a trace: a record is written as the product gave it, without keys to its other files.

mod record;
mod store;
