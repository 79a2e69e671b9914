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

console.log(await { chat, messages }[api]());
