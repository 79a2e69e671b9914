#!/usr/bin/env python3
"""The rules of Claude Code as we judge them, against Claude Code itself: python3 tests/clients/permissions.py [BINARY]

Uses `claude` from PATH or from CLIENT_MODULES/node_modules/.bin; without it nothing is compared, and that is reported.
For each group of rules a served model requests one call after the other. The fate of each is read from the transcript
that the program wrote, and must be what `policy eval` says about it. Runs in a scratch folder, without a network."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../target/debug/saferun-tui"))
BIN = os.path.join(os.environ.get("CLIENT_MODULES", ""), "node_modules/.bin")
CLAUDE = shutil.which("claude", path=f"{BIN}:{os.environ['PATH']}")
# Parts of the names of groups to run, all by default; `-v` also lists the calls that agree.
ONLY = sys.argv[2:]


def lines(*commands):
    return [("Bash", {"command": it, "description": "try it"}) for it in commands]


def write(path):
    return ("Write", {"file_path": path, "content": "x"})


def read(path):
    return ("Read", {"file_path": path})


TRIED = lines(
    "git log -1", "sleep 0", "mkdir made", "touch t.txt", "cp a.txt b.txt", "sed -i s/x/y/ b.txt", "mv b.txt c.txt", "rm -f c.txt", "rmdir made", "rm -rf ../outside",
    "cp a.txt /tmp/saferun-copy.txt", "echo x > out.txt", "mkdir m2 && touch m2/a", "FOO=1 mkdir m3", "make a", "ls; make b", "mkdir m4; make c", "ln -s a.txt l.txt", "cd src && touch u.txt") + [
    write("W/new.txt"), write("W/src/new.txt"), write("W/../elsewhere.txt"), read("W/a.txt"), read("/etc/hostname"), ("WebFetch", {"url": "https://example.invalid/", "prompt": "x"})]

# Name, mode, rules, calls. W is the working folder.
GROUPS = [
    ("an allow rule for a command", "default", {"allow": ["Bash(make *)"]}, lines(
        "make a > out.txt", "make a 2>/dev/null", "cd src && make a", "make a\nmake b", "make   a", "env make a", "FOO=1 make a", "bash -c \"make a\"",
        "time make a", "nohup make a &", "(make a)", "{ make a; }", "if true; then make a; fi", "for f in 1 2; do make $f; done", "! make a",
        "make a # note", "make a | tail -3", "make a || true", "make $(pwd)", "make `pwd`", "make \"$HOME\"", "/usr/bin/make a", "make a; rm -rf zz",
        "make a <<< x", "make a < a.txt", "timeout -k 5 10 make a", "stdbuf -oL make a", "command make a", "make a &> log.txt", "sleep 0 && make a", "makea")),
    ("a deny rule for a command", "default", {"deny": ["Bash(touch *)"], "allow": ["Bash"]}, lines(
        "touch q", "(touch q)", "{ touch q; }", "if true; then touch q; fi", "for f in 1; do touch q; done", "/bin/touch q", "\\touch q", "t\"\"ouch q",
        "env touch q", "bash -c \"touch q\"", "xargs touch < a.txt", "xargs -n1 touch < a.txt", "find . -maxdepth 0 -exec touch q {} +", "! touch q",
        "true && touch q", "eval touch q", "X=touch; $X q", "timeout 5 touch q", "cat a.txt | touch q", "f() { touch q; }; f", "echo <(touch q)", "echo `touch q`")),
    ("comments and blanks", "default", {"deny": ["Bash(touch *)"], "allow": ["Bash(echo *)"]}, lines(
        "echo a # b; touch q", "echo a\t#; touch q", "echo a#; touch q", "echo a\f#; touch q", "echo a\r#; touch q", "\techo a")),
    ("white space beyond ASCII", "default", {"deny": ["Bash(touch *)"], "allow": ["Bash(echo *)", "Bash(make\u00a0a)"]}, lines(
        "\u00a0echo a", "make\u00a0a", "echo 'a\u00a0b'", "echo a\u1680b", "echo a\u180eb", "echo a\u2003b", "echo a\u200bb", "echo a\u2028b", "echo a\u202fb",
        "echo a\u205fb", "echo a\u2060b", "echo a\u3000b", "echo a\ufeffb", "echo a\u0085b", "echo a\u0001b", "touch\u00a0q", "touch a\u00a0b", "\u00a0touch q",
        "echo a; touch\u00a0q", "ls\u00a0-l")),
    ("rules for files", "default", {"deny": ["Read(secrets/**)", "Edit(src/kept.txt)"], "allow": ["Edit(src/**)", "Edit(/beside/**)"]}, [
        read("W/secrets/key"), read("W/a.txt"), read("W/deep/secrets/key"), write("W/src/new.txt"), write("W/src/kept.txt"), write("W/other.txt")]),
    ("a folder in an allow rule", "default", {"allow": ["Edit(src/**)"]}, [write("W/deep/src/new.txt"), write("W/src/new.txt"), write("W/deep/src/other.txt")]),
    ("a folder in an ask rule", "bypassPermissions", {"ask": ["Edit(src/**)"]}, [write("W/deep/src/new.txt"), write("W/src/new.txt")]),
    ("rules for commands and tools", "default", {"ask": ["Bash(git commit *)", "WebFetch"], "deny": ["Bash(git push *)", "Task"], "allow": ["Bash(git *)"]}, lines(
        "git commit -m x", "git push origin main", "git fetch", "git status && git push", "git -C . push")),
    ("no rules", "default", {}, TRIED),
    ("edits are accepted", "acceptEdits", {"deny": ["Bash(make *)"]}, TRIED),
    ("nothing is asked", "bypassPermissions", {"deny": ["Bash(make *)"], "ask": ["Bash(cp *)"]}, TRIED),
    ("what would be asked is denied", "dontAsk", {"allow": ["Bash(make *)"], "ask": ["Bash(cp *)"]}, TRIED),
    ("a plan is made", "plan", {"allow": ["Bash(make *)", "Edit(src/**)"]}, TRIED),
]


# Groups with known differences, and their number: the program matches `src/**` and `./src/**` in an allow rule at any
# depth, as in deny rules, and not only beside the working directory as documented. `policy lint` says so.
KNOWN = {"a folder in an allow rule": 2}


def trace(path, calls):
    usage = {"input_tokens": 100, "output_tokens": 10}
    events = [{"type": "run_start", "run_id": "r", "agent": "a"}, {"type": "prompt", "run_id": "r", "role": "user", "content": "go"}]
    for at, (tool, args) in enumerate(calls):
        events += [
            {"type": "response", "run_id": "r", "id": f"e{at}", "model": "m", "content": f"Step {at}.", "usage": usage},
            {"type": "tool_call", "run_id": "r", "id": f"call_{at}", "parent_id": f"e{at}", "tool": tool, "args": args},
            {"type": "tool_result", "run_id": "r", "call_id": f"call_{at}", "status": "ok", "result": "done"}]
    events.append({"type": "response", "run_id": "r", "model": "m", "content": "All done.", "usage": usage})
    with open(path, "w") as out:
        out.writelines(json.dumps({**it, "ts": f"2026-11-29T12:{at // 60:02}:{at % 60:02}Z"}) + "\n" for at, it in enumerate(events))


def folder_for(work):
    for name in ("src", "secrets", "deep/src", "deep/secrets"):
        os.makedirs(os.path.join(work, name))
    for name in ("a.txt", "src/kept.txt", "secrets/key", "deep/secrets/key"):
        with open(os.path.join(work, name), "w") as out:
            out.write("x\n")
    subprocess.run(["git", "init", "-q", work], check=False)


def did(row, asked):
    """What the program did with a call, by its list of the calls that it could not ask about and by the text of the result."""
    result = str(row.get("result")) + str(row.get("error"))
    if "denied" in result and "ermission" in result or "directory that is denied" in result or "while in plan mode" in result:
        return "deny"
    return "ask" if row["id"] in asked else "allow"


def say(program, *options, env=None, cwd=None, timeout=600):
    done = subprocess.run([program, *options], capture_output=True, text=True, env=env, cwd=cwd, stdin=subprocess.DEVNULL, timeout=timeout)
    return done.stdout, done.stderr


def compare(name, mode, rules, calls):
    with tempfile.TemporaryDirectory() as scratch:
        home, work = os.path.join(scratch, "home"), os.path.join(scratch, "work")
        os.makedirs(home)
        folder_for(work)
        calls = [(tool, {key: value.replace("W/", work + "/") if key == "file_path" else value for key, value in args.items()}) for tool, args in calls]
        path, settings = os.path.join(scratch, "run.jsonl"), os.path.join(work, "settings.json")
        trace(path, calls)
        with open(settings, "w") as out:
            json.dump({"permissions": rules}, out)
        env = {"PATH": os.environ["PATH"], "HOME": home, "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1"}
        out, err = say(BINARY, "serve", "--match", "loose", path, "--", CLAUDE, "-p", "go", "--permission-mode", mode, "--output-format", "json", "--settings", settings, env=env, cwd=work)
        # Versions write its members in different orders.
        report = next((json.loads(line) for line in out.split("\n") if line.startswith("{") and '"type":"result"' in line), {})
        asked = {it["tool_use_id"] for it in report.get("permission_denials", [])}
        transcripts = os.path.join(home, ".claude/projects")
        wanted = ["query", "kind:tool", "--json", transcripts]
        found, _ = say(BINARY, "--no-config", *wanted, env=env)
        try:
            rows = json.loads(found)["actions"]
        except (ValueError, KeyError):
            print(f"FAILED   {name}: no transcript\n{out[-800:]}\n{err[-800:]}")
            return 1, 0
        judged, err = say(BINARY, "--no-config", "policy", "eval", settings, transcripts, "--json", env=env)
        if not judged:
            print(f"FAILED   {name}: {err[-800:]}")
            return 1, 0
        changed = {it["seq"]: it["now"] for it in json.loads(judged)["changes"]}
        wrong = 0
        for row in rows:
            shown = json.dumps(row.get("args"))[:90]
            done = did(row, asked)
            # Verdicts that equal what was recorded are not listed.
            was = "deny" if row["status"] in ("blocked", "denied") else "allow"
            said = changed.get(row["seq"], was)
            if done != said:
                wrong += 1
                print(f"  differs: {row.get('tool')} {shown}: the program {done}, we {said} · {json.dumps(row.get('result') or row.get('error'))[:160]}")
            elif "-v" in ONLY:
                print(f"           {done:5} {row.get('tool')} {shown}")
        missing = len(calls) - len(rows)
        known = KNOWN.get(name, 0)
        good = wrong == known and missing == 0
        print(f"{'passed ' if good else 'FAILED '}  {name} ({mode}): {len(rows) - wrong} of {len(calls)} equal" + (f", {known} known to differ" if known else "") + (f", {missing} never made" if missing else ""))
        return int(not good), len(rows) - wrong


def main():
    if not CLAUDE:
        print("skipped  claude (not installed)")
        return 0
    print("         Claude Code", say(CLAUDE, "--version")[0].split()[0])
    failed = equal = 0
    for group in GROUPS:
        if any(it in group[0] for it in ONLY if it != "-v") or not [it for it in ONLY if it != "-v"]:
            bad, same = compare(*group)
            failed, equal = failed + bad, equal + same
    print(f"         {equal} verdicts equal, {failed} groups differ")
    return failed


sys.exit(bool(main()))
