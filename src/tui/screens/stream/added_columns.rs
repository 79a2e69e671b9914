//! Columns that the user added: any field of the filter language.

use crate::base::text;
use crate::query::complete::complete;
use crate::query::expr::Subject;
use crate::query::read;
use crate::store::bodies::{Bodies, Depth};
use crate::store::row::Row;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Key};
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::layout::Focus;
use crate::tui::session::Session;
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug, Default)]
pub struct Extras {
    columns: Vec<Extra>,
    /// Open while the name of a field is typed.
    pub prompt: Option<Prompt>,
}

#[derive(Debug)]
struct Extra {
    title: String,
    subject: Subject,
}

/// More columns leave no room for what happened.
const MOST: usize = 4;

impl Extras {
    /// The columns with these names, without those that no field has.
    pub fn new(names: &[String]) -> Extras {
        let mut extras = Extras::default();
        for name in names {
            let _ = extras.toggle(name);
        }
        extras
    }

    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|it| it.title.clone()).collect()
    }

    pub fn count(&self) -> usize {
        self.columns.len()
    }

    /// The names of the fields, sanitised; the end of a path is the most informative part.
    pub fn titles(&self) -> impl Iterator<Item = String> {
        let end = |title: &str| title.rsplit('.').next().unwrap_or(title).to_uppercase();
        self.columns
            .iter()
            .map(move |extra| text::sanitize(&end(&extra.title)).into_owned())
    }

    /// The values of a row in these columns, sanitised; `None` if not recorded.
    pub fn cells(&self, row: &Row<'_>, bodies: &mut Bodies) -> Vec<Option<String>> {
        if self.columns.is_empty() {
            return Vec::new();
        }
        let body = bodies.open(row, Depth::Glance);
        let value = |extra: &Extra| read::value(&extra.subject, row, &body);
        let clean = |value: String| {
            let head = value
                .get(..value.floor_char_boundary(256))
                .unwrap_or_default();
            text::sanitize(head).into_owned()
        };
        self.columns
            .iter()
            .map(|extra| value(extra).map(clean))
            .collect()
    }

    /// Adds a column, or removes it if it is there; returns what happened, in words.
    fn toggle(&mut self, name: &str) -> Result<String, String> {
        let subject = read::subject(name.trim()).map_err(|error| match error.suggestion {
            Some(meant) => format!("{} · did you mean '{meant}'?", error.message),
            None => error.message,
        })?;
        let title = subject.to_string();
        if let Some(place) = self
            .columns
            .iter()
            .position(|extra| extra.subject == subject)
        {
            self.columns.remove(place);
            return Ok(format!("column {title} removed"));
        }
        if self.columns.len() == MOST {
            return Err(format!(
                "at most {MOST} added columns · | and its name removes one"
            ));
        }
        self.columns.push(Extra {
            title: title.clone(),
            subject,
        });
        Ok(format!("column {title} added · | and its name removes it"))
    }
}

impl Stream {
    /// `|`: in the inspector a column of the value under the cursor, in the list its name is typed.
    pub(super) fn begin_column(&mut self) {
        if self.split.focus == Focus::List {
            self.extras.prompt = Some(Prompt::default());
            return;
        }
        match self.inspector.field() {
            Some(name) => self.toggle_column(&name),
            None => self.say("the filter language has no field for this".to_owned()),
        }
    }

    pub(super) fn type_column(&mut self, key: Key, session: &Session) -> Vec<Effect> {
        let Some(prompt) = &mut self.extras.prompt else {
            return Vec::new();
        };
        match key.code {
            Code::Esc => self.extras.prompt = None,
            Code::Enter => {
                let name = prompt.text().to_owned();
                self.extras.prompt = None;
                if !name.trim().is_empty() {
                    self.toggle_column(&name);
                }
            }
            Code::Tab => {
                let typed = format!("has:{}", prompt.text());
                let found = complete(&typed, typed.len(), &session.loaded.store);
                if let Some(first) = found.first() {
                    *prompt = Prompt::new(&first.text);
                }
            }
            _ => {
                prompt.edit(key);
            }
        }
        Vec::new()
    }

    fn toggle_column(&mut self, name: &str) {
        let (Ok(words) | Err(words)) = self.extras.toggle(name);
        self.say(words);
    }
}
