#!/bin/sh
# Fuzzes every reader for some seconds, with its samples as the first inputs.
#
#   cargo install cargo-fuzz
#   tests/fuzz/run.sh SECONDS [READER...]
#
# A stable compiler is enough: only the sanitizers need another one, and the program has no unsafe code of its own.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 SECONDS [READER...]" >&2
    exit 2
fi
seconds=$1
shift
cd "$(dirname "$0")/../.."
if [ $# -eq 0 ]; then
    set -- $(cargo run --quiet -- --no-config formats | sed -n 's/^\([a-z0-9-]*\) .*/\1/p')
fi
cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none reader
fuzzer=tests/fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release/reader
failed=0
log=$(mktemp)
for reader in "$@"; do
    kept=tests/fuzz/corpus/$reader
    mkdir -p "$kept"
    echo "== $reader"
    READER=$reader "$fuzzer" "$kept" "sample-traces/$reader" -max_total_time="$seconds" -max_len=20000 \
        -timeout=20 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 -artifact_prefix="$kept-" > "$log" 2>&1 || failed=1
    sed -n '/stat::number_of_executed_units/p;/stat::new_units_added/p;/panicked/,$p' "$log"
done
rm -f "$log"
exit "$failed"
