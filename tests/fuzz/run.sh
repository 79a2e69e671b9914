#!/bin/sh
# Fuzzes each reader for the given number of seconds, seeded with its samples; and two parts of the policy engine: shell
# (the splitter of shell lines) and paths (the matchers of patterns).
#
#   cargo install cargo-fuzz
#   tests/fuzz/run.sh SECONDS [READER|shell|paths...]
#
# A stable compiler is enough: only sanitizers need nightly, and the program has no unsafe code.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 SECONDS [READER|shell|paths...]" >&2
    exit 2
fi
seconds=$1
shift
cd "$(dirname "$0")/../.."
if [ $# -eq 0 ]; then
    set -- $(cargo run --quiet -- --no-config formats | sed -n 's/^\([a-z0-9-]*\) .*/\1/p') shell paths
fi
cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none
fuzzers=tests/fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release
failed=0
log=$(mktemp)
for reader in "$@"; do
    kept=tests/fuzz/corpus/$reader
    mkdir -p "$kept"
    echo "== $reader"
    case $reader in
        shell | paths) fuzzer=$reader seeds=$kept longest=400 ;;
        *) fuzzer=reader seeds=sample-traces/$reader longest=20000 ;;
    esac
    READER=$reader "$fuzzers/$fuzzer" "$kept" "$seeds" -max_total_time="$seconds" -max_len="$longest" \
        -timeout=20 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 -artifact_prefix="$kept-" > "$log" 2>&1 || failed=1
    sed -n '/stat::number_of_executed_units/p;/stat::new_units_added/p;/panicked/,$p' "$log"
done
rm -f "$log"
exit "$failed"
