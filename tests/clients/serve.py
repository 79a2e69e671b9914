#!/usr/bin/env python3
"""Real SDKs against `serve` and `mcp-serve`: python3 tests/clients/serve.py [BINARY]

Needs the SDKs in the Python that runs it (openai, anthropic, google-genai, mcp), and for JavaScript a folder with
node_modules in CLIENT_MODULES (openai, @anthropic-ai/sdk, @google/genai). Missing ones are skipped and reported. Nothing leaves
this machine. Ends with 1 if something failed."""
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../target/debug/saferun-tui"))
QUESTION = "What is the weather in Zürich? 🌧"
ANSWER = "Regen in Zürich: nimm den Schirm ☂ mit, und zwar den großen."
RESULT = "rain in Zürich"
failures, skipped, passed = [], [], 0


def events(requests):
    """A run of two model calls and a tool call; `requests` are the recorded bodies, or none."""
    def response(at, **members):
        body = {"request": requests[at]} if requests else {}
        return {"type": "response", "run_id": "r", "model": "m", "usage": {"input_tokens": 30 + at, "output_tokens": 9}, **members, **body}
    return [
        {"type": "run_start", "run_id": "r", "agent": "a", "model": "m"},
        {"type": "prompt", "run_id": "r", "role": "user", "content": QUESTION},
        response(0, id="r1", content="I look."),
        {"type": "tool_call", "run_id": "r", "id": "call_1", "parent_id": "r1", "tool": "weather", "args": {"city": "Zürich"}},
        {"type": "tool_result", "run_id": "r", "call_id": "call_1", "status": "ok", "result": RESULT},
        response(1, id="r2", content=ANSWER),
        {"type": "run_end", "run_id": "r", "status": "ok"},
    ]


def write(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def serve(arguments, env=None):
    """Exit code, what was printed, and the report."""
    env = {**os.environ, **(env or {})}
    done = subprocess.run([BINARY, "serve", "--json", *arguments], capture_output=True, text=True, env=env, timeout=120)
    lines = [line for line in done.stdout.splitlines() if line]
    report = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None
    printed = "\n".join(lines[:-1] if report else lines)
    return done.returncode, printed, report, done.stderr


def check(name, condition, told=""):
    global passed
    if condition:
        passed += 1
    else:
        failures.append(name)
        print(f"FAILED   {name}\n{told}")


def agent(language, api, mode):
    program = [sys.executable, f"{HERE}/agent.py"] if language == "py" else ["node", f"{HERE}/agent.mjs"]
    return ["--", *program, api, *([mode] if mode else [])]


def sdk(folder, language, api, mode):
    name = f"{language} {api} {mode or 'plain'}"
    loose = write(folder, "loose.jsonl", events(None))
    code, printed, report, err = serve([loose, *agent(language, api, mode)])
    check(f"{name}: by order", code == 0 and printed == ANSWER, f"{code} {printed}\n{err[-3000:]}")
    # Its requests are recorded: it must repeat them, whether streamed or not.
    again = os.path.join(folder, "again.jsonl")
    code, printed, report, err = serve([loose, "-o", again, "--force", *agent(language, api, mode)])
    for other in ("", "stream"):
        code, printed, report, err = serve([again, *agent(language, api, other)])
        check(f"{name}: exactly, then {other or 'plain'}", code == 0 and report and report["class"] == "A" and report["served"] == 2,
              f"{code} {printed} {report}\n{err[-3000:]}")
    code, printed, report, err = serve([again, *agent(language, api, mode)], {"WEATHER": "snow"})
    found = report and report["misses"] and report["misses"][0]
    check(f"{name}: another result is a miss, asked once", code == 3 and found and len(report["misses"]) == 1 and "snow" in (found["got"] or ""),
          f"{code} {printed} {report}\n{err[-3000:]}")
    code, printed, report, err = serve([loose, *agent(language, api, mode)], {"WEATHER": "snow"})
    check(f"{name}: another result is a difference", code == 1 and report["diff"]["cause"] in ("result", "outcome") and printed == ANSWER,
          f"{code} {printed} {report}\n{err[-3000:]}")


def mcp(folder):
    calls = [
        {"type": "run_start", "run_id": "r", "agent": "a"},
        {"type": "tool_call", "run_id": "r", "id": "c", "tool": "mcp__shop__look", "args": {"at": "a"}},
        {"type": "tool_result", "run_id": "r", "call_id": "c", "status": "ok", "result": "seen"},
    ]
    path = write(folder, "tools.jsonl", calls)
    expected = [["look"], "seen", True]
    done = subprocess.run([sys.executable, f"{HERE}/mcp_client.py", "stdio", BINARY, "mcp-serve", path], capture_output=True, text=True, timeout=60)
    check("mcp over stdio", done.stdout.strip() == json.dumps(expected), done.stdout + done.stderr[-2000:])
    server = subprocess.Popen([BINARY, "serve", "--mcp", path, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    url = re.search(r"http://\S+", server.stderr.readline()).group(0)
    done = subprocess.run([sys.executable, f"{HERE}/mcp_client.py", "http", url], capture_output=True, text=True, timeout=60)
    server.send_signal(signal.SIGINT)
    check("mcp over http", done.stdout.strip() == json.dumps(expected), done.stdout + done.stderr[-2000:])
    check("the exit code reports a call without a result", server.wait(timeout=30) == 3)


def has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


with tempfile.TemporaryDirectory() as folder:
    for module, api in (("openai", "chat"), ("openai", "responses"), ("anthropic", "messages"), ("google.genai", "gemini")):
        if not has(module):
            skipped.append(f"{api} (no {module} for {sys.executable})")
            continue
        for mode in ("", "stream"):
            sdk(folder, "py", api, mode)
    modules = os.environ.get("CLIENT_MODULES", "")
    for module, api in (("openai", "chat"), ("openai", "responses"), ("@anthropic-ai/sdk", "messages"), ("@google/genai", "gemini")):
        if not os.path.isdir(os.path.join(modules, "node_modules", module)):
            skipped.append(f"{api} in JavaScript (no {module} in CLIENT_MODULES)")
            continue
        for mode in ("", "stream"):
            sdk(folder, "js", api, mode)
    if has("mcp"):
        mcp(folder)
    else:
        skipped.append("mcp (not installed)")

for what in skipped:
    print(f"skipped  {what}")
print(f"{passed} passed, {len(failures)} failed, {len(skipped)} skipped")
sys.exit(bool(failures))
