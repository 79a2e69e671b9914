//! Every screen of the program. To add one: a file here, an arm in [`build`], and an id with its line in
//! [`SCREENS`].

#[cfg(feature = "capture")]
mod again;
pub mod alerts;
pub mod asks;
pub mod changes;
pub mod cohort;
pub mod costs;
pub mod diff;
pub mod export;
pub mod files;
pub mod filter_bar;
pub mod help;
pub mod notices;
pub mod outcome;
pub mod palette;
pub mod policy;
pub mod recent;
pub mod replay;
pub mod runs;
pub mod stream;
pub mod timeline;

pub use crate::tui::screen::id::{Info, SCREENS, ScreenId, Tab, views};

use crate::tui::screen::Screen;
use crate::tui::session::Session;

pub(super) fn build(id: ScreenId, session: &Session) -> Box<dyn Screen> {
    match id {
        ScreenId::Stream => Box::new(stream::Stream::new(session)),
        ScreenId::Runs => Box::new(runs::Runs::new(session)),
        ScreenId::Replay => Box::new(replay::Replay::default()),
        ScreenId::Diff => Box::new(diff::Diff::default()),
        ScreenId::Cohort => Box::new(cohort::Cohort::default()),
        ScreenId::Timeline => Box::new(timeline::Timeline::default()),
        ScreenId::Costs => Box::new(costs::Costs::default()),
        ScreenId::Policy => Box::new(policy::Policy::default()),
        ScreenId::Alerts => Box::new(alerts::Alerts::new(session)),
        ScreenId::Asks => Box::new(asks::AsksView::default()),
        ScreenId::Help => Box::new(help::Help::default()),
        ScreenId::Palette => Box::new(palette::Palette::default()),
        ScreenId::Files => Box::new(files::Files::default()),
        ScreenId::Changes => Box::new(changes::Changes::default()),
        ScreenId::Notices => Box::new(notices::Notices::default()),
        ScreenId::Recent => Box::new(recent::Recent::default()),
    }
}
