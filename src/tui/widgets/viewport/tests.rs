use proptest::prelude::{Strategy, any, prop, proptest};

use super::{Extent, Viewport};

#[derive(Debug, Clone)]
enum Move {
    To(usize),
    Centre(usize),
    Page(isize),
    Rows(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = proptest::prop_oneof![
        (0usize..60).prop_map(Move::To),
        any::<usize>().prop_map(Move::To),
        (0usize..60).prop_map(Move::Centre),
        (-30isize..30).prop_map(Move::Page),
        (0usize..12).prop_map(Move::Rows),
    ];
    prop::collection::vec(one, 1..20)
}

proptest! {
    #[test]
    fn the_selected_item_is_always_on_the_screen(
        heights in prop::collection::vec(1usize..6, 0..40),
        moves in moves(),
    ) {
        let height = |item: usize| heights[item];
        let (mut view, mut rows) = (Viewport::default(), 5);
        for step in moves {
            let extent = |rows| Extent { len: heights.len(), rows, height: &height };
            match step {
                Move::To(item) => view.cursor = item,
                Move::Centre(item) => { view.cursor = item; view.centre(&extent(rows)); }
                Move::Page(by) => { view.settle(&extent(rows)); view.page(&extent(rows), by); }
                Move::Rows(new) => rows = new,
            }
            let extent = extent(rows);
            view.settle(&extent);
            let seen: Vec<_> = view.visible(&extent).collect();
            if rows > 0 && !heights.is_empty() {
                let found = seen.iter().find(|visible| visible.item == view.cursor).expect("on the screen");
                assert!(found.row + height(view.cursor) <= rows || found.row == 0);
                assert!(found.skip == 0);
            }
            assert!(seen.windows(2).all(|pair| pair[1].item == pair[0].item + 1));
            assert!(seen.iter().all(|visible| visible.row < rows));
        }
    }
}

#[test]
fn moving_down_scrolls_by_the_rows_that_are_missing() {
    let height = |item: usize| if item == 1 { 3 } else { 1 };
    let extent = Extent {
        len: 10,
        rows: 4,
        height: &height,
    };
    let mut view = Viewport {
        cursor: 2,
        ..Viewport::default()
    };
    view.settle(&extent);
    assert_eq!((view.top, view.skip), (1, 0));
    view.cursor = 3;
    view.settle(&extent);
    assert_eq!((view.top, view.skip), (1, 1));
}

#[test]
fn a_page_down_and_up_comes_back() {
    let height = |_: usize| 1;
    let extent = Extent {
        len: 100,
        rows: 10,
        height: &height,
    };
    let mut view = Viewport::default();
    view.page(&extent, 10);
    assert_eq!(view.cursor, 10);
    view.page(&extent, -10);
    assert_eq!((view.cursor, view.top()), (0, 0));
}

#[test]
fn no_row_stays_empty_below_the_end_while_others_are_above() {
    let height = |_: usize| 1;
    let extent = |rows| Extent {
        len: 100,
        rows,
        height: &height,
    };
    let mut view = Viewport {
        cursor: 99,
        ..Viewport::default()
    };
    view.centre(&extent(10));
    assert_eq!(view.top(), 90);
    view.settle(&extent(30));
    assert_eq!(view.top(), 70);
}
