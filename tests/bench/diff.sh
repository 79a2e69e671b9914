#!/bin/sh
# Compares the time and memory of comparing two runs with agx (`cargo install agx-tui`): the same pairs of
# Claude Code sessions, reading included, interleaved, best of 3.
#
#   tests/bench/diff.sh PROGRAM AGX [SIZE...]
set -eu
if [ $# -lt 2 ]; then
    echo "usage: $0 PROGRAM AGX [SIZE...]" >&2
    exit 2
fi
exec python3 - "$@" <<'PYTHON'
import json, os, random, resource, subprocess, sys, tempfile, time

program, agx = sys.argv[1:3]
sizes = [int(size) for size in sys.argv[3:]] or [1_000, 5_000, 30_000]
ROUNDS, TIMEOUT = 3, 300

def call(dice, own):
    """A tool, its arguments and its result. `own` makes them unique to a run."""
    return dice.choice(["Read", "Bash", "Edit", "Grep", "Write"]), {
        "file_path": f"/work/src/module{dice.randrange(40)}/file{dice.randrange(700)}{own}.rs",
        "description": " ".join(f"word{dice.randrange(600)}" for _ in range(12)),
    }, str(dice.randrange(5_000))

def calls(size, seed, own=""):
    dice = random.Random(seed)
    return [call(dice, own) for _ in range(size)]

def edited(run, seed):
    dice = random.Random(seed)
    for one in run:
        kind = dice.randrange(30)
        if kind == 0:
            continue
        yield call(dice, "x") if kind == 1 else one
        if kind == 2:
            yield call(dice, "x")

def write(path, run):
    with open(path, "w") as out:
        parent = None
        def line(kind, at, **more):
            nonlocal parent
            uuid = f"{kind[0]}-{at}"
            out.write(json.dumps({"type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": "s", "cwd": "/work",
                "version": "2.1.0", "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1_790_000_000 + at)), **more}) + "\n")
            parent = uuid
        line("user", 0, message={"role": "user", "content": "Fix it."})
        for at, (tool, args, result) in enumerate(run, 1):
            line("assistant", 2 * at, message={"id": f"m{at}", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
                "content": [{"type": "tool_use", "id": f"c{at}", "name": tool, "input": args}],
                "usage": {"input_tokens": 10, "output_tokens": 5}})
            line("user", 2 * at + 1, message={"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": f"c{at}", "content": result, "is_error": False}]})

def measure(command):
    """Wall-clock seconds and megabytes, or None on timeout."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        done, status, usage = os.wait4(child.pid, os.WNOHANG)
        if done:
            return (time.monotonic() - begin, usage.ru_maxrss / 1024) if status == 0 else None
        if time.monotonic() - begin > TIMEOUT:
            child.kill()
            os.wait4(child.pid, 0)
            return None
        time.sleep(0.002)

def formatted(found):
    return f"{found[0]:8.2f} s {found[1]:7.0f} MB" if found else f"    over {TIMEOUT} s"

with tempfile.TemporaryDirectory() as folder:
    for size in sizes:
        one = calls(size, 1)
        for name, other in [("one in ten edited", list(edited(one, 2))), ("unrelated", calls(size, 3, "y"))]:
            a, b = (os.path.join(folder, f"{side}.jsonl") for side in "ab")
            write(a, one)
            write(b, other)
            ours = [program, "--no-config", "diff", a, b, "--json"]
            peer = [agx, a, "--diff", b]
            best = [None, None]
            for _ in range(ROUNDS):
                for at, command in enumerate([ours, peer]):
                    if _ and best[at] is None:
                        continue
                    found = measure(command)
                    best[at] = min(filter(None, [best[at], found]), default=None)
            print(f"{size:6} calls  {name:18}  ours {formatted(best[0])}   agx {formatted(best[1])}", flush=True)
PYTHON
