// The agent of agent.py on the JavaScript SDKs. Usage: node agent.mjs API [stream]
import { createRequire } from "node:module";

const [api, mode] = process.argv.slice(2);
const streams = mode === "stream";
const require = createRequire(process.env.CLIENT_MODULES + "/");
const load = (name) => import(require.resolve(name));
const QUESTION = process.env.QUESTION ?? "What is the weather in Zürich? 🌧";
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const TOOL = { name: "weather", description: "The weather of a city." };
const weather = ({ city }) => process.env.WEATHER ?? `rain in ${city}`;

async function chat() {
  const { default: OpenAI } = await load("openai");
  const client = new OpenAI();
  const tools = [{ type: "function", function: { ...TOOL, parameters: SCHEMA } }];
  const messages = [{ role: "system", content: "Be brief." }, { role: "user", content: QUESTION }];
  for (;;) {
    const asked = { model: "gpt-4o", messages, tools, temperature: 0 };
    const answer = streams ? await client.chat.completions.stream(asked).finalChatCompletion() : await client.chat.completions.create(asked);
    const message = answer.choices[0].message;
    if (!message.tool_calls?.length) return message.content;
    messages.push({ role: "assistant", content: message.content, tool_calls: message.tool_calls.map(({ id, function: { name, arguments: args } }) => ({ id, type: "function", function: { name, arguments: args } })) });
    for (const call of message.tool_calls) messages.push({ role: "tool", tool_call_id: call.id, content: weather(JSON.parse(call.function.arguments)) });
  }
}

async function messages() {
  const { default: Anthropic } = await load("@anthropic-ai/sdk");
  const client = new Anthropic();
  const tools = [{ ...TOOL, input_schema: SCHEMA }];
  const turns = [{ role: "user", content: QUESTION }];
  for (;;) {
    const asked = { model: "claude-sonnet-4-5", max_tokens: 500, system: "Be brief.", messages: turns, tools };
    const answer = streams ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
    const calls = answer.content.filter((it) => it.type === "tool_use");
    if (!calls.length) return answer.content.filter((it) => it.type === "text").map((it) => it.text).join("");
    turns.push({ role: "assistant", content: answer.content.map((it) => (it.type === "text" ? { type: "text", text: it.text } : { type: "tool_use", id: it.id, name: it.name, input: it.input })) });
    turns.push({ role: "user", content: calls.map((it) => ({ type: "tool_result", tool_use_id: it.id, content: weather(it.input) })) });
  }
}

async function gemini() {
  const { GoogleGenAI } = await load("@google/genai");
  const client = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY, httpOptions: { baseUrl: process.env.GOOGLE_GEMINI_BASE_URL } });
  const config = { systemInstruction: "Be brief.", tools: [{ functionDeclarations: [{ ...TOOL, parametersJsonSchema: SCHEMA }] }] };
  const contents = [{ role: "user", parts: [{ text: QUESTION }] }];
  for (;;) {
    const asked = { model: "gemini-2.5-flash", contents, config };
    const parts = [];
    if (streams) for await (const piece of await client.models.generateContentStream(asked)) parts.push(...(piece.candidates[0].content?.parts ?? []));
    else parts.push(...(await client.models.generateContent(asked)).candidates[0].content.parts);
    const text = parts.map((it) => it.text ?? "").join("");
    const calls = parts.map((it) => it.functionCall).filter(Boolean);
    if (!calls.length) return text;
    contents.push({ role: "model", parts: [...(text ? [{ text }] : []), ...calls.map(({ id, name, args }) => ({ functionCall: { id, name, args } }))] });
    contents.push({ role: "user", parts: calls.map(({ id, name, args }) => ({ functionResponse: { id, name, response: { output: weather(args) } } })) });
  }
}

async function responses() {
  const { default: OpenAI } = await load("openai");
  const client = new OpenAI();
  const tools = [{ type: "function", ...TOOL, parameters: SCHEMA, strict: false }];
  const input = [{ role: "user", content: QUESTION }];
  for (;;) {
    const asked = { model: "gpt-4o", instructions: "Be brief.", input, tools, store: false };
    const answer = streams ? await client.responses.stream(asked).finalResponse() : await client.responses.create(asked);
    const calls = answer.output.filter((it) => it.type === "function_call");
    if (!calls.length) return answer.output_text;
    if (answer.output_text) input.push({ role: "assistant", content: answer.output_text });
    for (const { call_id, name, arguments: args } of calls) {
      input.push({ type: "function_call", call_id, name, arguments: args });
      input.push({ type: "function_call_output", call_id, output: weather(JSON.parse(args)) });
    }
  }
}

console.log(await { chat, responses, messages, gemini }[api]());
