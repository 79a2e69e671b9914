use serde_json::json;

use super::{Key, Named, Offer, Order, member};
use crate::cli::table::Column;

const NAMED: &[Named] = &[Named::new("cost", "cost_usd", Column::right("COST", 0))];
const OFFER: Offer<'_> = Offer {
    named: NAMED,
    members: &["cost_usd", "cost_source", "cost"],
    open: &["args"],
};

#[test]
fn a_column_is_found_by_its_name_its_member_or_a_path_into_one() {
    let asked = ["cost_usd", "cost_source", "args.amount"].map(str::to_owned);
    let picked = OFFER.pick(&asked).expect("known columns").expect("columns");
    assert_eq!(picked.members(), ["cost_usd", "cost_source", "args.amount"]);
    assert!(picked.has("cost") && picked.needs_record());
}

#[test]
fn an_unknown_column_gets_a_suggestion_and_the_list() {
    let asked = ["costt".to_owned()];
    let error = OFFER.pick(&asked).expect_err("there is no such column");
    assert_eq!(
        error.to_string(),
        "'costt' is not a column · did you mean 'cost'? (known: cost, cost_usd, cost_source)"
    );
}

#[test]
fn a_path_leads_into_objects_and_lists() {
    let record = json!({"args": {"items": [{"price": 4}], "a.b": 1}, "usage": {"total_tokens": 7}});
    assert_eq!(member(&record, "args.items.0.price"), Some(&json!(4)));
    assert_eq!(member(&record, "args.a.b"), Some(&json!(1)));
    assert_eq!(member(&record, "total_tokens"), Some(&json!(7)));
    assert_eq!(member(&record, "args.none"), None);
}

#[test]
fn values_that_are_not_recorded_sort_last_in_both_directions() {
    let sorted = |text| {
        let order = Order::parse(text, &["cost"]).expect("a column");
        let mut rows = vec![None, Some(1.0), Some(3.0), Some(2.0)];
        order.sort(&mut rows, |row| row.map(Key::Number));
        rows
    };
    assert_eq!(sorted("cost"), [Some(1.0), Some(2.0), Some(3.0), None]);
    assert_eq!(sorted("-cost"), [Some(3.0), Some(2.0), Some(1.0), None]);
}
