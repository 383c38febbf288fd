"""Faults by a seed, while clients work; then everything is healed, comes to rest, and the promises are checked. As a program:

    nemesis.py SEED SECONDS         one schedule; ends with 1 and a story if a promise was broken
"""

import dataclasses
import queue
import random
import signal
import sys
import threading
import time

from clients import Crowd, ask
from cluster import PATIENCE_S, SLOW, Cluster, pause
from evidence import gather
from history import History
from promises import STATES, broken

SCENARIOS = {"words": "words;n=15;gap_ms=10", "long": "words;n=150;gap_ms=15", "endless": "endless;gap_ms=15",
             "reset": "reset;k=5", "slow": "slow_first_token;ms=400;n=3"}
REST_S = 20 * SLOW  # from healed to at rest: a lease of 1 s, a second's tick, the longest run of 2.5 s; the rest is for the machine


@dataclasses.dataclass
class Fault:
    """`begin` and `end` do it to a cluster; `how_long` bounds how long it lasts, in seconds."""

    name: str
    how_long: tuple
    begin: object
    end: object
    weight: int = 1
    of_a_node: bool = True


def _kill(cluster, i):
    cluster.nodes[i].kill()


def _leave(cluster, i):
    cluster.nodes[i].process.send_signal(signal.SIGTERM)


def _again(cluster, i):
    """Until it is up: its name may be held for a lease by who it was before, and its database may be away."""
    node, end = cluster.nodes[i], time.monotonic() + PATIENCE_S
    while True:
        node.stop()
        try:
            return node.spawn().wait_for_log("listening")
        except AssertionError:
            if time.monotonic() > end:
                raise
            pause(0.1)


def _nothing(cluster, i):
    pass


def _heal_database(cluster, i):
    cluster.databases[i].heal()


def _heal_links(cluster, i):
    cluster.nodes[i].links.heal()


def _others(cluster, i):
    return [node.place for node in cluster.nodes if node is not cluster.nodes[i]]


def _cut_links(cluster, i):
    for place in _others(cluster, i):
        cluster.nodes[i].place.cut(place)


def _cut_all(cluster, i):
    cluster.nodes[i].place.cut(cluster.database_place)
    _cut_links(cluster, i)


def _mend(cluster, i):
    cluster.nodes[i].place.heal()


OF_PROCESSES = [
    Fault("node killed", (0.1, 2.5), _kill, _again, 3),
    Fault("node asked to leave", (0.1, 1.0), _leave, _again, 1),
    Fault("node frozen", (0.3, 3.0), lambda c, i: c.nodes[i].freeze(), lambda c, i: c.nodes[i].thaw(), 3),
    Fault("PostgreSQL crashes and restarts", (0.0, 0.1), lambda c, _: c.postgres.crash_and_restart(), _nothing, 1, False),
    Fault("PostgreSQL away", (0.3, 3.0), lambda c, _: c.postgres.stop(), lambda c, _: c.postgres.start(), 1, False),
    Fault("PostgreSQL frozen", (0.3, 3.0), lambda c, _: c.postgres.freeze(), lambda c, _: c.postgres.thaw(), 1, False),
]
OF_RELAYS = [
    Fault("database silent for", (0.2, 3.0), lambda c, i: c.databases[i].hold(), _heal_database, 3),
    Fault("database deaf to", (0.2, 2.0), lambda c, i: c.databases[i].hold("in"), _heal_database, 1),
    Fault("database's answers lost to", (0.2, 2.0), lambda c, i: c.databases[i].hold("out"), _heal_database, 2),
    Fault("database refuses", (0.2, 2.0), lambda c, i: c.databases[i].refuse(), _heal_database, 1),
    Fault("database cut in mid-frame from", (0.0, 0.1), lambda c, i: c.databases[i].cut_mid_frame(), _nothing, 2),
    Fault("database half-closed to", (0.0, 0.1), lambda c, i: c.databases[i].half_close(), _nothing, 1),
    Fault("database a byte at a time to", (0.3, 1.5), lambda c, i: c.databases[i].mode("dribble"), _heal_database, 1),
    Fault("database slow to", (0.3, 2.0), lambda c, i: c.databases[i].mode("delay"), _heal_database, 1),
    Fault("links silent to", (0.3, 5.0), lambda c, i: c.nodes[i].links.hold(), _heal_links, 2),
    Fault("links deaf to", (0.3, 5.0), lambda c, i: c.nodes[i].links.hold("in"), _heal_links, 1),
    Fault("links refused by", (0.3, 2.0), lambda c, i: c.nodes[i].links.refuse(), _heal_links, 1),
    Fault("links cut in mid-frame to", (0.0, 0.1), lambda c, i: c.nodes[i].links.cut_mid_frame(), _nothing, 2),
    Fault("links a byte at a time to", (0.3, 1.5), lambda c, i: c.nodes[i].links.mode("dribble"), _heal_links, 1),
]
OF_WIRES = [
    Fault("wire to the database cut at", (0.2, 3.0), lambda c, i: c.nodes[i].place.cut(c.database_place), _mend, 4),
    Fault("wire: the database not heard at", (0.2, 3.0), lambda c, i: c.nodes[i].place.drop_from(c.database_place), _mend, 2),
    Fault("wire: nothing to the database from", (0.2, 3.0), lambda c, i: c.nodes[i].place.drop_to(c.database_place), _mend, 2),
    Fault("wire to the others cut at", (0.3, 5.0), _cut_links, _mend, 3),
    Fault("wire: the others not heard at", (0.3, 5.0), lambda c, i: [c.nodes[i].place.drop_from(p) for p in _others(c, i)], _mend, 2),
    Fault("wire to everything cut at", (0.3, 3.0), _cut_all, _mend, 3),
    Fault("wire to the database refused at", (0.3, 2.0), lambda c, i: c.nodes[i].place.refuse(c.database_place), _mend, 1),
    Fault("wire slow at", (0.3, 3.0), lambda c, i: c.nodes[i].place.slow(), _mend, 1),
]


def faults_of(cluster):
    return OF_PROCESSES + (OF_WIRES if cluster.wires else OF_RELAYS)


@dataclasses.dataclass
class Strike:
    at: float
    lasts: float
    fault: Fault
    node: int  # -1: it is the database itself

    def words(self):
        return self.fault.name + (f" n{self.node + 1}" if self.node >= 0 else "")

    def touches(self, other):
        """One thing is not struck twice at the same time by what starts and stops it."""
        return self.node == other.node and self.kind() == other.kind()

    def kind(self):
        """What is struck: "node", "database", "links", "wire", "PostgreSQL"."""
        return self.fault.name.replace(":", " ").replace("'", " ").split()[0]


def schedule(seed, seconds, faults, nodes=3):
    """The same for the same seed, on every machine."""
    dice = random.Random(f"schedule {seed}")
    plan, at = [], dice.uniform(0.3, 1.0)
    while at < seconds:
        fault = dice.choices(faults, [f.weight for f in faults])[0]
        strike = Strike(at, dice.uniform(*fault.how_long), fault, dice.randrange(nodes) if fault.of_a_node else -1)
        if not any(s.touches(strike) and s.at + s.lasts + 0.2 > at for s in plan):
            plan.append(strike)
        at += dice.expovariate(1 / 0.7)
    return plan


class Hand:
    """Strikes one thing, in order: what takes its time there holds up nothing else."""

    def __init__(self):
        self.deeds = queue.SimpleQueue()
        self.problem = None
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self):
        while (deed := self.deeds.get()) is not None:
            try:
                deed()
            except BaseException as problem:
                self.problem = self.problem or problem

    def join(self):
        self.deeds.put(None)
        self.thread.join()
        if self.problem:
            raise self.problem


def strike_all(cluster, plan, history, seconds):
    """Begins and ends them at their times, then waits for the end of the schedule, and for all to be healed."""
    hands = {}
    moments = sorted([(s.at, 0, s) for s in plan] + [(min(s.at + s.lasts, seconds), 1, s) for s in plan], key=lambda m: m[:2])

    def strike_now(strike, is_end):
        history.fault(strike.words() + (": over" if is_end else ""))
        (strike.fault.end if is_end else strike.fault.begin)(cluster, strike.node)

    for at, is_end, strike in moments:
        pause(max(0, at - history.now()))
        key = (strike.kind(), strike.node)
        hand = hands[key] = hands.get(key) or Hand()
        hand.deeds.put(lambda strike=strike, is_end=is_end: strike_now(strike, is_end))
    pause(max(0, seconds - history.now()))
    for hand in hands.values():
        hand.join()
    for node in cluster.nodes:
        if node.process.poll() is not None:
            raise AssertionError(f"{node.name} has ended by itself with {node.process.returncode}:\n" + "\n".join(node.log.seen[-20:]))


def bring_to_rest(cluster, history, crowd):
    """All is healed by now: nothing new is begun, what has no end of its own is cancelled, and every reader hears the end."""
    crowd.stop()
    history.fault("healed")
    crowd.healed.set()
    until = history.now() + REST_S
    dice = random.Random(0)
    waiting = [run for run in history.runs()]
    while waiting and history.now() < until:
        left = []
        for run in waiting:
            node = dice.choice(cluster.nodes)
            status, answer = ask(node, "GET", f"/runs/{run}")
            if status == 404 or status == 200 and answer["status"] in STATES.values():
                continue
            left.append(run)
            if status == 200 and history.now() > until - REST_S / 2 or run_is_endless(history, run):
                crowd.cancel(run, dice, tries=1)
        waiting = left
        pause(0.05)
    return crowd.join_watchers(until)


def run_is_endless(history, run):
    return any(op.run == run and op.more.get("agent") == "endless" for op in history.ops)


def play(seed, seconds, cluster, clients=6, plan=None):
    """One schedule on a cluster that is healthy; what was broken, and what there is to say about it."""
    history = History()
    plan = schedule(seed, seconds, faults_of(cluster), len(cluster.nodes)) if plan is None else plan
    crowd = Crowd(history, cluster.nodes, seed, clients, list(SCENARIOS))
    try:
        strike_all(cluster, plan, history, seconds)
    except AssertionError as problem:
        crowd.stop()
        crowd.over.set()
        return False, f"seed {seed}: {problem}\n{history.story([])}"
    late = bring_to_rest(cluster, history, crowd)
    seen = gather(cluster, history)
    found = broken(seen)
    bad = [*dict.fromkeys(run for one in found for run in (one.run, one.other) if run), *(watcher.run for watcher in late)]
    words = [f"seed {seed}, {seconds} s, {len(plan)} faults, {len(history.ops)} requests, {len(seen.rows)} runs, "
             f"{sum(len(r.events) for r in history.readings)} events seen by {len(history.readings)} readers"]
    answered = [op for op in history.ops if op.kind == "cancel" and (op.answer or {}).get("outcome") in ("cancelled", "accepted")]
    words.append(f"{len(answered)} cancels accepted; endings: " + ", ".join(
        f"{sum(seen.rows[r].state == state for r in seen.rows)} {state}" for state in STATES))
    if found or late:
        words += [str(one) for one in found[:20]]
        words += [f"never told its end: {watcher.reading.words()}" for watcher in late[:10]]
        words.append(history.story(bad[:4]))
        words += [f"in the database: {seen.rows[run]}" for run in bad[:4] if run in seen.rows]
    return not found and not late, "\n".join(words)


def make_cluster(net=None):
    """With relays on the loopback, or on a network of name spaces."""
    return Cluster(3, SCENARIOS, lease="1s", relays=net is None, wires=net, server={"drain_grace": "1s"})


def main(seed, seconds):
    with make_cluster() as cluster:
        began = time.monotonic()
        good, words = play(seed, seconds, cluster)
        print(words, flush=True)
        print(f"{'kept' if good else 'BROKEN'} after {time.monotonic() - began:.1f} s", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
