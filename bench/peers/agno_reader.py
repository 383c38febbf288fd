"""agno in its own process: one Agent, arun(stream=True) with its events, each text looked at. With --store the
sessions are in agno's SQLite database, and ten runs of history go to the model, as in oncue. Telemetry is off."""

import argparse
from collections.abc import AsyncIterator

import reading
from agno.agent import Agent
from agno.models.openai.like import OpenAILike
from agno.run.agent import RunEvent


def make(arguments: argparse.Namespace) -> reading.Read:
    model = OpenAILike(id="bench", base_url=arguments.base_url, api_key="none")
    extra = {}
    if arguments.store:
        from agno.db.sqlite import SqliteDb
        extra = {"db": SqliteDb(db_file=arguments.store), "add_history_to_context": True, "num_history_runs": 10}
    agent = Agent(id="bench", model=model, telemetry=False, **extra)

    async def read(text: str, session: str | None) -> AsyncIterator[str]:
        ended = False
        async for event in agent.arun(text, session_id=session, stream=True, stream_events=True):
            if event.event == RunEvent.run_content and event.content:
                yield event.content
            elif event.event == RunEvent.run_completed:
                ended = True
            elif event.event == RunEvent.run_error:
                raise RuntimeError(event.content)
        if not ended:
            raise RuntimeError("a run did not complete")

    return read


reading.main("agno", "agno", make)
