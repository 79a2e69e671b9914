#!/bin/sh
# How the CPU time grows with the input: each row is measured with inputs of which every one is twice as large as
# the one before. The least of 3 runs counts. Linear work doubles; a ratio above 2.6 ends with exit code 1.
#
#   tests/bench/growth.sh PROGRAM [ROW...]
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 PROGRAM [ROW...]" >&2
    exit 2
fi
exec python3 - "$@" <<'PYTHON'
import json, os, subprocess, sys, tempfile, zipfile

ROUNDS, DOUBLINGS, MOST = 3, 2, 2.6
program, chosen = os.path.abspath(sys.argv[1]), sys.argv[2:]

def lines(path, records):
    with open(path, "w") as out:
        for record in records:
            out.write(json.dumps(record, separators=(",", ":")) + "\n")

def saferun(count, call=lambda at: {}, result=lambda at: {}, answered=True):
    """One run of calls with their results."""
    def record(kind, at, **more):
        return {"type": kind, "run_id": "r", "ts": f"2026-01-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z", **more}
    yield record("prompt", 0, content="go")
    for at in range(count):
        yield record("tool_call", at, **{"id": f"c{at}", "tool": "look", "args": {"n": at}, **call(at)})
        if answered:
            yield record("tool_result", at, **{"call_id": f"c{at}", "status": "ok", "result": "found", **result(at)})

def depth(folder, count):
    path = os.path.join(folder, "depth.jsonl")
    with open(path, "w") as out:
        out.write("[" * count + "]" * count + "\n")
    return path

def one_id(folder, count):
    path = os.path.join(folder, "one-id.jsonl")
    records = list(saferun(count, lambda at: {"id": "c"}, lambda at: {"call_id": "c"}))
    lines(path, sorted(records, key=lambda it: it["type"] == "tool_result"))
    return path

def sessions(folder, count):
    for at in range(count):
        for name in (f"{at:08}-0000-4000-8000-000000000000", f"agent-{at:08}"):
            head = {"sessionId": f"{at:08}-0000-4000-8000-000000000000", "cwd": "/work", "version": "2.1.0", "timestamp": "2026-01-01T00:00:00.000Z"}
            side = {"isSidechain": True, "agentId": f"{at:08}"} if name.startswith("agent") else {"isSidechain": False}
            lines(os.path.join(folder, name + ".jsonl"), [
                {**head, **side, "type": "user", "uuid": f"{name}-u", "parentUuid": None, "message": {"role": "user", "content": "Fix it."}},
            ])
    return folder

def distinct(key):
    def make(folder, count):
        path = os.path.join(folder, key + ".jsonl")
        lines(path, saferun(count, lambda at: {key: f"{key}-{at}"}))
        return path
    return make

def models(folder, count):
    path = os.path.join(folder, "models.jsonl")
    lines(path, ({"type": "response", "run_id": "r", "ts": "2026-01-01T00:00:00Z", "model": f"model-{at}", "content": "said"} for at in range(count)))
    return path

def unanswered(folder, count):
    path = os.path.join(folder, "unanswered.jsonl")
    lines(path, saferun(count, answered=False))
    return path

def vercel(folder, count):
    path = os.path.join(folder, "chat.json")
    messages = [{"id": f"m{at}", "role": ("user", "assistant")[at % 2], "parts": [{"type": "text", "text": "said " * 20},
        *([{"type": "tool-look", "toolCallId": f"c{at}", "state": "output-available", "input": {"n": at}, "output": "found"}] * (at % 2))]}
        for at in range(count)]
    with open(path, "w") as out:
        json.dump({"id": "chat", "messages": messages}, out)
    return path

def inspect(folder, count):
    path = os.path.join(folder, "log.eval")
    message = [{"role": "user", "content": "go", "id": "1"}, {"role": "assistant", "content": "done", "id": "2"}]
    head = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m", "created": "2026-01-01T00:00:00Z", "run_id": "r", "task_id": "i", "dataset": {"name": "d", "samples": count}, "config": {}}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(head))
        for at in range(count):
            archive.writestr(f"samples/{at}_epoch_1.json", json.dumps({"id": at, "epoch": 1, "input": "go", "target": "x", "messages": message, "events": [],
                "output": {"model": "m", "choices": [{"message": message[1], "stop_reason": "stop"}]}, "scores": {}}))
    return path

def one_trace(folder, count):
    path = os.path.join(folder, "spans.jsonl")
    span = lambda at: {"name": f"step {at}", "span_kind": "TOOL", "parent_id": None if at == 0 else "0" * 16,
        "start_time": f"2026-01-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z", "end_time": f"2026-01-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}.5Z", "status_code": "OK", "events": [],
        "context": {"trace_id": "ab" * 16, "span_id": f"{at:016x}"}, "attributes": {"input.value": json.dumps({"n": at}), "output.value": "found"}}
    lines(path, (span(at) for at in range(count)))
    return path

VERIFY = ["verify", "-q"]
def screen(keys):
    return ["--screenshot", os.devnull, "--force", "--keys", keys]

ROWS = {
    "depth of the first line": (depth, 200_000, VERIFY),
    "calls under one id": (one_id, 25_000, VERIFY),
    "Claude Code folder": (sessions, 500, ["ls", "-q"]),
    "distinct tools, explorer": (distinct("tool"), 10_000, screen("G")),
    "distinct agents": (distinct("agent"), 10_000, VERIFY),
    "distinct models": (models, 10_000, VERIFY),
    "Replay, calls unanswered": (unanswered, 12_500, screen("3 G")),
    "vercel-ui document": (vercel, 50_000, VERIFY),
    "vercel-ui document, Replay": (vercel, 12_500, screen("3 G")),
    "entries of an .eval": (inspect, 2_500, ["query", "-q", "-c", "text:absent"]),
    "spans of one trace": (one_trace, 15_000, VERIFY),
}

def cpu(command):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 4):
        sys.exit(f"{' '.join(command)}: exited with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime

worst = 0
for name, (make, size, options) in ROWS.items():
    if chosen and not any(word in name for word in chosen):
        continue
    took = []
    for step in range(DOUBLINGS + 1):
        with tempfile.TemporaryDirectory() as folder:
            path = make(folder, size << step)
            shot = [option if option != os.devnull else os.path.join(folder, "shot.svg") for option in options]
            arguments = [path, *shot] if shot[0].startswith("--") else [*shot[:2], *shot[2:], path]
            took.append(min(cpu([program, "--no-config", *arguments]) for _ in range(ROUNDS)))
    ratios = [later / earlier for earlier, later in zip(took, took[1:])]
    worst = max(worst, *ratios)
    figures = "  ".join(f"{size << step:>7} {seconds:6.2f} s" for step, seconds in enumerate(took))
    print(f"{name:27} {figures}   {'  '.join(f'x{ratio:.1f}' for ratio in ratios)}", flush=True)
sys.exit(worst > MOST)
PYTHON
