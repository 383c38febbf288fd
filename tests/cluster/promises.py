"""The promises (SEMANTICS.md), each as a function from what was seen to the sentences that it was broken with. A run's `log` is
what every node tells of it when all is over; its `row` is what the database has."""

import collections
import dataclasses
import json

ENDINGS = ("RunCompleted", "RunCancelled", "RunError")
STATUS = {"RunCompleted": "COMPLETED", "RunCancelled": "CANCELLED", "RunError": "ERROR"}
WORKS, ENDED = 4, 12  # kinds of events in the database: a model is asked, the run has ended
STATES = {"completed": "COMPLETED", "cancelled": "CANCELLED", "failed": "ERROR"}


@dataclasses.dataclass
class Row:
    """A run in the database."""

    run: str
    state: str
    session: str
    key: str = None
    next_seq: int = 0
    events: list = dataclasses.field(default_factory=list)  # (seq, at_ms, kind), in their order
    epoch: int = 1
    owner: int = 0


@dataclasses.dataclass
class Evidence:
    history: object
    logs: dict      # run -> {node: [(index, name, text of the data)]}
    rows: dict      # run -> Row
    statuses: dict  # run -> {node: status or None}

    def log(self, run):
        """Any node's: `same_everywhere` checks that they are all one."""
        return next((log for log in self.logs.get(run, {}).values() if log), [])

    def ending(self, run):
        return next((name for _, name, _ in self.log(run) if name in ENDINGS), None)


@dataclasses.dataclass
class Broken:
    promise: str
    run: str
    words: str
    other: str = ""  # a second run that has to do with it

    def __str__(self):
        return f"{self.promise}: {self.run}: {self.words}"


def one_ending(seen):
    """I1: one ending in the log, and nothing behind it; agno's RunCompleted behind a RunCancelled is a way to write it."""
    for run, log in ((run, seen.log(run)) for run in seen.logs):
        names = [name for _, name, _ in log]
        if "RunCancelled" in names and names[-2:] == ["RunCancelled", "RunCompleted"]:
            names.pop()
        count = sum(name in ENDINGS for name in names)
        if log and (count != 1 or names[-1] not in ENDINGS):
            yield Broken("I1 one ending", run, f"{count} endings, the last events are {names[-3:]}")
    for run, row in seen.rows.items():
        endings = sum(kind == ENDED for _, _, kind in row.events)
        if endings > 1 or endings and row.events[-1][2] != ENDED or not endings and row.state in STATES:
            yield Broken("I1 one ending", run, f"the database has {endings} endings, state {row.state}, {row.events[-3:]}")
    for reading in seen.history.readings:
        told = [name for _, name, _ in reading.events if name in ENDINGS]
        if told[:2] == ["RunCancelled", "RunCompleted"]:
            del told[1]
        if len(told) > 1 or told and told[0] != seen.ending(reading.run):
            yield Broken("I1 one ending", reading.run, f"{reading.reader} was told {told}, the log says {seen.ending(reading.run)}")


def same_everywhere(seen):
    """Every node tells the same log, to the byte, and the status that goes with its ending."""
    for run, logs in seen.logs.items():
        first_node, first = next(iter(logs.items()), (None, None))
        for node, log in logs.items():
            if log != first:
                yield Broken("the same everywhere", run, f"{first_node} and {node} tell different logs: {_difference(first, log)}")
        for node, status in seen.statuses.get(run, {}).items():
            if status != STATUS.get(seen.ending(run)):
                yield Broken("the same everywhere", run, f"{node} says {status}, the log ends with {seen.ending(run)}")
        row = seen.rows.get(run)
        if row and STATES.get(row.state) != STATUS.get(seen.ending(run)):
            yield Broken("the same everywhere", run, f"the database says {row.state}, the log ends with {seen.ending(run)}")


def an_ending_stays(seen):
    """Whoever was told that a run is over was told how."""
    for op in seen.history.ops:
        told = (op.answer or {}).get("status")
        if op.kind == "look" and told in STATUS.values() and told != STATUS.get(seen.ending(op.run)):
            yield Broken("an ending stays", op.run, f"{op.node} said {told}, and it ended {seen.ending(op.run)}")


def accepted_cancels_win(seen):
    """I2: what was answered `cancelled` or `accepted` is cancelled; `already_ended` says how it ended, and it did."""
    for op in seen.history.ops:
        if op.kind != "cancel" or not op.answer:
            continue
        outcome, ending = op.answer.get("outcome"), STATUS.get(seen.ending(op.run))
        if outcome in ("cancelled", "accepted") and ending != "CANCELLED":
            yield Broken("I2 an accepted cancel wins", op.run, f"{op.node} answered {outcome}, and it ended {ending}")
        if outcome == "intent_stored" and ending not in ("CANCELLED", None):
            yield Broken("I2 an accepted cancel wins", op.run, f"{op.node} stored the intent, and it ended {ending}")
        if outcome == "already_ended" and op.answer.get("status") != ending:
            yield Broken("I2 an accepted cancel wins", op.run,
                         f"{op.node} answered already_ended {op.answer.get('status')}, and it ended {ending}")


def gapless_prefix(seen):
    """I4: a reader sees indices without a gap or a duplicate, from where it asked on, with the bytes of the log, through
    all its connections; and who was told that there is no more has seen the ending."""
    for reading in seen.history.readings:
        indices = [index for index, _, _ in reading.events]
        wanted = list(range(reading.first, reading.first + len(indices)))
        if indices != wanted:
            where = next(i for i, (a, b) in enumerate(zip(indices, wanted)) if a != b)
            yield Broken("I4 a gapless prefix", reading.run,
                         f"{reading.reader} saw {indices[max(0, where - 2):where + 3]} from place {where} on")
        log = {index: (name, text) for index, name, text in seen.log(reading.run)}
        for index, name, text in reading.events:
            if index in log and log[index] != (name, text):
                yield Broken("I4 a gapless prefix", reading.run,
                             f"{reading.reader} saw {index} {name} {text[:200]}, the log has {log[index][0]} {log[index][1][:200]}")
                break
        if reading.ended and not any(name in ENDINGS for _, name, _ in reading.events):
            yield Broken("I4 a gapless prefix", reading.run, f"{reading.reader} was told the end, and saw no ending")


def seen_is_journalled(seen):
    """I5: what anybody saw is in the log, and the log in the database is whole."""
    for reading in seen.history.readings:
        log = {index for index, _, _ in seen.log(reading.run)}
        missing = [index for index, _, _ in reading.events if index not in log]
        if missing:
            yield Broken("I5 seen is journalled", reading.run, f"{reading.reader} saw {missing[:5]}, the log has {len(log)} events")
    for run, row in seen.rows.items():
        numbers = [seq for seq, _, _ in row.events]
        if numbers != list(range(len(numbers))):
            yield Broken("I5 seen is journalled", run, f"the database has the events {numbers[:20]}…")
        if row.state in STATES and row.next_seq != len(numbers):
            yield Broken("I5 seen is journalled", run, f"the database has {len(numbers)} events, and counts {row.next_seq}")


def exact_text(seen):
    """I6: the ending's content is the concatenation of the published deltas."""
    for run in seen.logs:
        log = seen.log(run)
        text = "".join(json.loads(data).get("content") or "" for _, name, data in log if name == "RunContent")
        for _, name, data in log:
            field = {"RunCompleted": "content", "RunCancelled": "content", "RunError": "partial_content"}.get(name)
            if field is None or name == "RunCancelled" and not text:
                continue  # agno's words stand there instead of an empty text
            if name == "RunCompleted" and seen.ending(run) == "RunCancelled":
                continue
            told = json.loads(data).get(field) or ""
            if told != text:
                yield Broken("I6 exact text", run, f"{name} has {len(told)} characters, the deltas {len(text)}: …{told[-40:]!r} "
                                                   f"and …{text[-40:]!r}")


def nobody_is_left(seen):
    """I10: all is over: no run waits or runs, at any node or in the database. What was promised to a client is there."""
    for run, row in seen.rows.items():
        if row.state not in STATES:
            yield Broken("I10 nobody is left", run, f"the database says {row.state} (owner {row.owner}, epoch {row.epoch})")
    for run, told in seen.statuses.items():
        for node, status in told.items():
            if status not in (None, *STATUS.values()):
                yield Broken("I10 nobody is left", run, f"{node} says {status}")
    for op in seen.history.ops:
        run = op.run or (op.answer or {}).get("run_id")
        if op.kind.startswith("start") and op.status in (200, 202) and run and run not in seen.rows:
            yield Broken("I10 nobody is left", run, f"{op.node} took it with {op.status}, and nobody knows it")


def one_run_a_key(seen):
    """One idempotency key is one run, whichever nodes were asked."""
    told = collections.defaultdict(set)
    for op in seen.history.ops:
        if op.more.get("key") and op.status in (200, 202) and op.answer:
            told[op.more["key"]].add(op.answer["run_id"])
    for row in seen.rows.values():
        if row.key:
            told[row.key].add(row.run)
    for key, runs in told.items():
        if len(runs) > 1:
            yield Broken("one run a key", sorted(runs)[0], f"the key {key} made {sorted(runs)}")


def sessions_take_turns(seen, slack_ms=2):
    """Runs of one session do not overlap: each asks its model after the ending of the one before it. Those that were over
    before they asked anything had no turn. A run that was begun anew asks twice before anything else: its turn is the second."""
    sessions = collections.defaultdict(list)
    for row in seen.rows.values():
        began = next((at for (_, at, kind), behind in zip(row.events, row.events[1:] + [(0, 0, 0)])
                      if kind == WORKS and behind[2] != WORKS), None)
        if row.session and began is not None:
            sessions[row.session].append((began, row.events[-1][1], row.run))
    for session, spans in sessions.items():
        spans.sort()
        for (_, ended, before), (began, _, after) in zip(spans, spans[1:]):
            if began + slack_ms < ended:
                yield Broken("sessions take turns", after,
                             f"began {ended - began} ms before {before} of the same session {session} had ended", before)


ALL = (one_ending, same_everywhere, an_ending_stays, accepted_cancels_win, gapless_prefix, seen_is_journalled, exact_text,
       nobody_is_left, one_run_a_key, sessions_take_turns)


def broken(seen):
    return [one for promise in ALL for one in promise(seen)]


def _difference(one, other):
    for place, (a, b) in enumerate(zip(one, other)):
        if a != b:
            return f"at {place}: {str(a)[:160]} and {str(b)[:160]}"
    return f"{len(one)} and {len(other)} events"
