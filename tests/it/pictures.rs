//! The pictures in the README match what the program draws.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use saferun_tui::base::clock::Fixed;
use saferun_tui::ingest::discover;
use saferun_tui::ingest::intake::{self, Options as Loading};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::tui::Options;
use saferun_tui::tui::render::{self, svg};
use saferun_tui::tui::theme::{ColorChoice, Palette};

/// The name, the sample, and the keys that lead to the picture.
const PICTURES: &[(&str, &str, &str)] = &[
    ("stream", "saferun/refund-agent.jsonl", "b"),
    ("runs", "saferun", "2 j"),
    (
        "diff",
        "refund-cohort",
        "2 / task:refund-0218 enter G space k space D",
    ),
    ("replay", "saferun/refund-agent.jsonl", "3 b l l"),
    ("cohort", "refund-cohort", "5"),
];

/// A day after the samples.
const NOW: i64 = 1_795_478_400_000_000;

fn picture(sample: &str, keys: &str) -> String {
    let path = Path::new("sample-traces").join(sample);
    let found = discover::resolve(&[path], discover::Shown::AllJson);
    let (inputs, errors) = (found.inputs, found.errors);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options {
        title: sample.to_owned(),
        several: discover::are_several(&inputs),
        color: ColorChoice::Always,
        palette: Palette::Dark,
        clock: Arc::new(Fixed(NOW)),
        ..Options::default()
    };
    let messages = intake::load(inputs, Loading::new(PriceTable::built_in()));
    let shown = render::script(&options, messages, (120, 36), keys);
    svg::svg(&shown, &svg::DARK)
}

#[test]
fn the_pictures_in_the_readme_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let readme = fs::read_to_string(folder.join("../../README.md")).expect("the README");
    for (name, sample, keys) in PICTURES {
        let drawn = picture(sample, keys);
        let file = folder.join(format!("{name}.svg"));
        if env::var_os("UPDATE_PICTURES").is_some() {
            fs::write(&file, &drawn).expect("the folder of pictures can be written");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == drawn,
            "tests/pictures/{name}.svg is not what the program draws; UPDATE_PICTURES=1 cargo test pictures"
        );
        assert!(
            readme.contains(&format!("tests/pictures/{name}.svg")),
            "the README does not show {name}.svg"
        );
    }
}
