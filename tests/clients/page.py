#!/usr/bin/env python3
"""Opens an exported run in headless Chromium: python3 tests/clients/page.py target/debug/saferun-tui [FOLDER]

Checks that the page of a hostile trace makes no request, and that no text of the trace becomes an element. Writes pictures of
the page at two widths to FOLDER, for a look by eye. Chromium is a Debian package.
"""
import html.parser
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

WIDTHS = {"wide": 1280, "narrow": 390}
# What an HTML page could load, run or send.
ACTIVE = {"script", "iframe", "img", "link", "object", "embed", "video", "audio", "form", "svg", "base", "frame", "source"}
HOSTILE = [
    "<script>document.title = 'owned'; fetch('http://evil.example/a')</script>",
    "</pre></code></details></style><img src=http://evil.example/b onerror=\"document.title='owned'\">",
    "\"><iframe src=\"http://evil.example/c\"></iframe>",
    "<style>@import 'http://evil.example/d'; body { background: url(http://evil.example/e) }</style>",
    "<meta http-equiv=refresh content='0; url=http://evil.example/f'><base href=http://evil.example/>",
    "[a link](javascript:document.title='owned') ![x](http://evil.example/g) <a href=http://evil.example/h ping=http://evil.example/i>x</a>",
    "\u202e\u0000\u001b]8;;http://evil.example/\u0007 <svg onload=document.title='owned'>",
]


def trace():
    """A run whose every text is hostile."""
    events = [{"type": "run_start", "run_id": HOSTILE[0], "agent": HOSTILE[2], "model": HOSTILE[1]}]
    for number, text in enumerate(HOSTILE):
        call = {"type": "tool_call", "id": f"c{number}", "tool": HOSTILE[2], "args": {text: text}, "agent": HOSTILE[number % 3]}
        result = {"type": "tool_result", "call_id": f"c{number}", "status": "error", "result": text, "error": {"message": text}}
        said = [{"type": "prompt", "role": "user", "content": text}, {"type": "response", "content": text, "model": text}]
        events += said + [call, result]
    for event in events:
        event.setdefault("run_id", HOSTILE[0])
    return "".join(json.dumps(event) + "\n" for event in events)


class Proxy:
    """Refuses every request and remembers it."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                client.settimeout(2)
                try:
                    self.asked.append(client.recv(4096).split(b"\r\n")[0].decode("latin-1"))
                    client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    pass


class Elements(html.parser.HTMLParser):
    """Names of elements, and attributes that refer to something."""

    def __init__(self):
        super().__init__()
        self.active, self.refers, self.title, self.in_title = [], [], "", False

    def handle_starttag(self, tag, attrs):
        self.in_title = tag == "title"
        if tag in ACTIVE:
            self.active.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"src", "srcset", "action", "ping", "background"}:
                self.refers.append((tag, name, value))
            if name == "href" and not (value or "").startswith("#"):
                self.refers.append((tag, name, value))

    def handle_endtag(self, tag):
        self.in_title = False

    def handle_data(self, data):
        if self.in_title:
            self.title += data


def chromium(browser, proxy, *args):
    with tempfile.TemporaryDirectory() as profile:
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
            "--proxy-bypass-list=<-loopback>", f"--proxy-server=127.0.0.1:{proxy.port}", f"--user-data-dir={profile}",
            "--virtual-time-budget=3000",
        ]
        done = subprocess.run([browser, *flags, *args], capture_output=True, timeout=180)
        return done.stdout.decode("utf-8", "replace")


def main():
    program = sys.argv[1]
    browser = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if browser is None:
        print("skipped: no chromium")
        return
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hostile.jsonl").write_text(trace())
    pages = {"hostile": folder / "hostile.jsonl", "sample": pathlib.Path("sample-traces/saferun/refund-agent.jsonl")}
    own = Proxy()
    chromium(browser, own, "--dump-dom", "about:blank")
    for name, source in pages.items():
        page = (folder / f"{name}.html").resolve()
        export = [program, "--no-config", "export", str(source), "--as", "html", "-o", str(page), "--force"]
        subprocess.run(export, check=True, capture_output=True)
        proxy = Proxy()
        found = Elements()
        found.feed(chromium(browser, proxy, "--dump-dom", page.as_uri()))
        assert not found.active, found.active
        assert not found.refers, found.refers
        assert found.title and "owned" not in found.title.split("<")[0], found.title
        for width, pixels in WIDTHS.items():
            picture = folder / f"{name}-{width}.png"
            chromium(browser, proxy, f"--window-size={pixels},1600", f"--screenshot={picture}", page.as_uri())
            assert picture.stat().st_size > 10_000, picture
        # Requests that Chromium makes by itself do not count.
        hosts = [line for line in proxy.asked if "evil" in line or line.split(" ")[:2] not in [it.split(" ")[:2] for it in own.asked]]
        strangers = [line for line in hosts if not any(it in line for it in ("google", "gvt1"))]
        assert not strangers, strangers
        print(f"{name}: {page.stat().st_size} bytes, no active element, no request; pictures in {folder}")


if __name__ == "__main__":
    main()
