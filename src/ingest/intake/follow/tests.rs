use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Follower, NoticeKind};

/// A writer of numbered lines, and a follower of its file.
struct Scene {
    folder: TempDir,
    writer: File,
    follower: Follower,
    notices: Vec<NoticeKind>,
    /// Complete lines written so far.
    written: u32,
    /// The rest of the line that was begun.
    rest: Vec<u8>,
    rotated: u32,
    /// The first line of the file that has the name now.
    begins: u32,
    /// The first line that the current follower can know of.
    from: u32,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t.jsonl");
        File::create(&path).expect("a file");
        let mut scene = Scene {
            writer: append(&path),
            follower: Follower::new(path),
            folder,
            notices: Vec::new(),
            written: 0,
            rest: Vec::new(),
            rotated: 0,
            begins: 0,
            from: 0,
        };
        scene.poll();
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("t.jsonl")
    }

    fn poll(&mut self) {
        let changes = self.follower.poll();
        self.notices.extend(changes.iter().map(|it| it.kind));
    }

    /// Writes this many bytes of the next lines.
    fn write(&mut self, bytes: usize) {
        for _ in 0..bytes {
            if self.rest.is_empty() {
                self.rest = format!("line {};\n", self.written).into_bytes();
            }
            let byte = self.rest.remove(0);
            self.writer.write_all(&[byte]).expect("a byte is written");
            self.written += u32::from(self.rest.is_empty());
        }
    }

    fn finish_line(&mut self) {
        self.write(self.rest.len());
    }

    /// As logrotate does it: the writer keeps writing to the old file until it reopens its log.
    fn rotate(&mut self, late: usize) {
        self.finish_line();
        self.rotated += 1;
        let aside = format!("t.jsonl-{:04}", self.rotated);
        fs::rename(self.path(), self.folder.path().join(aside)).expect("renamed");
        self.write(late);
        self.finish_line();
        self.create();
    }

    fn create(&mut self) {
        File::create(self.path()).expect("a new file");
        self.writer = append(&self.path());
        self.begins = self.written;
    }

    fn truncate(&mut self) {
        self.finish_line();
        self.writer.set_len(0).expect("truncated");
        self.begins = self.written;
    }

    /// The program is restarted and knows only what is on the disk.
    fn restart(&mut self) {
        self.follower = Follower::new(self.path());
        self.notices.clear();
        self.from = self.begins;
        self.poll();
    }

    /// Writes other lines with the same number of bytes.
    fn rewrite(&mut self) {
        self.finish_line();
        let size = fs::metadata(self.path()).expect("a file").len();
        self.begins = self.written;
        let mut text = Vec::new();
        while (text.len() as u64) < size {
            text.extend(format!("line {};\n", self.written).into_bytes());
            self.written += 1;
        }
        fs::write(self.path(), text).expect("rewritten");
    }

    fn remove(&mut self) {
        self.finish_line();
        fs::remove_file(self.path()).expect("removed");
        self.create();
    }

    /// The numbers of the lines that were read.
    fn lines(&self) -> Vec<u32> {
        let log = self.follower.log();
        let mut text = vec![0; usize::try_from(log.whole()).expect("a small log")];
        let read = log.read_at(&mut text, 0).expect("it is in memory");
        let text = String::from_utf8_lossy(&text[..read]).into_owned();
        let number = |line: &str| line.strip_prefix("line ")?.strip_suffix(';')?.parse().ok();
        text.lines().filter_map(number).collect()
    }
}

fn append(path: &std::path::Path) -> File {
    let file = OpenOptions::new().append(true).open(path);
    file.expect("it can be written")
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Write(usize),
    Poll,
    Rotate(usize),
    Truncate,
    Rewrite,
    Remove,
    Restart,
}

fn gentle() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40_usize).prop_map(Step::Write),
        3 => Just(Step::Poll),
        1 => (0..20_usize).prop_map(Step::Rotate),
        1 => Just(Step::Remove),
        1 => Just(Step::Restart),
    ]
}

fn rough() -> impl Strategy<Value = Step> {
    prop_oneof![6 => gentle(), 1 => Just(Step::Truncate), 1 => Just(Step::Rewrite)]
}

fn play(steps: &[Step]) -> Scene {
    let mut scene = Scene::new();
    for step in steps {
        match *step {
            Step::Write(bytes) => scene.write(bytes),
            Step::Poll => scene.poll(),
            Step::Rotate(late) => scene.rotate(late),
            // A change before a complete line was read cannot be noticed: what comes next may begin with
            // the same letters.
            Step::Truncate | Step::Rewrite if scene.follower.read() < 16 => scene.poll(),
            Step::Truncate => scene.truncate(),
            Step::Rewrite => scene.rewrite(),
            Step::Restart => scene.restart(),
            // A file that is removed before it was polled cannot be read.
            Step::Remove => {
                scene.poll();
                scene.remove();
            }
        }
    }
    scene.finish_line();
    for _ in 0..3 {
        scene.poll();
    }
    scene
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_lost_repeated_or_reordered_without_truncation(
        steps in proptest::collection::vec(gentle(), 1..30),
    ) {
        let scene = play(&steps);
        let written: Vec<u32> = (scene.from..scene.written).collect();
        prop_assert_eq!(scene.lines(), written);
    }

    #[test]
    fn lost_lines_are_reported_and_no_line_is_repeated(
        steps in proptest::collection::vec(rough(), 1..30),
    ) {
        let scene = play(&steps);
        let lines = scene.lines();
        prop_assert!(lines.is_sorted_by(|a, b| a < b), "{:?}", lines);
        prop_assert!(lines.first().is_none_or(|first| *first >= scene.from), "{:?}", lines);
        if lines.len() < (scene.written - scene.from) as usize {
            let losses = [NoticeKind::Truncated, NoticeKind::Replaced, NoticeKind::Rotated];
            prop_assert!(scene.notices.iter().any(|kind| losses.contains(kind)), "{:?}", scene.notices);
        }
    }
}

#[test]
fn an_incomplete_line_waits_for_its_end() {
    let mut scene = Scene::new();
    scene.write(3);
    scene.poll();
    assert!(scene.lines().is_empty());
    scene.finish_line();
    scene.poll();
    assert_eq!(scene.lines(), [0]);
}

#[test]
fn a_file_truncated_and_grown_past_the_old_offset_is_read_from_its_start() {
    let mut scene = Scene::new();
    scene.write(40);
    scene.finish_line();
    scene.poll();
    let before = scene.lines().len();
    scene.truncate();
    scene.write(400);
    scene.finish_line();
    scene.poll();
    assert_eq!(scene.notices, [NoticeKind::Replaced]);
    assert_eq!(scene.lines().len(), scene.written as usize);
    assert!(before < scene.lines().len());
}

#[test]
fn a_file_saved_again_with_the_same_beginning_is_read_on() {
    let mut scene = Scene::new();
    scene.write(16);
    scene.finish_line();
    scene.poll();
    let mut text = fs::read(scene.path()).expect("a file");
    text.extend_from_slice(format!("line {};\n", scene.written).as_bytes());
    let aside = scene.folder.path().join("aside");
    fs::write(&aside, text).expect("written");
    fs::rename(aside, scene.path()).expect("renamed");
    scene.poll();
    assert_eq!(scene.notices, [NoticeKind::Replaced]);
    let all: Vec<u32> = (0..=scene.written).collect();
    assert_eq!(scene.lines(), all);
}

#[test]
fn a_file_created_later_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("late.jsonl");
    let mut follower = Follower::new(path.clone());
    assert_eq!(follower.poll(), []);
    fs::write(&path, "line 0\n").expect("written");
    assert_eq!(follower.poll(), []);
    assert_eq!(follower.log().whole(), 7);
}
