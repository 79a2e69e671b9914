//! Background tasks: the contract between a screen and the work it starts.
//!
//! A screen starts a [`Task`] with [`Effect::Start`]; the answer comes back to that screen, with its type.
//! To add one: a struct in the screen's folder that implements [`Task`]. Nothing central changes.

pub mod runner;

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;

use crate::base::cancel::CancelFlag;
use crate::tui::effects::Effect;
use crate::tui::session::Session;

/// Work of one screen on a snapshot. The type is also the slot: a screen runs one task of a type at a
/// time, and starting another cancels it.
pub trait Task: fmt::Debug + Send + Sized + 'static {
    /// The screen that starts the task and receives its answers.
    type Screen: Any;
    type Answer: fmt::Debug + Send + 'static;

    /// Does the work on a thread of its own. Long work reports progress and stops soon after `cancel` is
    /// raised; the answer to cancelled work is dropped.
    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Self::Answer)) -> Self::Answer;

    /// Gives the screen an answer: a report or the final one.
    fn answered(
        screen: &mut Self::Screen,
        answer: Self::Answer,
        session: &mut Session,
    ) -> Vec<Effect>;

    /// The task panicked, so no answer will come.
    fn failed(screen: &mut Self::Screen) {
        let _ = screen;
    }

    /// For work whose result must not be lost: the flag that asks it to finish soon and to store what there is. The
    /// program does not end before its answer.
    fn finishes(&self) -> Option<CancelFlag> {
        None
    }
}

/// A task without its types, so that tasks of all screens fit one effect.
#[derive(Debug)]
pub struct Start(Box<dyn Work>);

/// An answer without its type, on its way to the screen that asked.
#[derive(Debug)]
pub struct Answer(Box<dyn Deliver>);

impl Start {
    pub fn new<T: Task>(task: T) -> Start {
        Start(Box::new(task))
    }

    fn slot(&self) -> TypeId {
        self.0.slot()
    }

    /// The answer to deliver if `run` panics.
    fn panicked(&self) -> fn(String) -> Answer {
        self.0.panicked()
    }

    fn finishes(&self) -> Option<CancelFlag> {
        self.0.finishes()
    }

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Answer)) -> Answer {
        self.0.run(cancel, report)
    }
}

impl Answer {
    /// Hands the answer to its screen; `None` if the screen was closed in the meantime.
    pub fn deliver(self, screen: Option<&mut dyn Any>, session: &mut Session) -> Vec<Effect> {
        self.0.deliver(screen, session)
    }
}

trait Work: fmt::Debug + Send {
    fn slot(&self) -> TypeId;
    fn panicked(&self) -> fn(String) -> Answer;
    fn finishes(&self) -> Option<CancelFlag>;
    fn run(self: Box<Self>, cancel: &CancelFlag, report: &mut dyn FnMut(Answer)) -> Answer;
}

impl<T: Task> Work for T {
    fn slot(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn panicked(&self) -> fn(String) -> Answer {
        |message| Answer(Box::new(Panicked::<T>(message, PhantomData)))
    }

    fn finishes(&self) -> Option<CancelFlag> {
        T::finishes(self)
    }

    fn run(self: Box<Self>, cancel: &CancelFlag, report: &mut dyn FnMut(Answer)) -> Answer {
        let erase = |answer| Answer(Box::new(Answered::<T>(answer)));
        erase(T::run(*self, cancel, &mut |answer| report(erase(answer))))
    }
}

trait Deliver: fmt::Debug + Send {
    fn deliver(self: Box<Self>, screen: Option<&mut dyn Any>, session: &mut Session)
    -> Vec<Effect>;
}

struct Answered<T: Task>(T::Answer);

struct Panicked<T>(String, PhantomData<fn() -> T>);

impl<T: Task> fmt::Debug for Answered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for Panicked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Task> Deliver for Answered<T> {
    fn deliver(
        self: Box<Self>,
        screen: Option<&mut dyn Any>,
        session: &mut Session,
    ) -> Vec<Effect> {
        typed::<T>(screen)
            .map(|screen| T::answered(screen, self.0, session))
            .unwrap_or_default()
    }
}

impl<T: Task> Deliver for Panicked<T> {
    fn deliver(
        self: Box<Self>,
        screen: Option<&mut dyn Any>,
        session: &mut Session,
    ) -> Vec<Effect> {
        session.fail(&format!("internal error: {}", self.0));
        if let Some(screen) = typed::<T>(screen) {
            T::failed(screen);
        }
        Vec::new()
    }
}

/// The only place where a screen gets its type back.
fn typed<T: Task>(screen: Option<&mut dyn Any>) -> Option<&mut T::Screen> {
    let screen = screen?.downcast_mut();
    debug_assert!(screen.is_some(), "a screen starts only its own tasks");
    screen
}
