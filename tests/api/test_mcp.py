"""The endpoints as tools for agents, where `gradio[mcp]` is installed."""

from __future__ import annotations

import asyncio

import pytest

import app

mcp = pytest.importorskip("mcp", reason="gradio[mcp] is not installed")


def ask(url: str, work):
    """Do something with a session of the app's MCP server."""
    from mcp.client.streamable_http import streamablehttp_client

    async def connected():
        address = f"{url}gradio_api/mcp/"
        async with streamablehttp_client(address) as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            return await work(session)

    return asyncio.run(connected())


@pytest.fixture(scope="module")
def tools(url):
    listed = ask(url, lambda session: session.list_tools()).tools
    return {asked.name: next(tool for tool in listed if tool.name.endswith(asked.name)) for asked in app.ENDPOINTS}


def test_every_parameter_says_its_range_and_unit(tools):
    for asked in app.ENDPOINTS:
        assert asked.__doc__.split("\n")[0] in tools[asked.name].description
        properties = tools[asked.name].inputSchema["properties"]
        assert list(properties) == list(asked.parameters)
        for name, p in asked.parameters.items():
            assert p.words in properties[name]["description"], f"{asked.name}, {name}"


def test_a_tool_answers(url, tools):
    answer = ask(url, lambda session: session.call_tool(tools["decode_flag"].name, {"team": "japan", "width": 64}))
    assert not answer.isError
    assert any(content.type == "image" or "japan" in getattr(content, "text", "") for content in answer.content)


def test_a_fault_is_a_sentence(url, tools):
    name = tools["interpolate_glyphs"].name
    answer = ask(url, lambda session: session.call_tool(name, {"model": "script", "seeds": "1"}))
    assert answer.isError
    assert "messages" in answer.content[0].text
    assert "Traceback" not in answer.content[0].text
