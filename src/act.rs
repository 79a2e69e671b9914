//! The only code that executes, connects, listens or writes files that the user did not name, and only when the
//! user asks for it.

pub mod append;
pub mod observe;
pub mod places;

pub mod ask;
pub mod guard;
pub mod kill;
pub mod notify;
pub mod trip;

#[cfg(feature = "capture")]
pub mod child;
pub mod events;
pub mod keep;
#[cfg(feature = "capture")]
pub mod mcp;
#[cfg(feature = "capture")]
pub mod net;
#[cfg(feature = "capture")]
pub mod otlp;
#[cfg(feature = "capture")]
pub mod record;
#[cfg(feature = "capture")]
pub mod remote;
#[cfg(feature = "capture")]
pub mod rerun;
#[cfg(feature = "capture")]
pub mod serve;
pub mod viewer;
