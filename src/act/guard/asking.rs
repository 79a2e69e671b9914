//! Asks a person, and decides the call if no answer comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::act::ask::mailbox::Mailbox;
use crate::act::ask::wait::{Ended, wait};
use crate::act::ask::{self, Ask, State, VERSION, approver};
use crate::act::guard::host::HostAnswer;
use crate::act::guard::record::{self, Trace};
use crate::act::guard::rules::{Decided, Rules};
use crate::act::guard::run_state::Held;
use crate::act::guard::{Answer, Deciding, Guard, blocked_by};
use crate::analysis::policy::native::NoApprover;
use crate::base::clock::{Clock, System};
use crate::base::human;

/// The guard answers this many seconds before its host stops waiting.
const BEFORE_HOST: u64 = 15;

impl Guard {
    /// A call that a person has to decide.
    pub(super) fn ask(&self, mut deciding: Deciding<'_>, decided: &Decided) -> Answer {
        let policy = deciding.rules.options.no_approver;
        if !approver::is_there(&self.places) && policy != NoApprover::Wait {
            return self.without_approver(&mut deciding, decided, policy);
        }
        let question = match self.question(deciding.call, deciding.path, decided, &deciding.rules) {
            Ok(question) => question,
            Err(error) => {
                let why = format!("{} (cannot ask for approval: {error})", blocked_by(decided));
                self.stop(&mut deciding, "blocked", &why);
                return HostAnswer::Deny(why).into();
            }
        };
        let reply = Guard::wait_for(&question, &mut deciding.trace);
        match reply {
            Reply::Approved(why) => {
                self.remember_approval(deciding.hash);
                self.recorded(&deciding, HostAnswer::Allow(why))
            }
            Reply::Denied { why, is_cut } => {
                self.stop(&mut deciding, "denied", &why);
                Answer {
                    say: HostAnswer::Deny(why),
                    is_cut,
                }
            }
        }
    }

    /// No lock in `approver/` is held.
    fn without_approver(
        &self,
        deciding: &mut Deciding<'_>,
        decided: &Decided,
        policy: NoApprover,
    ) -> Answer {
        let is_there = !self.hook.is_headless;
        let why = if decided.reason.is_empty() {
            "the policy requires approval".to_owned()
        } else {
            decided.reason.clone()
        };
        match policy {
            NoApprover::Defer if self.host.can_defer && self.hook.is_headless => {
                self.recorded(deciding, HostAnswer::Defer(why))
            }
            NoApprover::Host | NoApprover::Defer if self.host.can_ask && is_there => {
                self.recorded(deciding, HostAnswer::Ask(why))
            }
            NoApprover::Host | NoApprover::Defer | NoApprover::Deny | NoApprover::Wait => {
                let why = format!(
                    "{} (needs approval, but no approver is available)",
                    blocked_by(decided)
                );
                self.stop(deciding, "blocked", &why);
                HostAnswer::Deny(why).into()
            }
        }
    }

    /// The host is about to ask its own user.
    pub(super) fn permission(&self, mut held: Held, mut trace: Trace) -> Answer {
        let hook = &self.hook;
        let hash = super::hash(&hook.tool, &hook.args);
        let call = held
            .state
            .find(hook.call.as_deref(), &hash)
            .unwrap_or_default();
        let approved = held.state.approved.iter().position(|known| *known == hash);
        if let Some(at) = approved {
            held.state.approved.remove(at);
        }
        let path = held.state.trace.clone();
        let answer = self.say_nothing(&mut held, &trace);
        drop(held);
        if self.is_observing {
            return answer;
        }
        if approved.is_some() {
            return HostAnswer::Allow("approved in saferun-tui".to_owned()).into();
        }
        let rules = Rules::load(&self.places, hook.cwd.as_deref());
        let is_prompt = rules.options.host_prompts && self.host.asks_after_event;
        if !is_prompt || !approver::is_there(&self.places) {
            return answer;
        }
        let asks = Decided {
            effect: crate::analysis::policy::Effect::Ask,
            policy: "host".to_owned(),
            rule: None,
            reason: format!("{} asks for permission", self.host.name),
            matched: Vec::new(),
        };
        let Ok(question) = self.question(&call, &path, &asks, &rules) else {
            return answer;
        };
        match Guard::wait_for(&question, &mut trace) {
            Reply::Approved(why) => HostAnswer::Allow(why).into(),
            Reply::Denied { why, is_cut } => {
                let mut deciding = Deciding {
                    trace,
                    rules,
                    call: &call,
                    hash: &hash,
                    path: &path,
                };
                self.stop(&mut deciding, "denied", &why);
                Answer {
                    say: HostAnswer::Deny(why),
                    is_cut,
                }
            }
        }
    }

    fn question(
        &self,
        call: &str,
        path: &str,
        decided: &Decided,
        rules: &Rules,
    ) -> std::io::Result<Question> {
        let hook = &self.hook;
        let mailbox = Mailbox::usable(&self.places)?;
        let most = self.host.patience.saturating_sub(BEFORE_HOST);
        let patience = rules.options.wait.min(Duration::from_secs(most));
        let about = About {
            host: self.host.name.to_owned(),
            run: self.run(),
            call,
            tool: &hook.tool,
            args: &hook.args,
        };
        let ask = Ask {
            cwd: hook.cwd.clone(),
            agent: hook.agent.clone(),
            trace: Some(path.to_owned()),
            headless: hook.is_headless,
            ..ask_about(about, decided, patience)?
        };
        mailbox.put(&ask)?;
        Ok(Question {
            mailbox,
            ask,
            patience,
        })
    }

    /// Waits for the answer, and records it.
    fn wait_for(question: &Question, trace: &mut Trace) -> Reply {
        let ask = &question.ask;
        let call = ask.call_id.as_str();
        trace.tell("approval", record::requested(call, &ask.args, &ask.reason));
        let is_over = termination_flag();
        let began = Instant::now();
        let ended = wait(&question.mailbox, ask, question.patience, &|| {
            is_over.load(Ordering::Relaxed)
        });
        question.mailbox.withdraw(ask);
        let waited = began.elapsed();
        let mut answered = |state: &str, by: Option<&str>, reason: &str| {
            trace.tell(
                "approval",
                record::replied(call, (state, by, reason), waited),
            );
        };
        match ended {
            Ended::Answered(answer) => {
                let (state, by) = (answer.state.word(), &answer.by);
                answered(state, Some(by.as_str()), &answer.reason);
                let why = if answer.reason.is_empty() {
                    format!("{state} by {by}")
                } else {
                    format!("{state} by {by}: {}", answer.reason)
                };
                match answer.state {
                    State::Approved => Reply::Approved(why),
                    State::Denied => Reply::Denied { why, is_cut: false },
                }
            }
            Ended::Expired => {
                let after = i64::try_from(waited.as_micros()).unwrap_or(i64::MAX);
                let after = human::span(after);
                let why = format!("no answer within {after}");
                answered("expired", None, &why);
                Reply::Denied { why, is_cut: false }
            }
            Ended::Withdrawn => {
                let why = "the hook was terminated before an answer came";
                answered("expired", None, why);
                Reply::Denied {
                    why: why.to_owned(),
                    is_cut: true,
                }
            }
        }
    }

    /// Remembers an approval: the host may ask its own user about the same call next.
    fn remember_approval(&self, hash: &str) {
        let kept = Held::of(&self.places, &self.run()).and_then(|mut held| {
            held.state.approved.push(hash.to_owned());
            held.save()
        });
        if let Err(error) = kept {
            self.log(&error.to_string());
        }
    }
}

/// A call that needs approval.
pub(super) struct About<'a> {
    pub(super) host: String,
    pub(super) run: String,
    pub(super) call: &'a str,
    pub(super) tool: &'a str,
    pub(super) args: &'a Value,
}

/// The question about a call, valid for `patience` from now.
pub(super) fn ask_about(
    about: About<'_>,
    decided: &Decided,
    patience: Duration,
) -> std::io::Result<Ask> {
    let now = System.now();
    let until = now.saturating_add(i64::try_from(patience.as_micros()).unwrap_or(i64::MAX));
    Ok(Ask {
        v: VERSION,
        id: format!("a-{now:x}-{}", ask::random(3)?),
        nonce: ask::random(16)?,
        host: about.host,
        run_id: about.run,
        call_id: about.call.to_owned(),
        tool: about.tool.to_owned(),
        args: about.args.clone(),
        args_sha256: ask::hash(about.args),
        cwd: None,
        agent: None,
        policy: decided.policy.clone(),
        rule: decided.rule.clone(),
        reason: decided.reason.clone(),
        matched: decided.matched.clone(),
        asked_at: human::rfc3339(now),
        deadline: human::rfc3339(until),
        pid: std::process::id(),
        trace: None,
        headless: false,
    })
}

struct Question {
    mailbox: Mailbox,
    ask: Ask,
    patience: Duration,
}

/// The outcome, decided by a person or by the lack of one, and why.
enum Reply {
    Approved(String),
    /// `is_cut`: the guard was terminated before it was decided.
    Denied {
        why: String,
        is_cut: bool,
    },
}

/// Set when the host no longer wants to wait.
fn termination_flag() -> Arc<AtomicBool> {
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGHUP, SIGINT] {
        // A signal that cannot be caught ends the process, which blocks the call too.
        let _ = signal_hook::flag::register(signal, Arc::clone(&is_over));
    }
    is_over
}
