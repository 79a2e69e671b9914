//! Text search without hiding anything: matches are marked and can be visited.

use crate::base::{human, text};
use crate::model::action::ActionIx;
use crate::query::expr::{self, Expr, Text};
use crate::query::needles::{Needle, needles};
use crate::tui::effects::Effect;
use crate::tui::filtering::{self, Answer, Progress, Scope, Task};
use crate::tui::keys::{Code, Command, Key};
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::jumps::Direction;
use crate::tui::screens::stream::layout::Focus;
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::narrow::Narrow;
use crate::tui::screens::stream::tasks::Find;
use crate::tui::session::{Session, Sought};
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug, Default)]
pub struct Finder {
    /// Open while the text is typed.
    pub prompt: Option<Prompt>,
    /// What was typed, here or as the filter of the runs.
    text: String,
    wanted: Option<Expr>,
    /// Its words that are searched for in texts.
    sought: Vec<Needle>,
    /// Where it was searched: the run or agent that the list is restricted to.
    scope: Option<Scope>,
    /// It was taken over from the runs, and ends with the run.
    pub is_carried: bool,
    /// The insight that the matches are evidence for; `None` in a text search.
    sentence: Option<String>,
    /// Every match in the scope, listed or not, in order.
    pub hits: Vec<ActionIx>,
    /// How many of them are listed, and of which matches and list that was counted.
    listed: (usize, [usize; 2]),
    /// Actions searched so far.
    tested: u32,
    is_running: bool,
    /// The selection when the search began.
    home: Option<ActionIx>,
}

impl Finder {
    pub fn is_active(&self) -> bool {
        self.wanted.is_some() || self.sentence.is_some()
    }

    /// Its texts while it is active, else those of the filter.
    pub fn in_force<'a>(&'a self, of_filter: &'a [Needle]) -> &'a [Needle] {
        if self.is_active() {
            &self.sought
        } else {
            of_filter
        }
    }

    /// Counts the matches that are listed; again only when something changed.
    pub fn count(&mut self, listing: &Listing) {
        let of = [self.hits.len(), listing.len()];
        if self.listed.1 != of {
            let count = match listing {
                Listing::All(_) => self.hits.len(),
                Listing::Kept(rows) => {
                    let is_listed = |ix: &&ActionIx| rows.binary_search(ix).is_ok();
                    self.hits.iter().filter(is_listed).count()
                }
            };
            self.listed = (count, of);
        }
    }

    /// Drops matches before `first`.
    pub fn drop_before(&mut self, first: ActionIx) {
        let gone = self.hits.partition_point(|ix| *ix < first);
        self.hits.drain(..gone);
        self.home = self.home.filter(|ix| *ix >= first);
    }

    /// The search ended without an answer.
    pub fn give_up(&mut self) {
        self.is_running = false;
    }

    pub fn is_hit(&self, ix: ActionIx) -> bool {
        self.hits.binary_search(&ix).is_ok()
    }

    /// Progress and number of matches; the text is sanitised.
    pub fn words(&self, of: u32) -> String {
        if !self.is_active() {
            return String::new();
        }
        if let Some(sentence) = &self.sentence {
            return text::sanitize(sentence).into_owned();
        }
        let count = human::count(self.hits.len() as u64);
        let typed = text::sanitize(&self.text);
        if self.is_running {
            let percent = u64::from(self.tested) * 100 / u64::from(of.max(1));
            return format!("\"{typed}\": {count} so far · searched {percent} %");
        }
        let found = human::counted(self.hits.len() as u64, "action");
        let hidden = self.hits.len().saturating_sub(self.listed.0);
        let hidden = match hidden {
            0 => String::new(),
            hidden => format!(", {} hidden by filter", human::count(hidden as u64)),
        };
        format!("\"{typed}\": {found}{hidden}")
    }
}

impl Stream {
    pub(super) fn begin_find(&mut self) {
        self.finder.home = self.list.anchor;
        self.finder.prompt = Some(Prompt::new(""));
    }

    pub(super) fn type_find(&mut self, key: Key, session: &Session) -> Vec<Effect> {
        let Some(prompt) = &mut self.finder.prompt else {
            return Vec::new();
        };
        match key.code {
            Code::Enter => {
                self.finder.prompt = None;
                self.finder.home = None;
            }
            Code::Esc => {
                let home = self.finder.home;
                self.forget_find();
                if let Some(home) = home {
                    self.list.jump(self.list.listing.seek(home));
                }
            }
            _ => {
                if prompt.edit(key) {
                    let text = prompt.text().to_owned();
                    return self.find(text, session);
                }
            }
        }
        Vec::new()
    }

    pub(super) fn paste_find(&mut self, pasted: &str, session: &Session) -> Vec<Effect> {
        let Some(prompt) = &mut self.finder.prompt else {
            return Vec::new();
        };
        prompt.paste(pasted);
        let text = prompt.text().to_owned();
        self.find(text, session)
    }

    pub(super) fn forget_find(&mut self) {
        self.finder = Finder::default();
    }

    /// The actions that show a sentence: to the first that is listed, then by `n` and `N`. Where the filter
    /// hides all of them, all actions are shown again.
    pub(super) fn go_to_evidence(
        &mut self,
        sentence: String,
        evidence: Vec<ActionIx>,
        session: &Session,
    ) -> Vec<Effect> {
        let listing = &self.list.listing;
        let listed = |ix: &&ActionIx| listing.at(listing.seek(**ix)) == Some(**ix);
        let first = evidence.iter().find(listed).copied();
        let mut effects = Vec::new();
        if first.is_none() {
            let first = evidence.first().copied().unwrap_or_default();
            let is_of_run = self.widest().has_run_of(first, &session.loaded.store);
            self.query.narrow = if is_of_run {
                self.widest()
            } else {
                Narrow::default()
            };
            effects = self.filter_by("", session);
            self.say("filter cleared: it hid the evidence");
        }
        let first = first.or(evidence.first().copied());
        self.finder = Finder {
            sentence: Some(sentence),
            hits: evidence,
            ..Finder::default()
        };
        if let Some(first) = first {
            self.go_to(first, "the evidence");
        }
        effects
    }

    fn find(&mut self, text: String, session: &Session) -> Vec<Effect> {
        let phrase = || {
            Expr::Text(Text {
                find: expr::Find::Phrase(text.clone()),
                scope: None,
            })
        };
        self.finder = Finder {
            prompt: self.finder.prompt.take(),
            home: self.finder.home,
            wanted: (!text.is_empty()).then(phrase),
            sought: vec![Needle::Text(text.clone())],
            text,
            scope: self.query.narrow.scope,
            ..Finder::default()
        };
        self.find_more(session)
    }

    /// Continues a search from the runs: at its first match, with `n` and `N` for the others.
    pub(super) fn carry(&mut self, sought: &Sought, session: &Session) -> Vec<Effect> {
        let Some(expr) = &sought.expr else {
            if self.finder.is_carried {
                self.forget_find();
            }
            return Vec::new();
        };
        self.finder = Finder {
            home: self.list.anchor.filter(|_| !sought.is_at_first),
            sought: needles(expr),
            wanted: Some(expr.clone()),
            text: sought.text.clone(),
            scope: self.query.narrow.scope,
            is_carried: true,
            ..Finder::default()
        };
        self.find_more(session)
    }

    /// Searches again where the list is restricted to something else than before.
    pub(super) fn find_in_scope(&mut self, session: &Session) -> Vec<Effect> {
        if self.finder.wanted.is_none() || self.finder.scope == self.query.narrow.scope {
            return Vec::new();
        }
        let finder = std::mem::take(&mut self.finder);
        self.finder = Finder {
            hits: Vec::new(),
            tested: 0,
            is_running: false,
            scope: self.query.narrow.scope,
            ..finder
        };
        self.find_more(session)
    }

    /// Searches what was not searched yet.
    pub(super) fn find_more(&mut self, session: &Session) -> Vec<Effect> {
        let finder = &mut self.finder;
        let is_behind = finder.tested < session.loaded.store.len();
        if finder.wanted.is_none() || finder.is_running || !is_behind {
            return Vec::new();
        }
        finder.is_running = true;
        vec![Effect::start(Find(Task {
            store: session.loaded.store.clone(),
            filter: finder.wanted.clone(),
            scope: finder.scope,
            tested: finder.tested,
            context: filtering::context(session),
            ..Task::default()
        }))]
    }

    pub(super) fn finding(&mut self, progress: Progress) {
        if self.finder.is_running {
            self.finder.tested = progress.tested;
            self.finder.hits.extend(progress.found);
            self.go_to_first_hit();
        }
    }

    pub(super) fn found(&mut self, answer: Answer, session: &Session) -> Vec<Effect> {
        let finder = &mut self.finder;
        if finder.wanted.is_none() {
            return Vec::new();
        }
        finder.is_running = false;
        finder.tested = answer.tested.end;
        if answer.tested.start == 0 {
            finder.hits = answer.rows;
        } else {
            finder.hits.extend(answer.rows);
        }
        self.go_to_first_hit();
        if self.finder.is_carried {
            self.finder.home = None;
        }
        self.find_more(session)
    }

    /// While the text is typed: to the first match from where the search began.
    fn go_to_first_hit(&mut self) {
        let Some(home) = self.finder.home else { return };
        let listed = |ix: &&ActionIx| {
            let position = self.list.listing.seek(**ix);
            self.list.listing.at(position) == Some(**ix)
        };
        let after = self.finder.hits.partition_point(|ix| *ix < home);
        let (before, after) = self.finder.hits.split_at(after);
        let found = after.iter().chain(before).find(listed).copied();
        self.list
            .jump(self.list.listing.seek(found.unwrap_or(home)));
    }

    /// `n` and `N`: in the list the next action with the text, in the inspector the next line with it.
    pub(super) fn next_hit(&mut self, command: Command, session: &mut Session) {
        self.query.answers.home = None;
        if !self.finder.is_active() {
            self.say("no search · ctrl-f finds text".to_owned());
            return;
        }
        let direction = if command == Command::NextHit {
            Direction::Forward
        } else {
            Direction::Backward
        };
        if self.split.focus == Focus::List || self.finder.sentence.is_some() {
            self.select(command, session);
        } else if !self.inspector.find(&self.finder.sought, direction) {
            self.say("no match in this tab".to_owned());
        }
    }
}
