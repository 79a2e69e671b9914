#!/usr/bin/env python3
"""Real agents against a scripted model, each once per way in which the guard can settle a question. The model
asks to delete a folder, with the client's own permissions bypassed: the folder shows the outcome.

    CLIENT_SEEDS=FOLDER tests/clients/guard.py target/debug/saferun-tui [CLIENT…]

Clients are taken from PATH; a missing one is skipped, and the last line says so. FOLDER/CLIENT, if it exists, is copied
into each home: OpenCode downloads packages for plugins (.config/opencode/node_modules) before it starts."""

import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fake_model import Model  # noqa: E402

SECRET = "sk-planted-0123456789abcdef"
POLICY = """version = 1
wait = "{wait}"
[[rule]]
id = "rm"
effect = "{effect}"
when = 'args.command~"rm -r"'
reason = "recursive delete"
"""


class Client:
    """How to make a client obey the model: its program, arguments, environment and the name of its shell."""

    def __init__(self, name, program, tool, arguments, environment, argument="command", settings=None, more=None):
        self.name, self.program, self.tool, self.argument = name, program, tool, argument
        self.arguments, self.environment, self.settings, self.more = arguments, environment, settings, more or {}

    def version(self):
        told = subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.strip()
        return told.split("\n")[0]

    def prepare(self, home):
        """Writes what the client needs before the guard is installed: settings, and what it would download."""
        seed = pathlib.Path(os.environ.get("CLIENT_SEEDS", "/nonexistent")) / self.name
        if seed.is_dir():
            shutil.copytree(seed, home, dirs_exist_ok=True, symlinks=True)
        for path, text in (self.settings or {}).items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text)


CLIENTS = [
    Client("claude-code", "claude", "Bash",
           lambda url: ["-p", "go", "--dangerously-skip-permissions"],
           lambda url: {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": SECRET, "IS_SANDBOX": "1",
                        "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}),
    Client("codex", "codex", "exec_command",
           lambda url: ["exec", "--skip-git-repo-check", "-m", "gpt-5.1-codex", "--dangerously-bypass-approvals-and-sandbox",
                        "--dangerously-bypass-hook-trust", "-c", f'openai_base_url="{url}/v1"', "go"],
           lambda url: {"OPENAI_API_KEY": SECRET, "CODEX_API_KEY": SECRET}, "cmd", {".codex/config.toml": ""}),
    Client("gemini", "gemini", "run_shell_command",
           lambda url: ["--yolo", "--skip-trust", "-m", "gemini-2.5-flash", "-p", "go"],
           lambda url: {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": SECRET}, "command",
           {".gemini/settings.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}\n'}),
    Client("copilot", "copilot", "bash",
           lambda url: ["--allow-all-tools", "--allow-all-paths", "-p", "go"],
           lambda url: {"COPILOT_PROVIDER_BASE_URL": f"{url}/v1", "COPILOT_PROVIDER_API_KEY": SECRET, "COPILOT_MODEL": "gpt-4.1",
                        "COPILOT_AUTO_UPDATE": "false"}, "command", None, {"description": "go"}),
    Client("qwen", "qwen", "run_shell_command",
           lambda url: ["--yolo", "--auth-type", "openai", "-p", "go"],
           lambda url: {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": SECRET, "OPENAI_MODEL": "qwen3-coder-plus"},
           "command", None, {"is_background": False}),
    Client("opencode", "opencode", "bash",
           lambda url: ["run", "-m", "anthropic/claude-sonnet-4-5", "go"],
           lambda url: {"ANTHROPIC_BASE_URL": f"{url}/v1", "ANTHROPIC_API_KEY": SECRET, "OPENCODE_DISABLE_AUTOUPDATE": "1"},
           "command", None, {"description": "go"}),
    Client("kimi", "kimi", "Bash",
           lambda url: ["-p", "go"],
           lambda url: {"KIMI_MODEL_BASE_URL": f"{url}/v1", "KIMI_MODEL_API_KEY": SECRET, "KIMI_MODEL_NAME": "kimi-k2",
                        "KIMI_MODEL_PROVIDER_TYPE": "openai", "KIMI_MODEL_MAX_CONTEXT_SIZE": "128000", "KIMI_CODE_NO_AUTO_UPDATE": "1"}),
]


class Case:
    """One run of a client, with a policy and with or without an approver."""

    def __init__(self, client, effect="ask", wait="60s", approver=True, then=None, observe=False, break_it=None):
        self.client, self.effect, self.wait = client, effect, wait
        self.approver, self.then, self.observe, self.break_it = approver, then, observe, break_it

    def run(self, guard):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            self.client.prepare(home)
            policy = home / ".config/saferun-tui/policy.toml"
            policy.parent.mkdir(parents=True)
            policy.write_text(POLICY.format(wait=self.wait, effect=self.effect))
            policy.chmod(0o600)
            work = home / "work"
            victim = work / "victim"
            victim.mkdir(parents=True)
            model = Model({self.client.tool: {self.client.argument: f"rm -r {victim}", **self.client.more}})
            environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", "NO_COLOR": "1",
                           **self.client.environment(model.url)}
            copy = home / "bin/saferun-tui"
            copy.parent.mkdir()
            os.link(guard, copy) if os.stat(guard).st_dev == os.stat(folder).st_dev else shutil.copy(guard, copy)
            how = ["--observe"] if self.observe else []
            subprocess.run([copy, "guard", "install", self.client.name, "--yes", *how], env=environment, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.break_it:
                self.break_it(home, copy)
            watching = None
            if self.approver:
                watching = subprocess.Popen([copy, "asks", "--watch"], env=environment, stdout=subprocess.DEVNULL)
                time.sleep(0.5)
            if self.then:
                threading.Thread(target=self.answer, args=(home, copy, environment), daemon=True).start()
            ran = subprocess.run([self.client.program, *self.client.arguments(model.url)], env=environment, cwd=work,
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
            if watching:
                watching.kill()
                watching.wait()
            asked = any(self.client.tool in json.dumps(request.get("tools", "")) for _, request in model.seen)
            return {"deleted": not victim.exists(), "code": ran.returncode, "asked": asked, "out": ran.stdout[-300:] + ran.stderr[-300:],
                    "events": events(home), "leaks": leaks(home), "listed": listed(guard, home, environment)}

    def answer(self, home, guard, environment):
        for _ in range(600):
            found = sorted((home / ".local/state/saferun-tui/run/ask").glob("*.ask.json"))
            if found:
                return self.then(json.loads(found[0].read_text()), guard, environment)
            time.sleep(0.1)


def person(answer, *reason):
    """A person at a terminal."""

    def then(ask, guard, environment):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(guard, [str(guard), answer, ask["id"], *reason], environment)
        while True:
            try:
                if not os.read(terminal, 1024):
                    break
            except OSError:
                break
        os.waitpid(pid, 0)

    return then


def kill(ask, *_):
    os.kill(ask["pid"], signal.SIGKILL)


def terminate(ask, *_):
    os.kill(ask["pid"], signal.SIGTERM)


def events(home):
    found = sorted((home / ".local/state/saferun-tui/traces").rglob("*.jsonl"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def leaks(home):
    folder = home / ".local/state/saferun-tui"
    return [str(path) for path in folder.rglob("*") if path.is_file() and SECRET in path.read_text(errors="replace")]


def listed(guard, home, environment):
    """The statuses of the trace's calls in the explorer."""
    traces = home / ".local/state/saferun-tui/traces"
    ran = subprocess.run([guard, "query", "kind:tool_call", traces, "--jsonl"], env=environment, capture_output=True, text=True)
    return [json.loads(line).get("status", "") for line in ran.stdout.splitlines()]


def cases(client):
    def gone(home, guard):
        guard.unlink()

    def broken(home, guard):
        (home / ".config/saferun-tui/policy.toml").write_text("version = 7")

    yield "no rule matches", Case(client, effect="warn"), True
    yield "denied by a rule", Case(client, effect="deny"), False
    yield "approved by a person", Case(client, then=person("approve", "--reason", "scratch")), True
    yield "denied by a person", Case(client, then=person("deny", "--reason", "not today")), False
    yield "no answer in time", Case(client, wait="3s"), False
    yield "no approver", Case(client, approver=False), False
    yield "the hook is killed", Case(client, then=kill), False
    yield "the hook is terminated", Case(client, then=terminate), False
    yield "the policy is broken", Case(client, approver=False, break_it=broken), False
    yield "only observed", Case(client, effect="deny", observe=True), True
    if client.name != "codex":
        yield "the program is gone", Case(client, break_it=gone, approver=False), False


def untrusted(codex, guard):
    """Codex skips hooks that were not trusted, and does not say so: a recording does."""
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        codex.prepare(home)
        work = home / "work"
        (work / "victim").mkdir(parents=True)
        model = Model({codex.tool: {codex.argument: f"rm -r {work / 'victim'}"}})
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", "OPENAI_BASE_URL": f"{model.url}/v1",
                       **codex.environment(model.url)}
        subprocess.run([guard, "guard", "install", codex.name, "--yes"], env=environment, check=True, capture_output=True)
        trusting = ("--dangerously-bypass-hook-trust", "-c")
        arguments = [it for it in codex.arguments(model.url) if it not in trusting and "base_url" not in it]
        trace = home / "t.jsonl"
        ran = subprocess.run([guard, "record", "-o", trace, "--", codex.program, *arguments], env=environment, cwd=work,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
        kinds = [json.loads(line)["type"] for line in trace.read_text().splitlines()]
        return kinds.count("unguarded") == 1 and "1 unguarded" in ran.stderr and SECRET not in trace.read_text()


def main():
    guard = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:]
    failed = skipped = 0
    for client in CLIENTS:
        if wanted and client.name not in wanted:
            continue
        if not shutil.which(client.program):
            print(f"skipped: {client.name} ({client.program} is not installed)")
            skipped += 1
            continue
        version = client.version()
        for name, case, deletes in cases(client):
            began = time.time()
            try:
                found = case.run(guard)
            except (subprocess.SubprocessError, OSError) as error:
                found = {"deleted": None, "asked": False, "events": [], "leaks": [], "out": repr(error), "listed": []}
            told = [event.get("state") or event.get("decision") or event.get("status") or event["type"] for event in found["events"]]
            is_good = found["deleted"] == deletes and found["asked"] and not found["leaks"]
            failed += not is_good
            print(f"{'ok  ' if is_good else 'FAIL'} {client.name} {version}: {name}: "
                  f"{'deleted' if found['deleted'] else 'kept'} in {time.time() - began:.1f} s · {' '.join(told)} · calls {found['listed']}", flush=True)
            if not is_good:
                print("     ", found["out"], found["leaks"], flush=True)
        if client.name == "codex":
            is_marked = untrusted(client, guard)
            failed += not is_marked
            print(f"{'ok  ' if is_marked else 'FAIL'} codex {version}: an untrusted hook shows as unguarded", flush=True)
    print(f"{failed} failed, {skipped} clients skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
