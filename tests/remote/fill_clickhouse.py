"""Makes 120 copies of OTLP lines with other ids, times, users and conversations, writes them to a file, and puts them
into the table that OpenTelemetry's exporter makes: fill_clickhouse.py URL FILE COPIES"""
import json
import re
import sys
import urllib.parse
import urllib.request

DDL = """CREATE TABLE otel_traces (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
    SpanName LowCardinality(String), SpanKind LowCardinality(String), ServiceName LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String,
    SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String),
    StatusMessage String,
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String))
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))"""


def plain(value):
    """A value as JSON has it."""
    kind, inner = next(iter(value.items()), ("stringValue", ""))
    if kind == "arrayValue":
        return [plain(item) for item in inner.get("values", [])]
    if kind == "kvlistValue":
        return {pair["key"]: plain(pair["value"]) for pair in inner.get("values", [])}
    return int(inner) if kind == "intValue" else inner


def text(value):
    """As the exporter writes it into a map of strings."""
    value = plain(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def mapped(pairs):
    return {pair["key"]: text(pair["value"]) for pair in pairs or []}


def copies(lines, count):
    for number in range(count):
        hour = number * 3600 * 10**9

        def moved(found):
            return f'"{found[1]}": "{int(found[2]) - hour}"'

        for line in lines:
            line = re.sub(r'"((?:start|end)?[tT]imeUnixNano)": "(\d+)"', moved, line)
            line = re.sub(r'"traceId": "(\w{28})\w{4}"', lambda found: f'"traceId": "{found[1]}{number:04x}"', line)
            line = line.replace("desk-2026-11-23-017", f"desk-copy-{number}").replace("reader-88", f"reader-{number}")
            yield line


def post(url, query, body=""):
    parameters = urllib.parse.urlencode({"database": "otel"} if "DATABASE" not in query else {})
    request = urllib.request.Request(f"{url}?{parameters}", (query + body).encode())
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def rows(lines):
    for line in lines:
        for group in json.loads(line).get("resourceSpans", []):
            resource = mapped(group["resource"].get("attributes"))
            for scoped in group["scopeSpans"]:
                for span in scoped["spans"]:
                    began, ended = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                    time = lambda nanos: f"{int(nanos) // 10**9}.{int(nanos) % 10**9:09}"
                    events = span.get("events", [])
                    yield {
                        "Timestamp": time(began), "TraceId": span["traceId"], "SpanId": span["spanId"],
                        "ParentSpanId": span.get("parentSpanId", ""), "TraceState": "", "SpanName": span["name"],
                        "SpanKind": "Internal", "ServiceName": resource.get("service.name", ""),
                        "ResourceAttributes": resource, "ScopeName": scoped.get("scope", {}).get("name", ""),
                        "ScopeVersion": "", "SpanAttributes": mapped(span.get("attributes")), "Duration": ended - began,
                        "StatusCode": {1: "Ok", 2: "Error"}.get(span.get("status", {}).get("code"), "Unset"),
                        "StatusMessage": span.get("status", {}).get("message", ""),
                        "Events.Timestamp": [time(event["timeUnixNano"]) for event in events],
                        "Events.Name": [event["name"] for event in events],
                        "Events.Attributes": [mapped(event.get("attributes")) for event in events],
                    }


url, source, target = sys.argv[1:]
made = list(copies(open(source, encoding="utf-8").read().splitlines(), 120))
with open(target, "w", encoding="utf-8") as file:
    file.writelines(line + "\n" for line in made)
post(url, "CREATE DATABASE otel")
post(url, DDL)
body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows(made))
post(url, "INSERT INTO otel_traces FORMAT JSONEachRow\n", body)
