use std::borrow::Cow;
use std::collections::HashSet;

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{cut, fit, sanitize, sanitize_lines, width, wrap};

#[track_caller]
fn check(raw: &str, shown: &str) {
    assert_eq!(sanitize(raw), shown);
    assert_eq!(sanitize(shown), shown, "sanitising twice changes the text");
}

#[track_caller]
fn check_kept(text: &str) {
    check(text, text);
    assert!(matches!(sanitize(text), Cow::Borrowed(_)));
}

#[test]
fn keeps_printable_ascii() {
    check_kept("let x = { \"a\": [1, 2] }; ~");
    check_kept("");
}

#[test]
fn keeps_text_of_many_languages() {
    check_kept("Grüße, naïve café – “quoted”…");
    check_kept("Ελληνικά Русский עברית العربية");
    check_kept("日本語のテキスト、한국어");
    check_kept("हिन्दी ภาษาไทย");
    check_kept("┌─┐ │█│ └─┘ ● ✔ ⠋⣿");
}

#[test]
fn shows_control_characters_as_pictures() {
    check("\u{1b}[31mred\u{7}\0", "␛[31mred␇␀");
    check("one\r\ntwo\n", "one␍␊two␊");
    check("\u{7f}", "␡");
    check("a\tb", "a    b");
}

#[test]
fn shows_c1_controls_as_codes() {
    check("\u{9b}31m \u{85}", "<9b>31m <85>");
}

#[test]
fn shows_direction_overrides_as_codes() {
    check("safe\u{202e}gpj.exe", "safe<202e>gpj.exe");
    check(
        "\u{2066}a\u{2069}\u{61c}\u{200f}",
        "<2066>a<2069><61c><200f>",
    );
}

#[test]
fn shows_invisible_characters_as_codes() {
    check("a\u{200b}b\u{200c}c\u{feff}", "a<200b>b<200c>c<feff>");
    check("soft\u{ad}hyphen\u{34f}", "soft<ad>hyphen<34f>");
    check(
        "\u{3164}\u{2800}\u{115f}\u{ffa0}",
        "<3164><2800><115f><ffa0>",
    );
    check(
        "\u{2028}\u{2029}\u{fff9}\u{fdd0}\u{1ffff}",
        "<2028><2029><fff9><fdd0><1ffff>",
    );
    check("x\u{fe01}y\u{e0100}", "x<fe01>y<e0100>");
    check("hi\u{e0041}\u{e007f}", "hi<e0041><e007f>");
    check("\u{1161}", "<1161>");
}

#[test]
fn shows_prepended_marks_that_would_join_a_replacement() {
    check("\u{600}\u{202e}", "<600><202e>");
}

#[test]
fn keeps_joiners_and_selectors_inside_emoji() {
    check_kept("👩‍👩‍👧‍👦 ❤️ 👍🏽 🏳️‍🌈 1️⃣ 🇩🇪 ☎︎");
}

#[test]
fn shows_joiners_and_selectors_outside_emoji() {
    check("a\u{200d}b", "a<200d>b");
    check("क\u{94d}\u{200d}ष", "क\u{94d}<200d>ष");
    check("❤\u{200d}x", "❤<200d>x");
    check("a\u{fe0f}", "a<fe0f>");
    check("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}<fe0f>");
    check("\u{200d}❤", "<200d>❤");
}

#[test]
fn keeps_eight_marks_and_counts_the_others() {
    let eight = format!("a{}", "\u{301}".repeat(8));
    check_kept(&eight);
    check(
        &format!("a{}b", "\u{301}".repeat(11)),
        &format!("{eight}<+3>b"),
    );
}

#[test]
fn gives_a_mark_without_a_letter_a_circle() {
    check("\u{301}a", "◌\u{301}a");
    check("a\u{200b}\u{301}", "a<200b>◌\u{301}");
}

#[test]
fn keeps_graphemes_short() {
    let jamo = "\u{1100}".repeat(40);
    let shown = sanitize(&jamo);
    assert!(shown.graphemes(true).all(|grapheme| grapheme.len() <= 32));
    assert!(shown.contains("<1100>"));
    check("👨🏻‍❤️‍💋‍👨🏻", "👨🏻‍❤️‍💋‍👨<+1>");
}

#[test]
fn no_invisible_character_passes() {
    for c in ('\0'..='\u{20fff}').chain('\u{e0000}'..='\u{e0fff}') {
        let raw = format!("{c}<");
        let shown = sanitize(&raw);
        let parts: Vec<&str> = shown.graphemes(true).collect();
        let code = u32::from(c);
        assert!(
            parts.iter().all(|part| part.width() > 0),
            "{code:x} has no width"
        );
        assert_eq!(parts.last(), Some(&"<"), "{code:x} takes what follows");
    }
}

#[test]
fn controls_stay_distinct() {
    let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    let shown: HashSet<String> = controls
        .clone()
        .map(|c| sanitize(&c.to_string()).into_owned())
        .collect();
    assert_eq!(shown.len(), controls.count());
}

#[test]
fn lines_are_split_before_they_are_sanitised() {
    let lines: Vec<_> = sanitize_lines("a\u{1b}\r\n\nb").collect();
    assert_eq!(lines, ["a␛", "", "b"]);
}

#[test]
fn width_counts_cells() {
    assert_eq!(width("abc"), 3);
    assert_eq!(width("日本"), 4);
    assert_eq!(width("e\u{301}"), 1);
    assert_eq!(width("👩‍👩‍👧‍👦"), 2);
}

#[test]
fn cut_marks_what_is_missing() {
    assert_eq!(cut("hello", 5), "hello");
    assert_eq!(cut("hello", 4), "hel…");
    assert_eq!(cut("hello", 1), "…");
    assert_eq!(cut("hello", 0), "");
    assert_eq!(cut("日本語", 6), "日本語");
    assert_eq!(cut("日本語", 5), "日本…");
    assert_eq!(cut("日本語", 4), "日…");
}

#[test]
fn fit_fills_the_hole_of_a_wide_grapheme() {
    assert_eq!(fit("日本語", 4), "日… ");
    assert_eq!(fit("ab", 4), "ab  ");
}

#[test]
fn wrap_breaks_at_spaces() {
    assert_eq!(wrap("the quick brown fox", 10), ["the quick ", "brown fox"]);
    assert_eq!(wrap("the quick brown fox", 9), ["the quick", "brown fox"]);
    assert_eq!(wrap("", 4), [""]);
    assert_eq!(wrap("full ", 4), ["full"]);
    assert_eq!(wrap("    indented", 6), ["    in", "dented"]);
}

#[test]
fn wrap_cuts_a_word_longer_than_a_row() {
    assert_eq!(
        wrap("a /usr/share/doc b", 6),
        ["a /usr", "/share", "/doc b"]
    );
    assert_eq!(wrap("日本語", 3), ["日", "本", "語"]);
    assert_eq!(wrap("日本", 1), ["日", "本"]);
    assert_eq!(wrap("ab", 0), ["a", "b"]);
}

/// Text made of difficult characters: marks, joiners, jamo, flags, controls, escapes, emoji.
fn troublesome() -> impl Strategy<Value = String> {
    let sharp = prop::sample::select(vec![
        'a',
        '<',
        ' ',
        '1',
        '\n',
        '\r',
        '\t',
        '\u{1b}',
        '\u{9b}',
        '\u{301}',
        '\u{903}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{202e}',
        '\u{fe0e}',
        '\u{fe0f}',
        '\u{20e3}',
        '\u{1100}',
        '\u{1161}',
        '\u{11a8}',
        '\u{ac00}',
        '\u{600}',
        '\u{d4e}',
        '\u{915}',
        '\u{94d}',
        '\u{937}',
        '\u{1f468}',
        '\u{1f3fb}',
        '\u{2764}',
        '\u{1f1e9}',
        '\u{1f3f4}',
        '\u{e0067}',
        '\u{e0100}',
        '\u{644}',
        '\u{627}',
        '日',
        '\u{1160}',
        '\u{25cc}',
        '\u{a9}',
    ]);
    prop::collection::vec(prop_oneof![9 => sharp, 1 => any::<char>()], 0..60)
        .prop_map(String::from_iter)
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{ad}' | '\u{34f}' | '\u{180e}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sanitising_again_changes_nothing(text in troublesome()) {
        let once = sanitize(&text);
        prop_assert_eq!(sanitize(&once), once.as_ref());
    }

    #[test]
    fn nothing_harmful_comes_out(text in troublesome()) {
        let shown = sanitize(&text);
        prop_assert!(!shown.contains(is_harmful));
        for (at, joiner) in shown.match_indices('\u{200d}') {
            let before = shown.get(..at).and_then(|head| head.chars().last());
            let in_emoji = |c| matches!(c, '\u{2600}'..='\u{1faff}');
            prop_assert!(before.is_some_and(in_emoji), "joiner {joiner:?} after {before:?}");
        }
        prop_assert!(shown.graphemes(true).all(|grapheme| grapheme.len() <= 32));
        prop_assert!(shown.graphemes(true).all(|grapheme| grapheme.width() > 0));
    }

    #[test]
    fn printable_ascii_is_borrowed(text in "[ -~]{0,80}") {
        prop_assert!(matches!(sanitize(&text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn width_is_the_sum_of_graphemes(text in troublesome()) {
        let shown = sanitize(&text);
        let sum: usize = shown.graphemes(true).map(UnicodeWidthStr::width).sum();
        prop_assert_eq!(width(&shown), sum);
    }

    #[test]
    fn cut_never_exceeds_and_fit_is_exact(text in troublesome(), cells in 0_usize..40) {
        let shown = sanitize(&text);
        let short = cut(&shown, cells);
        prop_assert!(width(&short) <= cells);
        prop_assert!(short == shown || cells == 0 || short.ends_with('…'));
        prop_assert_eq!(width(&fit(&shown, cells)), cells);
    }

    #[test]
    fn wrap_loses_at_most_one_space_a_row(text in troublesome(), cells in 0_usize..40) {
        let shown = sanitize(&text);
        let rows = wrap(&shown, cells);
        for row in &rows {
            let fits = width(row) <= cells.max(1) || row.graphemes(true).count() == 1;
            prop_assert!(fits, "{row:?} is wider than {cells}");
        }
        let joined = rows.concat();
        prop_assert_eq!(joined.replace(' ', ""), shown.replace(' ', ""));
        prop_assert!(shown.len() - joined.len() <= rows.len());
    }
}

#[test]
fn cut_front_keeps_the_end_that_fits() {
    assert_eq!(super::cut_front("claude-opus-4-5", 9), "…opus-4-5");
    assert_eq!(super::cut_front("opus", 4), "opus");
    assert_eq!(super::cut_front("報告書", 4), "…書");
    assert_eq!(super::cut_front("abc", 1), "…");
    assert_eq!(super::cut_front("abc", 0), "");
}

#[test]
fn search_ignores_case_unless_the_query_has_capitals() {
    let found = |text, sought| {
        let ranges = super::find_all(text, sought);
        ranges
            .map(|found| (found.start, found.end))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("Refund a refund", "refund"), [(0, 6), (9, 15)]);
    assert_eq!(found("Refund a refund", "Refund"), [(0, 6)]);
    assert_eq!(found("aaa", "aa"), [(0, 2)]);
    assert_eq!(found("ÄäÄ", "ä"), [(2, 4)]);
    assert!(found("x", "").is_empty());
}
