"""Asks an MCP server for tools and calls one. Usage: mcp_client.py stdio COMMAND... | http URL"""
import asyncio
import json
import sys


async def ask(read, write):
    from mcp import ClientSession

    async with ClientSession(read, write) as session:
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        call = await session.call_tool("look", {"at": "a"})
        again = await session.call_tool("look", {"at": "a"})
        is_error = getattr(again, "isError", None) or getattr(again, "is_error", None)
        print(json.dumps([tools, call.content[0].text, bool(is_error)]))


async def main():
    how, *rest = sys.argv[1:]
    if how == "stdio":
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        async with stdio_client(StdioServerParameters(command=rest[0], args=rest[1:])) as (read, write):
            await ask(read, write)
        return
    try:
        from mcp.client.streamable_http import streamable_http_client as client
    except ImportError:
        from mcp.client.streamable_http import streamablehttp_client as client
    async with client(rest[0]) as streams:
        await ask(streams[0], streams[1])


asyncio.run(main())
