//! What the lines around the list say: where we are, how much there is, how far loading got.

use crate::base::{human, text};
use crate::model::run::CostSource;
use crate::tui::keys::Command;
use crate::tui::screens::outcome;
use crate::tui::screens::stream::chords::Typing;
use crate::tui::screens::stream::kept::{self, Part};
use crate::tui::screens::stream::layout::Focus;
use crate::tui::screens::stream::layout::Panes;
use crate::tui::screens::stream::{Stream, what_if};
use crate::tui::session::{Loading, Opened, Session};
use crate::tui::widgets::tone::Tone;

/// Sanitised texts for the lines that are not rows.
#[derive(Debug, Default)]
pub struct Words {
    /// The parts of the way to the selected action.
    pub crumbs: Vec<String>,
    /// How much there is.
    pub amount: String,
    /// What the filter keeps and hides, or what the overlaid policy changes.
    pub kept: Vec<Part>,
    /// How much is listed: `121 of 1,319`.
    pub counted: String,
    /// The overlaid policy.
    pub what_if: String,
    pub position: String,
    /// Totals of the run of the selected action: cost, blocks, errors, retries.
    pub totals: Totals,
    /// The most important sentence about the data.
    pub noticed: Option<(Tone, String)>,
    /// The search and its progress.
    pub found: String,
    /// What a second key would do.
    pub choices: Vec<(char, String)>,
    /// The selected action in one line, if the inspector is not shown.
    pub peek: String,
    /// The message shown instead of rows.
    pub empty: Vec<String>,
}

impl Words {
    pub fn new(stream: &Stream, session: &Session) -> Words {
        let store = &session.loaded.store;
        Words {
            crumbs: crumbs(stream, session),
            amount: amount(stream, session),
            kept: kept::parts(stream, &session.loaded),
            counted: kept::counted(stream, store),
            what_if: what_if_name(stream, session),
            position: position(stream, session),
            choices: match stream.input.typing {
                Typing::Chord(chord) => stream.choices(chord, session),
                Typing::Nothing => Vec::new(),
            },
            noticed: stream.noticed.first(&session.keymap, |ix| {
                stream.query.narrow.has_run_of(ix, store)
            }),
            found: stream.finder.words(store.len()),
            totals: totals(stream, session),
            peek: peek(stream),
            empty: empty(stream, session),
        }
    }
}

/// The totals of the run of the selected action.
#[derive(Debug, Default)]
pub struct Totals {
    pub cost: Option<String>,
    /// Of a run that is followed: how fast it goes, how full its context is.
    pub pace: Vec<String>,
    pub blocks: u32,
    pub errors: u32,
    pub retries: u32,
}

fn totals(stream: &Stream, session: &Session) -> Totals {
    let Some(row) = stream.selected(session) else {
        return Totals::default();
    };
    let (run, totals) = (row.run(), row.run().totals);
    let (ix, now) = (row.run_ix(), session.clock.now());
    let is_estimate = run
        .cost()
        .is_some_and(|(_, source)| source != CostSource::Recorded);
    let mut pace = Vec::new();
    if session.trace.live {
        let pulse = &session.trace.pulse;
        let rate = pulse.rate(ix);
        pace.extend(rate.map(|rate| outcome::pace(rate, is_estimate, now)));
        let context = pulse.context(row.store, ix);
        let context = context.map(|percent| format!("ctx ≈{percent} %"));
        pace.push(context.into_iter().collect());
    }
    Totals {
        cost: outcome::cost(run.cost()),
        pace: pace.concat(),
        blocks: totals.blocked + totals.denied,
        errors: totals.errors,
        retries: totals.retries,
    }
}

/// Ids of the usual sorts are shown whole.
const LONGEST_ID: usize = 40;
/// In a header, the beginning of a title is enough.
const LONGEST_TITLE: usize = 32;

fn opened<'a>(stream: &Stream, session: &'a Session) -> &'a Opened {
    stream
        .end
        .as_ref()
        .and(session.trace.end.as_ref())
        .unwrap_or(&session.loaded)
}

fn crumbs(stream: &Stream, session: &Session) -> Vec<String> {
    let store = &opened(stream, session).store;
    let file = session
        .trace
        .title
        .rsplit('/')
        .find(|part| !part.is_empty());
    let mut crumbs = vec![text::cut(file.unwrap_or_default(), 28).into_owned()];
    let selected = stream
        .subject()
        .filter(|subject| subject.ix.0 < store.len());
    if let Some(row) = selected.map(|subject| store.row(subject.ix)) {
        let run = row.run();
        let agent = store.symbols().name(run.who.agent);
        crumbs.push(text::cut(&text::sanitize(agent), 24).into_owned());
        let mut name = if stream.title.words.is_empty() {
            let id = text::sanitize(&run.id);
            format!("run {}", text::cut(&id, LONGEST_ID))
        } else {
            text::cut(&stream.title.words, LONGEST_TITLE).into_owned()
        };
        if session.trace.live && stream.end.is_none() {
            let life = outcome::plain(session.life(row.run_ix()));
            if !life.is_empty() {
                name = format!("{life} · {name}");
            }
        }
        crumbs.push(name);
    }
    crumbs.retain(|crumb| !crumb.is_empty());
    crumbs
}

fn actions(count: usize) -> String {
    format!(
        "{} action{}",
        human::count(count as u64),
        if count == 1 { "" } else { "s" }
    )
}

/// `48,201 actions in 3 runs · Wed 2026-02-11`, the day of the selected action; of what is followed instead
/// what all of it comes to, and how fast it goes.
fn amount(stream: &Stream, session: &Session) -> String {
    let store = &session.loaded.store;
    let mut actions = actions((store.len() - store.first()) as usize);
    let runs = store.runs().len();
    if let Some(run) = stream.query.narrow.run().filter(|_| runs > 1) {
        let own = store.run(run).totals.actions as usize;
        actions = format!(
            "{} · 1 of {} runs",
            self::actions(own),
            human::count(runs as u64)
        );
    } else if runs > 1 {
        actions = format!("{actions} in {} runs", human::count(runs as u64));
    }
    let mut parts = vec![actions];
    let selected = stream.selected(session).filter(|_| !session.trace.live);
    let time = selected.and_then(|row| row.time().get());
    parts.extend(time.map(|time| human::date(time, &session.zone)));
    if session.trace.live && runs > 1 {
        parts.extend(outcome::pace_of_all(session));
        parts.extend(outcome::cost(session.trace.pulse.spent()));
    }
    parts.join(" · ")
}

fn what_if_name(stream: &Stream, session: &Session) -> String {
    if stream.what_if.is_judging && session.loaded.overlay.is_none() {
        return "what-if: judging…".to_owned();
    }
    let name = what_if::header(&session.loaded).map(|(name, _)| name);
    name.unwrap_or_default()
}

fn position(stream: &Stream, session: &Session) -> String {
    if stream.end.is_some() {
        return format!("end of file · {}", session.loading_words());
    }
    let (at, len) = (
        stream.list.view.cursor as u64 + 1,
        stream.list.listing.len() as u64,
    );
    if len == 0 {
        return "0 / 0".to_owned();
    }
    if session.trace.live {
        let list = &stream.list;
        let pace = outcome::pace(
            session.trace.pulse.rate_of_all(),
            false,
            session.clock.now(),
        );
        let state = match (list.holds_end, list.missed.words()) {
            _ if session.trace.pulse.is_over() => "ended".to_owned(),
            (true, _) => ["following".to_owned()]
                .into_iter()
                .chain(pace.into_iter().take(1))
                .collect::<Vec<_>>()
                .join(" · "),
            (false, missed) if missed.is_empty() => "not following".to_owned(),
            (false, missed) => missed,
        };
        return format!("{state} · {} / {}", human::count(at), human::count(len));
    }
    format!(
        "{} / {} · {} %",
        human::count(at),
        human::count(len),
        at * 100 / len
    )
}

fn peek(stream: &Stream) -> String {
    let mut rows = stream.frame.rows.iter();
    let Some(placed) = rows.find(|placed| placed.is_selected) else {
        return String::new();
    };
    let row = &placed.text;
    let number = row
        .number
        .map_or_else(|| "—".to_owned(), |number| number.to_string());
    let below = placed.overlaid.what_if.iter().chain(&row.below);
    let below: Vec<&str> = below.map(|sub| sub.text.as_str()).collect();
    let mut parts = vec![number, row.text.clone()];
    parts.splice(1..1, below.into_iter().map(str::to_owned));
    parts.join(" · ")
}

fn empty(stream: &Stream, session: &Session) -> Vec<String> {
    if !stream.list.listing.is_empty()
        || stream.end.is_some()
        || stream.split.panes == Panes::Inspector
    {
        return Vec::new();
    }
    debug_assert!(stream.split.focus == Focus::List || stream.split.panes == Panes::Auto);
    let mut lines = match (session.trace.loading, session.loaded.store.is_empty()) {
        (Loading::Reading { .. }, _) => vec![session.loading_words()],
        (Loading::Done | Loading::Stopped { .. }, true) => {
            vec![
                "no actions in the open traces".to_owned(),
                ways(&[(Command::Files, "opens another one")], session),
            ]
        }
        (Loading::Done | Loading::Stopped { .. }, false) if stream.query.answers.is_running => {
            vec!["searching…".to_owned()]
        }
        (Loading::Done | Loading::Stopped { .. }, false) => nothing_kept(stream, session),
    };
    lines.extend(session.errors().map(str::to_owned));
    lines
}

/// What hides all actions, what to try instead, and the keys for it.
fn nothing_kept(stream: &Stream, session: &Session) -> Vec<String> {
    let narrow = &stream.query.narrow;
    let changes = (Command::Filter, "changes the filter");
    let (what, out) = match (&stream.query.bar.parsed, narrow.trouble, narrow.marked) {
        (Some(_), _, _) => (
            "no actions match this filter",
            vec![changes, (Command::Cancel, "clears it")],
        ),
        (None, true, _) => (
            "no trouble here: no errors, blocks, asks, retries or malformed lines",
            vec![(Command::OnlyTrouble, "shows all actions again")],
        ),
        (None, false, true) => (
            "no marked actions here",
            vec![(Command::OnlyMarked, "shows all actions again")],
        ),
        (None, false, false) => (
            "no actions of this run are recorded",
            vec![(Command::Back, "goes back to the runs")],
        ),
    };
    let hint = stream.query.answers.hint.as_ref();
    let mut lines = vec![what.to_owned()];
    lines.extend(hint.map(|hint| text::sanitize(hint).into_owned()));
    lines.push(ways(&out, session));
    lines
}

/// `/ changes the filter · esc clears it`: what to try, with its keys. A command without a key is left out.
fn ways(out: &[(Command, &str)], session: &Session) -> String {
    let ways = out.iter().filter_map(|(command, does)| {
        let key = session.keymap.key(*command)?;
        Some(format!("{key} {does}"))
    });
    ways.collect::<Vec<_>>().join(" · ")
}
