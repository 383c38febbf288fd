"""What the clients of a cluster did and saw, in order, for whoever checks it afterwards or has to read why a check failed."""

import dataclasses
import threading
import time


@dataclasses.dataclass
class Op:
    """One thing that a client asked for. `answer` is None if none came: then it may have happened, or not."""

    kind: str                  # "start", "start_by_key", "cancel"
    run: str                   # "": the answer names it
    node: str
    began: float               # seconds since the history began
    ended: float = None
    status: int = None         # of HTTP
    answer: dict = None
    more: dict = dataclasses.field(default_factory=dict)

    def words(self):
        took = "no answer" if self.ended is None else f"{(self.ended - self.began) * 1000:.0f} ms"
        said = self.answer or {}
        told = said.get("outcome") or said.get("status") or said.get("detail") or ""
        if said.get("outcome") == "already_ended":
            told += f" {said.get('status')}"
        more = " ".join(f"{k}={v}" for k, v in self.more.items() if v)
        return f"{self.began:7.3f} {self.node:>3} {self.kind} {self.run} {more} -> {self.status or '-'} {told} ({took})"


@dataclasses.dataclass
class Reading:
    """What one reader saw of a run, through as many connections as it took."""

    run: str
    reader: str
    events: list = dataclasses.field(default_factory=list)       # (index, name, text of the data)
    connections: list = dataclasses.field(default_factory=list)  # (since, node, from index, what became of it)
    first: int = 0            # the index that it asked for first
    ended: bool = False       # it was told that there is no more

    def words(self):
        ways = ", ".join(f"{node} from {first} at {at:.3f}: {what}" for at, node, first, what in self.connections)
        last = f"{self.events[-1][0]} {self.events[-1][1]}" if self.events else "nothing"
        return f"reader {self.reader} of {self.run}: {len(self.events)} events, the last {last}; {ways}"


class History:
    def __init__(self):
        self.lock = threading.Lock()
        self.zero = time.monotonic()
        self.ops, self.readings, self.faults = [], [], []

    def now(self):
        return time.monotonic() - self.zero

    def begin(self, kind, run, node, **more):
        op = Op(kind, run, node, self.now(), more=more)
        with self.lock:
            self.ops.append(op)
        return op

    def end(self, op, status, answer):
        op.status, op.answer = status, answer
        op.ended = self.now()

    def reading(self, run, reader, first=0):
        made = Reading(run, reader, first=first)
        with self.lock:
            self.readings.append(made)
        return made

    def fault(self, words):
        with self.lock:
            self.faults.append((self.now(), words))

    def runs(self):
        """Every run that a client asked for, or was told of."""
        named = {op.run for op in self.ops if op.run}
        return sorted(named | {op.answer["run_id"] for op in self.ops if op.answer and op.answer.get("run_id")})

    def story(self, runs=None, lines_max=120):
        """In the order of time: the faults, and what was done to these runs."""
        told = [(at, f"{at:7.3f} *** {words}") for at, words in self.faults]
        told += [(op.began, op.words()) for op in self.ops
                 if runs is None or op.run in runs or (op.answer or {}).get("run_id") in runs]
        lines = [line for _, line in sorted(told, key=lambda one: one[0])][:lines_max]
        return "\n".join(lines + [reading.words() for reading in self.readings if runs is None or reading.run in runs])
