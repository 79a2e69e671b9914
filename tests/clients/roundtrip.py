"""Records an agent, serves the recording to the same agent, and expects the same run again.

    CLIENT_MODULES=FOLDER tests/clients/roundtrip.py target/debug/saferun-tui [PYTHON]

The agents are the SDKs of sdks.py, in PYTHON, and Claude Code, Codex and OpenCode where they are in PATH. What is
missing is skipped and reported."""
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
# OpenCode asks for a title while it asks for the answer: which comes first differs from run to run.
CONCURRENT = ("opencode",)
failed, skipped = [], []


def environment(port, home):
    base = f"http://127.0.0.1:{port}"
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TERM")}
    return {**keep, "HOME": str(home), "OPENAI_BASE_URL": f"{base}/v1", "ANTHROPIC_BASE_URL": base, "IS_SANDBOX": "1",
            "GOOGLE_GEMINI_BASE_URL": base, "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            **{name: KEY for name in ("OPENAI_API_KEY", "CODEX_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")}}


def run(arguments, port, home):
    done = subprocess.run([BINARY, *arguments], env=environment(port, home), cwd=home, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=180)
    return done


def round_trip(name, command, port, home):
    """`seen.json`, if the agent writes it, is what it saw."""
    first, again = home / f"{name}.jsonl", home / f"{name}-again.jsonl"
    recorded = run(["record", "-o", first, "--", *command], port, home)
    seen = (home / "seen.json").read_text() if (home / "seen.json").exists() else recorded.stdout
    # Port 1: nothing but the recording answers.
    served = run(["serve", "--json", first, "-o", again, "--", *command], 1, home)
    lines = [line for line in served.stdout.splitlines() if line.startswith("{")]
    report = json.loads(lines[-1]) if lines else {}
    calls = sum(json.loads(line)["type"] == "response" for line in first.read_text().splitlines())
    aligned = next((line for line in served.stderr.splitlines() if line.startswith("alignment")), "no alignment")
    aligned = " ".join(aligned.split())
    now = (home / "seen.json").read_text() if (home / "seen.json").exists() else None
    is_same = aligned.startswith("alignment same") or (name in CONCURRENT and " miss" not in aligned)
    good = calls and report.get("served") == calls and not report.get("misses") and is_same and now in (None, seen)
    print(f"{'ok    ' if good else 'FAILED'} {name}: {calls} model calls, class {report.get('class')}, "
          f"served {report.get('served')}, {len(report.get('misses') or [])} misses, {aligned}", flush=True)
    if not good:
        failed.append(name)
        print(recorded.stderr[-800:], served.stderr[-2500:], sep="\n")


def has(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode == 0


with tempfile.TemporaryDirectory() as folder:
    home = Path(folder)
    model = subprocess.Popen([sys.executable, HERE / "fake.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(model.stdout.readline())
        for name, module in (("chat", "openai"), ("responses", "openai"), ("messages", "anthropic"), ("gemini", "google.genai")):
            if has(module):
                round_trip(name, [PYTHON, HERE / "sdks.py", home / "seen.json", name], port, home)
                (home / "seen.json").unlink(missing_ok=True)
            else:
                skipped.append(f"{name} ({module} is not installed for {PYTHON})")
        for program, options in (("claude", ["-p", "Read both.", "--allowedTools", "Read"]),
                                 ("codex", ["exec", "--skip-git-repo-check", "Read both."]),
                                 ("opencode", ["run", "-m", "anthropic/claude-sonnet-4-5", "Read both."])):
            if shutil.which(program):
                round_trip(program, [program, *options], port, home)
            else:
                skipped.append(f"{program} (not installed)")
    finally:
        model.terminate()
for what in skipped:
    print(f"skipped {what}")
sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
