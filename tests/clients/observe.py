"""Talks to a scripted model with observed clients, streaming, breaking off, concurrently and in a
wrapped function, and compares the trace with what the clients saw.

    tests/clients/observe.py [PYTHON]

PYTHON needs openai, anthropic and google-genai; without them the test is skipped."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.argv[1] if len(sys.argv) > 1 else sys.executable
KEY = "sk-planted-0123456789abcdefghijklmnopqrstuv"

SAME = r'''
import runpy, sys
import saferun, openai, anthropic
from google import genai
for module, name in ((openai, "OpenAI"), (anthropic, "Anthropic"), (genai, "Client")):
    class Observed(getattr(module, name)):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            saferun.observe(self, service="svc", env="test")
    setattr(module, name, Observed)
sys.argv = ["sdks.py", "seen.json", "chat", "responses", "messages", "gemini"]
runpy.run_path(sys.path[1] + "/sdks.py", run_name="__main__")
'''

REST = r'''
import asyncio, json, os
import saferun, openai
client = saferun.observe(openai.OpenAI(), service="svc")
assert saferun.observe(client) is client
many = saferun.observe(openai.AsyncOpenAI())
tools = [{"type": "function", "function": {"name": "read"}}]

@saferun.guarded
def read(path):
    return "contents of " + path

history = [{"role": "user", "content": "Read both."}]
first = client.chat.completions.create(model="gpt-4o", messages=history, tools=tools)
history.append(first.choices[0].message.model_dump(exclude_none=True))
for call in first.choices[0].message.tool_calls:
    out = read(**json.loads(call.function.arguments))
    history.append({"role": "tool", "tool_call_id": call.id, "content": out})
client.chat.completions.create(model="gpt-4o", messages=history, tools=tools)
raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=[{"role": "user", "content": "raw"}])
assert raw.status_code == 200 and raw.parse().choices[0].message.content

async def one(n):
    with saferun.run(task=f"t{n}"):
        stream = await many.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"q{n}"}], stream=True)
        return "".join([piece.choices[0].delta.content or "" async for piece in stream if piece.choices])

async def all_of_them():
    return await asyncio.gather(*(one(n) for n in range(5)))

assert len(set(asyncio.run(all_of_them()))) == 1
for _ in client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "early"}], stream=True):
    break
if os.fork() == 0:
    saferun._trace.tell("note", content="of a child")
    os._exit(0)
os.wait()
try:
    saferun.observe(object())
except TypeError:
    print("refused")
'''

failed = []


def check(name, found, expected):
    if found != expected:
        failed.append(name)
        print(f"FAILED {name}\n  found    {found}\n  expected {expected}")


def play(script, port, home, name):
    trace = Path(home) / f"{name}.jsonl"
    base = f"http://127.0.0.1:{port}"
    files = HERE.parent.parent / "src/act/observe"
    environment = {"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": f"{files}:{HERE}", "SAFERUN_TRACE": str(trace),
                   "SAFERUN_GUARD": "off", "OPENAI_BASE_URL": f"{base}/v1", "ANTHROPIC_BASE_URL": base,
                   "GOOGLE_GEMINI_BASE_URL": base, "OPENAI_API_KEY": KEY}
    script = f"import sys\nsys.path[:] = [sys.path[0]] + {[str(HERE), str(files)]} + sys.path[1:]\n{script}"
    done = subprocess.run([PYTHON, "-c", script], env=environment, capture_output=True, text=True, timeout=200, cwd=home)
    if done.returncode:
        sys.exit(f"FAILED {name}: {done.stderr[-3000:]}")
    text = trace.read_text()
    check(f"{name}: no key is written", KEY in text, False)
    check(f"{name}: only the user may read it", oct(trace.stat().st_mode & 0o777), "0o600")
    return done.stdout, [json.loads(line) for line in text.splitlines()]


def of(events, kind):
    return [it for it in events if it["type"] == kind]


missing = subprocess.run([PYTHON, "-c", "import openai, anthropic, google.genai"], capture_output=True).returncode
if missing:
    sys.exit(f"skipped: openai, anthropic or google-genai is not installed for {PYTHON}")
with tempfile.TemporaryDirectory() as home:
    model = subprocess.Popen([sys.executable, HERE / "fake.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(model.stdout.readline())
        _, events = play(SAME, port, home, "same")
        seen = json.loads((Path(home) / "seen.json").read_text())
        told = []
        for answer in of(events, "response"):
            calls = [[it["tool"], it["args"]] for it in of(events, "tool_call") if it["parent_id"] == answer["id"]]
            usage = answer["usage"]
            told.append([answer.get("content", ""), calls, usage["input_tokens"], usage["output_tokens"]])
        check("same", told, [[it["text"], [call[1:] for call in it["calls"]], it["input"], it["output"]] for it in seen])
        check("same: results", len(of(events, "tool_result")), len(of(events, "tool_call")))
        print(f"same: {len(told)} model calls as their clients saw them")
        out, events = play(REST, port, home, "rest")
        check("rest", out, "refused\n")
        check("rest: calls are recorded once", [it["id"] for it in of(events, "tool_call")], ["call_0", "call_1"])
        results = [[it["call_id"], it["result"]] for it in of(events, "tool_result")]
        check("rest: so are results", results, [["call_0", "contents of 0.txt"], ["call_1", "contents of 1.txt"]])
        runs = {it["run_id"]: it.get("task") for it in of(events, "run_start")}
        check("rest: runs", sorted(str(it) for it in runs.values()), ["None", "t0", "t1", "t2", "t3", "t4"])
        asked = {runs[it["run_id"]]: it["content"] for it in of(events, "prompt") if runs[it["run_id"]]}
        check("rest: prompts stay in their runs", asked, {f"t{n}": f"q{n}" for n in range(5)})
        check("rest: a broken stream", of(events, "response")[-1]["finish_reason"], "cut")
        check("rest: a child of fork", len(of(events, "note")), 1)
        check("rest: the end", events[-1]["type"], "run_end")
        print(f"rest: {len(of(events, 'response'))} model calls in {len(runs)} runs")
    finally:
        model.terminate()
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
