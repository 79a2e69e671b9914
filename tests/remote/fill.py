"""Sends OTLP lines (JSON, ids in hex) to a server as protobuf: fill.py URL FILE [HEADER=VALUE…]

Needs opentelemetry-proto, which comes with Phoenix and MLflow."""
import base64
import json
import sys
import urllib.request

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def with_bytes(value):
    """Protobuf's JSON writes bytes in base64, OTLP's writes ids in hex."""
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {key: base64.b64encode(bytes.fromhex(item)).decode() if key in ids else with_bytes(item) for key, item in value.items()}


url, path, *headers = sys.argv[1:]
for line in open(path, encoding="utf-8"):
    lists = json.loads(line)
    if "resourceSpans" not in lists:
        continue
    request = ParseDict(with_bytes(lists), ExportTraceServiceRequest(), ignore_unknown_fields=True)
    head = {"Content-Type": "application/x-protobuf", **dict(header.split("=", 1) for header in headers)}
    with urllib.request.urlopen(urllib.request.Request(url, request.SerializeToString(), head)) as answer:
        assert answer.status == 200, answer.status
