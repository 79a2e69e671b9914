use saferun_tui::{
    ingest::{discover, loader, prices::PriceTable},
    store::Store,
};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let t = std::time::Instant::now();
    let (inputs, _) = discover::resolve(&[path.into()]);
    let rx = loader::start(inputs, loader::Options::new(PriceTable::built_in()));
    let (store, errors) = Store::load(rx);
    println!(
        "{:?} actions {} runs {} symbols {} errors {:?}",
        t.elapsed(),
        store.len(),
        store.runs().len(),
        store.symbols().len(),
        errors
    );
    println!(
        "{:?}",
        store.account(saferun_tui::model::action::SourceIx(0))
    );
    println!(
        "{:?}",
        store
            .runs()
            .iter()
            .map(|r| r.totals.tool_calls)
            .sum::<u32>()
    );
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmHWM"))
            .collect::<String>()
    );
}
