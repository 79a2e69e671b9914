//! A source of actions: its bytes, and how they are read.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ingest::bytes::Bytes;
use crate::ingest::format::Format;
use crate::ingest::members::MemberIndex;
use crate::ingest::records::Framing;

/// A file, standard input or a bundled sample that a store holds actions of.
#[derive(Debug)]
pub struct Source {
    /// As the user named it, or as found below a folder that the user named. May hold any character.
    pub path: PathBuf,
    pub bytes: Bytes,
    pub format: &'static dyn Format,
    /// How the file holds its records.
    pub framing: Framing,
    /// Index of values that records refer to instead of holding them.
    pub aside: MemberIndex,
    pub damage: Damage,
}

/// Whether bytes that were indexed could not be read again: the file was cut or replaced, or a read failed.
#[derive(Debug, Default)]
pub struct Damage(AtomicBool);

impl Damage {
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Source {
    pub fn new(path: PathBuf, bytes: Bytes, read_as: (&'static dyn Format, Framing)) -> Source {
        let (format, framing) = read_as;
        Source {
            path,
            bytes,
            format,
            framing,
            aside: MemberIndex::default(),
            damage: Damage::default(),
        }
    }

    /// The error message if it is damaged; raw.
    pub fn damaged(&self) -> String {
        format!(
            "{}: changed while it was being read, or became unreadable: the output is incomplete",
            self.path.display()
        )
    }
}
