use crate::tui::render::{self, Headless};
use crate::tui::testing::{load, options, sized};

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","agent":"shop","ts":"2026-11-22T10:00:00Z"}
{"type":"prompt","run_id":"r1","id":"p1","content":"Refund order 8841","ts":"2026-11-22T10:00:01Z"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"refund","args":{"amount":4200},"ts":"2026-11-22T10:00:02Z"}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"blocked"}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"lookup","args":{"q":"order"},"ts":"2026-11-22T10:00:03Z"}
{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":1}
"#;

fn screen(size: (u16, u16), keys: &str) -> String {
    sized(&options(), TRACE, size, keys)
}

/// The filter line after some keys.
fn filter(keys: &str) -> String {
    let shown = screen((120, 24), keys);
    shown.lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn an_invalid_filter_says_which_filter_is_in_force_and_esc_brings_back_the_one_before() {
    for size in [(80, 24), (120, 24)] {
        let wrong = screen(size, "/ tool:lookup space er( enter");
        for words in [
            "/ tool:lookup er(",
            "✗ not applied · in force: tool:lookup (",
            "^ a term is missing",
            "esc as before",
        ] {
            assert!(wrong.contains(words), "{words}\n{wrong}");
        }
    }
    for before in ["", "/ tool:refund enter"] {
        let back = filter(&format!(
            "{before} / ctrl-u tool:lookup space er( enter esc"
        ));
        assert_eq!(back, filter(before));
    }
}

#[test]
fn esc_filters_again_where_the_text_is_as_before_but_another_filter_was_in_force() {
    // The letters of a field's name search for nothing until Enter.
    let kept = filter("/ status enter");
    assert!(kept.contains("✓ "), "{kept}");
    assert_eq!(filter("/ status enter / ctrl-u status esc"), kept);
}

#[test]
fn pasted_text_is_applied_at_once() {
    let mut shown = Headless::new(&options(), (120, 24));
    for message in load(TRACE) {
        shown.load(message);
    }
    shown.play("/");
    shown.paste("tool:refund ");
    let text = render::text(&shown.draw());
    assert!(text.contains("✓ 1 of 4"), "{text}");
}
