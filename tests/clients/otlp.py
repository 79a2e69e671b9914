"""Sends telemetry with the official exporters to `listen`, and compares what it stores with the official conversion.

    tests/clients/otlp.py target/debug/saferun-tui [PYTHON]

PYTHON needs opentelemetry-sdk and opentelemetry-exporter-otlp-proto-{http,grpc}; without them the test is skipped."""
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

BINARY = Path(sys.argv[1]).resolve()
PYTHON = sys.argv[2] if len(sys.argv) > 2 else sys.executable

SENDER = r'''
import json, sys
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
kind, endpoint = sys.argv[1:]
if kind == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, timeout=5)
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    squeeze = Compression.Gzip if kind == "gzip" else Compression.NoCompression
    exporter = OTLPSpanExporter(endpoint=endpoint + "/v1/traces", timeout=5, compression=squeeze)
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
sent = []
class Both:
    def export(self, spans):
        sent.append(MessageToDict(encode_spans(spans), use_integers_for_enums=True))
        return exporter.export(spans)
    def shutdown(self):
        exporter.shutdown()
    def force_flush(self, timeout_millis=0):
        return True
provider = TracerProvider(resource=Resource.create({"service.name": "agent", "n": [1, 2], "ok": True, "x": 0.5}))
provider.add_span_processor(SimpleSpanProcessor(Both()))
tracer = provider.get_tracer("lib", "1")
with tracer.start_as_current_span("invoke_agent") as outer:
    outer.set_attribute("gen_ai.operation.name", "invoke_agent")
    with tracer.start_as_current_span("chat gpt-4o") as span:
        span.set_attributes({"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 12, "text": "Grüße"})
        span.add_event("e", {"b": b"\x01\x02"})
        span.set_status(trace.StatusCode.ERROR, "bad")
provider.shutdown()
print(json.dumps(sent))
'''


def hexed(value):
    """The official conversion writes ids in base 64; OTLP/JSON has them in hexadecimal."""
    if isinstance(value, list):
        return [hexed(it) for it in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {key: base64.b64decode(it).hex() if key in ids else hexed(it) for key, it in value.items()}


missing = subprocess.run([PYTHON, "-c", "import opentelemetry.exporter.otlp.proto.grpc, opentelemetry.exporter.otlp.proto.http"],
                         capture_output=True).returncode
if missing:
    sys.exit(f"skipped: the exporters of OpenTelemetry are not installed for {PYTHON}")
failed = 0
with tempfile.TemporaryDirectory() as home:
    trace = Path(home) / "t.jsonl"
    listener = subprocess.Popen([BINARY, "listen", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "-o", trace],
                                stderr=subprocess.PIPE, text=True, env={**os.environ, "HOME": home})
    line = listener.stderr.readline()
    http, grpc = re.search(r"at (http://\S+) and gRPC at (\S+)", line).groups()
    try:
        for kind, endpoint in (("plain", http), ("gzip", http), ("grpc", grpc)):
            before = len(trace.read_text().splitlines())
            done = subprocess.run([PYTHON, "-c", SENDER, kind, endpoint], capture_output=True, text=True, timeout=60)
            if done.returncode:
                print(f"FAILED {kind}: {done.stderr[-2000:]}")
                failed += 1
                continue
            stored = [json.loads(it) for it in trace.read_text().splitlines()[before:]]
            sent = hexed(json.loads(done.stdout))
            if stored != sent:
                failed += 1
                print(f"FAILED {kind}\n  stored {json.dumps(stored)}\n  sent   {json.dumps(sent)}")
            print(f"{kind}: {len(stored)} requests as the official conversion has them")
    finally:
        listener.send_signal(signal.SIGINT)
        print(listener.stderr.read().strip())
        listener.wait()
    runs = subprocess.run([BINARY, "ls", trace, "--jsonl"], capture_output=True, text=True, env={**os.environ, "HOME": home})
    print(f"{len(runs.stdout.splitlines())} runs in it")
sys.exit(1 if failed else 0)
