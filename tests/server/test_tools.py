"""Tools over HTTP: what a client sees of a call, of a run that waits for a person, and of how it goes on, or does not."""

import json

from harness import Server, ServerTest, Stream, main

CONFIG = '''
[[tools]]
name = "danger"
description = "does something that a person has to allow"
parameters = { type = "object", properties = { what = { type = "string" } } }
command = ["cat"]
confirm = true

[[tools]]
name = "book"
description = "needs to know where to"
parameters = { type = "object", properties = { to = { type = "string", description = "where to" }, days = { type = "integer" } } }
command = ["cat"]
user_input = ["to"]

[[tools]]
name = "print"
description = "is done by somebody else"
external = true

[[tools]]
name = "look"
description = "just runs"
parameters = { type = "object", properties = { at = { type = "string" } } }
command = ["cat"]

[[tools]]
name = "stuck"
description = "never answers"
command = ["sleep", "1000"]
'''


def scripted(name, calls, tools):
    return (f'[[models]]\nid = "{name}"\nprovider = "scripted"\n[models.scripted]\ntext = "all is done"\ncalls = [ {", ".join(calls)} ]\n'
            f'[[agents]]\nid = "{name}"\nname = "{name.title()}"\nmodel = "{name}"\ntools = {json.dumps(tools)}\n\n')


AGENTS = (scripted("danger", ['{ name = "danger", arguments = { what = "it" } }'], ["danger"])
          + scripted("book", ['{ name = "book", arguments = { days = 3 } }'], ["book"])
          + scripted("print", ['{ name = "print" }'], ["print"])
          + scripted("look", ['{ name = "look", arguments = { at = "birds" } }'], ["look"])
          + scripted("stuck", ['{ name = "stuck" }'], ["stuck"]))

TWENTY_KEYS = {"tool_call_id", "tool_name", "tool_args", "tool_call_error", "result", "metrics", "child_run_id",
               "stop_after_tool_call", "created_at", "requires_confirmation", "confirmed", "confirmation_note",
               "requires_user_input", "user_input_schema", "user_feedback_schema", "answered", "external_execution_required",
               "external_execution_silent", "approval_type", "approval_id"}


class Tools(ServerTest):
    scenarios = {}
    config = CONFIG + AGENTS

    def continue_run(self, agent, run, tools, session="s", **fields):
        form = {"session_id": session, "tools": json.dumps(tools), **fields}
        return Stream(self.server, "POST", f"/agents/{agent}/runs/{run}/continue", form)

    def pause(self, agent, run, session="s", **fields):
        """Starts a run and reads it up to its pause; the stream ends with it."""
        with self.server.run(agent, run_id=run, session_id=session, **fields) as stream:
            names = stream.rest()
            self.assertEqual(names[-1], "RunPaused", names)
            return stream.data("RunPaused")[0]

    def output(self, agent, run, session="s"):
        status, output = self.server.get(f"/agents/{agent}/runs/{run}?session_id={session}")
        self.assertEqual(status, 200, output)
        return output

    # -- a call that just runs ---------------------------------------------------------

    def test_a_call_is_seen_from_its_start_to_its_answer(self):
        with self.server.run("look", run_id="seen", session_id="seen") as stream:
            names = [name for name in stream.rest() if name != "RunContent"]
        self.assertEqual(names, ["RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "ToolCallStarted",
                                 "ToolCallCompleted", "ModelRequestStarted", "ModelRequestCompleted",
                                 "RunContentCompleted", "RunCompleted"])
        tool = stream.data("ToolCallCompleted")[0]["tool"]
        self.assertEqual(set(tool), TWENTY_KEYS)
        self.assertEqual(json.loads(tool["result"]), {"at": "birds"})
        self.assertTrue(stream.data("ToolCallCompleted")[0]["content"].startswith("look(at=birds) completed in "))
        output = self.output("look", "seen", "seen")
        self.assertEqual([m["role"] for m in output["messages"]], ["user", "assistant", "tool", "assistant"])
        self.assertEqual(output["messages"][2]["tool_call_id"], output["messages"][1]["tool_calls"][0]["id"])
        self.assertEqual(len(output["tools"]), 1)

    def test_an_agent_shows_its_tools(self):
        _, agent = self.server.get("/agents/danger")
        tools = agent["tools"]["tools"]
        self.assertEqual([t["name"] for t in tools], ["danger"])
        self.assertTrue(tools[0]["requires_confirmation"])
        self.assertEqual(tools[0]["parameters"]["properties"], {"what": {"type": "string"}})

    # -- pauses --------------------------------------------------------------------------

    def test_a_run_waits_and_goes_on_when_it_is_allowed(self):
        paused = self.pause("danger", "allowed")
        self.assertEqual(paused["content"], "I have tools to execute, but I need confirmation.")
        self.assertEqual(set(paused["tools"][0]), TWENTY_KEYS)
        self.assertEqual(paused["requirements"][0]["tool_execution"], paused["tools"][0])
        output = self.output("danger", "allowed")
        self.assertEqual(output["status"], "PAUSED")
        self.assertEqual(output["requirements"], paused["requirements"])
        paused["tools"][0]["confirmed"] = True
        with self.continue_run("danger", "allowed", paused["tools"]) as stream:
            names = stream.rest()
        self.assertEqual(names[:3], ["RunContinued", "ToolCallStarted", "ToolCallCompleted"])
        self.assertEqual(names[-1], "RunCompleted")
        self.assertIs(stream.data("ToolCallStarted")[0]["tool"]["confirmed"], True)
        output = self.output("danger", "allowed")
        self.assertEqual(output["status"], "COMPLETED")
        self.assertNotIn("requirements", output)
        # Twice is once too often.
        status, told = self.server.post("/agents/danger/runs/allowed/continue",
                                        {"session_id": "s", "tools": json.dumps(paused["tools"])})
        self.assertEqual((status, told), (409, {"detail": "Cannot continue run allowed: run is completed"}))

    def test_a_no_is_told_to_the_model(self):
        call = self.pause("danger", "refused")["tools"][0]["tool_call_id"]
        decision = [{"tool_call_id": call, "confirmed": False, "confirmation_note": "too risky"}]
        with self.continue_run("danger", "refused", decision) as stream:
            names = stream.rest()
        self.assertNotIn("ToolCallCompleted", names)
        self.assertEqual(names[-1], "RunCompleted")
        answer = [m for m in self.output("danger", "refused")["messages"] if m["role"] == "tool"][0]
        self.assertIn("too risky", answer["content"])

    def test_a_person_gives_arguments(self):
        paused = self.pause("book", "booked")
        schema = paused["tools"][0]["user_input_schema"]
        self.assertEqual(schema, [{"name": "to", "field_type": "str", "description": "where to", "value": None}])
        schema[0]["value"] = "Oslo"
        paused["tools"][0]["answered"] = True
        with self.continue_run("book", "booked", paused["tools"]) as stream:
            stream.rest()
        self.assertEqual(json.loads(stream.data("ToolCallCompleted")[0]["tool"]["result"]), {"days": 3, "to": "Oslo"})

    def test_somebody_else_brings_the_result(self):
        paused = self.pause("print", "printed")
        self.assertTrue(paused["tools"][0]["external_execution_required"])
        paused["tools"][0]["result"] = "three pages"
        with self.continue_run("print", "printed", paused["tools"]) as stream:
            stream.begin()
            self.assertEqual(stream.status, 200, "" if stream.status == 200 else stream.answer.read())
            self.assertEqual(stream.rest()[-1], "RunCompleted")
        answer = [m for m in self.output("print", "printed")["messages"] if m["role"] == "tool"][0]
        self.assertEqual(answer["content"], "three pages")

    def test_requirements_do_as_well(self):
        paused = self.pause("danger", "required")
        paused["requirements"][0]["confirmation"] = True
        form = {"session_id": "s", "requirements": json.dumps(paused["requirements"]), "stream": "false"}
        status, output = self.server.post("/agents/danger/runs/required/continue", form)
        self.assertEqual(status, 200, output)
        self.assertEqual(output["status"], "COMPLETED")
        self.assertEqual(output["content"], "all is done")
        self.assertEqual(len(output["tools"]), 1)

    def test_a_run_that_does_not_stream_answers_when_it_waits(self):
        form = {"message": "go", "run_id": "quiet", "session_id": "s", "stream": "false"}
        status, output = self.server.post("/agents/danger/runs", form)
        self.assertEqual(status, 200, output)
        self.assertEqual(output["status"], "PAUSED")
        self.assertEqual(len(output["requirements"]), 1)
        self.assertEqual(output["content"], "I have tools to execute, but I need confirmation.")

    def test_a_background_run_is_resumed_over_its_pause(self):
        self.pause("danger", "back", background="true")
        with Stream(self.server, "POST", "/agents/danger/runs/back/resume", {"last_event_index": 0}) as stream:
            names = stream.rest()
        self.assertEqual(names[0], "replay")
        self.assertEqual(stream.events[0][1]["status"], "PAUSED")
        self.assertEqual(names[-1], "RunPaused")
        last = stream.data("RunPaused")[0]["event_index"]
        call = stream.data("RunPaused")[0]["tools"][0]["tool_call_id"]
        with self.continue_run("danger", "back", [{"tool_call_id": call, "confirmed": True}], background="true") as stream:
            stream.rest()
        indices = [data["event_index"] for name, data, _ in stream.events]
        self.assertEqual(indices, list(range(last + 1, last + 1 + len(indices))))

    def test_what_is_wrong_is_named(self):
        call = self.pause("danger", "wrong")["tools"][0]["tool_call_id"]
        path = "/agents/danger/runs/wrong/continue"
        yes = json.dumps([{"tool_call_id": call, "confirmed": True}])
        post = self.server.post
        self.assertEqual(post(path, {"session_id": "s", "tools": "{"}), (400, {"detail": "Invalid JSON in tools field"}))
        self.assertEqual(post(path, {"tools": yes}), (400, {"detail": "session_id is required for this action"}))
        self.assertEqual(post(path, {"session_id": "s", "fork": "true"})[0], 501)
        self.assertEqual(post(path, {"session_id": "other", "tools": yes}), (404, {"detail": "Run not found"}))
        self.assertEqual(post("/agents/danger/runs/nobody/continue", {"session_id": "s", "tools": yes}),
                         (404, {"detail": "Run not found"}))
        self.assertEqual(post("/agents/nobody/runs/wrong/continue", {"session_id": "s", "tools": yes}),
                         (404, {"detail": "Agent not found"}))
        for tools in ("[]", json.dumps([{"tool_call_id": call}]), json.dumps([{"tool_call_id": "no", "confirmed": True}])):
            status, told = post(path, {"session_id": "s", "tools": tools})
            self.assertEqual(status, 422, told)
            self.assertEqual(told["detail"][0]["loc"], ["body", "tools"])
        self.assertEqual(self.output("danger", "wrong")["status"], "PAUSED", "nothing of it has changed the run")

    # -- cancel ----------------------------------------------------------------------------

    def test_a_cancel_ends_a_run_that_waits(self):
        self.pause("danger", "cancelled")
        status, receipt = self.server.cancel("cancelled", "danger", "receipt=true&reason=enough")
        self.assertEqual((status, receipt["outcome"], receipt["status"]), (200, "cancelled", "CANCELLED"), receipt)
        output = self.output("danger", "cancelled")
        self.assertEqual((output["status"], output["reason"]), ("CANCELLED", "enough"))
        status, told = self.server.post("/agents/danger/runs/cancelled/continue", {"session_id": "s", "tools": "[]"})
        self.assertEqual((status, told), (409, {"detail": "Cannot continue run cancelled: run is cancelled"}))

    def test_a_cancel_stops_the_tool_and_says_so(self):
        with self.server.run("stuck", run_id="stopped", session_id="stopped") as stream:
            stream.until("ToolCallStarted")
            status, receipt = self.server.cancel("stopped", "stuck")
            self.assertEqual(status, 200, receipt)
            self.assertEqual((receipt["tools_stopped"], receipt["tools_abandoned"], receipt["children"]), (1, 0, 0), receipt)
            names = stream.rest()
        self.assertEqual(names[-3:], ["ToolCallError", "RunCancelled", "RunCompleted"])
        self.assertIs(stream.data("ToolCallError")[0]["stopped"], True)

    def test_the_mode_of_a_cancel_is_checked(self):
        status, told = self.server.cancel("whichever", "stuck", "receipt=true&mode=soon")
        self.assertEqual(status, 422, told)
        status, told = self.server.post("/agents/stuck/runs/whichever/cancel", {}, **{"Cancel-Mode": "soon"})
        self.assertEqual((status, told["detail"][0]["loc"]), (422, ["header", "cancel-mode"]), told)


class PausesOutliveTheProcess(ServerTest):
    scenarios = {}
    config = CONFIG + AGENTS

    def test_a_run_that_waits_goes_on_in_the_next_process(self):
        with Server(self.config) as first:
            with first.run("danger", run_id="r", session_id="s") as stream:
                stream.until("RunPaused")
                tools = stream.data("RunPaused")[0]["tools"]
            first.kill()
            tools[0]["confirmed"] = True
            with Server(self.config, store=first.store) as second:
                form = {"session_id": "s", "tools": json.dumps(tools), "stream": "false"}
                status, output = second.post("/agents/danger/runs/r/continue", form)
                self.assertEqual((status, output["status"]), (200, "COMPLETED"), output)


if __name__ == "__main__":
    main()
