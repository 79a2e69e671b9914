//! The item under the cursor: its value, what to copy of it, and its name in a filter.

use std::borrow::Cow;

use serde_json::Value;

use crate::query::expr::Expr;
use crate::tui::screens::stream::inspector::{Inspector, Tab};
use crate::tui::screens::stream::terms;
use crate::tui::widgets::outline::{Form, Outline, Step, json};

impl Inspector {
    /// The row under the cursor.
    fn under(&self) -> Option<(&Outline, usize)> {
        let outline = self.document.as_ref()?.tab(self.tab)?;
        let reading = self.readings[self.tab as usize].as_ref()?;
        Some((outline, reading.folds.at(reading.view.cursor)?))
    }

    /// The value under the cursor, and the way to it.
    fn value(&self) -> Option<(Vec<Step>, Cow<'_, Value>)> {
        let (outline, row) = self.under()?;
        let body = &self.document.as_ref()?.body;
        let whole = match self.tab {
            Tab::Args => body.args.as_ref(),
            Tab::Result => body.result.as_ref(),
            Tab::Raw => body.record.as_ref(),
            Tab::Text | Tab::Policy => None,
        };
        let steps = outline.path(row)?;
        let value = descend(whole?, &steps)?;
        Some((steps, value))
    }

    /// A term of a filter that keeps actions with the value under the cursor.
    pub fn term(&self) -> Result<Expr, &'static str> {
        if let Some((steps, value)) = self.value() {
            return terms::of_value(self.tab, &steps, &value);
        }
        let under = self.under().filter(|_| self.tab == Tab::Text);
        let (outline, row) = under.ok_or("the filter language has no field for this")?;
        terms::of_words(outline.text(row))
    }

    /// The name that the filter language has for the value under the cursor.
    pub fn field(&self) -> Option<String> {
        let (steps, _) = self.value()?;
        terms::subject(self.tab, &steps).map(|subject| subject.to_string())
    }

    /// What is copied of the row under the cursor: `v`alue, `k`ey, `p`ath or `j`SON, raw.
    pub fn yank(&self, what: char) -> Result<String, String> {
        let (outline, row) = self.under().ok_or("nothing is selected")?;
        let value = self.value().map(|(_, value)| value);
        match (what, value.as_deref()) {
            ('k', _) => Some(outline.key(row).to_owned())
                .filter(|key| !key.is_empty())
                .ok_or_else(|| "this row has no key".to_owned()),
            ('p', _) => outline
                .path_words(row)
                .ok_or_else(|| "this row has no path".to_owned()),
            ('v', Some(Value::String(text))) => Ok(text.clone()),
            ('v', None) => Ok(self
                .text()
                .filter(|_| is_prose(outline, row))
                .unwrap_or_else(|| outline.whole_text(row))),
            (_, Some(value)) => {
                serde_json::to_string_pretty(value).map_err(|error| error.to_string())
            }
            (_, None) => Err("this row is not JSON".to_owned()),
        }
    }

    /// The message, if the tab shows one.
    fn text(&self) -> Option<String> {
        let body = &self.document.as_ref()?.body;
        body.text.clone().filter(|_| self.tab == Tab::Text)
    }
}

/// A line of a text outside any block.
fn is_prose(outline: &Outline, row: usize) -> bool {
    outline.row(row).form == Form::Line && outline.row(row).depth == 0
}

/// The value at the end of a path, which may lead through JSON in strings.
fn descend<'a>(value: &'a Value, steps: &[Step]) -> Option<Cow<'a, Value>> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(Cow::Borrowed(value));
    };
    match (value, step) {
        (Value::String(text), _) => {
            let inner = json::nested(text)?;
            descend(&inner, steps).map(|found| Cow::Owned(found.into_owned()))
        }
        (_, Step::Key(key)) => descend(value.get(key)?, rest),
        (_, Step::Item(number)) => descend(value.get(*number)?, rest),
    }
}
