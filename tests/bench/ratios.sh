#!/bin/sh
# The CPU and wall-clock time of indexing, relative to `wc -l` and (if python3 has duckdb) to DuckDB's typed
# read_json with a filter: interleaved, best of 5, so that the ratios hold on any machine.
#
#   tests/bench/ratios.sh PROGRAM FILE...
set -eu
if [ $# -lt 2 ]; then
    echo "usage: $0 PROGRAM FILE..." >&2
    exit 2
fi
exec python3 - "$@" <<'PYTHON'
import os, subprocess, sys, time

ROUNDS = 5
program, files = sys.argv[1], sys.argv[2:]

DUCKDB = """
import sys, duckdb
connection = duckdb.connect()
connection.execute("set threads = 2")
connection.execute('''
    select count(*) from read_json(?, format = 'newline_delimited', maximum_object_size = 67108864,
        ignore_errors = true, columns = {type: 'VARCHAR', run_id: 'VARCHAR', id: 'VARCHAR',
        call_id: 'VARCHAR', ts: 'VARCHAR', agent: 'VARCHAR', tool: 'VARCHAR', model: 'VARCHAR',
        status: 'VARCHAR', cost_usd: 'DOUBLE', duration_ms: 'DOUBLE'})
    where type = 'tool_result' and status = 'error'
''', [sys.argv[1]]).fetchall()
"""


def measure(command):
    """CPU seconds, wall-clock seconds and peak MB."""
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - begun
    if status != 0:
        sys.exit(f"{command[0]} {command[-1]}: exited with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024


def has_duckdb():
    found = subprocess.run([sys.executable, "-c", "import duckdb"], stderr=subprocess.DEVNULL)
    return found.returncode == 0


for file in files:
    commands = {"wc -l": ["wc", "-l", file], "indexing": [program, "verify", "-q", file]}
    if has_duckdb():
        commands["duckdb"] = [sys.executable, "-c", DUCKDB, file]
    rounds = [{name: measure(command) for name, command in commands.items()} for _ in range(ROUNDS)]
    print(f"{file} ({os.path.getsize(file) / 1e6:.0f} MB)")
    least = {name: [min(turn[name][at] for turn in rounds) for at in range(3)] for name in commands}
    for name, (cpu, wall, memory) in least.items():
        ratio = f"   indexing takes {least['indexing'][0] / cpu:.2f} x the CPU, {least['indexing'][1] / wall:.2f} x the time"
        print(f"  {name:9} {cpu:7.3f} s CPU {wall:7.3f} s {memory:6.0f} MB{ratio if name != 'indexing' else ''}")
PYTHON
