//! Keys that wait for a second key: what to copy, what to filter by, where to scroll.

use crate::act::viewer::Viewer;
use crate::analysis::naming;
use crate::base::text;
use crate::export::redact::{Masked, Reason};
use crate::export::{markdown, readable};
use crate::query::expr::Expr;
use crate::store::bodies::Depth;
use crate::store::row::Row;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Key};
use crate::tui::screens::export;
use crate::tui::screens::stream::inspector::Subject;
use crate::tui::screens::stream::layout::Focus;
use crate::tui::screens::stream::tasks::MakeCurl;
use crate::tui::screens::stream::{Stream, rows, terms};
use crate::tui::session::{Opened, Session};

/// The first of two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chord {
    Yank,
    /// Keep what is like the selected row.
    Keep,
    /// Drop what is like the selected row.
    Drop,
    Scroll,
    /// Any letter.
    Mark,
    GoToMark,
}

/// What was typed and waits for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typing {
    #[default]
    Nothing,
    Chord(Chord),
}

const YANKS: &[(char, &str)] = &[
    ('v', "value"),
    ('k', "key"),
    ('p', "path"),
    ('j', "JSON"),
    ('s', "the whole step"),
    ('m', "the step as Markdown"),
    ('u', "the address"),
    ('c', "curl of the request"),
];
const SCROLLS: &[(char, &str)] = &[('z', "centre"), ('t', "to the top"), ('b', "to the bottom")];

impl Stream {
    /// The second keys that are possible now, in words.
    pub(super) fn choices(&self, chord: Chord, session: &Session) -> Vec<(char, String)> {
        let named = |all: &[(char, &str)]| {
            all.iter()
                .map(|(key, words)| (*key, (*words).to_owned()))
                .collect()
        };
        match chord {
            Chord::Yank => named(YANKS),
            Chord::Scroll => named(SCROLLS),
            Chord::Mark => vec![('a', "to z: mark".to_owned())],
            Chord::GoToMark => Stream::marked(session),
            Chord::Keep | Chord::Drop => {
                let terms = self
                    .selected(session)
                    .map(|row| terms::of_row(&row))
                    .unwrap_or_default();
                let words = |(key, term): (char, Expr)| {
                    (key, text::sanitize(&term.to_string()).into_owned())
                };
                terms.into_iter().map(words).collect()
            }
        }
    }

    /// The second key.
    pub(super) fn second(&mut self, chord: Chord, key: Key, session: &mut Session) -> Vec<Effect> {
        let key = match key.code {
            Code::Esc => return Vec::new(),
            Code::Enter => self.choices(chord, session).first().map(|(key, _)| *key),
            _ => key.char(),
        };
        let Some(key) = key else { return Vec::new() };
        match chord {
            Chord::Yank => self.yank(key, session),
            Chord::Scroll => {
                self.scroll_to(key, session);
                Vec::new()
            }
            Chord::Mark => self.mark(key, session),
            Chord::GoToMark => {
                self.go_to_mark(key, session);
                Vec::new()
            }
            Chord::Keep | Chord::Drop => {
                let terms = self
                    .selected(session)
                    .map(|row| terms::of_row(&row))
                    .unwrap_or_default();
                match terms.into_iter().find(|(term, _)| *term == key) {
                    Some((_, term)) => self.add_term(term, chord == Chord::Keep, session),
                    None => self.no_such(key),
                }
            }
        }
    }

    fn no_such(&mut self, key: char) -> Vec<Effect> {
        self.say(format!("'{key}' does nothing here"));
        Vec::new()
    }

    /// `=` and `-`: in the inspector the value under the cursor, in the list a second key says what.
    pub(super) fn begin_term(&mut self, chord: Chord, session: &mut Session) -> Vec<Effect> {
        if self.split.focus == Focus::List {
            self.input.typing = Typing::Chord(chord);
            return Vec::new();
        }
        match self.inspector.term() {
            Ok(term) => self.add_term(term, chord == Chord::Keep, session),
            Err(why) => {
                self.say(why.to_owned());
                Vec::new()
            }
        }
    }

    fn add_term(&mut self, term: Expr, keeps: bool, session: &mut Session) -> Vec<Effect> {
        if self.query.bar.problem.is_some() {
            self.say("fix the filter first".to_owned());
            return Vec::new();
        }
        let text = terms::add(
            &self.query.bar.text,
            self.query.bar.parsed.as_ref(),
            term,
            keeps,
        );
        self.filter_by(&text, session)
    }

    fn yank(&mut self, key: char, session: &mut Session) -> Vec<Effect> {
        let Some((_, what)) = YANKS.iter().find(|(known, _)| *known == key) else {
            return self.no_such(key);
        };
        if key == 'c' {
            return self.ask_curl(session);
        }
        let copied = self.copied(key, session);
        self.copy(what, copied)
    }

    /// Puts a text into the clipboard, or says why not.
    pub(super) fn copy(
        &mut self,
        what: &str,
        copied: Result<Masked<String>, String>,
    ) -> Vec<Effect> {
        match copied {
            Err(why) => {
                self.say(why);
                Vec::new()
            }
            Ok(copied) => {
                let (words, effect) = export::copy(what, copied);
                self.say(words);
                effect.into_iter().collect()
            }
        }
    }

    /// The whole action in another program.
    pub(super) fn view_in(&mut self, with: Viewer, session: &Session) -> Vec<Effect> {
        let row = self.selected(session);
        let text = row.map(|row| readable::text(&row, &session.zone));
        let text = text.map(|text| Masked::as_recorded(text, Reason::ForTheUsersEyes));
        text.map(|text| Effect::View { text, with })
            .into_iter()
            .collect()
    }

    /// Raw trace content without its secrets: it goes to the terminal as base64 only.
    fn copied(&self, key: char, session: &mut Session) -> Result<Masked<String>, String> {
        let in_inspector = self.split.focus == Focus::Inspector;
        if in_inspector && !matches!(key, 's' | 'm' | 'u') {
            let value = self.inspector.yank(key)?;
            if matches!(key, 'k' | 'p') {
                return Ok(Masked::from(value));
            }
            // The name of a value may say that it is a secret.
            let name = self.inspector.yank('k').unwrap_or_default();
            return Ok(Masked::named(&name, &value));
        }
        let zone = session.zone.clone();
        let Some((subject, opened)) = self.opened(session) else {
            return Err("nothing is selected".to_owned());
        };
        let row = opened.store.row(subject.ix);
        let text = match key {
            'm' => markdown::step(&row, &opened.bodies.open(&row, Depth::Full), &zone),
            'u' if subject.is_end => {
                return Err("still indexing: the number of this action is not known yet".to_owned());
            }
            'u' => naming::address(&row),
            's' => readable::text(&row, &zone),
            'v' => {
                let body = opened.bodies.open(&row, Depth::Glance);
                rows::summary(&row, &body)
            }
            'k' if row.tool().is_empty() => row.kind().word().to_owned(),
            'k' => row.tool().to_owned(),
            'p' => {
                let spot = row.spot();
                format!("{}:{}", spot.path.display(), spot.line)
            }
            _ => {
                let body = opened.bodies.open(&row, Depth::Full);
                let record = body.record.as_ref().ok_or("this record is not JSON")?;
                serde_json::to_string_pretty(record).map_err(|error| error.to_string())?
            }
        };
        Ok(Masked::from(text))
    }

    /// The request of the model call that the action belongs to is put together in the background.
    fn ask_curl(&mut self, session: &Session) -> Vec<Effect> {
        let Some(row) = self.selected(session).filter(|_| self.end.is_none()) else {
            self.say_while_reading("still indexing: the request is not known yet".to_owned());
            return Vec::new();
        };
        vec![Effect::start(MakeCurl {
            store: session.loaded.store.clone(),
            ix: row.ix(),
        })]
    }

    fn opened<'a>(&self, session: &'a mut Session) -> Option<(Subject, &'a mut Opened)> {
        let subject = self.subject()?;
        let opened = if subject.is_end {
            session.trace.end.as_mut()?
        } else {
            &mut session.loaded
        };
        (subject.ix.0 < opened.store.len()).then_some((subject, opened))
    }

    /// The selected row.
    pub(super) fn selected<'a>(&self, session: &'a Session) -> Option<Row<'a>> {
        let subject = self.subject()?;
        let opened = if subject.is_end {
            session.trace.end.as_ref()?
        } else {
            &session.loaded
        };
        (subject.ix.0 < opened.store.len()).then(|| opened.store.row(subject.ix))
    }
}
