#!/usr/bin/env python3
"""Checks the reports of `alert check` and `policy eval` against the schemas of their formats.

    python3 tests/clients/reports.py target/debug/saferun-tui [TRACES]

Needs the packages jsonschema and xmlschema, and a folder of schemas that SAFERUN_SCHEMAS names:
    sarif-2.1.0-rtm.5.json   npm pack @microsoft/jest-sarif   (package/lib/schemas/)
    junit-10.xsd             pip download --no-deps --no-binary :all: pytest   (testing/example_scripts/)
What is missing is skipped, with a note.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Names that each format has to escape: markup, percent signs, commas, colons, line breaks and bytes of the terminal.
ODD = 'a<b>&"\'%25,::error::\r\n]]>\u0007\u001b[31m\ufffeé'


def traces(folder):
    """Runs that loop, fail and cost too much; one of them with names that need escaping."""
    for number, name in enumerate(["plain", "odd name, 100%: [x].v1"]):
        agent = "desk" if number == 0 else ODD
        rows = [{"type": "run_start", "run_id": f"r{number}{'' if number == 0 else ODD}", "agent": agent}]
        for step in range(7):
            call = {"type": "tool_call", "tool": "refund", "args": {"order": ODD}, "id": f"c{step}"}
            result = {"type": "tool_result", "call_id": f"c{step}", "status": "error", "result": ODD}
            rows += [dict(call, agent=agent), result, {"type": "response", "content": "again", "agent": agent}]
        for row in rows:
            row["run_id"] = rows[0]["run_id"]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def report(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    return done.stdout


def policy(folder):
    path = folder / "policy.toml"
    path.write_text('version = 1\n[[rule]]\nid = "a-b"\neffect = "deny"\ntool = "refund"\n'
                    '[[rule]]\nid = "shell"\neffect = "ask"\nclass = "shell"\n', encoding="utf-8")
    return path


def schema(name):
    folder = os.environ.get("SAFERUN_SCHEMAS")
    path = pathlib.Path(folder or "") / name
    return path if folder and path.exists() else None


def sarif(text):
    path = schema("sarif-2.1.0-rtm.5.json")
    try:
        import jsonschema
    except ImportError:
        path = None
    if path is None:
        return print("skipped: SARIF (no jsonschema, or no schema in SAFERUN_SCHEMAS)")
    document = json.loads(text)
    jsonschema.validate(document, json.loads(path.read_text(encoding="utf-8")))
    results = document["runs"][0]["results"]
    rules = document["runs"][0]["tool"]["driver"]["rules"]
    assert results and all(rules[it["ruleIndex"]]["id"] == it["ruleId"] for it in results)
    print(f"SARIF 2.1.0: {len(results)} results are valid")


def junit(what, text):
    import xml.etree.ElementTree as tree

    root = tree.fromstring(text)
    cases = root.findall(".//testcase")
    suite = root.find("testsuite")
    for count, kind in (("failures", "failure"), ("skipped", "skipped")):
        found = sum(case.find(kind) is not None for case in cases)
        assert int(suite.get(count, 0)) == found, count
    path = schema("junit-10.xsd")
    try:
        import xmlschema
    except ImportError:
        path = None
    if path is None:
        return print("skipped: JUnit (no xmlschema, or no schema in SAFERUN_SCHEMAS)")
    xmlschema.XMLSchema(str(path)).validate(text.decode())
    print(f"JUnit of {what}: {len(cases)} test cases are valid")


def github(text):
    """Each annotation is one line, and its properties and message read back."""
    lines = text.decode().splitlines()
    pattern = re.compile(r"::(error|warning|notice)( [^:]*)?::(.*)")
    annotations = [line for line in lines if line.startswith("::")]
    for line in annotations:
        found = pattern.fullmatch(line)
        assert found, line
        for pair in (found[2] or "").strip().split(","):
            name, _, value = pair.partition("=")
            assert name in ("file", "line", "title") and value, line
    assert annotations and not any("::error::" in line[2:].partition("::")[0] for line in lines)
    assert all(line.startswith("::") or re.fullmatch(r"\d+ alerts? in .*", line) for line in lines), lines
    print(f"GitHub: {len(annotations)} annotations read back")


def main():
    program, *paths = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        rules = policy(pathlib.Path(folder))
        paths = paths or [traces(pathlib.Path(folder))]
        check = [program, "alert", "check", *paths, "--format"]
        sarif(report(*check, "sarif"))
        junit("alert check", report(*check, "junit"))
        judged = [program, "policy", "eval", rules, *paths, "--junit"]
        junit("policy eval", report(*judged))
        junit("policy eval with asks", report(*judged, "--fail-on", "newly-asked,newly-denied"))
        github(report(*check, "github"))


main()
