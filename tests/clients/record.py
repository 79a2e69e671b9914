"""Records real clients against a scripted model, and compares the trace with what each client saw.

    tests/clients/record.py target/debug/saferun-tui [PYTHON]

PYTHON needs the SDKs (pip install openai anthropic google-genai). Missing ones are skipped and reported."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BINARY = Path(sys.argv[1]).resolve()
PYTHON = sys.argv[2] if len(sys.argv) > 2 else sys.executable
KEY = "sk-planted-0123456789abcdefghijklmnopqrstuv"
failed = []


def check(name, found, expected):
    if found == expected:
        return
    failed.append(name)
    print(f"FAILED {name}\n  found    {json.dumps(found, ensure_ascii=False)}\n  expected {json.dumps(expected, ensure_ascii=False)}")


def environment(port, home):
    base = f"http://127.0.0.1:{port}"
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TERM")}
    return {**keep, "HOME": home, "OPENAI_BASE_URL": f"{base}/v1", "ANTHROPIC_BASE_URL": base,
            "GOOGLE_GEMINI_BASE_URL": base, "OPENAI_API_KEY": KEY, "CODEX_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "GEMINI_API_KEY": KEY}


def record(command, port, home, *options):
    trace = Path(home) / f"{len(list(Path(home).iterdir()))}.jsonl"
    done = subprocess.run([BINARY, "record", "-o", trace, *options, "--", *command], env=environment(port, home),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, cwd=home)
    for path in Path(home).rglob("*"):
        if path.suffix == ".jsonl" and KEY in path.read_text():
            failed.append(f"a key is in {path}")
    return done, [json.loads(line) for line in trace.read_text().splitlines()]


def view(events):
    """Each model call of a trace, in the client's terms."""
    calls = [it for it in events if it["type"] == "tool_call"]
    out = []
    for answer in (it for it in events if it["type"] == "response"):
        own = [[it["id"], it["tool"], it["args"]] for it in calls if it["parent_id"] == answer["id"]]
        usage = answer.get("usage", {})
        out.append({"text": answer.get("content", ""), "calls": own, "input": usage.get("input_tokens"),
                    "output": usage.get("output_tokens")})
    return out


def installed(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode == 0


def sdks(port, home):
    for name, module in (("chat", "openai"), ("responses", "openai"), ("messages", "anthropic"), ("gemini", "google.genai")):
        if not installed(module):
            print(f"skipped: {name} ({module} is not installed for {PYTHON})")
            continue
        told = Path(home) / f"{name}.json"
        done, events = record([PYTHON, HERE / "sdks.py", told, name], port, home)
        if done.returncode:
            failed.append(name)
            print(f"FAILED {name}\n{done.stderr}")
            continue
        seen = [{key: it[key] for key in ("text", "calls", "input", "output")} for it in json.loads(told.read_text())]
        found = view(events)
        if name == "gemini":
            # The API has no ids: ours are generated.
            for call in found[0]["calls"]:
                call[0] = None
        check(name, found, seen)
        results = [it["call_id"] for it in events if it["type"] == "tool_result"]
        check(f"{name}: results", results, [it["id"] for it in events if it["type"] == "tool_call"])
        check(f"{name}: runs", len({it["run_id"] for it in events}), 1)
        check(f"{name}: the end", events[-1]["status"], "ok")
        print(f"{name}: {len(found)} model calls, {sum(len(it['calls']) for it in found)} tool calls")


def limits(port, home):
    """An SDK asks once, and gets the reason."""
    if not installed("openai"):
        return
    script = ("import openai\nclient = openai.OpenAI(api_key='x')\n"
              "ask = lambda: client.chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': 'a'}])\n"
              "ask()\ntry:\n    ask()\nexcept openai.BadRequestError as error:\n    print(error.body['code'])\n")
    done, events = record([PYTHON, "-c", script], port, home, "--max-calls", "1")
    check("breaker: what the SDK says", done.stdout.strip(), "saferun_breaker")
    stops = [it["rule"] for it in events if it["type"] == "policy_decision"]
    check("breaker: asked once", stops, ["max-calls"])


def claude(port, home):
    if not shutil.which("claude"):
        print("skipped: claude (not installed)")
        return
    done, events = record(["claude", "-p", "Read both.", "--allowedTools", "Read"], port, home)
    if done.returncode:
        print(f"claude: exit {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    answers = [it for it in events if it["type"] == "response"]
    runs = {it["run_id"] for it in events if it["type"] in ("response", "tool_call", "tool_result")}
    check("claude: one run", len(runs), 1)
    transcripts = [path for path in Path(home).rglob("*.jsonl") if path.stem in runs]
    check("claude: its own transcript has the id of the run", len(transcripts), 1)
    lines = [json.loads(line) for line in transcripts[0].read_text().splitlines()] if transcripts else []
    said = [it["message"] for it in lines if it.get("type") == "assistant"]
    asked = [block["id"] for it in said for block in it["content"] if block["type"] == "tool_use"]
    check("claude: tool calls", [it["id"] for it in events if it["type"] == "tool_call"], asked)
    print(f"claude: {len(answers)} model calls, {len(asked)} tool calls")


def codex(port, home):
    if not shutil.which("codex"):
        print("skipped: codex (not installed)")
        return
    done, events = record(["codex", "exec", "--skip-git-repo-check", "Read both."], port, home)
    told = next((line.split(": ")[1] for line in done.stderr.splitlines() if line.startswith("session id: ")), "")
    check("codex: its session is the run", sorted({it["run_id"] for it in events}), [told])
    answers = [it.get("content") for it in events if it["type"] == "response"]
    check("codex: what it said", answers, [done.stdout.strip()])
    print(f"codex: {len(answers)} model calls")


def opencode(port, home):
    if not shutil.which("opencode"):
        print("skipped: opencode (not installed)")
        return
    done, events = record(["opencode", "run", "-m", "anthropic/claude-sonnet-4-5", "Read both."], port, home)
    runs = {it["run_id"] for it in events}
    check("opencode: one run, which is its session", [len(runs), all(it.startswith("ses_") for it in runs)], [1, True])
    calls = [it["id"] for it in events if it["type"] == "tool_call"]
    check("opencode: results", [it["call_id"] for it in events if it["type"] == "tool_result"], calls)
    print(f"opencode: {len([it for it in events if it['type'] == 'response'])} model calls, {len(calls)} tool calls")


with tempfile.TemporaryDirectory() as home:
    model = subprocess.Popen([sys.executable, HERE / "fake.py"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(model.stdout.readline())
        sdks(port, home)
        limits(port, home)
        claude(port, home)
        codex(port, home)
        opencode(port, home)
    finally:
        model.terminate()
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
