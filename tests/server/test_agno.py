"""agno's own client, unchanged, against this server: RemoteAgent and AgentOSClient do what their users expect. Runs under a
Python that has agno (scripts/agno-python); the other tests need none."""

import asyncio

from agno.agent.remote import RemoteAgent
from agno.client.os import AgentOSClient

from harness import ServerTest, main


LOOP = asyncio.new_event_loop()  # one for all: agno keeps its connections between calls


def run(coroutine):
    return LOOP.run_until_complete(asyncio.wait_for(coroutine, 60))


class RemoteAgents(ServerTest):
    scenarios = {"words": "words;n=10;gap_ms=1", "endless": "endless;gap_ms=5", "silent": "silence"}

    def agent(self, name):
        return RemoteAgent(base_url=self.server.url, agent_id=name)

    def test_a_run_streams_to_its_end(self):
        async def scenario():
            events = [event async for event in self.agent("words").arun("hello", stream=True, stream_events=True)]
            return [event.event for event in events], events

        names, events = run(scenario())
        self.assertEqual(names[0], "RunStarted")
        self.assertEqual(names[-1], "RunCompleted")
        text = "".join(event.content for event in events if event.event == "RunContent")
        self.assertEqual(events[-1].content, text)
        self.assertGreater(events[-1].metrics.output_tokens, 0)

    def test_a_cancel_in_mid_stream_ends_it(self):
        async def scenario():
            agent, seen, cancelled = self.agent("endless"), [], None
            async for event in agent.arun("a very long story", stream=True, stream_events=True):
                seen.append(event)
                if event.event == "RunContent" and cancelled is None:
                    cancelled = await agent.acancel_run(event.run_id)
            return seen, cancelled

        seen, cancelled = run(scenario())
        self.assertTrue(cancelled)
        self.assertEqual([e.event for e in seen][-2:], ["RunCancelled", "RunCompleted"])
        text = "".join(e.content for e in seen if e.event == "RunContent")
        self.assertEqual(seen[-2].content, text, "no chunk more, none less")
        self.assertEqual(seen[-2].reason, f"Run {seen[0].run_id} was cancelled")

    def test_a_cancel_before_the_first_token(self):
        async def scenario():
            agent, names = self.agent("silent"), []
            async for event in agent.arun("hello", stream=True, stream_events=True):
                names.append(event.event)
                if event.event == "ModelRequestStarted":
                    await agent.acancel_run(event.run_id)
            return names

        self.assertEqual(run(scenario())[-2:], ["RunCancelled", "RunCompleted"])

    def test_a_cancel_after_the_end_and_of_nobody(self):
        async def scenario():
            agent = self.agent("words")
            output = await agent.arun("hello", stream=False)
            return output, await agent.acancel_run(output.run_id), await agent.acancel_run("never-seen"), \
                await self.agent("nobody").acancel_run("x")

        output, late, unknown, nobody = run(scenario())
        self.assertEqual(output.status.value if hasattr(output.status, "value") else output.status, "COMPLETED")
        self.assertTrue(late and unknown, "agno answers 200 to any id")
        self.assertFalse(nobody)

    def test_what_the_agent_says_of_itself(self):
        async def scenario():
            agent = self.agent("words")
            config = await agent.get_agent_config()
            return config

        config = run(scenario())
        self.assertEqual(config.id, "words")
        self.assertEqual(config.model.model, "words-1")


class RemotePauses(ServerTest):
    scenarios = {}
    config = """
[[tools]]
name = "danger"
command = ["cat"]
confirm = true
[[models]]
id = "asks"
provider = "scripted"
[models.scripted]
text = "all is done"
calls = [ { name = "danger", arguments = { what = "it" } } ]
[[agents]]
id = "asks"
model = "asks"
tools = ["danger"]
"""

    def agent(self):
        return RemoteAgent(base_url=self.server.url, agent_id="asks")

    def test_a_paused_run_is_confirmed_and_streams_to_its_end(self):
        async def scenario():
            agent, paused, names = self.agent(), None, []
            async for event in agent.arun("go", stream=True, stream_events=True, session_id="s"):
                if event.event == "RunPaused":
                    paused = event
            paused.requirements[0].confirm()
            async for event in agent.acontinue_run(paused.run_id, requirements=paused.requirements, stream=True,
                                                   session_id="s"):
                names.append(event.event)
            return paused, names

        paused, names = run(scenario())
        self.assertEqual(paused.tools[0].tool_name, "danger")
        self.assertTrue(paused.tools[0].requires_confirmation)
        self.assertEqual(names[:3], ["RunContinued", "ToolCallStarted", "ToolCallCompleted"])
        self.assertEqual(names[-1], "RunCompleted")

    def test_a_paused_run_is_refused_without_a_stream(self):
        async def scenario():
            agent = self.agent()
            paused = await agent.arun("go", stream=False, session_id="t")
            paused.requirements[0].reject("too risky")
            return paused, await agent.acontinue_run(paused.run_id, requirements=paused.requirements, stream=False,
                                                     session_id="t")

        paused, output = run(scenario())
        self.assertTrue(paused.is_paused)
        self.assertEqual(output.content, "all is done")
        self.assertIn("too risky", [m for m in output.messages if m.role == "tool"][0].content)


class Client(ServerTest):
    scenarios = {"words": "words;n=10;gap_ms=1"}

    def test_the_documents_parse(self):
        async def scenario():
            client = AgentOSClient(base_url=self.server.url)
            return await client.aget_config(), await client.list_agents() if hasattr(client, "list_agents") else None

        config, _ = run(scenario())
        self.assertEqual([agent.id for agent in config.agents if agent.id == "words"], ["words"])

    def test_a_session_and_its_runs(self):
        async def scenario():
            client = AgentOSClient(base_url=self.server.url)
            await client.run_agent("words", "my name is Ada", session_id="talk", user_id="ada")
            sessions = await client.get_sessions(user_id="ada")
            detail = await client.get_session("talk")
            runs = await client.get_session_runs("talk")
            one = await client.get_session_run("talk", runs[0].run_id)
            renamed = await client.rename_session("talk", "renamed")
            made = await client.create_session(session_id="made", agent_id="words", session_name="Mine")
            await client.delete_session("talk")
            left = await client.get_sessions(user_id="ada")
            return sessions, detail, runs, one, renamed, made, left

        sessions, detail, runs, one, renamed, made, left = run(scenario())
        self.assertEqual([s.session_id for s in sessions.data], ["talk"])
        self.assertEqual(detail.session_id, "talk")
        self.assertEqual(runs[0].status, "COMPLETED")
        self.assertEqual(one.run_id, runs[0].run_id)
        self.assertEqual(renamed.session_name, "renamed")
        self.assertEqual(made.session_name, "Mine")
        self.assertEqual(left.data, [])


if __name__ == "__main__":
    main()
