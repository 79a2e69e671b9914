//! Runs tasks: per screen and type of task one that runs and at most one that waits; the latest wins.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::base::cancel::CancelFlag;
use crate::tui::screen::id::ScreenId;
use crate::tui::tasks::{Answer, Start};

/// An answer and the lane it comes from; it is dropped if a newer task was started there.
#[derive(Debug)]
pub struct Report {
    lane: Key,
    generation: u64,
    answer: Answer,
    /// The task has ended.
    is_last: bool,
}

type Key = (ScreenId, TypeId);

#[derive(Debug)]
pub struct Runner {
    reports: Sender<Report>,
    by_key: HashMap<Key, Lane>,
    inline: bool,
}

#[derive(Debug, Default)]
struct Lane {
    generation: u64,
    cancel: CancelFlag,
    /// Asks the running task to finish; `None` if its result may be lost.
    finish: Option<CancelFlag>,
    running: bool,
    waiting: Option<Start>,
}

impl Runner {
    /// Each task gets a thread; reports come out of the receiver.
    pub fn threaded() -> (Runner, Receiver<Report>) {
        Runner::new(false)
    }

    /// Tasks run at once in the caller: for tests and screenshots.
    pub fn inline() -> (Runner, Receiver<Report>) {
        Runner::new(true)
    }

    fn new(inline: bool) -> (Runner, Receiver<Report>) {
        let (reports, receiver) = unbounded();
        let runner = Runner {
            reports,
            by_key: HashMap::new(),
            inline,
        };
        (runner, receiver)
    }

    /// Starts a task for a screen and cancels the one of the same type.
    pub fn start(&mut self, from: ScreenId, task: Start) {
        let key = (from, task.slot());
        let lane = self.by_key.entry(key).or_default();
        lane.generation += 1;
        lane.cancel.raise();
        if lane.running {
            lane.waiting = Some(task);
        } else {
            self.spawn(key, task);
        }
    }

    /// Cancels every task and drops the answers still to come.
    pub fn abandon(&mut self) {
        self.wind_up();
        for lane in self.by_key.values_mut() {
            lane.generation += 1;
            lane.cancel.raise();
        }
    }

    /// Asks the tasks whose results must not be lost to finish, and starts no other; returns how many are still running.
    pub fn wind_up(&mut self) -> usize {
        for lane in self.by_key.values_mut() {
            lane.waiting = None;
        }
        let running = self.by_key.values().filter(|lane| lane.running);
        let mut left = 0;
        for finish in running.filter_map(|lane| lane.finish.as_ref()) {
            finish.raise();
            left += 1;
        }
        left
    }

    /// Takes a report in; returns the answer and its screen unless it is out of date.
    pub fn finish(&mut self, report: Report) -> Option<(ScreenId, Answer)> {
        let key = report.lane;
        let lane = self.by_key.entry(key).or_default();
        let is_current = report.generation == lane.generation;
        if report.is_last {
            lane.running = false;
            if let Some(task) = lane.waiting.take() {
                self.spawn(key, task);
            }
        }
        is_current.then_some((key.0, report.answer))
    }

    fn spawn(&mut self, key: Key, task: Start) {
        let lane = self.by_key.entry(key).or_default();
        lane.cancel = CancelFlag::new();
        lane.finish = task.finishes();
        lane.running = true;
        let (cancel, reports, generation) =
            (lane.cancel.clone(), self.reports.clone(), lane.generation);
        let send = move |answer, is_last| {
            // The receiver is gone only when the program ends.
            let _ = reports.send(Report {
                lane: key,
                generation,
                answer,
                is_last,
            });
        };
        let panicked = task.panicked();
        let on_error = send.clone();
        let work = move || {
            let run = AssertUnwindSafe(|| task.run(&cancel, &mut |answer| send(answer, false)));
            let answer = catch_unwind(run).unwrap_or_else(|cause| panicked(message(&*cause)));
            send(answer, true);
        };
        if self.inline {
            work();
        } else if let Err(error) = thread::Builder::new().name("task".to_owned()).spawn(work) {
            on_error(panicked(error.to_string()), true);
        }
    }
}

fn message(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Runner;
    use crate::base::cancel::CancelFlag;
    use crate::tui::Options;
    use crate::tui::effects::Effect;
    use crate::tui::screen::id::ScreenId;
    use crate::tui::session::Session;
    use crate::tui::tasks::{Start, Task};

    /// A fake screen.
    #[derive(Debug, Default)]
    struct Sums {
        seen: Vec<u32>,
        failures: usize,
    }

    #[derive(Debug)]
    struct Double(u32);

    #[derive(Debug)]
    struct Fail;

    impl Task for Double {
        type Screen = Sums;
        type Answer = u32;

        fn run(self, _: &CancelFlag, report: &mut dyn FnMut(u32)) -> u32 {
            report(self.0);
            self.0 * 2
        }

        fn answered(screen: &mut Sums, answer: u32, _: &mut Session) -> Vec<Effect> {
            screen.seen.push(answer);
            Vec::new()
        }
    }

    impl Task for Fail {
        type Screen = Sums;
        type Answer = ();

        fn run(self, _: &CancelFlag, _: &mut dyn FnMut(())) {
            panic!("out of luck");
        }

        fn answered(_: &mut Sums, (): (), _: &mut Session) -> Vec<Effect> {
            Vec::new()
        }

        fn failed(screen: &mut Sums) {
            screen.failures += 1;
        }
    }

    /// Starts tasks one after the other and delivers what they report.
    fn deliver(tasks: Vec<(ScreenId, Start)>) -> (Sums, Vec<ScreenId>, Session) {
        let (mut runner, reports) = Runner::inline();
        let (mut sums, mut session) = (Sums::default(), Session::new(&Options::default()));
        for (screen, task) in tasks {
            runner.start(screen, task);
        }
        let mut asked = Vec::new();
        while let Ok(report) = reports.try_recv() {
            if let Some((from, answer)) = runner.finish(report) {
                asked.push(from);
                answer.deliver(Some(&mut sums), &mut session);
            }
        }
        (sums, asked, session)
    }

    #[test]
    fn only_the_answers_to_the_latest_task_of_a_type_arrive() {
        let task = |number| (ScreenId::Stream, Start::new(Double(number)));
        let (sums, _, _) = deliver(vec![task(1), task(2)]);
        assert_eq!(sums.seen, [2, 4]);
    }

    #[test]
    fn a_task_of_one_screen_does_not_cancel_that_of_another() {
        let task = |screen| (screen, Start::new(Double(3)));
        let (_, asked, _) = deliver(vec![task(ScreenId::Stream), task(ScreenId::Runs)]);
        assert_eq!(asked.len(), 4);
        assert!(asked.contains(&ScreenId::Stream) && asked.contains(&ScreenId::Runs));
    }

    #[test]
    fn a_panic_is_reported_to_the_user_and_to_the_screen() {
        let (sums, _, session) = deliver(vec![(ScreenId::Stream, Start::new(Fail))]);
        assert_eq!(sums.failures, 1);
        let errors: Vec<&str> = session.errors().collect();
        assert_eq!(errors, ["internal error: out of luck"]);
    }

    /// Writes when it is asked to finish, as something that is served does.
    #[derive(Debug)]
    struct Keep(CancelFlag);

    impl Task for Keep {
        type Screen = Sums;
        type Answer = u32;

        fn run(self, _: &CancelFlag, _: &mut dyn FnMut(u32)) -> u32 {
            while !self.0.is_raised() {
                std::thread::yield_now();
            }
            7
        }

        fn answered(screen: &mut Sums, answer: u32, _: &mut Session) -> Vec<Effect> {
            screen.seen.push(answer);
            Vec::new()
        }

        fn finishes(&self) -> Option<CancelFlag> {
            Some(self.0.clone())
        }
    }

    #[test]
    fn work_that_must_not_be_lost_is_asked_to_finish_and_its_answer_arrives() {
        let (mut runner, reports) = Runner::threaded();
        runner.start(ScreenId::Replay, Start::new(Double(1)));
        runner.start(ScreenId::Replay, Start::new(Keep(CancelFlag::new())));
        assert_eq!(runner.wind_up(), 1);
        let (mut sums, mut session) = (Sums::default(), Session::new(&Options::default()));
        while runner.wind_up() > 0 {
            let report = reports.recv().expect("a report");
            if let Some((_, answer)) = runner.finish(report) {
                answer.deliver(Some(&mut sums), &mut session);
            }
        }
        assert!(sums.seen.contains(&7));
    }

    #[test]
    fn the_answer_to_a_closed_screen_is_dropped() {
        let (mut runner, reports) = Runner::inline();
        runner.start(ScreenId::Files, Start::new(Double(1)));
        let mut session = Session::new(&Options::default());
        for report in reports.try_iter() {
            let (_, answer) = runner.finish(report).expect("it is current");
            assert!(answer.deliver(None, &mut session).is_empty());
        }
    }
}
