//! Every screen of the program. To add one: a file here, an id, and an arm of [`build`].

pub mod help;
pub mod stream;

use crate::tui::shell::Screen;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenId {
    Stream,
    Help,
}

pub fn build(id: ScreenId) -> Box<dyn Screen> {
    match id {
        ScreenId::Stream => Box::new(stream::Stream::default()),
        ScreenId::Help => Box::new(help::Help::default()),
    }
}
