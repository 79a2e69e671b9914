"""Talks to a scripted model with observed clients in Python and JavaScript, streaming, breaking off, concurrently and in
a wrapped function, and compares the traces with what the clients saw.

    CLIENT_MODULES=FOLDER tests/clients/observe.py [PYTHON]

PYTHON needs openai, anthropic and google-genai, and for the frameworks openai-agents, langchain-openai, langchain-anthropic
and pydantic-ai; FOLDER/node_modules needs openai, @anthropic-ai/sdk and @google/genai, and
may have ai and @ai-sdk/openai. What is missing is skipped, and the last line says so."""
import json
import os
import shutil
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

FRAMEWORKS = r'''
import saferun
from saferun import guarded, observe
from agents import Agent as Assistant, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
set_tracing_disabled(True)

@guarded
def read(path: str) -> str:
    "Reads a file."
    return "contents of " + path

observe(ChatOpenAI(model="gpt-4o")).invoke("One.")
observe(ChatAnthropic(model="claude-sonnet-4-5")).invoke("Two.")
with saferun.run(task="pydantic"):
    agent = Agent(OpenAIChatModel("gpt-4o"))
    agent.tool_plain(read)
    observe(agent).run_sync("Read both.")
with saferun.run(task="openai"):
    assistant = Assistant(name="a", model=OpenAIResponsesModel("gpt-5", AsyncOpenAI()), tools=[function_tool(read)])
    Runner.run_sync(observe(assistant), "Read both of them.")
'''

failed = []


def check(name, found, expected):
    if found != expected:
        failed.append(name)
        print(f"FAILED {name}\n  found    {found}\n  expected {expected}")


FILES = HERE.parent.parent / "src/act/observe"
MODULES = os.environ.get("CLIENT_MODULES", "")


def play(command, port, home, name):
    trace = Path(home) / f"{name}.jsonl"
    base = f"http://127.0.0.1:{port}"
    environment = {"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": f"{FILES}:{HERE}", "SAFERUN_TRACE": str(trace),
                   "SAFERUN_GUARD": "off", "OPENAI_BASE_URL": f"{base}/v1", "ANTHROPIC_BASE_URL": base,
                   "GOOGLE_GEMINI_BASE_URL": base, "OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "GEMINI_API_KEY": KEY,
                   "CLIENT_MODULES": MODULES}
    if has_modules("ai", "@ai-sdk/openai"):
        environment["AI_SDK"] = "1"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, cwd=home)
    if done.returncode:
        sys.exit(f"FAILED {name}: {done.stderr[-3000:]}")
    text = trace.read_text()
    check(f"{name}: no key is written", KEY in text, False)
    check(f"{name}: only the user may read it", oct(trace.stat().st_mode & 0o777), "0o600")
    return done.stdout, [json.loads(line) for line in text.splitlines()]


def of(events, kind):
    return [it for it in events if it["type"] == kind]


def python(script):
    paths = [str(HERE), str(FILES)]
    return [PYTHON, "-c", f"import sys\nsys.path[:] = [sys.path[0]] + {paths} + sys.path[1:]\n{script}"]


def node(what):
    return ["node", HERE / "observe.mjs", what, FILES / "saferun.mjs", "seen.json"]


def has_modules(*names):
    return all((Path(MODULES) / "node_modules" / name).is_dir() for name in names) if MODULES else False


def same(command, port, home, language):
    """Every call is recorded as its client saw it."""
    name = f"same in {language}"
    _, events = play(command, port, home, name)
    seen = json.loads((Path(home) / "seen.json").read_text())
    told = []
    for answer in of(events, "response"):
        calls = [[it["tool"], it["args"]] for it in of(events, "tool_call") if it["parent_id"] == answer["id"]]
        usage = answer["usage"]
        told.append([answer.get("content", ""), calls, usage["input_tokens"], usage["output_tokens"]])
    check(name, told, [[it["text"], [call[1:] for call in it["calls"]], it["input"], it["output"]] for it in seen])
    check(f"{name}: results", len(of(events, "tool_result")), len(of(events, "tool_call")))
    print(f"{name}: {len(told)} model calls as their clients saw them")


def rest(command, port, home, language):
    name = f"rest in {language}"
    out, events = play(command, port, home, name)
    runs = {it["run_id"]: it.get("task") for it in of(events, "run_start")}
    calls = [it["id"] for it in of(events, "tool_call") if runs[it["run_id"]] is None]
    check(f"{name}: calls are recorded once", calls, ["call_0", "call_1"])
    results = [[it["call_id"], it["result"]] for it in of(events, "tool_result")]
    by_sdk = [it for it in results if it[0].startswith("call_")]
    check(f"{name}: so are results", by_sdk[:2], [["call_0", "contents of 0.txt"], ["call_1", "contents of 1.txt"]])
    check(f"{name}: prompts stay in their runs",
          {task: content for task, content in asked(events, runs) if task != "ai"}, {f"t{n}": f"q{n}" for n in range(5)})
    check(f"{name}: a broken stream", of(events, "response")[-1]["finish_reason"], "cut")
    check(f"{name}: the end", events[-1]["type"], "run_end")
    print(f"{name}: {len(of(events, 'response'))} model calls in {len(runs)} runs")
    return out, events, runs


def frameworks(port, home):
    """Models are observed in the clients inside, tools in the functions."""
    _, events = play(python(FRAMEWORKS), port, home, "frameworks")
    for it in of(events, "run_start"):
        mine = [event for event in events if event["run_id"] == it["run_id"]]
        texts = [event["content"] for event in of(mine, "response") if event.get("content")]
        name = it.get("task", "LangChain")
        check(f"{name}: texts", texts, ["Grüße 🙂, done."] * (1 if "task" in it else 2))
        results = [] if name == "LangChain" else ["contents of 0.txt", "contents of 1.txt"]
        check(f"{name}: results", [event["result"] for event in of(mine, "tool_result")], results)
    print(f"frameworks: {len(of(events, 'response'))} model calls, {len(of(events, 'tool_call'))} tool calls")


def asked(events, runs):
    return [(runs[it["run_id"]], it["content"]) for it in of(events, "prompt") if runs[it["run_id"]]]


skipped = []
with tempfile.TemporaryDirectory() as home:
    model = subprocess.Popen([sys.executable, HERE / "fake.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(model.stdout.readline())
        if subprocess.run([PYTHON, "-c", "import openai, anthropic, google.genai"], capture_output=True).returncode:
            skipped.append(f"Python (openai, anthropic or google-genai is not installed for {PYTHON})")
        else:
            same(python(SAME), port, home, "Python")
            out, events, runs = rest(python(REST), port, home, "Python")
            check("rest in Python: what is refused", out, "refused\n")
            check("rest in Python: a child of fork", len(of(events, "note")), 1)
        modules = "agents, langchain_anthropic, langchain_openai, pydantic_ai"
        if subprocess.run([PYTHON, "-c", f"import {modules}"], capture_output=True).returncode:
            skipped.append(f"frameworks (not all of {modules} are installed for {PYTHON})")
        else:
            frameworks(port, home)
        if not shutil.which("node") or not has_modules("openai", "@anthropic-ai/sdk", "@google/genai"):
            skipped.append("JavaScript (no node, or no openai, @anthropic-ai/sdk and @google/genai in CLIENT_MODULES)")
        else:
            same(node("same"), port, home, "JavaScript")
            _, events, runs = rest(node("rest"), port, home, "JavaScript")
            ai = [it for it in events if runs[it["run_id"]] == "ai"]
            if ai:
                check("AI SDK: calls", [it["id"] for it in of(ai, "tool_call")], ["call_0", "call_1"])
                check("AI SDK: results", [it["result"] for it in of(ai, "tool_result")], ["contents of 0.txt", "contents of 1.txt"])
                check("AI SDK: model calls", len(of(ai, "response")), 2)
            else:
                skipped.append("AI SDK (no ai and @ai-sdk/openai in CLIENT_MODULES)")
    finally:
        model.terminate()
for what in skipped:
    print(f"skipped: {what}")
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
