"""A scripted model that speaks chat completions, responses, messages and Gemini. It answers with two tool calls, then
with text, cuts its streams at odd places, and prints its port."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "Grüße 🙂, done."


def answered(body):
    """Whether the last message holds the result of a tool."""
    text = json.dumps(body)
    return "tool_result" in text or '"role": "tool"' in text or "function_call_output" in text or "functionResponse" in text


def chat(body):
    base = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06"}
    usage = {"prompt_tokens": 120, "completion_tokens": 17, "total_tokens": 137,
             "prompt_tokens_details": {"cached_tokens": 20}, "completion_tokens_details": {"reasoning_tokens": 0}}
    calls = [] if answered(body) or not body.get("tools") else [
        {"id": f"call_{n}", "type": "function", "function": {"name": "read", "arguments": json.dumps({"path": f"{n}.txt"})}}
        for n in range(2)]
    finish = "tool_calls" if calls else "stop"
    if not body.get("stream"):
        message = {"role": "assistant", "content": None if calls else TEXT}
        if calls:
            message["tool_calls"] = calls
        return {**base, "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
    chunk = {**base, "object": "chat.completion.chunk"}
    delta = lambda it, end=None: {**chunk, "choices": [{"index": 0, "delta": it, "finish_reason": end}]}
    events = [delta({"role": "assistant", "content": ""})]
    for n, call in enumerate(calls):
        head = {**call, "index": n, "function": {"name": "read", "arguments": ""}}
        events.append(delta({"tool_calls": [head]}))
        args = call["function"]["arguments"]
        for piece in (args[:4], args[4:]):
            events.append(delta({"tool_calls": [{"index": n, "function": {"arguments": piece}}]}))
    if not calls:
        events += [delta({"content": letter}) for letter in TEXT]
    events.append(delta({}, finish))
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**chunk, "choices": [], "usage": usage})
    return "".join(f"data: {json.dumps(it, ensure_ascii=False)}\n\n" for it in events) + "data: [DONE]\n\n"


def messages(body):
    usage = {"input_tokens": 30, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 50, "output_tokens": 1}
    tools = [it["name"] for it in body.get("tools") or [] if it.get("name")]
    tool, arg = ("Read", "file_path") if "Read" in tools else (tools[0] if tools else "", "path")
    calls = [] if answered(body) or not tools else [
        {"type": "tool_use", "id": f"toolu_{n}", "name": tool, "input": {arg: f"{n}.txt"}} for n in range(2)]
    stop = "tool_use" if calls else "end_turn"
    content = [{"type": "text", "text": TEXT}] + calls
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
            "stop_sequence": None}
    if not body.get("stream"):
        return {**base, "content": content, "stop_reason": stop, "usage": {**usage, "output_tokens": 25}}
    events = [{"type": "message_start", "message": {**base, "content": [], "stop_reason": None, "usage": usage}},
              {"type": "ping"}]
    for index, block in enumerate(content):
        if block["type"] == "text":
            events.append({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
            events += [{"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": letter}}
                       for letter in TEXT]
        else:
            events.append({"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}})
            args = json.dumps(block["input"])
            events += [{"type": "content_block_delta", "index": index,
                        "delta": {"type": "input_json_delta", "partial_json": piece}} for piece in (args[:5], args[5:])]
        events.append({"type": "content_block_stop", "index": index})
    events += [{"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": 25}}, {"type": "message_stop"}]
    return "".join(f"event: {it['type']}\ndata: {json.dumps(it, ensure_ascii=False)}\n\n" for it in events)


def responses(body):
    usage = {"input_tokens": 90, "input_tokens_details": {"cached_tokens": 40}, "output_tokens": 11,
             "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 101}
    calls = [] if answered(body) or not body.get("tools") else [
        {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": "read", "status": "completed",
         "arguments": json.dumps({"path": f"{n}.txt"})} for n in range(2)]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": TEXT, "annotations": []}]}
    output = calls or [message]
    whole = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5-2025-08-07", "status": "completed",
             "output": output, "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
             "error": None, "incomplete_details": None, "instructions": None, "metadata": {}}
    if not body.get("stream"):
        return whole
    events = [{"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}}]
    for index, item in enumerate(output):
        start = {**item, "content": []} if item is message else {**item, "arguments": ""}
        events.append({"type": "response.output_item.added", "output_index": index, "item": start})
        if item is message:
            part = {"type": "output_text", "text": "", "annotations": []}
            events.append({"type": "response.content_part.added", "item_id": "msg_1", "output_index": index,
                           "content_index": 0, "part": part})
            events += [{"type": "response.output_text.delta", "item_id": "msg_1", "output_index": index,
                        "content_index": 0, "delta": letter, "logprobs": []} for letter in TEXT]
        else:
            events.append({"type": "response.function_call_arguments.delta", "item_id": item["id"],
                           "output_index": index, "delta": item["arguments"]})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": whole})
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return "".join(f"event: {it['type']}\ndata: {json.dumps(it, ensure_ascii=False)}\n\n" for it in events)


def gemini(body, streams):
    usage = {"promptTokenCount": 70, "cachedContentTokenCount": 10, "candidatesTokenCount": 8, "thoughtsTokenCount": 2,
             "totalTokenCount": 80}
    calls = [] if answered(body) or not body.get("tools") else [
        {"functionCall": {"name": "read", "args": {"path": f"{n}.txt"}}} for n in range(2)]
    piece = lambda parts, **more: {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **more}],
                                   "modelVersion": "gemini-2.5-pro", "responseId": "r1"}
    parts = calls or [{"text": TEXT}]
    if not streams:
        return {**piece(parts, finishReason="STOP"), "usageMetadata": usage}
    pieces = [piece([it]) for it in (calls or [{"text": letter} for letter in TEXT])]
    pieces.append({**piece([{"text": ""}], finishReason="STOP"), "usageMetadata": usage})
    return "".join(f"data: {json.dumps(it, ensure_ascii=False)}\r\n\r\n" for it in pieces)


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self):
        self.send(200, {"object": "list", "data": []})

    def do_POST(self):
        length = self.headers.get("content-length")
        raw = self.rfile.read(int(length)) if length else self.chunks()
        body = json.loads(raw or b"{}")
        path = self.path.split("?")[0]
        if path.endswith("/chat/completions"):
            answer = chat(body)
        elif path.endswith("/responses"):
            answer = responses(body)
        elif path.endswith("/count_tokens"):
            answer = {"input_tokens": 12}
        elif path.endswith("/messages"):
            answer = messages(body)
        elif "enerateContent" in path:
            answer = gemini(body, "stream" in path)
        else:
            return self.send(404, {"error": {"message": "no such path", "type": "not_found"}})
        if isinstance(answer, str):
            return self.stream(answer.encode())
        self.send(200, answer)

    def chunks(self):
        out = b""
        while size := int(self.rfile.readline(), 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def send(self, status, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def stream(self, raw):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        at = 0
        for size in (1, 7, 64, 3, 200) * (len(raw) // 275 + 1):
            piece = raw[at:at + size]
            at += size
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    print(server.server_port, flush=True)
    server.serve_forever()
