// What observe.py plays on the JavaScript SDKs. Usage: node observe.mjs same|rest SAFERUN.mjs SEEN.json
import assert from "node:assert";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [what, saferun, seenFile] = process.argv.slice(2);
const { observe, guarded, run } = await import(path.resolve(saferun));
const require = createRequire(process.env.CLIENT_MODULES + "/");
const load = (name) => import(require.resolve(name));
const parameters = { type: "object", properties: { path: { type: "string" } } };
const { default: OpenAI } = await load("openai");
const seen = [];
const saw = (content, calls, input, output) => seen.push({ text: content ?? "", calls, input, output });

async function chat() {
  const client = observe(new OpenAI(), { service: "svc", env: "test" });
  assert.equal(observe(client), client);
  const tools = [{ type: "function", function: { name: "read", parameters } }];
  const history = [{ role: "system", content: "You read files." }, { role: "user", content: "Read both." }];
  const note = ({ choices: [{ message }], usage }) => {
    const calls = (message.tool_calls ?? []).map((it) => [it.id, it.function.name, JSON.parse(it.function.arguments)]);
    saw(message.content, calls, usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens, usage.completion_tokens);
    return message;
  };
  const first = note(await client.chat.completions.create({ model: "gpt-4o", messages: history, tools }));
  history.push(first, ...first.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: `contents of ${id}` })));
  const asked = { model: "gpt-4o", messages: history, tools, stream_options: { include_usage: true } };
  note(await client.chat.completions.stream(asked).finalChatCompletion());
}

async function responses() {
  const client = observe(new OpenAI());
  const tools = [{ type: "function", name: "read", parameters, strict: false }];
  const input = [{ role: "user", content: "Read both, please." }];
  const note = (it) => {
    const calls = it.output.filter(({ type }) => type === "function_call").map((call) => [call.call_id, call.name, JSON.parse(call.arguments)]);
    saw(it.output_text, calls, it.usage.input_tokens - it.usage.input_tokens_details.cached_tokens, it.usage.output_tokens);
    return it;
  };
  const first = note(await client.responses.create({ model: "gpt-5", input, tools }));
  input.push(...first.output, ...first.output.map(({ call_id }) => ({ type: "function_call_output", call_id, output: `contents of ${call_id}` })));
  note(await client.responses.stream({ model: "gpt-5", input, tools }).finalResponse());
}

async function messages() {
  const { default: Anthropic } = await load("@anthropic-ai/sdk");
  const client = observe(new Anthropic());
  const tools = [{ name: "read", input_schema: parameters }];
  const history = [{ role: "user", content: "Read the two." }];
  const asked = { model: "claude-sonnet-4-5", max_tokens: 100, system: "Read.", messages: history, tools };
  const note = ({ content, usage }) => {
    const calls = content.filter(({ type }) => type === "tool_use").map((it) => [it.id, it.name, it.input]);
    saw(content.map((it) => it.text ?? "").join(""), calls, usage.input_tokens, usage.output_tokens);
    return content;
  };
  const first = note(await client.messages.stream(asked).finalMessage());
  history.push({ role: "assistant", content: first });
  const results = first.filter(({ type }) => type === "tool_use").map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: `contents of ${id}` }));
  history.push({ role: "user", content: results });
  note(await client.messages.create(asked));
}

// A client without a `fetch` of its own.
async function gemini() {
  const { GoogleGenAI } = await load("@google/genai");
  globalThis.fetch = observe(fetch);
  const client = new GoogleGenAI({});
  const config = { tools: [{ functionDeclarations: [{ name: "read", parametersJsonSchema: parameters }] }] };
  const contents = [{ role: "user", parts: [{ text: "Read these." }] }];
  const counts = (it) => [it.promptTokenCount - it.cachedContentTokenCount, it.candidatesTokenCount + it.thoughtsTokenCount];
  const first = await client.models.generateContent({ model: "gemini-2.5-pro", contents, config });
  const { parts } = first.candidates[0].content;
  saw("", parts.map(({ functionCall }) => [null, functionCall.name, functionCall.args]), ...counts(first.usageMetadata));
  const answers = [0, 1].map((n) => ({ functionResponse: { name: "read", response: { text: `contents ${n}` } } }));
  contents.push(first.candidates[0].content, { role: "user", parts: answers });
  let [content, usage] = ["", null];
  for await (const piece of await client.models.generateContentStream({ model: "gemini-2.5-pro", contents, config })) {
    content += piece.text ?? "";
    usage = piece.usageMetadata ?? usage;
  }
  saw(content, [], ...counts(usage));
}

async function aiSdk() {
  const { generateText, tool, stepCountIs, jsonSchema } = await load("ai");
  const { createOpenAI } = await load("@ai-sdk/openai");
  const read = tool({ inputSchema: jsonSchema(parameters), execute: async ({ path: file }) => `contents of ${file}` });
  const model = observe(createOpenAI({ baseURL: process.env.OPENAI_BASE_URL }).chat("gpt-4o"));
  const { text: said } = await generateText({ model, prompt: "Read both of them.", tools: observe({ read }), stopWhen: stepCountIs(3) });
  assert.ok(said);
}

async function rest() {
  const client = observe(new OpenAI(), { service: "svc" });
  const tools = [{ type: "function", function: { name: "read", parameters } }];
  const read = guarded(function read(file) { return `contents of ${file}`; });
  const history = [{ role: "user", content: "Read both." }];
  const create = (more) => client.chat.completions.create({ model: "gpt-4o", messages: history, tools, ...more });
  const { choices: [{ message }] } = await create();
  history.push(message);
  for (const call of message.tool_calls) {
    history.push({ role: "tool", tool_call_id: call.id, content: read(JSON.parse(call.function.arguments).path) });
  }
  await create();
  const { response } = await create({ messages: [{ role: "user", content: "raw" }], tools: undefined }).withResponse();
  assert.ok(response.status === 200 && response.url.endsWith("/chat/completions"));
  const one = (n) => run(async () => {
    let out = "";
    const stream = await create({ messages: [{ role: "user", content: `q${n}` }], tools: undefined, stream: true });
    for await (const piece of stream) out += piece.choices[0]?.delta.content ?? "";
    return out;
  }, { task: `t${n}` });
  assert.equal(new Set(await Promise.all([0, 1, 2, 3, 4].map(one))).size, 1);
  if (process.env.AI_SDK) await run(aiSdk, { task: "ai" });
  for await (const _ of await create({ messages: [{ role: "user", content: "early" }], tools: undefined, stream: true })) break;
  assert.throws(() => observe(new (class {})()), TypeError);
}

if (what === "rest") await rest();
else for (const api of [chat, responses, messages, gemini]) await api();
fs.writeFileSync(seenFile, JSON.stringify(seen));
