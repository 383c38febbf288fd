"""A server under load for as long as one likes: runs that end, that are cancelled in every phase, whose clients leave, read
slowly or come back, providers that fail, and restarts with and without warning. The load stops now and then, and what the
process holds at rest is counted: actors, threads and file descriptors must be the same each time, memory must not climb.

soak.py MINUTES (default 60) prints one line each rest, and ends with 1 if a promise was broken."""

import argparse
import collections
import http.client
import os
import random
import re
import statistics
import sys
import threading
import time

from harness import PATIENCE_S, Provider, Server, Stream

WORKERS = 16
CANCEL_WAIT_US = 1_000_000
SLOPE_MAX = 1.0  # percent of the process' memory an hour
SLOPE_FROM_S = 1200  # below that a slope says nothing

SCENARIOS = {
    "words": "words;n=30;gap_ms=2",
    "endless": "endless;gap_ms=2",
    "silence": "silence",
    "halted": "silence_after;k=5",
    "broken": "early_close;k=4",
    "reset": "reset;k=2",
    "refused": "status;code=500",
    "garbage": "bad_json;k=3",
}

Rest = collections.namedtuple("Rest", "at_s rss_kib actors threads files runs")


def endings(names):
    return [name for name in names if name in ("RunCompleted", "RunCancelled", "RunError")]


def broken_stream(events):
    """What a whole stream of one run breaks, in a sentence; empty: nothing."""
    names = [event[0] for event in events]
    if endings(names) not in (["RunCompleted"], ["RunError"], ["RunCancelled", "RunCompleted"]):
        return f"endings {endings(names)}"
    text = "".join(event[1]["content"] for event in events if event[0] == "RunContent")
    ending = next(event[1] for event in events if event[0] == endings(names)[0])
    # A run that was cancelled before it said anything has a sentence about that in its place, as in agno.
    exact = endings(names) == ["RunCompleted"] or (text and endings(names) != ["RunError"])
    if exact and (ending.get("content") or "") != text:
        return f"the ending has {len(ending.get('content') or '')} characters, the deltas {len(text)}"
    return ""


class Load:
    """Workers that use a server each in its own way, until they are told to stop; then each finishes what it does."""

    def __init__(self, server, seed):
        self.server, self.seed = server, seed
        self.stopping = threading.Event()
        self.going_down = threading.Event()  # the server is about to go: errors are no news
        self.guard = threading.Lock()
        self.did = collections.Counter()
        self.broken = []
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        dice = random.Random(f"{self.seed}-{number}")
        turn = 0
        while not self.stopping.is_set() and not self.going_down.is_set():
            turn += 1
            run = f"soak-{self.seed}-{number}-{turn}"
            act = dice.choice([self.to_its_end, self.cancelled, self.cancelled_twice, self.left_alone, self.slow_reader,
                               self.resumed, self.in_the_background, self.cancelled_before])
            try:
                why = act(run, dice)
            except (OSError, ValueError, AssertionError, http.client.HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
            with self.guard:
                self.did[act.__name__] += 1
                if why and not self.going_down.is_set():
                    self.broken.append(f"{run} ({act.__name__}): {why}")

    def stop(self):
        self.stopping.set()
        self.join()

    def join(self):
        for thread in self.threads:
            thread.join()

    # -- what a worker does; each returns what was broken ------------------------------

    def start(self, run, agent, dice, **more):
        session = {"session_id": f"s-{run}"} if dice.random() < 0.9 else {}
        return self.server.run(agent, run_id=run, **session, **more)

    def cancel(self, run, agent, granted=("cancelled",)):
        status, receipt = self.server.cancel(run, agent)
        # On a machine that has no time for the server the answer comes when its second is over, and says so.
        if receipt["outcome"] == "accepted" and receipt["latency_us"] >= CANCEL_WAIT_US:
            return ""
        if status not in (200, 202) or receipt["outcome"] not in granted:
            return f"the cancel was answered with {status} {receipt}"
        return ""

    def to_its_end(self, run, dice):
        with self.start(run, dice.choice(["words", "words", "broken", "reset", "refused", "garbage"]), dice) as stream:
            stream.rest()
            return broken_stream(stream.events)

    def cancelled(self, run, dice):
        agent = dice.choice(["endless", "silence", "halted"])
        with self.start(run, agent, dice) as stream:
            stream.until("RunStarted")
            # Deltas that come together are one event: of a model that halts, only the first is sure.
            for _ in range({"endless": dice.randrange(4), "halted": 1, "silence": 0}[agent]):
                stream.until("RunContent")
            why = self.cancel(run, agent)
            stream.rest()
            return why or broken_stream(stream.events) or ("" if "RunCancelled" in stream.names() else "not cancelled")

    def cancelled_twice(self, run, dice):
        with self.start(run, "endless", dice) as stream:
            stream.until("RunStarted")
            why = self.cancel(run, "endless") or self.cancel(run, "endless", ("cancelled", "already_ended"))
            stream.rest()
            return why or broken_stream(stream.events)

    def cancelled_before(self, run, dice):
        why = self.cancel(run, "endless", ("intent_stored",))
        with self.start(run, "endless", dice) as stream:
            stream.rest()
            return why or broken_stream(stream.events) or ("" if "RunCancelled" in stream.names() else "not cancelled")

    def left_alone(self, run, dice):
        """The client leaves without a word; the run goes on and is cancelled by its id."""
        stream = self.start(run, "endless", dice, background="true")
        stream.until("RunContent")
        stream.reset() if dice.random() < 0.5 else stream.close()
        return self.cancel(run, "endless")

    def slow_reader(self, run, dice):
        """One reads, the other does not for a while; both see the same."""
        with self.start(run, "endless", dice, background="true") as live:
            live.until("RunContent")
            with Stream(self.server, "GET", f"/runs/{run}/events", receive_buffer=4096) as slow:
                for _ in range(dice.randrange(20, 300)):
                    live.until("RunContent")
                why = self.cancel(run, "endless")
                live.rest()
                slow.rest()
                return why or broken_stream(slow.events) or ("" if slow.names() == live.names() else "readers saw different events")

    def resumed(self, run, dice):
        """The connection breaks, and the rest is read from the event on that is missing."""
        with self.start(run, "words", dice, background="true") as first:
            for _ in range(dice.randrange(3, 20)):
                first.next()
            if endings(first.names()):  # deltas come together when the machine has much to do
                return broken_stream(first.events)
            first.reset()
            last = first.events[-1][1]["event_index"]
            with Stream(self.server, "GET", f"/runs/{run}/events", headers={"Last-Event-ID": str(last)}) as rest:
                rest.rest()
                return broken_stream(first.events + rest.events)

    def in_the_background(self, run, dice):
        form = {"message": "hello", "run_id": run, "stream": "false", "background": "true"}
        status, _ = self.server.post("/agents/words/runs", form)
        if status != 202:
            return f"the start was answered with {status}"
        with Stream(self.server, "GET", f"/runs/{run}/events") as stream:
            stream.rest()
            return broken_stream(stream.events)


class Soak:
    def __init__(self, seconds, seed, say):
        self.seconds, self.seed, self.say = seconds, seed, say
        self.broken, self.did, self.loads = [], collections.Counter(), 0
        self.provider = Provider()
        self.server = Server('[server]\ndrain_grace = "1s"\n\n' + "".join(self.provider.model(name, scenario) for name, scenario in SCENARIOS.items()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.provider.close()

    def metric(self, text, name):
        return int(float(re.search(rf"^{name} (\S+)$", text, re.M)[1]))

    def files(self):
        """Open files, without the connections to the provider that are kept for the next call: they come and go."""
        process = f"/proc/{self.server.process.pid}"
        with open(f"{process}/net/tcp") as table:
            rows = [line.split() for line in table][1:]
        kept = {f"socket:[{row[9]}]" for row in rows if int(row[2].split(":")[1], 16) == self.provider.port}
        count = 0
        for name in os.listdir(f"{process}/fd"):
            try:
                count += os.readlink(f"{process}/fd/{name}") not in kept
            except FileNotFoundError:
                pass  # closed meanwhile
        return count

    def numbers(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        text = self.server.request("GET", "/prometheus")[2]
        moving = sum(self.metric(text, f"oncue_{what}") for what in ("runs_running", "runs_queued", "http_streams"))
        return moving, Rest(time.monotonic(), int(fields["VmRSS"].split()[0]), self.metric(text, "oncue_actors"),
                            int(fields["Threads"]), self.files(),
                            self.metric(text, "oncue_runs_started_total"))

    def rest(self, usual=None):
        """What is held when nothing is asked for any more. What is more than usual gets the time to go away."""
        until = time.monotonic() + PATIENCE_S
        while True:
            moving, now = self.numbers()
            quiet = moving == 0 and (usual is None or (now.actors, now.threads, now.files) == usual)
            if quiet or time.monotonic() > until:
                return moving, now

    def load(self, seconds, then=None):
        """So much load; `then`: what is done to the server in the middle of it."""
        self.loads += 1
        load = Load(self.server, f"{self.seed}-{self.loads}")
        load.stopping.wait(seconds)
        if then:
            load.going_down.set()
            then()
        load.stop()
        self.did += load.did
        self.broken += load.broken

    def after_restart(self, how):
        left = [run["run_id"] for run in self.server.get("/runs?limit=1000")[1] if run["status"] in ("RUNNING", "PENDING")]
        if left:
            self.broken.append(f"after a {how}, still running: {left[:5]}")

    def go(self):
        began = time.monotonic()
        for how in ("SIGTERM", "SIGKILL"):
            stop = self.server.kill if how == "SIGKILL" else self.server.stop
            self.load(min(20, self.seconds / 8), stop)
            self.server.start()
            self.after_restart(how)
            self.say(f"restarted after {how}")
        pause = max(2.0, min(30.0, self.seconds / 20))
        self.load(pause)  # what is made once is there now
        rests, usual = [], None
        while not rests or time.monotonic() - began < self.seconds:
            self.load(pause)
            moving, now = self.rest(usual)
            rests.append(now)
            self.say(f"{now.at_s - began:6.0f} s  {now.runs:8} runs  {now.rss_kib:8} KiB  {now.actors:4} actors  {now.threads:3} threads  "
                     f"{now.files:3} files")
            held = (now.actors, now.threads, now.files)
            usual = usual or held
            if moving or held != usual:
                self.broken.append(f"at rest after {now.runs} runs: {moving} still moving, (actors, threads, files) {held}, first {usual}")
                break
        return self.report(rests)

    def report(self, rests):
        late = rests[len(rests) // 3:]
        slopes = [(b.rss_kib - a.rss_kib) / (b.at_s - a.at_s) for i, a in enumerate(late) for b in late[i + 1:]]
        percent = statistics.median(slopes) * 3600 / late[0].rss_kib * 100 if slopes else 0.0
        seconds = late[-1].at_s - late[0].at_s
        judged = seconds >= SLOPE_FROM_S
        if judged and percent > SLOPE_MAX:
            self.broken.append(f"memory grows by {percent:.2f} % an hour")
        self.say(f"{sum(self.did.values())} things done: " + ", ".join(f"{n} {what}" for what, n in sorted(self.did.items())))
        self.say(f"memory {percent:+.2f} %/h over {seconds:.0f} s" + ("" if judged else " (too short to be judged)") +
                 f"; actors, threads and files: {'the same each time' if not self.broken else 'see below'}")
        for why in self.broken[:20]:
            self.say("BROKEN  " + why)
        return self.broken


def main():
    parser = argparse.ArgumentParser(description="A server under load, and what it holds at rest.")
    parser.add_argument("minutes", nargs="?", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Soak(options.minutes * 60, options.seed, lambda line: print(line, flush=True)) as soak:
        return 1 if soak.go() else 0


if __name__ == "__main__":
    sys.exit(main())
