"""Pydantic AI in its own process: one Agent, run_stream, each text looked at as it comes, without its debouncing. It
has no durable store of its own, so there is no --store."""

import argparse
from collections.abc import AsyncIterator

import reading
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def make(arguments: argparse.Namespace) -> reading.Read:
    agent = Agent(OpenAIChatModel("bench", provider=OpenAIProvider(base_url=arguments.base_url, api_key="none")))

    async def read(text: str, session: str | None) -> AsyncIterator[str]:
        async with agent.run_stream(text) as run:
            async for delta in run.stream_text(delta=True, debounce_by=None):
                yield delta

    return read


reading.main("pydantic-ai", "pydantic-ai-slim", make, durable=False)
