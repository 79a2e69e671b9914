// Records what an agent's models say and its tools do as a SafeRun trace, and lets a policy stop a tool.
//
//     import { observe, guarded } from "./saferun";
//     observe(client, { service: "support-agent", env: "prod" });
//
// Models are observed on the wire: the `fetch` that a client was given is wrapped, no method is replaced, so types,
// streams and early exits stay as they are. A client that takes no `fetch` is observed by
// `globalThis.fetch = observe(fetch)`. Every event is written at once by one call: a process that is killed loses
// nothing. Under `saferun-tui record` model calls are left to its proxy. No dependency; Node 18 or later, Bun, Deno;
// MIT or Apache-2.0.
import { AsyncLocalStorage } from "node:async_hooks";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const CAP = 32 << 20;
const current = new AsyncLocalStorage();
const name = (prefix, bytes) => prefix + randomBytes(bytes).toString("hex");
const isObject = (it) => typeof it === "object" && it !== null && !Array.isArray(it);
const list = (it) => (Array.isArray(it) ? it : []);
const text = (it) => (typeof it === "string" ? it : "");
const rounded = (ms) => Math.round(ms * 1000) / 1000;

/** The file, which other processes append to as well: one write for each line. */
class Trace {
  constructor() {
    Object.assign(this, { file: null, failed: 0, events: 0, started: new Set(), ended: new Set(), status: ["ok"] });
    this.run = process.env.SAFERUN_RUN || name("r-", 11);
    this.tag = name("", 4);
    this.path = path.resolve(process.env.SAFERUN_TRACE || this.newPath());
  }

  newPath() {
    const set = process.env.XDG_STATE_HOME ?? "";
    const state = path.isAbsolute(set) ? set : path.join(os.homedir(), ".local/state");
    const [date, time] = new Date().toISOString().split("T");
    const program = path.basename(process.argv[1] ?? "node").replace(/[^\w.-]/g, "") || "node";
    const file = `${program}-${time.slice(0, 8).replaceAll(":", "")}-${this.run.slice(-4)}.jsonl`;
    return path.join(state, "saferun-tui", "traces", date, file);
  }

  open() {
    fs.mkdirSync(path.dirname(this.path), { recursive: true, mode: 0o700 });
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0 } = fs.constants;
    this.file = fs.openSync(this.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  }

  /** Writes an event; what is null is left out. Never throws into the agent. */
  tell(type, { run = this.here(), at = Date.now(), ...more } = {}) {
    if (!this.started.has(run) && type !== "run_start") this.begin(run, { at });
    try {
      const fields = Object.entries(more).filter(([, value]) => value !== null && value !== undefined);
      const event = { type, via: "sdk", run_id: run, ts: new Date(at).toISOString(), ...Object.fromEntries(fields) };
      if (this.file === null) this.open();
      fs.writeSync(this.file, Buffer.from(JSON.stringify(event, plainly) + "\n"));
    } catch (error) {
      this.failed += 1;
      if (this.failed === 1) console.error(`saferun: events cannot be written: ${error.message}`);
    }
  }

  begin(run, { at, task, parent } = {}) {
    this.started.add(run);
    const argv = process.argv.slice(1, 2).map((it) => path.basename(it));
    this.tell("run_start", { run, at, v: 1, service: this.service, env: this.env, task, parent_run_id: parent,
      agent: this.service, pid: process.pid, recorder: { name: "saferun.mjs", via: "sdk", argv } });
  }

  end(run, status, reason) {
    if (!this.started.has(run) || this.ended.has(run)) return;
    this.ended.add(run);
    this.tell("run_end", { run, status, reason });
  }

  id() {
    this.events += 1;
    return `s${this.events}-${this.tag}`;
  }

  here() {
    return current.getStore() ?? this.run;
  }
}

/** What JSON cannot hold is written as text. */
function plainly(_, value) {
  return typeof value === "bigint" || typeof value === "function" ? String(value) : value;
}

let trace = null;
const conversations = [];
// Runs and calls whose result a wrapped function has recorded, and model calls whose answer is still being read.
const resulted = new Set();
const passing = new Set();

function start({ service, env } = {}) {
  if (trace === null) {
    trace = new Trace();
    process.on("uncaughtExceptionMonitor", (error) => {
      trace.status = ["error", error instanceof Error ? `${error.name}: ${error.message}` : String(error)];
    });
    process.on("exit", (code) => {
      for (const exchange of passing) exchange.over();
      if (code && trace.status[0] === "ok") trace.status = ["error", `exit code ${code}`];
      trace.end(trace.run, ...trace.status);
    });
  }
  trace.service = service ?? trace.service;
  trace.env = env ?? trace.env;
}

/** Everything that `inside` does, now or later, is a separate run. */
export function run(inside, { task } = {}) {
  start();
  const parent = current.getStore() ?? (trace.started.has(trace.run) ? trace.run : undefined);
  const own = name("r-", 11);
  trace.begin(own, { task, parent });
  return settled(() => current.run(own, inside), (error) => {
    if (error === undefined) trace.end(own, "ok");
    else trace.end(own, "error", `${error?.name ?? "Error"}: ${error?.message ?? error}`);
  });
}

/** Calls a function, and reports how it ended: with `after(undefined, result)` or `after(error)`. */
function settled(call, after) {
  const fail = (error) => {
    after(error ?? new Error("nothing was thrown"));
    throw error;
  };
  const done = (result) => {
    after(undefined, result);
    return result;
  };
  let result;
  try {
    result = call();
  } catch (error) {
    fail(error);
  }
  return typeof result?.then === "function" ? result.then(done, fail) : done(result);
}

// Reading APIs. An answer is {text, reasoning, calls, usage, model, finish, isComplete, id}.

const APIS = { "/chat/completions": "chat", "/messages": "messages", "/responses": "responses", ":generateContent": "gemini",
  ":streamGenerateContent": "gemini" };

function apiOf(url) {
  const at = url.split("?")[0].replace(/\/+$/, "");
  return Object.entries(APIS).find(([end]) => at.endsWith(end))?.[1];
}

function argsOf(given) {
  if (typeof given !== "string") return given;
  if (!given.trim()) return {};
  try {
    const value = JSON.parse(given);
    return isObject(value) ? value : given;
  } catch {
    return given;
  }
}

function words(content) {
  if (Array.isArray(content)) return content.map(words).join("");
  if (isObject(content)) return words(content.text || content.refusal || content.content || "");
  return text(content);
}

const nothing = () => ({ text: "", reasoning: "", calls: [], usage: {}, model: null, finish: null, isComplete: false, id: null });

function merge(into, more) {
  for (const [key, value] of Object.entries(more ?? {})) if (value !== null) into[key] = value;
}

function chat(pieces, isStream) {
  const out = nothing();
  const calls = new Map();
  for (const piece of pieces) {
    if (piece === "[DONE]") {
      out.isComplete = true;
      continue;
    }
    merge(out.usage, piece.usage);
    out.model ||= piece.model;
    out.id ||= piece.id;
    for (const choice of list(piece.choices)) {
      const message = choice[isStream ? "delta" : "message"] ?? {};
      out.text += words(message.content ?? "") + words(message.refusal ?? "");
      out.reasoning += text(message.reasoning_content) || text(message.reasoning);
      for (const call of list(message.tool_calls)) {
        const key = `${choice.index ?? 0} ${call.index ?? call.id ?? calls.size - 1}`;
        if (!calls.has(key)) calls.set(key, { id: null, tool: "", args: "" });
        const known = calls.get(key);
        const called = call.function ?? call.custom ?? {};
        known.id ||= call.id;
        known.tool ||= called.name ?? "";
        const more = called.arguments ?? called.input;
        known.args = typeof more === "string" ? known.args + more : more ?? known.args;
      }
      out.finish ||= choice.finish_reason;
    }
  }
  out.calls = [...calls.values()].map((it) => ({ ...it, args: argsOf(it.args) }));
  out.isComplete ||= Boolean(out.finish);
  return out;
}

function messages(pieces, isStream) {
  const out = nothing();
  let blocks = [];
  const block = (at) => (blocks[at] ??= { start: {}, text: "", input: "" });
  for (const piece of pieces) {
    if (!isStream || piece.type === "message_start") {
      const message = isStream ? piece.message ?? {} : piece;
      [out.model, out.id, out.finish] = [message.model, message.id, message.stop_reason];
      merge(out.usage, message.usage);
      blocks = list(message.content).map((it) => ({ start: it, text: "", input: "" }));
      out.isComplete = !isStream && piece.type === "message";
    } else if (piece.type === "content_block_start") {
      block(piece.index ?? 0).start = piece.content_block ?? {};
    } else if (piece.type === "content_block_delta") {
      const known = block(piece.index ?? 0);
      known.text += text(piece.delta?.text) || text(piece.delta?.thinking);
      known.input += text(piece.delta?.partial_json);
    } else if (piece.type === "message_delta") {
      out.finish = piece.delta?.stop_reason || out.finish;
      merge(out.usage, piece.usage);
    } else if (piece.type === "message_stop") {
      out.isComplete = true;
    }
  }
  for (const { start, text: added, input } of blocks.filter(Boolean)) {
    const type = start.type ?? "text";
    if (type === "tool_use") {
      out.calls.push({ id: start.id, tool: start.name ?? "", args: input ? argsOf(input) : start.input ?? {} });
    } else if (type === "thinking") {
      out.reasoning += text(start.thinking) + added;
    } else if (type === "text") {
      out.text += text(start.text) + added;
    }
  }
  return out;
}

function responses(pieces, isStream) {
  const out = nothing();
  const items = [];
  let response = {};
  for (const piece of pieces) {
    if (piece.type === "response.output_item.done") items.push(piece.item ?? {});
    const body = isStream ? piece.response : piece;
    if (!isObject(body)) continue;
    response = body;
    out.isComplete ||= !isStream || /^response\.(completed|incomplete|failed)$/.test(piece.type);
  }
  [out.model, out.id, out.usage] = [response.model, response.id, response.usage ?? {}];
  out.finish = response.incomplete_details?.reason ?? response.status;
  for (const item of response.output?.length ? response.output : items) {
    const type = item.type ?? "";
    if (type === "message") {
      out.text += words(item.content);
    } else if (type === "reasoning") {
      out.reasoning += words(item.summary) + words(item.content);
    } else if (type.endsWith("_call")) {
      const args = item.arguments ?? item.input ?? item.action;
      out.calls.push({ id: item.call_id ?? item.id, tool: item.name ?? type.slice(0, -5), args: argsOf(args) });
    }
  }
  return out;
}

function gemini(pieces) {
  const out = nothing();
  for (const piece of pieces) {
    merge(out.usage, piece.usageMetadata);
    out.model = piece.modelVersion ?? out.model;
    out.id = piece.responseId ?? out.id;
    for (const candidate of list(piece.candidates)) {
      out.finish = candidate.finishReason ?? out.finish;
      for (const part of list(candidate.content?.parts)) {
        const call = part.functionCall;
        if (call) out.calls.push({ id: call.id, tool: call.name ?? "", args: call.args ?? {} });
        out[part.thought ? "reasoning" : "text"] += text(part.text);
      }
    }
  }
  out.isComplete = Boolean(out.finish);
  return out;
}

const READERS = { chat, messages, responses, gemini };

function usageOf(api, usage) {
  const count = (it) => (Number.isInteger(it) ? it : undefined);
  const less = (whole, part) => (whole === undefined || part === undefined ? whole : Math.max(whole - part, 0));
  let out;
  if (api === "messages") {
    out = { input_tokens: count(usage.input_tokens), output_tokens: count(usage.output_tokens),
      cache_read_tokens: count(usage.cache_read_input_tokens), cache_write_tokens: count(usage.cache_creation_input_tokens),
      cache_write_hour_tokens: count(usage.cache_creation?.ephemeral_1h_input_tokens) };
  } else if (api === "gemini") {
    const [cached, thoughts] = [count(usage.cachedContentTokenCount), count(usage.thoughtsTokenCount)];
    const answered = count(usage.candidatesTokenCount);
    out = { input_tokens: less(count(usage.promptTokenCount), cached), cache_read_tokens: cached,
      output_tokens: answered === undefined && thoughts === undefined ? undefined : (answered ?? 0) + (thoughts ?? 0),
      reasoning_tokens: thoughts };
  } else {
    const cached = count(usage.prompt_tokens_details?.cached_tokens) ?? count(usage.input_tokens_details?.cached_tokens);
    const thoughts = usage.completion_tokens_details?.reasoning_tokens ?? usage.output_tokens_details?.reasoning_tokens;
    out = { input_tokens: less(count(usage.prompt_tokens ?? usage.input_tokens), cached),
      output_tokens: count(usage.completion_tokens ?? usage.output_tokens), cache_read_tokens: cached,
      reasoning_tokens: count(thoughts) };
  }
  return Object.values(out).some((it) => it !== undefined) ? out : undefined;
}

/** The JSON of a body, and whether it was streamed. */
function piecesOf(raw) {
  const body = raw.replace(/^[\ufeff\s]+/, "");
  if (/^[{[]/.test(body)) {
    const whole = JSON.parse(body);
    return Array.isArray(whole) ? [whole, true] : [[whole], false];
  }
  const out = [];
  for (const event of body.replace(/\r\n?/g, "\n").split(/\n\n+/)) {
    const data = event.split("\n").filter((line) => line.startsWith("data:"));
    const whole = data.map((line) => line.slice(5).replace(/^ +/, "")).join("\n");
    try {
      if (data.length) out.push(whole === "[DONE]" ? whole : JSON.parse(whole));
    } catch {
      // The rest of a stream that broke off.
    }
  }
  return [out, true];
}

// What is new in a request.

/** Messages as {hash, events}; the events of the model's own messages are null. */
function tail(api, body) {
  const raw = api === "responses" ? body.input : api === "gemini" ? body.contents : body.messages;
  const all = typeof raw === "string" ? [{ role: "user", content: raw }] : isObject(raw) ? [raw] : list(raw);
  const hash = (it) => createHash("sha256").update(JSON.stringify(it)).digest("base64");
  return all.filter(isObject).map((it) => ({ hash: hash(it), events: eventsOf(api, it) }));
}

function eventsOf(api, it) {
  const result = (call, value, status) => ({ type: "tool_result", call_id: call, result: plain(value), status });
  const type = it.type ?? "message";
  if (it.role === "assistant" || it.role === "model") return null;
  if (api === "chat" && (it.role === "tool" || it.role === "function")) return [result(it.tool_call_id, it.content)];
  if (api === "responses" && type !== "message") return type.endsWith("_output") ? [result(it.call_id, it.output)] : null;
  const content = api === "gemini" ? it.parts : it.content;
  const blocks = list(content);
  const results = blocks.filter((block) => block.type === "tool_result")
    .map((block) => result(block.tool_use_id, block.content, block.is_error ? "error" : "ok"));
  for (const { functionResponse: response } of blocks) {
    if (response) results.push(result(response.id ?? { tool: response.name }, response.response));
  }
  const rest = blocks.filter((block) => block.type !== "tool_result" && !block.functionResponse);
  if (!rest.length && blocks.length) return results;
  const shown = plain(blocks.length ? rest : content);
  return [...results, { type: "prompt", role: it.role ?? "user", content: shown, injected: results.length ? true : undefined }];
}

function plain(content) {
  const isText = Array.isArray(content) && content.length && content.every((it) => typeof it?.text === "string");
  return isText ? content.map((it) => it.text).join("\n") : content;
}

/** A model call in flight. */
class Exchange {
  constructor(api, asked) {
    Object.assign(this, { api, began: Date.now(), clock: performance.now(), chunks: [], size: 0, body: {} });
    [this.run, this.id] = [trace.here(), trace.id()];
    // A proxy records the traffic; only the ids of calls are collected here, for wrapped functions.
    this.tell = process.env.SAFERUN_PROXY ? () => {} : (type, more) => trace.tell(type, { run: this.run, ...more });
    try {
      const body = JSON.parse(asked);
      if (isObject(body)) this.body = body;
    } catch {
      // The model will say what is wrong with it.
    }
    this.conversation = this.ask();
    passing.add(this);
  }

  /** The conversation that the request continues; what is new in it is recorded. */
  ask() {
    const asked = tail(this.api, this.body);
    const goesOn = (it) => it.run === this.run && it.hashes.length && it.hashes.every((hash, at) => hash === asked[at]?.hash);
    const longest = (one, two) => (one && one.hashes.length >= two.hashes.length ? one : two);
    let found = conversations.filter(goesOn).reduce(longest, undefined);
    let from = found?.hashes.length ?? 0;
    if (!found) {
      // `open`: calls without a result so far.
      found = { run: this.run, hashes: [], open: [] };
      conversations.push(found);
      if (conversations.length > 256) conversations.shift();
      from = asked.findLastIndex(({ events }) => events === null) + 1;
    }
    found.hashes = asked.map(({ hash }) => hash);
    for (const { type, ...event } of asked.slice(from).flatMap(({ events }) => events ?? [])) {
      if (type === "tool_result") {
        event.call_id = closed(found, event.call_id);
        if (resulted.has(`${this.run} ${event.call_id}`)) continue;
      }
      this.tell(type, { at: this.began, ...event });
    }
    return found;
  }

  piece(chunk) {
    this.first ??= performance.now();
    this.size += chunk.byteLength;
    if (this.size <= CAP) this.chunks.push(chunk);
  }

  over(error) {
    if (!passing.delete(this)) return;
    try {
      // A client that stops reading aborts its request: the answer is cut, not failed.
      this.answered(error?.name === "AbortError" ? undefined : error);
    } catch (failure) {
      this.tell("note", { content: `an answer could not be read: ${failure.message}` });
    }
  }

  answered(error) {
    const raw = Buffer.concat(this.chunks).toString();
    let [pieces, isStream] = [[], false];
    try {
      [pieces, isStream] = piecesOf(raw);
    } catch {
      // Not JSON: an error of something on the way.
    }
    pieces = pieces.filter((it) => isObject(it) || it === "[DONE]");
    const answer = READERS[this.api](pieces, isStream);
    const failed = failure(error, pieces, raw, this.status);
    if (answer.reasoning) this.tell("reasoning", { at: this.began, content: answer.reasoning });
    this.tell("response", { at: this.began, id: this.id, model: answer.model || this.body.model, content: answer.text || null,
      usage: usageOf(this.api, answer.usage), finish_reason: answer.isComplete || failed ? answer.finish : "cut",
      duration_ms: rounded(performance.now() - this.clock),
      ttft_ms: this.first && isStream ? rounded(this.first - this.clock) : null, error: failed, api: this.api,
      response_id: answer.id, truncated: this.size > CAP ? true : null });
    for (const { id, tool, args } of answer.calls) {
      const call = id || `${this.id}-${this.conversation.open.length}`;
      this.conversation.open.push({ call, tool, args });
      this.tell("tool_call", { id: call, parent_id: this.id, tool, args });
    }
  }
}

function failure(error, pieces, raw, status) {
  if (error !== undefined) return { type: error?.name, message: error?.message ?? String(error) };
  const reported = pieces.find((it) => it.error)?.error;
  if (reported) {
    const { type, status: word, message } = isObject(reported) ? reported : { message: String(reported) };
    return { type: type ?? word, message, http_status: status };
  }
  return status >= 400 ? { message: raw.slice(0, 2000), http_status: status } : null;
}

/** The call of a result; Gemini sends only its tool. */
function closed(conversation, call) {
  const at = conversation.open.findIndex((it) => it.call === call || (isObject(call) && it.tool === call.tool));
  if (at >= 0) return conversation.open.splice(at, 1)[0].call;
  return isObject(call) ? call.tool : call;
}

// Transports.

const OBSERVED = Symbol.for("saferun.observed");

/** A `fetch` that behaves as the one inside, and records model calls. */
function observed(inner) {
  if (inner[OBSERVED]) return inner;
  const outer = async function fetch(input, init) {
    const isRequest = typeof Request === "function" && input instanceof Request;
    const method = init?.method ?? (isRequest ? input.method : "GET");
    const api = method.toUpperCase() === "POST" ? apiOf(isRequest ? input.url : String(input)) : undefined;
    if (api === undefined) return inner(input, init);
    const exchange = new Exchange(api, await bodyOf(input, init, isRequest));
    try {
      return passed(await inner(input, init), exchange);
    } catch (error) {
      exchange.over(error);
      throw error;
    }
  };
  return Object.assign(outer, { [OBSERVED]: true });
}

async function bodyOf(input, init, isRequest) {
  const body = init?.body;
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  return body === undefined && isRequest ? input.clone().text() : text(body);
}

/** The same response; its body is copied as it is read, and not read on when the client leaves. */
function passed(response, exchange) {
  exchange.status = response.status;
  if (typeof response.body?.getReader !== "function") {
    exchange.over();
    return response;
  }
  const reader = response.body.getReader();
  const pull = async (controller) => {
    try {
      const { done, value } = await reader.read();
      if (done) {
        exchange.over();
        controller.close();
        controller.byobRequest?.respond(0);
      } else if (value.byteLength) {
        exchange.piece(value.slice());
        controller.enqueue(value);
      } else {
        await pull(controller);
      }
    } catch (error) {
      exchange.over(error);
      controller.error(error);
    }
  };
  const cancel = (reason) => {
    exchange.over();
    return reader.cancel(reason);
  };
  const copy = new Response(new ReadableStream({ type: "bytes", pull, cancel }), response);
  for (const key of ["url", "redirected", "type"]) Object.defineProperty(copy, key, { value: response[key] });
  return copy;
}

/** The objects inside a client that hold the `fetch` it uses. */
function holders(client) {
  const found = [client, client.client].filter((it) => typeof it?.fetch === "function");
  // Models of the AI SDK, and of LangChain, which make their clients from these options.
  if (client.specificationVersion) found.push(client.config);
  if (client.lc_namespace) {
    found.push(client.clientConfig, client.clientOptions, client.completions?.clientConfig, client.responses?.clientConfig);
  }
  return found.filter(isObject);
}

/**
 * Records the model calls of a client or of a `fetch`, or the calls of functions (one, an array or an object of them, or
 * of the AI SDK's tools). Returns the same client, or the functions wrapped; TypeError for anything else.
 */
export function observe(thing, options = {}) {
  start(options);
  // A tool may have the same name.
  if (thing === globalThis.fetch || thing?.[OBSERVED]) return observed(thing);
  if (typeof thing === "function" && !thing.specificationVersion) return guarded(thing);
  const clients = isObject(thing) ? holders(thing) : [];
  for (const client of clients) client.fetch = observed(client.fetch ?? globalThis.fetch);
  if (clients.length) return thing;
  const entries = typeof thing === "object" && thing !== null ? Object.entries(thing) : [];
  if (!entries.length || !entries.every(([, it]) => typeof it === "function" || typeof it?.execute === "function")) {
    throw new TypeError("observe() takes clients of openai, anthropic, groq, together and ollama, models of the AI SDK and " +
      "LangChain, fetch, functions, arrays and objects of functions or of the AI SDK's tools");
  }
  for (const [key, it] of entries) {
    if (typeof it !== "function") it.execute = wrapped(it.execute, key, ([args, more]) => ({ call: more?.toolCallId, args, values: [args] }));
    else thing[key] = guarded(it, Array.isArray(thing) ? {} : { tool: key });
  }
  return thing;
}

// Tools.

/** Asks the user's policy. Without the program nothing may run, unless SAFERUN_GUARD=off. Returns why not. */
function decide(call, tool, args, isAsync) {
  if (process.env.SAFERUN_GUARD === "off") return undefined;
  const binary = program();
  if (!binary) return "saferun-tui is not installed (SAFERUN_GUARD=off runs tools without it)";
  const request = { event: "before", run_id: trace.here(), call_id: call, tool, args, cwd: process.cwd(), agent: trace.service };
  const input = JSON.stringify(request, plainly);
  const env = { ...process.env, SAFERUN_TRACE: trace.path };
  if (!isAsync) {
    const { status, stdout, stderr, error } = spawnSync(binary, ["guard", "sdk"], { input, env, encoding: "utf8" });
    return whyNot(status, stdout, error?.message ?? stderr);
  }
  return new Promise((resolve) => {
    const child = spawn(binary, ["guard", "sdk"], { env });
    const output = ["", ""];
    child.stdout.on("data", (more) => (output[0] += more));
    child.stderr.on("data", (more) => (output[1] += more));
    child.on("error", (error) => resolve(whyNot(null, "", error.message)));
    child.on("close", (code) => resolve(whyNot(code, ...output)));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

function whyNot(code, stdout, stderr) {
  try {
    const { decision, reason } = JSON.parse(stdout);
    return code === 0 && decision === "allow" ? undefined : reason || "denied";
  } catch {
    return `the guard failed: ${(stderr ?? "").trim() || code}`;
  }
}

function program() {
  const all = (process.env.PATH ?? "").split(path.delimiter).map((it) => path.join(it, "saferun-tui"));
  return process.env.SAFERUN_TUI || all.find((it) => fs.existsSync(it));
}

// Recorded results, from the run or the address (`serve --mcp`) that SAFERUN_REPLAY names. Each is given once, so the
// server must see every call so far.
const replayed = [];
let server = null;
const POST = `
  const post = async (body) => (await fetch(process.argv[1], { method: "POST", body })).text();
  let last = Promise.resolve();
  require("readline").createInterface({ input: process.stdin })
    .on("line", (line) => (last = last.then(() => post(line)).then(console.log)));`;

/** The program that answers calls, one per line. */
function answering(source) {
  return source.startsWith("http://") ? [process.execPath, "-e", POST, source] : [program() ?? "saferun-tui", "mcp-serve", source];
}

/** For functions that are not async, which cannot wait for a server: a new one gets all calls so far. */
function answerNow(source) {
  const [file, ...options] = answering(source);
  const input = source.startsWith("http://") ? replayed.at(-1) : replayed.join("\n");
  const { stdout, stderr, error } = spawnSync(file, options, { input, encoding: "utf8", maxBuffer: Infinity });
  return resultIn(source, (stdout ?? "").trim().split("\n").at(-1), error?.message ?? stderr);
}

/** For async functions: one server gets each call once, those answered elsewhere as well, and answers in order. */
async function answerLater(source) {
  server ??= serverOf(source);
  const { child, lines } = server;
  const calls = source.startsWith("http://") ? replayed.slice(-1) : replayed.slice(server.sent);
  server.sent = replayed.length;
  child.stdin.write(calls.map((line) => `${line}\n`).join(""));
  server.turn = server.turn.then(async () => {
    child.stdout.ref();
    let answer;
    for (let left = calls.length; left > 0; left -= 1) answer = (await lines.next()).value;
    if (answer === undefined) await server.ended;
    child.stdout.unref();
    return answer ?? "";
  });
  return resultIn(source, await server.turn, server.complaint);
}

/** A server that does not keep the agent from ending. */
function serverOf(source) {
  const [file, ...options] = answering(source);
  const child = spawn(file, options);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const one = { child, lines, sent: 0, complaint: "", turn: Promise.resolve() };
  one.ended = new Promise((resolve) => child.once("close", resolve));
  child.on("error", (error) => (one.complaint += error.message));
  child.stderr.on("data", (more) => (one.complaint += more));
  child.stdin.on("error", () => {});
  for (const it of [child, ...child.stdio]) it?.unref?.();
  // What it writes at its end is still read.
  child.stdout.once("end", () => child.ref());
  return one;
}

function resultIn(source, output, complaint) {
  let answer;
  try {
    answer = JSON.parse(output);
  } catch {
    answer = { error: { message: complaint?.trim() || output } };
  }
  if (!answer?.result) throw new Error(`SAFERUN_REPLAY=${source} gives no recorded results: ${answer?.error?.message}`);
  const { isError, content, _meta } = answer.result;
  if (isError) throw new Error(content[0].text);
  return _meta ? _meta["saferun/result"] : content[0].text;
}

/** The model's call that a wrapped function carries out, if its client is observed. */
function askedFor(tool, values, call) {
  const wanted = JSON.stringify(values, plainly);
  const isIt = (it) => (call ? it.call === call
    : it.tool === tool && [JSON.stringify([it.args]), JSON.stringify(Object.values(it.args ?? {}))].includes(wanted));
  const mine = conversations.filter((it) => it.run === trace.here()).flatMap(({ open }) => open);
  return mine.find((it) => isIt(it) && !resulted.has(`${trace.here()} ${it.call}`));
}

/** Arguments by their names, as policies see them; a single object has names of its own. */
function bound(inner, values) {
  if (values.length === 1 && isObject(values[0])) return values[0];
  const source = Function.prototype.toString.call(inner);
  const head = source.match(/^[^(=]*\(([^)]*)\)/)?.[1] ?? source.match(/^(?:async\s+)?([\w$]+)\s*=>/)?.[1] ?? "";
  const names = head.split(",").map((it) => it.trim().match(/^[\w$]+/)?.[0]);
  return Object.fromEntries(values.map((value, at) => [names[at] ?? `arg${at}`, value]));
}

/**
 * Records calls of a function as tool calls, after the policy allowed them. A denied one throws, and does not run. With
 * SAFERUN_REPLAY none runs: it returns, or throws, what was recorded.
 */
export function guarded(inner, { tool } = {}) {
  start();
  return wrapped(inner, tool ?? inner.name, (values) => ({ args: bound(inner, values), values }));
}

function wrapped(inner, tool, read) {
  const isAsync = inner.constructor?.name === "AsyncFunction";
  const begin = (values) => {
    const given = read(values);
    const known = askedFor(tool, given.values, given.call);
    const call = known?.call ?? given.call ?? name("f-", 8);
    const args = known?.args ?? given.args;
    if (!known || process.env.SAFERUN_PROXY) trace.tell("tool_call", { id: call, tool, args });
    return { call, args };
  };
  const source = process.env.SAFERUN_REPLAY;
  const refused = ({ call, args }) => (source ? undefined : decide(call, tool, args, isAsync));
  const carryOut = (self, values, { call, args }, why) => {
    if (why !== undefined) throw Object.assign(new Error(why), { name: "PermissionError" });
    const clock = performance.now();
    const replay = () => {
      const params = { name: tool, arguments: args };
      replayed.push(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }, plainly));
      return isAsync ? answerLater(source) : answerNow(source);
    };
    return settled(() => (source ? replay() : inner.apply(self, values)), (error, result) => {
      resulted.add(`${trace.here()} ${call}`);
      trace.tell("tool_result", { call_id: call, status: error === undefined ? "ok" : "error",
        error: error && { type: error?.name, message: error?.message ?? String(error) },
        result, duration_ms: rounded(performance.now() - clock) });
    });
  };
  const outer = isAsync
    ? async function (...values) {
      const begun = begin(values);
      return carryOut(this, values, begun, await refused(begun));
    }
    : function (...values) {
      const begun = begin(values);
      return carryOut(this, values, begun, refused(begun));
    };
  return Object.defineProperty(outer, "name", { value: inner.name });
}
