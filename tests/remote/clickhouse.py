"""ClickHouse's HTTP interface over one session of its engine (pip install chdb-core): clickhouse.py PORT

The package holds the engine and serves no HTTP. POST with the query in the body, param_* and settings in the URL,
X-ClickHouse-Exception-Code for errors, /ping."""
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qsl, urlsplit

from chdb import session

ENGINE, ONE = session.Session(), Lock()
# Parameters that the session does not accept as settings of a query, or that only HTTP uses.
OWN = {"database", "default_format", "readonly", "log_comment", "user", "password"}


class Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, head=()):
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        for name, value in head:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, b"Ok.\n")

    def do_POST(self):
        query = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        options = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        params = {name[6:]: value for name, value in options.items() if name.startswith("param_")}
        for name, value in params.items():
            literal = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
            query = re.sub(r"\{%s:(\w+)\}" % name, lambda found: f"CAST({literal} AS {found[1]})", query)
        form, text = "TabSeparated", query.rstrip().rstrip(";")
        if found := re.search(r"\nFORMAT (\w+)$", text):
            form, text = found[1], text[: found.start()]
        settings = ", ".join(f"{name} = '{value}'" for name, value in options.items() if name not in OWN and not name.startswith("param_"))
        if settings and text.lstrip().upper().startswith(("SELECT", "WITH")):
            text += f"\nSETTINGS {settings}"
        try:
            with ONE:
                if options.get("database"):
                    ENGINE.query(f"USE {options['database']}")
                result = ENGINE.query(text, form)
            self.answer(200, result.bytes() or b"")
        except Exception as error:  # the engine's errors have no narrower type
            code = re.search(r"Code: (\d+)", str(error))
            self.answer(500 if not code else 400, str(error).encode(), [("X-ClickHouse-Exception-Code", code[1] if code else "0")])

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Http).serve_forever()
