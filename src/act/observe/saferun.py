"""Records what an agent's models say and its tools do as a SafeRun trace, and lets a policy stop a tool.

    from saferun import observe, guarded
    observe(client, service="support-agent", env="prod")

Models are observed on the wire: the HTTP transport of the client is wrapped, no method is replaced, so types, streams
and early exits stay as they are. Every event is written at once by one call: a process that is killed loses nothing.
Under `saferun-tui record` model calls are left to its proxy. No dependency; Python 3.8 or later; MIT or Apache-2.0.
"""
import atexit
import contextlib
import contextvars
import functools
import hashlib
import inspect
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
import zlib
from datetime import datetime, timezone

__all__ = ["observe", "guarded", "run"]

_CAP = 32 << 20
_run = contextvars.ContextVar("saferun_run", default=None)

def _stamp(at=None):
    at = datetime.fromtimestamp(time.time() if at is None else at, timezone.utc)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")

class _Trace:
    """The file, which other processes append to as well: one write for each line."""

    def __init__(self):
        self.lock = threading.Lock()
        self.file, self.pid, self.failed, self.service, self.env = None, None, 0, None, None
        self.started, self.ended, self.events = {}, set(), 0
        self.run, self.status = os.environ.get("SAFERUN_RUN") or "r-" + secrets.token_hex(11), ("ok", None)
        self.path = os.environ.get("SAFERUN_TRACE") or self._new_path()

    def _new_path(self):
        state = os.environ.get("XDG_STATE_HOME", "")
        if not os.path.isabs(state):
            state = os.path.expanduser("~/.local/state")
        now = datetime.now(timezone.utc)
        name = os.path.basename(sys.argv[0] if sys.argv and sys.argv[0] else "python") or "python"
        name = "".join(it for it in name if it.isalnum() or it in "-_.") or "python"
        folder = os.path.join(state, "saferun-tui", "traces", now.strftime("%Y-%m-%d"))
        return os.path.join(folder, f"{name}-{now:%H%M%S}-{self.run[-4:]}.jsonl")

    def _open(self):
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), 0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        self.file, self.pid = os.open(self.path, flags, 0o600), os.getpid()

    def tell(self, kind, run=None, at=None, **more):
        """Writes an event. Never raises into the agent."""
        run = run or _run.get() or self.run
        if run not in self.started and kind != "run_start":
            self.begin(run)
        event = {"type": kind, "via": "sdk", "run_id": run, "ts": _stamp(at)}
        event.update((name, value) for name, value in more.items() if value is not None)
        try:
            line = json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace") + b"\n"
            with self.lock:
                if self.file is None or self.pid != os.getpid():
                    self._open()
                os.write(self.file, line)
        except Exception as error:
            self.failed += 1
            if self.failed == 1:
                print(f"saferun: events cannot be written: {error}", file=sys.stderr)

    def begin(self, run, task=None, parent=None):
        self.started[run] = True
        recorder = {"name": "saferun.py", "via": "sdk", "argv": [os.path.basename(it) for it in sys.argv[:1]]}
        self.tell("run_start", run, v=1, service=self.service, env=self.env, task=task, parent_run_id=parent,
                  agent=self.service, pid=os.getpid(), recorder=recorder)

    def end(self, run, status, reason=None):
        if run in self.started and run not in self.ended:
            self.ended.add(run)
            self.tell("run_end", run, status=status, reason=reason)

    def id(self):
        with self.lock:
            self.events += 1
            return f"s{self.events}-{os.getpid():x}"

_trace = None
_conversations, _sources = [], {}
# Runs and calls whose result a wrapped function has recorded, and model calls whose answer is still being read.
_resulted, _passing = set(), set()

def _start(service=None, env=None):
    global _trace
    if _trace is None:
        _trace = _Trace()
        before = sys.excepthook

        def hook(kind, error, frames):
            _trace.status = ("error", f"{kind.__name__}: {error}")
            before(kind, error, frames)

        sys.excepthook = hook
        atexit.register(_end)
    _trace.service = service or _trace.service
    _trace.env = env or _trace.env
    return _trace

def _end():
    for exchange in list(_passing):
        exchange.over()
    _trace.end(_trace.run, *_trace.status)

@contextlib.contextmanager
def run(task=None):
    """Everything inside is a separate run."""
    trace = _start()
    name = "r-" + secrets.token_hex(11)
    parent = _run.get() or (trace.run if trace.run in trace.started else None)
    token = _run.set(name)
    trace.begin(name, task, parent)
    try:
        yield name
        trace.end(name, "ok")
    except BaseException as error:
        trace.end(name, "error", f"{type(error).__name__}: {error}")
        raise
    finally:
        _run.reset(token)

# Reading APIs. An answer is {"text", "reasoning", "calls", "usage", "model", "finish", "error", "is_complete"}.

_APIS = {"/chat/completions": "chat", "/messages": "messages", "/responses": "responses", ":generateContent": "gemini",
         ":streamGenerateContent": "gemini"}

def _api(path):
    path = path.split("?")[0].rstrip("/")
    return next((api for end, api in _APIS.items() if path.endswith(end)), None)

def _args(text):
    if not isinstance(text, str):
        return text
    if not text.strip():
        return {}
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        return value if isinstance(value, dict) else text
    return text

def _words(content):
    if isinstance(content, list):
        return "".join(_words(it) for it in content)
    if isinstance(content, dict):
        return _words(content.get("text") or content.get("refusal") or content.get("content") or "")
    return content if isinstance(content, str) else ""

def _answer():
    return {"text": "", "reasoning": "", "calls": [], "usage": {}, "model": None, "finish": None, "is_complete": False, "id": None}

def _merge(into, more):
    into.update((name, value) for name, value in (more or {}).items() if value is not None)

def _chat(pieces, is_stream):
    out, calls = _answer(), {}
    for piece in pieces:
        if piece == "[DONE]":
            out["is_complete"] = True
            continue
        _merge(out["usage"], piece.get("usage"))
        out["model"], out["id"] = out["model"] or piece.get("model"), out["id"] or piece.get("id")
        for choice in piece.get("choices") or []:
            message = choice.get("delta" if is_stream else "message") or {}
            out["text"] += _words(message.get("content") or "") + _words(message.get("refusal") or "")
            out["reasoning"] += message.get("reasoning_content") or message.get("reasoning") or ""
            for call in message.get("tool_calls") or []:
                index = call.get("index")
                key = index if index is not None else call.get("id") or len(calls) - 1
                known = calls.setdefault((choice.get("index", 0), key), {"id": None, "tool": "", "args": ""})
                function = call.get("function") or call.get("custom") or {}
                known["id"], known["tool"] = known["id"] or call.get("id"), known["tool"] or function.get("name") or ""
                more = function.get("arguments", function.get("input"))
                known["args"] = known["args"] + more if isinstance(more, str) else more or known["args"]
            out["finish"] = out["finish"] or choice.get("finish_reason")
    out["calls"] = [{**it, "args": _args(it["args"])} for it in calls.values()]
    out["is_complete"] = out["is_complete"] or out["finish"] is not None
    return out

def _messages(pieces, is_stream):
    out, blocks = _answer(), {}
    for piece in pieces:
        kind = piece.get("type")
        if not is_stream or kind == "message_start":
            message = piece if not is_stream else piece.get("message") or {}
            out["model"], out["id"], out["finish"] = message.get("model"), message.get("id"), message.get("stop_reason")
            _merge(out["usage"], message.get("usage"))
            blocks = {at: {"start": it, "text": "", "input": ""} for at, it in enumerate(message.get("content") or [])}
            out["is_complete"] = not is_stream and kind == "message"
        elif kind == "content_block_start":
            blocks[piece.get("index", 0)] = {"start": piece.get("content_block") or {}, "text": "", "input": ""}
        elif kind == "content_block_delta":
            delta, block = piece.get("delta") or {}, blocks.setdefault(piece.get("index", 0), {"start": {}, "text": "", "input": ""})
            block["text"] += delta.get("text") or delta.get("thinking") or ""
            block["input"] += delta.get("partial_json") or ""
        elif kind == "message_delta":
            out["finish"] = (piece.get("delta") or {}).get("stop_reason") or out["finish"]
            _merge(out["usage"], piece.get("usage"))
        elif kind == "message_stop":
            out["is_complete"] = True
    for _, block in sorted(blocks.items()):
        start = block["start"]
        kind = start.get("type", "text")
        if kind == "tool_use":
            args = _args(block["input"]) if block["input"] else start.get("input", {})
            out["calls"].append({"id": start.get("id"), "tool": start.get("name", ""), "args": args})
        elif kind == "thinking":
            out["reasoning"] += start.get("thinking", "") + block["text"]
        elif kind == "text":
            out["text"] += start.get("text", "") + block["text"]
    return out

def _responses(pieces, is_stream):
    out, items, response = _answer(), [], {}
    for piece in pieces:
        kind = piece.get("type") if is_stream else "response.completed"
        if kind == "response.output_item.done":
            items.append(piece.get("item") or {})
        body = piece.get("response") if is_stream else piece
        if isinstance(body, dict):
            response = body
            out["is_complete"] |= kind in ("response.completed", "response.incomplete", "response.failed")
    out["model"], out["id"], out["usage"] = response.get("model"), response.get("id"), response.get("usage") or {}
    out["finish"] = (response.get("incomplete_details") or {}).get("reason") or response.get("status")
    for item in response.get("output") or items:
        kind = item.get("type", "")
        if kind == "message":
            out["text"] += _words(item.get("content"))
        elif kind == "reasoning":
            out["reasoning"] += _words(item.get("summary")) + _words(item.get("content"))
        elif kind.endswith("_call"):
            args = item.get("arguments", item.get("input", item.get("action")))
            out["calls"].append({"id": item.get("call_id") or item.get("id"), "tool": item.get("name") or kind[:-5],
                                 "args": _args(args)})
    return out

def _gemini(pieces, _is_stream):
    out = _answer()
    for piece in pieces:
        _merge(out["usage"], piece.get("usageMetadata"))
        out["model"], out["id"] = piece.get("modelVersion") or out["model"], piece.get("responseId") or out["id"]
        for candidate in piece.get("candidates") or []:
            out["finish"] = candidate.get("finishReason") or out["finish"]
            for part in (candidate.get("content") or {}).get("parts") or []:
                call = part.get("functionCall")
                if call:
                    out["calls"].append({"id": call.get("id"), "tool": call.get("name", ""), "args": call.get("args", {})})
                out["reasoning" if part.get("thought") else "text"] += part.get("text") or ""
    out["is_complete"] = out["finish"] is not None
    return out

_READERS = {"chat": _chat, "messages": _messages, "responses": _responses, "gemini": _gemini}

def _usage(api, usage):
    count = lambda value: value if isinstance(value, int) and not isinstance(value, bool) else None
    inside = lambda outer, name: count((usage.get(outer) or {}).get(name))
    less = lambda whole, part: whole if whole is None or part is None else max(whole - part, 0)
    if api == "messages":
        out = {"input_tokens": count(usage.get("input_tokens")), "output_tokens": count(usage.get("output_tokens")),
               "cache_read_tokens": count(usage.get("cache_read_input_tokens")),
               "cache_write_tokens": count(usage.get("cache_creation_input_tokens")),
               "cache_write_hour_tokens": inside("cache_creation", "ephemeral_1h_input_tokens")}
    elif api == "gemini":
        cached, thoughts = count(usage.get("cachedContentTokenCount")), count(usage.get("thoughtsTokenCount"))
        answered = count(usage.get("candidatesTokenCount"))
        out = {"input_tokens": less(count(usage.get("promptTokenCount")), cached), "cache_read_tokens": cached,
               "output_tokens": None if answered is None and thoughts is None else (answered or 0) + (thoughts or 0),
               "reasoning_tokens": thoughts}
    else:
        cached = inside("prompt_tokens_details", "cached_tokens")
        cached = inside("input_tokens_details", "cached_tokens") if cached is None else cached
        thoughts = inside("completion_tokens_details", "reasoning_tokens")
        thoughts = inside("output_tokens_details", "reasoning_tokens") if thoughts is None else thoughts
        out = {"input_tokens": less(count(usage.get("prompt_tokens", usage.get("input_tokens"))), cached),
               "output_tokens": count(usage.get("completion_tokens", usage.get("output_tokens"))),
               "cache_read_tokens": cached, "reasoning_tokens": thoughts}
    return {name: value for name, value in out.items() if value is not None} or None

def _pieces(raw):
    """The JSON of a body, and whether it was streamed."""
    text = raw.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    if text[:1] in ("{", "["):
        body = json.loads(text)
        return (body, True) if isinstance(body, list) else ([body], False)
    out, data = [], []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") + [""]:
        if line.startswith("data:"):
            data.append(line[5:].lstrip(" "))
        elif not line and data:
            whole, data = "\n".join(data), []
            with contextlib.suppress(ValueError):
                out.append(whole if whole == "[DONE]" else json.loads(whole))
    return out, True

# What is new in a request.

def _tail(api, body):
    """Messages as [(hash, [event fields])]; None for the model's own messages."""
    raw = body.get({"responses": "input", "gemini": "contents"}.get(api, "messages")) or []
    raw = [{"role": "user", "content": raw}] if isinstance(raw, str) else raw
    raw = raw if isinstance(raw, list) else [raw]
    return [(hashlib.sha256(json.dumps(it, sort_keys=True, default=str).encode()).hexdigest(), _events_of(api, it)) for it in raw]

def _events_of(api, it):
    role, kind = it.get("role", ""), it.get("type", "message")
    result = lambda call, value, error=None: {"type": "tool_result", "call_id": call, "result": _plain(value), "status": error}
    if role in ("assistant", "model"):
        return None
    if api == "chat" and role in ("tool", "function"):
        return [result(it.get("tool_call_id"), it.get("content"))]
    if api == "responses" and kind != "message":
        return [result(it.get("call_id"), it.get("output"))] if kind.endswith("_output") else None
    content = it.get("parts") if api == "gemini" else it.get("content")
    blocks = content if isinstance(content, list) else []
    results = [result(block.get("tool_use_id"), block.get("content"), "error" if block.get("is_error") else "ok")
               for block in blocks if block.get("type") == "tool_result"]
    results += [result(part["functionResponse"].get("id") or (part["functionResponse"].get("name"),),
                       part["functionResponse"].get("response")) for part in blocks if part.get("functionResponse")]
    rest = [block for block in blocks if block.get("type") != "tool_result" and not block.get("functionResponse")]
    prompt = {"type": "prompt", "role": role or "user", "content": _plain(rest if blocks else content),
              "injected": True if results else None}
    return results + ([prompt] if rest or not blocks else [])

def _plain(content):
    if isinstance(content, list) and content and all(isinstance(it, dict) and isinstance(it.get("text"), str) for it in content):
        return "\n".join(it["text"] for it in content)
    return content

class _Conversation:
    def __init__(self, run):
        # `open`: calls as (id, tool, args) without a result so far.
        self.run, self.hashes, self.open = run, [], []

    def goes_on(self, messages):
        return bool(self.hashes) and self.hashes == [one for one, _ in messages[:len(self.hashes)]]

    def close(self, call):
        """The call of a result; Gemini sends only its name."""
        for at, (known, tool, _) in enumerate(self.open):
            if known == call or (isinstance(call, tuple) and call[0] == tool):
                self.open.pop(at)
                return known
        return call[0] if isinstance(call, tuple) else call

class _Exchange:
    """A model call in flight."""

    def __init__(self, request, api):
        self.api, self.began, self.first = api, time.time(), None
        self.clock, self.chunks, self.size = time.monotonic(), [], 0
        self.run = _run.get() or _trace.run
        self.id, self.status, self.encoding = _trace.id(), None, ""
        # A proxy records the traffic; only the ids of calls are collected here, for wrapped functions.
        self.tell = (lambda *_, **__: None) if os.environ.get("SAFERUN_PROXY") else _trace.tell
        self.body = {}
        with contextlib.suppress(Exception):
            body = json.loads(request.content or b"{}")
            self.body = body if isinstance(body, dict) else {}
        self.conversation = self._ask()
        _passing.add(self)

    def _ask(self):
        messages = _tail(self.api, self.body)
        with _trace.lock:
            mine = [it for it in _conversations if it.run == self.run and it.goes_on(messages)]
            found = max(mine, key=lambda it: len(it.hashes), default=None)
            from_ = len(found.hashes) if found else 0
            if found is None:
                found = _Conversation(self.run)
                _conversations.append(found)
                del _conversations[:-256]
                own = [at for at, (_, events) in enumerate(messages) if events is None]
                from_ = own[-1] + 1 if own else 0
            found.hashes = [one for one, _ in messages]
        for event in (event for _, events in messages[from_:] for event in events or []):
            if event["type"] == "tool_result":
                event["call_id"] = found.close(event["call_id"])
            if (self.run, event.get("call_id")) not in _resulted:
                self.tell(event.pop("type"), self.run, self.began, **event)
        return found

    def answered(self, status, headers):
        self.status, self.encoding = status, (headers.get("content-encoding") or "").strip().lower()

    def piece(self, chunk):
        if self.first is None:
            self.first = time.monotonic()
        self.size += len(chunk)
        if self.size <= _CAP:
            self.chunks.append(chunk)

    def over(self, error=None):
        if self not in _passing:
            return
        _passing.discard(self)
        try:
            self._tell(error)
        except Exception as failure:
            self.tell("note", self.run, content=f"an answer could not be read: {failure}")

    def _tell(self, error):
        """Records the answer and its tool calls."""
        raw = _decoded(b"".join(self.chunks), self.encoding)
        pieces, is_stream = [], False
        with contextlib.suppress(ValueError):
            pieces, is_stream = _pieces(raw)
        objects = [it for it in pieces if isinstance(it, dict) or it == "[DONE]"]
        answer = _READERS[self.api](objects, is_stream)
        failed = self._failure(error, objects, raw)
        if answer["reasoning"]:
            self.tell("reasoning", self.run, self.began, content=answer["reasoning"])
        first = (self.first - self.clock) * 1000 if self.first is not None and is_stream else None
        finish = answer["finish"] if answer["is_complete"] or failed else "cut"
        self.tell("response", self.run, self.began, id=self.id, model=answer["model"] or self.body.get("model"),
                    content=answer["text"] or None, usage=_usage(self.api, answer["usage"]), finish_reason=finish,
                    duration_ms=round((time.monotonic() - self.clock) * 1000, 3), ttft_ms=first and round(first, 3),
                    error=failed, api=self.api, response_id=answer["id"], truncated=True if self.size > _CAP else None)
        for call in answer["calls"]:
            name = call["id"] or f"{self.id}-{len(self.conversation.open)}"
            self.conversation.open.append((name, call["tool"], call["args"]))
            self.tell("tool_call", self.run, id=name, parent_id=self.id, tool=call["tool"], args=call["args"])

    def _failure(self, error, objects, raw):
        """Why there is no answer: an error of the client, one that the API reports, or the body of an error status."""
        if error is not None:
            return {"type": type(error).__name__, "message": str(error)}
        reported = next((it["error"] for it in objects if isinstance(it, dict) and it.get("error")), None)
        if reported is None:
            is_error = (self.status or 0) >= 400
            return {"message": raw[:2000].decode("utf-8", "replace"), "http_status": self.status} if is_error else None
        if not isinstance(reported, dict):
            return {"message": str(reported), "http_status": self.status}
        kind = reported.get("type") or reported.get("status")
        return {"type": kind, "message": reported.get("message"), "http_status": self.status}

def _decoded(raw, encoding):
    window = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}.get(encoding)
    with contextlib.suppress(zlib.error):
        return raw if window is None else zlib.decompressobj(window).decompress(raw)
    return b""

# Transports.

def _wrapped(transport, http):
    """A transport of the client's own HTTP library around `transport`."""
    is_async = hasattr(transport, "handle_async_request")
    base = http.AsyncBaseTransport if is_async else http.BaseTransport
    stream = http.AsyncByteStream if is_async else http.SyncByteStream

    @contextlib.contextmanager
    def watched(request):
        api = _api(request.url.raw_path.decode("ascii", "replace")) if request.method == "POST" else None
        if api is None:
            return (yield lambda response: response)
        # Only encodings that can be read here; the client decodes these as well.
        request.headers["accept-encoding"] = "gzip, deflate"
        exchange = _Exchange(request, api)

        def passed(response):
            exchange.answered(response.status_code, response.headers)
            response.stream = Stream(response.stream, exchange)
            return response

        try:
            yield passed
        except BaseException as error:
            exchange.over(error)
            raise

    class Stream(stream):
        def __init__(self, inner, exchange):
            self.inner, self.exchange = inner, exchange

        def __iter__(self):
            try:
                for chunk in self.inner:
                    self.exchange.piece(chunk)
                    yield chunk
            finally:
                self.exchange.over()

        async def __aiter__(self):
            try:
                async for chunk in self.inner:
                    self.exchange.piece(chunk)
                    yield chunk
            finally:
                self.exchange.over()

        def close(self):
            self.exchange.over()
            self.inner.close()

        async def aclose(self):
            self.exchange.over()
            await self.inner.aclose()

    class Observed(base):
        is_saferun = True

        def handle_request(self, request):
            with watched(request) as passed:
                return passed(transport.handle_request(request))

        async def handle_async_request(self, request):
            with watched(request) as passed:
                return passed(await transport.handle_async_request(request))

        close = lambda self: transport.close()
        aclose = lambda self: transport.aclose()

    return Observed()

def _http_clients(client):
    """The HTTP clients inside a client of an SDK, or inside a model of a framework, which has such a client."""
    paths = ("_client", "_api_client._httpx_client", "_api_client._async_httpx_client",
             "_client_wrapper.httpx_client.httpx_client", "sdk_configuration.client", "sdk_configuration.async_client",
             # LangChain, the OpenAI Agents SDK, Pydantic AI.
             "root_client._client", "root_async_client._client", "_client._client", "_async_client._client",
             "model._client._client", "client._client", "model.client._client")
    inner = [functools.reduce(lambda it, name: getattr(it, name, None), path.split("."), client) for path in paths]
    return [it for it in inner if hasattr(it, "_transport") and hasattr(it, "_mounts")]

def observe(thing, service=None, env=None):
    """Records the model calls of a client, or the calls of functions (one, a list or a dict of them).

    Returns the same client, or the functions wrapped; TypeError for anything else."""
    _start(service, env)
    if isinstance(thing, dict) and all(callable(it) for it in thing.values()):
        for name in list(thing):
            thing[name] = guarded(tool=name)(thing[name])
        return thing
    if isinstance(thing, list) and thing and all(inspect.isroutine(it) for it in thing):
        thing[:] = [guarded(it) for it in thing]
        return thing
    if inspect.isroutine(thing):
        return guarded(thing)
    clients = _http_clients(thing)
    if not clients:
        raise TypeError(f"observe() takes clients of openai, anthropic, groq, together, cohere, mistral and google-genai, models of "
                        f"LangChain, Pydantic AI and OpenAI Agents, functions, lists and dicts of them; not {type(thing).__name__}")
    for client in clients:
        # Its own HTTP library, whatever its name.
        own = next(it for it in type(client).__mro__ if hasattr(sys.modules.get(it.__module__.split(".")[0]), "BaseTransport"))
        http = sys.modules[own.__module__.split(".")[0]]
        if not getattr(client._transport, "is_saferun", False):
            client._transport = _wrapped(client._transport, http)
        for pattern, transport in list(client._mounts.items()):
            if transport is not None and not getattr(transport, "is_saferun", False):
                client._mounts[pattern] = _wrapped(transport, http)
    return thing

# Tools.

def _program():
    return os.environ.get("SAFERUN_TUI") or shutil.which("saferun-tui")

async def _aside(wait, *args):
    """Calls a function that waits, on another thread if there is an event loop: a person may take minutes to answer."""
    try:
        import asyncio
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return wait(*args)
    return await loop.run_in_executor(None, contextvars.copy_context().run, wait, *args)

class _Call:
    """A call of a wrapped function: recorded, allowed or not, carried out, and its result recorded."""

    def __init__(self, function, tool, args, kwargs):
        self.tool, self.run = tool, _run.get() or _trace.run
        try:
            self.args = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
        except (TypeError, ValueError):
            self.args = {"args": list(args), **kwargs}
        asked = self._asked()
        self.id = asked or "f-" + secrets.token_hex(8)
        if asked is None or os.environ.get("SAFERUN_PROXY"):
            _trace.tell("tool_call", id=self.id, tool=tool, args=self.args)

    def _asked(self):
        """The id of the model's call that this carries out, if its client is observed."""
        with _trace.lock:
            mine = [it for conversation in _conversations if conversation.run == self.run for it in conversation.open]
            same = (it for it, *call in mine if call == [self.tool, self.args] and (self.run, it) not in _resulted)
            return next(same, None)

    def refusal(self):
        """Why the user's policy denies it. Without the program nothing may run, unless SAFERUN_GUARD=off."""
        if os.environ.get("SAFERUN_GUARD") == "off":
            return None
        binary = _program()
        if not binary:
            return "saferun-tui is not installed (SAFERUN_GUARD=off runs tools without it)"
        request = {"event": "before", "run_id": self.run, "call_id": self.id, "tool": self.tool, "args": self.args,
                   "cwd": os.getcwd(), "agent": _trace.service}
        done = subprocess.run([binary, "guard", "sdk"], input=json.dumps(request, default=str).encode(), capture_output=True,
                              env={**os.environ, "SAFERUN_TRACE": os.path.abspath(_trace.path)})
        try:
            answer = json.loads(done.stdout)
            return None if done.returncode == 0 and answer["decision"] == "allow" else answer.get("reason") or "denied"
        except (ValueError, KeyError, TypeError):
            return f"the guard failed: {done.stderr.decode('utf-8', 'replace').strip() or done.returncode}"

    @contextlib.contextmanager
    def carried_out(self, refusal):
        """Yields a list for the result, unless the call is refused."""
        if refusal is not None:
            raise PermissionError(refusal)
        began, result, failure = time.monotonic(), [None], None
        try:
            yield result
        except BaseException as error:
            failure = {"type": type(error).__name__, "message": str(error)}
            raise
        finally:
            _resulted.add((self.run, self.id))
            _trace.tell("tool_result", call_id=self.id, status="error" if failure else "ok", error=failure, result=result[0],
                        duration_ms=round((time.monotonic() - began) * 1000, 3))

class _Recorded:
    """Where recorded results come from: a run, or the address of `serve --mcp`."""

    def __init__(self, source):
        self.source, self.lock, self.server = source, threading.Lock(), None

    def result(self, call):
        params = {"name": call.tool, "arguments": call.args}
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, default=str).encode()
        try:
            with self.lock:
                answer = json.loads(self._posted(line) if self.source.startswith("http://") else self._served(line))
            if "result" not in answer:
                raise LookupError(answer["error"]["message"])
            result, text = answer["result"], answer["result"]["content"][0]["text"]
        except (OSError, TypeError, ValueError, LookupError) as error:
            why = getattr(error, "doc", error)
            raise RuntimeError(f"SAFERUN_REPLAY={self.source} gives no recorded results: {why}") from None
        if result["isError"]:
            raise RuntimeError(text)
        return result.get("_meta", {}).get("saferun/result", text)

    def _posted(self, line):
        import urllib.request
        request = urllib.request.Request(self.source, line, {"content-type": "application/json"})
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()

    def _served(self, line):
        """One server answers all calls, because each result is given once."""
        if self.server is None:
            command, pipe = [_program() or "saferun-tui", "mcp-serve", self.source], subprocess.PIPE
            self.server = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        with contextlib.suppress(BrokenPipeError):
            self.server.stdin.write(line + b"\n")
            self.server.stdin.flush()
        # A server that has ended says why.
        return self.server.stdout.readline() or self.server.stderr.read().strip().decode("utf-8", "replace")

def guarded(function=None, *, tool=None):
    """Records calls of a function as tool calls, after the policy allowed them. A denied one raises PermissionError.

    With SAFERUN_REPLAY the function is not run: it returns, or raises, what was recorded."""
    if function is None:
        return lambda it: guarded(it, tool=tool)
    _start()
    name, source = tool or function.__name__, os.environ.get("SAFERUN_REPLAY")
    recorded = _sources.setdefault(source, _Recorded(source)) if source else None

    @functools.wraps(function)
    async def later(*args, **kwargs):
        call = _Call(function, name, args, kwargs)
        refusal = None if recorded else await _aside(call.refusal)
        with call.carried_out(refusal) as result:
            result[0] = await (_aside(recorded.result, call) if recorded else function(*args, **kwargs))
        return result[0]

    @functools.wraps(function)
    def now(*args, **kwargs):
        call = _Call(function, name, args, kwargs)
        with call.carried_out(None if recorded else call.refusal()) as result:
            result[0] = recorded.result(call) if recorded else function(*args, **kwargs)
        return result[0]

    return later if inspect.iscoroutinefunction(function) else now
