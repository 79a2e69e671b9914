"""Talks to a model with the vendors' own SDKs, streaming and not, and prints what it saw: the client's own view."""
import json
import os
import sys

KEY = "sk-planted-0123456789abcdefghijklmnopqrstuv"
seen = []


def saw(name, text, calls, input_tokens, output_tokens):
    seen.append({"name": name, "text": text or "", "calls": calls, "input": input_tokens, "output": output_tokens})


SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


def chat():
    import openai
    client = openai.OpenAI(api_key=KEY)
    tools = [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]
    history = [{"role": "system", "content": "You read files."}, {"role": "user", "content": "Read both."}]

    def note(message, usage):
        calls = [[it.id, it.function.name, json.loads(it.function.arguments)] for it in message.tool_calls or []]
        saw("chat", message.content, calls, usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens,
            usage.completion_tokens)

    first = client.chat.completions.create(model="gpt-4o", messages=history, tools=tools)
    note(first.choices[0].message, first.usage)
    history.append(first.choices[0].message.model_dump(exclude_none=True))
    for call in first.choices[0].message.tool_calls:
        history.append({"role": "tool", "tool_call_id": call.id, "content": f"contents of {call.id}"})
    with client.chat.completions.stream(model="gpt-4o", messages=history, tools=tools,
                                        stream_options={"include_usage": True}) as stream:
        for _ in stream:
            pass
        last = stream.get_final_completion()
    note(last.choices[0].message, last.usage)


def responses():
    import openai
    client = openai.OpenAI(api_key=KEY)
    tools = [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": False}]
    history = [{"role": "user", "content": "Read both, please."}]

    def note(answer):
        calls = [[it.call_id, it.name, json.loads(it.arguments)] for it in answer.output if it.type == "function_call"]
        saw("responses", answer.output_text, calls,
            answer.usage.input_tokens - answer.usage.input_tokens_details.cached_tokens, answer.usage.output_tokens)

    first = client.responses.create(model="gpt-5", input=history, tools=tools, instructions="You read.")
    note(first)
    history += [it.model_dump(exclude_none=True) for it in first.output]
    for it in first.output:
        history.append({"type": "function_call_output", "call_id": it.call_id, "output": f"contents of {it.call_id}"})
    with client.responses.stream(model="gpt-5", input=history, tools=tools, instructions="You read.") as stream:
        for _ in stream:
            pass
        note(stream.get_final_response())


def messages():
    import anthropic
    client = anthropic.Anthropic(api_key=KEY)
    tools = [{"name": "read", "input_schema": SCHEMA}]
    history = [{"role": "user", "content": "Read the two."}]

    def note(answer):
        calls = [[it.id, it.name, it.input] for it in answer.content if it.type == "tool_use"]
        text = "".join(it.text for it in answer.content if it.type == "text")
        saw("messages", text, calls, answer.usage.input_tokens, answer.usage.output_tokens)

    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=100, system="Read.", messages=history,
                                tools=tools) as stream:
        for _ in stream.text_stream:
            pass
        first = stream.get_final_message()
    note(first)
    history.append({"role": "assistant", "content": [it.model_dump(exclude_none=True) for it in first.content]})
    results = [{"type": "tool_result", "tool_use_id": it.id, "content": f"contents of {it.id}", "is_error": False}
               for it in first.content if it.type == "tool_use"]
    history.append({"role": "user", "content": results})
    note(client.messages.create(model="claude-sonnet-4-5", max_tokens=100, system="Read.", messages=history, tools=tools))


def gemini():
    from google import genai
    from google.genai import types
    client = genai.Client(api_key=KEY)
    read = types.FunctionDeclaration(name="read", parameters_json_schema=SCHEMA)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[read])], system_instruction="Read.",
                                         automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    history = [types.Content(role="user", parts=[types.Part(text="Read these.")])]
    first = client.models.generate_content(model="gemini-2.5-pro", contents=history, config=config)
    parts = first.candidates[0].content.parts
    usage = first.usage_metadata
    count = lambda it: [it.prompt_token_count - it.cached_content_token_count,
                        it.candidates_token_count + it.thoughts_token_count]
    saw("gemini", "", [[None, it.function_call.name, it.function_call.args] for it in parts], *count(usage))
    history.append(first.candidates[0].content)
    history.append(types.Content(role="user", parts=[
        types.Part.from_function_response(name="read", response={"text": f"contents {n}"}) for n in range(2)]))
    text = ""
    for piece in client.models.generate_content_stream(model="gemini-2.5-pro", contents=history, config=config):
        text += piece.text or ""
        usage = piece.usage_metadata or usage
    saw("gemini", text, [], *count(usage))


for name in sys.argv[2:]:
    globals()[name]()
with open(sys.argv[1], "w") as out:
    json.dump(seen, out)
