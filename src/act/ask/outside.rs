//! Brings the questions of all of this user's agents to the explorer, and the answers back.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::act::ask::approver::Approver;
use crate::act::ask::mailbox::Mailbox;
use crate::act::ask::{Ask, me};
use crate::act::events::{Answer, ApprovalRequest, Event, Outside};
use crate::act::places::Places;
use crate::base::clock::{Clock, System};

/// How often the folders are polled: directories with a few files.
const OFTEN: Duration = Duration::from_millis(200);
/// Old files are removed once in this many polls.
const CLEANING: u32 = 300;
const SELDOM: Duration = Duration::from_secs(1);

/// Polls for questions and announces an approver, until the explorer ends.
pub fn start(places: Places) -> Outside {
    let (to_screen, events) = unbounded();
    let (answers, from_screen) = unbounded();
    let started = thread::Builder::new().name("asks".to_owned());
    let started = started.spawn(move || {
        if await_use(&places, &from_screen) {
            Watch::new(&places).run(&to_screen, &from_screen);
        }
    });
    match started {
        Ok(_) => Outside { events, answers },
        Err(_) => Outside::default(),
    }
}

/// Waits until there is a sign of a hook or wrapper, without which no question can come. False when the explorer ends.
fn await_use(places: &Places, answers: &Receiver<Answer>) -> bool {
    loop {
        let meeting = places.meeting();
        let mut signs = meeting
            .into_iter()
            .chain([places.live(), places.installs()]);
        if signs.any(|path| path.exists()) {
            return true;
        }
        match answers.recv_timeout(SELDOM) {
            Err(RecvTimeoutError::Disconnected) => return false,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

struct Watch {
    /// Held while the explorer runs.
    _approver: Approver,
    mailboxes: Vec<Mailbox>,
    known: Vec<Arc<Ask>>,
    reported: Vec<ApprovalRequest>,
}

impl Watch {
    fn new(places: &Places) -> Watch {
        Watch {
            _approver: Approver::new(places),
            mailboxes: Mailbox::all(places),
            known: Vec::new(),
            reported: Vec::new(),
        }
    }

    fn run(mut self, screen: &Sender<Event>, answers: &Receiver<Answer>) {
        let mut looks: u32 = 0;
        loop {
            if looks.is_multiple_of(CLEANING) {
                let now = SystemTime::now();
                self.mailboxes.iter().for_each(|it| it.clean(now));
            }
            looks = looks.wrapping_add(1);
            let found = self.look();
            if found != self.reported {
                self.reported.clone_from(&found);
                if screen.send(Event::Asks(found)).is_err() {
                    return;
                }
            }
            match answers.recv_timeout(OFTEN) {
                Ok(answer) => {
                    let event = self.answer(&answer);
                    if screen.send(event).is_err() {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Questions do not change, so known ones are not reread.
    fn look(&mut self) -> Vec<ApprovalRequest> {
        let now = System.now();
        let mut all = Vec::new();
        for mailbox in &self.mailboxes {
            for id in mailbox.ids() {
                let known = self.known.iter().find(|it| it.id == id).cloned();
                let Some(ask) = known.or_else(|| mailbox.read(&id).map(Arc::new)) else {
                    continue;
                };
                let standing = mailbox.standing(&ask, now);
                all.push(ApprovalRequest { ask, standing });
            }
        }
        all.sort_by(|a, b| (&a.ask.asked_at, &a.ask.id).cmp(&(&b.ask.asked_at, &b.ask.id)));
        self.known = all.iter().map(|it| Arc::clone(&it.ask)).collect();
        all
    }

    fn answer(&self, answer: &Answer) -> Event {
        let now = System.now();
        let mut mailboxes = self.mailboxes.iter();
        let found = mailboxes.find_map(|it| Some((it, it.read(&answer.id)?)));
        let outcome = match found {
            Some((mailbox, ask)) => {
                let answered = ask.answer(answer.state, &me("tui"), &answer.reason, now);
                let done = mailbox.answer(&ask, &answered, now);
                done.map(|()| answer.state).map_err(|lost| lost.to_string())
            }
            None => Err("the agent is no longer waiting".to_owned()),
        };
        Event::Answered {
            id: answer.id.clone(),
            outcome,
        }
    }
}
