"""The overhead of the recording proxy: the same requests direct and through it, in turn, in one process.

    tests/bench/proxy.py target/release/saferun-tui [ROUNDS]

Prints ratios (proxy / direct): first byte and gaps of a stream, a call of 2 KB, an answer of 500 KB."""
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

PIECES, GAP = 20, 0.01


def serve(connection):
    file = connection.makefile("rb")
    while line := file.readline():
        length = 0
        while (field := file.readline()) not in (b"\r\n", b""):
            name, _, value = field.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = json.loads(file.read(length) or b"{}")
        if body.get("stream"):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            for n in range(PIECES):
                delta = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": f"{time.perf_counter():.6f} "}}]}
                data = b"data: %s\n\n" % json.dumps(delta).encode()
                connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
                time.sleep(GAP)
            data = b"data: [DONE]\n\n"
            connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
        else:
            text = "x" * body.get("max_tokens", 1500)
            answer = json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]})
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n\r\n"
            connection.sendall((head + answer).encode())


def listen():
    server = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


class Way:
    def __init__(self, base):
        base = urlsplit(base)
        self.connection, self.path = http.client.HTTPConnection(base.netloc), base.path + "/chat/completions"
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.first, self.gaps, self.small, self.large = [], [], [], []

    def ask(self, **body):
        body = {"model": "m", "messages": [{"role": "user", "content": "x" * 400}], **body}
        start = time.perf_counter()
        self.connection.request("POST", self.path, json.dumps(body), {"content-type": "application/json"})
        return start, self.connection.getresponse()

    def whole(self, size):
        start, answer = self.ask(max_tokens=size)
        answer.read()
        return time.perf_counter() - start

    def stream(self):
        start, answer = self.ask(stream=True)
        times = []
        while line := answer.readline():
            if line.startswith(b"data: {"):
                times.append(time.perf_counter())
        self.first.append(times[0] - start)
        self.gaps += [after - before for before, after in zip(times, times[1:])]


def measure(rounds):
    direct, proxy = Way(os.environ["DIRECT"]), Way(os.environ["OPENAI_BASE_URL"])
    for way in (direct, proxy):
        way.whole(1500)
    for _ in range(rounds):
        for way in (direct, proxy):
            way.stream()
        for _ in range(10):
            for way in (direct, proxy):
                way.small.append(way.whole(1500))
        for way in (direct, proxy):
            way.large.append(way.whole(500_000))
    p95 = lambda values: sorted(values)[int(len(values) * 0.95)]
    for name, of in (("first byte p50", lambda it: statistics.median(it.first)), ("gap p95", lambda it: p95(it.gaps)),
                     ("2 KB p50", lambda it: statistics.median(it.small)), ("500 KB p50", lambda it: statistics.median(it.large))):
        one, other = of(direct), of(proxy)
        print(f"{name:15} {other / one:5.2f} x  ({one * 1e3:.3f} ms direct, {(other - one) * 1e6:+.0f} us)")
    rss = next(line.split()[1] for line in open(f"/proc/{os.getppid()}/status") if line.startswith("VmRSS"))
    print(f"RSS             {int(rss) / 1024:.1f} MiB")


if len(sys.argv) > 2 and sys.argv[1] == "--inside":
    measure(int(sys.argv[2]))
else:
    port = listen()
    with tempfile.TemporaryDirectory() as home:
        base = f"http://127.0.0.1:{port}/v1"
        environment = {**os.environ, "HOME": home, "OPENAI_BASE_URL": base, "DIRECT": base}
        rounds = sys.argv[2] if len(sys.argv) > 2 else "20"
        command = [sys.executable, str(Path(__file__).resolve()), "--inside", rounds]
        sys.exit(subprocess.run([sys.argv[1], "record", "-q", "-o", f"{home}/t.jsonl", "--", *command], env=environment).returncode)
