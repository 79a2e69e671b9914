//! Exports: `x`, and a second key that picks the format and the target.

use crate::act::viewer::Viewer;
use crate::base::human;
use crate::export::redact::Masked;
use crate::tui::effects::Effect;
use crate::tui::keys::Key;
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

/// The second keys, with what each does.
const OFFERS: &[(char, How, &str)] = &[
    ('m', How::Copy(Form::Markdown), "Markdown to the clipboard"),
    ('j', How::Copy(Form::Json), "JSON to the clipboard"),
    ('v', How::View(Viewer::Pager), "Markdown in $PAGER"),
    (
        'V',
        How::View(Viewer::Editor),
        "Markdown in $EDITOR, to save it",
    ),
];

/// Where a document goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Copy(Form),
    View(Viewer),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Markdown,
    Json,
}

/// The offers in the footer, while a second key is waited for.
pub fn draw_offers(theme: &Theme, row: &mut Row<'_>) {
    for (key, _, does) in OFFERS {
        row.put(&format!(" {key} "), theme.styles.strong)
            .put(&format!("{does} "), theme.styles.faint);
    }
}

/// Bytes that terminals accept at most.
const MOST: usize = 1 << 20;

/// Puts a text into the clipboard if terminals accept it, and says so.
pub fn copy(what: &str, text: Masked<String>) -> (String, Option<Effect>) {
    let size = human::bytes(text.get().len() as u64);
    if text.get().len() > MOST {
        let words = format!(
            "not copied: {size} is more than terminals accept (1 MB) · v opens it in a pager"
        );
        return (words, None);
    }
    let masked = match text.count() {
        0 => String::new(),
        count => format!(" · {} masked", human::counted(count as u64, "secret")),
    };
    let words = format!("copied {what} · {size} (OSC 52){masked}");
    (words, Some(Effect::Copy(text)))
}

impl How {
    /// The export that the second key picks; any other key cancels.
    pub fn of(key: Key) -> Option<How> {
        let letter = key.char()?;
        let offer = OFFERS.iter().find(|(offered, ..)| *offered == letter);
        offer.map(|(_, how, _)| *how)
    }

    pub fn form(self) -> Form {
        match self {
            How::Copy(form) => form,
            How::View(_) => Form::Markdown,
        }
    }

    /// Hands the document over.
    pub fn hand(self, text: Masked<String>, session: &mut Session) -> Effect {
        match self {
            How::View(with) => Effect::View { text, with },
            How::Copy(form) => {
                session.say(match form {
                    Form::Markdown => "copied as Markdown",
                    Form::Json => "copied as JSON",
                });
                Effect::Copy(text)
            }
        }
    }
}
