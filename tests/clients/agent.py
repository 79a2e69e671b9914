"""A small agent on a real SDK: asks, calls a tool, answers. Usage: agent.py API [stream]

It prints what it got, and sends requests only to the base URLs in its environment."""
import json
import os
import sys

api, streams = sys.argv[1], "stream" in sys.argv[2:]
QUESTION = os.environ.get("QUESTION", "What is the weather in Zürich? 🌧")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "weather", "description": "The weather of a city."}


def weather(city):
    return os.environ.get("WEATHER", f"rain in {city}")


def chat():
    from openai import OpenAI

    client = OpenAI()
    tools = [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    while True:
        asked = dict(model="gpt-4o", messages=messages, tools=tools, temperature=0)
        if streams:
            with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
                answer = stream.get_final_completion()
        else:
            answer = client.chat.completions.create(**asked)
        assert answer.usage.prompt_tokens > 0, answer
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        calls = [{"id": it.id, "type": "function", "function": {"name": it.function.name, "arguments": it.function.arguments}} for it in message.tool_calls]
        messages.append({"role": "assistant", "content": message.content, "tool_calls": calls})
        for call in message.tool_calls:
            result = weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def responses():
    from openai import OpenAI

    client = OpenAI()
    tools = [{"type": "function", **TOOL, "parameters": SCHEMA, "strict": False}]
    items = [{"role": "user", "content": QUESTION}]
    while True:
        asked = dict(model="gpt-4o", instructions="Be brief.", input=items, tools=tools)
        if streams:
            with client.responses.stream(**asked) as stream:
                for _ in stream:
                    pass
                answer = stream.get_final_response()
        else:
            answer = client.responses.create(**asked)
        assert answer.usage.input_tokens > 0, answer
        calls = [it for it in answer.output if it.type == "function_call"]
        if not calls:
            return answer.output_text
        for call in calls:
            items.append({"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments})
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": weather(**json.loads(call.arguments))})


def messages():
    from anthropic import Anthropic

    client = Anthropic()
    tools = [{**TOOL, "input_schema": SCHEMA}]
    turns = [{"role": "user", "content": QUESTION}]
    while True:
        asked = dict(model="claude-sonnet-4-5", max_tokens=500, system="Be brief.", messages=turns, tools=tools)
        if streams:
            with client.messages.stream(**asked) as stream:
                answer = stream.get_final_message()
        else:
            answer = client.messages.create(**asked)
        assert answer.usage.input_tokens > 0, answer
        calls = [it for it in answer.content if it.type == "tool_use"]
        if not calls:
            return "".join(it.text for it in answer.content if it.type == "text")
        content = [{"type": "text", "text": it.text} if it.type == "text" else {"type": "tool_use", "id": it.id, "name": it.name, "input": it.input} for it in answer.content]
        turns.append({"role": "assistant", "content": content})
        turns.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": it.id, "content": weather(**it.input)} for it in calls]})


def gemini():
    from google import genai
    from google.genai import types

    client = genai.Client(api_key=os.environ["GEMINI_API_KEY"])
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(**TOOL, parameters_json_schema=SCHEMA)])
    config = types.GenerateContentConfig(
        system_instruction="Be brief.", tools=[tool], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    contents = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
    while True:
        asked = dict(model="gemini-2.5-flash", contents=contents, config=config)
        if streams:
            chunks = list(client.models.generate_content_stream(**asked))
            parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
            assert chunks[-1].usage_metadata.prompt_token_count > 0, chunks[-1]
        else:
            answer = client.models.generate_content(**asked)
            parts = answer.candidates[0].content.parts
            assert answer.usage_metadata.prompt_token_count > 0, answer
        calls = [part.function_call for part in parts if part.function_call]
        if not calls:
            return "".join(part.text for part in parts)
        contents.append(types.Content(role="model", parts=parts))
        for call in calls:
            part = types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": weather(**call.args)}))
            contents.append(types.Content(role="user", parts=[part]))


if __name__ == "__main__":
    print({"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}[api]())
