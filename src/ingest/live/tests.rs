use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::follow::Follower;
use super::{Following, Messages, NoticeKind};
use crate::ingest::loader::Options;
use crate::ingest::prices::PriceTable;

/// A writer of numbered lines, and who follows it.
struct Scene {
    folder: TempDir,
    writer: File,
    follower: Follower,
    notices: Vec<NoticeKind>,
    /// Lines that were written to their end.
    written: u32,
    /// What is left to write of the line that was begun.
    rest: Vec<u8>,
    rotated: u32,
    /// The first line of the file that has the name now.
    begins: u32,
    /// The first line that whoever follows now can know of.
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
        scene.look();
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("t.jsonl")
    }

    fn look(&mut self) {
        let happened = self.follower.look();
        self.notices.extend(happened.iter().map(|it| it.kind));
    }

    /// Writes so many bytes of the lines to come.
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

    /// As logrotate does it: the writer goes on in the old file until it is told.
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

    fn cut(&mut self) {
        self.finish_line();
        self.writer.set_len(0).expect("cut");
        self.begins = self.written;
    }

    /// The program ends and is started again, which knows no more than what lies there.
    fn restart(&mut self) {
        self.follower = Follower::new(self.path());
        self.notices.clear();
        self.from = self.begins;
        self.look();
    }

    /// Other lines in as many bytes.
    fn rewrite(&mut self) {
        self.finish_line();
        let size = fs::metadata(self.path()).expect("a file").len();
        self.begins = self.written;
        let mut text = Vec::new();
        while (text.len() as u64) < size {
            text.extend(format!("line {};\n", self.written).into_bytes());
            self.written += 1;
        }
        fs::write(self.path(), text).expect("written anew");
    }

    fn remove(&mut self) {
        self.finish_line();
        fs::remove_file(self.path()).expect("removed");
        self.create();
    }

    /// The numbers of the lines that were seen.
    fn seen(&self) -> Vec<u32> {
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
    Look,
    Rotate(usize),
    Cut,
    Rewrite,
    Remove,
    Restart,
}

fn gentle() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40_usize).prop_map(Step::Write),
        3 => Just(Step::Look),
        1 => (0..20_usize).prop_map(Step::Rotate),
        1 => Just(Step::Remove),
        1 => Just(Step::Restart),
    ]
}

fn rough() -> impl Strategy<Value = Step> {
    prop_oneof![6 => gentle(), 1 => Just(Step::Cut), 1 => Just(Step::Rewrite)]
}

fn play(steps: &[Step]) -> Scene {
    let mut scene = Scene::new();
    for step in steps {
        match *step {
            Step::Write(bytes) => scene.write(bytes),
            Step::Look => scene.look(),
            Step::Rotate(late) => scene.rotate(late),
            // Of what was cut before anybody read a whole line of it nobody can know: what comes next may
            // begin with the same letters.
            Step::Cut | Step::Rewrite if scene.follower.read() < 16 => scene.look(),
            Step::Cut => scene.cut(),
            Step::Rewrite => scene.rewrite(),
            Step::Restart => scene.restart(),
            // A file that nobody looked at before it was removed cannot be read.
            Step::Remove => {
                scene.look();
                scene.remove();
            }
        }
    }
    scene.finish_line();
    for _ in 0..3 {
        scene.look();
    }
    scene
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn where_nothing_is_cut_nothing_is_lost_doubled_or_out_of_order(
        steps in proptest::collection::vec(gentle(), 1..30),
    ) {
        let scene = play(&steps);
        let written: Vec<u32> = (scene.from..scene.written).collect();
        prop_assert_eq!(scene.seen(), written);
    }

    #[test]
    fn what_is_lost_is_told_and_nothing_is_doubled(
        steps in proptest::collection::vec(rough(), 1..30),
    ) {
        let scene = play(&steps);
        let seen = scene.seen();
        prop_assert!(seen.is_sorted_by(|a, b| a < b), "{:?}", seen);
        prop_assert!(seen.first().is_none_or(|first| *first >= scene.from), "{:?}", seen);
        if seen.len() < (scene.written - scene.from) as usize {
            let told = [NoticeKind::Truncated, NoticeKind::Replaced, NoticeKind::Rotated];
            prop_assert!(scene.notices.iter().any(|kind| told.contains(kind)), "{:?}", scene.notices);
        }
    }
}

#[test]
fn a_half_line_waits_for_its_end() {
    let mut scene = Scene::new();
    scene.write(3);
    scene.look();
    assert!(scene.seen().is_empty());
    scene.finish_line();
    scene.look();
    assert_eq!(scene.seen(), [0]);
}

#[test]
fn a_file_that_was_cut_and_grew_past_the_old_place_is_read_anew() {
    let mut scene = Scene::new();
    scene.write(40);
    scene.finish_line();
    scene.look();
    let before = scene.seen().len();
    scene.cut();
    scene.write(400);
    scene.finish_line();
    scene.look();
    assert_eq!(scene.notices, [NoticeKind::Replaced]);
    assert_eq!(scene.seen().len(), scene.written as usize);
    assert!(before < scene.seen().len());
}

#[test]
fn a_file_saved_anew_with_the_same_beginning_goes_on() {
    let mut scene = Scene::new();
    scene.write(16);
    scene.finish_line();
    scene.look();
    let mut text = fs::read(scene.path()).expect("a file");
    text.extend_from_slice(format!("line {};\n", scene.written).as_bytes());
    let aside = scene.folder.path().join("aside");
    fs::write(&aside, text).expect("written");
    fs::rename(aside, scene.path()).expect("renamed");
    scene.look();
    assert_eq!(scene.notices, [NoticeKind::Replaced]);
    let all: Vec<u32> = (0..=scene.written).collect();
    assert_eq!(scene.seen(), all);
}

#[test]
fn a_file_that_comes_later_is_taken_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("late.jsonl");
    let mut follower = Follower::new(path.clone());
    assert_eq!(follower.look(), []);
    fs::write(&path, "line 0\n").expect("written");
    assert_eq!(follower.look(), []);
    assert_eq!(follower.log().whole(), 7);
}

#[test]
fn following_ends_when_nobody_listens_though_nothing_happens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (sender, receiver) = crossbeam_channel::bounded(8);
    let (messages, listener) = Messages::held(receiver);
    let options = Options::new(PriceTable::built_in());
    let paths = vec![folder.path().join("quiet.jsonl")];
    let (ended, end) = crossbeam_channel::bounded(1);
    let thread = std::thread::spawn(move || {
        let following = Following::new(paths, options, sender);
        let _ = ended.send(following.run(false, &listener).is_err());
    });
    // It is at work: it said that all is read and that it watches.
    for _ in 0..2 {
        messages.recv().expect("a word");
    }
    drop(messages);
    let found_out = end.recv_timeout(std::time::Duration::from_secs(10));
    assert_eq!(found_out, Ok(true));
    thread.join().expect("no panic");
}
