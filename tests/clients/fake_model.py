"""A scripted model: one tool call, then one sentence. Speaks Anthropic messages, OpenAI responses and chat
completions, and Gemini's streamed answers, as far as the clients of this folder need them. Listens on 127.0.0.1 only."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Model:
    """`tools` maps the name of a tool that a client offers to the arguments of its one call."""

    def __init__(self, tools):
        self.tools = tools
        self.seen = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                # Codex asks for a WebSocket first; after this answer it falls back to POST.
                self.reply(426 if "upgrade" in self.headers.get("connection", "").lower() else 200, b"{}")

            do_HEAD = do_GET

            def do_POST(self):
                length = self.headers.get("content-length")
                body = self.chunks() if length is None else self.rfile.read(int(length))
                try:
                    request = json.loads(body)
                except ValueError:
                    return self.reply(400, b"{}")
                model.seen.append((self.path, request))
                if "count_tokens" in self.path or "countTokens" in self.path:
                    return self.reply(200, b'{"input_tokens":1,"totalTokens":1}')
                if "/messages" in self.path:
                    return self.events(*model.messages(request))
                if "/responses" in self.path:
                    return self.events(model.responses(request), True, request)
                if "/chat/completions" in self.path:
                    return self.chat(model.chat(request), request)
                if "GenerateContent" in self.path or "generateContent" in self.path:
                    return self.gemini(model.gemini(request))
                return self.reply(200, b"{}")

            def chunks(self):
                out = b""
                while size := int(self.rfile.readline(), 16):
                    out += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return out

            def reply(self, status, body, kind="application/json"):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def events(self, events, is_named, request):
                if not request.get("stream"):
                    return self.reply(200, json.dumps(events).encode())
                name = lambda event: f"event: {event['type']}\n" if is_named else ""
                text = "".join(f"{name(event)}data: {json.dumps(event)}\n\n" for event in events)
                self.reply(200, text.encode(), "text/event-stream")

            def chat(self, answer, request):
                if not request.get("stream"):
                    return self.reply(200, json.dumps(answer).encode())
                (choice,) = answer["choices"]
                delta = dict(choice["message"])
                if delta.get("tool_calls"):
                    delta["tool_calls"] = [dict(call, index=at) for at, call in enumerate(delta["tool_calls"])]
                head = {name: answer[name] for name in ("id", "created", "model")}
                head["object"] = "chat.completion.chunk"
                ends = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
                pieces = [
                    dict(head, choices=[{"index": 0, "delta": delta, "finish_reason": None}]),
                    dict(head, choices=[ends]),
                    dict(head, choices=[], usage=answer["usage"]),
                ]
                text = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"
                self.reply(200, text.encode(), "text/event-stream")

            def gemini(self, answer):
                if "alt=sse" in self.path:
                    return self.reply(200, f"data: {json.dumps(answer)}\r\n\r\n".encode(), "text/event-stream")
                return self.reply(200, json.dumps(answer).encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def call(self, offered, is_answered):
        """The call to request, if the client offers such a tool and has no result of it so far."""
        if is_answered:
            return None
        return next(((name, self.tools[name]) for name in offered if name in self.tools), None)

    def messages(self, request):
        blocks = [b for m in request["messages"] if isinstance(m["content"], list) for b in m["content"]]
        is_answered = any(b.get("type") == "tool_result" for b in blocks)
        call = self.call([t.get("name") for t in request.get("tools", [])], is_answered)
        usage = {"input_tokens": 10, "output_tokens": 5}
        if call:
            block = {"type": "tool_use", "id": "toolu_fake_1", "name": call[0], "input": call[1]}
            start, delta = dict(block, input={}), {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
        else:
            block = {"type": "text", "text": "Done."}
            start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."}
        reason = "tool_use" if call else "end_turn"
        message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": request["model"],
                   "content": [block], "stop_reason": reason, "stop_sequence": None, "usage": usage}
        if not request.get("stream"):
            return message, True, request
        return [
            {"type": "message_start", "message": dict(message, content=[], stop_reason=None)},
            {"type": "content_block_start", "index": 0, "content_block": start},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ], True, request

    def responses(self, request):
        items = request["input"] if isinstance(request["input"], list) else []
        is_answered = any(item.get("type") == "function_call_output" for item in items)
        call = self.call([t.get("name") for t in request.get("tools", [])], is_answered)
        if call:
            item = {"type": "function_call", "id": "fc_1", "call_id": "call_fake_1", "name": call[0],
                    "arguments": json.dumps(call[1]), "status": "completed"}
        else:
            item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "Done.", "annotations": []}]}
        usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15}
        response = {"id": "resp_fake", "object": "response", "model": request["model"], "status": "in_progress",
                    "output": []}
        done = dict(response, status="completed", output=[item], usage=usage)
        return [
            {"type": "response.created", "response": response},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": done},
        ]

    def chat(self, request):
        is_answered = any(message.get("role") == "tool" for message in request["messages"])
        call = self.call([tool.get("function", {}).get("name") for tool in request.get("tools") or []], is_answered)
        message = {"role": "assistant", "content": None if call else "Done."}
        if call:
            function = {"name": call[0], "arguments": json.dumps(call[1])}
            message["tool_calls"] = [{"id": "call_fake_1", "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
        return {"id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": request["model"],
                "choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}

    def gemini(self, request):
        parts = [p for c in request.get("contents", []) for p in c.get("parts", [])]
        is_answered = any("functionResponse" in p for p in parts)
        offered = [d.get("name") for t in request.get("tools", []) for d in t.get("functionDeclarations", [])]
        call = self.call(offered, is_answered)
        part = {"functionCall": {"name": call[0], "args": call[1]}} if call else {"text": "Done."}
        return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}
