#!/usr/bin/env python3
"""Coding agents against `serve`: python3 tests/clients/hosts.py [BINARY]

Uses `claude` and `codex` from PATH or from CLIENT_MODULES/node_modules/.bin; missing ones are skipped and reported.
The served answers request one harmless shell command and then report that it is done."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../target/debug/saferun-tui"))
BIN = os.path.join(os.environ.get("CLIENT_MODULES", ""), "node_modules/.bin")
HOSTS = {
    "claude": ("Bash", {"command": "echo served-tool", "description": "Echo"}, ["-p", "say hello", "--dangerously-skip-permissions", "--output-format", "text"]),
    "codex": ("exec_command", {"cmd": "echo served-tool"}, ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "say hello"]),
}
failed = 0


def trace(path, tool, arguments):
    usage = {"input_tokens": 100, "output_tokens": 10}
    lines = [
        {"type": "run_start", "run_id": "r", "agent": "a"},
        {"type": "prompt", "run_id": "r", "role": "user", "content": "say hello"},
        {"type": "response", "run_id": "r", "id": "e1", "model": "m", "content": "Running.", "usage": usage},
        {"type": "tool_call", "run_id": "r", "id": "call_1", "parent_id": "e1", "tool": tool, "args": arguments},
        {"type": "tool_result", "run_id": "r", "call_id": "call_1", "status": "ok", "result": "served-tool"},
        {"type": "response", "run_id": "r", "model": "m", "content": "All done, hello!", "usage": usage},
        {"type": "run_end", "run_id": "r", "status": "ok"},
    ]
    with open(path, "w") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


for host, (tool, arguments, options) in HOSTS.items():
    program = shutil.which(host, path=f"{BIN}:{os.environ['PATH']}")
    if not program:
        print(f"skipped  {host} (not installed)")
        continue
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.jsonl")
        trace(path, tool, arguments)
        home = os.path.join(folder, "home")
        os.mkdir(home)
        env = {"PATH": os.environ["PATH"], "HOME": home, "CODEX_HOME": home, "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1"}
        again = os.path.join(folder, "again.jsonl")
        command = [BINARY, "serve", "--json", path, "-o", again, "--", program, *options]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=home, stdin=subprocess.DEVNULL, timeout=300)
        lines = [line for line in done.stdout.splitlines() if line]
        report = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        good = report.get("served") == 2 and "All done, hello!" in done.stdout
        failed += not good
        print(f"{'passed ' if good else 'FAILED '}  {host}: served {report.get('served')} of 2, stubs {report.get('stubs')}, "
              f"{len(report.get('misses') or [])} misses, exit {done.returncode}")
        if not good or "-v" in sys.argv:
            print(done.stdout[-1500:], done.stderr[-4000:])
        # The same agent on its own recording: its requests are recorded now.
        if good:
            done = subprocess.run([BINARY, "serve", "--json", again, "--", program, *options], capture_output=True, text=True, env=env, cwd=home, stdin=subprocess.DEVNULL, timeout=300)
            lines = [line for line in done.stdout.splitlines() if line]
            report = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
            print(f"         {host} again: class {report.get('class')}, served {report.get('served')} of 2, misses {report.get('misses')}, exit {done.returncode}")
            if "-v" in sys.argv:
                print(done.stderr[-4000:])
sys.exit(bool(failed))
