"""A checker that cannot fail proves nothing: each is shown a history that is good, and the same one with one thing wrong."""

import json
import unittest

import promises
from history import History, Op, Reading
from promises import Evidence, Row


def frames(run, words, ending="RunCompleted"):
    """A run's log as a node tells it."""
    bodies = [("RunStarted", {}), ("ModelRequestStarted", {})] + [("RunContent", {"content": word}) for word in words]
    text = "".join(words)
    if ending == "RunError":
        bodies.append(("RunError", {"partial_content": text}))
    else:
        bodies += [(ending, {"content": text})] + ([("RunCompleted", {"content": text})] if ending == "RunCancelled" else [])
    return [(i, name, json.dumps({"run_id": run, **body})) for i, (name, body) in enumerate(bodies)]


KINDS = {"RunStarted": 3, "ModelRequestStarted": 4, "RunContent": 1}


def row(run, log, state, session, began, key=None):
    events = [(i, began + 10 * i, KINDS.get(name, 12)) for i, name, _ in log if not (i and log[i - 1][1] == "RunCancelled")]
    return Row(run, state, session, key, len(events), events)


def cancel(run, node, code, **answer):
    return Op("cancel", run, node, 1, 1.1, code, answer)


def good():
    """Three runs, one of them cancelled, two of them in one session; a reader that had to connect twice."""
    history = History()
    logs = {"done": frames("done", ["a ", "b ", "c "]), "stopped": frames("stopped", ["x ", "y "], "RunCancelled"),
            "failed": frames("failed", ["q "], "RunError")}
    rows = {"done": row("done", logs["done"], "completed", "s", 1000, key="k"),
            "stopped": row("stopped", logs["stopped"], "cancelled", "s", 2000), "failed": row("failed", logs["failed"], "failed", "t", 1000)}
    history.ops = [Op("start_by_key", "", "n1", 0, 0.1, 202, {"run_id": "done"}, {"key": "k"}),
                   Op("start_by_key", "", "n2", 0, 0.1, 202, {"run_id": "done"}, {"key": "k"}),
                   Op("start", "stopped", "n2", 0, 0.1, 200, {"run_id": "stopped"}),
                   Op("start", "failed", "n3", 0, 0.1, 200, {"run_id": "failed"}),
                   Op("start", "never", "n3", 0), Op("cancel", "stopped", "n1", 0.5),
                   cancel("stopped", "n3", 200, outcome="cancelled", status="CANCELLED"),
                   cancel("done", "n3", 409, outcome="already_ended", status="COMPLETED"),
                   cancel("never", "n3", 202, outcome="intent_stored")]
    history.readings = [Reading("done", "w0", list(logs["done"][:2]) + list(logs["done"][2:]), [(0, "n1", 0, "broke"), (1, "n2", 2, "ended")],
                                ended=True),
                        Reading("stopped", "w1", list(logs["stopped"][3:]), [(0, "n2", 3, "ended")], first=3, ended=True),
                        Reading("failed", "w2", list(logs["failed"]), [], ended=True)]
    statuses = {"done": "COMPLETED", "stopped": "CANCELLED", "failed": "ERROR"}
    return Evidence(history, {run: {"n1": list(log), "n2": list(log)} for run, log in logs.items()}, rows,
                    {run: {"n1": status, "n2": status} for run, status in statuses.items()})


def change_log(seen, run, new):
    for node in seen.logs[run]:
        seen.logs[run][node] = list(new)


class Promises(unittest.TestCase):
    def caught(self, promise, spoil, also=()):
        """`spoil` makes it bad: this promise says so, and no other, but for those that cannot help it."""
        seen = good()
        spoil(seen)
        found = {one.promise for one in promises.broken(seen)}
        self.assertIn(promise, found)
        self.assertLessEqual(found, {promise, *also})

    def test_a_good_history_passes(self):
        self.assertEqual([str(one) for one in promises.broken(good())], [])

    def test_two_endings(self):
        def twice(seen):
            log = seen.logs["failed"]["n1"]
            change_log(seen, "failed", log + [(len(log), "RunCompleted", json.dumps({"content": "q "}))])

        self.caught("I1 one ending", twice)

    def test_two_endings_in_the_database(self):
        self.caught("I1 one ending", lambda seen: seen.rows["done"].events.__setitem__(3, (3, 1030, 12)))

    def test_no_ending(self):
        self.caught("I1 one ending", lambda seen: change_log(seen, "done", seen.logs["done"]["n1"][:-1]),
                    {"the same everywhere", "I2 an accepted cancel wins", "I5 seen is journalled"})

    def test_something_behind_the_ending(self):
        def behind(seen):
            log = seen.logs["done"]["n1"]
            change_log(seen, "done", log + [(len(log), "RunContent", json.dumps({"content": ""}))])

        self.caught("I1 one ending", behind)

    def test_a_reader_that_was_told_another_ending(self):
        def other(seen):
            seen.history.readings[2].events[-1] = (3, "RunCompleted", json.dumps({"run_id": "failed", "content": "q "}))

        self.caught("I1 one ending", other, {"I4 a gapless prefix"})

    def test_nodes_that_tell_different_logs(self):
        def differ(seen):
            seen.logs["done"]["n2"][2] = (2, "RunContent", json.dumps({"run_id": "done", "content": "A "}))

        self.caught("the same everywhere", differ)

    def test_a_node_that_tells_another_status(self):
        self.caught("the same everywhere", lambda seen: seen.statuses["done"].update(n2="CANCELLED"))

    def test_an_ending_that_changed(self):
        self.caught("an ending stays", lambda seen: seen.history.ops.append(
            Op("look", "done", "n2", 1, 1.1, 200, {"status": "CANCELLED"})))

    def test_a_cancel_that_lost(self):
        for outcome in ("cancelled", "accepted"):
            self.caught("I2 an accepted cancel wins",
                        lambda seen: seen.history.ops.append(cancel("done", "n2", 200, outcome=outcome)))

    def test_an_intent_that_was_forgotten(self):
        self.caught("I2 an accepted cancel wins",
                    lambda seen: seen.history.ops.append(cancel("done", "n2", 202, outcome="intent_stored")))

    def test_a_cancel_that_was_told_a_wrong_ending(self):
        self.caught("I2 an accepted cancel wins", lambda seen: seen.history.ops.append(
            cancel("stopped", "n2", 409, outcome="already_ended", status="COMPLETED")))

    def test_a_gap(self):
        self.caught("I4 a gapless prefix", lambda seen: seen.history.readings[0].events.pop(2))

    def test_a_duplicate(self):
        def again(seen):
            seen.history.readings[0].events.insert(3, seen.history.readings[0].events[2])

        self.caught("I4 a gapless prefix", again)

    def test_a_start_behind_the_cursor(self):
        self.caught("I4 a gapless prefix", lambda seen: seen.history.readings[1].events.pop(0))

    def test_other_bytes(self):
        def other(seen):
            index, name, text = seen.history.readings[0].events[2]
            seen.history.readings[0].events[2] = (index, name, text.replace('"content": ', '"content":'))

        self.caught("I4 a gapless prefix", other)

    def test_an_end_without_an_ending(self):
        self.caught("I4 a gapless prefix", lambda seen: seen.history.readings[0].events.pop())

    def test_seen_and_not_journalled(self):
        def lost(seen):
            log = seen.logs["done"]["n1"]
            without = [log[0], log[1], (2, "RunError", json.dumps({"partial_content": ""}))]
            change_log(seen, "done", without)
            seen.rows["done"].state = "failed"
            seen.statuses["done"] = {"n1": "ERROR"}

        self.caught("I5 seen is journalled", lost,
                    {"I4 a gapless prefix", "I1 one ending", "I2 an accepted cancel wins"})

    def test_a_hole_in_the_database(self):
        self.caught("I5 seen is journalled", lambda seen: seen.rows["done"].events.pop(2))

    def test_an_ending_with_another_text(self):
        for run, name in (("done", "RunCompleted"), ("stopped", "RunCancelled"), ("failed", "RunError")):
            def other(seen):
                log = list(seen.logs[run]["n1"])
                at = next(i for i, event in enumerate(log) if event[1] == name)
                body = json.loads(log[at][2])
                body["partial_content" if name == "RunError" else "content"] += "!"
                log[at] = (at, name, json.dumps(body))
                change_log(seen, run, log)
                for reading in seen.history.readings:
                    if reading.run == run:
                        reading.events[:] = log[reading.first:]

            self.caught("I6 exact text", other)

    def test_a_run_that_runs_for_ever(self):
        def stuck(seen):
            seen.rows["stuck"] = Row("stuck", "running", "", None, 2, [(0, 1, 3), (1, 2, 4)])
            seen.statuses["stuck"] = {"n1": "RUNNING"}

        self.caught("I10 nobody is left", stuck)

    def test_a_run_that_waits_for_ever(self):
        self.caught("I10 nobody is left", lambda seen: seen.rows.update(stuck=Row("stuck", "queued", "", None, 1, [(0, 1, 3)])))

    def test_a_run_that_was_taken_and_lost(self):
        self.caught("I10 nobody is left",
                    lambda seen: seen.history.ops.append(Op("start", "lost", "n1", 0, 0.1, 202, {"run_id": "lost"})))

    def test_two_runs_of_one_key(self):
        self.caught("one run a key", lambda seen: seen.history.ops.append(
            Op("start_by_key", "", "n3", 0, 0.1, 202, {"run_id": "stopped"}, {"key": "k"})))
        self.caught("one run a key", lambda seen: setattr(seen.rows["failed"], "key", "k"))

    def test_two_runs_of_a_session_at_a_time(self):
        def overlap(seen):
            seen.rows["stopped"].events = [(seq, at - 980, kind) for seq, at, kind in seen.rows["stopped"].events]

        self.caught("sessions take turns", overlap)

    def test_a_story_names_what_happened(self):
        seen = good()
        seen.history.fault("node frozen n2")
        story = seen.history.story(["stopped"])
        self.assertIn("*** node frozen n2", story)
        self.assertIn("cancel stopped", story)
        self.assertIn("reader w1 of stopped", story)
        self.assertNotIn("w0", story)


if __name__ == "__main__":
    unittest.main(verbosity=2)
