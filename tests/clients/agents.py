#!/usr/bin/env python3
"""Real agents against a scripted model, each once through `record`: what they asked, ran and said is in the trace once,
and no key. Each recording is then served to the same agent, which must do the same again.

    CLIENT_SEEDS=FOLDER tests/clients/agents.py target/debug/saferun-tui [CLIENT…]

Clients are those of guard.py, taken from PATH; a missing one is skipped, and the last line says so."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fake_model import Model  # noqa: E402
from guard import CLIENTS, SECRET  # noqa: E402

COMMAND = "echo recorded-here"
USAGE = {"input_tokens": 10, "output_tokens": 5}
# It asks for a title while it asks for the answer: which comes first differs from run to run.
CONCURRENT = ("opencode",)


def of(events, kind):
    return [event for event in events if event["type"] == kind]


def faults(client, events, text, asked):
    """What is not as it should be in a trace, by name."""
    calls = [it for it in of(events, "tool_call") if it["tool"] == client.tool]
    results = of(events, "tool_result")
    answers = of(events, "response")
    usage = [{name: it.get("usage", {}).get(name) for name in USAGE} for it in answers]
    checks = {
        "the call": [it["args"].get(client.argument) for it in calls] == [COMMAND],
        "its result": [it["call_id"] for it in results] == [it["id"] for it in calls],
        "what the tool said": all("recorded-here" in json.dumps(it["result"]) for it in results),
        "what the model said": "Done." in [it.get("content") for it in answers],
        "model calls": len(answers) == asked,
        "tokens": all(it == USAGE for it in usage),
        "one run": len({it["run_id"] for it in events}) == 1,
        "the end": of(events, "run_end")[-1:] and of(events, "run_end")[-1]["status"] == "ok",
        "no key": SECRET not in text,
    }
    return [name for name, is_good in checks.items() if not is_good]


class Home:
    """A private home, in which a client runs under our program."""

    def __init__(self, client, binary, folder):
        self.client, self.binary, self.path = client, binary, pathlib.Path(folder)
        client.prepare(self.path)
        (self.path / "work").mkdir()

    def run(self, url, command):
        environment = {"HOME": str(self.path), "PATH": os.environ["PATH"], "TERM": "dumb", "NO_COLOR": "1",
                       "OPENAI_BASE_URL": f"{url}/v1", **self.client.environment(url)}
        options = self.client.arguments(url)
        if self.client.name == "codex":
            # Our adapter points it to the proxy, and there are no hooks to trust.
            options = [it for it in options if it not in ("-c", "--dangerously-bypass-hook-trust") and "base_url" not in it]
        return subprocess.run([self.binary, *command, "--", self.client.program, *options], env=environment, cwd=self.path / "work",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)

    def record(self, trace):
        model = Model({self.client.tool: {self.client.argument: COMMAND, **self.client.more}})
        ran = self.run(model.url, ["record", "-o", trace])
        text = trace.read_text()
        asked = [path for path, _ in model.seen if "ount" not in path.split("?")[0].rsplit("/", 1)[-1]]
        return ran, faults(self.client, [json.loads(line) for line in text.splitlines()], text, len(asked))

    def serve(self, trace):
        """The alignment of the recording with what the same agent does when it is served."""
        # Port 1: nothing but the recording answers.
        ran = self.run("http://127.0.0.1:1", ["serve", "--json", trace, "-o", self.path / "again.jsonl"])
        aligned = next((line for line in ran.stderr.splitlines() if line.startswith("alignment")), "no alignment")
        return ran, " ".join(aligned.split())


def check(client, binary):
    with tempfile.TemporaryDirectory() as folder:
        home = Home(client, binary, folder)
        trace = home.path / "t.jsonl"
        ran, wrong = home.record(trace)
        again, aligned = home.serve(trace)
        is_same = aligned.startswith("alignment same") or (client.name in CONCURRENT and " miss" not in aligned)
        is_good = not wrong and is_same
        print(f"{'ok  ' if is_good else 'FAIL'} {client.name} {client.version()}: {ran.stderr.strip().splitlines()[-1:]} · {aligned}"
              f"{' · wrong: ' + ', '.join(wrong) if wrong else ''}", flush=True)
        if not is_good:
            print(ran.stdout[-500:], ran.stderr[-1500:], again.stderr[-2500:], trace.read_text()[-3000:], sep="\n", flush=True)
        return is_good


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    wanted = [it for it in CLIENTS if not sys.argv[2:] or it.name in sys.argv[2:]]
    found = [it for it in wanted if shutil.which(it.program)]
    for client in wanted:
        if client not in found:
            print(f"skipped: {client.name} ({client.program} is not installed)")
    failed = 0
    for client in found:
        try:
            failed += not check(client, binary)
        except (subprocess.SubprocessError, OSError) as error:
            failed += 1
            print(f"FAIL {client.name} {client.version()}: {error}", flush=True)
    print(f"{failed} failed, {len(wanted) - len(found)} clients skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
